//! Lists: snapshots of sessions, API keys, signing keys, or the data of a session.

use std::ffi::c_char;
use std::ptr;
use std::sync::Arc;

use sessile_core::{ApiKey, Data, KeyInfo, SessionInfo, Timestamp};

use crate::boundary::{Outcome, call, given, guard, invalid, put_box, required, take_box, text};
use crate::engine::{engine, sessile_engine};
use crate::error::sessile_error;
use crate::handle::sessile_handle;
use crate::versioned::{Versioned, check_place, put_sized};

/// What there was when it was asked for. It does not change, and needs no engine any more.
pub struct sessile_list(pub(crate) Items);

/// What a list is of.
pub(crate) enum Items {
    Sessions(Vec<ListedSession>),
    ApiKeys(Vec<ApiKey>),
    Keys(Vec<KeyInfo>),
    Data(Arc<Data>),
}

/// A session with its texts as C wants them.
pub(crate) struct ListedSession {
    info: SessionInfo,
    amr: String,
}

/// A session of a list. Begin with SESSILE_SESSION_INFO_INIT.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct sessile_session_info {
    /// sizeof(sessile_session_info), set by the caller.
    pub struct_size: usize,
    /// The label that it was created with: "Firefox on Linux". UTF-8, with a zero at its end
    /// unless it has one inside; "" when there is none. In the list, and freed with it.
    pub device_label: *const c_char,
    /// Its length.
    pub device_label_len: usize,
    /// How the subject proved who it is: "pwd otp". In the list, and freed with it.
    pub amr: *const c_char,
    /// Its length.
    pub amr_len: usize,
    /// The class of the authentication. In the list, and freed with it.
    pub acr: *const c_char,
    /// Its length.
    pub acr_len: usize,
    /// When it was created, in milliseconds since the Unix epoch, as all of these.
    pub created_ms: u64,
    /// When the client was seen last, as the store knows: up to a minute old.
    pub last_seen_ms: u64,
    /// When the subject proved who it is last; 0: never.
    pub authenticated_at_ms: u64,
    /// Unused until then, it ends.
    pub idle_deadline_ms: u64,
    /// It ends then, used or not.
    pub absolute_deadline_ms: u64,
    /// Its public name: what sessile_revoke takes. The session of the request that asks is the one
    /// with the same handle.
    pub handle: sessile_handle,
    /// Not used yet.
    pub reserved: [u8; 6],
}

// SAFETY: integers, pointers and arrays of integers, without padding, as the assertion says.
unsafe impl Versioned for sessile_session_info {
    const LEN_FIRST: usize = 120;
}

const _: () = assert!(size_of::<sessile_session_info>() == 120);

/// Lists the valid sessions of a subject, the one used last first: "your devices".
///
/// Parameters: `engine`; `subject`, `subject_len`; `list`, written on success; `error`, may be
/// NULL.
/// Returns: SESSILE_OK. SESSILE_ERR_UNAVAILABLE, SESSILE_ERR_CORRUPT: not known.
/// Memory: `*list` is freed with sessile_list_free.
/// Threads: any.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sessile_list_sessions(
    engine: *const sessile_engine,
    subject: *const c_char,
    subject_len: usize,
    list: *mut *mut sessile_list,
    error: *mut sessile_error,
) -> i32 {
    // SAFETY: the caller keeps to the header.
    unsafe {
        call(error, || {
            let engine = self::engine(engine)?;
            required(list)?;
            let sessions = engine.list(text(subject, subject_len)?)?.into_iter();
            let listed = sessions.map(|mut info| {
                let mut amr = std::mem::take(&mut info.authentication.amr).join(" ");
                amr.push('\0');
                for text in [&mut info.device_label, &mut info.authentication.acr] {
                    text.get_or_insert_default().push('\0');
                }
                ListedSession { info, amr }
            });
            put_box(list, sessile_list(Items::Sessions(listed.collect())));
            Ok(())
        })
    }
}

/// How many there are in a list.
///
/// Parameters: `list`, NULL has none.
/// Returns: the number.
/// Threads: any.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sessile_list_len(list: *const sessile_list) -> usize {
    // SAFETY: the caller keeps to the header.
    guard(0, || match unsafe { list.as_ref() }.map(|list| &list.0) {
        None => 0,
        Some(Items::Sessions(sessions)) => sessions.len(),
        Some(Items::ApiKeys(keys)) => keys.len(),
        Some(Items::Keys(keys)) => keys.len(),
        Some(Items::Data(data)) => data.len(),
    })
}

/// Frees a list, and with it all that its accessors pointed to.
///
/// Parameters: `list`, NULL is fine.
/// Memory: `list` is not to be used again.
/// Threads: any.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sessile_list_free(list: *mut sessile_list) {
    // SAFETY: the caller keeps to the header.
    guard((), || drop(unsafe { take_box(list) }));
}

/// One of a list of sessions.
///
/// Parameters: `list`, from sessile_list_sessions; `index`, below sessile_list_len; `info`,
/// filled; `error`, may be NULL.
/// Returns: SESSILE_OK; SESSILE_ERR_INVALID_INPUT: no such index, or the list is of other things.
/// Memory: the texts are in the list, and freed with it.
/// Threads: any.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sessile_list_session(
    list: *const sessile_list,
    index: usize,
    info: *mut sessile_session_info,
    error: *mut sessile_error,
) -> i32 {
    // SAFETY: the caller keeps to the header.
    unsafe {
        call(error, || {
            let len = check_place(info)?;
            let Items::Sessions(sessions) = &given(list)?.0 else { return Err(other_things()) };
            put_sized(info, len, &read(item(sessions, index)?));
            Ok(())
        })
    }
}

fn read(listed: &ListedSession) -> sessile_session_info {
    let ListedSession { info, amr } = listed;
    let (device_label, device_label_len) = listed_text(info.device_label.as_deref());
    let (amr, amr_len) = listed_text(Some(amr));
    let (acr, acr_len) = listed_text(info.authentication.acr.as_deref());
    sessile_session_info {
        struct_size: 0,
        device_label,
        device_label_len,
        amr,
        amr_len,
        acr,
        acr_len,
        created_ms: info.created.as_millis(),
        last_seen_ms: info.last_seen.as_millis(),
        authenticated_at_ms: info.authenticated_at.map_or(0, Timestamp::as_millis),
        idle_deadline_ms: info.idle_deadline.as_millis(),
        absolute_deadline_ms: info.absolute_deadline.as_millis(),
        handle: (&info.handle).into(),
        reserved: [0; 6],
    }
}

/// A text that was given its zero, and its length without it.
fn listed_text(text: Option<&str>) -> (*const c_char, usize) {
    text.map_or((ptr::null(), 0), |text| (text.as_ptr().cast(), text.len().saturating_sub(1)))
}

pub(crate) fn item<T>(items: &[T], index: usize) -> Outcome<&T> {
    items.get(index).ok_or_else(|| invalid("the list has no such index"))
}

pub(crate) fn other_things() -> crate::boundary::Failure {
    invalid("the list is of other things")
}
