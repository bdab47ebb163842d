use super::*;
use crate::id::Group;
use crate::store::{Check, Table};

#[test]
fn a_sweep_leaves_the_rows_that_are_not_due_and_knows_those_that_are() {
    let folder = tempfile::tempdir().unwrap();
    let store = SledStore::open(SledOptions::new(folder.path().join("store"))).unwrap();
    let put = |id: u8, at: u64| {
        let key = Key::of_16(Group(3), Table::Session, &[id; 16]);
        let batch = Batch::new(Group(3), crate::store::Durability::Buffered)
            .check(key, Check::Absent)
            .put(key, vec![id], Timestamp::from_millis(at));
        assert!(matches!(store.commit(batch), Ok(Commit::Committed { .. })));
        key
    };
    let keys = [put(1, 100), put(2, 200), put(3, 300)];
    let due = store.expired(None, Timestamp::from_millis(200), 10).unwrap();
    assert_eq!(due.iter().map(|due| due.key).collect::<Vec<_>>(), keys[..2]);
    for key in keys {
        assert!(store.get(&key).unwrap().is_some(), "expired() deletes nothing");
    }
}
