//! The C library once it is installed: found by pkg-config and CMake, linked, run.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use sessile_tests::{STATIC_LINK_ARGS, build_c_library, project_root, run};
use tempfile::TempDir;

const WARNINGS: &[&str] = &["-Wall", "-Wextra", "-Wpedantic", "-Werror"];
const LANGUAGES: &[(&str, &str)] = &[("cc", "c"), ("c++", "cpp")];
const VERSION: &str = env!("CARGO_PKG_VERSION");

#[test]
fn a_program_finds_the_shared_library_by_pkg_config() {
    let (dir, libdir) = installed("lib");
    for (compiler, ending) in LANGUAGES {
        let program = compile(compiler, ending, dir.path(), &pkg_config(&libdir, "sessile"));
        let output = run(Command::new(program).env("LD_LIBRARY_PATH", &libdir));
        assert_eq!(output.trim(), VERSION);
    }
}

#[test]
fn a_program_finds_the_static_library_by_pkg_config() {
    let (dir, libdir) = installed("lib");
    let found = pkg_config(&libdir, "sessile-static");
    for (compiler, ending) in LANGUAGES {
        let program = compile(compiler, ending, dir.path(), &found);
        assert!(!needed(&program).contains("libsessile"), "it is not in the program");
        assert_eq!(run(&mut Command::new(program)).trim(), VERSION);
    }
    // A tree with the archive alone is what `--static` is for.
    for name in ["libsessile.so".to_owned(), "libsessile.so.0".into(), shared_name()] {
        fs::remove_file(libdir.join(name)).unwrap();
    }
    let found = pkg_config(&libdir, "--static sessile");
    let program = compile("cc", "c", dir.path(), &found);
    assert_eq!(run(&mut Command::new(program)).trim(), VERSION);
}

#[test]
fn a_project_finds_both_libraries_by_cmake() {
    // Where Debian has its libraries, and moved after the installation.
    let architecture = run(Command::new("cc").arg("-print-multiarch"));
    let (dir, _) = installed(&format!("lib/{}", architecture.trim()));
    let moved = dir.path().join("moved");
    fs::rename(dir.path().join("prefix"), &moved).unwrap();
    let project = dir.path().join("project");
    fs::create_dir(&project).unwrap();
    fs::write(project.join("CMakeLists.txt"), CMAKE_PROJECT).unwrap();
    for (_, ending) in LANGUAGES {
        fs::write(project.join(format!("main.{ending}")), program_text(ending)).unwrap();
    }
    let build = dir.path().join("build");
    run(Command::new("cmake")
        .arg(format!("-DCMAKE_PREFIX_PATH={}", moved.display()))
        .arg("-S")
        .arg(&project)
        .arg("-B")
        .arg(&build));
    run(Command::new("cmake").arg("--build").arg(&build));
    for name in ["c-shared", "c-static", "cpp-shared", "cpp-static"] {
        let program = build.join(name);
        assert_eq!(needed(&program).contains("libsessile.so.0"), name.ends_with("shared"));
        assert_eq!(run(&mut Command::new(program)).trim(), VERSION, "{name}");
    }
}

#[test]
fn cmake_refuses_another_version() {
    let (dir, _) = installed("lib");
    let prefix = dir.path().join("prefix");
    for (wanted, is_found) in [("0.1", true), ("0.1.0 EXACT", true), ("1.0", false), ("99", false)]
    {
        let project = dir.path().join(format!("wants-{wanted}"));
        fs::create_dir(&project).unwrap();
        let text = format!(
            "cmake_minimum_required(VERSION 3.16)\nproject(p C)\n\
             find_package(sessile {wanted} CONFIG)\n\
             if(NOT sessile_FOUND STREQUAL {})\nmessage(FATAL_ERROR \"${{sessile_FOUND}}\")\nendif()\n",
            u8::from(is_found),
        );
        fs::write(project.join("CMakeLists.txt"), text).unwrap();
        run(Command::new("cmake")
            .arg(format!("-DCMAKE_PREFIX_PATH={}", prefix.display()))
            .arg("-S")
            .arg(&project)
            .arg("-B")
            .arg(project.join("build")));
    }
}

#[test]
fn the_names_of_the_library_lead_to_one_another() {
    let (_dir, libdir) = installed("lib");
    assert_eq!(fs::read_link(libdir.join("libsessile.so")).unwrap(), Path::new("libsessile.so.0"));
    assert_eq!(fs::read_link(libdir.join("libsessile.so.0")).unwrap(), Path::new(&shared_name()),);
    let mode = fs::metadata(libdir.join(shared_name())).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o755);
}

