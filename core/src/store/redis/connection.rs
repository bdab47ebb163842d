//! One connection, and what its errors mean.

use redis::{ConnectionLike, IntoConnectionInfo, RedisConnectionInfo, RedisError, Value};

use super::options::{Address, RedisOptions};
use crate::error::{Error, ErrorKind, Result};

/// Why a request has no answer.
#[derive(Debug)]
pub(super) enum Fault {
    /// It never reached the server.
    Unsent(Error),
    /// The server refused it under this code, and did nothing.
    Refused(String),
    /// Another node has the slot.
    Moved,
    /// Another node, `host:port`, may have the keys of the slot already.
    Ask(String),
    /// The server may have done it: the connection broke, the answer did not come in time.
    Lost(Error),
    /// A script failed at the server, perhaps half way.
    Failed(String),
}

/// A connection. One that broke is never used again.
pub(super) struct Connection {
    inner: redis::Connection,
}

impl Connection {
    /// Connects, authenticates, and selects the database.
    pub(super) fn open(options: &RedisOptions, address: &Address) -> Result<Self> {
        let client = client(options, address)?;
        let timeout = options.call_timeout;
        let connect = || {
            let inner = client.get_connection_with_timeout(timeout)?;
            inner.set_read_timeout(Some(timeout))?;
            inner.set_write_timeout(Some(timeout))?;
            Ok(Connection { inner })
        };
        connect().map_err(|e| no_connection(address, &e))
    }

    /// Sends a request and awaits its answer. After [`Fault::Lost`] the connection is of no use.
    pub(super) fn ask(&mut self, request: &redis::Cmd) -> Result<Value, Fault> {
        let value = self.inner.req_command(request).map_err(|e| fault_of(&e))?;
        match value {
            Value::ServerError(e) => Err(fault_of(&RedisError::from(e))),
            value => Ok(value),
        }
    }
}

fn client(options: &RedisOptions, (host, port): &Address) -> Result<redis::Client> {
    let unusable = || Error::new(ErrorKind::InvalidConfig, "the server's address cannot be used");
    let address = if options.is_tls {
        redis::ConnectionAddr::TcpTls {
            host: host.clone(),
            port: *port,
            insecure: false,
            tls_params: None,
        }
    } else {
        redis::ConnectionAddr::Tcp(host.clone(), *port)
    };
    let mut login = RedisConnectionInfo::default().set_db(options.database).set_skip_set_lib_name();
    if let Some(name) = &options.username {
        login = login.set_username(name);
    }
    if let Some(password) = &options.password {
        login = login.set_password(password.as_str());
    }
    let info = address.into_connection_info().map_err(|_| unusable())?.set_redis_settings(login);
    #[cfg(feature = "redis-tls")]
    if options.is_tls {
        // With this provider if the host has not chosen one. An error says that it just has.
        if rustls::crypto::CryptoProvider::get_default().is_none() {
            let _ = rustls::crypto::ring::default_provider().install_default();
        }
        let certificates =
            redis::TlsCertificates { client_tls: None, root_cert: options.tls_root.clone() };
        return redis::Client::build_with_tls(info, certificates).map_err(|_| {
            Error::new(ErrorKind::InvalidConfig, "tls: the root certificates are no PEM text")
        });
    }
    redis::Client::open(info).map_err(|_| unusable())
}

/// The server's own words may repeat what it was sent, so only its code is handed on.
fn no_connection((host, port): &Address, error: &RedisError) -> Error {
    let is_refused = error.kind() == redis::ErrorKind::AuthenticationFailed
        || matches!(error.code(), Some("NOAUTH" | "WRONGPASS" | "NOPERM"));
    if is_refused {
        let message = format!(
            "the server at {host}:{port} did not take the name and password: check them, and that \
             the user may run scripts"
        );
        return Error::new(ErrorKind::Unavailable, message);
    }
    let why = if error.is_timeout() {
        "did not answer in time".to_owned()
    } else if let Some(code) = error.code() {
        format!("answered {code}")
    } else {
        format!("cannot be reached ({})", error.category())
    };
    Error::new(ErrorKind::Unavailable, format!("the server at {host}:{port} {why}"))
}

fn fault_of(error: &RedisError) -> Fault {
    use redis::ServerErrorKind::{Ask, Moved};
    match error.kind() {
        redis::ErrorKind::Server(Moved) => return Fault::Moved,
        redis::ErrorKind::Server(Ask) => {
            let to = error.redirect_node().map(|(address, _)| address.to_owned());
            return to.map_or(Fault::Refused("ASK".to_owned()), Fault::Ask);
        }
        _ => {}
    }
    match error.code() {
        Some(code) if REFUSALS.contains(&code) => Fault::Refused(code.to_owned()),
        Some(code) => Fault::Failed(code.to_owned()),
        None => {
            let why = if error.is_timeout() {
                "the server did not answer in time"
            } else {
                "the connection to the server broke"
            };
            Fault::Lost(Error::new(ErrorKind::Unavailable, why))
        }
    }
}

/// Codes with which a server refuses a command before it does anything, or a script at its first
/// write.
const REFUSALS: &[&str] = &[
    "BUSY",
    "CLUSTERDOWN",
    "CROSSSLOT",
    "LOADING",
    "MASTERDOWN",
    "MISCONF",
    "NOAUTH",
    "NOPERM",
    "NOREPLICAS",
    "NOSCRIPT",
    "OOM",
    "READONLY",
    "TRYAGAIN",
];
