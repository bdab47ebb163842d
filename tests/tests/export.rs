//! Exports: whole, portable between backends, and never loaded when damaged.

use std::path::Path;

use sessile::store::{
    Batch, Durability, Key, MemoryStore, Row, SledOptions, SledStore, Store, Table, export, import,
};
use sessile::{ErrorKind, Group, Timestamp};

/// The store that `export-v1.bin` was made of: every table, both ends of every number.
fn golden_store() -> MemoryStore {
    let store = MemoryStore::new();
    let mut rows = Vec::new();
    for (i, table) in (1..).zip(Table::ALL) {
        for (group, id) in [(0, &b""[..]), (7, b"id"), (u16::MAX, &[0xff; 32])] {
            let key = Key::new(Group(group), *table, id).unwrap();
            let expires_at = match group {
                7 => Timestamp::NEVER,
                _ => Timestamp::from_millis(1_780_000_000_000 + i),
            };
            let value = (0..u8::MAX).cycle().take(40 * i as usize).collect();
            rows.push((key, Row { version: i * 1000 + u64::from(group), expires_at, value }));
        }
    }
    store.load(rows).unwrap();
    store
}

fn bytes(store: &dyn Store) -> Vec<u8> {
    let mut bytes = Vec::new();
    let summary = export(store, &mut bytes).unwrap();
    assert_eq!(summary.len_bytes, bytes.len() as u64);
    bytes
}

fn rows(store: &dyn Store) -> Vec<(Key, Row)> {
    store.dump(None, usize::MAX).unwrap()
}

/// More than one frame.
fn large_store() -> MemoryStore {
    let store = MemoryStore::new();
    for i in 0..100_u8 {
        let key = Key::new(Group(u16::from(i)), Table::Data, &[i; 16]).unwrap();
        let batch = Batch::new(key.group(), Durability::Buffered);
        let _ = store.commit(batch.put(key, vec![i; 60_000], Timestamp::NEVER)).unwrap();
    }
    store
}

#[test]
fn the_format_is_that_of_the_golden_file() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/export-v1.bin");
    let exported = bytes(&golden_store());
    if std::env::var_os("SESSILE_BLESS").is_some() {
        std::fs::write(&path, &exported).unwrap();
    }
    let golden = std::fs::read(&path).unwrap();
    assert!(exported == golden, "the export differs from {}", path.display());
    let store = MemoryStore::new();
    assert_eq!(import(&store, &mut golden.as_slice()).unwrap().rows, 3 * Table::ALL.len() as u64);
    assert_eq!(rows(&store), rows(&golden_store()));
}

#[test]
fn rows_go_from_backend_to_backend_unchanged() {
    let dir = tempfile::tempdir().unwrap();
    let memory = large_store();
    let exported = bytes(&memory);
    let sled = SledStore::open(SledOptions::new(dir.path())).unwrap();
    let summary = import(&sled, &mut exported.as_slice()).unwrap();
    assert_eq!((summary.rows, summary.frames), (100, 6));
    assert!(bytes(&sled) == exported);
    drop(sled);
    let sled = SledStore::open(SledOptions::new(dir.path())).unwrap();
    assert_eq!(rows(&sled), rows(&memory));
    assert!(sled.version() > memory.version());
    let back = MemoryStore::new();
    import(&back, &mut bytes(&sled).as_slice()).unwrap();
    assert_eq!(rows(&back), rows(&memory));
}

#[test]
fn a_store_with_rows_takes_no_import() {
    let store = golden_store();
    let before = rows(&store);
    let error = import(&store, &mut bytes(&large_store()).as_slice()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    assert_eq!(rows(&store), before);
}

#[test]
fn an_export_cut_anywhere_is_refused() {
    let exported = bytes(&golden_store());
    for len in 0..exported.len() {
        let error = import(&MemoryStore::new(), &mut &exported[..len]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Corrupt, "{len}");
    }
    let longer = [exported.as_slice(), b"x"].concat();
    let error = import(&MemoryStore::new(), &mut longer.as_slice()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt);
}

#[test]
fn an_export_changed_anywhere_is_refused() {
    let exported = bytes(&golden_store());
    for at in 0..exported.len() {
        for bit in [0x01, 0x80] {
            let mut changed = exported.clone();
            changed[at] ^= bit;
            let error = import(&MemoryStore::new(), &mut changed.as_slice()).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Corrupt, "byte {at}");
        }
    }
}

#[test]
fn a_damaged_frame_is_named_and_not_loaded() {
    let mut exported = bytes(&large_store());
    let at = exported.len() / 2;
    exported[at] ^= 1;
    let store = MemoryStore::new();
    let error = import(&store, &mut exported.as_slice()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt);
    assert!(error.message().contains("frame 3"), "{error}");
    assert_eq!(rows(&store).len(), 36);
}

#[test]
fn a_newer_format_is_refused_before_anything_is_loaded() {
    let mut exported = bytes(&golden_store());
    exported[11] = 2;
    let crc = crc32fast::hash(&exported[..12]);
    exported[12..16].copy_from_slice(&crc.to_be_bytes());
    let store = MemoryStore::new();
    let error = import(&store, &mut exported.as_slice()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NewerFormat);
    assert_eq!(rows(&store), []);
}

#[test]
fn a_full_disk_under_an_export_is_told() {
    struct Full;
    impl std::io::Write for Full {
        fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
            Err(std::io::ErrorKind::StorageFull.into())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let error = export(&golden_store(), &mut Full).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
}
