//! The data of a session.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::error::{Error, ErrorKind, Result};

/// The data of a session: values under names, in the order of the names. `Debug` shows the names
/// alone.
///
/// A value is bytes; [`value`](Self::value) and [`set_value`](Self::set_value) put any serde type
/// into them, in postcard's format.
///
/// ```
/// use sessile::Data;
///
/// let mut data = Data::new();
/// data.set("theme", "dark");
/// data.set_value("cart", &vec![17_u32, 4])?;
/// assert_eq!(data.get("theme"), Some("dark".as_bytes()));
/// assert_eq!(data.value::<Vec<u32>>("cart")?, Some(vec![17, 4]));
/// # Ok::<(), sessile::Error>(())
/// ```
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Data(BTreeMap<String, Vec<u8>>);

impl Data {
    /// No data.
    pub fn new() -> Self {
        Data::default()
    }

    /// Puts `value` under `name`, in the place of any other. Names have 1 to 255 bytes.
    pub fn set(&mut self, name: impl Into<String>, value: impl Into<Vec<u8>>) {
        self.0.insert(name.into(), value.into());
    }

    /// Puts `value` under `name`, in postcard's format.
    ///
    /// # Errors
    /// - [`InvalidInput`](ErrorKind::InvalidInput): its type cannot be written in that format.
    ///   Nothing was changed.
    pub fn set_value<T: Serialize>(&mut self, name: impl Into<String>, value: &T) -> Result<()> {
        let bytes = postcard::to_allocvec(value).map_err(|error| {
            let message = "the value's type does not fit postcard's format";
            Error::new(ErrorKind::InvalidInput, message).with_source(error)
        })?;
        self.set(name, bytes);
        Ok(())
    }

    /// Removes what is under `name`, if anything.
    pub fn remove(&mut self, name: &str) {
        self.0.remove(name);
    }

    /// The bytes under `name`.
    pub fn get(&self, name: &str) -> Option<&[u8]> {
        self.0.get(name).map(Vec::as_slice)
    }

    /// The value that [`set_value`](Self::set_value) put under `name`.
    ///
    /// # Errors
    /// - [`InvalidInput`](ErrorKind::InvalidInput): what is there is of another type.
    pub fn value<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>> {
        let Some(bytes) = self.get(name) else { return Ok(None) };
        match postcard::take_from_bytes(bytes) {
            Ok((value, [])) => Ok(Some(value)),
            _ => {
                let message = format!("the value under {name:?} is not of the type asked for");
                Err(Error::new(ErrorKind::InvalidInput, message))
            }
        }
    }

    /// Names and values, in the order of the names.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_slice()))
    }

    /// How many names there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Bytes of the names and values together: what the limit is about.
    pub fn len_bytes(&self) -> usize {
        self.iter().map(|(name, value)| name.len() + value.len()).sum()
    }

    /// Checks the names and, against `len_max_bytes`, the whole.
    pub(crate) fn validate(&self, len_max_bytes: usize) -> Result<()> {
        if let Some(name) = self.0.keys().find(|name| name.is_empty() || name.len() > NAME_LEN_MAX)
        {
            let message =
                format!("a name in the data has 1 to 255 bytes, one of these has {}", name.len());
            return Err(Error::new(ErrorKind::InvalidInput, message));
        }
        let len = self.len_bytes();
        // A row's framing takes up to 6 bytes a name: a million empty values are too much, too.
        if len > len_max_bytes || self.len() > NAMES_MAX {
            let message = format!(
                "the data would be {len} bytes under {} names, more than {len_max_bytes} bytes or \
                 {NAMES_MAX} names: keep large things in a database",
                self.len()
            );
            return Err(Error::new(ErrorKind::TooLarge, message));
        }
        Ok(())
    }
}

impl fmt::Debug for Data {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

impl<N: Into<String>, V: Into<Vec<u8>>> FromIterator<(N, V)> for Data {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(pairs: I) -> Self {
        Data(pairs.into_iter().map(|(name, value)| (name.into(), value.into())).collect())
    }
}

/// Changes to the data of a session, name by name: what it does not name stays as it is, so that
/// two requests never lose each other's values.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Patch(BTreeMap<String, Option<Vec<u8>>>);

impl Patch {
    /// No change.
    pub fn new() -> Self {
        Patch::default()
    }

    /// Puts `value` under `name`.
    #[must_use]
    pub fn set(mut self, name: impl Into<String>, value: impl Into<Vec<u8>>) -> Self {
        self.0.insert(name.into(), Some(value.into()));
        self
    }

    /// Removes what is under `name`.
    #[must_use]
    pub fn remove(mut self, name: impl Into<String>) -> Self {
        self.0.insert(name.into(), None);
        self
    }

    /// Makes the changes to `data`.
    pub(crate) fn apply(&self, data: &mut Data) {
        for (name, value) in &self.0 {
            match value {
                Some(value) => data.set(name.clone(), value.clone()),
                None => data.remove(name),
            }
        }
    }
}

impl fmt::Debug for Patch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

const NAME_LEN_MAX: usize = 255;

const NAMES_MAX: usize = 1_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_sizes_have_limits() {
        let refused = |data: Data| data.validate(100).unwrap_err().kind();
        assert_eq!(refused(Data::from_iter([("", "x")])), ErrorKind::InvalidInput);
        assert_eq!(refused(Data::from_iter([("x".repeat(256), "")])), ErrorKind::InvalidInput);
        assert_eq!(refused(Data::from_iter([("k", vec![0; 100])])), ErrorKind::TooLarge);
        let many = (0..1_001).map(|i| (i.to_string(), ""));
        assert_eq!(
            Data::from_iter(many).validate(1 << 20).unwrap_err().kind(),
            ErrorKind::TooLarge
        );
        Data::from_iter([("k", vec![0; 99])]).validate(100).unwrap();
    }

    #[test]
    fn a_value_of_another_type_is_an_error_and_not_a_guess() {
        let mut data = Data::new();
        data.set_value("n", &300_u32).unwrap();
        assert_eq!(data.value::<u32>("n").unwrap(), Some(300));
        assert_eq!(data.value::<u32>("other").unwrap(), None);
        assert_eq!(data.value::<u8>("n").unwrap_err().kind(), ErrorKind::InvalidInput);
        assert_eq!(data.value::<(u32, u32)>("n").unwrap_err().kind(), ErrorKind::InvalidInput);
    }

    #[test]
    fn debug_shows_no_value() {
        let data = Data::from_iter([("token", "hunter2")]);
        let patch = Patch::new().set("token", "hunter2");
        assert!(!format!("{data:?}{patch:?}").contains("hunter2"));
    }
}
