//! Bodies of the fuzz targets that need another library beside the core's, or a user agent; as
//! in `sessile::testing::fuzz`, each takes any bytes and panics on a broken promise.

mod jwks;
mod jwt;
mod members;
mod set_cookie;

use sessile::testing::fuzz::Body;

pub use jwks::jwks;
pub use jwt::jwt;
pub use set_cookie::set_cookie;

/// Each body with the name of its target.
pub const TARGETS: &[(&str, Body)] = &[("jwks", jwks), ("jwt", jwt), ("set_cookie", set_cookie)];
