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

/// The programs of `tests/c`, and what they are given: `{library}` is the shared library,
/// `{directory}` a directory that is not there yet.
const PROGRAMS: &[(&str, &[&str])] = &[
    ("version", &[]),
    ("tables", &[]),
    ("sessions", &[]),
    ("tokens", &[]),
    ("callbacks", &[]),
    ("threads", &[]),
    ("forks", &[]),
    ("unload", &["{library}"]),
    ("devices", &["{directory}"]),
];

#[test]
fn the_programs_of_every_standard_work_with_the_shared_library() {
    let bench = Bench::new();
    for standard in STANDARDS {
        for (name, args) in PROGRAMS {
            let program = bench.compile(standard, name, &[bench.shared()]);
            bench.run(&mut Command::new(program), args);
        }
    }
}

#[test]
fn the_programs_of_every_standard_work_with_the_static_library() {
    let bench = Bench::new();
    let archive = bench.libraries.join("libsessile.a");
    let mut link_args = vec![archive.to_str().unwrap()];
    link_args.extend(STATIC_LINK_ARGS);
    for standard in STANDARDS {
        for (name, args) in PROGRAMS {
            let program = bench.compile(standard, name, &link_args);
            bench.run(&mut Command::new(program), args);
        }
    }
}

/// The C side is instrumented, the library is as it is shipped: what it writes beyond a buffer of
/// the caller's, and what it never frees, is found all the same, as it uses the same allocator.
#[test]
fn the_programs_run_clean_under_sanitizers() {
    let bench = Bench::new();
    let sanitizers = "-fsanitize=address,undefined";
    for (name, args) in PROGRAMS {
        let link_args = [bench.shared(), "-g", sanitizers, "-fno-sanitize-recover=all"];
        let program = bench.compile(&("gcc", "c", "c11"), name, &link_args);
        bench.run(&mut Command::new(program), args);
    }
}

#[test]
fn the_programs_run_clean_under_valgrind() {
    if Command::new("valgrind").arg("--version").output().is_err() {
        println!("skipped: valgrind is not installed");
        return;
    }
    let bench = Bench::new();
    // The others are about threads and processes, which it runs one after the other.
    for name in ["sessions", "tokens", "callbacks"] {
        let program = bench.compile(&("gcc", "c", "c11"), name, &[bench.shared(), "-g"]);
        let mut valgrind = Command::new("valgrind");
        valgrind.args(["-q", "--error-exitcode=9", "--leak-check=full"]);
        bench.run(valgrind.args(["--errors-for-leak-kinds=definite,indirect"]).arg(program), &[]);
    }
}

#[test]
fn the_shared_library_exports_the_functions_of_the_list_and_no_others() {
    let shared = build_c_library().join("libsessile.so");
    let table = run(Command::new("nm").args(["-D", "--defined-only"]).arg(shared));
    let mut names: Vec<&str> =
        table.lines().filter_map(|line| line.split(' ').next_back()).collect();
    names.sort_unstable();
    let path = project_root().join("ffi/symbols.txt");
    let listed = std::fs::read_to_string(path).unwrap();
    assert_eq!(names, listed.lines().collect::<Vec<_>>(), "the list is ffi/symbols.txt");
    let header = std::fs::read_to_string(project_root().join("include/sessile.h")).unwrap();
    for name in names {
        assert!(name.starts_with("sessile_"), "{name} is exported");
        assert!(header.contains(&format!("{name}(")), "{name} is not in the header");
    }
}

/// What a program that links the archive needs beside it, as the compiler says.
#[test]
fn the_system_libraries_of_the_archive_are_those_that_are_documented() {
    let target = tempfile::tempdir().unwrap();
    let source = target.path().join("empty.rs");
    std::fs::write(&source, "").unwrap();
    let printed = Command::new("rustc")
        .args(["--crate-type", "staticlib", "--print", "native-static-libs", "-o"])
        .arg(target.path().join("libempty.a"))
        .arg(&source)
        .output()
        .unwrap();
    let printed = String::from_utf8_lossy(&printed.stderr).into_owned();
    let libraries = printed.lines().find_map(|line| line.split("native-static-libs: ").nth(1));
    let libraries: Vec<_> = libraries.unwrap().split_whitespace().collect();
    for library in &libraries {
        assert!(STATIC_LINK_ARGS.contains(library), "{library} is missing");
    }
    let readme = std::fs::read_to_string(project_root().join("README.md")).unwrap();
    assert!(readme.contains(&STATIC_LINK_ARGS.join(" ")), "the README has another line");
}

