//! An engine from before a fork, in the child.

use std::sync::Arc;

use sessile::store::MemoryStore;
use sessile::{Config, Engine, ErrorKind};
use sessile_tests::fixture::log_in;

/// Runs `child` in a forked child, and says whether it found all as it should be.
fn holds_in_child(child: impl FnOnce() -> bool) -> bool {
    // SAFETY: the child touches nothing of the other threads of this process, which the engine
    // and the allocator are made to stand, and ends without running anything of the parent's.
    match unsafe { libc::fork() } {
        0 => {
            let holds = std::panic::catch_unwind(std::panic::AssertUnwindSafe(child));
            // SAFETY: always safe; it runs no handlers and no destructors.
            unsafe { libc::_exit(i32::from(!matches!(holds, Ok(true)))) }
        }
        pid => {
            assert!(pid > 0, "fork failed");
            let mut status = 0;
            // SAFETY: `status` is a valid place for an int, and `pid` our child.
            let waited = unsafe { libc::waitpid(pid, &raw mut status, 0) };
            waited == pid && libc::WIFEXITED(status) && libc::WEXITSTATUS(status) == 0
        }
    }
}

fn is_forked<T>(result: sessile::Result<T>) -> bool {
    result.is_err_and(|error| error.kind() == ErrorKind::Forked)
}

#[test]
fn an_engine_from_before_a_fork_says_so_in_the_child_and_goes_on_in_the_parent() {
    // With its thread, which the child does not have.
    let engine = Engine::open_with(Config::with_store(Arc::new(MemoryStore::new()))).unwrap();
    let issued = log_in(&engine, "alice");
    let token = issued.token.as_str();
    assert!(engine.verify(token).unwrap().is_valid());

    let holds = holds_in_child(|| {
        sessile::note_fork();
        is_forked(engine.verify(token))
            && is_forked(engine.data(issued.session.handle()))
            && is_forked(engine.revoke(issued.session.handle()))
            && is_forked(engine.close())
    });
    assert!(holds, "with a note of the fork");
    let holds = holds_in_child(|| {
        is_forked(engine.revoke(issued.session.handle()))
            && is_forked(engine.list("alice"))
            && is_forked(engine.verify(token))
            && is_forked(engine.tick())
            && is_forked(engine.close())
    });
    assert!(holds, "without one, from the first call that writes on");
    let holds = holds_in_child(|| {
        drop(engine.close());
        let own = Engine::open_with(Config::with_store(Arc::new(MemoryStore::new()))).unwrap();
        let issued = log_in(&own, "bob");
        own.verify(issued.token.as_str()).unwrap().is_valid() && own.close().is_ok()
    });
    assert!(holds, "an engine of the child's own works");

    assert!(engine.verify(token).unwrap().is_valid());
    assert!(engine.revoke(issued.session.handle()).unwrap());
    engine.close().unwrap();
}
