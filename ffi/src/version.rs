//! The version of the library that a program runs with, to compare with the header's.

use std::ffi::{CStr, c_char};

use crate::boundary::guard;

/// The version of the library, as in "0.1.0". `SESSILE_VERSION` is that of the header.
///
/// Returns: the version; never NULL.
/// Memory: static text, never to be freed.
/// Threads: any.
#[unsafe(no_mangle)]
pub extern "C" fn sessile_version() -> *const c_char {
    guard(VERSION.as_ptr(), || VERSION.as_ptr())
}

/// The version of the library as a number that grows: major << 16 | minor << 8 | patch.
/// `SESSILE_VERSION_NUMBER` is that of the header.
///
/// Returns: the number.
/// Threads: any.
#[unsafe(no_mangle)]
pub extern "C" fn sessile_version_number() -> u32 {
    guard(VERSION_NUMBER, || VERSION_NUMBER)
}

const VERSION: &CStr =
    match CStr::from_bytes_with_nul(concat!(env!("CARGO_PKG_VERSION"), "\0").as_bytes()) {
        Ok(version) => version,
        Err(_) => panic!("a version has no zero byte"),
    };

const VERSION_NUMBER: u32 = number(
    env!("CARGO_PKG_VERSION_MAJOR"),
    env!("CARGO_PKG_VERSION_MINOR"),
    env!("CARGO_PKG_VERSION_PATCH"),
);

const fn number(major: &str, minor: &str, patch: &str) -> u32 {
    (byte(major) << 16) | (byte(minor) << 8) | byte(patch)
}

/// A part of the version. One beyond 255 would run into its neighbour, so it does not compile.
const fn byte(part: &str) -> u32 {
    match u8::from_str_radix(part, 10) {
        Ok(part) => part as u32,
        Err(_) => panic!("a part of the version is a number up to 255"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_part_of_the_version_has_its_own_byte() {
        assert_eq!(number("3", "4", "5"), 0x03_04_05);
    }
}
