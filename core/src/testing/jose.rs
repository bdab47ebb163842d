//! The keys, signatures and claims of JWTs by themselves, without an engine around them.

pub use crate::keys::{Algorithm, Jwks, SigningKey, VerifyingKey};
pub use crate::token::jwt::{AlgorithmName, Claims, JwtKind, OwnKeys, Profile, Signer, verify};
