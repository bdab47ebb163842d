//! Independent libraries: their tokens here, ours there, and the cookies of the makers that
//! people move from. `.ci/interop.sh` installs them, pinned; without them the tests say so.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;

use serde_json::{Value, json};
use sessile::cookie::foreign::{Importer, KeygripHash, Maker};
use sessile::jwt::{Algorithm, Jwks, JwtKind, Profile, SigningKey, VerifyingKey, verify};
use sessile::store::MemoryStore;
use sessile::{
    AccessOptions, AccessTokens, Clock, Config, Engine, Reason, SystemClock, Timestamp, Upgrade,
};
use sessile_tests::fixture::log_in;
use sessile_tests::project_root;

const ISSUER: &str = "https://issuer.example";
const API: &str = "https://api.example";

/// A secret that both sides know; made for this test.
const SECRET: &str = r#"{"kty":"oct","kid":"shared",
    "k":"_-97Qk0c1mBv8JpR2xYw5tZsU3eG6hKaLdNfXoIyTqM"}"#;

#[test]
fn pyjwt_and_joserfc_take_our_tokens_and_we_take_theirs() {
    let Some(python) = tool(Tool::Python) else { return };
    let answer = speak(&python, "tokens.py", &job());
    check_tokens(&answer, 6, 8);
}

#[test]
fn jose_and_jsonwebtoken_take_our_tokens_and_we_take_theirs() {
    let Some(node) = tool(Tool::Node) else { return };
    let answer = speak(&node, "tokens.mjs", &job());
    check_tokens(&answer, 5, 7);
}

#[test]
fn cookies_of_express_session_and_cookie_session_are_upgraded() {
    let Some(node) = tool(Tool::Node) else { return };
    let sites = speak(&node, "cookies.mjs", &Value::Null);
    let mut upgraded = 0;
    for site in sites.as_array().unwrap() {
        let secrets: Vec<_> =
            site["secrets"].as_array().unwrap().iter().map(|s| s.as_str().unwrap()).collect();
        let name = site["name"].as_str().unwrap();
        let maker = match site["kind"].as_str().unwrap() {
            "express" => Maker::express(name, &secrets),
            "sha1" => Maker::cookie_session(name, &secrets, KeygripHash::Sha1),
            "sha256" => Maker::cookie_session(name, &secrets, KeygripHash::Sha256),
            kind => panic!("{kind}"),
        };
        upgraded += move_over(maker.unwrap(), site);
    }
    assert_eq!(upgraded, 3 * 45 + 4 + 2 * 45 + 1);
}

#[test]
fn sessions_of_django_are_upgraded() {
    let Some(python) = tool(Tool::Python) else { return };
    let site = speak(&python, "django_sessions.py", &Value::Null);
    assert_eq!(move_over(Maker::django("sessionid").unwrap(), &site), 20);
}

/// Imports a site's rows, if it has any, and upgrades each of its cookies. Gives how many.
fn move_over(maker: Maker, site: &Value) -> usize {
    let engine = Engine::open_with(Config::with_store(Arc::new(MemoryStore::new()))).unwrap();
    let until = Timestamp::from_millis(SystemClock.now().as_millis() + 30 * 86_400_000);
    let importer = Importer::new(maker, until).carry(["cart"]);
    let cookies = site["cookies"].as_array().unwrap();
    let rows = site["rows"].as_str();
    if let Some(rows) = rows {
        let report = engine.import_rows(&importer, &mut rows.as_bytes()).unwrap();
        assert_eq!(report.imported, cookies.len() as u64, "{report:?}");
    }
    for cookie in cookies {
        let (header, subject) = (cookie["header"].as_str().unwrap(), &cookie["subject"]);
        let upgrade = engine.upgrade_cookies(&importer, [header]).unwrap();
        let Some(Upgrade::Valid(issued)) = upgrade else { panic!("{header}: {upgrade:?}") };
        assert_eq!(issued.session.subject().unwrap().as_str(), subject.as_str().unwrap());
        assert!(engine.verify(issued.token.as_str()).unwrap().is_valid());
        let data = engine.data(issued.session.handle()).unwrap().unwrap();
        assert!(data.iter().all(|(name, json)| name == "cart" && json.starts_with(b"[\"zo\xc3")));
        let read = importer.read_pair([header]);
        assert_eq!(read.is_some_and(|read| read.is_ok()), rows.is_none());
        let last = header.char_indices().next_back().unwrap().0;
        let other = if header.ends_with('A') { "Q" } else { "A" };
        let forged = format!("{}{other}", &header[..last]);
        let verdict = engine.upgrade_cookies(&importer, [forged.as_str()]).unwrap().unwrap();
        assert!(verdict.reason().is_some_and(|reason| reason != Reason::Reused), "{forged}");
    }
    cookies.len()
}

