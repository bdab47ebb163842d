//! Verification of our own tokens: the hot path. It allocates nothing but the claims.

use super::claims::{Claims, Source};
use super::profile::Profile;
use super::segment::{Segments, check_signature, is_base64url, with_decoded};
use super::sign::{Headers, Signer};
use crate::codec::base64url;
use crate::keys::VerifyingKey;
use crate::time::Timestamp;
use crate::verdict::Reason;

/// The keys that our own tokens are verified with.
#[derive(Clone, Debug, Default)]
pub struct OwnKeys {
    keys: Vec<(Headers, VerifyingKey)>,
}

impl OwnKeys {
    /// Adds the key of `signer`, for tokens as it writes them. The one that signs now comes
    /// first, so that it is found first.
    #[must_use]
    pub fn with(mut self, signer: &Signer) -> Self {
        self.keys.push((signer.headers().clone(), signer.key().verifying_key().clone()));
        self
    }

    /// The claims of `token`, if one of these keys signed it and it is what `profile` expects
    /// at `now`; without its leeway, for the clock is the one that the token was made by.
    ///
    /// The header is compared with those that we write, byte by byte: what it may say is known.
    ///
    /// # Errors
    /// The reason for the rejection: for the host's log, not for the client, who is told "401".
    pub fn verify(
        &self,
        token: &[u8],
        profile: &Profile,
        now: Timestamp,
    ) -> Result<Claims, Reason> {
        if profile.is_too_long(token) {
            return Err(Reason::Malformed);
        }
        let found = self.keys.iter().find_map(|(headers, key)| {
            headers.kind_of(token).map(|(kind, header_len)| (kind, header_len, key))
        });
        let Some((kind, header_len, key)) = found else { return Err(reason_for_unknown(token)) };
        if kind != profile.kind() {
            return Err(Reason::WrongKind);
        }
        // The length of a signature is known, so the second dot is where it must be.
        let signature_len = base64url::encoded_len(key.signature_len());
        let dot = token.len().checked_sub(signature_len + 1).filter(|dot| *dot >= header_len);
        let parts = dot.and_then(|dot| {
            let (signed, rest) = token.split_at_checked(dot)?;
            let (b'.', signature) = rest.split_first()? else { return None };
            Some((signed, signed.get(header_len..)?, signature))
        });
        let Some((signed, claims, signature)) = parts else {
            return Err(reason_for_length(token));
        };
        check_signature(signature, key.signature_len(), |signature| {
            key.has_signed(signed, signature)
        })?;
        let claims = with_decoded(claims, |bytes| Claims::parse(bytes, Source::Own))?;
        profile.check_own(&claims, now)?;
        Ok(claims)
    }
}

/// What to say of a token with none of our headers; they are not worth a parser.
fn reason_for_unknown(token: &[u8]) -> Reason {
    let parts = Segments::split(token).map(|parts| [parts.header, parts.claims, parts.signature]);
    match parts {
        Some(parts) if parts.into_iter().all(is_base64url) => Reason::UnknownKey,
        _ => Reason::Malformed,
    }
}

/// What to say of a token whose signature is not as long as its key's are.
fn reason_for_length(token: &[u8]) -> Reason {
    match reason_for_unknown(token) {
        Reason::UnknownKey => Reason::BadSignature,
        reason => reason,
    }
}
