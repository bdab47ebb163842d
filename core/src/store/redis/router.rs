//! Which server has which partition.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use redis::Value;

use super::connection::{Connection, Fault};
use super::layout::Names;
use super::options::{Address, RedisOptions, split_address};
use super::pool::Pool;
use super::script::{Request, Script};
use super::server;
use super::standing::Standing;
use crate::error::{Error, ErrorKind, Result};
use crate::sync::{Mutex, RwLock, thread};

/// The way to each partition. With one server all ways lead there; a cluster is asked, and asked
/// again when it says that a slot has moved.
pub(super) struct Router {
    options: Arc<RedisOptions>,
    standing: Arc<Standing>,
    is_cluster: bool,
    /// Every server heard of.
    pools: Mutex<HashMap<Address, Arc<Pool>>>,
    /// By partition.
    ways: RwLock<Vec<Arc<Pool>>>,
    pub(super) names: Vec<Names>,
}

/// Why there is no answer, and what that says.
#[derive(Debug)]
pub(super) enum Failure {
    /// The server did nothing, and never will.
    Nothing(Error),
    /// It may have done it, or may do it yet.
    Perhaps(Error),
    /// It may have done a part of it.
    Partly(Error),
}

impl Failure {
    pub(super) fn into_error(self) -> Error {
        match self {
            Failure::Nothing(error) | Failure::Perhaps(error) | Failure::Partly(error) => error,
        }
    }
}

impl Router {
    /// Finds the servers, and tells `standing` what durable writes survive on all of them.
    pub(super) fn new(options: Arc<RedisOptions>, standing: Arc<Standing>) -> Result<Self> {
        let (first, server) = first_server(&options)?;
        let prefix = &options.prefix;
        let names = (0..options.partitions).map(|number| Names::new(prefix, number)).collect();
        let pool = Arc::new(Pool::new(first, options.clone()));
        let router = Router {
            ways: RwLock::new(vec![pool.clone(); options.partitions]),
            pools: Mutex::new(HashMap::from([(pool.address.clone(), pool)])),
            is_cluster: server.is_cluster,
            options,
            standing,
            names,
        };
        let mut survives = server.survives;
        if router.is_cluster {
            router.find_ways()?;
            let ways = router.ways.read();
            let addresses: BTreeSet<_> = ways.iter().map(|pool| &pool.address).collect();
            for address in addresses {
                let mut connection = Connection::open(&router.options, address)?;
                let server = server::inspect(&mut connection, &router.options, address)?;
                survives = survives.min(server.survives);
            }
        }
        router.standing.promise(survives);
        Ok(router)
    }

    /// Runs a script in a partition.
    pub(super) fn run(
        &self,
        partition: usize,
        script: &'static Script,
        keys: &[Vec<u8>],
        args: &[&[u8]],
    ) -> Result<Value, Failure> {
        self.ask(partition, &Request::Script { script, keys, args })
    }

    /// Sends a request to the server of a partition, and follows it where it has gone.
    pub(super) fn ask(&self, partition: usize, request: &Request<'_>) -> Result<Value, Failure> {
        let mut asked = None;
        for attempt in 0..REDIRECTIONS_MAX {
            let is_asking = asked.is_some();
            let pool = asked.take().map_or_else(|| self.way(partition), Ok);
            let pool = pool.map_err(Failure::Nothing)?;
            let greeting = |connection: &mut Connection| self.greet(connection, &pool.address);
            match pool.ask(request, is_asking, &greeting) {
                Ok(value) => return Ok(value),
                Err(Fault::Moved) => self.find_ways().map_err(Failure::Nothing)?,
                Err(Fault::Ask(address)) => {
                    asked = split_address(&address).map(|address| self.pool(address));
                }
                // Some keys of the slot have gone and some have not.
                Err(Fault::Refused(code)) if code == "TRYAGAIN" => thread::sleep(TRY_AGAIN_AFTER),
                Err(Fault::Refused(code)) => return Err(Failure::Nothing(refused(&code))),
                Err(Fault::Failed(code)) => return Err(Failure::Partly(refused(&code))),
                // Its replica may have taken over.
                Err(Fault::Unsent(error)) => match self.is_cluster && attempt == 0 {
                    true if self.find_ways().is_ok() => {}
                    _ => return Err(Failure::Nothing(error)),
                },
                Err(Fault::Lost(error)) => return Err(Failure::Perhaps(error)),
            }
        }
        let message = "the cluster does not say where its rows are: it is being rebuilt";
        Err(Failure::Nothing(Error::new(ErrorKind::Unavailable, message)))
    }

