//! Mounts that end with the process that made them.

use std::process::Command;

/// Runs `test` again in a mount namespace of its own, where it comes to its `body`: however it
/// ends, nothing stays mounted. Skipped, with a printed reason, where there can be none.
pub fn in_own_mounts(test: &str, body: impl FnOnce()) {
    if std::env::var_os("SESSILE_OWN_MOUNTS").is_some() {
        return body();
    }
    let probe = Command::new("unshare").args(["--mount", "true"]).output();
    match probe {
        Ok(output) if output.status.success() => {}
        Ok(output) => {
            let why = String::from_utf8_lossy(&output.stderr).into_owned();
            return println!("skipped: no mount namespace: {why}");
        }
        Err(e) => return println!("skipped: no mount namespace: {e}"),
    }
    let output = Command::new("unshare")
        .arg("--mount")
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture", "--test-threads=1"])
        .env("SESSILE_OWN_MOUNTS", "1")
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    println!("{text}");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(text.contains("running 1 test"), "there is no test {test}");
}
