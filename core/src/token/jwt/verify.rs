//! Verification of a token of any issuer.

use super::claims::{Claims, Source};
use super::header::Header;
use super::profile::Profile;
use super::segment::{Segments, check_signature, is_base64url, with_decoded};
use crate::keys::Jwks;
use crate::time::Timestamp;
use crate::verdict::Reason;

/// The claims of `token`, if one of `keys` signed it and it is what `profile` expects at `now`.
///
/// # Errors
/// The reason for the rejection: for the host's log, not for the client, who is told "401".
pub fn verify(
    token: &[u8],
    keys: &Jwks,
    profile: &Profile,
    now: Timestamp,
) -> Result<Claims, Reason> {
    if profile.is_too_long(token) {
        return Err(Reason::Malformed);
    }
    let parts = Segments::split(token).ok_or(Reason::Malformed)?;
    if !is_base64url(parts.claims) {
        return Err(Reason::Malformed);
    }
    let header = with_decoded(parts.header, Header::parse)?;
    if !header.is_of(profile.kind()) {
        return Err(Reason::WrongKind);
    }
    let algorithm = header.algorithm().ok_or(Reason::UnknownKey)?;
    let key = keys.find(header.kid(), algorithm).ok_or(Reason::UnknownKey)?;
    check_signature(parts.signature, key.signature_len(), |signature| {
        key.has_signed(parts.signed, signature)
    })?;
    let claims = with_decoded(parts.claims, |bytes| Claims::parse(bytes, Source::Foreign))?;
    profile.check(&claims, now)?;
    Ok(claims)
}
