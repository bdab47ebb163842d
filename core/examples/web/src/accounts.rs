//! The demo's accounts. A real site keeps its own in its database.

use std::collections::HashMap;
use std::num::NonZeroU32;

use parking_lot::RwLock;
use ring::pbkdf2;
use ring::rand::{SecureRandom, SystemRandom};

/// Names and hashed passwords, in memory: a changed password is forgotten with the process.
pub(crate) struct Accounts {
    by_name: RwLock<HashMap<String, Password>>,
    /// What is compared for an unknown name, so that it takes as long as for a known one.
    any: Password,
}

#[derive(Clone)]
struct Password {
    salt: [u8; 16],
    hash: [u8; 32],
}

impl Accounts {
    /// The accounts that the sign-in page names.
    pub(crate) fn demo() -> Self {
        let by_name = DEMO_NAMES.map(|name| (name.to_owned(), Password::new(DEMO_PASSWORD)));
        let [(_, any), _] = by_name.clone();
        Accounts { by_name: RwLock::new(by_name.into()), any }
    }

    /// Whether this is the password of `name`. Takes a tenth of a second or so, on purpose.
    pub(crate) fn is_password(&self, name: &str, password: &str) -> bool {
        let known = self.by_name.read().get(name).cloned();
        let is_known = known.is_some();
        known.as_ref().unwrap_or(&self.any).is(password) && is_known
    }

    /// Gives `name` another password.
    pub(crate) fn set_password(&self, name: &str, password: &str) {
        let password = Password::new(password);
        self.by_name.write().insert(name.to_owned(), password);
    }
}

impl Password {
    fn new(password: &str) -> Self {
        let (mut salt, mut hash) = ([0; 16], [0; 32]);
        // The system has no randomness: a demo may stop there.
        assert!(SystemRandom::new().fill(&mut salt).is_ok(), "the system gave no random bytes");
        pbkdf2::derive(ALGORITHM, ITERATIONS, &salt, password.as_bytes(), &mut hash);
        Password { salt, hash }
    }

    fn is(&self, password: &str) -> bool {
        pbkdf2::verify(ALGORITHM, ITERATIONS, &self.salt, password.as_bytes(), &self.hash).is_ok()
    }
}

pub(crate) const DEMO_NAMES: [&str; 2] = ["ada", "grace"];
pub(crate) const DEMO_PASSWORD: &str = "barnacle";

static ALGORITHM: pbkdf2::Algorithm = pbkdf2::PBKDF2_HMAC_SHA256;

/// OWASP's password storage cheat sheet, for this algorithm.
const ITERATIONS: NonZeroU32 = NonZeroU32::new(600_000).unwrap();
