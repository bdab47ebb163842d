//! The scripts, each one atomic step at the server.

use redis::Value;
use ring::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};

use super::connection::{Connection, Fault};
use crate::sync::OnceLock;

/// What a server is asked.
pub(super) enum Request<'a> {
    Command(&'a redis::Cmd),
    Script { script: &'static Script, keys: &'a [Vec<u8>], args: &'a [&'a [u8]] },
}

impl Request<'_> {
    /// Asks it. `is_asking`: of a server that is still taking the slot over.
    pub(super) fn send(
        &self,
        connection: &mut Connection,
        is_asking: bool,
    ) -> Result<Value, Fault> {
        let mut ask = |command: &redis::Cmd| {
            if is_asking {
                connection.ask(&redis::cmd("ASKING"))?;
            }
            connection.ask(command)
        };
        match self {
            Request::Command(command) => ask(command),
            Request::Script { script, keys, args } => match ask(&script.by_name(keys, args)) {
                Err(Fault::Refused(code)) if code == "NOSCRIPT" => ask(&script.by_text(keys, args)),
                answer => answer,
            },
        }
    }
}

/// A script and the name that the server knows it by once it has seen it.
pub(super) struct Script {
    text: &'static str,
    hash: OnceLock<String>,
}

impl Script {
    const fn new(text: &'static str) -> Self {
        Script { text, hash: OnceLock::new() }
    }

    /// The call by name, which the server refuses with `NOSCRIPT` when it has not seen it.
    fn by_name(&self, keys: &[Vec<u8>], args: &[&[u8]]) -> redis::Cmd {
        call("EVALSHA", self.hash(), keys, args)
    }

    /// The call by text, after which the server has seen it.
    fn by_text(&self, keys: &[Vec<u8>], args: &[&[u8]]) -> redis::Cmd {
        call("EVAL", self.text, keys, args)
    }

    fn hash(&self) -> &str {
        self.hash.get_or_init(|| {
            // The protocol's choice; nothing here depends on its strength.
            let hash = digest(&SHA1_FOR_LEGACY_USE_ONLY, self.text.as_bytes());
            hash.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
        })
    }
}

fn call(command: &str, script: &str, keys: &[Vec<u8>], args: &[&[u8]]) -> redis::Cmd {
    let mut call = redis::cmd(command);
    call.arg(script).arg(keys.len());
    for key in keys {
        call.arg(key.as_slice());
    }
    for arg in args {
        call.arg(*arg);
    }
    call
}

pub(super) static ACQUIRE: Script = Script::new(include_str!("acquire.lua"));
pub(super) static COMMIT: Script = Script::new(include_str!("commit.lua"));
pub(super) static ENTER: Script = Script::new(include_str!("enter.lua"));
pub(super) static EXPIRED: Script = Script::new(include_str!("expired.lua"));
pub(super) static RELEASE: Script = Script::new(include_str!("release.lua"));
pub(super) static RENEW: Script = Script::new(include_str!("renew.lua"));
pub(super) static RESERVE: Script = Script::new(include_str!("reserve.lua"));
pub(super) static SCAN: Script = Script::new(include_str!("scan.lua"));
pub(super) static SETTLE: Script = Script::new(include_str!("settle.lua"));
