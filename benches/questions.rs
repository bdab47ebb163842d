//! Every question, for criterion. `cargo bench -p sessile-benches -- verify` asks one.

use criterion::Criterion;
use sessile_benches::scale::Scale;
use sessile_benches::{create_revoke, open, subject, sweep, under_load, verify};

fn main() {
    open::be_the_writer_if_asked();
    let scale = Scale::from_env();
    let mut criterion = Criterion::default().configure_from_args();
    verify::bench(&mut criterion, scale);
    create_revoke::bench(&mut criterion, scale);
    subject::bench(&mut criterion, scale);
    under_load::bench(&mut criterion, scale);
    sweep::bench(&mut criterion, scale);
    open::bench(&mut criterion, scale);
    criterion.final_summary();
}
