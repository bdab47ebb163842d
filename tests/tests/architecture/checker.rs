//! Reads a crate along its `mod` lines and finds what the tables do not allow.

use std::collections::{BTreeMap, BTreeSet};

use proc_macro2::{Delimiter, TokenStream, TokenTree};

use super::*;

/// Every fault of the crate whose files `read` gives by their path below `src`.
pub(super) fn check(read: &dyn Fn(&str) -> Option<String>) -> Vec<String> {
    let mut checker = Checker { read, faults: Vec::new(), imports: BTreeMap::new() };
    checker.file("lib.rs", &[], false);
    checker.circles();
    checker.faults.sort();
    checker.faults.dedup();
    checker.faults
}

struct Checker<'a> {
    read: &'a dyn Fn(&str) -> Option<String>,
    faults: Vec<String>,
    /// Which module of the table names which.
    imports: BTreeMap<&'static str, BTreeSet<&'static str>>,
}

/// Where in the crate some code stands.
#[derive(Clone)]
struct Place {
    file: String,
    module: Vec<String>,
    /// Only compiled for tests.
    is_test: bool,
    /// The child modules that are declared here.
    children: BTreeSet<String>,
}

impl Checker<'_> {
    fn file(&mut self, file: &str, module: &[String], is_test: bool) {
        let Some(text) = (self.read)(file) else {
            return self.faults.push(format!("{file}: not found"));
        };
        if !is_test && !is_known(module) {
            let name = module.join("::");
            self.faults.push(format!("{file}: `{name}` has no layer, add it to the table"));
        }
        let tokens = match text.parse::<TokenStream>() {
            Ok(tokens) => tokens,
            Err(error) => return self.faults.push(format!("{file}: {error}")),
        };
        let children = children(&tokens);
        let place = Place { file: file.into(), module: module.to_vec(), is_test, children };
        self.tokens(tokens, &place);
    }

    fn tokens(&mut self, tokens: TokenStream, place: &Place) {
        let tokens: Vec<TokenTree> = tokens.into_iter().collect();
        // Since the last `;` or `}`: an attribute that keeps the coming item for tests.
        let mut for_tests = false;
        let mut is_public = false;
        let mut i = 0;
        while let Some(token) = tokens.get(i) {
            let here = Place { is_test: place.is_test || for_tests, ..place.clone() };
            match token {
                TokenTree::Punct(punct) if punct.as_char() == '#' => {
                    if let Some(TokenTree::Group(attribute)) = tokens.get(i + 1)
                        && attribute.delimiter() == Delimiter::Bracket
                    {
                        for_tests |= is_cfg_test(&attribute.stream().to_string());
                        i += 1;
                    }
                }
                TokenTree::Punct(punct) if punct.as_char() == ';' => {
                    (for_tests, is_public) = (false, false);
                }
                TokenTree::Group(group) => {
                    self.tokens(group.stream(), &here);
                    let is_end = group.delimiter() == Delimiter::Brace;
                    (for_tests, is_public) = (for_tests && !is_end, is_public && !is_end);
                }
                TokenTree::Ident(ident) if ident == "mod" => {
                    if let Some(TokenTree::Ident(name)) = tokens.get(i + 1) {
                        let mut inner = here.clone();
                        inner.module.push(name.to_string());
                        match tokens.get(i + 2) {
                            Some(TokenTree::Group(body)) => {
                                inner.children = children(&body.stream());
                                self.tokens(body.stream(), &inner);
                                (for_tests, is_public) = (false, false);
                                i += 2;
                            }
                            _ => {
                                self.child_file(&inner);
                                i += 1;
                            }
                        }
                    }
                }
                TokenTree::Ident(ident) if ident == "pub" => is_public = true,
                TokenTree::Ident(ident) if ident == "use" && is_public => {
                    i = self.hands_on(&tokens, i + 1, &here);
                    continue;
                }
                TokenTree::Ident(ident) => {
                    if ident == "unsafe" && here.file != UNSAFE_FILE {
                        self.fault(&here, token, "`unsafe` has no place outside `sys`");
                    }
                    let (paths, next) = paths_from(&tokens, i);
                    let is_macro = matches!(tokens.get(next), Some(t) if t.to_string() == "!");
                    for path in &paths {
                        // An exported macro stands at the root, wherever it was written.
                        if !(is_macro && path.len() == 2 && path[0] == "crate") {
                            self.path(&here, token, path);
                        }
                    }
                    i = next;
                    continue;
                }
                _ => {}
            }
            i += 1;
        }
    }

    /// A `pub use` from `tokens[start]` on; gives where to go on reading. What it takes from
    /// children is no import; the rest is.
    fn hands_on(&mut self, tokens: &[TokenTree], start: usize, place: &Place) -> usize {
        let (paths, next) = paths_from(tokens, start);
        for path in &paths {
            let path = path.strip_prefix(&["self".to_owned()]).unwrap_or(path);
            if !path.first().is_some_and(|first| place.children.contains(first)) {
                self.path(place, &tokens[start], path);
            }
        }
        next.max(start + 1)
    }

    /// Follows `mod name;`.
    fn child_file(&mut self, place: &Place) {
        let stem = place.module.join("/");
        let flat = format!("{stem}.rs");
        let file = if (self.read)(&flat).is_some() { flat } else { format!("{stem}/mod.rs") };
        self.file(&file, &place.module, place.is_test);
    }

    fn path(&mut self, place: &Place, at: &TokenTree, path: &[String]) {
        let words: Vec<&str> = path.iter().map(String::as_str).collect();
        match words.as_slice() {
            // `pub(crate)`
            ["crate"] => {}
            ["crate", rest @ ..] => self.import(place, at, rest),
            ["self", rest @ ..] if !rest.is_empty() => {
                let module: Vec<&str> = place.module.iter().map(String::as_str).collect();
                self.import(place, at, &[module.as_slice(), rest].concat());
            }
            ["super", ..] => {
                let ups = words.iter().take_while(|word| **word == "super").count();
                let kept = place.module.len().saturating_sub(ups);
                let parents = place.module.iter().take(kept).map(String::as_str);
                let target: Vec<&str> = parents.chain(words.iter().skip(ups).copied()).collect();
                self.import(place, at, &target);
            }
            [first, _, ..] if place.children.contains(*first) => {
                let module: Vec<&str> = place.module.iter().map(String::as_str).collect();
                self.import(place, at, &[module.as_slice(), &words].concat());
            }
            _ => self.foreign(place, at, &words),
        }
    }

    /// A path to `target` in the core itself.
    fn import(&mut self, place: &Place, at: &TokenTree, target: &[&str]) {
        if place.is_test || place.module.is_empty() {
            return;
        }
        let Some((to, to_layer)) = layer_of(target) else {
            let name = target.join("::");
            let fault = format!("`crate::{name}`: name the module that has it, not the crate");
            return self.fault(place, at, &fault);
        };
        let Some((from, from_layer)) = layer_of(&place.module) else {
            return;
        };
        if from == to {
            return;
        }
        self.imports.entry(from).or_default().insert(to);
        if to_layer > from_layer {
            let fault = format!("`{from}` (layer {from_layer}) names `{to}` (layer {to_layer})");
            self.fault(place, at, &fault);
        } else if to_layer == from_layer && STRANGERS.contains(&to_layer) {
            self.fault(place, at, &format!("`{from}` names `{to}`: only the engine joins them"));
        }
    }

    /// A path that starts outside the core, or at a name that an import brought.
    fn foreign(&mut self, place: &Place, at: &TokenTree, path: &[&str]) {
        if place.is_test {
            return;
        }
        let module = place.module.join("::");
        if let ["sled", _, ..] = path
            && !format!("{module}::").starts_with("store::sled::")
        {
            self.fault(place, at, "`sled::` outside `store::sled`");
        }
        if let ["heed" | "memmap2", _, ..] = path
            && !(module == "sys" || format!("{module}::").starts_with("store::lmdb::"))
        {
            self.fault(place, at, "LMDB or a map outside `store::lmdb` and `sys`");
        }
        let is_sync = match path {
            ["std" | "core" | "alloc", "sync", name, ..] => !SYNC_ANYWHERE.contains(name),
            ["std" | "core" | "alloc", "sync"] | ["std", "thread", ..] => true,
            ["parking_lot" | "shuttle" | "loom", _, ..] => true,
            _ => false,
        };
        if is_sync && !format!("{module}::").starts_with("sync::") {
            self.fault(place, at, &format!("`{}` outside `sync`", path.join("::")));
        }
    }

    fn fault(&mut self, place: &Place, at: &TokenTree, what: &str) {
        self.faults.push(format!("{}:{}: {what}", place.file, at.span().start().line));
    }

    /// Layers forbid a circle except within one, so look for it everywhere.
    fn circles(&mut self) {
        for start in self.imports.keys() {
            let mut seen = BTreeSet::new();
            let mut todo = vec![*start];
            while let Some(module) = todo.pop() {
                for next in self.imports.get(module).into_iter().flatten() {
                    if next == start {
                        self.faults.push(format!("`{start}` and `{module}` import in a circle"));
                    }
                    if seen.insert(*next) {
                        todo.push(next);
                    }
                }
            }
        }
    }
}

