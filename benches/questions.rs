//! Every question, for criterion. `cargo bench -p sessile-benches -- verify` asks one.

use criterion::Criterion;
use sessile_benches::scale::Scale;
use sessile_benches::{access, create_revoke, open, subject, sweep, under_load, verify};

type Question = (&'static str, fn(&mut Criterion, Scale));

/// What criterion calls a benchmark begins with the name of its question.
const QUESTIONS: &[Question] = &[
    ("verify", verify::bench),
    ("access", access::bench),
    ("create_revoke", create_revoke::bench),
    ("subject", subject::bench),
    ("under_load", under_load::bench),
    ("sweep", sweep::bench),
    ("open", open::bench),
];

fn main() {
    open::be_the_writer_if_asked();
    let scale = Scale::from_env();
    let mut criterion = Criterion::default().configure_from_args();
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let is_named = |name: &str| arguments.iter().any(|arg| arg.split('/').next() == Some(name));
    let is_any_named = QUESTIONS.iter().any(|(name, _)| is_named(name));
    for (name, bench) in QUESTIONS {
        // Criterion would filter too, but only after a million sessions were made.
        if is_named(name) || !is_any_named {
            bench(&mut criterion, scale);
        }
    }
    criterion.final_summary();
}
