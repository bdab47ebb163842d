//! What every exported function goes through.

use std::panic::{AssertUnwindSafe, catch_unwind};

/// Runs `body`. A panic ends here, because unwinding into C would end the process: the caller
/// gets `fallback` instead, which must be the answer that lets nobody in.
pub(crate) fn guard<T>(fallback: T, body: impl FnOnce() -> T) -> T {
    // Whatever state the panic left half changed stays behind its own lock and error kinds;
    // nothing that `body` captured is used after it.
    catch_unwind(AssertUnwindSafe(body)).unwrap_or(fallback)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_becomes_the_fallback() {
        assert_eq!(guard(23, || panic!("planted")), 23);
    }

    #[test]
    fn without_a_panic_the_answer_is_the_bodys() {
        assert_eq!(guard(23, || 0), 0);
    }
}
