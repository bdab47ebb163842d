//! Keys: the master secret of the host, and the keyring that it seals.

mod keyring;
mod master;

pub(crate) use keyring::{Keyring, KeyringRecord};
pub use master::MasterSecret;
