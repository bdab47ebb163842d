//! The C library as a C or C++ program meets it: header, both libraries, exported symbols.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use sessile::{ErrorKind, Reason};
use sessile_tests::{STATIC_LINK_ARGS, build_c_library, project_root, run};

const STANDARDS: &[(&str, &str, &str)] = &[
    ("gcc", "c", "c99"),
    ("gcc", "c", "c11"),
    ("gcc", "c", "c17"),
    ("g++", "c++", "c++11"),
    ("g++", "c++", "c++17"),
    ("g++", "c++", "c++20"),
];

#[test]
fn a_program_of_every_standard_works_with_the_shared_library() {
    let libraries = build_c_library();
    let dir = tempfile::tempdir().unwrap();
    // As an installer lays them: programs look for the SONAME, the linker for the plain name.
    let shared = libraries.join("libsessile.so");
    std::os::unix::fs::symlink(&shared, dir.path().join("libsessile.so.0")).unwrap();
    for standard in STANDARDS {
        for program in compile(standard, dir.path(), &[shared.to_str().unwrap()]) {
            run(Command::new(program).env("LD_LIBRARY_PATH", dir.path()));
        }
    }
}

#[test]
fn a_program_of_every_standard_works_with_the_static_library() {
    let libraries = build_c_library();
    let archive = libraries.join("libsessile.a");
    let dir = tempfile::tempdir().unwrap();
    let mut link_args = vec![archive.to_str().unwrap()];
    link_args.extend(STATIC_LINK_ARGS);
    for standard in STANDARDS {
        for program in compile(standard, dir.path(), &link_args) {
            run(&mut Command::new(program));
        }
    }
}

#[test]
fn the_shared_library_exports_our_names_and_no_others() {
    let shared = build_c_library().join("libsessile.so");
    let table = run(Command::new("nm").args(["-D", "--defined-only"]).arg(shared));
    let names: Vec<&str> = table.lines().filter_map(|line| line.split(' ').next_back()).collect();
    assert!(names.contains(&"sessile_version"), "{names:?}");
    for name in names {
        assert!(name.starts_with("sessile_"), "{name} is exported");
    }
}

#[test]
fn the_shared_library_has_a_soname_and_stays_loaded() {
    let shared = build_c_library().join("libsessile.so");
    let dynamic = run(Command::new("readelf").args(["-d", "-W"]).arg(shared));
    assert!(dynamic.contains("[libsessile.so.0]"), "{dynamic}");
    assert!(dynamic.contains("NODELETE"), "{dynamic}");
}

/// Compiles the programs of `tests/c` into `dir`.
fn compile(standard: &(&str, &str, &str), dir: &Path, link_args: &[&str]) -> Vec<PathBuf> {
    let (compiler, language, standard) = standard;
    std::fs::write(dir.join("tables.h"), tables()).unwrap();
    let compile = |name| {
        let program = dir.join(format!("{name}-{standard}"));
        run(Command::new(compiler)
            .arg(format!("-std={standard}"))
            .args(["-Wall", "-Wextra", "-Wpedantic", "-Werror", "-x", language])
            .arg("-I")
            .arg(project_root().join("include"))
            .arg("-I")
            .arg(dir)
            .arg(project_root().join(format!("tests/c/{name}.c")))
            .args(["-x", "none", "-o"])
            .arg(&program)
            .args(link_args));
        program
    };
    ["tables", "version", "sessions", "tokens"].map(compile).into()
}

/// The tables of the core in C's words, for `tables.c`.
fn tables() -> String {
    let mut text = String::new();
    for kind in ErrorKind::ALL {
        let (name, number) = (kind.name(), kind.number());
        let constant = name.to_uppercase();
        writeln!(text, "STATUS(SESSILE_ERR_{constant}, {number}, \"{name}\")").unwrap();
    }
    for reason in Reason::ALL {
        let (name, number) = (reason.name(), reason.number());
        let constant = name.to_uppercase();
        writeln!(text, "REASON(SESSILE_REASON_{constant}, {number}, \"{name}\")").unwrap();
    }
    text
}