/// Whether the table says where `module` belongs: by itself, or as part of one whose children are
/// not listed.
fn is_known(module: &[String]) -> bool {
    let Some((name, _)) = layer_of(module) else { return module.is_empty() };
    let is_split = LAYERS.iter().any(|(other, _)| other.starts_with(&format!("{name}::")));
    let module = module.join("::");
    let is_part = |part: &&str| module == **part || module.starts_with(&format!("{part}::"));
    name == module || !is_split || PARTS.iter().any(is_part)
}

/// The names of the modules that are declared in `tokens` themselves.
fn children(tokens: &TokenStream) -> BTreeSet<String> {
    let tokens: Vec<TokenTree> = tokens.clone().into_iter().collect();
    let names = tokens.windows(2).filter_map(|pair| match pair {
        [TokenTree::Ident(word), TokenTree::Ident(name)] if word == "mod" => Some(name.to_string()),
        _ => None,
    });
    names.collect()
}

/// The module of the table that `path` is in, with its layer.
fn layer_of(path: &[impl AsRef<str>]) -> Option<(&'static str, u8)> {
    let fits = |name: &str| {
        let words: Vec<&str> = name.split("::").collect();
        words.len() <= path.len() && words.iter().zip(path).all(|(a, b)| *a == b.as_ref())
    };
    let found = LAYERS.iter().filter(|(name, _)| fits(name));
    found.copied().max_by_key(|(name, _)| name.len())
}

