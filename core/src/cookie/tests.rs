//! What the writer writes is judged by a browser written here from RFC 6265bis, sections 4.1.1,
//! 5.6 and 5.7. It shares no code with the writer.

use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::error::ErrorKind;
use crate::time::Timestamp;

const HOUR: Duration = Duration::from_secs(3600);
const NOW: Timestamp = Timestamp::from_millis(1_700_000_000_123);

/// Inserted anywhere, each of these has split, cut or shifted a cookie in some implementation.
const INJECTIONS: [&str; 13] = [
    "\r",
    "\n",
    "\0",
    ";",
    ",",
    "\x7f",
    "\u{fc}",
    "\u{2000}",
    "\u{85}",
    "\r\nSet-Cookie: a=b",
    "; Domain=evil.example",
    "\t",
    " ",
];

fn build_error(builder: CookiePolicyBuilder) -> String {
    let error = builder.build().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidConfig);
    error.message().to_owned()
}

fn values(policy: &CookiePolicy, header: &str) -> Vec<String> {
    policy.candidates([header]).map(|value| String::from_utf8_lossy(value).into_owned()).collect()
}

// The builder.

#[test]
fn the_default_policy_is_what_an_empty_builder_makes() {
    assert_eq!(CookiePolicy::default(), CookiePolicy::builder().build().unwrap());
}

#[test]
fn a_prefix_is_refused_without_what_it_promises() {
    let builder = CookiePolicy::builder;
    for (refused, part) in [
        (builder().domain("a.example"), "no Domain"),
        (builder().path("/app"), "Path=/"),
        (builder().path("/").secure(false), "needs Secure"),
        (builder().name("__Secure-sid").secure(false), "needs Secure"),
        (builder().name("__Http-sid").secure(false), "needs Secure"),
        (builder().name("__Host-Http-sid").path("/app"), "Path=/"),
        (builder().name("__host-sid"), "other letters"),
        (builder().name("__SECURE-sid"), "other letters"),
        (builder().name("__Host-http-sid"), "other letters"),
        (builder().name("sid").domain("a.example"), "__Secure-"),
        (builder().companion_name("__Host-Http-left"), "not HttpOnly"),
        (builder().companion_name("__Http-left"), "not HttpOnly"),
        (builder().companion_name("__Host-sid"), "different names"),
        (builder().name("sid").companion_name("__Host-left").path("/app"), "companion_name"),
    ] {
        let message = build_error(refused);
        assert!(message.contains(part), "{message:?} has no {part:?}");
    }
}

#[test]
fn none_and_partitioned_are_refused_without_secure() {
    let local = || CookiePolicy::builder().name("sid").secure(false);
    assert!(local().build().is_ok());
    assert!(build_error(local().same_site(SameSite::None)).contains("SameSite=None"));
    assert!(build_error(local().partitioned(true)).contains("Partitioned"));
}

#[test]
fn injected_characters_are_refused_in_every_setting() {
    let wide = || CookiePolicy::builder().name("__Secure-sid");
    for injection in INJECTIONS {
        for text in [format!("a{injection}b"), format!("{injection}b"), format!("a{injection}")] {
            build_error(CookiePolicy::builder().name(text.as_str()));
            build_error(CookiePolicy::builder().companion_name(text.as_str()));
            build_error(wide().domain(text.as_str()));
            build_error(wide().path(format!("/{text}")));
            let refused = CookiePolicy::default().session(&text, HOUR).unwrap_err();
            assert_eq!(refused.kind(), ErrorKind::InvalidInput);
        }
    }
    for name in ["", "a=b", "=", "a b", "a\"", "(a)", "a/b", "a:b", "a@b", "a[", "{a}", "a?"] {
        build_error(CookiePolicy::builder().name(name));
    }
}

#[test]
fn a_path_starts_with_a_slash_and_ends_within_its_limit() {
    let builder = || CookiePolicy::builder().name("__Secure-sid");
    for path in ["", "app", "*", "/a?b", "/a#b", "/a\\b", "/a\"b"] {
        build_error(builder().path(path));
    }
    for path in ["/", "/app", "/a/b=c/~x/%20/", "/@:+(')"] {
        assert!(builder().path(path).build().is_ok(), "{path}");
    }
    assert!(builder().path("/".repeat(ATTRIBUTE_LEN_MAX)).build().is_ok());
    build_error(builder().path("/".repeat(ATTRIBUTE_LEN_MAX + 1)));
}

