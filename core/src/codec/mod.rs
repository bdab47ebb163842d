//! Records and texts <-> bytes.

pub(crate) mod base64url;
pub(crate) mod json;
pub(crate) mod record;
