//! Keys: the master secret of the host, and the keyring that it seals.

mod keyring;
mod master;

pub use keyring::{KeyInfo, KeyState};
pub(crate) use keyring::{Keyring, KeyringRecord};
pub use master::MasterSecret;
pub(crate) use master::SealingKey;
