//! Prints the table of ratios as markdown: what, floor, ours, ratio, goal, met or not. Give it
//! the names of questions to ask only those: `verify access c_call create_revoke subject under_load
//! sweep open memory`.

use std::time::Instant;

use sessile_benches::scale::Scale;
use sessile_benches::table::Table;
use sessile_benches::{
    access, c_call, create_revoke, heap, memory, open, subject, sweep, under_load, verify,
};

#[global_allocator]
static ALLOCATOR: heap::Counting = heap::Counting;

type Question = (&'static str, fn(&mut Table, Scale));

const QUESTIONS: &[Question] = &[
    ("verify", verify::report),
    ("access", access::report),
    ("c_call", c_call::report),
    ("create_revoke", create_revoke::report),
    ("subject", subject::report),
    ("under_load", under_load::report),
    ("sweep", sweep::report),
    ("open", open::report),
    ("memory", memory::report),
];

fn main() {
    open::be_the_writer_if_asked();
    let scale = Scale::from_env();
    let asked: Vec<String> = std::env::args().skip(1).collect();
    if let Some(name) = asked.iter().find(|name| QUESTIONS.iter().all(|(n, _)| n != name)) {
        eprintln!("there is no question {name}");
        std::process::exit(2);
    }
    let mut table = Table::new();
    for (name, report) in QUESTIONS {
        if asked.is_empty() || asked.iter().any(|asked| asked == name) {
            let started = Instant::now();
            report(&mut table, scale);
            eprintln!("({name} took {:.1} s)", started.elapsed().as_secs_f64());
        }
    }
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    println!("{} cores, {} rounds, {scale:?}\n", cores, scale.rounds);
    print!("{}", table.markdown());
}
