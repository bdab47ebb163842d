//! What a Redis store can be told.

use std::fmt;
use std::time::Duration;

use zeroize::Zeroizing;

use crate::error::{Error, ErrorKind, Result};

/// Settings of a [`RedisStore`](super::RedisStore).
///
/// ```
/// use std::time::Duration;
/// use sessile::store::RedisOptions;
///
/// # fn main() -> sessile::Result<()> {
/// let options = RedisOptions::new("10.0.0.5:6379")?
///     .user("sessile", "a password")
///     .prefix("shop")
///     .call_timeout(Duration::from_millis(500));
/// assert!(!format!("{options:?}").contains("a password"));
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct RedisOptions {
    pub(super) addresses: Vec<Address>,
    pub(super) username: Option<String>,
    pub(super) password: Option<Zeroizing<String>>,
    pub(super) database: i64,
    pub(super) is_tls: bool,
    pub(super) tls_root: Option<Vec<u8>>,
    pub(super) prefix: String,
    pub(super) partitions: usize,
    pub(super) connections_max: usize,
    pub(super) call_timeout: Duration,
    pub(super) settle_timeout: Duration,
    pub(super) lease: Duration,
    pub(super) open_patience: Duration,
    pub(super) requires_power_loss_safety: bool,
    pub(super) allows_volatile: bool,
}

/// A server's host and port.
pub(super) type Address = (String, u16);

impl RedisOptions {
    /// The defaults, for a server at `address`: `host:port`, or a URL as in
    /// `rediss://user:password@host:port/database`.
    ///
    /// # Errors
    /// - [`InvalidConfig`](ErrorKind::InvalidConfig): not an address. What was given is not
    ///   repeated, as it may hold a password.
    pub fn new(address: &str) -> Result<Self> {
        let mut options = RedisOptions {
            addresses: Vec::new(),
            username: None,
            password: None,
            database: 0,
            is_tls: false,
            tls_root: None,
            prefix: "sessile".to_owned(),
            partitions: RedisOptions::PARTITIONS_DEFAULT,
            connections_max: 16,
            call_timeout: Duration::from_secs(2),
            settle_timeout: Duration::from_secs(5),
            lease: Duration::from_secs(10),
            open_patience: Duration::ZERO,
            requires_power_loss_safety: false,
            allows_volatile: false,
        };
        options.read(address).ok_or_else(|| {
            invalid(
                "an address is host:port, redis://user:password@host:port/database or rediss://",
            )
        })?;
        Ok(options)
    }

    /// The default of [`partitions`](Self::partitions): 32.
    pub const PARTITIONS_DEFAULT: usize = 32;

    /// One more node of the same cluster to ask where everything is: `host:port`.
    ///
    /// # Errors
    /// - [`InvalidConfig`](ErrorKind::InvalidConfig): not an address.
    pub fn node(mut self, address: &str) -> Result<Self> {
        let address = split_address(address).ok_or_else(|| invalid("a node is host:port"))?;
        self.addresses.push(address);
        Ok(self)
    }

    /// The name and password to present. Default: none.
    #[must_use]
    pub fn user(mut self, name: &str, password: &str) -> Self {
        self.username = Some(name.to_owned());
        self.password = Some(Zeroizing::new(password.to_owned()));
        self
    }

    /// The password of the server's default user. Default: none.
    #[must_use]
    pub fn password(mut self, password: &str) -> Self {
        self.username = None;
        self.password = Some(Zeroizing::new(password.to_owned()));
        self
    }

    /// Speak TLS, and trust the certificates of this PEM text instead of the system's if one is
    /// given. Needs the feature `redis-tls`. Default: no, unless the URL is a `rediss://`.
    #[must_use]
    pub fn tls(mut self, root_pem: Option<&[u8]>) -> Self {
        self.is_tls = true;
        self.tls_root = root_pem.map(<[u8]>::to_vec);
        self
    }

    /// What every key starts with: two stores on one server have two prefixes. 1 to 64 letters,
    /// digits, `_`, `-`, `.` and `:`. Default: `sessile`.
    #[must_use]
    pub fn prefix(mut self, prefix: &str) -> Self {
        prefix.clone_into(&mut self.prefix);
        self
    }

    /// Into how many partitions the rows are divided, 1 to 256: a cluster has a partition on one
    /// node, and one commit at a time is under way in each. Fixed once the store is made.
    /// `expired` and `dump` ask every partition.
    #[must_use]
    pub fn partitions(mut self, partitions: usize) -> Self {
        self.partitions = partitions;
        self
    }

    /// How many connections are open to a server at most, 1 to 1,000. Default: 16.
    #[must_use]
    pub fn connections_max(mut self, connections: usize) -> Self {
        self.connections_max = connections;
        self
    }

    /// How long connecting, sending and awaiting an answer may take, each: 1 ms to 60 s.
    /// Default: 2 s. Looking up a host's name is the system's affair.
    #[must_use]
    pub fn call_timeout(mut self, timeout: Duration) -> Self {
        self.call_timeout = timeout;
        self
    }

    /// How long to go on asking what became of a commit whose answer was lost, up to 60 s.
    /// After that its outcome is unknown, and the store takes no more writes. Default: 5 s.
    #[must_use]
    pub fn settle_timeout(mut self, timeout: Duration) -> Self {
        self.settle_timeout = timeout;
        self
    }

    /// For how long the store belongs to the process that opened it without a word from it:
    /// 100 ms to 10 minutes. After a crash nobody can open it for that long; when the server is
    /// away for longer, nothing is answered. Default: 10 s.
    #[must_use]
    pub fn lease(mut self, lease: Duration) -> Self {
        self.lease = lease;
        self
    }

