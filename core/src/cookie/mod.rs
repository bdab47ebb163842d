//! Cookies and the `Authorization` header: what a web framework's adapter needs to hand a session
//! to a browser and to take it back. Pure functions of their arguments: no clock, no store.
//!
//! - [`CookiePolicy`] writes the values of `Set-Cookie` headers. It is made by a
//!   [`CookiePolicyBuilder`], which refuses what a browser would refuse or change silently.
//! - [`CookiePolicy::candidates`] reads `Cookie` headers, [`bearer`] reads `Authorization`.
//! - [`cache_headers`] and [`clear_site_data`] are the headers that belong beside a `Set-Cookie`.
//! - [`foreign`] reads the cookies of the site that was there before.
//!
//! What is refused is never repaired, and nothing is decoded: a cookie's value is the bytes
//! between its first `=` and the next `;`. (Of our own; other makers' are as they made them.)
//!
//! ```
//! use std::time::Duration;
//! use sessile::cookie::CookiePolicy;
//!
//! let policy = CookiePolicy::default();
//! assert_eq!(
//!     policy.session("k7Qx", Duration::from_secs(12 * 3600))?,
//!     "__Host-sid=k7Qx; Max-Age=43200; Path=/; Secure; SameSite=Lax; HttpOnly",
//! );
//! let tokens: Vec<&[u8]> = policy.candidates(["theme=dark; __Host-sid=k7Qx"]).collect();
//! assert_eq!(tokens, [b"k7Qx"]);
//! # Ok::<(), sessile::Error>(())
//! ```

mod build;
pub mod foreign;
mod parse;
mod policy;
#[cfg(test)]
mod tests;

pub use build::CookiePolicyBuilder;
pub use parse::{BEARER_LEN_MAX, CANDIDATES_MAX, Candidates, bearer};
pub use policy::{
    ATTRIBUTE_LEN_MAX, CookiePolicy, MAX_AGE_MAX, NAME_LEN_MAX, NAME_VALUE_LEN_MAX, SameSite,
    cache_headers, clear_site_data,
};
