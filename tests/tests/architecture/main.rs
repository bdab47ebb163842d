//! The layers of the core: imports point down, and some words belong to one file.
//!
//! Reads the sources as tokens, from `lib.rs` along its `mod` lines, and looks at every path that
//! starts with `crate::`, `super::`, `self::` or the name of a child module, in imports, bodies
//! and macros alike. A `pub use` of a child's names hands them on and is no import.

mod checker;

use std::collections::BTreeMap;

use checker::check;
use sessile_tests::{project_files, project_root};

/// Each module's layer; the longest name that fits counts. Imports may point down or aside.
/// Where one child of a module is listed, all of them are, here or in [`PARTS`].
const LAYERS: &[(&str, u8)] = &[
    ("error", 0),
    ("fork", 0),
    ("verdict", 0),
    ("time", 0),
    ("sync", 0),
    ("sys", 0),
    ("codec::base64url", 0),
    ("data", 1),
    ("id", 1),
    ("kind", 1),
    ("record", 1),
    ("policy", 2),
    ("codec", 2),
    ("token", 2),
    ("keys", 2),
    ("cookie", 2),
    ("store", 3),
    ("cache", 3),
    ("store::export", 4),
    ("store::lmdb", 4),
    ("store::memory", 4),
    ("store::sled", 4),
    ("config", 5),
    ("engine", 5),
    ("jwt", 6),
    ("testing", 6),
];

/// Children that are one with their parent, although others are not.
const PARTS: &[&str] = &[
    "codec::json",
    "codec::record",
    "store::expiry",
    "store::files",
    "store::key",
    "store::queue",
    "store::stamp",
];

/// The one file with `unsafe`: memory that other processes write to.
const UNSAFE_FILE: &str = "sys.rs";

/// Layers whose modules do not know each other: the engine alone joins them.
const STRANGERS: &[u8] = &[3, 4];

/// What may be named of `std::sync` outside `sync`: nothing that blocks or orders memory.
const SYNC_ANYWHERE: &[&str] = &["Arc", "Weak"];

/// Where a file is long enough to ask for its parts.
const FILE_LINES_MAX: usize = 600;

/// Files that are longer, and why that is well.
const LONGER_FILES: &[(&str, &str)] = &[
    ("core/src/cookie/tests.rs", "one case after another, of one module"),
    ("core/src/testing/conformance.rs", "one function for each rule of the store's contract"),
];

#[test]
fn the_core_keeps_its_layers() {
    let src = project_root().join("core/src");
    let faults = check(&|path| std::fs::read_to_string(src.join(path)).ok());
    assert!(faults.is_empty(), "\n{}\n", faults.join("\n"));
}

#[test]
fn no_source_file_is_longer_than_one_can_keep_in_mind() {
    let is_source = |file: &String| file.ends_with(".rs") && file.contains("/src/");
    let lengths = project_files().into_iter().filter(is_source).map(|file| {
        let lines = std::fs::read_to_string(project_root().join(&file)).unwrap().lines().count();
        (file, lines)
    });
    assert_eq!(length_faults(lengths.collect()), [] as [String; 0]);
}

/// Too long files that are no exception, and exceptions that need be none.
fn length_faults(lengths: Vec<(String, usize)>) -> Vec<String> {
    let too_long: BTreeMap<_, _> =
        lengths.into_iter().filter(|(_, lines)| *lines > FILE_LINES_MAX).collect();
    let is_exception = |file: &str| LONGER_FILES.iter().any(|(name, _)| *name == file);
    let new = too_long.iter().filter(|(file, _)| !is_exception(file));
    let mut faults: Vec<_> = new.map(|(file, lines)| format!("{file}: {lines} lines")).collect();
    let stale = LONGER_FILES.iter().filter(|(file, _)| !too_long.contains_key(*file));
    faults.extend(stale.map(|(file, _)| format!("{file} is no longer too long, strike it out")));
    faults
}

mod the_checker_itself {
    use super::{LONGER_FILES, check, length_faults};

    /// Faults of a crate with these files.
    fn faults(files: &[(&str, &str)]) -> Vec<String> {
        check(&|path| files.iter().find(|(name, _)| *name == path).map(|(_, text)| (*text).into()))
    }

    #[track_caller]
    fn assert_one_fault(files: &[(&str, &str)], expected: &str) {
        let faults = faults(files);
        assert!(faults.len() == 1 && faults[0].contains(expected), "{expected}: {faults:?}");
    }

