//! The project itself as the tests see it: its files, its programs, its C library.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The root of the project.
pub fn project_root() -> PathBuf {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    tests.parent().map_or_else(|| tests.to_path_buf(), Path::to_path_buf)
}

/// Every file of the project, by its path from the root: all but what builds leave behind, in
/// folders that are hidden or a fuzzer's, `target`, and whatever cargo marked as a cache.
///
/// # Panics
/// When a folder cannot be read.
pub fn project_files() -> Vec<String> {
    let root = project_root();
    let mut files = Vec::new();
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            if name == ".git" {
                // A folder, or in a work tree a file that names one.
            } else if path.is_file() {
                files.push(path.strip_prefix(&root).unwrap().to_str().unwrap().to_owned());
            } else if name == ".ci" || !is_left_behind(&path, &name) {
                folders.push(path);
            }
        }
    }
    files.sort();
    files
}

fn is_left_behind(folder: &Path, name: &str) -> bool {
    // The mark alone would not do: cargo leaves a `target` that was there before it without one.
    let is_named_so = ["target", "corpus", "artifacts", "__pycache__"].contains(&name);
    name.starts_with('.') || is_named_so || folder.join("CACHEDIR.TAG").is_file()
}

/// Runs a command and gives what it printed.
///
/// # Panics
/// When it cannot be started or fails, with its errors.
pub fn run(command: &mut Command) -> String {
    let output = match command.output() {
        Ok(output) => output,
        Err(error) => panic!("{command:?} did not start: {error}"),
    };
    assert!(
        output.status.success(),
        "{command:?} failed\n{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Builds the C library as its users do, without the features that the tests turn on, and gives
/// the directory with `libsessile.a` and `libsessile.so`. Uses the profile of the running test.
///
/// # Panics
/// When it does not build.
pub fn build_c_library() -> PathBuf {
    let program = std::env::current_exe().unwrap_or_default();
    // target/<profile>/deps/<program>
    let Some(profile_dir) = program.parent().and_then(Path::parent) else {
        panic!("{} is not in a target directory", program.display());
    };
    let profile = match profile_dir.file_name().and_then(|name| name.to_str()) {
        None | Some("debug") => "dev",
        Some(profile) => profile,
    };
    let target_dir = profile_dir.parent().unwrap_or(profile_dir);
    run(Command::new(env!("CARGO"))
        .args(["build", "--locked", "--quiet", "--package", "sessile-ffi", "--profile", profile])
        .arg("--target-dir")
        .arg(target_dir)
        .current_dir(project_root()));
    profile_dir.to_path_buf()
}

/// The system libraries that a program linking `libsessile.a` needs too on Linux.
pub const STATIC_LINK_ARGS: &[&str] =
    &["-lgcc_s", "-lutil", "-lrt", "-lpthread", "-lm", "-ldl", "-lc"];