    /// Looks at a new connection: the server may be another one than before, or have come back
    /// with less than it had.
    fn greet(&self, connection: &mut Connection, address: &Address) -> Result<()> {
        let server = server::inspect(connection, &self.options, address).map_err(|error| {
            // What refuses to open makes an open store unavailable.
            Error::new(ErrorKind::Unavailable, error.message().to_owned())
        })?;
        self.standing.admit(server.survives)?;
        let Some(term) = self.standing.term() else { return Ok(()) };
        let here = self.ways.read().iter().map(|p| p.address == *address).collect::<Vec<_>>();
        for (partition, names) in self.names.iter().enumerate() {
            if here.get(partition) != Some(&true) {
                continue;
            }
            let tip = self.standing.tip(partition);
            let mut question = redis::cmd("HMGET");
            question.arg(names.meta()).arg("term").arg("tip");
            match connection.ask(&question) {
                Ok(answer) => self.standing.compare(&answer, &term, tip)?,
                // It has just moved, and will be looked at where it is now.
                Err(Fault::Moved | Fault::Ask(_)) => {}
                Err(Fault::Lost(error) | Fault::Unsent(error)) => return Err(error),
                Err(Fault::Refused(code) | Fault::Failed(code)) => return Err(refused(&code)),
            }
        }
        Ok(())
    }

    fn way(&self, partition: usize) -> Result<Arc<Pool>> {
        let pool = self.ways.read().get(partition).cloned();
        pool.ok_or_else(|| Error::new(ErrorKind::Internal, "a partition has no server"))
    }

    fn pool(&self, address: Address) -> Arc<Pool> {
        let mut pools = self.pools.lock();
        let pool = pools.entry(address).or_insert_with_key(|address| {
            Arc::new(Pool::new(address.clone(), self.options.clone()))
        });
        pool.clone()
    }

    /// Asks the cluster where the partitions are: any server of it that answers.
    fn find_ways(&self) -> Result<()> {
        let mut addresses: Vec<Address> = self.pools.lock().keys().cloned().collect();
        addresses.extend(self.options.addresses.iter().cloned());
        let mut last = Error::new(ErrorKind::Unavailable, "no server of the cluster is known");
        for address in addresses {
            match self.ask_for_ways(&address) {
                Ok(()) => return Ok(()),
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    fn ask_for_ways(&self, asked: &Address) -> Result<()> {
        let mut connection = Connection::open(&self.options, asked)?;
        let slots = connection.ask(redis::cmd("CLUSTER").arg("SLOTS")).map_err(|_| {
            Error::new(ErrorKind::Unavailable, "a server of the cluster did not say what it knows")
        })?;
        let ranges = slot_ranges(&slots, asked);
        let way = |names: &Names| {
            let slot = i64::from(names.slot());
            let range = ranges.iter().find(|(first, last, _)| (*first..=*last).contains(&slot));
            let (_, _, address) = range.ok_or_else(|| {
                Error::new(ErrorKind::Unavailable, "no server of the cluster has one of the slots")
            })?;
            Ok(self.pool(address.clone()))
        };
        let found = self.names.iter().map(way).collect::<Result<Vec<_>>>()?;
        let mut ways = self.ways.write();
        let is_same = ways.iter().zip(&found).all(|(a, b)| a.address == b.address);
        if !is_same {
            *ways = found;
            drop(ways);
            // Whoever has got partitions is looked at again.
            self.pools.lock().values().for_each(|pool| pool.renew());
        }
        Ok(())
    }
}

fn first_server(options: &RedisOptions) -> Result<(Address, server::Server)> {
    let mut last = Error::new(ErrorKind::InvalidConfig, "no server was named");
    for address in &options.addresses {
        let server = Connection::open(options, address)
            .and_then(|mut connection| server::inspect(&mut connection, options, address));
        match server {
            Ok(server) => return Ok((address.clone(), server)),
            Err(error) => last = error,
        }
    }
    Err(last)
}

/// First slot, last slot, primary: of each entry of `CLUSTER SLOTS`.
fn slot_ranges(slots: &Value, asked: &Address) -> Vec<(i64, i64, Address)> {
    let Value::Array(entries) = slots else { return Vec::new() };
    let range = |entry: &Value| {
        let Value::Array(entry) = entry else { return None };
        let [Value::Int(first), Value::Int(last), Value::Array(primary), ..] = &entry[..] else {
            return None;
        };
        let [host, Value::Int(port), ..] = &primary[..] else { return None };
        let host = match host {
            Value::BulkString(host) => String::from_utf8(host.clone()).ok()?,
            Value::SimpleString(host) => host.clone(),
            _ => String::new(),
        };
        // A node that does not know its own name is the one that was asked.
        let host = if host.is_empty() { asked.0.clone() } else { host };
        Some((*first, *last, (host, u16::try_from(*port).ok()?)))
    };
    entries.iter().filter_map(range).collect()
}

fn refused(code: &str) -> Error {
    let remedy = match code {
        "OOM" => ": its memory is full",
        "READONLY" => ": it is a replica now",
        "NOPERM" => ": the user may not run what the store needs",
        "MISCONF" => ": it cannot write to its disk",
        "NOREPLICAS" => ": too few replicas are there",
        _ => "",
    };
    Error::new(ErrorKind::Unavailable, format!("the server answered {code}{remedy}"))
}

const REDIRECTIONS_MAX: usize = 8;
const TRY_AGAIN_AFTER: Duration = Duration::from_millis(20);
