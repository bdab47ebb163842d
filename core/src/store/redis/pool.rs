//! The connections to one server.

use std::sync::Arc;
use std::time::{Duration, Instant};

use redis::Value;

use super::connection::{Connection, Fault};
use super::options::{Address, RedisOptions};
use super::script::Request;
use crate::error::{Error, ErrorKind, Result};
use crate::sync::{Condvar, Mutex, wait_for};

/// Looks at a new connection before anything else is asked of it.
pub(super) type Greeting<'a> = dyn Fn(&mut Connection) -> Result<()> + 'a;

/// Some connections to one server, made when they are needed. After a failed attempt the next
/// one has to wait, twice as long each time; until then callers are told at once.
pub(super) struct Pool {
    pub(super) address: Address,
    options: Arc<RedisOptions>,
    state: Mutex<State>,
    returned: Condvar,
}

#[derive(Default)]
struct State {
    idle: Vec<Connection>,
    taken: usize,
    /// Connections of an earlier age are not taken back.
    age: u64,
    failures: u32,
    not_before: Option<Instant>,
}

impl Pool {
    pub(super) fn new(address: Address, options: Arc<RedisOptions>) -> Self {
        let (state, returned) = (Mutex::new(State::default()), Condvar::new());
        Pool { address, options, state, returned }
    }

    /// Sends a request over an idle connection, or a new one.
    pub(super) fn ask(
        &self,
        request: &Request<'_>,
        is_asking: bool,
        greeting: &Greeting<'_>,
    ) -> Result<Value, Fault> {
        let (mut connection, age) = self.take(greeting).map_err(Fault::Unsent)?;
        let answer = request.send(&mut connection, is_asking);
        let is_usable = !matches!(answer, Err(Fault::Lost(_)));
        self.give_back(is_usable.then_some(connection), age);
        answer
    }

    /// Lets go of every connection, so that the next ones are looked at anew.
    pub(super) fn renew(&self) {
        let mut state = self.state.lock();
        state.age += 1;
        state.idle.clear();
    }

    fn take(&self, greeting: &Greeting<'_>) -> Result<(Connection, u64)> {
        let deadline = Instant::now() + self.options.call_timeout;
        let mut state = self.state.lock();
        let age = loop {
            if let Some(connection) = state.idle.pop() {
                state.taken += 1;
                return Ok((connection, state.age));
            }
            if state.taken < self.options.connections_max {
                break state.age;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                let message = "every connection to the server is in use: raise connections_max";
                return Err(Error::new(ErrorKind::Unavailable, message));
            }
            state = wait_for(&self.returned, state, left);
        };
        if state.not_before.is_some_and(|at| Instant::now() < at) {
            let (host, port) = &self.address;
            let message = format!("the server at {host}:{port} could not be reached a moment ago");
            return Err(Error::new(ErrorKind::Unavailable, message));
        }
        state.taken += 1;
        drop(state);
        let connected =
            Connection::open(&self.options, &self.address).and_then(|mut connection| {
                greeting(&mut connection)?;
                Ok(connection)
            });
        let mut state = self.state.lock();
        match connected {
            Ok(connection) => {
                (state.failures, state.not_before) = (0, None);
                Ok((connection, age))
            }
            Err(error) => {
                state.taken -= 1;
                state.failures = state.failures.saturating_add(1);
                state.not_before = Some(Instant::now() + pause(state.failures));
                drop(state);
                self.returned.notify_all();
                Err(error)
            }
        }
    }

    fn give_back(&self, connection: Option<Connection>, age: u64) {
        let mut state = self.state.lock();
        state.taken -= 1;
        if state.age == age {
            match connection {
                Some(connection) => state.idle.push(connection),
                // Its neighbours are likely to be broken as well.
                None => state.idle.clear(),
            }
        }
        drop(state);
        self.returned.notify_all();
    }
}

/// How long to leave a server alone after so many failures: 25 ms, doubling, to 1.6 s.
pub(super) fn pause(failures: u32) -> Duration {
    Duration::from_millis(25 << failures.saturating_sub(1).min(6))
}
