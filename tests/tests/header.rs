//! `include/sessile.h` is what cbindgen makes of the C library's sources and the tables of the
//! core. `make header` rewrites it.

use std::fmt::Write as _;

use cbindgen::{Builder, Config, DocumentationStyle, Language};
use sessile::{ErrorKind, Reason};
use sessile_tests::project_root;

#[test]
fn the_header_is_up_to_date() {
    let path = project_root().join("include/sessile.h");
    let fresh = generate();
    if std::env::var_os("SESSILE_BLESS").is_some() {
        std::fs::write(&path, fresh).unwrap();
        return;
    }
    let checked_in = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(checked_in == fresh, "include/sessile.h is out of date: run `make header`");
}

#[test]
fn every_kind_and_reason_has_one_constant_with_its_number_and_meaning() {
    let header = generate();
    for (name, number, description) in constants() {
        let define = format!("#define {name} {number}\n");
        assert_eq!(header.matches(&define).count(), 1, "{define}");
        assert!(!description.is_empty(), "{name} says nothing");
        assert!(!description.contains("*/") && !description.contains("]("), "{description}");
    }
}

fn generate() -> String {
    let config = Config {
        language: Language::C,
        cpp_compat: true,
        include_guard: Some("SESSILE_H".into()),
        no_includes: true,
        sys_includes: vec!["stddef.h".into(), "stdint.h".into()],
        usize_is_size_t: true,
        header: Some(INTRODUCTION.trim().into()),
        after_includes: Some(macros()),
        documentation_style: DocumentationStyle::Doxy,
        line_length: 100,
        ..Config::default()
    };
    let bindings =
        Builder::new().with_crate(project_root().join("ffi")).with_config(config).generate();
    let mut header = Vec::new();
    bindings.unwrap().write(&mut header);
    String::from_utf8(header).unwrap()
}

/// The part that cbindgen cannot see: it reads sources without expanding macros.
fn macros() -> String {
    let mut text = String::new();
    let [major, minor, patch] = [
        env!("CARGO_PKG_VERSION_MAJOR"),
        env!("CARGO_PKG_VERSION_MINOR"),
        env!("CARGO_PKG_VERSION_PATCH"),
    ];
    let version = env!("CARGO_PKG_VERSION");
    write!(
        text,
        "\n/* The version of this header; sessile_version() has that of the library. */
#define SESSILE_VERSION \"{version}\"
#define SESSILE_VERSION_MAJOR {major}
#define SESSILE_VERSION_MINOR {minor}
#define SESSILE_VERSION_PATCH {patch}
#define SESSILE_VERSION_NUMBER \\
    ((SESSILE_VERSION_MAJOR << 16) | (SESSILE_VERSION_MINOR << 8) | SESSILE_VERSION_PATCH)\n"
    )
    .unwrap();
    for (name, number, description) in constants() {
        write!(text, "\n{}#define {name} {number}\n", comment(&description)).unwrap();
    }
    text
}

/// Name, number and meaning of each status code and reason.
fn constants() -> Vec<(String, u32, String)> {
    let mut constants = vec![("SESSILE_OK".into(), 0, "The call did its work.".into())];
    for kind in ErrorKind::ALL {
        let name = format!("SESSILE_ERR_{}", kind.name().to_uppercase());
        constants.push((name, kind.number().into(), kind.description().into()));
    }
    for reason in Reason::ALL {
        let name = format!("SESSILE_REASON_{}", reason.name().to_uppercase());
        constants.push((name, reason.number().into(), reason.description().into()));
    }
    constants
}

fn comment(text: &str) -> String {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let line = lines.last_mut().unwrap();
        if line.len() + word.len() > 90 {
            lines.push(word.into());
        } else {
            line.extend([if line.is_empty() { "" } else { " " }, word]);
        }
    }
    format!("/** {} */\n", lines.join("\n *  "))
}

const INTRODUCTION: &str = "
/*
 * sessile.h: web sessions and tokens, created, verified and revoked in your own process.
 *
 * This file is generated: `make header` rewrites it.
 *
 * Status. A function that can fail returns int32_t: SESSILE_OK or one of SESSILE_ERR_..., whose
 * numbers are never reused. It writes its outputs only when it returns SESSILE_OK. That a token is
 * not valid is no failure but a verdict, with one of SESSILE_REASON_... as its reason.
 *
 * Threads. Each function says from which threads it may be called. There is no global state to set
 * up, and none that a call leaves behind for a later one, such as a last error.
 *
 * Panics. A bug in the library never unwinds into your code: the call answers
 * SESSILE_ERR_INTERNAL, or what its comment says. Do not let a C++ exception or a longjmp cross
 * the library either.
 */
";