    #[test]
    fn is_content_with_imports_that_point_down() {
        let files = [
            ("lib.rs", "mod error; mod id; pub mod store; pub use store::Key;"),
            ("error.rs", "use std::sync::{Arc, Weak}; //! crate::id in a comment"),
            ("id.rs", "use crate::error::{Error, Result}; const S: &str = \"crate::store\";"),
            ("store/mod.rs", "mod key; mod memory; pub use {key::Key, memory::MemoryStore};"),
            ("store/key.rs", "use super::Batch; use crate::{error::Error, id::{self, Group}};"),
            ("store/memory.rs", "use super::Key; fn f(k: &crate::id::Group) {}"),
        ];
        assert_eq!(faults(&files), [] as [&str; 0]);
    }

    #[test]
    fn lets_a_module_hand_on_its_childrens_names() {
        for text in [
            "mod memory; pub use memory::MemoryStore;",
            "pub use self::memory::{MemoryStore, open}; mod memory;",
            "mod memory; #[cfg(feature = \"x\")] pub(crate) use memory::*;",
            "mod memory { pub fn f() {} } pub use memory::f;",
        ] {
            let files = [("lib.rs", "mod store;"), ("store/mod.rs", text), ("store/memory.rs", "")];
            assert_eq!(faults(&files), [] as [&str; 0], "{text}");
        }
        let files = [
            ("lib.rs", "mod error; mod engine;"),
            ("error.rs", "pub use crate::engine::Engine;"),
            ("engine.rs", ""),
        ];
        assert_one_fault(&files, "`error` (layer 0) names `engine` (layer 5)");
    }

    #[test]
    fn sees_an_import_that_points_up_however_it_is_written() {
        for text in [
            "use crate::store::Key;",
            "use crate::{error::Error, store::{Key}};",
            "fn f() -> crate::store::Key {}",
            "mod inner { use super::super::store::Key; }",
            "use super::store;",
            "m!(crate::store::Key);",
            "use crate::store::*;",
            "macro_rules! m { () => { $crate::store::f() } }",
        ] {
            let files = [
                ("lib.rs", "mod error; mod id; mod store;"),
                ("error.rs", ""),
                ("id.rs", text),
                ("store.rs", ""),
            ];
            assert_one_fault(&files, "`id` (layer 1) names `store` (layer 3)");
        }
    }

    #[test]
    fn sees_cache_and_store_joined() {
        let files = [
            ("lib.rs", "mod cache; mod store;"),
            ("cache.rs", "use crate::store::Key;"),
            ("store.rs", ""),
        ];
        assert_one_fault(&files, "only the engine joins them");
    }

    #[test]
    fn sees_a_store_that_uses_its_own_backend() {
        for text in [
            "mod memory; fn f() { self::memory::open() }",
            "mod memory; fn f() { memory::open() }",
            "pub mod memory; use memory::MemoryStore;",
            "mod memory; pub fn f() { use memory::open; }",
        ] {
            let files = [("lib.rs", "mod store;"), ("store/mod.rs", text), ("store/memory.rs", "")];
            assert_one_fault(&files, "`store` (layer 3) names `store::memory` (layer 4)");
        }
    }

    #[test]
    fn sees_a_circle_within_a_layer() {
        let files = [
            ("lib.rs", "mod keys; mod token;"),
            ("keys.rs", "use crate::token::Token;"),
            ("token.rs", "use crate::keys::Key;"),
        ];
        let faults = faults(&files);
        assert_eq!(faults.len(), 2, "{faults:?}");
        assert!(faults.iter().all(|fault| fault.contains("in a circle")), "{faults:?}");
    }

    #[test]
    fn takes_the_canonical_text_form_for_the_lowest_layer() {
        let files = [
            ("lib.rs", "mod codec; mod id;"),
            ("codec/mod.rs", "pub(crate) mod base64url; pub(crate) mod record;"),
            ("codec/base64url.rs", ""),
            ("codec/record.rs", "use super::base64url; use crate::id::Handle;"),
            ("id.rs", "use crate::codec::base64url;"),
        ];
        assert_eq!(faults(&files), [] as [&str; 0]);
        let mut files = files;
        files[4].1 = "use crate::codec::record;";
        let faults = faults(&files);
        assert!(faults[0].contains("in a circle"), "{faults:?}");
        assert!(faults.iter().any(|fault| fault.contains("names `codec`")), "{faults:?}");
    }

    #[test]
    fn sees_a_name_taken_from_the_crate_root() {
        let files = [("lib.rs", "mod id;"), ("id.rs", "use crate::Error;")];
        assert_one_fault(&files, "name the module");
    }

    #[test]
    fn sees_a_module_without_a_layer() {
        assert_one_fault(&[("lib.rs", "mod helpers;"), ("helpers.rs", "")], "has no layer");
        let files = [("lib.rs", "mod store;"), ("store.rs", "mod redis;"), ("store/redis.rs", "")];
        assert_one_fault(&files, "`store::redis` has no layer");
        let files = [("lib.rs", "mod keys;"), ("keys.rs", "mod jwks;"), ("keys/jwks.rs", "")];
        assert_eq!(faults(&files), [] as [&str; 0]);
    }

