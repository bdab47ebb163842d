//! When a token is valid: against an oracle in wide integers.

use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::error::ErrorKind;

/// Why `claims` are rejected at `now_ms`, in 128 bits, which no sum here leaves.
fn oracle(exp: u64, nbf: u64, iat: u64, now_ms: u64, leeway_ms: u64) -> Option<Reason> {
    let [exp, nbf, iat, now, leeway] = [exp, nbf, iat, now_ms, leeway_ms].map(i128::from);
    if now >= exp * 1000 + leeway {
        Some(Reason::Expired)
    } else if now + leeway < nbf * 1000 || now + leeway < iat * 1000 {
        Some(Reason::NotYetValid)
    } else {
        None
    }
}

fn seconds() -> impl Strategy<Value = u64> {
    prop_oneof![0..=(1_u64 << 53) - 1, NOW_S - 400..NOW_S + 400, Just(0), Just((1 << 53) - 1),]
}

proptest! {
    #[test]
    fn times_are_judged_as_in_unbounded_integers(
        exp in seconds(), nbf in seconds(), iat in seconds(),
        now_ms in prop_oneof![any::<u64>(), NOW_S * 1000 - 400_000..NOW_S * 1000 + 400_000],
        leeway_ms in 0..=300_000_u64,
    ) {
        let claims = typed(&json!({
            "iss": ISSUER, "aud": AUDIENCE, "sub": "a", "jti": "j",
            "exp": exp, "nbf": nbf, "iat": iat,
        }));
        let now = Timestamp::from_millis(now_ms);
        let profile = profile(JwtKind::Access).leeway(Duration::from_millis(leeway_ms)).unwrap();
        // The engine's time stops at the end of its type.
        prop_assume!(now_ms < u64::MAX - 300_000);
        let expected = |leeway_ms| oracle(exp, nbf, iat, now_ms, leeway_ms);
        prop_assert_eq!(profile.check(&claims, now).err(), expected(leeway_ms));
        prop_assert_eq!(profile.check_own(&claims, now).err(), expected(0));
    }
}

#[test]
fn the_boundary_is_a_millisecond_and_our_own_tokens_have_no_leeway() {
    let signer = Signer::new(SigningKey::generate(Algorithm::Hs256).unwrap(), Default::default());
    let own = OwnKeys::default().with(&signer);
    let set = Jwks::new(vec![signer.key().verifying_key().clone()]).unwrap();
    let token = signer.sign(JwtKind::Access, &typed(&claims())).unwrap();
    let end = (NOW_S + 200) * 1000;
    let begin = (NOW_S - 100) * 1000;
    let profile = profile(JwtKind::Access);
    let own_at = |ms| own.verify(token.as_bytes(), &profile, Timestamp::from_millis(ms)).err();
    let at = |ms| verify(token.as_bytes(), &set, &profile, Timestamp::from_millis(ms)).err();
    assert_eq!(
        [own_at(end - 1), own_at(end), own_at(end + 1)],
        [None, Some(Reason::Expired), Some(Reason::Expired)]
    );
    assert_eq!([own_at(begin - 1), own_at(begin)], [Some(Reason::NotYetValid), None]);
    assert_eq!([at(end + 4_999), at(end + 5_000)], [None, Some(Reason::Expired)]);
    assert_eq!([at(begin - 5_001), at(begin - 5_000)], [Some(Reason::NotYetValid), None]);
}

#[test]
fn a_profile_has_bounds() {
    let kind = |result: crate::Result<Profile>| result.unwrap_err().kind();
    let access = || profile(JwtKind::Access);
    assert!(access().leeway(Duration::from_secs(300)).is_ok());
    for leeway in [Duration::from_millis(300_001), Duration::MAX] {
        assert_eq!(kind(access().leeway(leeway)), ErrorKind::InvalidConfig);
    }
    assert_eq!(kind(access().token_len_max(8193)), ErrorKind::InvalidConfig);
    assert_eq!(kind(Profile::new(JwtKind::Access, "", AUDIENCE)), ErrorKind::InvalidConfig);
    assert_eq!(kind(Profile::new(JwtKind::Access, ISSUER, "")), ErrorKind::InvalidConfig);
}
