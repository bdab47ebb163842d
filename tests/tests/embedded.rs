//! The engine on the embedded store: what is kept, and who may open it.

use sessile::{CreateOptions, Engine, ErrorKind};

#[test]
fn a_login_outlives_the_engine_and_a_logout_does_too() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("store");
    let engine = Engine::open(&path).unwrap();
    let create =
        |subject: &str| engine.create(CreateOptions::for_subject(subject).unwrap()).unwrap();
    let (kept, revoked, of_bob) = (create("alice"), create("alice"), create("bob"));
    engine.revoke(revoked.session.handle()).unwrap();
    engine.revoke_subject("bob", None).unwrap();
    engine.close().unwrap();

    let engine = Engine::open(&path).unwrap();
    assert!(engine.verify(kept.token.as_str()).unwrap().is_valid());
    assert!(!engine.verify(revoked.token.as_str()).unwrap().is_valid());
    assert!(!engine.verify(of_bob.token.as_str()).unwrap().is_valid());
    assert_eq!(engine.list("alice").unwrap().len(), 1);
    engine.close().unwrap();
}

#[test]
fn a_second_engine_on_the_same_directory_is_refused_with_the_remedy() {
    let directory = tempfile::tempdir().unwrap();
    let engine = Engine::open(directory.path()).unwrap();
    let error = Engine::open(directory.path()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Locked);
    assert!(error.message().contains(&std::process::id().to_string()), "{error}");
    engine.close().unwrap();
    Engine::open(directory.path()).unwrap().close().unwrap();
}

#[test]
fn an_older_copy_of_the_store_is_not_opened() {
    let directory = tempfile::tempdir().unwrap();
    let (path, copy) = (directory.path().join("store"), directory.path().join("copy"));
    let engine = Engine::open(&path).unwrap();
    let issued = engine.create(CreateOptions::for_subject("alice").unwrap()).unwrap();
    engine.close().unwrap();
    copy_tree(&path, &copy);
    let engine = Engine::open(&path).unwrap();
    engine.revoke(issued.session.handle()).unwrap();
    engine.close().unwrap();
    // Someone restores the old database, but not the side file beside it.
    std::fs::remove_dir_all(path.join("db")).unwrap();
    copy_tree(&copy.join("db"), &path.join("db"));
    assert_eq!(Engine::open(&path).unwrap_err().kind(), ErrorKind::RolledBack);
    let config = sessile::Config::new(&path).on_rollback(sessile::store::OnRollback::RevokeAll);
    let engine = Engine::open_with(config).unwrap();
    assert!(!engine.verify(issued.token.as_str()).unwrap().is_valid());
    engine.close().unwrap();
}

fn copy_tree(from: &std::path::Path, to: &std::path::Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy_tree(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

#[test]
fn the_store_holds_no_token() {
    let directory = tempfile::tempdir().unwrap();
    let engine = Engine::open(directory.path()).unwrap();
    let tokens: Vec<_> = (0..50)
        .map(|_| engine.create(CreateOptions::for_subject("alice").unwrap()).unwrap())
        .map(|issued| issued.token.as_str().to_owned())
        .collect();
    engine.close().unwrap();
    let bytes = std::fs::read(directory.path().join("db/db")).unwrap();
    for token in tokens {
        assert!(!bytes.windows(48).any(|window| window == token.as_bytes()));
    }
}
