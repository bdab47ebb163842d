#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| sessile::testing::fuzz::base64url(data));
