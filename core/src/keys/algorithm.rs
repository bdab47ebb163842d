//! The signature algorithms of JWTs (RFC 7518, section 3; RFC 8037).

use std::fmt;

/// How a JWT is signed. A key has exactly one, fixed when it is made or loaded (RFC 8725, 3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Algorithm {
    /// HMAC with SHA-256: who can verify can sign.
    Hs256,
    /// Ed25519 (RFC 8037).
    EdDsa,
    /// ECDSA on P-256 with SHA-256. Signatures are random and malleable: two texts, one meaning.
    Es256,
    /// RSA PKCS #1 v1.5 with SHA-256: for verifying tokens of other issuers only.
    Rs256,
}

impl Algorithm {
    /// Every algorithm.
    pub const ALL: &[Algorithm] =
        &[Algorithm::Hs256, Algorithm::EdDsa, Algorithm::Es256, Algorithm::Rs256];

    /// The registered name: the value of `alg`.
    pub const fn name(self) -> &'static str {
        match self {
            Algorithm::Hs256 => "HS256",
            Algorithm::EdDsa => "EdDSA",
            Algorithm::Es256 => "ES256",
            Algorithm::Rs256 => "RS256",
        }
    }

    /// The algorithm of a name, compared exactly. `Ed25519` (RFC 9864) says the same as `EdDSA`
    /// does here.
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "HS256" => Some(Algorithm::Hs256),
            "EdDSA" | FULLY_SPECIFIED_EDDSA => Some(Algorithm::EdDsa),
            "ES256" => Some(Algorithm::Es256),
            "RS256" => Some(Algorithm::Rs256),
            _ => None,
        }
    }

    /// Whether those who verify hold no secret.
    pub const fn is_asymmetric(self) -> bool {
        !matches!(self, Algorithm::Hs256)
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The name that RFC 9864 gives to EdDSA on this curve.
pub(crate) const FULLY_SPECIFIED_EDDSA: &str = "Ed25519";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_matched_exactly() {
        for algorithm in Algorithm::ALL {
            assert_eq!(Algorithm::from_name(algorithm.name()), Some(*algorithm));
            assert_eq!(Algorithm::from_name(&algorithm.name().to_lowercase()), None);
            assert_eq!(Algorithm::from_name(&format!("{algorithm} ")), None);
        }
        assert_eq!(Algorithm::from_name("Ed25519"), Some(Algorithm::EdDsa));
        for name in ["none", "None", "noNE", "", "HS384", "HS512", "RS384", "PS256", "ES256K"] {
            assert_eq!(Algorithm::from_name(name), None, "{name}");
        }
    }
}
