//! What the child does until it is killed.

use std::io::Write;

use sessile::{
    CreateOptions, Engine, Handle, Issued, Patch, Reason, RefreshGrant, RefreshRequest,
    RotateOptions, SingleUseOptions, Upgrade,
};

use crate::ledger::{PURPOSE, grace, old_key, old_row, old_site};

/// Leads the `i`-th session or link of a thread through its life. One in two is left alive.
pub fn lead_a_life(engine: &Engine, name: &str, i: u64) {
    let life = Life { engine, name };
    let is_left = i % 10 < 5;
    match i % 5 {
        0 => life.visit_and_log_in(is_left),
        1 => life.refresh(is_left),
        2 => life.use_a_link(is_left),
        3 => life.move_over(is_left),
        _ => life.sign_in_by_link(is_left),
    }
}

struct Life<'a> {
    engine: &'a Engine,
    name: &'a str,
}

impl Life<'_> {
    /// A visitor whose session moves to the group of its subject, with what it holds.
    fn visit_and_log_in(&self, is_left: bool) {
        let visit = self.create(CreateOptions::anonymous());
        self.patch(&visit, 1);
        let visit = self.rotate("rotate", &visit, RotateOptions::new(), 300);
        self.patch(&visit, 2);
        let options = RotateOptions::log_in(self.name).unwrap();
        let login = self.rotate("login", &visit, options, 300);
        self.patch(&login, 3);
        let last = self.rotate("rotate", &login, RotateOptions::new(), 0);
        self.revoke_unless(is_left, &last);
    }

    fn refresh(&self, is_left: bool) {
        let login = CreateOptions::for_subject(self.name).unwrap();
        let issued = self.create(login.refreshable(RefreshGrant::new()));
        self.patch(&issued, 1);
        let first = issued.refresh_token.as_ref().unwrap().as_str().to_owned();
        let second = self.refresh_once(&first);
        self.refresh_once(&second);
        let issued = self.rotate("rotate", &issued, RotateOptions::new(), 300);
        let third = issued.refresh_token.as_ref().unwrap().as_str().to_owned();
        let fourth = self.refresh_once(&third);
        self.patch(&issued, 2);
        self.refresh_once(&fourth);
        if !is_left {
            self.present_a_copy(&third);
        }
    }

    /// A refresh token two back ends the session.
    fn present_a_copy(&self, token: &str) {
        let refresh = || self.engine.refresh(token, &RefreshRequest::new());
        let _ = self.act("reuse", "", refresh, |refresh| {
            assert_eq!(refresh.reason(), Some(Reason::Reused));
            String::new()
        });
    }

    /// A link that is used, or withdrawn.
    fn use_a_link(&self, is_used: bool) {
        let (token, handle) = self.issue_link();
        if is_used {
            self.consume(&token);
        } else {
            let withdraw = || self.engine.revoke_single_use(&handle);
            assert!(self.act("withdraw", "", withdraw, |_| String::new()));
        }
    }

    /// A link that becomes a session, which ends if the link comes again.
    fn sign_in_by_link(&self, is_left: bool) {
        let (token, link) = self.issue_link();
        self.consume(&token);
        let issued = self.create(CreateOptions::for_subject(self.name).unwrap());
        let bind = || self.engine.bind_single_use(&link, issued.session.handle());
        self.act("bind", "", bind, |()| String::new());
        self.patch(&issued, 1);
        self.revoke_unless(is_left, &issued);
    }

    /// A session of the old site, that becomes one of ours.
    fn move_over(&self, is_left: bool) {
        let (importer, key) = (old_site(), old_key(self.name));
        let row = old_row(self.name);
        let import = || self.engine.import_rows(&importer, &mut row.as_bytes());
        self.act("import", "", import, |report| {
            assert_eq!(report.imported, 1, "{report:?}");
            String::new()
        });
        let header = format!("sessionid={key}");
        let upgrade = || self.engine.upgrade_cookies(&importer, [&header]);
        let upgraded = self.act("upgrade", "", upgrade, |upgraded| {
            tokens(upgraded.as_ref().unwrap().issued().unwrap())
        });
        let Some(Upgrade::Valid(issued)) = upgraded else { return };
        self.patch(&issued, 1);
        self.revoke_unless(is_left, &issued);
    }

    fn create(&self, options: CreateOptions) -> Issued {
        self.act("create", "", || self.engine.create(options), tokens)
    }

    fn patch(&self, issued: &Issued, value: u32) {
        let patch = Patch::new().set("n", value.to_string());
        let patch = || self.engine.patch(issued.session.handle(), &patch);
        self.act("patch", &value.to_string(), patch, |()| String::new());
    }

    fn rotate(&self, verb: &str, old: &Issued, options: RotateOptions, seconds: u32) -> Issued {
        let options = options.grace(grace(seconds));
        let rotate = || self.engine.rotate_with(old.session.handle(), options);
        self.act(verb, &seconds.to_string(), rotate, tokens)
    }

    fn refresh_once(&self, token: &str) -> String {
        let refresh = || self.engine.refresh(token, &RefreshRequest::new());
        let refresh = self.act("refresh", "", refresh, |refresh| {
            refresh.refreshed().unwrap().refresh_token.as_str().to_owned()
        });
        refresh.refreshed().unwrap().refresh_token.as_str().to_owned()
    }

    fn issue_link(&self) -> (String, Handle) {
        let options = SingleUseOptions::new(PURPOSE).subject(self.name).unwrap();
        let issue = || self.engine.issue_single_use(&options);
        let issued = self.act("issue", "", issue, |issued| issued.token.as_str().to_owned());
        (issued.token.as_str().to_owned(), issued.handle)
    }

    fn consume(&self, token: &str) {
        let consume = || self.engine.consume(PURPOSE, token);
        let _ = self.act("consume", "", consume, |used| {
            assert!(used.is_ok(), "its first use");
            String::new()
        });
    }

    fn revoke_unless(&self, is_left: bool, issued: &Issued) {
        if !is_left {
            let revoke = || self.engine.revoke(issued.session.handle());
            assert!(self.act("revoke", "", revoke, |_| String::new()));
        }
    }

    /// Says that a verb begins, and what it gave.
    fn act<T>(
        &self,
        verb: &str,
        with: &str,
        run: impl FnOnce() -> sessile::Result<T>,
        gave: impl FnOnce(&T) -> String,
    ) -> T {
        say(&format!("> {} {verb} {with}", self.name));
        let done = run().unwrap();
        say(&format!("< {} {verb} {with} {}", self.name, gave(&done)));
        done
    }
}

fn tokens(issued: &Issued) -> String {
    let refresh_token = issued.refresh_token.as_ref().map_or("", |token| token.as_str());
    format!("{} {refresh_token}", issued.token.as_str())
}

/// One whole line in one write, so that lines of threads do not mix.
fn say(line: &str) {
    std::io::stdout().lock().write_all(format!("{line}\n").as_bytes()).unwrap();
}
