//! Names of things: groups, session handles, subjects.

use std::fmt;
use std::sync::Arc;

use ring::rand::{SecureRandom, SystemRandom};
use serde::{Deserialize, Serialize};

use crate::error::{Error, ErrorKind, Result};

/// One of 65,536 partitions. All state of one subject lives in one group, and cache shard, lock
/// stripe and coherence epoch all follow from it.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Group(pub u16);

impl Group {
    /// How many groups there are: 65,536. Under a test scheduler so few that all subjects meet
    /// in the first, while a login comes from the last.
    pub const COUNT: usize = if cfg!(loom) {
        1
    } else if cfg!(shuttle) {
        2
    } else {
        1 << 16
    };

    /// As a place in a table of [`COUNT`](Self::COUNT) entries.
    #[inline]
    pub const fn index(self) -> usize {
        self.0 as usize
    }

    /// The group of a subject, by its keyed hash.
    pub(crate) const fn of_hash(bytes: [u8; 2]) -> Self {
        Group(if cfg!(any(shuttle, loom)) { 0 } else { u16::from_be_bytes(bytes) })
    }

    /// A group for what has no subject.
    ///
    /// # Errors
    /// As [`Handle::random`].
    pub(crate) fn random() -> Result<Self> {
        let mut bytes = [0; 2];
        fill_random(&mut bytes)?;
        let last = (Group::COUNT - 1) as u16;
        Ok(Group(if cfg!(any(shuttle, loom)) { last } else { u16::from_be_bytes(bytes) }))
    }

    /// Every group.
    pub(crate) fn all() -> impl Iterator<Item = Group> {
        (0..=u16::MAX).take(Group::COUNT).map(Group)
    }
}

/// The public name of a session: its group and 16 random bytes.
///
/// It names the session in lists, logs, events and the `sid` claim. Knowing it grants nothing:
/// only the tag makes it a token.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Handle {
    group: Group,
    random: [u8; Handle::RANDOM_LEN],
}

impl Handle {
    /// Random bytes in a handle: 128 bits (ASVS 5.0, 7.2.3).
    pub const RANDOM_LEN: usize = 16;

    /// Bytes of the binary form: group (big-endian), then the random bytes.
    pub const LEN: usize = 2 + Handle::RANDOM_LEN;

    /// Characters of the text form: base64url of the binary form.
    pub const TEXT_LEN: usize = 24;

    /// A new handle in `group`, from the operating system's generator.
    ///
    /// # Errors
    /// - [`NoRandomness`](ErrorKind::NoRandomness): the system gave none; there is no fall-back.
    pub fn random(group: Group) -> Result<Self> {
        let mut random = [0; Handle::RANDOM_LEN];
        fill_random(&mut random)?;
        Ok(Handle { group, random })
    }

    /// The handle of these parts.
    pub(crate) const fn from_parts(group: Group, random: [u8; Handle::RANDOM_LEN]) -> Self {
        Handle { group, random }
    }

    /// The group.
    #[inline]
    pub const fn group(&self) -> Group {
        self.group
    }

    /// The random part: the session's id in its group.
    #[inline]
    pub(crate) const fn random_bytes(&self) -> &[u8; Handle::RANDOM_LEN] {
        &self.random
    }

    /// The binary form.
    pub fn to_bytes(&self) -> [u8; Handle::LEN] {
        let mut bytes = [0; Handle::LEN];
        let (group, random) = bytes.split_at_mut(2);
        group.copy_from_slice(&self.group.0.to_be_bytes());
        random.copy_from_slice(&self.random);
        bytes
    }

    /// The handle with this binary form.
    ///
    /// # Errors
    /// - [`InvalidInput`](ErrorKind::InvalidInput): not [`LEN`](Self::LEN) bytes.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        let Some((group, random)) = bytes.split_first_chunk::<2>() else {
            return Err(not_a_handle());
        };
        let random = random.try_into().map_err(|_| not_a_handle())?;
        Ok(Handle { group: Group(u16::from_be_bytes(*group)), random })
    }
}

impl fmt::Display for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = [0; Handle::TEXT_LEN];
        crate::codec::base64url::encode(&self.to_bytes(), &mut text);
        f.write_str(std::str::from_utf8(&text).unwrap_or_default())
    }
}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Handle({self})")
    }
}

impl std::str::FromStr for Handle {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let mut bytes = [0; Handle::LEN];
        if !crate::codec::base64url::decode(text.as_bytes(), &mut bytes) {
            return Err(not_a_handle());
        }
        Handle::from_bytes(&bytes)
    }
}

fn not_a_handle() -> Error {
    Error::new(
        ErrorKind::InvalidInput,
        "not a session handle: expected 18 bytes, or their 24 characters of base64url",
    )
}