    /// How long opening waits for another owner to go. Default: not at all. A server that is
    /// restarted by its supervisor wants a little more than the [`lease`](Self::lease).
    #[must_use]
    pub fn open_patience(mut self, patience: Duration) -> Self {
        self.open_patience = patience;
        self
    }

    /// Whether to refuse a server whose acknowledged writes do not survive a power loss: one
    /// without `appendonly yes` and `appendfsync always`. Default: no.
    #[must_use]
    pub fn require_power_loss_safety(mut self, is_required: bool) -> Self {
        self.requires_power_loss_safety = is_required;
        self
    }

    /// Whether to put up with a server without `appendonly yes`, which loses everything, or goes
    /// back to its last snapshot, when it ends. While the engine is open it notices and stops;
    /// after a restart of both, sessions that were revoked since that snapshot are valid again.
    /// Default: no.
    #[must_use]
    pub fn allow_volatile(mut self, is_allowed: bool) -> Self {
        self.allows_volatile = is_allowed;
        self
    }

    pub(super) fn validate(&self) -> Result<()> {
        let ms = Duration::from_millis;
        let is_named = (1..=64).contains(&self.prefix.len())
            && self.prefix.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-.:".contains(&b));
        let settings = [
            (is_named, "prefix: 1 to 64 letters, digits, `_`, `-`, `.` and `:`"),
            ((1..=256).contains(&self.partitions), "partitions: 1 to 256"),
            ((1..=1_000).contains(&self.connections_max), "connections_max: 1 to 1,000"),
            ((ms(1)..=ms(60_000)).contains(&self.call_timeout), "call_timeout: 1 ms to 60 s"),
            (self.settle_timeout <= ms(60_000), "settle_timeout: up to 60 s"),
            ((ms(100)..=ms(600_000)).contains(&self.lease), "lease: 100 ms to 10 minutes"),
            (
                !self.is_tls || cfg!(feature = "redis-tls"),
                "tls: this build has no TLS: build with the feature `redis-tls`",
            ),
        ];
        let wrong = settings.into_iter().find(|(is_right, _)| !is_right);
        wrong.map_or(Ok(()), |(_, rule)| Err(invalid(rule)))
    }

    fn read(&mut self, address: &str) -> Option<()> {
        let Some((scheme, rest)) = address.split_once("://") else {
            self.addresses.push(split_address(address)?);
            return Some(());
        };
        self.is_tls = match scheme {
            "redis" | "valkey" => false,
            "rediss" | "valkeys" => true,
            _ => return None,
        };
        let (server, database) = rest.split_once('/').unwrap_or((rest, ""));
        self.database = if database.is_empty() { 0 } else { database.parse().ok()? };
        let server = match server.rsplit_once('@') {
            None => server,
            Some((user, server)) => {
                let (name, password) = user.split_once(':')?;
                self.username = (!name.is_empty()).then(|| decode(name)).flatten();
                self.password = Some(Zeroizing::new(decode(password)?));
                server
            }
        };
        self.addresses.push(split_address(server)?);
        Some(())
    }
}

impl fmt::Debug for RedisOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisOptions")
            .field("addresses", &self.addresses)
            .field("is_tls", &self.is_tls)
            .field("has_password", &self.password.is_some())
            .field("prefix", &self.prefix)
            .field("partitions", &self.partitions)
            .finish_non_exhaustive()
    }
}

pub(super) fn split_address(address: &str) -> Option<Address> {
    let (host, port) = address.rsplit_once(':')?;
    let host = host.strip_prefix('[').and_then(|h| h.strip_suffix(']')).unwrap_or(host);
    let is_host = !host.is_empty() && !host.contains(['@', '/', '[', ']', ' ']);
    is_host.then_some((host.to_owned(), port.parse().ok()?))
}

/// Percent-decoding, strictly.
fn decode(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        rest = tail;
        if *first != b'%' {
            bytes.push(*first);
            continue;
        }
        let (digits, tail) = rest.split_at_checked(2)?;
        let digits = std::str::from_utf8(digits).ok()?;
        bytes.push(u8::from_str_radix(digits, 16).ok()?);
        rest = tail;
    }
    String::from_utf8(bytes).ok()
}

fn invalid(rule: &'static str) -> Error {
    Error::new(ErrorKind::InvalidConfig, rule)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_names_all_that_is_needed() {
        let options = RedisOptions::new("rediss://me:p%40ss:w@[::1]:6380/3").unwrap();
        assert_eq!(options.addresses, [("::1".to_owned(), 6380)]);
        assert_eq!((options.database, options.is_tls), (3, true));
        assert_eq!(options.username.as_deref(), Some("me"));
        assert_eq!(options.password.unwrap().as_str(), "p@ss:w");
        let options = RedisOptions::new("redis://:secret@localhost:6379").unwrap();
        assert_eq!((options.username, options.is_tls), (None, false));
    }

    #[test]
    fn what_is_no_address_is_refused_and_not_repeated() {
        for bad in [
            "",
            "host",
            "host:",
            ":1",
            "host:99999",
            "http://h:1",
            "redis://hunter2@h:1",
            "redis://u:hunter2%zz@h:1",
            "redis://u:hunter2@h:1/x",
            "u:hunter2@h:1",
        ] {
            let error = RedisOptions::new(bad).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidConfig, "{bad}");
            assert!(!format!("{error:?}").contains("hunter2"));
        }
    }

    #[test]
    fn a_password_is_in_no_debug_text() {
        let options = RedisOptions::new("redis://me:hunter2@h:1").unwrap();
        assert!(!format!("{options:?}").contains("hunter2"));
    }
}
