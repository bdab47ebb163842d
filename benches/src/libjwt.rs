//! Peer: libjwt, a library in C. A small program is compiled against it and asked for its time.

use std::path::PathBuf;
use std::process::Command;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::hmac;

/// The program, if the machine has the library and a compiler.
#[derive(Debug)]
pub struct Libjwt {
    program: PathBuf,
    secret: String,
    _directory: tempfile::TempDir,
}

impl Libjwt {
    /// Compiles the program; it decodes tokens of HS256 under `secret`.
    ///
    /// # Errors
    /// Why there is none, in a few words.
    pub fn build(secret: &str) -> Result<Self, String> {
        let directory = tempfile::tempdir().map_err(|error| error.to_string())?;
        let program = directory.path().join("decode");
        let source = directory.path().join("decode.c");
        std::fs::write(&source, SOURCE).map_err(|error| error.to_string())?;
        let compiled = Command::new("cc")
            .args(["-O2", "-o"])
            .args([&program, &source])
            .arg("-ljwt")
            .output()
            .map_err(|error| format!("no `cc`: {error}"))?;
        if !compiled.status.success() {
            return Err("no libjwt to compile with (Debian: libjwt-dev)".to_owned());
        }
        Ok(Libjwt { program, secret: secret.to_owned(), _directory: directory })
    }

    /// Nanoseconds that each of `count` calls of `jwt_decode` with its `jwt_free` takes, by the
    /// program's own clock.
    ///
    /// # Panics
    /// If the library refuses the token.
    pub fn ns_each_decode(&self, token: &str, count: usize) -> f64 {
        let arguments = [&self.as_plain(token), &self.secret, &count.to_string()];
        let output = Command::new(&self.program).args(arguments).output().unwrap();
        assert!(output.status.success(), "libjwt refused the token");
        String::from_utf8(output.stdout).unwrap().trim().parse().unwrap()
    }

    /// The same claims under the only type that libjwt takes.
    fn as_plain(&self, token: &str) -> String {
        let claims = token.split('.').nth(1).unwrap();
        let header = URL_SAFE_NO_PAD.encode(r#"{"alg":"HS256","typ":"JWT"}"#);
        let signed = format!("{header}.{claims}");
        let key = hmac::Key::new(hmac::HMAC_SHA256, self.secret.as_bytes());
        let tag = hmac::sign(&key, signed.as_bytes());
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(tag))
    }
}

const SOURCE: &str = include_str!("libjwt.c");
