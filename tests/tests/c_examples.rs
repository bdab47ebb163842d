//! The example servers in C, built as their heads say and driven by curl.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};

use sessile_tests::{STATIC_LINK_ARGS, build_c_library, project_root, run};
use tempfile::TempDir;

#[test]
fn the_site_of_devices_signs_in_lists_and_signs_out() {
    let Some(site) = Site::start("devices", "civetweb.h", &["-lcivetweb"]) else { return };
    let phone = site.client("Phone <b>");
    let laptop = site.client("Laptop");
    let stranger = site.client("Stranger");
    assert!(phone.get("/").contains("action=\"/sign-in\""));
    for client in [&phone, &laptop] {
        let answer = client.post("/sign-in", &["name=al<i>ice"]);
        assert!(answer.starts_with("HTTP/1.1 303"), "{answer}");
        let [session, left] = cookies_of(&answer).try_into().unwrap();
        assert!(session.starts_with("sid=") && session.ends_with("; HttpOnly"), "{answer}");
        assert!(left.starts_with("sid-left=1800.") && !left.contains("HttpOnly"), "{answer}");
    }
    stranger.post("/sign-in", &["name=mallory"]);

    let page = laptop.get("/");
    assert!(page.contains("\nCache-Control: no-store\r\n"), "{page}");
    assert!(page.contains("al&lt;i&gt;ice") && page.contains("Phone &lt;b&gt;<form"), "{page}");
    assert!(page.contains("Laptop (this device)") && !page.contains("Stranger"), "{page}");
    assert!(laptop.get("/countdown.js").contains("sid-left="));
    assert!(laptop.get("/nothing").starts_with("HTTP/1.1 404"));

    // Of others nobody's form ends a session, and without a CSRF token not even one's own.
    let (csrf, handles) = (value_of(&page, "csrf"), handles_of(&page));
    assert_eq!(handles.len(), 2, "{page}");
    let handle = format!("handle={}", handle_of(&page, "Phone"));
    let theirs = format!("csrf={}", value_of(&stranger.get("/"), "csrf"));
    for form in [vec![handle.as_str()], vec![&handle, "csrf=x"], vec![&handle, &theirs]] {
        assert!(laptop.post("/revoke", &form).starts_with("HTTP/1.1 403"), "{form:?}");
    }
    assert!(stranger.post("/revoke", &[&handle, &theirs]).starts_with("HTTP/1.1 404"));
    assert!(site.client("").post("/revoke", &[&handle]).starts_with("HTTP/1.1 401"));
    assert!(phone.get("/").contains("(this device)"));

    let csrf = format!("csrf={csrf}");
    assert!(laptop.post("/revoke", &[&handle, &csrf]).starts_with("HTTP/1.1 303"));
    let signed_out = phone.get("/");
    assert!(signed_out.contains("action=\"/sign-in\""), "{signed_out}");
    assert_eq!(cookies_of(&signed_out).iter().filter(|c| c.contains("Max-Age=0")).count(), 2);
    assert!(laptop.get("/").contains("Laptop (this device)"));

    phone.post("/sign-in", &["name=al<i>ice"]);
    let answer = laptop.post("/sign-out-everywhere", &[&csrf]);
    assert!(answer.starts_with("HTTP/1.1 303"), "{answer}");
    for client in [&phone, &laptop] {
        assert!(client.get("/").contains("action=\"/sign-in\""));
    }
    assert!(stranger.get("/").contains("mallory"));
    assert_eq!(site.stop(), "");
}

#[test]
fn a_page_elsewhere_signs_nobody_in() {
    let Some(site) = Site::start("devices", "civetweb.h", &["-lcivetweb"]) else { return };
    let client = site.client("Phone");
    let answer = client.curl("/sign-in", &["-H", "Sec-Fetch-Site: cross-site", "-d", "name=a"]);
    assert!(answer.starts_with("HTTP/1.1 400") && cookies_of(&answer).is_empty(), "{answer}");
    assert!(client.get("/sign-in").starts_with("HTTP/1.1 400"));
    let long = format!("name={}", "a".repeat(256));
    assert!(client.post("/sign-in", &[&long]).starts_with("HTTP/1.1 400"));
    let huge = format!("name=a&x={}", "a".repeat(8000));
    assert!(client.post("/sign-in", &[&huge]).starts_with("HTTP/1.1 400"));
    assert_eq!(site.stop(), "");
}

#[test]
fn the_loop_serves_ticks_and_tells_of_events() {
    let Some(site) = Site::start("loop", "event2/http.h", &["-levent"]) else { return };
    let client = site.client("Phone");
    assert!(client.get("/").starts_with("HTTP/1.1 401"));
    let answer = client.post("/sign-in", &["name=alice"]);
    assert!(answer.starts_with("HTTP/1.1 200") && cookies_of(&answer).len() == 2, "{answer}");
    // Another login ends the session of the first.
    assert!(client.post("/sign-in", &["name=alice"]).contains("welcome"));
    let page = client.get("/");
    assert!(page.contains("\nCache-Control: no-store\r\n") && page.contains("name: alice\n"));
    let csrf = page.split("csrf: ").nth(1).unwrap().trim();
    assert!(client.post("/sign-out", &["csrf=x"]).starts_with("HTTP/1.1 403"));
    let answer = client.post("/sign-out", &[&format!("csrf={csrf}")]);
    assert!(answer.contains("goodbye") && cookies_of(&answer).len() == 2, "{answer}");
    assert!(client.get("/").starts_with("HTTP/1.1 401"));
    let said = site.stop();
    let mut kinds: Vec<&str> = said.lines().filter_map(|line| line.split(' ').nth(1)).collect();
    kinds.sort_unstable();
    // Created, and revoked by the next login; that one created, and revoked by signing out.
    assert_eq!(kinds, ["1", "1", "8", "8"], "{said}");
}

