//! Taking the store for this process, keeping it, giving it away.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::answer::{text, texts};
use super::layout::{FORMAT, Names};
use super::options::RedisOptions;
use super::router::{Failure, Router};
use super::script::{ACQUIRE, ENTER, RELEASE, RENEW};
use super::standing::{Standing, TAKEN};
use crate::error::{Error, ErrorKind, Result};
use crate::id::fill_random;
use crate::sync::{Condvar, Mutex, thread, wait_for};
use crate::time::millis;

/// This process as the owner of the store. Dropping it gives the store away.
pub(super) struct Owner {
    claim: Arc<Claim>,
    keeper: Option<thread::JoinHandle<()>>,
}

struct Claim {
    router: Arc<Router>,
    standing: Arc<Standing>,
    options: Arc<RedisOptions>,
    /// A random name, and the process id for people.
    owner: String,
    term: String,
    is_stopping: Mutex<bool>,
    stop: Condvar,
}

/// What the store was when it was taken.
pub(super) struct Taken {
    pub(super) owner: Owner,
    pub(super) term: String,
    /// No version above it was given.
    pub(super) reserved: u64,
}

/// Takes the store, shuts earlier owners out of every partition, and starts to keep it.
pub(super) fn take(
    options: &Arc<RedisOptions>,
    router: &Arc<Router>,
    standing: &Arc<Standing>,
) -> Result<Taken> {
    let mut id = [0; 16];
    fill_random(&mut id)?;
    let owner = format!("{:032x} process {}", u128::from_be_bytes(id), std::process::id());
    let deadline = Instant::now() + options.open_patience;
    let (term, reserved) = loop {
        let sent_ms = standing.lease.now_ms();
        match acquire(options, router, &owner) {
            Ok((term, reserved)) => {
                standing.lease.extend_until(sent_ms + held_ms(options.lease));
                break (term, reserved);
            }
            Err(error) if error.kind() == ErrorKind::Locked && Instant::now() < deadline => {
                thread::sleep(ASK_AGAIN_AFTER);
            }
            Err(error) => return Err(error),
        }
    };
    let (is_stopping, stop) = (Mutex::new(false), Condvar::new());
    let claim = Arc::new(Claim {
        router: router.clone(),
        standing: standing.clone(),
        options: options.clone(),
        owner,
        term: term.clone(),
        is_stopping,
        stop,
    });
    // From here on whatever fails gives the store away again.
    let mut owner = Owner { claim: claim.clone(), keeper: None };
    for (partition, names) in router.names.iter().enumerate() {
        enter(router, standing, partition, names, &term)?;
    }
    standing.own(term.clone());
    let keeper = thread::Builder::new().name("sessile-lease".into()).spawn(move || claim.keep());
    owner.keeper = Some(keeper.map_err(|e| {
        Error::new(ErrorKind::Unavailable, "the thread that keeps the lease did not start")
            .with_source(e)
    })?);
    Ok(Taken { owner, term, reserved })
}

fn acquire(options: &RedisOptions, router: &Router, owner: &str) -> Result<(String, u64)> {
    let names = first(router)?;
    let mut store_id = [0; 16];
    fill_random(&mut store_id)?;
    let (format, partitions) = (FORMAT.to_string(), options.partitions.to_string());
    let lease_ms = millis(options.lease).to_string();
    let args: [&[u8]; 5] = [
        format.as_bytes(),
        &store_id,
        partitions.as_bytes(),
        owner.as_bytes(),
        lease_ms.as_bytes(),
    ];
    let answer = router.run(0, &ACQUIRE, &[names.owner(), names.meta()], &args);
    let answer = texts(&answer.map_err(Failure::into_error)?);
    let words: Vec<_> = answer.iter().map(|word| String::from_utf8_lossy(word)).collect();
    match (words.first().map(AsRef::as_ref), answer.get(1..).unwrap_or_default()) {
        (Some("ok"), [_, term, reserved]) => {
            let damaged = || Error::new(ErrorKind::Corrupt, "the store's own record is damaged");
            let reserved = reserved.as_slice().try_into().map_err(|_| damaged())?;
            let term = String::from_utf8(term.clone()).map_err(|_| damaged())?;
            Ok((term, u64::from_be_bytes(reserved)))
        }
        (Some("locked"), [holder, left]) => {
            let holder = String::from_utf8_lossy(holder);
            // Its random name is nobody's business.
            let holder = holder.split_once(' ').map_or("another engine", |(_, process)| process);
            let left = String::from_utf8_lossy(left);
            let message = format!(
                "{holder} has the store open: close it there; if that has crashed, its lease runs \
                 out in {left} ms (see open_patience), and if two are wanted, give each a prefix"
            );
            Err(Error::new(ErrorKind::Locked, message))
        }
        (Some("newer"), _) => {
            let message = "the store was written by a newer version of sessile";
            Err(Error::new(ErrorKind::NewerFormat, message))
        }
        (Some("partitions"), [found]) => {
            let found = String::from_utf8_lossy(found);
            let message = format!("the store was made with {found} partitions: set as many");
            Err(Error::new(ErrorKind::InvalidConfig, message))
        }
        _ => Err(Error::new(ErrorKind::Corrupt, "the store's own record is damaged")),
    }
}

