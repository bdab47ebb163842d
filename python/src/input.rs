//! What Python hands in: texts, handles, durations, moments, headers.

use std::borrow::Cow;
use std::time::Duration;

use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDelta, PyString};
use sessile::{Handle, Timestamp};

use crate::error::{invalid_input, raise};
use crate::session::Session;

/// The text of a token: of a `str`, or of a `Token`. A `str` that is no Unicode text (a lone
/// surrogate) becomes one that is no token.
pub(crate) fn token<'a>(given: &'a Bound<'_, PyAny>) -> PyResult<Cow<'a, str>> {
    if let Ok(text) = given.cast::<PyString>() {
        return Ok(text.to_str().map_or(Cow::Borrowed("\u{fffd}"), Cow::Borrowed));
    }
    match given.getattr("reveal") {
        Ok(reveal) => Ok(Cow::Owned(reveal.call0()?.extract()?)),
        Err(_) => Err(PyTypeError::new_err(format!(
            "a token is a str or a Token, not {}",
            given.get_type().name()?
        ))),
    }
}

/// The handle of a `str`, of a session, or of whatever else has one.
pub(crate) fn handle(given: &Bound<'_, PyAny>) -> PyResult<Handle> {
    if let Ok(session) = given.cast::<Session>() {
        return Ok(*session.get().core().handle());
    }
    let py = given.py();
    if let Ok(text) = given.cast::<PyString>() {
        let text = text.to_str().unwrap_or_default();
        return text.parse().map_err(|error| raise(py, &error));
    }
    match given.getattr("handle").and_then(|handle| handle.extract::<String>()) {
        Ok(text) => text.parse().map_err(|error| raise(py, &error)),
        Err(_) => Err(PyTypeError::new_err(format!(
            "a session is named by its handle, a str, or by what has one, not by {}",
            given.get_type().name()?
        ))),
    }
}

/// The bytes of header values: of one, of several, or of none.
pub(crate) fn headers(given: Option<&Bound<'_, PyAny>>) -> PyResult<Vec<Vec<u8>>> {
    let Some(given) = given else { return Ok(Vec::new()) };
    if let Some(header) = header(given)? {
        return Ok(vec![header]);
    }
    let mut headers = Vec::new();
    for each in given.try_iter()? {
        let each = each?;
        match header(&each)? {
            Some(header) => headers.push(header),
            None => {
                let name = each.get_type().name()?.to_string();
                return Err(PyTypeError::new_err(format!("a header is str or bytes, not {name}")));
            }
        }
    }
    Ok(headers)
}

/// The bytes of one header value; `None`: it is neither `str` nor `bytes`. Servers decode headers
/// as Latin-1; no token of ours has a character beyond ASCII in any encoding.
pub(crate) fn header(given: &Bound<'_, PyAny>) -> PyResult<Option<Vec<u8>>> {
    if let Ok(text) = given.cast::<PyString>() {
        return Ok(Some(match text.to_str() {
            Ok(text) => text.as_bytes().to_vec(),
            Err(_) => text.call_method1("encode", ("ascii", "replace"))?.extract()?,
        }));
    }
    Ok(given.cast::<PyBytes>().ok().map(|bytes| bytes.as_bytes().to_vec()))
}

/// A length of time: a `timedelta`, or seconds.
pub(crate) fn duration(given: &Bound<'_, PyAny>) -> PyResult<Duration> {
    let seconds: f64 = match given.cast::<PyDelta>() {
        Ok(delta) => delta.call_method0("total_seconds")?.extract()?,
        Err(_) => given.extract().map_err(|_| {
            PyTypeError::new_err("a duration is a timedelta or a number of seconds")
        })?,
    };
    let rounded = (seconds * 1000.0).round() / 1000.0;
    Duration::try_from_secs_f64(rounded)
        .map_err(|_| invalid_input(given.py(), format!("{seconds} s is no duration")))
}

/// The same, if given.
pub(crate) fn maybe_duration(given: Option<&Bound<'_, PyAny>>) -> PyResult<Option<Duration>> {
    given.map(duration).transpose()
}

/// A moment: an aware `datetime`, or seconds since 1970.
pub(crate) fn moment(given: &Bound<'_, PyAny>) -> PyResult<Timestamp> {
    let seconds: f64 = if given.hasattr("timestamp")? {
        if given.getattr("tzinfo")?.is_none() {
            return Err(PyValueError::new_err(
                "a datetime needs a time zone here: datetime.now(UTC), say",
            ));
        }
        given.call_method0("timestamp")?.extract()?
    } else {
        given.extract().map_err(|_| {
            PyTypeError::new_err("a moment is an aware datetime, or seconds since 1970")
        })?
    };
    let ms = (seconds * 1000.0).round();
    if (0.0..1e15).contains(&ms) {
        Ok(Timestamp::from_millis(ms as u64))
    } else {
        Err(PyValueError::new_err(format!("{seconds} s since 1970 is out of range")))
    }
}
