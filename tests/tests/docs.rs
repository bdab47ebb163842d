//! What the documents say about the project is true.

use std::collections::BTreeSet;
use std::fs;
use std::process::Command;

use sessile_tests::{project_files, project_root, run};

#[test]
fn every_make_command_in_the_documents_is_a_target() {
    let targets = targets(&fs::read_to_string(project_root().join("Makefile")).unwrap());
    let mut commands = 0;
    for (file, text) in documents() {
        for command in make_commands(&text) {
            commands += 1;
            assert!(targets.contains(&command), "{file}: `make {command}` is no target");
        }
    }
    assert!(commands > 0, "the reader finds no command at all");
}

#[test]
fn help_prints_every_target() {
    // These tests may run below `make` themselves, whose flags are not for this one.
    let mut make = Command::new("make");
    make.args(["--no-print-directory", "help"]).env_remove("MAKEFLAGS").env_remove("MAKELEVEL");
    let help = run(make.current_dir(project_root()));
    let printed: BTreeSet<String> =
        help.lines().filter_map(|line| Some(line.split_whitespace().nth(1)?.to_owned())).collect();
    let makefile = fs::read_to_string(project_root().join("Makefile")).unwrap();
    assert_eq!(targets(&makefile), printed, "{help}");
}

#[test]
fn every_link_between_documents_leads_somewhere() {
    let mut links = 0;
    for (file, text) in documents() {
        for link in links_of(&text) {
            let is_elsewhere = link.contains("://") || link.starts_with("mailto:");
            if is_elsewhere {
                continue;
            }
            links += 1;
            let (path, anchor) = link.split_once('#').unwrap_or((&link, ""));
            let target = match path {
                "" => project_root().join(&file),
                _ => project_root().join(&file).parent().unwrap().join(path),
            };
            assert!(target.exists(), "{file} links to {link}, which is not there");
            if !anchor.is_empty() {
                let headings = headings_of(&fs::read_to_string(&target).unwrap());
                assert!(headings.contains(anchor), "{file} links to {link}: no such heading");
            }
        }
    }
    assert!(links > 0, "the reader finds no link at all");
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
fn no_file_names_a_path_of_a_developers_machine() {
    // In two parts, so that this file does not name one either.
    let places = [("/ho", "me/"), ("/ro", "ot/"), ("/Us", "ers/"), ("/wo", "rk/"), ("/tm", "p/w/")];
    for file in project_files() {
        let bytes = fs::read(project_root().join(&file)).unwrap();
        let text = String::from_utf8_lossy(&bytes);
        for (start, end) in places {
            for (at, place) in text.match_indices(&format!("{start}{end}")) {
                let before = text.get(..at).and_then(|before| before.chars().next_back());
                // Behind a name it is the rest of a longer path or address, and not absolute.
                let is_absolute =
                    !before.is_some_and(|c| c.is_alphanumeric() || "._-}".contains(c));
                assert!(!is_absolute, "{file} names {place}");
            }
        }
    }
}

/// Each document of the project with its text.
fn documents() -> Vec<(String, String)> {
    let files = project_files().into_iter().filter(|file| file.ends_with(".md"));
    files
        .map(|file| {
            let text = fs::read_to_string(project_root().join(&file)).unwrap();
            (file, text)
        })
        .collect()
}

/// Where the links of a document lead: `[text](target)` and `[label]: target`, outside of code.
fn links_of(document: &str) -> Vec<String> {
    let mut links = Vec::new();
    for line in prose(document) {
        // Every second part stands between backticks.
        let line: String = line.split('`').step_by(2).collect();
        let inline = line.split("](").skip(1).filter_map(|rest| rest.split(')').next());
        links.extend(inline.filter_map(|link| link.split_whitespace().next()).map(Into::into));
        if let Some(definition) = line.strip_prefix('[')
            && let Some((_, target)) = definition.split_once("]: ")
        {
            links.push(target.trim().into());
        }
    }
    links
}

/// The anchors of a document's headings, as forges make them: small letters, hyphens for spaces.
fn headings_of(document: &str) -> BTreeSet<String> {
    let headings = prose(document).filter(|line| line.starts_with('#'));
    headings
        .map(|line| {
            let text = line.trim_start_matches('#').trim().to_lowercase().replace(' ', "-");
            text.chars().filter(|c| c.is_alphanumeric() || "-_".contains(*c)).collect()
        })
        .collect()
}

/// The lines of a document outside of code blocks.
fn prose(document: &str) -> impl Iterator<Item = &str> {
    let mut is_fenced = false;
    document.lines().filter(move |line| {
        let is_fence = line.trim_start().starts_with("```");
        is_fenced ^= is_fence;
        !is_fence && !is_fenced && !line.starts_with("    ")
    })
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
    // What stands in quotes is a value: `make web ARGS="--port 0"`.
    let code: String = code.split('"').step_by(2).collect();
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
    use super::{headings_of, links_of, make_commands, targets};

    #[test]
    fn finds_commands_in_code_and_leaves_prose_alone() {
        let document = "Run `make test`, or `S=9 make -j2 fuzz T=x`; make sure that it passes.\n\
                        ```\n$ make header && make python   # make this\n```\n    make a b\n";
        assert_eq!(make_commands(document), ["test", "fuzz", "header", "python", "a", "b"]);
    }

    #[test]
    fn finds_links_and_headings_outside_of_code() {
        let document = "# The `x` Title\nSee [a](b.md), [`c`](d.md#e \"f\") and `[g](h)`.\n\
                        ```\n[i](j)\n```\n[k]: l.md\n";
        assert_eq!(links_of(document), ["b.md", "d.md#e", "l.md"]);
        assert_eq!(headings_of(document).into_iter().collect::<Vec<_>>(), ["the-x-title"]);
    }

    #[test]
    fn finds_targets_and_no_variables() {
        let makefile = "S := 1\nT ?= x\n.PHONY: a\na: b ## text\n\techo x: y\nb-2:\n";
        assert_eq!(targets(makefile).into_iter().collect::<Vec<_>>(), ["a", "b-2"]);
    }
}