#[test]
fn a_domain_is_a_host_name_in_its_one_form() {
    let builder = || CookiePolicy::builder().name("__Secure-sid");
    let label = "a".repeat(63);
    let longest = [&label[..], &label, &label, &label[..61]].join(".");
    for domain in ["example", "a.example", "1a.b-c.example", "xn--bcher-kva.example", &longest] {
        assert!(builder().domain(domain).build().is_ok(), "{domain}");
    }
    for domain in [
        "",
        ".",
        ".example",
        "example.",
        "a..example",
        "-a.example",
        "a-.example",
        "A.example",
        "a_b.example",
        "127.0.0.1",
        "[::1]",
        &format!("a{label}.example"),
        &format!("{longest}a"),
    ] {
        build_error(builder().domain(domain));
    }
}

#[test]
fn a_name_ends_within_its_limit_and_so_does_its_companion() {
    assert!(CookiePolicy::builder().name("n".repeat(NAME_LEN_MAX - 5)).build().is_ok());
    let longest = CookiePolicy::builder().name("n".repeat(NAME_LEN_MAX));
    assert!(build_error(longest.clone()).contains("companion_name"));
    assert!(longest.companion_name("left").build().is_ok());
    build_error(CookiePolicy::builder().name("n".repeat(NAME_LEN_MAX + 1)));
}

#[test]
fn max_age_is_one_second_to_400_days() {
    let with = |max_age| CookiePolicy::builder().max_age(Some(max_age));
    assert!(with(Duration::from_secs(1)).build().is_ok());
    assert!(with(MAX_AGE_MAX).build().is_ok());
    for max_age in [
        Duration::ZERO,
        Duration::from_millis(999),
        Duration::from_millis(1500),
        MAX_AGE_MAX + Duration::from_secs(1),
        MAX_AGE_MAX + Duration::from_nanos(1),
        Duration::MAX,
    ] {
        build_error(with(max_age));
    }
}

#[test]
fn the_companion_gets_a_name_that_is_legal_without_http_only() {
    for (name, companion) in [
        ("__Host-sid", "__Host-sid-left"),
        ("__Secure-sid", "__Secure-sid-left"),
        ("__Http-sid", "__Secure-sid-left"),
        ("__Host-Http-sid", "__Host-sid-left"),
        ("sid", "sid-left"),
    ] {
        let policy = CookiePolicy::builder().name(name).build().unwrap();
        assert_eq!(policy.companion_name(), companion);
    }
}

// The writer.

#[test]
fn all_attributes_are_written_in_one_order() {
    let policy = CookiePolicy::builder()
        .name("__Secure-sid")
        .path("/app")
        .domain("a.example")
        .same_site(SameSite::None)
        .partitioned(true)
        .build()
        .unwrap();
    let shared = "Path=/app; Domain=a.example; Secure; SameSite=None; Partitioned";
    let past = "Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT";
    assert_eq!(
        policy.session("token", HOUR).unwrap(),
        format!("__Secure-sid=token; Max-Age=3600; {shared}; HttpOnly")
    );
    assert_eq!(policy.clear(), format!("__Secure-sid=; {past}; {shared}; HttpOnly"));
    assert_eq!(
        policy.companion(HOUR, NOW).unwrap(),
        format!("__Secure-sid-left=3600.1700000000123; Max-Age=3600; {shared}")
    );
    assert_eq!(policy.clear_companion(), format!("__Secure-sid-left=; {past}; {shared}"));
}

#[test]
fn max_age_never_deletes_a_living_session_and_never_exceeds_its_limits() {
    let policy = CookiePolicy::default();
    let max_age = |ms| policy.max_age_for(Duration::from_millis(ms)).unwrap().as_secs();
    assert_eq!([max_age(1), max_age(999), max_age(1999), max_age(2000)], [1, 1, 1, 2]);
    assert_eq!(max_age(u64::MAX), 34_560_000);
    assert_eq!(policy.max_age_for(Duration::MAX), Some(MAX_AGE_MAX));
    let week = CookiePolicy::builder().max_age(Some(HOUR * 168)).build().unwrap();
    assert_eq!(week.max_age_for(HOUR * 169), Some(HOUR * 168));
    let forgotten = CookiePolicy::builder().max_age(None).build().unwrap();
    assert_eq!(forgotten.max_age_for(HOUR), None);
    assert!(!forgotten.session("token", HOUR).unwrap().contains("Max-Age"));
    assert!(!forgotten.companion(HOUR, NOW).unwrap().contains("Max-Age"));
}

