//! Replays what the fuzzer found, and keeps its targets complete.

use std::collections::BTreeSet;
use std::fs;

use sessile::testing::fuzz::TARGETS;
use sessile_tests::project_root;

#[test]
fn every_regression_passes() {
    for (name, body) in TARGETS {
        let dir = project_root().join("fuzz/regressions").join(name);
        let mut inputs: Vec<_> = fs::read_dir(&dir).unwrap().map(|e| e.unwrap().path()).collect();
        inputs.sort();
        assert!(!inputs.is_empty(), "{} is empty", dir.display());
        for input in inputs {
            println!("{}", input.display());
            body(&fs::read(&input).unwrap());
        }
    }
}

#[test]
fn every_body_has_its_target_and_every_target_its_body() {
    let fuzz = project_root().join("fuzz");
    let bodies: BTreeSet<String> = TARGETS.iter().map(|(name, _)| (*name).into()).collect();
    let files: BTreeSet<String> = fs::read_dir(fuzz.join("fuzz_targets"))
        .unwrap()
        .map(|entry| entry.unwrap().path().file_stem().unwrap().to_str().unwrap().into())
        .collect();
    assert_eq!(bodies, files);
    let manifest = fs::read_to_string(fuzz.join("Cargo.toml")).unwrap();
    for name in bodies {
        assert!(manifest.contains(&format!("path = \"fuzz_targets/{name}.rs\"")), "{name}");
        let target = fs::read_to_string(fuzz.join(format!("fuzz_targets/{name}.rs"))).unwrap();
        let lines: Vec<_> = target.lines().filter(|line| !line.starts_with("#!")).collect();
        assert!(
            lines.len() == 1 && lines[0].contains(&format!("sessile::testing::fuzz::{name}(data)")),
            "{name}: a target is one line that calls its body"
        );
    }
}
