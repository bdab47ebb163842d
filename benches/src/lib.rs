//! Benchmarks of sessile, one file for each question that a user would ask, each against its
//! floor: what the cheapest possible answer would cost. See the README of this package.
//!
//! Each question has `bench`, for criterion, and `report`, for the table of ratios. Both use the
//! same set-up.

pub mod access;
pub mod c_call;
pub mod create_revoke;
pub mod memory;
pub mod open;
pub mod subject;
pub mod sweep;
pub mod under_load;
pub mod verify;

pub mod bare_commit;
pub mod bare_map;
pub mod crowd;
pub mod heap;
pub mod hmac;
pub mod libjwt;
pub mod redis;
pub mod rounds;
pub mod scale;
pub mod table;
pub mod threads;
pub mod tower;
