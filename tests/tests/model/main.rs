//! Random sequences of every verb, against a model of what each token must answer.
//!
//! Sessions, links, API keys and signing keys of three subjects and of visitors meet a clock that
//! goes on and steps back, ticks, reopens, crashes and restores. After every few steps each token
//! is asked about, and verify, peek, data, refresh and lists have to agree. `SESSILE_SEQUENCES`
//! says how many, `SESSILE_SEED` from which on: a failure names the seed that repeats it alone.

mod agree;
mod keys;
mod player;
mod sessions;
mod state;
mod time;
mod tokens;

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::time::Instant;

use player::{Figures, Player};

#[test]
fn no_sequence_of_verbs_makes_a_token_answer_what_it_must_not() {
    let number = |name: &str| std::env::var(name).ok().map(|text| text.parse::<u64>().unwrap());
    let count = number("SESSILE_SEQUENCES").unwrap_or(2_000);
    let seed = number("SESSILE_SEED").unwrap_or_else(|| u64::from(std::process::id()) * 1_000_000);
    println!("{count} sequences, SESSILE_SEED={seed}");
    let started = Instant::now();
    let mut sum = Figures::default();
    for seed in (0..count).map(|i| seed.wrapping_add(i)) {
        let mut player = Player::new(seed);
        let played = catch_unwind(AssertUnwindSafe(|| player.play(STEPS)));
        if let Err(panic) = played {
            println!("{}", player.trace.join("\n"));
            println!("SESSILE_SEED={seed} SESSILE_SEQUENCES=1 repeats it");
            resume_unwind(panic);
        }
        sum.add(&player.figures);
    }
    println!("no contradiction in {:.1} s: {sum}", started.elapsed().as_secs_f64());
    if count >= 300 {
        sum.assert_all_happened();
    }
}

const STEPS: usize = 40;
