//! Which module may name which, and which files may name a foreign crate.
//!
//! Each rule is a function from a text to a list of complaints, so that it is shown to fail on a text that breaks it.

use std::fs;
use std::path::{Path, PathBuf};

/// The layers. A file names only modules of a lower rank, or its own.
const RANKS: [(&str, u8); 24] = [
    ("secret", 0),
    ("text", 0),
    ("error", 0),
    ("request", 0),
    ("outcome", 0),
    ("trace", 0),
    ("message", 0),
    ("env", 0),
    ("base64", 0),
    ("time", 0),
    ("json", 1),
    ("file", 1),
    ("stdio", 1),
    ("url", 1),
    ("cli", 2),
    ("output", 2),
    ("value", 2),
    ("seal", 2),
    ("net", 2),
    ("api", 3),
    ("verb", 4),
    ("lib", 5),
    ("main", 5),
    ("unwind", 5),
];

/// Modules of rank 0 hold plain data and may use one another.
const PLAIN_DATA: u8 = 0;

/// Foreign crates and the files that may name them.
const DOORS: [(&str, &[&str]); 12] = [
    ("lexopt", &["cli/tokens.rs"]),
    ("tinyjson", &["json.rs"]),
    // One of the two is built: minreq.rs takes the place of our own client.
    (
        "rustls",
        &[
            "net/tls.rs",
            "net/trust.rs",
            "net/post_quantum.rs",
            "net/minreq.rs",
        ],
    ),
    ("fips203", &["net/post_quantum.rs"]),
    // The build script.
    ("webpki_roots", &["net/roots.rs"]),
    ("rustls_native_certs", &["net/trust.rs"]),
    ("ring", &["seal/hpke.rs"]),
    ("zeroize", &["secret/mod.rs"]),
    ("unicode_width", &["output/table.rs"]),
    // The system, by what it is asked for: files, sockets, the terminal, standard streams, process limits and signals.
    (
        "nix",
        &[
            "file.rs",
            "net/connect.rs",
            "stdio.rs",
            "value/process.rs",
            "value/terminal.rs",
        ],
    ),
    ("minreq", &["net/minreq.rs"]),
    ("rustix", &["stdio.rs"]),
];

struct Source {
    /// Below `src/`.
    name: String,
    text: String,
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn files_below(directory: &Path, found: &mut Vec<PathBuf>) {
    let mut entries: Vec<PathBuf> = fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            files_below(&path, found);
        } else {
            found.push(path);
        }
    }
}

fn sources() -> Vec<Source> {
    let source = root().join("src");
    let mut paths = Vec::new();
    files_below(&source, &mut paths);
    let found: Vec<Source> = paths
        .iter()
        .filter(|path| path.extension().is_some_and(|extension| extension == "rs"))
        .map(|path| Source {
            name: path.strip_prefix(&source).unwrap().display().to_string(),
            text: fs::read_to_string(path).unwrap(),
        })
        .collect();
    assert!(found.len() > 10, "the source was not found");
    found
}

/// The part that ships: test modules cut out, comments and the insides of literals blanked, lines kept in place.
fn shipped(text: &str) -> String {
    let blank = blanked(text);
    let mut kept = String::new();
    let mut lines = blank.lines();
    while let Some(line) = lines.next() {
        if line.trim() != "#[cfg(test)]" {
            kept.push_str(line);
            kept.push('\n');
            continue;
        }
        // The attribute covers the next item: up to the brace that closes it, or its semicolon.
        let mut depth = 0;
        kept.push('\n');
        for line in lines.by_ref() {
            kept.push('\n');
            depth += line.matches('{').count();
            let closed = line.matches('}').count();
            depth = depth.saturating_sub(closed);
            let item_ends = closed > 0 || line.trim_end().ends_with(';');
            if depth == 0 && item_ends {
                break;
            }
        }
    }
    kept
}

/// Replaces comments and the insides of string and character literals by spaces.
fn blanked(text: &str) -> String {
    let characters: Vec<char> = text.chars().collect();
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    while at < characters.len() {
        let end = skip_length(&characters, at);
        if end == 0 {
            out.push(characters[at]);
            at += 1;
        } else {
            for character in &characters[at..at + end] {
                out.push(if *character == '\n' { '\n' } else { ' ' });
            }
            at += end;
        }
    }
    out
}

