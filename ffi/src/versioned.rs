//! Structs that begin with their size, so that they can grow at the end and a program that was
//! built with an older or newer header still works.

use std::ptr;

use crate::boundary::{Outcome, invalid};

/// A C struct whose first member is its size, as the caller's header has it.
///
/// # Safety
/// `repr(C)`, begins with a `usize`, is made of integers, pointers and arrays of them, and has no
/// padding; `LEN_FIRST` is its size in the first header that had it.
pub(crate) unsafe trait Versioned: Copy {
    /// Its size in the first header that had it: no caller has a smaller one.
    const LEN_FIRST: usize;
}

/// The options at `pointer`. What an older header does not have is zero; NULL has all zero.
///
/// # Safety
/// `pointer` is NULL or good for as many bytes as its first member says.
pub(crate) unsafe fn options<T: Versioned>(pointer: *const T) -> Outcome<T> {
    // SAFETY: a `T` is made of integers and pointers, for which zero is a value.
    let mut options: T = unsafe { std::mem::zeroed() };
    if pointer.is_null() {
        return Ok(options);
    }
    // SAFETY: the caller's struct begins with its size, and has as many bytes.
    let len = unsafe { pointer.cast::<usize>().read() };
    check_len::<T>(len)?;
    // SAFETY: the same; and no more than a `T` is written.
    unsafe {
        let (from, to) = (pointer.cast::<u8>(), (&raw mut options).cast::<u8>());
        ptr::copy_nonoverlapping(from, to, len.min(size_of::<T>()));
        let tail = len.saturating_sub(size_of::<T>());
        if (0..tail).any(|at| from.add(size_of::<T>() + at).read() != 0) {
            return Err(invalid("the options have a member that this library does not know"));
        }
    }
    Ok(options)
}

/// Checks that the caller's struct is of a size that can be.
///
/// # Safety
/// `pointer` is NULL or a place for as many bytes as its first member says.
#[inline]
pub(crate) unsafe fn check_place<T: Versioned>(pointer: *const T) -> Outcome<usize> {
    if pointer.is_null() {
        return Err(invalid("an output is NULL that may not be"));
    }
    // SAFETY: the caller's struct begins with its size.
    let len = unsafe { pointer.cast::<usize>().read() };
    check_len::<T>(len)?;
    Ok(len)
}

/// Writes `value` into the caller's struct, all but the size: what an older header does not have
/// is left out, what a newer one has beyond is zeroed.
///
/// # Safety
/// `pointer` is a place for `len` bytes, as [`check_place`] gave them.
pub(crate) unsafe fn put_sized<T: Versioned>(pointer: *mut T, len: usize, value: &T) {
    let known = len.min(size_of::<T>());
    // SAFETY: behind the size, up to what both have; and then up to what the caller has.
    unsafe {
        let (from, to) = (ptr::from_ref(value).cast::<u8>(), pointer.cast::<u8>());
        let head = size_of::<usize>();
        ptr::copy_nonoverlapping(from.add(head), to.add(head), known - head);
        ptr::write_bytes(to.add(known), 0, len - known);
    }
}

#[inline]
fn check_len<T: Versioned>(len: usize) -> Outcome {
    if (T::LEN_FIRST..=LEN_MAX).contains(&len) {
        return Ok(());
    }
    Err(wrong_len(T::LEN_FIRST, len))
}

#[cold]
fn wrong_len(first: usize, len: usize) -> crate::boundary::Failure {
    invalid(format!(
        "a struct's struct_size is {len}, which is not {first} or a little more: begin with its \
         _INIT macro, or set it to the struct's sizeof"
    ))
}

/// No struct grows to more: a larger size is memory that nobody set.
const LEN_MAX: usize = 64 << 10;

#[cfg(test)]
mod tests {
    use super::*;

    #[repr(C)]
    #[derive(Clone, Copy, Debug, PartialEq)]
    struct Old {
        struct_size: usize,
        a: u64,
    }

    #[repr(C)]
    #[derive(Clone, Copy, Debug, PartialEq)]
    struct New {
        struct_size: usize,
        a: u64,
        b: u64,
    }

    // SAFETY: integers only, without padding.
    unsafe impl Versioned for Old {
        const LEN_FIRST: usize = size_of::<Old>();
    }

    // SAFETY: integers only, without padding; it was `Old` first.
    unsafe impl Versioned for New {
        const LEN_FIRST: usize = size_of::<Old>();
    }

    const OLD: usize = size_of::<Old>();
    const NEW: usize = size_of::<New>();

    #[test]
    fn a_program_with_an_older_header_gets_what_it_knows_and_gives_zeros() {
        let given = Old { struct_size: OLD, a: 7 };
        // SAFETY: as many bytes as it says.
        let read = unsafe { options((&raw const given).cast::<New>()) }.unwrap();
        assert_eq!((read.a, read.b), (7, 0));

        let mut place = [Old { struct_size: OLD, a: 0 }, Old { struct_size: 1, a: 2 }];
        let value = New { struct_size: 0, a: 8, b: 9 };
        // SAFETY: the first of the two; the second shows what is written beyond.
        unsafe {
            let pointer = (&raw mut place).cast::<New>();
            let len = check_place(pointer).unwrap();
            put_sized(pointer, len, &value);
        }
        assert_eq!(place, [Old { struct_size: OLD, a: 8 }, Old { struct_size: 1, a: 2 }]);
    }

    #[test]
    fn a_program_with_a_newer_header_gets_zeros_and_may_give_nothing_unknown() {
        let mut given = New { struct_size: NEW, a: 7, b: 0 };
        // SAFETY: as many bytes as it says.
        assert_eq!(unsafe { options((&raw const given).cast::<Old>()) }.unwrap().a, 7);
        given.b = 1 << 40;
        // SAFETY: the same.
        assert!(unsafe { options((&raw const given).cast::<Old>()) }.is_err());
        // SAFETY: the same.
        unsafe {
            let pointer = (&raw mut given).cast::<Old>();
            let len = check_place(pointer).unwrap();
            put_sized(pointer, len, &Old { struct_size: 0, a: 8 });
        }
        assert_eq!(given, New { struct_size: NEW, a: 8, b: 0 });
    }

    #[test]
    fn a_size_that_nobody_set_is_refused() {
        for struct_size in [0, 8, OLD - 1, LEN_MAX + 1, usize::MAX] {
            let given = Old { struct_size, a: 7 };
            // SAFETY: only the first member of it is read.
            unsafe {
                assert!(options(&raw const given).is_err(), "{struct_size}");
                assert!(check_place(&raw const given).is_err(), "{struct_size}");
            }
        }
    }
}
