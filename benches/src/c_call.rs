//! What does a call from C cost over the same call from Rust?

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::crowd::Turn;
use crate::rounds::{alternate, ns_each};
use crate::scale::{Scale, short};
use crate::table::{Goal, Table, Unit};
use crate::verify::{cached, hit};

/// Adds the rows of this question.
pub fn report(table: &mut Table, scale: Scale) {
    let what = format!("verify from C, hit, {}; floor: from Rust", short(scale.hot));
    let c = match Program::build() {
        Ok(program) => program,
        Err(why) => return table.skipped(&what, &why),
    };
    let (engine, crowd) = cached(scale.hot);
    let mut turn = Turn::of(scale.hot);
    let compared = alternate(
        scale.rounds,
        || ns_each(scale.calls, || hit(&engine, &crowd.texts, &mut turn)),
        || c.ns_each_verify(scale.hot, scale.calls),
    );
    table.compared(&what, Unit::Time, compared, Goal::None);
    let beyond = compared.ours - compared.floor;
    table.figure("the same, beyond the call from Rust", Unit::Time, beyond, Goal::AtMost(15.0));
}

/// A program in C, linked against the shared library of this profile.
struct Program {
    path: PathBuf,
    libraries: PathBuf,
    _directory: tempfile::TempDir,
}

impl Program {
    fn build() -> Result<Self, String> {
        let text = |error: std::io::Error| error.to_string();
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let own = std::env::current_exe().map_err(text)?;
        let profile = own.ancestors().find(|dir| dir.ends_with("release"));
        let libraries = profile.ok_or("not a release build")?.to_path_buf();
        let target = libraries.parent().ok_or("no target directory")?;
        let built = Command::new(env!("CARGO"))
            .args(["build", "--locked", "--quiet", "--release", "-p", "sessile-ffi"])
            .arg("--target-dir")
            .arg(target)
            .current_dir(&root)
            .output()
            .map_err(text)?;
        if !built.status.success() {
            return Err("the C library does not build".to_owned());
        }
        let directory = tempfile::tempdir().map_err(text)?;
        let path = directory.path().join("verify");
        let source = directory.path().join("verify.c");
        std::fs::write(&source, include_str!("c_call.c")).map_err(text)?;
        let compiled = Command::new("cc")
            .args(["-O2", "-I"])
            .arg(root.join("include"))
            .arg("-o")
            .args([&path, &source])
            .arg(libraries.join("libsessile.so"))
            .output()
            .map_err(|error| format!("no `cc`: {error}"))?;
        if !compiled.status.success() {
            return Err(String::from_utf8_lossy(&compiled.stderr).into_owned());
        }
        // Programs look for the library by its SONAME.
        let soname = directory.path().join("libsessile.so.0");
        std::os::unix::fs::symlink(libraries.join("libsessile.so"), soname).map_err(text)?;
        let libraries = directory.path().to_path_buf();
        Ok(Program { path, libraries, _directory: directory })
    }

    /// Nanoseconds that each of `calls` verifications takes, by the program's own clock.
    fn ns_each_verify(&self, count: usize, calls: usize) -> f64 {
        let arguments = [count.to_string(), calls.to_string()];
        let mut command = Command::new(&self.path);
        let output =
            command.args(arguments).env("LD_LIBRARY_PATH", &self.libraries).output().unwrap();
        assert!(output.status.success(), "a verification failed");
        String::from_utf8(output.stdout).unwrap().trim().parse().unwrap()
    }
}
