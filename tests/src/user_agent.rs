//! A user agent's cookies, as RFC 6265bis has it store and send them: what becomes of a
//! `Set-Cookie` header is asked of this and not of the header's text.

use std::time::Duration;

use sessile::Timestamp;

/// A user agent that speaks to hosts, with what it keeps of their cookies.
#[derive(Debug)]
pub struct UserAgent {
    /// What its clock says.
    pub now: Timestamp,
    cookies: Vec<Cookie>,
}

/// Where a request goes to.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// The host of the URL.
    pub host: &'a str,
    /// The path of the URL.
    pub path: &'a str,
    /// Whether it goes over HTTPS.
    pub is_secure: bool,
}

/// A cookie as it is kept (RFC 6265bis, 5.7).
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "named as in the RFC")]
pub struct Cookie {
    pub name: String,
    pub value: String,
    /// `None`: until the user agent is closed.
    pub expires: Option<Timestamp>,
    pub domain: String,
    pub is_host_only: bool,
    pub path: String,
    pub is_secure: bool,
    pub is_http_only: bool,
    pub same_site: Option<String>,
    pub is_partitioned: bool,
}

/// The attributes of a header, in their order.
type Attributes = Vec<(String, String)>;

impl UserAgent {
    /// One without cookies.
    pub fn new(now: Timestamp) -> Self {
        UserAgent { now, cookies: Vec::new() }
    }

    /// What it keeps.
    pub fn cookies(&self) -> &[Cookie] {
        &self.cookies
    }

    /// Takes the value of a `Set-Cookie` header of the response to `request`.
    ///
    /// # Errors
    /// Why nothing is kept of it.
    pub fn receive(&mut self, request: Request<'_>, header: &str) -> Result<(), &'static str> {
        let (name, value, attributes) = parse(header)?;
        let cookie = self.judge(request, name, value, &attributes)?;
        let is_same = |other: &Cookie| {
            (&other.name, &other.domain, other.is_host_only, &other.path)
                == (&cookie.name, &cookie.domain, cookie.is_host_only, &cookie.path)
        };
        self.cookies.retain(|other| !is_same(other));
        if cookie.expires.is_none_or(|expires| self.now < expires) {
            self.cookies.push(cookie);
        }
        Ok(())
    }

    /// The value of the `Cookie` header of a request (5.8.3), longest path first.
    pub fn send(&self, request: Request<'_>) -> String {
        let is_sent = |cookie: &&Cookie| {
            let is_host = if cookie.is_host_only {
                cookie.domain == request.host
            } else {
                domain_matches(request.host, &cookie.domain)
            };
            is_host
                && path_matches(request.path, &cookie.path)
                && (!cookie.is_secure || request.is_secure)
                && cookie.expires.is_none_or(|expires| self.now < expires)
        };
        let mut sent: Vec<&Cookie> = self.cookies.iter().filter(is_sent).collect();
        sent.sort_by_key(|cookie| std::cmp::Reverse(cookie.path.len()));
        let pairs: Vec<_> = sent.iter().map(|c| format!("{}={}", c.name, c.value)).collect();
        pairs.join("; ")
    }

    /// Section 5.7, in its order; what a public suffix is, nobody here knows.
    fn judge(
        &self,
        request: Request<'_>,
        name: &str,
        value: &str,
        attributes: &Attributes,
    ) -> Result<Cookie, &'static str> {
        let last =
            |name: &str| attributes.iter().rfind(|(n, _)| n == name).map(|(_, v)| v.as_str());
        let max_age = last("max-age").map(|text| text.parse::<i64>().unwrap_or(i64::MAX));
        let latest = self.now.plus(MAX_AGE_MAX);
        let expires = match (max_age, last("expires")) {
            (Some(..=0), _) => Some(Timestamp::from_millis(0)),
            (Some(seconds), _) => {
                let age = Duration::from_secs(seconds.unsigned_abs()).min(MAX_AGE_MAX);
                Some(self.now.plus(age))
            }
            (None, Some(date)) => date_of(date).map(|date| date.min(latest)),
            (None, None) => None,
        };
        let domain = last("domain").map(str::to_ascii_lowercase).unwrap_or_default();
        if !domain.is_empty() && !domain_matches(request.host, &domain) {
            return Err("the domain is another");
        }
        let is_host_only = domain.is_empty();
        let domain = if is_host_only { request.host.to_owned() } else { domain };
        let path = match last("path") {
            Some(path) if path.starts_with('/') => path.to_owned(),
            _ => default_path(request.path),
        };
        let is_secure = last("secure").is_some();
        if is_secure && !request.is_secure {
            return Err("Secure over an open connection");
        }
        let same_site = last("samesite").map(str::to_ascii_lowercase);
        let same_site = same_site.filter(|s| ["none", "lax", "strict"].contains(&s.as_str()));
        if same_site.as_deref() == Some("none") && !is_secure {
            return Err("SameSite=None without Secure");
        }
        let is_partitioned = last("partitioned").is_some();
        if is_partitioned && !is_secure {
            return Err("Partitioned without Secure");
        }
        let is_http_only = last("httponly").is_some();
        check_prefix(name, value, is_secure, is_http_only, is_host_only, last("path"))?;
        Ok(Cookie {
            name: name.to_owned(),
            value: value.to_owned(),
            expires,
            domain,
            is_host_only,
            path,
            is_secure,
            is_http_only,
            same_site,
            is_partitioned,
        })
    }
}