#[test]
fn a_session_with_no_time_left_gets_no_cookie() {
    for policy in [CookiePolicy::default(), CookiePolicy::builder().max_age(None).build().unwrap()]
    {
        for refused in
            [policy.session("token", Duration::ZERO), policy.companion(Duration::ZERO, NOW)]
        {
            assert_eq!(refused.unwrap_err().kind(), ErrorKind::InvalidInput);
        }
    }
}

#[test]
fn a_token_that_a_browser_would_drop_is_refused() {
    let policy = CookiePolicy::default();
    let longest = "t".repeat(NAME_VALUE_LEN_MAX - policy.name().len());
    assert!(policy.session(&longest, HOUR).is_ok());
    let refused = policy.session(&(longest + "t"), HOUR).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::TooLarge);
    for token in ["", "\"quoted\"", "back\\slash"] {
        let refused = policy.session(token, HOUR).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::InvalidInput);
    }
    assert!(policy.session("AZaz09-_.~+/==", HOUR).is_ok());
}

#[test]
fn renewal_is_due_when_less_than_half_is_left() {
    let due = |issued, max_age, now| {
        CookiePolicy::is_renewal_due(
            Timestamp::from_millis(issued),
            Duration::from_millis(max_age),
            Timestamp::from_millis(now),
        )
    };
    assert!(!due(1000, 10_000, 1000));
    assert!(!due(1000, 10_000, 6000));
    assert!(due(1000, 10_000, 6001));
    assert!(due(1000, 10_000, u64::MAX));
    assert!(!due(1000, 10_000, 0), "the clock ran backwards");
    assert!(!due(0, 0, 5));
    assert!(!CookiePolicy::is_renewal_due(NOW, Duration::MAX, Timestamp::NEVER));
}

// The browser, against whatever the builder is given.

/// A cookie as a browser keeps it.
#[derive(Debug, PartialEq)]
struct Stored {
    name: String,
    value: String,
    /// Seconds; `None` until the browser is closed.
    max_age: Option<u64>,
    /// `None`: only the host that set it.
    domain: Option<String>,
    path: String,
    secure: bool,
    http_only: bool,
    same_site: Option<SameSite>,
    partitioned: bool,
}

/// The grammar that servers must keep to: RFC 6265bis, section 4.1.1, and CHIPS.
fn assert_strict_grammar(header: &str) {
    let token = |text: &str| {
        !text.is_empty()
            && text.chars().all(|c| c.is_ascii_graphic() && !"()<>@,;:\\\"/[]?={}".contains(c))
    };
    let octets = |text: &str| {
        text.chars().all(|c| c.is_ascii_graphic() && !matches!(c, '"' | ',' | ';' | '\\'))
    };
    let mut parts = header.split("; ");
    let (name, value) = parts.next().unwrap().split_once('=').unwrap();
    assert!(token(name) && octets(value), "{header:?}");
    let mut seen = Vec::new();
    for part in parts {
        let (name, value) = match part.split_once('=') {
            Some((name, value)) => (name, Some(value)),
            None => (part, None),
        };
        assert!(!seen.contains(&name), "{name} twice in {header:?}");
        seen.push(name);
        let is_right = match (name, value) {
            ("Secure" | "HttpOnly" | "Partitioned", None) => true,
            ("SameSite", Some(value)) => ["Strict", "Lax", "None"].contains(&value),
            ("Max-Age", Some(value)) => value.parse::<u64>().unwrap().to_string() == value,
            ("Expires", Some(value)) => value == "Thu, 01 Jan 1970 00:00:00 GMT",
            ("Path", Some(value)) => value.chars().all(|c| (' '..='~').contains(&c) && c != ';'),
            ("Domain", Some(value)) => value.split('.').all(|label| {
                !label.is_empty() && label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
            }),
            _ => false,
        };
        assert!(is_right, "{part:?} in {header:?}");
    }
}

