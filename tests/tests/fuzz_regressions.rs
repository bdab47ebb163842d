//! What the fuzzer found is replayed, and each of its targets takes some thousand random inputs:
//! a broken promise shows in a plain test, without a fuzzer.
//!
//! `SESSILE_FUZZ_SEED` repeats a run, `SESSILE_FUZZ_INPUTS` asks for more of them.

use std::collections::BTreeSet;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::time::{SystemTime, UNIX_EPOCH};

use sessile::testing::fuzz::Body;
use sessile_tests::project_root;

#[test]
fn every_regression_passes() {
    for (name, body) in targets() {
        for (file, input) in regressions(name) {
            run(body, &format!("{name}/{file}"), &input);
        }
    }
}

#[test]
fn random_inputs_break_no_promise() {
    let seed = number("SESSILE_FUZZ_SEED").unwrap_or_else(|| {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        now.as_nanos() as u64
    });
    let inputs = number("SESSILE_FUZZ_INPUTS").unwrap_or(10_000);
    println!("SESSILE_FUZZ_SEED={seed}");
    for (name, body) in targets() {
        let mut random = Random(seed);
        let found: Vec<_> = regressions(name).into_iter().map(|(_, input)| input).collect();
        for i in 0..inputs {
            run(body, &format!("{name}, input {i} of seed {seed}"), &random.input(&found));
        }
    }
}

#[test]
fn every_body_has_its_target_and_every_target_its_body() {
    let fuzz = project_root().join("fuzz");
    let bodies: BTreeSet<String> = targets().map(|(name, _)| name.into()).collect();
    let files: BTreeSet<String> = fs::read_dir(fuzz.join("fuzz_targets"))
        .unwrap()
        .map(|entry| entry.unwrap().path().file_stem().unwrap().to_str().unwrap().into())
        .collect();
    assert_eq!(bodies, files);
    let manifest = fs::read_to_string(fuzz.join("Cargo.toml")).unwrap();
    let readme = fs::read_to_string(fuzz.join("README.md")).unwrap();
    for name in bodies {
        assert!(manifest.contains(&format!("path = \"fuzz_targets/{name}.rs\"")), "{name}");
        assert!(readme.contains(&format!("| `{name}` |")), "{name} is not in the README");
        let target = fs::read_to_string(fuzz.join(format!("fuzz_targets/{name}.rs"))).unwrap();
        let lines: Vec<_> = target.lines().filter(|line| !line.starts_with("#!")).collect();
        let calls =
            ["sessile::testing", "sessile_tests"].map(|m| format!("{m}::fuzz::{name}(data)"));
        assert!(
            lines.len() == 1 && calls.iter().any(|call| lines[0].contains(call)),
            "{name}: a target is one line that calls its body"
        );
    }
}

/// Every body with the name of its target: those of the core, and those beside other libraries.
fn targets() -> impl Iterator<Item = (&'static str, Body)> {
    let all = [sessile::testing::fuzz::TARGETS, sessile_tests::fuzz::TARGETS];
    all.into_iter().flatten().copied()
}

/// The files of a target with their names; it has at least one.
fn regressions(target: &str) -> Vec<(String, Vec<u8>)> {
    let dir = project_root().join("fuzz/regressions").join(target);
    let paths = fs::read_dir(&dir).unwrap().map(|entry| entry.unwrap().path());
    let read = |path: std::path::PathBuf| {
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        (name, fs::read(&path).unwrap())
    };
    let mut files: Vec<_> = paths.map(read).collect();
    files.sort();
    assert!(!files.is_empty(), "{} is empty", dir.display());
    files
}

/// Calls a body; when it panics, says with which input.
fn run(body: Body, name: &str, input: &[u8]) {
    if let Err(panic) = catch_unwind(AssertUnwindSafe(|| body(input))) {
        println!("{name}: {}", input.escape_ascii());
        resume_unwind(panic);
    }
}

fn number(variable: &str) -> Option<u64> {
    let text = std::env::var(variable).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{variable}={text} is no number")))
}

/// SplitMix64: small, and the same everywhere.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit.max(1) as u64) as usize
    }

    /// Any bytes, text of some alphabet, or something found before with a few changes.
    fn input(&mut self, found: &[Vec<u8>]) -> Vec<u8> {
        let len = self.below(200);
        match self.below(4) {
            0 => (0..len).map(|_| self.next() as u8).collect(),
            1 => (0..len).map(|_| ALPHABET[self.below(ALPHABET.len())]).collect(),
            _ => {
                let mut input = found[self.below(found.len())].clone();
                for _ in 0..=self.below(4) {
                    self.change(&mut input);
                }
                input
            }
        }
    }

    fn change(&mut self, input: &mut Vec<u8>) {
        let at = self.below(input.len());
        match self.below(5) {
            0 => input.insert(at, self.next() as u8),
            1 => input.truncate(at),
            _ if input.is_empty() => {}
            2 => drop(input.remove(at)),
            3 => input[at] ^= 1 << self.below(8),
            _ => input[at] = [0, 1, 0x7f, 0x80, 0xff][self.below(5)],
        }
    }
}

/// What headers and tokens are made of.
const ALPHABET: &[u8] = b"AZaz09-_ \t;=,\"\n.~+/%$__Host-sidBearer";
