//! What is LMDB's own: its length, the file of epochs, forks, rollback, moving in and out.

mod support;

use std::fs::{self, File};
use std::path::Path;

use sessile::store::{
    Batch, Commit, Durability, Key, LmdbOptions, LmdbStore, MemoryStore, OnRollback, Store, Table,
    export, import,
};
use sessile::{ErrorKind, Group, Result, Timestamp};

const G: Group = Group(3);

fn open(dir: &Path) -> Result<LmdbStore> {
    LmdbStore::open(LmdbOptions::new(dir))
}

fn kind<T>(result: Result<T>) -> ErrorKind {
    match result {
        Ok(_) => panic!("it worked"),
        Err(error) => {
            println!("{error}");
            error.kind()
        }
    }
}

fn key(id: u32) -> Key {
    Key::new(G, Table::Session, &id.to_be_bytes()).unwrap()
}

fn put(store: &dyn Store, id: u32) -> Result<Commit> {
    let batch = Batch::new(G, Durability::Durable);
    store.commit(batch.put(key(id), vec![id as u8; 1_000], Timestamp::from_millis(9)))
}

#[test]
fn a_full_store_says_so_keeps_what_it_has_and_grows_when_it_is_opened_longer() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("store");
    let short = || LmdbStore::open(LmdbOptions::new(&path).map_len_max_bytes(1 << 20)).unwrap();
    let store = short();
    let mut count = 0;
    let full = loop {
        match put(&store, count) {
            Ok(_) => count += 1,
            Err(error) => break error,
        }
    };
    assert_eq!(full.kind(), ErrorKind::Unavailable);
    assert!(full.message().contains("map_len_max_bytes"), "{full}");
    assert!(count > 100, "{count}");
    assert!((0..count).all(|id| store.get(&key(id)).unwrap().is_some()));
    assert_eq!(store.get(&key(count)).unwrap(), None);
    drop(store);
    let store = open(&path).unwrap();
    assert!(matches!(put(&store, count).unwrap(), Commit::Committed { .. }));
    assert!((0..=count).all(|id| store.get(&key(id)).unwrap().is_some()));
}

#[test]
fn the_file_of_epochs_is_made_anew_by_the_first_and_taken_as_it_is_or_not_at_all_by_others() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("store");
    let epochs = path.join("sessile.epochs");
    drop(open(&path).unwrap());
    let whole = fs::read(&epochs).unwrap();
    for damage in ["gone", "cut", "zeros"] {
        match damage {
            "gone" => fs::remove_file(&epochs).unwrap(),
            "cut" => fs::write(&epochs, &whole[..5_000]).unwrap(),
            _ => fs::write(&epochs, vec![0; whole.len()]).unwrap(),
        }
        drop(open(&path).unwrap());
        assert_eq!(fs::read(&epochs).unwrap().len(), whole.len(), "{damage}");
    }

    // As if another process had the store open.
    let other = File::open(path.join("sessile.lock")).unwrap();
    other.lock_shared().unwrap();
    let whole = fs::read(&epochs).unwrap();
    drop(open(&path).unwrap());
    assert_eq!(fs::read(&epochs).unwrap(), whole, "taken as it is");
    let longer = LmdbOptions::new(&path).map_len_max_bytes(128 << 30);
    assert_eq!(kind(LmdbStore::open(longer)), ErrorKind::InvalidConfig);
    let copy = path.join("copy");
    fs::copy(&epochs, &copy).unwrap();
    fs::rename(&copy, &epochs).unwrap();
    assert_eq!(kind(open(&path)), ErrorKind::Corrupt, "a copy is another file");
    fs::write(&epochs, &whole[..whole.len() - 8]).unwrap();
    assert_eq!(kind(open(&path)), ErrorKind::Corrupt);
    fs::remove_file(&epochs).unwrap();
    assert_eq!(kind(open(&path)), ErrorKind::Corrupt);
    drop(other);
    open(&path).unwrap();
}

#[test]
fn a_store_from_before_a_fork_is_refused_in_the_child_and_goes_on_in_the_parent() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("store");
    let store = open(&path).unwrap();
    let _ = put(&store, 1).unwrap();
    // SAFETY: the child touches nothing of the other threads of this process, and ends without
    // running anything of the parent's.
    let pid = unsafe { libc::fork() };
    if pid == 0 {
        let holds = || {
            let is_forked = |kind: ErrorKind| kind == ErrorKind::Forked;
            let before_note = put(&store, 2).is_err_and(|e| is_forked(e.kind()))
                && open(&path).is_err_and(|e| is_forked(e.kind()))
                && open(&dir.path().join("own")).is_ok();
            sessile::note_fork();
            before_note && store.get(&key(1)).is_err_and(|e| is_forked(e.kind()))
        };
        let holds = std::panic::catch_unwind(std::panic::AssertUnwindSafe(holds));
        // SAFETY: always safe; it runs no handlers and no destructors.
        unsafe { libc::_exit(i32::from(!matches!(holds, Ok(true)))) }
    }
    let mut status = 0;
    // SAFETY: `status` is a valid place for an int, and `pid` our child.
    assert_eq!(unsafe { libc::waitpid(pid, &raw mut status, 0) }, pid);
    assert_eq!(status, 0, "the child found something else");
    let _ = put(&store, 2).unwrap();
    assert!(store.get(&key(2)).unwrap().is_some());
}

#[test]
fn an_older_copy_is_refused_or_opened_with_a_word_until_everything_is_revoked() {
    let dir = tempfile::tempdir().unwrap();
    let (path, older) = (dir.path().join("store"), dir.path().join("older"));
    let store = open(&path).unwrap();
    let _ = put(&store, 1).unwrap();
    drop(store);
    support::copy_from_outside(&path, &older);
    let store = open(&path).unwrap();
    let _ = put(&store, 2).unwrap();
    drop(store);
    fs::copy(older.join("data.mdb"), path.join("data.mdb")).unwrap();
    assert_eq!(kind(open(&path)), ErrorKind::RolledBack);
    let revoking = || LmdbOptions::new(&path).on_rollback(OnRollback::RevokeAll);
    for _ in 0..2 {
        let store = LmdbStore::open(revoking()).unwrap();
        assert!(store.capabilities().was_rolled_back);
    }
    let store = LmdbStore::open(revoking()).unwrap();
    store.sync().unwrap();
    drop(store);
    assert!(!open(&path).unwrap().capabilities().was_rolled_back);
}

#[test]
fn sessions_move_in_and_out_by_an_export() {
    let dir = tempfile::tempdir().unwrap();
    let (memory, back) = (MemoryStore::new(), MemoryStore::new());
    assert!((0..500).all(|id| put(&memory, id).is_ok()));
    let store = open(&dir.path().join("store")).unwrap();
    for (from, to) in [(&memory as &dyn Store, &store as &dyn Store), (&store, &back)] {
        let mut bytes = Vec::new();
        export(from, &mut bytes).unwrap();
        import(to, &mut bytes.as_slice()).unwrap();
    }
    assert_eq!(back.dump(None, 1_000).unwrap(), memory.dump(None, 1_000).unwrap());
}