/// What a browser makes of `header` in a response of `host`, on a page two folders deep: `None`
/// when it ignores the cookie.
fn browser(header: &str, host: &str, is_https: bool) -> Option<Stored> {
    let wsp = |c| c == ' ' || c == '\t';
    let control = |c: char| (c < ' ' && c != '\t') || c == '\x7f';
    if header.contains(control) {
        return None;
    }
    let mut parts = header.split(';');
    let pair = parts.next().unwrap();
    let (name, value) = pair.split_once('=').unwrap_or(("", pair));
    let (name, value) = (name.trim_matches(wsp), value.trim_matches(wsp));
    if name.len() + value.len() > 4096 || name.len() + value.len() == 0 {
        return None;
    }
    let mut cookie = Stored {
        name: name.into(),
        value: value.into(),
        max_age: None,
        domain: None,
        path: "/page".into(),
        secure: false,
        http_only: false,
        same_site: None,
        partitioned: false,
    };
    let (mut max_age, mut expired, mut is_path_given) = (None, false, false);
    for part in parts {
        let (name, value) = part.split_once('=').unwrap_or((part, ""));
        let (name, value) = (name.trim_matches(wsp), value.trim_matches(wsp));
        if value.len() > 1024 {
            continue;
        }
        match name.to_ascii_lowercase().as_str() {
            "expires" => expired = value.ends_with("1970 00:00:00 GMT"),
            "max-age" if value.starts_with(|c: char| c == '-' || c.is_ascii_digit()) => {
                max_age = value.parse::<i128>().ok();
            }
            "domain" => {
                let domain = value.strip_prefix('.').unwrap_or(value).to_ascii_lowercase();
                cookie.domain = Some(domain).filter(|domain| !domain.is_empty());
            }
            "path" => {
                is_path_given = value.starts_with('/');
                cookie.path = if is_path_given { value } else { "/page" }.into();
            }
            "secure" => cookie.secure = true,
            "httponly" => cookie.http_only = true,
            "samesite" => {
                cookie.same_site = match value.to_ascii_lowercase().as_str() {
                    "strict" => Some(SameSite::Strict),
                    "lax" => Some(SameSite::Lax),
                    "none" => Some(SameSite::None),
                    _ => None,
                };
            }
            "partitioned" => cookie.partitioned = true,
            _ => {}
        }
    }
    cookie.max_age = max_age
        .map(|seconds| u64::try_from(seconds.clamp(0, 400 * 24 * 60 * 60)).unwrap())
        .or(expired.then_some(0));
    if let Some(domain) = &cookie.domain
        && host != domain
        && !host.strip_suffix(domain.as_str()).is_some_and(|front| front.ends_with('.'))
    {
        return None;
    }
    let needs_secure = cookie.same_site == Some(SameSite::None) || cookie.partitioned;
    if (cookie.secure && !is_https) || (needs_secure && !cookie.secure) {
        return None;
    }
    let name = name.to_ascii_lowercase();
    let is_host_only = cookie.domain.is_none() && is_path_given && cookie.path == "/";
    if (name.starts_with("__secure-") && !cookie.secure)
        || (name.starts_with("__host-") && !(cookie.secure && is_host_only))
        || (name.starts_with("__http-") && !(cookie.secure && cookie.http_only))
        || (name.starts_with("__host-http-") && !cookie.http_only)
    {
        return None;
    }
    Some(cookie)
}

#[test]
fn the_browser_of_these_tests_refuses_what_browsers_refuse() {
    let keeps = |header| browser(header, "www.a.example", true).is_some();
    assert!(keeps("__Host-a=b; Path=/; Secure"));
    for ignored in [
        "__Host-a=b; Secure",
        "__host-a=b; Path=/",
        "__Host-a=b; Path=/; Secure; Domain=a.example",
        "__Secure-a=b",
        "a=b; SameSite=None",
        "a=b; Partitioned",
        "a=b; Domain=evil.example",
        "a=b\n",
        "=",
    ] {
        assert!(!keeps(ignored), "{ignored}");
    }
}

