//! How large the benchmarks are.

/// Sizes of everything.
#[derive(Clone, Copy, Debug)]
pub struct Scale {
    /// Sessions that fit the processor's caches.
    pub hot: usize,
    /// Sessions that do not.
    pub many: usize,
    /// Sessions of a store that is read at random.
    pub stored: usize,
    /// Calls in one measurement of a fast call.
    pub calls: usize,
    /// Calls of each thread in one measurement of a durable call.
    pub durable_calls: usize,
    /// Measurements, floor and ours in turn.
    pub rounds: usize,
    /// Milliseconds of one measurement that has a length of its own.
    pub window_ms: u64,
}

impl Scale {
    /// What the results in the README were measured with.
    pub const FULL: Scale = Scale {
        hot: 10_000,
        many: 1_000_000,
        stored: 100_000,
        calls: 200_000,
        durable_calls: 60,
        rounds: 15,
        window_ms: 500,
    };

    /// Only to see that everything runs.
    pub const SMOKE: Scale = Scale {
        hot: 500,
        many: 5_000,
        stored: 2_000,
        calls: 5_000,
        durable_calls: 5,
        rounds: 1,
        window_ms: 20,
    };

    /// Full, unless `SESSILE_BENCH_SMOKE` is set.
    pub fn from_env() -> Self {
        if std::env::var_os("SESSILE_BENCH_SMOKE").is_some() { Scale::SMOKE } else { Scale::FULL }
    }
}

/// A count for people: `10k`, `1M`.
pub fn short(count: usize) -> String {
    match count {
        n if n >= 1_000_000 && n % 1_000_000 == 0 => format!("{}M", n / 1_000_000),
        n if n >= 1_000 && n % 1_000 == 0 => format!("{}k", n / 1_000),
        n => n.to_string(),
    }
}