/// Access tokens of ours in every algorithm, and what one needs to verify them.
fn job() -> Value {
    let (mut tokens, mut tampered) = (BTreeMap::new(), BTreeMap::new());
    let mut jwks = BTreeMap::new();
    let key = SigningKey::from_jwk(SECRET).unwrap();
    for algorithm in [Algorithm::Hs256, Algorithm::EdDsa, Algorithm::Es256] {
        let config = Config::with_store(Arc::new(MemoryStore::new()));
        let access = AccessTokens::new(ISSUER, API).algorithm(algorithm);
        let engine = Engine::open_with(config.access_tokens(access)).unwrap();
        if algorithm == Algorithm::Hs256 {
            let id = engine.import_key(&key).unwrap();
            engine.activate_key(id).unwrap();
        } else {
            // The set then has a key that has not signed the token, too.
            engine.publish_key().unwrap();
        }
        let session = log_in(&engine, "zoë");
        let options = AccessOptions::new().scopes(["read", "write"]).claim("org", 7);
        let token = engine.issue_access(session.session.handle(), &options).unwrap().token;
        let name = algorithm.name();
        // Another subject under the same signature.
        let mut parts: Vec<_> = token.split('.').map(str::to_owned).collect();
        let middle = parts[1].len() / 2;
        let other = if parts[1].as_bytes()[middle] == b'A' { "B" } else { "A" };
        parts[1].replace_range(middle..=middle, other);
        tampered.insert(name, parts.join("."));
        tokens.insert(name, token);
        jwks.insert(name, engine.jwks());
    }
    let secret: Value = serde_json::from_str(SECRET).unwrap();
    json!({"issuer": ISSUER, "audience": API, "tokens": tokens, "tampered": tampered,
           "jwks": jwks, "secret": secret})
}

fn check_tokens(answer: &Value, verified_count: usize, signed_count: usize) {
    let verified = answer["verified"].as_array().unwrap();
    for one in verified {
        let claims = &one["claims"];
        assert_eq!(claims["sub"], "zoë", "{one}");
        assert_eq!(claims["iss"], ISSUER);
        assert_eq!(claims["scope"], "read write");
        assert_eq!(claims["org"], 7);
    }
    assert_eq!(verified.len(), verified_count);

    let signed = answer["signed"].as_array().unwrap();
    let profile = Profile::new(JwtKind::Access, ISSUER, API).unwrap();
    for one in signed {
        let (library, algorithm) = (&one["library"], &one["algorithm"]);
        let keys = match algorithm.as_str() {
            // A published set never has a secret.
            Some("HS256") => {
                Jwks::new(vec![VerifyingKey::from_jwk(&one["jwk"].to_string()).unwrap()])
            }
            _ => Jwks::parse(&json!({"keys": [one["jwk"]]}).to_string()),
        };
        let keys = keys.unwrap();
        assert_eq!(keys.keys().len(), 1, "{library} {algorithm}: its key is not known");
        let token = one["token"].as_str().unwrap();
        let now = SystemClock.now();
        let claims = verify(token.as_bytes(), &keys, &profile, now);
        assert_eq!(claims.unwrap().sub.as_deref(), Some("zoë"), "{library} {algorithm}");
        let (rest, signature) = token.rsplit_once('.').unwrap();
        let other = if signature.starts_with('A') { "B" } else { "A" };
        let forged = format!("{rest}.{other}{}", &signature[1..]);
        let verdict = verify(forged.as_bytes(), &keys, &profile, now);
        assert_eq!(verdict, Err(Reason::BadSignature), "{library} {algorithm}");
    }
    assert_eq!(signed.len(), signed_count);
}

#[derive(Clone, Copy)]
enum Tool {
    Python,
    Node,
}

/// How to run scripts with the libraries; `None`, with the reason printed: they are not there.
fn tool(tool: Tool) -> Option<PathBuf> {
    let (program, mark, wanted) = match tool {
        Tool::Python => ("venv/bin/python", "venv/installed.txt", "requirements.txt"),
        Tool::Node => ("node", "installed.json", "package-lock.json"),
    };
    let home = home();
    let wanted = std::fs::read(scripts().join(wanted)).unwrap();
    if std::fs::read(home.join(mark)).ok() != Some(wanted) {
        println!("skipped: the libraries are not installed: run .ci/interop.sh, which says why");
        return None;
    }
    Some(match tool {
        Tool::Python => home.join(program),
        Tool::Node => program.into(),
    })
}

/// Runs a script with `job` as its input, and gives its answer. It runs beside the libraries, as
/// that is where Node.js looks for them.
fn speak(program: &Path, script: &str, job: &Value) -> Value {
    let path = home().join(script);
    std::fs::copy(scripts().join(script), &path).unwrap();
    let mut child = Command::new(program)
        .arg(&path)
        .current_dir(home())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(job.to_string().as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{script} failed, see above");
    serde_json::from_slice(&output.stdout).unwrap()
}

fn scripts() -> PathBuf {
    project_root().join("tests/interop")
}

/// Where the libraries are: beside the running test, that is in `target/<profile>/deps`.
fn home() -> PathBuf {
    let program = std::env::current_exe().unwrap();
    program.ancestors().nth(3).unwrap().join("interop")
}