fn enter(
    router: &Router,
    standing: &Standing,
    partition: usize,
    names: &Names,
    term: &str,
) -> Result<()> {
    let answer = router.run(partition, &ENTER, &[names.meta()], &[term.as_bytes()]);
    let answer = texts(&answer.map_err(Failure::into_error)?);
    match (answer.first().map(Vec::as_slice), answer.get(1).map(|tip| tip.as_slice().try_into())) {
        (Some(b"ok"), Some(Ok(tip))) => {
            standing.raise_tip(partition, u64::from_be_bytes(tip));
            Ok(())
        }
        (Some(b"fenced"), _) => Err(standing.end(TAKEN)),
        _ => Err(Error::new(ErrorKind::Corrupt, "the record of a partition is damaged")),
    }
}

impl Claim {
    /// Renews the lease four times in its span, until told to stop or it is lost.
    fn keep(&self) {
        while !self.standing.is_ended() && self.pause(self.options.lease / 4) {
            let sent_ms = self.standing.lease.now_ms();
            match self.renew() {
                Ok(true) => {
                    let until_ms = sent_ms + held_ms(self.options.lease);
                    self.standing.lease.extend_until(until_ms);
                }
                Ok(false) => drop(self.standing.end(TAKEN)),
                Err(error) => log::warn!("the lease on the store was not renewed: {error}"),
            }
        }
    }

    fn renew(&self) -> Result<bool> {
        let names = first(&self.router)?;
        let lease_ms = millis(self.options.lease).to_string();
        let args: [&[u8]; 3] = [self.owner.as_bytes(), self.term.as_bytes(), lease_ms.as_bytes()];
        let answer = self.router.run(0, &RENEW, &[names.owner(), names.meta()], &args);
        Ok(text(&answer.map_err(Failure::into_error)?) == Some(b"ok"))
    }

    /// `false`: stop.
    fn pause(&self, span: Duration) -> bool {
        let is_stopping = self.is_stopping.lock();
        !*is_stopping && !*wait_for(&self.stop, is_stopping, span)
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        let claim = &*self.claim;
        // In a forked child there is no thread, and the store is the parent's.
        if claim.standing.is_forked() {
            return;
        }
        *claim.is_stopping.lock() = true;
        claim.stop.notify_all();
        if let Some(keeper) = self.keeper.take()
            && keeper.join().is_err()
        {
            log::error!("the thread that keeps the lease panicked");
        }
        claim.standing.lease.end();
        let released = first(&claim.router).and_then(|names| {
            let args = [claim.owner.as_bytes()];
            let answer = claim.router.run(0, &RELEASE, &[names.owner()], &args);
            answer.map_err(Failure::into_error)
        });
        if let Err(error) = released {
            log::warn!("the store is given away when its lease runs out: {error}");
        }
    }
}

/// For how long we count on a lease. The server's clock and ours may not go at the same speed.
fn held_ms(lease: Duration) -> u64 {
    millis(lease) / 8 * 7
}

fn first(router: &Router) -> Result<&Names> {
    router.names.first().ok_or_else(|| Error::new(ErrorKind::Internal, "no partition"))
}

const ASK_AGAIN_AFTER: Duration = Duration::from_millis(50);