/// Texts that are mostly right, sometimes with an injection in them, sometimes anything at all.
fn text(right: &'static str) -> impl Strategy<Value = String> {
    let injected = (right, any::<prop::sample::Index>(), prop::sample::select(&INJECTIONS[..]))
        .prop_map(|(mut text, at, injection)| {
            text.insert_str(at.index(text.len() + 1), injection);
            text
        });
    prop_oneof![
        16 => right,
        2 => injected,
        1 => any::<String>(),
        1 => (0..5000usize).prop_map(|len| "a".repeat(len)),
        1 => (0..2000usize).prop_map(|len| format!("/{}", "a".repeat(len))),
    ]
}

#[derive(Debug)]
struct Input {
    name: String,
    companion_name: Option<String>,
    path: Option<String>,
    domain: Option<String>,
    secure: bool,
    same_site: SameSite,
    partitioned: bool,
    max_age: Option<Duration>,
    token: String,
    lifetime: Duration,
}

fn durations() -> impl Strategy<Value = Duration> {
    prop_oneof![
        (0..100_000_000u64).prop_map(Duration::from_secs),
        (0..100_000u64).prop_map(Duration::from_millis),
        any::<u64>().prop_map(Duration::from_millis),
        Just(Duration::MAX),
    ]
}

fn inputs() -> impl Strategy<Value = Input> {
    let names = "(__Host-|__Secure-|__Http-|__Host-Http-|__HOST-|)[!#$%&'*+.^_`|~0-9A-Za-z-]{1,9}";
    let domains = "([a-z0-9]{1,5}\\.){0,3}[a-z]{2,6}";
    let option = prop::option::weighted::<proptest::strategy::BoxedStrategy<_>>;
    let same_site = prop::sample::select(vec![SameSite::Strict, SameSite::Lax, SameSite::None]);
    let policy = (
        text(names),
        option(0.3, text(names).boxed()),
        option(0.4, text("/[a-z0-9/~%=.-]{0,20}").boxed()),
        option(0.3, text(domains).boxed()),
        prop::bool::weighted(0.8),
        same_site,
        prop::bool::weighted(0.3),
        prop::option::of(durations()),
    );
    let call = (text("[!#-+.-:<-\\[\\]-~-]{1,64}"), durations());
    (policy, call).prop_map(|(policy, (token, lifetime))| {
        let (name, companion_name, path, domain, secure, same_site, partitioned, max_age) = policy;
        Input {
            name,
            companion_name,
            path,
            domain,
            secure,
            same_site,
            partitioned,
            max_age,
            token,
            lifetime,
        }
    })
}

impl Input {
    fn policy(&self) -> crate::error::Result<CookiePolicy> {
        let mut builder = CookiePolicy::builder()
            .name(self.name.as_str())
            .secure(self.secure)
            .same_site(self.same_site)
            .partitioned(self.partitioned)
            .max_age(self.max_age);
        if let Some(name) = &self.companion_name {
            builder = builder.companion_name(name.as_str());
        }
        if let Some(path) = &self.path {
            builder = builder.path(path.as_str());
        }
        if let Some(domain) = &self.domain {
            builder = builder.domain(domain.as_str());
        }
        builder.build()
    }

    /// The cookie that is meant by this input.
    fn meant(&self, name: &str, value: &str, max_age: Option<u64>, http_only: bool) -> Stored {
        Stored {
            name: name.into(),
            value: value.into(),
            max_age,
            domain: self.domain.clone(),
            path: self.path.clone().unwrap_or("/".into()),
            secure: self.secure,
            http_only,
            same_site: Some(self.same_site),
            partitioned: self.partitioned,
        }
    }

    fn assert_stored(&self, header: &str, meant: &Stored) {
        assert_strict_grammar(header);
        let host = match &self.domain {
            Some(domain) => format!("www.{domain}"),
            None => "www.example".into(),
        };
        assert_eq!(browser(header, &host, self.secure).as_ref(), Some(meant), "{header:?}");
    }
}