/// How many characters from `at` on belong to a comment or a literal; 0 for code.
fn skip_length(text: &[char], at: usize) -> usize {
    let starts = |word: &str| {
        word.chars()
            .enumerate()
            .all(|(i, c)| text.get(at + i) == Some(&c))
    };
    let until = |from: usize, end: &str| {
        let end: Vec<char> = end.chars().collect();
        (from..text.len())
            .find(|&i| text[i..].starts_with(&end))
            .map_or(text.len() - at, |i| i + end.len() - at)
    };
    let word_before = at > 0 && (text[at - 1].is_alphanumeric() || text[at - 1] == '_');
    if starts("//") {
        return until(at, "\n") - 1;
    }
    if starts("/*") {
        return until(at + 2, "*/");
    }
    if !word_before || starts("\"") {
        let after_prefix = at + usize::from(starts("b") || starts("c"));
        if text.get(after_prefix) == Some(&'r') {
            let hashes = text[after_prefix + 1..]
                .iter()
                .take_while(|c| **c == '#')
                .count();
            if text.get(after_prefix + 1 + hashes) == Some(&'"') {
                let end = format!("\"{}", "#".repeat(hashes));
                return until(after_prefix + 2 + hashes, &end);
            }
        }
    }
    if starts("\"") {
        return quoted(text, at, '"');
    }
    if starts("'") {
        // A character has its closing quote right behind it; a lifetime has none.
        let escaped = text.get(at + 1) == Some(&'\\');
        if escaped || text.get(at + 2) == Some(&'\'') {
            return quoted(text, at, '\'');
        }
    }
    0
}

fn quoted(text: &[char], at: usize, quote: char) -> usize {
    let mut end = at + 1;
    while end < text.len() && text[end] != quote {
        end += if text[end] == '\\' { 2 } else { 1 };
    }
    (end + 1).min(text.len()) - at
}

fn module_of(name: &str) -> &str {
    name.split(['/', '.']).next().unwrap()
}

fn rank_of(module: &str) -> Option<u8> {
    RANKS
        .iter()
        .find(|(known, _)| *known == module)
        .map(|(_, rank)| *rank)
}

/// The first words of the paths that start at the crate's root, `use crate::{a, b::c}` included.
fn names_used(code: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    for root in ["crate::", "oz::"] {
        for (at, _) in code.match_indices(root) {
            let before = code[..at].chars().next_back();
            if before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == ':') {
                continue;
            }
            let line = code[..at].matches('\n').count() + 1;
            let rest = &code[at + root.len()..];
            for name in first_words(rest) {
                found.push((line, name));
            }
        }
    }
    found
}