#[test]
fn the_program_that_lists_devices_says_what_it_found() {
    let bench = Bench::new();
    let program = bench.compile(&("gcc", "c", "c99"), "devices", &[bench.shared()]);
    let found = bench.run(&mut Command::new(program), &["{directory}"]);
    let found: Vec<_> = found.lines().collect();
    let ["laptop: 200", devices @ .., "phone: 401", "why: revoked_subject", "laptop: 200"] =
        found.as_slice()
    else {
        panic!("{found:?}")
    };
    // Both were seen in the same millisecond, perhaps: either may come first.
    assert!(devices.len() == 2 && devices.contains(&"Phone"), "{found:?}");
    assert!(devices.contains(&"Laptop (this device)"), "{found:?}");
}

#[test]
fn the_example_of_the_readme_compiles_and_works() {
    let readme = std::fs::read_to_string(project_root().join("README.md")).unwrap();
    let example = readme.split("```c\n").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
    let bench = Bench::new();
    let source = bench.dir.path().join("readme.c");
    std::fs::write(&source, example).unwrap();
    for standard in STANDARDS {
        let program = bench.compile_file(standard, &source, "readme", &[bench.shared()]);
        let mut command = Command::new(program);
        let said = bench.run(command.current_dir(tempfile::tempdir().unwrap().path()), &[]);
        assert_eq!(said, "alice is in\nalice is out: revoked_session\n");
    }
}

#[test]
fn the_shared_library_has_a_soname_and_stays_loaded() {
    let shared = build_c_library().join("libsessile.so");
    let dynamic = run(Command::new("readelf").args(["-d", "-W"]).arg(shared));
    assert!(dynamic.contains("[libsessile.so.0]"), "{dynamic}");
    assert!(dynamic.contains("NODELETE"), "{dynamic}");
}

/// The libraries, and a directory for the programs.
struct Bench {
    libraries: PathBuf,
    dir: tempfile::TempDir,
    shared: String,
}

impl Bench {
    fn new() -> Self {
        let libraries = build_c_library();
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("tables.h"), tables()).unwrap();
        // As an installer lays them: programs look for the SONAME, the linker for the plain name.
        let shared = libraries.join("libsessile.so");
        std::os::unix::fs::symlink(&shared, dir.path().join("libsessile.so.0")).unwrap();
        Bench { shared: shared.to_str().unwrap().into(), libraries, dir }
    }

    fn shared(&self) -> &str {
        &self.shared
    }

    /// Compiles a program of `tests/c`.
    fn compile(&self, standard: &(&str, &str, &str), name: &str, link_args: &[&str]) -> PathBuf {
        let source = project_root().join(format!("tests/c/{name}.c"));
        self.compile_file(standard, &source, name, link_args)
    }

    fn compile_file(
        &self,
        (compiler, language, standard): &(&str, &str, &str),
        source: &Path,
        name: &str,
        link_args: &[&str],
    ) -> PathBuf {
        let program = self.dir.path().join(format!("{name}-{standard}"));
        run(Command::new(compiler)
            .arg(format!("-std={standard}"))
            .args(["-Wall", "-Wextra", "-Wpedantic", "-Werror", "-x", language])
            .arg("-I")
            .arg(project_root().join("include"))
            .arg("-I")
            .arg(self.dir.path())
            .arg(source)
            .args(["-x", "none", "-o"])
            .arg(&program)
            .args(link_args)
            .args(["-lpthread", "-ldl"]));
        program
    }

    /// Runs a program and gives what it printed.
    fn run(&self, command: &mut Command, args: &[&str]) -> String {
        let directory = self.dir.path().join("store");
        for arg in args {
            command.arg(match *arg {
                "{library}" => self.shared(),
                "{directory}" => directory.to_str().unwrap(),
                other => other,
            });
        }
        let said = run(command.env("LD_LIBRARY_PATH", self.dir.path()));
        let _ = std::fs::remove_dir_all(directory);
        said
    }
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
