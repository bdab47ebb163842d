//! The opaque tokens beside the session token.

use std::sync::Arc;
use std::time::Duration;

use super::{PURPOSE, SUBJECT, edited, open};
use crate::codec::base64url;
use crate::engine::{
    ApiKeyOptions, CreateOptions, Engine, Refresh, RefreshGrant, RefreshRequest, SingleUseOptions,
};
use crate::id::Handle;
use crate::kind::TokenKind;
use crate::store::{MemoryStore, Store};
use crate::testing::FaultStore;
use crate::verdict::Reason;

/// Refresh and single-use tokens, API keys, CSRF tokens and signed values: what was not issued is
/// rejected, whatever kind it is presented as, without a row read or written; and what was
/// issued stays good.
pub fn opaque_token(data: &[u8]) {
    thread_local! {
        static TARGET: Target = Target::new();
    }
    TARGET.with(|target| {
        if let Ok(text) = std::str::from_utf8(data) {
            target.reject(text);
        }
        target.reject(&base64url::encode_string(data));
        let (choice, rest) = data.split_first().unwrap_or((&0, &[]));
        let (_, genuine) = &target.genuine[usize::from(*choice) % target.genuine.len()];
        target.reject(&edited(genuine, rest));
        target.reject(&redecoded(genuine, rest));
        target.takes_what_it_issued();
    });
}

struct Target {
    engine: Engine,
    store: Arc<FaultStore>,
    handle: Handle,
    /// One of each kind, the session token included.
    genuine: Vec<(TokenKind, String)>,
}

impl Target {
    fn new() -> Self {
        let store = Arc::new(FaultStore::new(Arc::new(MemoryStore::new())));
        let engine = open(store.clone()).unwrap();
        let options = CreateOptions::for_subject(SUBJECT).unwrap().refreshable(RefreshGrant::new());
        let issued = engine.create(options).unwrap();
        let handle = *issued.session.handle();
        let link = SingleUseOptions::new(PURPOSE).subject(SUBJECT).unwrap();
        let link = engine.issue_single_use(&link).unwrap();
        let key = ApiKeyOptions::new(SUBJECT, "deploy").unwrap();
        let key = engine.create_api_key(&key).unwrap();
        let csrf = engine.csrf_token(&handle).unwrap();
        let genuine = vec![
            (TokenKind::Session, issued.token.as_str().to_owned()),
            (TokenKind::Refresh, issued.refresh_token.as_ref().unwrap().as_str().to_owned()),
            (TokenKind::SingleUse, link.token.as_str().to_owned()),
            (TokenKind::ApiKey, key.token.as_str().to_owned()),
            (TokenKind::Csrf, csrf.as_str().to_owned()),
            (TokenKind::Signed, engine.sign(PURPOSE, PAYLOAD).unwrap()),
        ];
        Target { engine, store, handle, genuine }
    }

    /// Presents `text` as each kind; as the kind that it was issued as, it is left out.
    fn reject(&self, text: &str) {
        let is_genuine = |(kind, genuine): &&(TokenKind, String)| {
            genuine == text || (*kind == TokenKind::Csrf && is_masked_anew(genuine, text))
        };
        let kind = self.genuine.iter().find(is_genuine).map(|(kind, _)| *kind);
        let before = (self.store.counts(), self.store.version());
        for presented in TokenKind::ALL.into_iter().filter(|other| Some(*other) != kind) {
            assert!(!self.is_taken(presented, text), "{text:?} is taken as {presented:?}");
        }
        assert_eq!((self.store.counts(), self.store.version()), before, "{text:?} cost the store");
    }

    fn is_taken(&self, kind: TokenKind, text: &str) -> bool {
        let engine = &self.engine;
        match kind {
            TokenKind::Session => engine.verify(text).unwrap().is_valid(),
            TokenKind::Refresh => {
                let refresh = engine.refresh(text, &RefreshRequest::new()).unwrap();
                // A forged one never ends a session: only what is authentic is a reuse.
                !matches!(refresh, Refresh::Rejected(reason) if reason != Reason::Reused)
            }
            TokenKind::SingleUse => {
                let used = engine.consume(PURPOSE, text).unwrap();
                used.is_ok() || used == Err(Reason::Reused)
            }
            TokenKind::ApiKey => engine.verify_api_key(text).unwrap().key().is_some(),
            TokenKind::Csrf => engine.is_csrf_token(&self.handle, text),
            TokenKind::Signed => engine.unsign(PURPOSE, text, HOUR).is_ok(),
        }
    }

    /// The genuine ones are good, and none was used up.
    fn takes_what_it_issued(&self) {
        let engine = &self.engine;
        for (kind, text) in &self.genuine {
            let is_good = match kind {
                TokenKind::Refresh => engine.introspect(text).unwrap().contains(r#""active":true"#),
                TokenKind::SingleUse => engine.peek_single_use(PURPOSE, text).unwrap().is_ok(),
                TokenKind::Signed => {
                    engine.unsign(PURPOSE, text, HOUR).is_ok_and(|value| value.payload == PAYLOAD)
                }
                kind => self.is_taken(*kind, text),
            };
            assert!(is_good, "{kind:?} is no longer good");
        }
    }
}

/// A genuine token whose bytes, not characters, are changed at some places: it decodes.
fn redecoded(genuine: &str, edits: &[u8]) -> String {
    let mut bytes = vec![0; base64url::decoded_len(genuine.len())];
    assert!(base64url::decode(genuine.as_bytes(), &mut bytes));
    for edit in edits.chunks_exact(2) {
        let place = usize::from(edit[0]) % bytes.len();
        bytes[place] = edit[1];
    }
    base64url::encode_string(&bytes)
}

/// Whether both are CSRF tokens that hide the same secret: who has one can write it under any
/// other mask, and gains nothing by it.
fn is_masked_anew(genuine: &str, text: &str) -> bool {
    let shown = |text: &str| {
        let mut bytes = [0; 34];
        base64url::decode(text.as_bytes(), &mut bytes).then(|| {
            let (mask, masked) = bytes[2..].split_at(16);
            let secret: Vec<u8> = mask.iter().zip(masked).map(|(a, b)| a ^ b).collect();
            ([bytes[0], bytes[1]], secret)
        })
    };
    text.len() == genuine.len() && shown(genuine) == shown(text)
}

const PAYLOAD: &[u8] = b"report.pdf";
const HOUR: Duration = Duration::from_secs(3600);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_mask_of_a_csrf_token_is_no_forgery_and_another_secret_is_one() {
        let target = Target::new();
        let (_, csrf) = target.genuine.iter().find(|(kind, _)| *kind == TokenKind::Csrf).unwrap();
        // The same change to a byte of the mask and to the byte under it.
        let mut bytes = [0; 34];
        assert!(base64url::decode(csrf.as_bytes(), &mut bytes));
        bytes[5] ^= 0x40;
        bytes[21] ^= 0x40;
        let anew = base64url::encode_string(&bytes);
        target.reject(&anew);
        assert!(target.is_taken(TokenKind::Csrf, &anew));
        bytes[21] ^= 1;
        assert!(!is_masked_anew(csrf, &base64url::encode_string(&bytes)));
    }
}