/// Whether an attribute keeps its item for tests: `cfg(test)`, `cfg(all(test, ...))`.
fn is_cfg_test(attribute: &str) -> bool {
    let attribute: String = attribute.split_whitespace().collect();
    attribute == "cfg(test)" || attribute.starts_with("cfg(all(test,")
}

/// The paths that start at the identifier `tokens[start]`, with `{...}` of imports spread out, and
/// where to go on reading.
fn paths_from(tokens: &[TokenTree], start: usize) -> (Vec<Vec<String>>, usize) {
    let mut path = Vec::new();
    let mut i = start;
    loop {
        match tokens.get(i) {
            Some(TokenTree::Ident(ident)) => path.push(ident.to_string()),
            Some(TokenTree::Punct(punct)) if punct.as_char() == '*' => path.push("*".into()),
            Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Brace => {
                return (spread(&path, group.stream()), i + 1);
            }
            _ => return (vec![path], i),
        }
        i += 1;
        if !is_path_separator(tokens, i) {
            return (vec![path], i);
        }
        i += 2;
    }
}

/// The paths of an import list behind `prefix::`.
fn spread(prefix: &[String], list: TokenStream) -> Vec<Vec<String>> {
    let tokens: Vec<TokenTree> = list.into_iter().collect();
    let is_comma = |t: &TokenTree| matches!(t, TokenTree::Punct(p) if p.as_char() == ',');
    let entries = tokens.split(is_comma).filter(|entry| !entry.is_empty());
    let mut paths = Vec::new();
    for entry in entries {
        for mut path in paths_from(entry, 0).0 {
            path.retain(|word| word != "self");
            paths.push([prefix, &path].concat());
        }
    }
    paths
}

fn is_path_separator(tokens: &[TokenTree], i: usize) -> bool {
    let is_colon =
        |t: Option<&TokenTree>| matches!(t, Some(TokenTree::Punct(p)) if p.as_char() == ':');
    is_colon(tokens.get(i)) && is_colon(tokens.get(i + 1))
}
