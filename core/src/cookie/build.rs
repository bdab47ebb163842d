//! The builder: every rule that a browser enforces silently is an error here.

use std::time::Duration;

use super::policy::{
    ATTRIBUTE_LEN_MAX, CookiePolicy, MAX_AGE_MAX, NAME_LEN_MAX, SameSite, attributes,
};
use crate::error::{Error, ErrorKind, Result};

/// Collects the settings of a [`CookiePolicy`]; [`build`](Self::build) checks them together.
///
/// ```
/// use sessile::ErrorKind;
/// use sessile::cookie::CookiePolicy;
///
/// // A page served over plain HTTP while it is being developed: no prefix without Secure.
/// let local = CookiePolicy::builder().secure(false);
/// assert_eq!(local.clone().build().unwrap_err().kind(), ErrorKind::InvalidConfig);
/// assert_eq!(local.name("sid").build()?.companion_name(), "sid-left");
/// # Ok::<(), sessile::Error>(())
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct CookiePolicyBuilder {
    name: String,
    companion_name: Option<String>,
    path: String,
    domain: Option<String>,
    secure: bool,
    same_site: SameSite,
    partitioned: bool,
    max_age: Option<Duration>,
}

impl CookiePolicy {
    /// A builder with every setting at its default.
    pub fn builder() -> CookiePolicyBuilder {
        CookiePolicyBuilder {
            name: DEFAULT_NAME.into(),
            companion_name: None,
            path: "/".into(),
            domain: None,
            secure: true,
            same_site: SameSite::Lax,
            partitioned: false,
            max_age: Some(MAX_AGE_MAX),
        }
    }
}

impl Default for CookiePolicy {
    fn default() -> Self {
        CookiePolicy {
            name: DEFAULT_NAME.into(),
            companion_name: default_companion_name(DEFAULT_NAME).into(),
            attributes: attributes("/", None, true, SameSite::Lax, false),
            max_age: Some(MAX_AGE_MAX),
        }
    }
}

impl CookiePolicyBuilder {
    /// The session cookie's name: a token of RFC 9110, section 5.6.2, of 1 to
    /// [`NAME_LEN_MAX`] bytes. Default `__Host-sid`.
    ///
    /// The prefixes `__Host-`, `__Secure-`, `__Http-` and `__Host-Http-` have to be spelled like
    /// this: newer browsers enforce them in any spelling, older ones in this one only.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// The companion cookie's name, of the same form. Default: the session cookie's name and
    /// `-left`; `__Http-` becomes `__Secure-` and `__Host-Http-` becomes `__Host-`, as both
    /// promise an `HttpOnly` that the companion cannot have.
    pub fn companion_name(mut self, name: impl Into<String>) -> Self {
        self.companion_name = Some(name.into());
        self
    }

    /// The path under which the browser sends the cookies: `/` and then characters of a URL's
    /// path (RFC 3986, section 3.3) without `,` and `;`, at most [`ATTRIBUTE_LEN_MAX`] bytes.
    /// Default `/`. It keeps nobody out: pages of one host can read each other whatever the path.
    pub fn path(mut self, path: impl Into<String>) -> Self {
        self.path = path.into();
        self
    }

    /// The domain whose hosts all get the cookies: a lower-case host name (RFC 1123, section 2.1)
    /// without dot at either end, at most 253 bytes. Default `None`: only the host that set them.
    ///
    /// Needs a name with `__Secure-` or `__Http-`. Every host of the domain can then set a cookie
    /// of this name. A public suffix such as `co.uk` is not noticed here; browsers refuse it.
    pub fn domain(mut self, domain: impl Into<String>) -> Self {
        self.domain = Some(domain.into());
        self
    }

    /// Whether the browser sends the cookies over HTTPS only. Default `true` (ASVS 5.0, 3.3.1).
    /// `false` is for development and needs a name without prefix.
    pub fn secure(mut self, secure: bool) -> Self {
        self.secure = secure;
        self
    }

    /// Which requests from other sites carry the cookies. Default [`SameSite::Lax`].
    pub fn same_site(mut self, same_site: SameSite) -> Self {
        self.same_site = same_site;
        self
    }

    /// Whether the browser keeps a jar of these cookies per embedding site (CHIPS). Default
    /// `false`. Needs `Secure`.
    pub fn partitioned(mut self, partitioned: bool) -> Self {
        self.partitioned = partitioned;
        self
    }

    /// The longest that a browser may keep the cookies: 1 second to [`MAX_AGE_MAX`] in whole
    /// seconds, or `None` for cookies that it forgets when it is closed. Default `MAX_AGE_MAX`,
    /// so that the cookies last exactly as long as their session.
    pub fn max_age(mut self, max_age: Option<Duration>) -> Self {
        self.max_age = max_age;
        self
    }