/// Section 5.6: a name, a value, and the attributes that have a meaning.
fn parse(header: &str) -> Result<(&str, &str, Attributes), &'static str> {
    let is_control = |c: char| matches!(c, '\0'..='\x08' | '\n'..='\x1f' | '\x7f');
    if header.contains(is_control) {
        return Err("a control character");
    }
    let (pair, rest) = header.split_once(';').unwrap_or((header, ""));
    let (name, value) = pair.split_once('=').unwrap_or(("", pair));
    let (name, value) = (trimmed(name), trimmed(value));
    if name.is_empty() && value.is_empty() {
        return Err("neither name nor value");
    }
    if name.len() + value.len() > 4096 {
        return Err("name and value are too long");
    }
    let mut attributes = Vec::new();
    for attribute in rest.split(';') {
        let (name, value) = attribute.split_once('=').unwrap_or((attribute, ""));
        let (name, mut value) = (trimmed(name).to_ascii_lowercase(), trimmed(value));
        if value.len() > 1024 {
            continue;
        }
        match name.as_str() {
            "max-age" => {
                let digits = value.strip_prefix('-').unwrap_or(value);
                if digits.is_empty() || !digits.bytes().all(|c| c.is_ascii_digit()) {
                    continue;
                }
            }
            "expires" if date_of(value).is_none() => continue,
            "domain" => value = value.strip_prefix('.').unwrap_or(value),
            _ => {}
        }
        attributes.push((name, value.to_owned()));
    }
    Ok((name, value, attributes))
}

fn trimmed(text: &str) -> &str {
    text.trim_matches([' ', '\t'])
}

/// What the prefixes of a name promise (5.7, and its successor for those with `Http`).
fn check_prefix(
    name: &str,
    value: &str,
    is_secure: bool,
    is_http_only: bool,
    is_host_only: bool,
    path: Option<&str>,
) -> Result<(), &'static str> {
    let begins = |text: &str, prefix: &str| {
        text.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix))
    };
    let has = |prefix: &str| begins(name, prefix) || (name.is_empty() && begins(value, prefix));
    let is_host = has("__host-");
    let is_http = has("__http-") || has("__host-http-");
    if (is_host || is_http || has("__secure-")) && !is_secure {
        return Err("a prefix without Secure");
    }
    if is_http && !is_http_only {
        return Err("a prefix without HttpOnly");
    }
    if is_host && (!is_host_only || path != Some("/")) {
        return Err("__Host- with a domain or a path");
    }
    if name.is_empty() && (is_host || is_http || has("__secure-")) {
        return Err("a prefix without a name");
    }
    Ok(())
}