/// An example that runs.
struct Site {
    child: Child,
    said: BufReader<ChildStdout>,
    address: String,
    dir: TempDir,
}

impl Site {
    /// Builds and starts an example; without its library it says so and gives nothing.
    fn start(name: &str, header: &str, libraries: &[&str]) -> Option<Self> {
        let dir = tempfile::tempdir().unwrap();
        let probe = dir.path().join("probe.c");
        fs::write(&probe, format!("#include <{header}>\n")).unwrap();
        let found = Command::new("cc").arg("-E").arg(&probe).output().unwrap();
        if !found.status.success() {
            eprintln!("skipped: {header} is not installed; .ci/setup.sh says how");
            return None;
        }
        if Command::new("curl").arg("--version").output().is_err() {
            eprintln!("skipped: curl is not installed");
            return None;
        }
        let program = compile(name, dir.path(), libraries);
        let errors = fs::File::create(dir.path().join("errors")).unwrap();
        let mut child = Command::new(program)
            .arg(dir.path().join("store"))
            .arg("0")
            .stdout(Stdio::piped())
            .stderr(errors)
            .spawn()
            .unwrap();
        let mut said = BufReader::new(child.stdout.take().unwrap());
        let mut address = String::new();
        said.read_line(&mut address).unwrap();
        let address = address.trim().trim_end_matches('/').to_owned();
        let errors = fs::read_to_string(dir.path().join("errors")).unwrap();
        assert!(address.starts_with("http://127.0.0.1:"), "{address}{errors}");
        Some(Site { child, said, address, dir })
    }

    fn client(&self, agent: &str) -> Client<'_> {
        Client { site: self, agent: agent.to_owned() }
    }

    /// Asks it to end, as an operator would. It must do so cleanly and without a complaint, the
    /// sanitizers' included. Gives what it said.
    fn stop(mut self) -> String {
        run(Command::new("kill").arg(self.child.id().to_string()));
        let mut said = String::new();
        while self.said.read_line(&mut said).unwrap() > 0 {}
        let status = self.child.wait().unwrap();
        let errors = fs::read_to_string(self.dir.path().join("errors")).unwrap();
        assert!(status.success() && errors.is_empty(), "{status}\n{errors}");
        said
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        // After `stop` there is none any more, which is an error that says nothing.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A browser: its name, and a jar of cookies of that name.
struct Client<'a> {
    site: &'a Site,
    agent: String,
}

impl Client<'_> {
    fn get(&self, path: &str) -> String {
        self.curl(path, &[])
    }

    fn post(&self, path: &str, form: &[&str]) -> String {
        let mut arguments = Vec::new();
        for field in form {
            arguments.extend(["--data-urlencode", field]);
        }
        self.curl(path, &arguments)
    }

    /// The whole response: headers and body.
    fn curl(&self, path: &str, arguments: &[&str]) -> String {
        let jar = self.site.dir.path().join(format!("jar-{}", self.agent));
        run(Command::new("curl")
            .args(["--silent", "--show-error", "--include", "--max-time", "30", "-A"])
            .arg(&self.agent)
            .arg("-b")
            .arg(&jar)
            .arg("-c")
            .arg(&jar)
            .args(arguments)
            .arg(format!("{}{path}", self.site.address)))
    }
}

fn compile(name: &str, dir: &Path, libraries: &[&str]) -> PathBuf {
    let program = dir.join(name);
    run(Command::new("cc")
        .args(["-std=c11", "-Wall", "-Wextra", "-Wpedantic", "-Werror"])
        .args(["-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-I"])
        .arg(project_root().join("include"))
        .arg(project_root().join(format!("ffi/examples/{name}.c")))
        .arg("-o")
        .arg(&program)
        .arg(build_c_library().join("libsessile.a"))
        .args(STATIC_LINK_ARGS)
        .args(libraries));
    program
}

fn cookies_of(response: &str) -> Vec<String> {
    let values = response.lines().filter_map(|line| line.strip_prefix("Set-Cookie: "));
    values.map(|value| value.trim_end().to_owned()).collect()
}

fn value_of<'a>(page: &'a str, name: &str) -> &'a str {
    let start = format!("name={name} value=\"");
    page.split(&start).nth(1).and_then(|rest| rest.split('"').next()).unwrap()
}

fn handles_of(page: &str) -> Vec<&str> {
    let parts = page.split("name=handle value=\"").skip(1);
    parts.filter_map(|part| part.split('"').next()).filter(|handle| !handle.is_empty()).collect()
}

fn handle_of<'a>(page: &'a str, device: &str) -> &'a str {
    let item = page.split(&format!("<li>{device}")).nth(1).unwrap();
    value_of(item, "handle")
}
