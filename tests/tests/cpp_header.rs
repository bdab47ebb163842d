//! `sessile.hpp` as a C++ program meets it, and that it leaves nothing of the C library out.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use sessile_tests::{STATIC_LINK_ARGS, build_c_library, project_root, run};

const STANDARDS: &[&str] = &["c++17", "c++20"];
const PROGRAMS: &[&str] = &["sessions", "tokens", "callbacks"];
const SANITIZERS: &[&str] = &["-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"];

#[test]
fn a_program_of_every_standard_works_under_the_sanitizers() {
    let dir = tempfile::tempdir().unwrap();
    for standard in STANDARDS {
        for name in PROGRAMS {
            let source = project_root().join(format!("tests/cpp/{name}.cpp"));
            let program = compile(standard, &source, dir.path(), SANITIZERS);
            let symbols = run(Command::new("nm").arg(&program));
            assert!(symbols.contains("__asan_init"), "{name} was built without them");
            run(Command::new(program).arg(dir.path().join(format!("store-{name}-{standard}"))));
        }
    }
}

#[test]
fn the_example_of_the_readme_compiles_and_works() {
    let readme = fs::read_to_string(project_root().join("README.md")).unwrap();
    let example = readme.split("```cpp\n").nth(1).and_then(|rest| rest.split("```").next());
    let dir = tempfile::tempdir().unwrap();
    let source = dir.path().join("readme.cpp");
    fs::write(&source, example.unwrap()).unwrap();
    for standard in STANDARDS {
        let program = compile(standard, &source, dir.path(), &[]);
        let store = tempfile::tempdir().unwrap();
        let said = run(Command::new(program).current_dir(store.path()));
        assert_eq!(said, "alice is in\nalice is out: revoked_session\n");
    }
}

#[test]
fn every_function_of_the_c_library_is_used() {
    let symbols = fs::read_to_string(project_root().join("ffi/symbols.txt")).unwrap();
    let wrapper = wrapper();
    let names: Vec<&str> = symbols.lines().filter(|line| line.starts_with("sessile_")).collect();
    assert!(names.len() > 50, "{names:?}");
    let is_used = |name: &str| wrapper.iter().any(|word| word == name);
    let missing: Vec<_> = names.iter().filter(|name| !is_used(name)).collect();
    assert!(missing.is_empty(), "sessile.hpp does not have {missing:?}");
}

/// Options of C that the wrapper forgets would be defaults that nobody can change.
#[test]
fn every_member_of_the_option_structs_is_set() {
    let header = fs::read_to_string(project_root().join("include/sessile.h")).unwrap();
    let wrapper = fs::read_to_string(project_root().join("include/sessile/engine.hpp")).unwrap();
    let mut members = 0;
    let options = ["create", "rotate", "access", "single_use", "api_key"];
    let options = options.map(|name| format!("sessile_{name}_options"));
    for name in options.iter().map(String::as_str).chain(["sessile_refresh_request"]) {
        let start = format!("typedef struct {name} {{");
        let text = header.split(&start).nth(1).and_then(|rest| rest.split('}').next()).unwrap();
        let start = format!("{name} raw = ");
        let function = wrapper.split(&start).nth(1).and_then(|rest| rest.split("\n    }\n").next());
        let set: Vec<&str> = function.unwrap().split("raw.").skip(1).collect();
        for line in text.lines().filter(|line| line.ends_with(';')) {
            let member = line.trim_end_matches(';').rsplit([' ', '*']).next().unwrap();
            members += 1;
            let is_set = set.iter().any(|rest| {
                rest.strip_prefix(member).is_some_and(|rest| rest.starts_with([',', ' ']))
            });
            assert!(member == "struct_size" || is_set, "nothing sets {member} of {name}");
        }
    }
    assert!(members > 40, "the reader finds {members} members");
}

/// The words of the wrapper's code.
fn wrapper() -> Vec<String> {
    let folder = project_root().join("include");
    let files = ["sessile.hpp", "sessile/values.hpp", "sessile/engine.hpp"];
    let text: String =
        files.iter().map(|file| fs::read_to_string(folder.join(file)).unwrap()).collect();
    let code = text.lines().filter(|line| {
        let line = line.trim_start();
        !line.starts_with("/*") && !line.starts_with('*') && !line.starts_with("//")
    });
    code.flat_map(|line| line.split(|c: char| !c.is_alphanumeric() && c != '_'))
        .map(Into::into)
        .collect()
}

fn compile(standard: &str, source: &Path, dir: &Path, arguments: &[&str]) -> PathBuf {
    let name = source.file_stem().unwrap().to_str().unwrap();
    let program = dir.join(format!("{name}-{standard}"));
    run(Command::new("g++")
        .arg(format!("-std={standard}"))
        .args(["-Wall", "-Wextra", "-Wpedantic", "-Werror"])
        .args(arguments)
        .arg("-I")
        .arg(project_root().join("include"))
        .arg(source)
        .arg("-o")
        .arg(&program)
        .arg(build_c_library().join("libsessile.a"))
        .args(STATIC_LINK_ARGS));
    program
}
