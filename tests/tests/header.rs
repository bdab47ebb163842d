//! `include/sessile.h` is what cbindgen makes of the C library's sources and the tables of the
//! core. `make header` rewrites it.

use std::fmt::Write as _;

use cbindgen::{Builder, Config, DocumentationStyle, FunctionConfig, Language};
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
        function: FunctionConfig {
            must_use: Some("SESSILE_MUST_USE".into()),
            ..Default::default()
        },
        ..Config::default()
    };
    let bindings =
        Builder::new().with_crate(project_root().join("ffi")).with_config(config).generate();
    let mut header = Vec::new();
    bindings.unwrap().write(&mut header);
    with_initialisers(&String::from_utf8(header).unwrap())
}

/// Puts behind each struct that begins with its size the macro that programs initialise it with:
/// every member is named, so that no compiler warns of a missing one.
fn with_initialisers(header: &str) -> String {
    let (mut text, mut members, mut is_in_comment) = (String::new(), Vec::new(), false);
    for line in header.lines() {
        text.extend([line, "\n"]);
        is_in_comment = line.trim_start().starts_with("/*") || is_in_comment;
        let is_member = !is_in_comment && line.starts_with("  ") && line.ends_with(';');
        is_in_comment = is_in_comment && !line.contains("*/");
        if is_member {
            members.push(initial_value(line));
        } else if let Some(name) = line.strip_prefix("} ").and_then(|line| line.strip_suffix(';')) {
            if let [first, others @ ..] = members.as_slice()
                && first == "size"
            {
                let (macro_name, others) = (name.to_uppercase(), others.join(", "));
                write!(
                    text,
                    "\n#define {macro_name}_INIT \\\n    {{ sizeof({name}), {others} }}\n"
                )
                .unwrap();
            }
            members.clear();
        }
    }
    text
}

fn initial_value(member: &str) -> String {
    let value = match member.trim() {
        "size_t struct_size;" => "size",
        "int32_t reason;" => "SESSILE_REASON_UNANSWERED",
        member if member.starts_with("struct sessile_handle ") => "{{0}}",
        member if member.contains('[') => "{0}",
        _ => "0",
    };
    value.into()
}

#[test]
fn every_struct_that_begins_with_its_size_has_an_initialiser() {
    let header = generate();
    let structs = header.matches("size_t struct_size;").count();
    assert!(structs > 3, "the reader finds only {structs} structs");
    assert_eq!(header.matches("_INIT \\\n").count(), structs);
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
    text.push_str(MUST_USE);
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

/// Verdicts that nobody looks at are a hole.
const MUST_USE: &str = "
/** A warning when what the function returns is not looked at. */
#if defined(__GNUC__) || defined(__clang__)
#define SESSILE_MUST_USE __attribute__((warn_unused_result))
#else
#define SESSILE_MUST_USE
#endif
";

const INTRODUCTION: &str = "
/*
 * sessile.h: web sessions and tokens, created, verified and revoked in your own process.
 *
 * This file is generated: `make header` rewrites it.
 *
 * Status. A function that can fail returns int32_t: SESSILE_OK or one of SESSILE_ERR_..., whose
 * numbers are never reused. It writes its outputs only when it returns SESSILE_OK, and tells its
 * last argument, a sessile_error or NULL, when it does not. That a token is not valid is no
 * failure but a verdict, with one of SESSILE_REASON_... as its reason. Each function names the
 * errors of its own; beside them SESSILE_ERR_INVALID_INPUT is for arguments that are NULL or not
 * UTF-8, and SESSILE_ERR_CLOSED and SESSILE_ERR_FORKED for an engine that is closed or from before
 * a fork.
 *
 * Text. What goes in is a pointer and a length, and needs no zero at its end: (NULL, 0) is the
 * empty text. What comes out has one. Memory that goes in is copied, or not used after the call.
 *
 * Structs. One that begins with struct_size is initialised with its _INIT macro, or with
 * struct_size set to its sizeof: so the library knows which members the program knows, and either
 * can be older than the other. Options with a member that the library does not know are refused.
 *
 * Forks. Open an engine after a fork, not before: an engine from before it answers every call in
 * the child with SESSILE_ERR_FORKED.
 *
 * Threads. Each function says from which threads it may be called. There is no global state to set
 * up, and none that a call leaves behind for a later one, such as a last error.
 *
 * Panics. A bug in the library never unwinds into your code: the call answers
 * SESSILE_ERR_INTERNAL, or what its comment says. Do not let a C++ exception or a longjmp cross
 * the library either.
 */
";
