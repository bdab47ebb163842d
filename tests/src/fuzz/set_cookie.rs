//! The `Set-Cookie` headers that we write, given to a user agent: it keeps what was meant, gives
//! the token back, and forgets both cookies when it is told to.

use std::time::Duration;

use sessile::Timestamp;
use sessile::cookie::{CookiePolicy, CookiePolicyBuilder, MAX_AGE_MAX, SameSite};

use crate::user_agent::{Cookie, Request, UserAgent};

/// The settings of a policy and a token, a line each: name, companion's name, path, domain,
/// flags and numbers, token. What is left out stays at its default.
pub fn set_cookie(data: &[u8]) {
    let mut lines = data.split(|byte| *byte == b'\n');
    let mut line = || lines.next().unwrap_or_default();
    let texts = [line(), line(), line(), line()].map(std::str::from_utf8);
    let numbers = Numbers::of(line());
    let Ok(token) = std::str::from_utf8(line()) else { return };
    let [Ok(name), Ok(companion), Ok(path), Ok(domain)] = texts else { return };
    let meant = Meant { name, companion, path, domain, numbers };
    let Ok(policy) = meant.builder().build() else { return };
    let now = Timestamp::from_millis(1_700_000_000_000 + u64::from(meant.numbers.now));
    let mut user_agent = UserAgent::new(now);
    meant.sets(&policy, &mut user_agent, token);
    meant.forgets(&policy, &mut user_agent);
}

/// What the settings say, by their own words and not by those of the header.
struct Meant<'a> {
    name: &'a str,
    companion: &'a str,
    path: &'a str,
    domain: &'a str,
    numbers: Numbers,
}

/// The line of flags and numbers: one byte, then three numbers in decimal, parted by commas.
#[derive(Clone, Copy)]
struct Numbers {
    flags: u8,
    lifetime_s: u32,
    max_age_s: u32,
    now: u32,
}

impl Numbers {
    fn of(line: &[u8]) -> Self {
        let (flags, rest) = line.split_first().unwrap_or((&0, &[]));
        let mut rest = rest.split(|byte| *byte == b',').map(|number| {
            number.iter().fold(0_u32, |n, byte| {
                n.wrapping_mul(10).wrapping_add(u32::from(byte.wrapping_sub(b'0')))
            })
        });
        let mut next = || rest.next().unwrap_or_default();
        Numbers { flags: *flags, lifetime_s: next(), max_age_s: next(), now: next() }
    }
}

impl Meant<'_> {
    fn builder(&self) -> CookiePolicyBuilder {
        let mut builder = CookiePolicy::builder()
            .secure(self.is_secure())
            .same_site(self.same_site())
            .partitioned(self.is_partitioned())
            .max_age(self.max_age());
        if !self.name.is_empty() {
            builder = builder.name(self.name);
        }
        if !self.companion.is_empty() {
            builder = builder.companion_name(self.companion);
        }
        if !self.path.is_empty() {
            builder = builder.path(self.path);
        }
        if !self.domain.is_empty() {
            builder = builder.domain(self.domain);
        }
        builder
    }

    fn is_secure(&self) -> bool {
        self.numbers.flags & 1 == 0
    }

    fn is_partitioned(&self) -> bool {
        self.numbers.flags & 2 != 0
    }

    fn same_site(&self) -> SameSite {
        [SameSite::Lax, SameSite::Strict, SameSite::None, SameSite::Lax]
            [usize::from(self.numbers.flags >> 2 & 3)]
    }

    fn max_age(&self) -> Option<Duration> {
        match self.numbers.flags >> 4 & 3 {
            0 => Some(MAX_AGE_MAX),
            1 => None,
            _ => Some(Duration::from_secs(self.numbers.max_age_s.into())),
        }
    }

    fn host(&self) -> String {
        if self.domain.is_empty() { "www.example".into() } else { format!("www.{}", self.domain) }
    }

    fn path(&self) -> &str {
        if self.path.is_empty() { "/" } else { self.path }
    }

    /// A page below the path.
    fn page(&self) -> String {
        let path = self.path();
        format!("{path}{}page", if path.ends_with('/') { "" } else { "/" })
    }

    /// The cookie that should be kept.
    fn cookie(&self, name: &str, value: String, lifetime: Duration, now: Timestamp) -> Cookie {
        let whole_seconds = |time: Duration| Duration::from_secs(time.as_secs().max(1));
        let age = self.max_age().map(|max_age| whole_seconds(max_age.min(lifetime)));
        let is_host_only = self.domain.is_empty();
        Cookie {
            name: name.to_owned(),
            value,
            expires: age.map(|age| now.plus(age)),
            domain: if is_host_only { self.host() } else { self.domain.to_owned() },
            is_host_only,
            path: self.path().to_owned(),
            is_secure: self.is_secure(),
            is_http_only: true,
            same_site: Some(format!("{:?}", self.same_site()).to_lowercase()),
            is_partitioned: self.is_partitioned(),
        }
    }

    fn sets(&self, policy: &CookiePolicy, user_agent: &mut UserAgent, token: &str) {
        let (host, page, now) = (self.host(), self.page(), user_agent.now);
        let request = Request { host: &host, path: &page, is_secure: self.is_secure() };
        let lifetime = Duration::from_millis(u64::from(self.numbers.lifetime_s) * 100);
        let mut meant = Vec::new();
        if let Ok(header) = policy.session(token, lifetime) {
            is_one_line(&header);
            assert_eq!(user_agent.receive(request, &header), Ok(()), "{header}");
            meant.push(self.cookie(policy.name(), token.into(), lifetime, now));
            assert_eq!(user_agent.cookies(), meant, "{header}");
            let sent = user_agent.send(request);
            let found: Vec<&[u8]> = policy.candidates([sent.as_str()]).collect();
            assert_eq!(found, [token.as_bytes()], "{header}");
        }
        if let Ok(header) = policy.companion(lifetime, now) {
            is_one_line(&header);
            assert_eq!(user_agent.receive(request, &header), Ok(()), "{header}");
            let value = format!("{}.{}", lifetime.as_secs(), now.as_millis());
            let companion = self.cookie(policy.companion_name(), value, lifetime, now);
            meant.push(Cookie { is_http_only: false, ..companion });
            assert_eq!(user_agent.cookies(), meant, "{header}");
        }
        assert_eq!(policy.companion(lifetime, now).is_ok(), !lifetime.is_zero());
    }

    fn forgets(&self, policy: &CookiePolicy, user_agent: &mut UserAgent) {
        let (host, page) = (self.host(), self.page());
        let request = Request { host: &host, path: &page, is_secure: self.is_secure() };
        for header in [policy.clear(), policy.clear_companion()] {
            is_one_line(&header);
            assert_eq!(user_agent.receive(request, &header), Ok(()), "{header}");
        }
        assert_eq!(user_agent.cookies(), []);
    }
}

fn is_one_line(header: &str) {
    assert!(header.bytes().all(|byte| (b' '..=b'~').contains(&byte)), "{header:?}");
}
