//! The cache of verified access tokens: what need not be computed twice.
//!
//! An entry says that this very text has a good signature and these claims, which nothing but a
//! change of keys makes untrue. Whether the token is still good is asked each time.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use quick_cache::sync::Cache;
use quick_cache::{Equivalent, Weighter};

use crate::id::{Handle, Subject};
use crate::sync::{AtomicU64, Ordering};
use crate::token::is_equal;
use crate::token::jwt::Claims;

/// Verified tokens, within a bound in bytes.
pub(crate) struct SeenTokens {
    tokens: Cache<Text, Seen, Weight>,
    /// Moves when the keys change. What was verified before counts no longer.
    stamp: AtomicU64,
}

/// A token whose signature is good, and what is asked of it at each use: apart from the claims, so
/// that those are handed on without a look into them.
#[derive(Clone)]
pub(crate) struct SeenToken {
    pub(crate) claims: Arc<Claims>,
    /// Its `sid`.
    pub(crate) handle: Handle,
    /// Its `sub`; `None`: it is that of no session.
    pub(crate) subject: Option<Subject>,
    /// Its `exp` and `ver`.
    pub(crate) exp: Option<u64>,
    pub(crate) version: Option<u64>,
}

impl SeenToken {
    /// What `claims` say; `None`: not which session.
    pub(crate) fn of(claims: Claims) -> Option<Self> {
        let handle = claims.sid.as_deref()?.parse().ok()?;
        let subject = claims.sub.as_deref().and_then(|sub| Subject::new(sub).ok());
        let (exp, version) = (claims.exp, claims.ver);
        Some(SeenToken { claims: Arc::new(claims), handle, subject, exp, version })
    }
}

#[derive(Clone)]
struct Seen {
    token: SeenToken,
    stamp: u64,
}

impl SeenTokens {
    /// A cache of `bytes_max` bytes.
    pub(crate) fn new(bytes_max: u64) -> Self {
        let items = usize::try_from(bytes_max / 1_024).unwrap_or(usize::MAX);
        SeenTokens {
            tokens: Cache::with_weighter(items, bytes_max, Weight),
            stamp: AtomicU64::new(0),
        }
    }

    /// What is known of `token`, if it was verified under the present keys.
    #[inline]
    pub(crate) fn get(&self, token: &[u8]) -> Option<SeenToken> {
        let seen = self.tokens.get(&Presented(token))?;
        (seen.stamp == self.stamp()).then_some(seen.token)
    }

    /// To be asked before the keys are read.
    pub(crate) fn stamp(&self) -> u64 {
        self.stamp.load(Ordering::Acquire)
    }

    /// Remembers a token that was verified with keys read after `stamp`.
    pub(crate) fn insert(&self, text: &[u8], stamp: u64, token: SeenToken) {
        self.tokens.insert(Text(text.into()), Seen { token, stamp });
    }

    /// How many there are.
    #[cfg(feature = "testing")]
    pub(crate) fn len(&self) -> usize {
        self.tokens.len()
    }

    /// Forgets everything: to be called once the keys have changed.
    pub(crate) fn forget(&self) {
        self.stamp.fetch_add(1, Ordering::AcqRel);
        self.tokens.clear();
    }
}

/// A token as a key. Its hash has a random seed and is that of its end; texts are compared as a
/// whole and in constant time, so that neither a collision nor the time tells anything.
struct Text(Box<[u8]>);

struct Presented<'a>(&'a [u8]);

impl Hash for Text {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write(end_of(&self.0));
    }
}

impl Hash for Presented<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write(end_of(self.0));
    }
}

impl PartialEq for Text {
    fn eq(&self, other: &Self) -> bool {
        is_equal(&self.0, &other.0)
    }
}

impl Eq for Text {}

impl Equivalent<Text> for Presented<'_> {
    fn equivalent(&self, key: &Text) -> bool {
        is_equal(self.0, &key.0)
    }
}

/// The last 32 characters of a token: 192 bits of its signature, which differ where tokens do. Only
/// who has the key could make many that agree in them, and they would be slow, not mistaken.
#[inline]
fn end_of(text: &[u8]) -> &[u8] {
    text.last_chunk::<32>().map_or(text, |end| end)
}

/// About what an entry takes: text, claims and their parts.
#[derive(Clone)]
struct Weight;

impl Weighter<Text, Seen> for Weight {
    fn weight(&self, text: &Text, _: &Seen) -> u64 {
        // The claims are three quarters of the text, each with a string of its own around it.
        2 * text.0.len() as u64 + 512
    }
}
