//! Linker arguments of the shared library, which cargo does not set by itself.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    if std::env::var("CARGO_CFG_TARGET_OS").as_deref() == Ok("linux") {
        // Programs record this name instead of the file's. It moves when a change breaks them.
        println!("cargo:rustc-cdylib-link-arg=-Wl,-soname,libsessile.so.0");
        // A thread that ends after `dlclose` would run destructors that are no longer mapped.
        println!("cargo:rustc-cdylib-link-arg=-Wl,-z,nodelete");
    }
}
