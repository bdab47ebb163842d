//! JWTs of any issuer: keys, key sets, what a verifier expects, and verification by itself.
//!
//! [`Engine::verify_access`](crate::Engine::verify_access) is for the engine's own access tokens,
//! and knows what was revoked. This is for tokens of others;
//! [`Engine::verify_foreign_access`](crate::Engine::verify_foreign_access) asks for them, too,
//! what was revoked here.
//!
//! ```
//! use sessile::jwt::{Algorithm, Jwks, JwtKind, Profile, SigningKey, verify};
//! use sessile::{Reason, Timestamp};
//!
//! let key = SigningKey::generate(Algorithm::EdDsa)?;
//! let published = Jwks::new(vec![key.verifying_key().clone()])?.to_json();
//! let keys = Jwks::parse(&published)?;
//! let profile = Profile::new(JwtKind::Access, "https://issuer.example", "https://api.example")?;
//! let claims = verify(b"not.a.token", &keys, &profile, Timestamp::from_millis(0));
//! assert_eq!(claims, Err(Reason::Malformed));
//! # Ok::<(), sessile::Error>(())
//! ```

pub use crate::keys::{Algorithm, Jwks, SigningKey, VerifyingKey};
pub use crate::token::jwt::{AlgorithmName, Claims, JwtKind, OwnKeys, Profile, Signer, verify};