    #[test]
    fn sees_a_file_that_is_too_long_and_an_exception_that_is_not() {
        let lengths = |lines| LONGER_FILES.iter().map(move |(file, _)| ((*file).into(), lines));
        let mut planted: Vec<(String, usize)> = lengths(601).collect();
        assert_eq!(length_faults(planted.clone()), [] as [&str; 0]);
        planted.extend([("core/src/a.rs".into(), 601), ("core/src/b.rs".into(), 600)]);
        assert_eq!(length_faults(planted), ["core/src/a.rs: 601 lines"]);
        assert_eq!(length_faults(lengths(600).collect()).len(), LONGER_FILES.len());
    }

    #[test]
    fn sees_sled_outside_its_file() {
        let lib = ("lib.rs", "mod engine; mod store;");
        let store = ("store/mod.rs", "mod sled;");
        let inside = ("store/sled.rs", "use sled::Db; use crate::store;");
        let fine = [lib, store, inside, ("engine.rs", "use crate::store::sled::SledStore;")];
        assert_eq!(faults(&fine), [] as [&str; 0]);
        let planted = [lib, store, inside, ("engine.rs", "fn f(db: &sled::Db) {}")];
        assert_one_fault(&planted, "`sled::` outside");
    }

    #[test]
    fn sees_lmdb_and_maps_outside_their_files() {
        let lib = ("lib.rs", "mod engine; mod store; mod sys;");
        let store = ("store/mod.rs", "mod lmdb;");
        let (inside, sys) = (("store/lmdb.rs", "use heed::Env;"), ("sys.rs", "use memmap2::Mmap;"));
        assert_eq!(faults(&[lib, store, inside, sys, ("engine.rs", "")]), [] as [&str; 0]);
        for text in ["fn f(env: &heed::Env) {}", "use memmap2::{Mmap, MmapRaw};"] {
            let planted = faults(&[lib, store, inside, sys, ("engine.rs", text)]);
            assert!(planted.iter().all(|fault| fault.contains("outside `store::lmdb`")));
            assert!(!planted.is_empty(), "{text}");
        }
    }

    #[test]
    fn sees_locks_atomics_and_threads_outside_sync() {
        for text in [
            "use std::sync::Mutex;",
            "use std::sync::{Arc, atomic::AtomicU64};",
            "use std::{fmt, sync::RwLock};",
            "use std::sync;",
            "use std::sync::*;",
            "fn f() { std::thread::yield_now() }",
            "use parking_lot::Mutex;",
        ] {
            let files = [("lib.rs", "mod id; mod sync;"), ("id.rs", text), ("sync.rs", text)];
            assert_one_fault(&files, "outside `sync`");
        }
    }

    #[test]
    fn sees_unsafe_anywhere() {
        let files = [("lib.rs", "mod id;"), ("id.rs", "fn f() { unsafe { g() } }")];
        assert_one_fault(&files, "id.rs:1: `unsafe`");
        let files = [("lib.rs", "mod sys;"), ("sys.rs", "fn f() { unsafe { g() } }")];
        assert_eq!(faults(&files), [] as [&str; 0]);
        let files = [("lib.rs", "#[cfg(test)] mod tests { fn f() { unsafe { g() } } }")];
        assert_one_fault(&files, "`unsafe`");
    }

    #[test]
    fn lets_tests_name_what_they_need_and_nothing_after_them() {
        let upward = "use crate::store::Key; use std::thread; use sled::Db;";
        let tests = format!("#[cfg(test)] #[path = \"x\"] mod tests {{ {upward} }}");
        let store = ("store.rs", "");
        let files = [("lib.rs", "mod id; mod store;"), ("id.rs", tests.as_str()), store];
        assert_eq!(faults(&files), [] as [&str; 0]);
        let lib = "mod id; mod store; #[cfg(all(test, shuttle))] mod schedules;";
        let files = [("lib.rs", lib), ("schedules.rs", upward), ("id.rs", ""), store];
        assert_eq!(faults(&files), [] as [&str; 0]);
        for after in [
            "#[cfg(test)] use a::B; use crate::store::Key;",
            "#[cfg(test)] mod tests {} use crate::store::Key;",
            "#[cfg(test)] mod tests; use crate::store::Key;",
            "#[cfg(feature = \"testing\")] use crate::store::Key;",
            "#[cfg(not(test))] use crate::store::Key;",
            "#[cfg(any(test, x))] use crate::store::Key;",
        ] {
            let lib = ("lib.rs", "mod id; mod store;");
            let files = [lib, ("id.rs", after), ("id/tests.rs", upward), store];
            assert_one_fault(&files, "names `store`");
        }
    }
}