fn first_words(path: &str) -> Vec<String> {
    let word = |text: &str| -> String {
        text.trim_start()
            .chars()
            .take_while(|c| c.is_alphanumeric() || *c == '_')
            .collect()
    };
    let Some(group) = path.strip_prefix('{') else {
        return vec![word(path)];
    };
    let (mut depth, mut start, mut words) = (0, 0, Vec::new());
    for (at, character) in group.char_indices() {
        match character {
            '{' => depth += 1,
            '}' if depth == 0 => {
                words.push(word(&group[start..at]));
                break;
            }
            '}' => depth -= 1,
            ',' if depth == 0 => {
                words.push(word(&group[start..at]));
                start = at + 1;
            }
            _ => {}
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

fn layer_faults(name: &str, text: &str) -> Vec<String> {
    let own = module_of(name);
    let Some(own_rank) = rank_of(own) else {
        return vec![format!("src/{name}: has no rank")];
    };
    names_used(&shipped(text))
        .into_iter()
        .filter(|(_, used)| {
            let Some(rank) = rank_of(used) else {
                // `crate::run` and the like: an item of lib.rs, which only main may name.
                return own != "main" && own != "lib";
            };
            let noun = own_rank == PLAIN_DATA && rank == PLAIN_DATA;
            used != own && !noun && rank >= own_rank
        })
        .map(|(line, used)| format!("src/{name}:{line}: {own} may not name {used}"))
        .collect()
}

fn door_faults(name: &str, text: &str) -> Vec<String> {
    let code = shipped(text);
    let mut faults = Vec::new();
    for (number, line) in code.lines().enumerate() {
        for (foreign, doors) in DOORS {
            let named = line.match_indices(foreign).any(|(at, _)| {
                let before = line[..at].chars().next_back();
                let path = line[at + foreign.len()..].starts_with("::");
                let import = line.trim_start().starts_with("use ")
                    && line[at + foreign.len()..]
                        .trim_start()
                        .starts_with(['{', ';', ' ']);
                let whole = before.is_none_or(|c| !(c.is_alphanumeric() || c == '_' || c == ':'));
                whole && (path || import)
            });
            if named && !doors.contains(&name) {
                faults.push(format!("src/{name}:{}: may not name {foreign}", number + 1));
            }
        }
    }
    faults
}

/// Local paths, addresses of registries, and marks of unfinished work. They are split in halves, so that this list does not
/// match itself.
fn trace_faults(name: &str, text: &str) -> Vec<String> {
    let words = [
        concat!("/wo", "rk/"),
        concat!("../sh", "ared"),
        concat!("/ro", "ot/"),
        concat!("/home", "/"),
        concat!("crates", ".io"),
        concat!("pypi", ".org"),
        concat!("npmjs", ".org"),
        concat!("deb.", "debian.org"),
        concat!("FIX", "ME"),
        concat!("TO", "DO"),
    ];
    let mut faults = Vec::new();
    for (number, line) in text.lines().enumerate() {
        for word in words {
            if line.contains(word) {
                faults.push(format!("{name}:{}: {word}", number + 1));
            }
        }
    }
    faults
}

fn complain(rule: fn(&str, &str) -> Vec<String>) {
    let faults: Vec<String> = sources()
        .iter()
        // A file of unit tests: its module is declared under `#[cfg(test)]`.
        .filter(|source| !source.name.ends_with("tests.rs"))
        .flat_map(|source| rule(&source.name, &source.text))
        .collect();
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

#[test]
fn layers_point_one_way() {
    complain(layer_faults);
}

#[test]
fn each_foreign_crate_has_one_door() {
    complain(door_faults);
}

#[test]
fn each_door_is_used() {
    let sources = sources();
    for (foreign, doors) in DOORS {
        for door in doors {
            let source = sources.iter().find(|source| source.name == *door);
            let text = source.map_or_else(String::new, |source| shipped(&source.text));
            assert!(text.contains(&format!("{foreign}::")), "{door}: {foreign}");
        }
    }
}

#[test]
fn every_dependency_has_a_rule() {
    let manifest = fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let section = manifest.split("[dependencies]").nth(1).unwrap();
    let dependencies: Vec<String> = section
        .lines()
        .take_while(|line| !line.starts_with('['))
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.split_once(" = "))
        .map(|(name, _)| name.replace('-', "_"))
        .collect();
    assert!(dependencies.len() >= 9, "{dependencies:?}");
    for name in dependencies {
        assert!(DOORS.iter().any(|(known, _)| *known == name), "{name}");
    }
}

#[test]
fn sources_contain_no_local_paths_or_unfinished_work() {
    let mut paths = Vec::new();
    for entry in fs::read_dir(root()).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if ["target", "dist", ".git"].contains(&name.as_str()) {
            continue;
        }
        if path.is_dir() {
            files_below(&path, &mut paths);
        } else {
            paths.push(path);
        }
    }
    let built = root().join("tests/fuzz");
    let faults: Vec<String> = paths
        .iter()
        .filter(|path| {
            // What the fuzzer builds and collects is ignored by git too.
            let ignored = ["target", "corpus", "artifacts", "coverage"];
            !ignored
                .iter()
                .any(|name| path.starts_with(built.join(name)))
        })
        .filter(|path| path.file_name().is_some_and(|name| name != "Cargo.lock"))
        .filter_map(|path| Some((path, fs::read_to_string(path).ok()?)))
        .flat_map(|(path, text)| {
            let name = path.strip_prefix(root()).unwrap().display().to_string();
            trace_faults(&name, &text)
        })
        .collect();
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

#[test]
fn the_layer_rule_can_fail() {
    for (name, text, faults) in [
        ("secret.rs", "use crate::json::Value;", 1),
        ("secret.rs", "use crate::text;", 0),
        ("net/http.rs", "fn f() { crate::seal::open() }", 1),
        (
            "net/http.rs",
            "use crate::{error::Error, api, net::tls};",
            1,
        ),
        ("net/http.rs", "use crate::{error::{Error, api}, text};", 0),
        (
            "net/http.rs",
            "// use crate::verb;\nconst A: &str = \"crate::verb\";",
            0,
        ),
        ("api/mod.rs", "use crate::net::Transport;", 0),
        ("api/mod.rs", "use crate::run;", 1),
        ("verb/list.rs", "use crate::verb::shared;", 0),
        ("main.rs", "oz::run()", 0),
        ("new.rs", "", 1),
        (
            "net/tls.rs",
            "#[cfg(test)]\nmod tests {\n    use crate::api;\n}\nuse crate::verb;",
            1,
        ),
    ] {
        assert_eq!(layer_faults(name, text).len(), faults, "{name}: {text}");
    }
}

#[test]
fn the_door_rule_can_fail() {
    for (name, text, faults) in [
        ("net/http.rs", "use rustls::ClientConfig;", 1),
        ("net/tls.rs", "use rustls::ClientConfig;", 0),
        ("net/http.rs", "use rustls;", 1),
        ("json.rs", "let a = tinyjson::JsonValue::Null;", 0),
        ("api/mod.rs", "let a = ::tinyjson::JsonValue::Null;", 0),
        ("api/mod.rs", "let a = tinyjson::JsonValue::Null;", 1),
        ("seal/mod.rs", "let string = 1; let ring = 2;", 0),
        ("seal/mod.rs", "use ring::aead;", 1),
        ("net/mod.rs", "mod minreq;", 0),
    ] {
        let found = door_faults(name, text).len();
        // The rule does not see absolute paths, which are not used here; the case above documents that.
        assert_eq!(found, faults, "{name}: {text}");
    }
}

#[test]
fn the_trace_rule_can_fail() {
    assert_eq!(trace_faults("a", concat!("see /wo", "rk/a")).len(), 1);
    assert_eq!(trace_faults("a", "see work/a").len(), 0);
}
