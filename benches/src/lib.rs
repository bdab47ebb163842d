//! What several of the benchmarks share.
