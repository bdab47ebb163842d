//! What the documents say about the project is true.

use std::collections::BTreeSet;
use std::fs;
use std::process::Command;

use sessile_tests::{project_root, run};

#[test]
fn every_make_command_in_the_documents_is_a_target() {
    let targets = targets(&fs::read_to_string(project_root().join("Makefile")).unwrap());
    for file in tracked_files() {
        if !file.ends_with(".md") {
            continue;
        }
        for command in make_commands(&fs::read_to_string(project_root().join(&file)).unwrap()) {
            assert!(
                targets.contains(&command),
                "{file} names `make {command}`, which is no target"
            );
        }
    }
}

#[test]
fn every_target_is_phony_and_has_a_help_text() {
    let makefile = fs::read_to_string(project_root().join("Makefile")).unwrap();
    let phony: BTreeSet<String> = makefile
        .lines()
        .filter_map(|line| line.strip_prefix(".PHONY:"))
        .flat_map(|names| names.split_whitespace().map(str::to_owned))
        .collect();
    assert_eq!(targets(&makefile), phony);
    for line in makefile.lines() {
        assert!(target(line).is_none() || line.contains(" ## "), "{line}");
    }
}

/// Such a path works for whoever wrote it and for nobody else.
#[test]
fn no_tracked_file_names_a_path_of_a_developers_machine() {
    // In two parts, so that this file does not name one either.
    let places = [("/ho", "me/"), ("/ro", "ot/"), ("/Us", "ers/"), ("/wo", "rk/"), ("/tm", "p/w/")];
    for file in tracked_files() {
        let bytes = fs::read(project_root().join(&file)).unwrap();
        let text = String::from_utf8_lossy(&bytes);
        for (start, end) in places {
            for (at, place) in text.match_indices(&format!("{start}{end}")) {
                let before = text.get(..at).and_then(|before| before.chars().next_back());
                // `example.org/home/` or `dir/root/` is no absolute path.
                let is_absolute =
                    !before.is_some_and(|c| c.is_alphanumeric() || "._-}".contains(c));
                assert!(!is_absolute, "{file} names {place}");
            }
        }
    }
}

fn tracked_files() -> Vec<String> {
    let list = run(Command::new("git").args(["ls-files", "-z"]).current_dir(project_root()));
    let is_file = |file: &&str| project_root().join(file).is_file();
    list.split('\0').filter(|file| !file.is_empty()).filter(is_file).map(Into::into).collect()
}

/// The targets of a Makefile.
fn targets(makefile: &str) -> BTreeSet<String> {
    makefile.lines().filter_map(target).map(Into::into).collect()
}

fn target(line: &str) -> Option<&str> {
    let (name, rest) = line.split_once(':')?;
    let is_name = name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-');
    (is_name && !name.is_empty() && !rest.starts_with('=')).then_some(name)
}

/// What follows `make` in the code of a document: spans and blocks, not prose.
fn make_commands(document: &str) -> Vec<String> {
    let mut commands = Vec::new();
    let mut is_fenced = false;
    for line in document.lines() {
        if line.trim_start().starts_with("```") {
            is_fenced = !is_fenced;
        } else if is_fenced || line.starts_with("    ") {
            commands.extend(targets_called(line));
        } else {
            // Every second part stands between backticks.
            commands.extend(line.split('`').skip(1).step_by(2).flat_map(targets_called));
        }
    }
    commands
}

fn targets_called(code: &str) -> Vec<String> {
    let code = code.split(" #").next().unwrap_or_default();
    let mut called = Vec::new();
    for command in code.split(['|', ';', '&', '(']) {
        let is_before = |word: &&str| word.contains('=') || *word == "$";
        let mut words = command.split_whitespace().skip_while(is_before);
        if words.next() == Some("make") {
            let is_target = |word: &&str| !word.contains('=') && !word.starts_with('-');
            called.extend(words.filter(is_target).map(Into::into));
        }
    }
    called
}

mod the_reader_itself {
    use super::{make_commands, targets};

    #[test]
    fn finds_commands_in_code_and_leaves_prose_alone() {
        let document = "Run `make test`, or `S=9 make -j2 fuzz T=x`; make sure that it passes.\n\
                        ```\n$ make header && make python   # make this\n```\n    make a b\n";
        assert_eq!(make_commands(document), ["test", "fuzz", "header", "python", "a", "b"]);
    }

    #[test]
    fn finds_targets_and_no_variables() {
        let makefile = "S := 1\nT ?= x\n.PHONY: a\na: b ## text\n\techo x: y\nb-2:\n";
        assert_eq!(targets(makefile).into_iter().collect::<Vec<_>>(), ["a", "b-2"]);
    }
}
