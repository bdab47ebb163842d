//! Keys: the master secret of the host, the keyring that it seals, and the keys of JWTs.

mod algorithm;
mod der;
mod ed25519;
mod jwk;
mod jwks;
mod keyring;
mod master;
mod signing;
mod verifying;

#[cfg(test)]
mod jwk_tests;

pub use algorithm::Algorithm;
pub(crate) use algorithm::FULLY_SPECIFIED_EDDSA;
pub use jwks::Jwks;
pub use keyring::{KeyInfo, KeyState};
pub(crate) use keyring::{Keyring, KeyringRecord};
pub use master::MasterSecret;
pub(crate) use master::SealingKey;
pub use signing::SigningKey;
pub(crate) use verifying::KID_LEN_MAX;
pub use verifying::VerifyingKey;

use crate::error::{Error, ErrorKind};

/// A key that is not taken; `why` never says anything of what is secret in it.
fn invalid_key(why: &'static str) -> Error {
    Error::new(ErrorKind::InvalidInput, why)
}
