//! Moving a live site over: what a session of another maker looks like, and how a client that
//! holds one is recognised, so that a switch logs nobody out.
//!
//! An [`Importer`] says what the old site was: its [`Maker`] and secrets, where a session's JSON
//! names its subject, what of it is carried over, and the moment after which nothing of the old
//! site is taken any more. The host gives it to two verbs:
//!
//! 1. [`Engine::import_rows`](crate::Engine::import_rows) reads the old store's sessions from a
//!    file, once, after the old site was stopped and before the new one starts.
//! 2. [`Engine::upgrade_cookies`](crate::Engine::upgrade_cookies), when a request has no session
//!    of ours, takes the old site's cookie and gives the session that it stands for: once. From
//!    then on the client has our cookie.
//!
//! ```
//! use std::sync::Arc;
//! use std::time::{Duration, SystemTime, UNIX_EPOCH};
//! use sessile::cookie::foreign::{Importer, Maker};
//! use sessile::store::MemoryStore;
//! use sessile::{Config, Engine, Timestamp, Upgrade};
//!
//! let engine = Engine::open_with(Config::with_store(Arc::new(MemoryStore::new())))?;
//! # let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis() as u64;
//! let in_a_month = Timestamp::from_millis(now).plus(Duration::from_secs(30 * 86_400));
//! let importer = Importer::new(Maker::express("connect.sid", &["keyboard cat"])?, in_a_month)
//!     .subject_at(["passport", "user"])
//!     .carry(["cart"]);
//!
//! let file = r#"{"sid":"kQ2bXW9fPYnv","expires":4102444800000,
//!     "session":{"cookie":{},"passport":{"user":17},"cart":[4]}}"#.replace('\n', "");
//! let report = engine.import_rows(&importer, &mut file.as_bytes())?;
//! assert_eq!((report.imported, report.refused_count), (1, 0));
//!
//! let header = "connect.sid=s%3AkQ2bXW9fPYnv.OKj%2FjEll6YTbat47%2BkGnobRpV93chM4ZczDzvz8DSZ0";
//! match engine.upgrade_cookies(&importer, [header])? {
//!     Some(Upgrade::Valid(issued)) => {
//!         assert_eq!(issued.session.subject().unwrap().as_str(), "17");
//!         let _set_cookies = (engine.set_cookies(&issued)?, importer.clear_cookies());
//!     }
//!     Some(Upgrade::Rejected(reason)) => panic!("{reason}"),
//!     None => panic!("no cookie of the old site"),
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Lines of a file
//!
//! One JSON object a line, up to 1 MiB; members that are not named here are passed over.
//!
//! | maker | members |
//! |---|---|
//! | express-session, any connect store | `sid`; `session`: the store's JSON, as an object or as text; `expires`: if missing, `session.cookie.expires` |
//! | Django | `session_key`; `session_data`: what `get_decoded()` gives, an object; `expire_date` |
//! | Meteor | `hashedToken` and `when` out of `services.resume.loginTokens`; `userId`; `expires`: if missing, 90 days after `when`, which is Meteor's default |
//!
//! A time is an integer, in milliseconds since the Unix epoch, or a text of RFC 3339:
//! `2026-11-24T15:00:00Z`. A `sid` is without the prefix that a store may have put before it
//! (`sess:`). With connect-pg-simple this writes the file:
//!
//! ```text
//! copy (select json_build_object('sid', sid, 'session', sess,
//!     'expires', (extract(epoch from expire) * 1000)::bigint) from session) to stdout
//! ```
//!
//! and with Django, in `manage.py shell`, also for rows that are compressed or pickled:
//!
//! ```text
//! import json
//! from django.contrib.sessions.models import Session
//! with open("sessions.jsonl", "w") as out:
//!     for row in Session.objects.iterator():
//!         print(json.dumps({"session_key": row.session_key, "session_data": row.get_decoded(),
//!                           "expire_date": row.expire_date.isoformat()}), file=out)
//! ```
//!
//! # What is promised
//!
//! - A cookie of express-session or cookie-session is checked under the old secrets, in constant
//!   time, before the store is asked. Django's and Meteor's have no signature: a well-formed one
//!   costs a read, as it did. None that has no row creates anything.
//! - An imported row is a session from the moment of its import: it is listed, and ended by
//!   everything that ends sessions, `revoke_subject` too. It ends when it would have ended at the
//!   old site, or with the importer. Old ids are kept as keyed hashes.
//! - It is given out once. Requests that came side by side get the same session, for a grace of
//!   60 s; after that the old cookie is [`Reused`](crate::Reason::Reused) and buys nothing,
//!   whatever became of the session. That it comes again is no sign of theft: browsers keep old
//!   cookies until they are told to forget them, which is what
//!   [`Importer::clear_cookies`] is for.
//! - A second import of the same file, or of a newer one, adds what is not known yet.
//!
//! # Cookies without a row
//!
//! A cookie-session pair is all there is of its session: whoever has the old secret can make
//! one for anybody, and whoever copied one can present it, today or next year. Hence:
//!
//! - Choose the importer's end near. After it no pair is taken.
//! - A pair is upgraded once and that is remembered for 400 days. But two browsers of one person
//!   may hold the very same pair, byte for byte, and the second is then asked to log in again;
//!   [`Importer::devices_per_pair`] allows more, and with it as many replays.
//! - A pair has no age that could be compared with a revocation. So any `revoke_subject` of its
//!   subject and any `revoke_all`, whenever it was, ends all pairs that were not upgraded yet.
//! - sessile writes no such pair; [`Importer::read_pair`] reads one as data.

mod date;
mod importer;
mod maker;
mod row;

pub use importer::Importer;
pub(crate) use maker::{Credential, Presented};
pub use maker::{KeygripHash, Maker};
pub(crate) use row::ForeignRow;
