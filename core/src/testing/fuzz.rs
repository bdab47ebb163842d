//! Bodies of the fuzz targets: each takes any bytes and panics on a broken promise.
//!
//! They live here so that a plain test can replay what a fuzzer found.

use crate::id::Handle;

/// What a fuzz target calls.
pub type Body = fn(&[u8]);

/// Each body with the name of its target.
pub const TARGETS: &[(&str, Body)] = &[("handle", handle)];

/// Handles: whatever is taken as text or bytes comes back as exactly the same.
pub fn handle(data: &[u8]) {
    if let Ok(handle) = Handle::from_bytes(data) {
        assert_eq!(handle.to_bytes(), data);
        assert_eq!(handle.to_string().parse::<Handle>().ok(), Some(handle));
    }
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Ok(handle) = text.parse::<Handle>() {
        assert_eq!(handle.to_string(), text, "two texts for one handle");
    }
}