/// Judges one input; answers whether it became a cookie.
fn judge(input: &Input) -> bool {
    let policy = match input.policy() {
        Ok(policy) => policy,
        Err(error) => {
            assert_eq!(error.kind(), ErrorKind::InvalidConfig);
            return false;
        }
    };
    let companion_name = policy.companion_name();
    input.assert_stored(&policy.clear(), &input.meant(&input.name, "", Some(0), true));
    input
        .assert_stored(&policy.clear_companion(), &input.meant(companion_name, "", Some(0), false));
    let seconds = input.lifetime.as_secs();
    let max_age = input.max_age.map(|most| seconds.min(most.as_secs()).max(1));
    let companion = policy.companion(input.lifetime, NOW);
    if input.lifetime.is_zero() {
        assert_eq!(companion.unwrap_err().kind(), ErrorKind::InvalidInput);
    } else {
        let value = format!("{seconds}.{}", NOW.as_millis());
        let meant = input.meant(companion_name, &value, max_age, false);
        input.assert_stored(&companion.unwrap(), &meant);
    }
    match policy.session(&input.token, input.lifetime) {
        Ok(header) => {
            let meant = input.meant(&input.name, &input.token, max_age, true);
            input.assert_stored(&header, &meant);
            let sent = format!("{companion_name}=1.2; {}={}", input.name, input.token);
            assert_eq!(values(&policy, &sent), [input.token.as_str()]);
            true
        }
        Err(error) => {
            let kinds = [ErrorKind::InvalidInput, ErrorKind::TooLarge];
            assert!(kinds.contains(&error.kind()), "{error}");
            false
        }
    }
}

proptest! {
    // PROPTEST_CASES raises the number of cases.
    #![proptest_config(ProptestConfig {
        cases: ProptestConfig::default().cases.max(4096),
        ..ProptestConfig::default()
    })]

    #[test]
    fn a_cookie_is_refused_or_kept_by_the_browser_exactly_as_meant(input in inputs()) {
        judge(&input);
    }

    #[test]
    fn a_cookie_within_all_rules_is_never_refused(
        (name, domain, path) in prop_oneof![
            ("__Host-[!#$%&'*+.^_`|~0-9A-Za-z-]{1,99}", Just(None), Just("/".to_owned())),
            (
                "__Secure-[0-9A-Za-z_-]{1,99}",
                prop::option::of("([a-z0-9]{1,5}\\.){0,3}[a-z]{2,6}"),
                "/[a-z0-9/~%=.-]{0,99}",
            ),
        ],
        partitioned in any::<bool>(),
        token in "[!#-+.-:<-\\[\\]-~-]{1,999}",
        seconds in 1..u64::MAX,
    ) {
        // Another prefix may have come out by chance, in letters that are refused.
        prop_assume!(!name.to_ascii_lowercase().starts_with("__host-http-"));
        let input = Input {
            name,
            companion_name: None,
            path: Some(path),
            domain,
            secure: true,
            same_site: SameSite::None,
            partitioned,
            max_age: Some(MAX_AGE_MAX),
            token,
            lifetime: Duration::from_secs(seconds),
        };
        prop_assert!(judge(&input));
    }

    #[test]
    fn any_header_gives_at_most_four_values_and_each_stands_in_it(
        headers in prop::collection::vec("(__Host-sid|[ \t;=a\"\u{2000}]){0,40}", 0..6),
    ) {
        let policy = CookiePolicy::default();
        let found: Vec<_> = policy.candidates(&headers).collect();
        prop_assert!(found.len() <= CANDIDATES_MAX);
        for value in found {
            let value = std::str::from_utf8(value).unwrap();
            let pair = format!("__Host-sid={value}");
            prop_assert!(!value.contains(';'));
            prop_assert!(headers.iter().any(|header| header.contains(&pair)));
        }
    }

    #[test]
    fn any_bytes_are_read_without_panic(header in any::<Vec<u8>>()) {
        let _ = CookiePolicy::default().candidates([&header]).count();
        let _ = bearer(&header);
    }
}

// The reader.

#[test]
fn a_name_that_only_looks_like_ours_is_not_ours() {
    let policy = CookiePolicy::default();
    for header in [
        "",
        ";",
        ";;;",
        "=",
        "=x",
        "__Host-sid",
        "__Host-sid;",
        "__host-sid=x",
        "__HOST-SID=x",
        "\u{2000}__Host-sid=x",
        "\u{85}__Host-sid=x",
        "\u{a0}__Host-sid=x",
        "\u{feff}__Host-sid=x",
        "\x0b__Host-sid=x",
        "\x0c__Host-sid=x",
        "\r\n__Host-sid=x",
        "\0__Host-sid=x",
        "__Host-sid\u{2000}=x",
        "__Host-sid =x",
        "__Host-sid\t=x",
        "=__Host-sid=x",
        "%5F%5FHost-sid=x",
        "\"__Host-sid\"=x",
        "a=1,__Host-sid=x",
        "__Host-sid-left=x",
        "_Host-sid=x",
    ] {
        assert!(values(&policy, header).is_empty(), "{header:?}");
    }
}

