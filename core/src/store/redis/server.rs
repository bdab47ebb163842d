//! What a server says of itself, and whether that will do.

use redis::Value;

use super::connection::{Connection, Fault};
use super::options::{Address, RedisOptions};
use crate::error::{Error, ErrorKind, Result};
use crate::store::Survives;

/// A server that will do.
#[derive(Clone, Copy, Debug)]
pub(super) struct Server {
    pub(super) survives: Survives,
    pub(super) is_cluster: bool,
}

/// Asks a server what it is.
///
/// # Errors
/// - [`InvalidConfig`](ErrorKind::InvalidConfig), [`PowerLossUnsafe`](ErrorKind::PowerLossUnsafe):
///   it would lose or forget what it acknowledged.
/// - [`Unavailable`](ErrorKind::Unavailable): it does not say, or is a replica.
pub(super) fn inspect(
    connection: &mut Connection,
    options: &RedisOptions,
    (host, port): &Address,
) -> Result<Server> {
    let at = format!("the server at {host}:{port}");
    let info = ask(connection, redis::cmd("INFO").arg("all"), &at)?;
    let field = |name: &str| {
        info.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).map(str::trim)
    };
    let refuse = |kind, why: String| Err(Error::new(kind, format!("{at} {why}")));
    if field("role") != Some("master") {
        let why = "is a replica, which may lag behind: give the address of its primary";
        return refuse(ErrorKind::Unavailable, why.to_owned());
    }
    let version = field("redis_version").unwrap_or_default();
    let mut numbers = version.split('.').map(|number| number.parse().unwrap_or(0));
    if (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0)) < (6, 2) {
        let why = format!("is version {version}: Redis 6.2 or Valkey is needed");
        return refuse(ErrorKind::InvalidConfig, why);
    }
    match field("maxmemory_policy") {
        Some("noeviction") => {}
        policy => {
            let policy = policy.unwrap_or("unknown");
            let why = format!(
                "evicts rows when its memory is full (maxmemory-policy {policy}), revocations \
                 among them: set maxmemory-policy noeviction"
            );
            return refuse(ErrorKind::InvalidConfig, why);
        }
    }
    let survives = if field("aof_enabled") != Some("1") {
        Survives::Nothing
    } else if appendfsync(connection).as_deref() == Some("always") {
        Survives::PowerLoss
    } else {
        Survives::ProcessCrash
    };
    if options.requires_power_loss_safety && survives != Survives::PowerLoss {
        let why = "does not promise that what it acknowledged survives a power loss: set \
                   appendonly yes and appendfsync always";
        return refuse(ErrorKind::PowerLossUnsafe, why.to_owned());
    }
    if survives == Survives::Nothing && !options.allows_volatile {
        let why = "forgets what it acknowledged when it ends, or goes back to a snapshot: set \
                   appendonly yes, or allow_volatile";
        return refuse(ErrorKind::InvalidConfig, why.to_owned());
    }
    Ok(Server { survives, is_cluster: field("cluster_enabled") == Some("1") })
}

/// `None` where the user may not ask.
fn appendfsync(connection: &mut Connection) -> Option<String> {
    let answer = connection.ask(redis::cmd("CONFIG").arg("GET").arg("appendfsync")).ok()?;
    let Value::Array(pair) = answer else { return None };
    match pair.get(1)? {
        Value::BulkString(bytes) => String::from_utf8(bytes.clone()).ok(),
        Value::SimpleString(text) => Some(text.clone()),
        _ => None,
    }
}

fn ask(connection: &mut Connection, request: &redis::Cmd, at: &str) -> Result<String> {
    let why = match connection.ask(request) {
        Ok(Value::BulkString(bytes)) => return Ok(String::from_utf8_lossy(&bytes).into_owned()),
        Ok(Value::VerbatimString { text, .. }) => return Ok(text),
        Ok(_) => "something else than was asked".to_owned(),
        Err(Fault::Refused(code) | Fault::Failed(code)) => code,
        Err(Fault::Lost(error) | Fault::Unsent(error)) => return Err(error),
        Err(Fault::Moved | Fault::Ask(_)) => "a redirection".to_owned(),
    };
    Err(Error::new(ErrorKind::Unavailable, format!("{at} answered {why} when asked for INFO")))
}
