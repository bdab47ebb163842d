//! JWTs: compact JWS with claims (RFC 7515, 7519), under the rules of RFC 8725.
//!
//! ```text
//! base64url(header) . base64url(claims) . base64url(signature)
//! ```
//!
//! Pure functions: no store, and the time is an argument. The order of the checks is the same
//! everywhere: length; the three parts; the header; the kind; the one key, which brings its one
//! algorithm; the signature; and only then the claims. A failure gives out a reason and nothing
//! of the token.
//!
//! - [`verify()`] takes tokens of any issuer, whose header may be written in many ways.
//! - [`OwnKeys`] takes tokens that a [`Signer`] of ours wrote. Their header is one of a few
//!   texts, so it is compared and never parsed.
//!
//! A verified token must not be known by its text: an ES256 signature can be changed by anybody
//! into another one that is as good. What revokes a token is its `jti` or `sid`.

pub(crate) mod claims;
mod header;
mod own;
mod plain;
mod profile;
mod segment;
mod sign;
mod verify;

#[cfg(test)]
mod tests;

pub use claims::Claims;
pub use own::OwnKeys;
pub use profile::{JwtKind, Profile};
pub use sign::{AlgorithmName, Signer};
pub use verify::verify;