/// Section 5.1.3; no host here is an address.
fn domain_matches(host: &str, domain: &str) -> bool {
    host == domain || host.strip_suffix(domain).is_some_and(|rest| rest.ends_with('.'))
}

/// Section 5.1.4.
fn default_path(path: &str) -> String {
    match path.rfind('/') {
        Some(last @ 1..) if path.starts_with('/') => path[..last].to_owned(),
        _ => "/".to_owned(),
    }
}

/// Section 5.1.4.
fn path_matches(request: &str, cookie: &str) -> bool {
    request
        .strip_prefix(cookie)
        .is_some_and(|rest| rest.is_empty() || cookie.ends_with('/') || rest.starts_with('/'))
}

/// Section 5.1.1: a time, a day of the month, a month and a year, in any order.
fn date_of(text: &str) -> Option<Timestamp> {
    let is_delimiter = |c: char| matches!(c, '\t' | ' '..='/' | ';'..='@' | '['..='`' | '{'..='~');
    let (mut time, mut day, mut month, mut year) = (None, None, None, None);
    for token in text.split(is_delimiter).filter(|token| !token.is_empty()) {
        if time.is_none() && time_of(token).is_some() {
            time = time_of(token);
        } else if day.is_none() && number(token, 1..=2).is_some() {
            day = number(token, 1..=2);
        } else if month.is_none() && month_of(token).is_some() {
            month = month_of(token);
        } else if year.is_none() && number(token, 2..=4).is_some() {
            year = number(token, 2..=4);
        }
    }
    let (seconds, day, month) = (time?, day?, month?);
    let year = match year? {
        year @ 70..=99 => year + 1900,
        year @ 0..=69 => year + 2000,
        year => year,
    };
    if !(1..=31).contains(&day) || year < 1970 {
        // Before 1601 it is no date, before 1970 it is over: both end a cookie here.
        return (year >= 1601 && (1..=31).contains(&day)).then(|| Timestamp::from_millis(0));
    }
    let days = days_before(year, month) + day - 1;
    Some(Timestamp::from_millis((days * 86_400 + seconds) * 1000))
}

fn time_of(token: &str) -> Option<u64> {
    let mut fields = token.split(':').map(|field| number(field, 1..=2));
    let (hour, minute, second) = (fields.next()??, fields.next()??, fields.next()??);
    let is_time = hour < 24 && minute < 60 && second < 60 && fields.next().is_none();
    is_time.then_some(hour * 3600 + minute * 60 + second)
}

fn month_of(token: &str) -> Option<u64> {
    let start = token.get(..3)?.to_ascii_lowercase();
    MONTHS.iter().position(|month| *month == start).map(|i| i as u64)
}

/// The number that a token begins with, of so many digits.
fn number(token: &str, digits: std::ops::RangeInclusive<usize>) -> Option<u64> {
    let len = token.bytes().take_while(u8::is_ascii_digit).count();
    if digits.contains(&len) { token[..len].parse().ok() } else { None }
}

/// Days from 1970 to the first of a month; `month` counts from 0.
fn days_before(year: u64, month: u64) -> u64 {
    let is = |year: u64, n: u64| year.is_multiple_of(n);
    let is_leap = |year| is(year, 4) && (!is(year, 100) || is(year, 400));
    let len = |month: u64| match month {
        1 => 28 + u64::from(is_leap(year)),
        3 | 5 | 8 | 10 => 30,
        _ => 31,
    };
    let years: u64 = (1970..year).map(|year| 365 + u64::from(is_leap(year))).sum();
    years + (0..month).map(len).sum::<u64>()
}

const MONTHS: [&str; 12] =
    ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];