#[test]
fn a_value_is_neither_decoded_nor_unquoted_nor_cut() {
    let policy = CookiePolicy::default();
    for value in ["", "a=b=c", "%41", "\"a\"", "\"a", "a b", "a,b", "a\u{2000}", "\u{85}a", "a\\\""]
    {
        assert_eq!(values(&policy, &format!("__Host-sid={value}")), [value]);
        assert_eq!(values(&policy, &format!("a=1; \t__Host-sid={value}\t ;b=2")), [value]);
        assert_eq!(values(&policy, &format!("a=1;__Host-sid={value};b")), [value]);
    }
    assert_eq!(values(&policy, "__Host-sid= a "), [" a"]);
    let found: Vec<_> = policy.candidates([b"__Host-sid=\xff\x00".as_slice()]).collect();
    assert_eq!(found, [b"\xff\x00"]);
}

#[test]
fn version_and_quotes_cannot_sandwich_our_cookie_into_another() {
    let policy = CookiePolicy::default();
    let sandwich = "$Version=1; a=\"x; __Host-sid=genuine; b=y\"; $Path=/";
    assert_eq!(values(&policy, sandwich), ["genuine"]);
}

#[test]
fn planted_duplicates_are_all_shown_up_to_the_fourth() {
    let policy = CookiePolicy::default();
    let header = "__Host-sid=1; x=0; __Host-sid=1; __Host-sid=3; __Host-sid=4; __Host-sid=5";
    assert_eq!(values(&policy, header), ["1", "1", "3", "4"]);
}

#[test]
fn several_headers_share_one_limit_and_no_pair_spans_two() {
    let policy = CookiePolicy::default();
    let headers = ["__Host-sid=1; __Host-sid=2; __Host", "-sid=x; a=1", "", "__Host-sid=3"];
    let found: Vec<_> = policy.candidates(headers).collect();
    assert_eq!(found, [b"1", b"2", b"3"]);
    let many = ["__Host-sid=1"; 100];
    let mut candidates = policy.candidates(many);
    assert_eq!(candidates.by_ref().count(), CANDIDATES_MAX);
    assert_eq!(candidates.next(), None);
    assert_eq!(policy.candidates(std::iter::empty::<&str>()).count(), 0);
}

#[test]
fn our_cookie_is_found_behind_ten_thousand_others() {
    let policy = CookiePolicy::default();
    let header = "a=1; =; b; ".repeat(3334) + "__Host-sid=last";
    assert_eq!(values(&policy, &header), ["last"]);
}

#[test]
fn a_candidates_debug_text_shows_no_value() {
    let candidates = format!("{:?}", CookiePolicy::default().candidates(["__Host-sid=secret"]));
    assert!(!candidates.contains("secret"), "{candidates}");
}

#[test]
fn a_bearer_token_has_one_form() {
    for (header, token) in [
        ("Bearer a", "a"),
        ("bEARER   AZaz09-._~+/==", "AZaz09-._~+/=="),
        ("Bearer a.b.c", "a.b.c"),
    ] {
        assert_eq!(bearer(header), Some(token));
    }
    for header in [
        "",
        "Bearer",
        "Bearer ",
        "Bearer  ",
        "Bearer\ta",
        " Bearer a",
        "Bearer a ",
        "Bearer a b",
        "Bearer a,Bearer b",
        "Bearer =",
        "Bearer a=b",
        "Bearer \"a\"",
        "Bearer: a",
        "Bearer\u{2000}a",
        "Bearer a\u{fc}",
        "Bearer a\r\n",
        "Bearer a\0",
        "Basic a",
        "Bearers a",
    ] {
        assert_eq!(bearer(header), None, "{header:?}");
    }
    let longest = format!("Bearer {}", "a".repeat(BEARER_LEN_MAX));
    assert!(bearer(&longest).is_some());
    assert!(bearer(&(longest + "=")).is_none());
    assert_eq!(bearer(b"Bearer \xff".as_slice()), None);
}
