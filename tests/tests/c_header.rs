//! The C library as a C or C++ program meets it: header, both libraries, exported symbols.

use std::path::Path;
use std::process::Command;

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
        let program = compile(standard, dir.path(), &[shared.to_str().unwrap()]);
        run(Command::new(program).env("LD_LIBRARY_PATH", dir.path()));
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
        run(&mut Command::new(compile(standard, dir.path(), &link_args)));
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

/// Compiles `tests/c/version.c` into a program in `dir`.
fn compile(standard: &(&str, &str, &str), dir: &Path, link_args: &[&str]) -> std::path::PathBuf {
    let (compiler, language, standard) = standard;
    let program = dir.join(standard);
    run(Command::new(compiler)
        .arg(format!("-std={standard}"))
        .args(["-Wall", "-Wextra", "-Wpedantic", "-Werror", "-x", language])
        .arg("-I")
        .arg(project_root().join("include"))
        .arg(project_root().join("tests/c/version.c"))
        .args(["-x", "none", "-o"])
        .arg(&program)
        .args(link_args));
    program
}
