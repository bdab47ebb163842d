//! One ordered page from several ordered partitions.

use crate::error::Result;

/// The first `limit` items of all partitions together. `fetch` gives the items of a partition
/// behind an item, in order, as many as it is asked for unless there are fewer.
pub(super) fn merge<T: Ord>(
    partitions: usize,
    limit: usize,
    fetch: impl Fn(usize, Option<&T>, usize) -> Result<Vec<T>>,
) -> Result<Vec<T>> {
    if limit == 0 {
        return Ok(Vec::new());
    }
    // Rows are spread by a hash, so that each partition has about as many of a page.
    let at_once = (limit / partitions.max(1)).saturating_mul(2).clamp(8, 512).min(limit);
    let mut page: Vec<T> = Vec::new();
    for partition in 0..partitions {
        let mut own: Vec<T> = Vec::new();
        loop {
            let items = fetch(partition, own.last(), at_once)?;
            let is_all = items.len() < at_once;
            own.extend(items);
            // Whatever comes behind the last of a full page has no place in it.
            let is_beyond = page.len() >= limit && own.last() >= page.last();
            if is_all || is_beyond || own.len() >= limit {
                break;
            }
        }
        page.append(&mut own);
        page.sort();
        page.truncate(limit);
    }
    Ok(page)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_the_first_of_all_partitions_however_uneven_they_are() {
        let partitions: Vec<Vec<u32>> = vec![
            (0..1_000).map(|n| n * 3).collect(),
            Vec::new(),
            (0..10).map(|n| n * 3 + 1).collect(),
            (2_000..2_100).collect(),
        ];
        let mut all: Vec<u32> = partitions.concat();
        all.sort_unstable();
        for limit in [0, 1, 2, 9, 100, 1_000, 5_000] {
            let page = merge(4, limit, |partition, last: Option<&u32>, limit| {
                let items = partitions[partition].iter();
                let behind = items.filter(|item| last.is_none_or(|last| *item > last));
                Ok(behind.take(limit).copied().collect())
            });
            assert_eq!(page.unwrap(), all[..limit.min(all.len())]);
        }
    }
}