    /// Checks the settings and makes the policy.
    ///
    /// # Errors
    /// - [`InvalidConfig`](ErrorKind::InvalidConfig): a setting is outside its range, or two of
    ///   them do not go together; the message says which. Nothing was made.
    pub fn build(self) -> Result<CookiePolicy> {
        let companion_name =
            self.companion_name.clone().unwrap_or_else(|| default_companion_name(&self.name));
        self.check_name("name", &self.name)?;
        self.check_name("companion_name", &companion_name)?;
        if has_prefix(&companion_name, HTTP) || has_prefix(&companion_name, HOST_HTTP) {
            return Err(invalid("the companion cookie is not HttpOnly, as its name would promise"));
        }
        if self.name == companion_name {
            return Err(invalid("the session cookie and its companion need different names"));
        }
        check_path(&self.path)?;
        if let Some(domain) = &self.domain {
            check_domain(domain)?;
        }
        if !self.secure && self.same_site == SameSite::None {
            return Err(invalid("SameSite=None needs Secure"));
        }
        if !self.secure && self.partitioned {
            return Err(invalid("Partitioned needs Secure"));
        }
        if let Some(max_age) = self.max_age
            && (max_age < Duration::from_secs(1)
                || max_age > MAX_AGE_MAX
                || max_age.subsec_nanos() != 0)
        {
            return Err(invalid("max_age is 1 second to 400 days, in whole seconds"));
        }
        let attributes = attributes(
            &self.path,
            self.domain.as_deref(),
            self.secure,
            self.same_site,
            self.partitioned,
        );
        Ok(CookiePolicy {
            name: self.name.into(),
            companion_name: companion_name.into(),
            attributes,
            max_age: self.max_age,
        })
    }

    /// The form of one name, and what its prefix asks of the attributes (RFC 6265bis, section
    /// 4.1.3).
    fn check_name(&self, setting: &str, name: &str) -> Result<()> {
        if name.is_empty() || name.len() > NAME_LEN_MAX || !name.bytes().all(is_token_char) {
            return Err(invalid(format!(
                "{setting} is 1 to {NAME_LEN_MAX} characters out of A-Z a-z 0-9 and !#$%&'*+-.^_`|~"
            )));
        }
        if PREFIXES.iter().any(|&prefix| has_prefix(name, prefix) && !name.starts_with(prefix)) {
            return Err(invalid(format!(
                "{setting} has a prefix in other letters than {PREFIXES:?}"
            )));
        }
        let is_host = has_prefix(name, HOST);
        let is_secure = has_prefix(name, SECURE) || has_prefix(name, HTTP);
        if (is_host || is_secure) && !self.secure {
            return Err(invalid(format!("{setting} has a prefix that needs Secure")));
        }
        if is_host && self.path != "/" {
            return Err(invalid(format!("{setting} begins with __Host-, which needs Path=/")));
        }
        if is_host && self.domain.is_some() {
            return Err(invalid(format!("{setting} begins with __Host-, which allows no Domain")));
        }
        if !is_secure && self.domain.is_some() {
            return Err(invalid(format!("with a Domain, {setting} has to begin with __Secure-")));
        }
        Ok(())
    }
}

fn check_path(path: &str) -> Result<()> {
    if path.starts_with('/') && path.len() <= ATTRIBUTE_LEN_MAX && path.bytes().all(is_path_char) {
        return Ok(());
    }
    Err(invalid(format!(
        "path is / and then at most {} characters of a URL's path, without comma and semicolon",
        ATTRIBUTE_LEN_MAX - 1
    )))
}

fn check_domain(domain: &str) -> Result<()> {
    let is_label = |label: &str| {
        matches!(label.len(), 1..=63)
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-'))
    };
    // No top-level domain is all digits: this is an IPv4 address, which has no sub-domains.
    let is_number = |label: &str| label.bytes().all(|byte| byte.is_ascii_digit());
    if domain.len() <= DOMAIN_LEN_MAX
        && domain.split('.').all(is_label)
        && !domain.rsplit('.').next().is_some_and(is_number)
    {
        return Ok(());
    }
    Err(invalid(
        "domain is a host name of at most 253 bytes in lower case, without dot at either end, \
         and no address",
    ))
}

fn default_companion_name(name: &str) -> String {
    if let Some(rest) = name.strip_prefix(HOST_HTTP) {
        format!("{HOST}{rest}-left")
    } else if let Some(rest) = name.strip_prefix(HTTP) {
        format!("{SECURE}{rest}-left")
    } else {
        format!("{name}-left")
    }
}

/// As browsers look for it: in any letters.
fn has_prefix(name: &str, prefix: &str) -> bool {
    name.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix))
}

/// `tchar` of RFC 9110, section 5.6.2.
const fn is_token_char(byte: u8) -> bool {
    // Without letters and digits these are: ! #$%&' * + - . ^_` | ~
    byte.is_ascii_alphanumeric()
        || matches!(byte, b'!' | b'#'..=b'\'' | b'*' | b'+' | b'-' | b'.')
        || matches!(byte, b'^'..=b'`' | b'|' | b'~')
}

/// `pchar` of RFC 3986, section 3.3, and `/`, but not `,` and `;`.
const fn is_path_char(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(byte, b'!' | b'$'..=b'+' | b'-'..=b'/' | b':' | b'=' | b'@' | b'_' | b'~')
}

fn invalid(message: impl Into<std::borrow::Cow<'static, str>>) -> Error {
    Error::new(ErrorKind::InvalidConfig, message)
}

const DEFAULT_NAME: &str = "__Host-sid";

// RFC 6265bis, section 4.1.3; the two with `Http` are from its successor and already enforced.
const HOST: &str = "__Host-";
const SECURE: &str = "__Secure-";
const HTTP: &str = "__Http-";
const HOST_HTTP: &str = "__Host-Http-";
const PREFIXES: [&str; 4] = [HOST, SECURE, HTTP, HOST_HTTP];

/// The longest host name that the domain name system can hold (RFC 1035, section 2.3.4), in text.
const DOMAIN_LEN_MAX: usize = 253;
