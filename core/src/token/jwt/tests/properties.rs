//! What holds for every token.

use proptest::prelude::*;

use super::*;

fn extra() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_filter("finite", |f| f.is_finite()).prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
    ];
    let value = leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(".{0,6}", inner, 0..4)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    });
    prop::collection::btree_map("x.{0,8}", value, 0..5)
        .prop_map(|map| Value::Object(map.into_iter().collect()))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn what_is_signed_is_read_back_as_it_was(
        extra in extra(), sub in ".{1,40}", sid in prop::option::of("[A-Za-z0-9_-]{1,24}"),
        audiences in prop::collection::vec(".{0,8}", 0..3), seq in 0..1_u64 << 53,
    ) {
        let keys = Keys::new();
        for key in keys.signing {
            let signer = Signer::new(key, AlgorithmName::Registered);
            let mut claims = typed(&super::claims());
            let Value::Object(extra) = extra.clone() else { unreachable!() };
            claims.extra = extra;
            (claims.sub, claims.sid, claims.seq) = (Some(sub.clone()), sid.clone(), Some(seq));
            claims.aud.as_mut().unwrap().extend(audiences.clone());
            let token = signer.sign(JwtKind::Access, &claims).unwrap();
            let own = OwnKeys::default().with(&signer);
            let verified = own.verify(token.as_bytes(), &profile(JwtKind::Access), NOW);
            prop_assert_eq!(verified, Ok(claims));
        }
    }

    #[test]
    fn nonsense_is_rejected_and_nothing_panics(
        text in prop_oneof![
            ".{0,200}",
            "[A-Za-z0-9_-]{0,60}\\.[A-Za-z0-9_-]{0,60}\\.[A-Za-z0-9_-]{0,90}",
            "eyJhbGciOiJIUzI1NiJ9\\.[A-Za-z0-9_-]{0,60}\\.[A-Za-z0-9_-]{43}",
        ],
        bytes in prop::collection::vec(any::<u8>(), 0..300),
    ) {
        let keys = Keys::new();
        let key = SigningKey::generate(Algorithm::Es256).unwrap();
        let signer = Signer::new(key, Default::default());
        let own = OwnKeys::default().with(&signer);
        for token in [text.as_bytes(), &bytes] {
            for kind in JwtKind::ALL {
                prop_assert!(verify(token, &keys.set, &profile(*kind), NOW).is_err());
                prop_assert!(own.verify(token, &profile(*kind), NOW).is_err());
            }
        }
    }
}

/// Each bit of each byte; ES256 signatures have another good one each, but not one bit away.
#[test]
fn every_flipped_bit_is_rejected() {
    for algorithm in SIGNING {
        let signer = Signer::new(SigningKey::generate(algorithm).unwrap(), Default::default());
        let own = OwnKeys::default().with(&signer);
        let set = Jwks::new(vec![signer.key().verifying_key().clone()]).unwrap();
        let token = signer.sign(JwtKind::Access, &typed(&claims())).unwrap().into_bytes();
        let profile = profile(JwtKind::Access);
        assert!(own.verify(&token, &profile, NOW).is_ok());
        assert!(verify(&token, &set, &profile, NOW).is_ok());
        for i in 0..token.len() {
            for bit in 0..8 {
                let mut flipped = token.clone();
                flipped[i] ^= 1 << bit;
                assert!(own.verify(&flipped, &profile, NOW).is_err(), "{algorithm} {i} {bit}");
                assert!(verify(&flipped, &set, &profile, NOW).is_err(), "{algorithm} {i} {bit}");
            }
        }
        for len in 0..token.len() {
            assert!(own.verify(&token[..len], &profile, NOW).is_err());
            assert!(verify(&token[..len], &set, &profile, NOW).is_err());
        }
        for extra in [&b"="[..], b".", b"A", b"\n", b" ", b"\0", b"AAAA"] {
            let longer = [&token, extra].concat();
            assert!(own.verify(&longer, &profile, NOW).is_err());
            assert!(verify(&longer, &set, &profile, NOW).is_err());
            let longer = [extra, &token].concat();
            assert!(own.verify(&longer, &profile, NOW).is_err());
            assert!(verify(&longer, &set, &profile, NOW).is_err());
        }
    }
}