/// The account that a session belongs to: UTF-8, 1 to 255 bytes, compared byte by byte.
///
/// Up to 38 bytes (a UUID in text, most e-mail addresses) are held in place, so that copying one
/// neither allocates nor touches memory that other threads use.
#[derive(Clone)]
pub struct Subject(Repr);

#[derive(Clone)]
enum Repr {
    Inline { len: u8, bytes: [u8; Subject::INLINE_LEN_MAX] },
    Shared(Arc<str>),
}

impl Subject {
    /// The longest subject, in bytes.
    pub const LEN_MAX: usize = 255;
    const INLINE_LEN_MAX: usize = 38;

    /// The subject named `name`.
    ///
    /// # Errors
    /// - [`InvalidInput`](ErrorKind::InvalidInput): empty, or longer than 255 bytes.
    pub fn new(name: &str) -> Result<Self> {
        if name.is_empty() || name.len() > Subject::LEN_MAX {
            return Err(Error::new(
                ErrorKind::InvalidInput,
                format!("a subject has 1 to 255 bytes, this one has {}", name.len()),
            ));
        }
        let mut bytes = [0; Subject::INLINE_LEN_MAX];
        match (bytes.get_mut(..name.len()), u8::try_from(name.len())) {
            (Some(place), Ok(len)) => {
                place.copy_from_slice(name.as_bytes());
                Ok(Subject(Repr::Inline { len, bytes }))
            }
            _ => Ok(Subject(Repr::Shared(name.into()))),
        }
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        // Made of a `str` in `new`, so this cannot fail; unsafe code would save the check.
        std::str::from_utf8(self.as_bytes()).unwrap_or_default()
    }

    /// The name's bytes.
    #[inline]
    pub fn as_bytes(&self) -> &[u8] {
        match &self.0 {
            Repr::Inline { len, bytes } => bytes.get(..usize::from(*len)).unwrap_or_default(),
            Repr::Shared(name) => name.as_bytes(),
        }
    }

    /// Bytes on the heap.
    pub(crate) fn heap_len(&self) -> usize {
        match &self.0 {
            Repr::Inline { .. } => 0,
            Repr::Shared(name) => name.len() + 16,
        }
    }
}

impl PartialEq for Subject {
    fn eq(&self, other: &Self) -> bool {
        self.as_bytes() == other.as_bytes()
    }
}

impl Eq for Subject {}

impl PartialEq<str> for Subject {
    fn eq(&self, other: &str) -> bool {
        self.as_bytes() == other.as_bytes()
    }
}

impl PartialEq<&str> for Subject {
    fn eq(&self, other: &&str) -> bool {
        self.as_bytes() == other.as_bytes()
    }
}

impl fmt::Debug for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.as_str())
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for Subject {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Subject {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = <&str>::deserialize(deserializer)?;
        Subject::new(name).map_err(serde::de::Error::custom)
    }
}

/// Fills `bytes` from the operating system's generator, with no generator of our own between:
/// nothing to seed, nothing that a fork could duplicate.
pub(crate) fn fill_random(bytes: &mut [u8]) -> Result<()> {
    SystemRandom::new().fill(bytes).map_err(|_| {
        Error::new(ErrorKind::NoRandomness, "the operating system gave no random bytes")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_handle_survives_its_text_and_binary_forms() {
        let handle = Handle::random(Group(0xabcd)).unwrap();
        assert_eq!(handle.to_string().parse::<Handle>().unwrap(), handle);
        assert_eq!(Handle::from_bytes(&handle.to_bytes()).unwrap(), handle);
        assert_eq!(handle.group(), Group(0xabcd));
    }

    #[test]
    fn what_is_no_handle_is_refused() {
        for text in ["", "short", "!!!!!!!!!!!!!!!!!!!!!!!!", "AAAAAAAAAAAAAAAAAAAAAAAAA"] {
            assert_eq!(text.parse::<Handle>().unwrap_err().kind(), ErrorKind::InvalidInput);
        }
        assert_eq!(Handle::from_bytes(&[0; 17]).unwrap_err().kind(), ErrorKind::InvalidInput);
    }

    #[test]
    fn subjects_of_every_length_keep_their_name() {
        for len in 1..=Subject::LEN_MAX {
            let name = "ü".repeat(len / 2) + &"x".repeat(len % 2);
            let subject = Subject::new(&name).unwrap();
            assert_eq!(subject.as_str(), name);
            assert_eq!(subject, name.as_str());
        }
        for bad in [String::new(), "x".repeat(256)] {
            assert_eq!(Subject::new(&bad).unwrap_err().kind(), ErrorKind::InvalidInput);
        }
    }
}
