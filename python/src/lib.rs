//! The Python package of sessile.