/// 400 days (section 5.5).
const MAX_AGE_MAX: Duration = Duration::from_secs(400 * 86_400);

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_700_000_000_000);
    const REQUEST: Request<'_> = Request { host: "www.example.com", path: "/a/b", is_secure: true };

    fn received(header: &str) -> Result<Vec<Cookie>, &'static str> {
        let mut user_agent = UserAgent::new(NOW);
        user_agent.receive(REQUEST, header)?;
        Ok(user_agent.cookies)
    }

    fn kept(header: &str) -> Cookie {
        received(header).unwrap().pop().unwrap()
    }

    #[test]
    fn names_values_and_attributes_are_what_the_rfc_makes_of_them() {
        let cookie = kept(" a = b=c ;SECURE; path=/x; Domain=.Example.com;max-age=60;samesite=LAX");
        assert_eq!((cookie.name.as_str(), cookie.value.as_str()), ("a", "b=c"));
        assert!(cookie.is_secure && !cookie.is_http_only && !cookie.is_host_only);
        assert_eq!((cookie.path.as_str(), cookie.domain.as_str()), ("/x", "example.com"));
        assert_eq!(cookie.expires, Some(NOW.plus(Duration::from_secs(60))));
        assert_eq!(cookie.same_site.as_deref(), Some("lax"));
        let plain = kept("value");
        assert_eq!((plain.name.as_str(), plain.path.as_str()), ("", "/a"));
        assert!(plain.is_host_only && plain.expires.is_none());
        assert_eq!(kept("a=b; Path=x; Path=").path, "/a", "no path at all");
        assert_eq!(kept("a=b; Max-Age=99999999999999").expires, Some(NOW.plus(MAX_AGE_MAX)));
        assert_eq!(kept("a=b; Max-Age=+1; Max-Age=1x").expires, None);
        assert_eq!(kept(&format!("a=b; Path=/{}", "x".repeat(1024))).path, "/a", "too long");
    }

    #[test]
    fn what_a_user_agent_does_not_take_is_not_kept() {
        for header in [
            "",
            "=",
            "a=b\0",
            "a=b; x=\x01",
            "a=b; Domain=other.com",
            "a=b; Domain=ww.example.com",
            "a=b; SameSite=None",
            "a=b; Partitioned",
            "__Host-a=b; Path=/",
            "__Host-a=b; Secure",
            "__host-a=b; Secure; Path=/; Domain=example.com",
            "__SECURE-a=b",
            "__Http-a=b; Secure",
            "__Host-b",
        ] {
            assert!(received(header).is_err(), "{header:?}");
        }
        assert!(received(&format!("a={}", "x".repeat(4096))).is_err());
        assert!(received(&format!("a={}", "x".repeat(4095))).is_ok());
        let open = Request { is_secure: false, ..REQUEST };
        assert!(UserAgent::new(NOW).receive(open, "a=b; Secure").is_err());
    }

    #[test]
    fn a_cookie_that_is_over_takes_its_predecessor_along() {
        let mut user_agent = UserAgent::new(NOW);
        user_agent.receive(REQUEST, "a=1; Path=/").unwrap();
        user_agent.receive(REQUEST, "a=2; Path=/a").unwrap();
        assert_eq!(user_agent.send(REQUEST), "a=2; a=1");
        user_agent.receive(REQUEST, "a=; Path=/a; Max-Age=0").unwrap();
        assert_eq!(user_agent.send(REQUEST), "a=1");
        user_agent.receive(REQUEST, "a=; Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT").unwrap();
        assert_eq!(user_agent.cookies(), []);
    }

    #[test]
    fn dates_are_read_in_every_form() {
        let at = |text: &str| date_of(text).map(|at| at.as_millis() / 1000);
        assert_eq!(at("Thu, 01 Jan 1970 00:00:00 GMT"), Some(0));
        assert_eq!(at("Tue, 14 Nov 2023 22:13:20 GMT"), Some(1_700_000_000));
        assert_eq!(at("Tuesday, 14-Nov-23 22:13:20 GMT"), Some(1_700_000_000));
        assert_eq!(at("Thu Feb 29 12:00:00 2024"), Some(1_709_208_000));
        for text in ["", "14 Nov 2023", "32 Nov 2023 00:00:00", "14 Nov 2023 24:00:00"] {
            assert_eq!(at(text), None, "{text}");
        }
    }
}
