//! What the verification of a JWT takes from the heap.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use sessile::Timestamp;
use sessile::jwt::{
    Algorithm, AlgorithmName, Claims, Jwks, JwtKind, OwnKeys, Profile, Signer, SigningKey, verify,
};

/// Counts the allocations and bytes of each thread.
struct Counting;

thread_local! {
    static TAKEN: Cell<(usize, usize)> = const { Cell::new((0, 0)) };
}

// SAFETY: every call goes to the system's allocator as it came; counting allocates nothing.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let _ = TAKEN.try_with(|taken| {
            let (count, bytes) = taken.get();
            taken.set((count + 1, bytes + layout.size()));
        });
        // SAFETY: as above.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: as above.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Allocations and bytes that `work` takes.
fn taken_by(work: impl FnOnce()) -> (usize, usize) {
    TAKEN.set((0, 0));
    work();
    TAKEN.get()
}

const NOW: Timestamp = Timestamp::from_millis(1_700_000_000_000);

fn claims() -> Claims {
    Claims {
        iss: Some("https://issuer.example".into()),
        aud: Some(vec!["api".into()]),
        sub: Some("alice".into()),
        jti: Some("j-1".into()),
        sid: Some("s-1".into()),
        iat: Some(1_700_000_000),
        exp: Some(1_700_000_300),
        seq: Some(7),
        ver: Some(1),
        ..Claims::default()
    }
}

#[test]
fn an_own_token_takes_its_claims_and_a_rejected_one_nothing() {
    let profile = Profile::new(JwtKind::Access, "https://issuer.example", "api").unwrap();
    for algorithm in [Algorithm::Hs256, Algorithm::EdDsa, Algorithm::Es256] {
        let signer =
            Signer::new(SigningKey::generate(algorithm).unwrap(), AlgorithmName::default());
        let own = OwnKeys::default().with(&signer);
        let token = signer.sign(JwtKind::Access, &claims()).unwrap().into_bytes();
        let verified = taken_by(|| assert!(own.verify(&token, &profile, NOW).is_ok()));
        // iss, aud and its array, sub, jti, sid.
        assert_eq!(verified.0, 6, "{algorithm}");
        let mut forged = token.clone();
        let last = token.len() - 2;
        forged[last] = if token[last] == b'A' { b'B' } else { b'A' };
        let unknown = [b"eyJhbGciOiJIUzI1NiJ9", &token[token.len() - 200..]].concat();
        for token in [&forged[..], &unknown, b"", b"..", b"garbage", &vec![b'.'; 1 << 20]] {
            let rejected = taken_by(|| assert!(own.verify(token, &profile, NOW).is_err()));
            assert_eq!(rejected, (0, 0), "{algorithm} {} bytes", token.len());
        }
    }
}

/// Of another issuer's token the header is read: a bounded one.
#[test]
fn no_token_makes_a_verifier_take_much() {
    let profile = Profile::new(JwtKind::Access, "https://issuer.example", "api").unwrap();
    let key = SigningKey::generate(Algorithm::EdDsa).unwrap();
    let keys = Jwks::new(vec![key.verifying_key().clone()]).unwrap();
    let deep = "W1tb".repeat(2000);
    for token in [
        ".".repeat(1 << 20),
        "A".repeat(1 << 20),
        format!("{deep}.{deep}.{deep}"),
        format!("{deep}.."),
        format!("eyJ4Ijpb{}.e30.AAAA", "MSwx".repeat(2000)),
        format!("eyJ4Ijpb{}.e30.AAAA", "MSwx".repeat(1000)),
    ] {
        let (_, bytes) =
            taken_by(|| assert!(verify(token.as_bytes(), &keys, &profile, NOW).is_err()));
        let limit = if token.len() > 8192 { 0 } else { 256 << 10 };
        assert!(bytes <= limit, "{bytes} bytes for {} characters", token.len());
    }
}
