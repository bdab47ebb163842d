//! The C library of sessile.