#[test]
fn a_staged_installation_names_the_final_place() {
    let dir = tempfile::tempdir().unwrap();
    install(&[("PREFIX", "/opt/sessile"), ("DESTDIR", dir.path().to_str().unwrap())]);
    let libdir = dir.path().join("opt/sessile/lib");
    let text = fs::read_to_string(libdir.join("pkgconfig/sessile.pc")).unwrap();
    assert!(text.contains("libdir=/opt/sessile/lib\n"), "{text}");
    assert!(text.contains(&format!("Version: {VERSION}\n")), "{text}");
    assert!(text.contains(&format!("Libs.private: {}\n", STATIC_LINK_ARGS.join(" "))), "{text}");
    let text = fs::read_to_string(libdir.join("cmake/sessile/sessileConfig.cmake")).unwrap();
    let names: Vec<&str> = STATIC_LINK_ARGS.iter().map(|argument| &argument[2..]).collect();
    assert!(text.contains(&format!("LIBRARIES \"{}\"", names.join(";"))), "{text}");
    for file in files_below(dir.path()) {
        let text = fs::read(&file).unwrap();
        assert!(
            !text.contains(&b'@') || !is_text(&file),
            "{} has a place unfilled",
            file.display()
        );
    }
}

/// Installs below a new directory, and gives it with the directory of the libraries.
fn installed(libdir: &str) -> (TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let prefix = dir.path().join("prefix");
    install(&[("PREFIX", prefix.to_str().unwrap()), ("LIBDIR", libdir)]);
    (dir, prefix.join(libdir))
}

fn install(variables: &[(&str, &str)]) {
    let mut command = Command::new(project_root().join("ffi/install/install.sh"));
    command.env_remove("PREFIX").env_remove("LIBDIR").env_remove("DESTDIR");
    run(command.arg(build_c_library()).envs(variables.iter().copied()));
}

/// What pkg-config says of a package that is installed in `libdir` only.
fn pkg_config(libdir: &Path, package: &str) -> Vec<String> {
    let said = run(Command::new("pkg-config")
        .env("PKG_CONFIG_LIBDIR", libdir.join("pkgconfig"))
        .args(["--cflags", "--libs"])
        .args(package.split(' ')));
    said.split_whitespace().map(Into::into).collect()
}

fn compile(compiler: &str, ending: &str, dir: &Path, found: &[String]) -> PathBuf {
    let source = dir.join(format!("main.{ending}"));
    fs::write(&source, program_text(ending)).unwrap();
    let program = dir.join(format!("program-{ending}"));
    run(Command::new(compiler).args(WARNINGS).arg(source).arg("-o").arg(&program).args(found));
    program
}

/// The libraries that a program asks the loader for.
fn needed(program: &Path) -> String {
    let dynamic = run(Command::new("readelf").args(["-d", "-W"]).arg(program));
    dynamic.lines().filter(|line| line.contains("(NEEDED)")).collect::<Vec<_>>().join("\n")
}

fn shared_name() -> String {
    format!("libsessile.so.{VERSION}")
}

fn files_below(dir: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { files.extend(files_below(&path)) } else { files.push(path) }
    }
    files
}

fn is_text(file: &Path) -> bool {
    file.extension().is_some_and(|ending| ending == "pc" || ending == "cmake")
}

/// Opens, creates, verifies and prints the library's version.
fn program_text(ending: &str) -> &'static str {
    if ending == "c" { C_PROGRAM } else { CPP_PROGRAM }
}

const C_PROGRAM: &str = r#"
#include <sessile.h>
#include <stdio.h>
#include <string.h>

int main(void)
{
    sessile_config *config = sessile_config_new_in_memory();
    sessile_session session = SESSILE_SESSION_INIT;
    sessile_tokens tokens = SESSILE_TOKENS_INIT;
    sessile_engine *engine = NULL;
    int32_t status = sessile_open(config, &engine, NULL);

    sessile_config_free(config);
    if (status != SESSILE_OK || sessile_create(engine, NULL, NULL, &tokens, NULL) != SESSILE_OK) {
        return 1;
    }
    status = sessile_verify(engine, tokens.session, strlen(tokens.session), &session, NULL);
    if (status != SESSILE_OK || session.reason != SESSILE_VALID) {
        return 2;
    }
    printf("%s\n", sessile_version());
    return sessile_close(engine, NULL) == SESSILE_OK ? 0 : 3;
}
"#;

const CPP_PROGRAM: &str = r#"
#include <sessile.hpp>
#include <iostream>

int main()
{
    sessile::engine engine(sessile::config::in_memory());
    sessile::issued made = engine.create();
    if (!engine.verify(made.tokens.session())) {
        return 1;
    }
    std::cout << sessile::version() << "\n";
    engine.close();
}
"#;

const CMAKE_PROJECT: &str = r#"
cmake_minimum_required(VERSION 3.16)
project(user C CXX)
find_package(sessile 0.1 REQUIRED CONFIG)
add_executable(c-shared main.c)
target_link_libraries(c-shared PRIVATE sessile::sessile)
add_executable(c-static main.c)
target_link_libraries(c-static PRIVATE sessile::sessile_static)
add_executable(cpp-shared main.cpp)
target_link_libraries(cpp-shared PRIVATE sessile::sessile)
add_executable(cpp-static main.cpp)
target_link_libraries(cpp-static PRIVATE sessile::sessile_static)
set_target_properties(cpp-shared cpp-static PROPERTIES CXX_STANDARD 17 CXX_STANDARD_REQUIRED ON)
"#;
