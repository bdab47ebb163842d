//! Measuring on a noisy machine: floor and ours in turn within one process, and medians.
//!
//! What disturbs one round disturbs both of its measurements, so the ratio is taken within each
//! round, and its median is what counts.

use std::time::Instant;

/// Medians over the rounds.
#[derive(Clone, Copy, Debug)]
pub struct Compared {
    /// What the floor measured.
    pub floor: f64,
    /// What ours measured.
    pub ours: f64,
    /// Ours over floor.
    pub ratio: f64,
}

/// Measures `floor` and `ours` in turn; which is first changes from round to round. A round
/// before the first warms both up and does not count.
pub fn alternate(
    rounds: usize,
    mut floor: impl FnMut() -> f64,
    mut ours: impl FnMut() -> f64,
) -> Compared {
    floor();
    ours();
    let (mut floors, mut all_ours, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..rounds {
        let (f, o) = if round % 2 == 0 {
            let f = floor();
            (f, ours())
        } else {
            let o = ours();
            (floor(), o)
        };
        floors.push(f);
        all_ours.push(o);
        ratios.push(o / f);
    }
    Compared { floor: median(floors), ours: median(all_ours), ratio: median(ratios) }
}

/// Nanoseconds that each of `count` calls of `work` takes on average.
pub fn ns_each(count: usize, mut work: impl FnMut()) -> f64 {
    let started = Instant::now();
    for _ in 0..count {
        work();
    }
    started.elapsed().as_nanos() as f64 / count as f64
}

/// The median.
///
/// # Panics
/// If there are no values.
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_middle_one() {
        assert_eq!(median(vec![9.0, 1.0, 5.0]), 5.0);
        assert_eq!(median(vec![2.0]), 2.0);
    }

    #[test]
    fn ratios_are_of_one_round_and_the_first_round_does_not_count() {
        let mut drift = 100.0;
        let mut floor = || {
            drift += 1.0;
            drift
        };
        let (mut calls, mut ours) = (0, 0.0);
        let compared = alternate(5, &mut floor, || {
            calls += 1;
            ours += 1.0;
            ours
        });
        assert_eq!(calls, 6);
        assert_eq!((compared.floor, compared.ours), (104.0, 4.0));
        assert!((compared.ratio - 4.0 / 104.0).abs() < 1e-9);
    }
}
