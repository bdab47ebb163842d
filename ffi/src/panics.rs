//! A panic in any exported function ends at the boundary, and lets nobody in.

use std::ptr::{null, null_mut};

use crate::boundary::planting;
use crate::*;

fn internal() -> i32 {
    sessile_core::ErrorKind::Internal.number().into()
}

/// Runs `call` with a panic in its body, and checks that the panic came.
fn with_panic<T>(call: impl FnOnce() -> T) -> T {
    planting::NEXT.set(true);
    let answer = call();
    assert!(!planting::NEXT.get(), "it does not go through the guard");
    answer
}

#[test]
fn a_verification_that_panics_is_internal_and_answers_nothing() {
    // SAFETY: places of our own; a panic comes before anything else is looked at.
    unsafe {
        let mut session: sessile_session = std::mem::zeroed();
        session.struct_size = size_of::<sessile_session>();
        let verify = [
            sessile_verify,
            sessile_peek,
            sessile_verify_cookie_header,
            sessile_peek_cookie_header,
            sessile_verify_authorization_header,
        ];
        for verify in verify {
            session.reason = SESSILE_VALID;
            let mut error: sessile_error = std::mem::zeroed();
            let engine = null();
            let place = &raw mut session;
            let status = with_panic(|| verify(engine, null(), 0, place, &raw mut error));
            assert_eq!((status, error.code), (internal(), internal()));
            assert_eq!(session.reason, SESSILE_REASON_UNANSWERED);
        }
        session.reason = SESSILE_VALID;
        let place = &raw mut session;
        let access = || sessile_verify_access(null(), null(), 0, place, null_mut(), null_mut());
        assert_eq!(with_panic(access), internal());
        assert_eq!(session.reason, SESSILE_REASON_UNANSWERED);
        let mut is_token = 1;
        let csrf = &raw mut is_token;
        let check = || sessile_is_csrf_token(null(), null(), null(), 0, csrf, null_mut());
        assert_eq!(with_panic(check), internal());
        assert_eq!(is_token, 0);
    }
}

#[test]
fn a_panic_in_other_calls_is_internal_or_their_empty_answer() {
    // SAFETY: NULL is allowed everywhere, and nothing is looked at.
    unsafe {
        let statuses = [
            with_panic(|| sessile_open(null(), null_mut(), null_mut())),
            with_panic(|| sessile_create(null(), null(), null_mut(), null_mut(), null_mut())),
            with_panic(|| sessile_revoke(null(), null(), null_mut(), null_mut())),
            with_panic(|| sessile_revoke_all(null(), null_mut())),
            with_panic(|| sessile_config_idle_timeout_ms(null_mut(), 0)),
            with_panic(|| sessile_tick(null(), null_mut(), null_mut())),
        ];
        assert_eq!(statuses, [internal(); 6]);
        assert!(with_panic(|| sessile_config_new_in_memory()).is_null());
        assert_eq!(with_panic(|| sessile_list_len(null())), 0);
        assert_eq!(with_panic(|| sessile_events_fd(null())), -1);
    }
}

/// What the header does not show: a function that forgot the guard would unwind into C.
#[test]
fn every_exported_function_goes_through_the_guard() {
    let sources = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut functions = 0;
    for entry in std::fs::read_dir(sources).unwrap() {
        let path = entry.unwrap().path();
        let source = std::fs::read_to_string(&path).unwrap();
        for function in source.split("#[unsafe(no_mangle)]\n").skip(1) {
            let Some((function, _)) = function.split_once("\n}\n") else { continue };
            functions += 1;
            let (signature, body) = function.split_once(" {\n").unwrap();
            let guards = ["guard(", "call(", "judge(", "issue(", "set("];
            let is_guarded = guards.iter().any(|guard| body.contains(guard));
            assert!(is_guarded, "{}: {signature}", path.display());
        }
    }
    let listed = include_str!("../symbols.txt").lines().count();
    assert_eq!(functions, listed, "the reader finds other functions than the linker");
}
