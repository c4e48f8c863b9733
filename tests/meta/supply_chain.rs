//! The crates that are linked into the program: their number, sources and licences, and that none is banned by
//! tests/deny.toml. `make deny` asks cargo-deny the same, and for advisories, which are on the network.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

const POLICY: &str = include_str!("../deny.toml");

/// The most crates that are linked.
const MAX_CRATES: usize = 36;

/// The architectures that a release has.
const TARGETS: [&str; 2] = ["x86_64-unknown-linux-musl", "aarch64-unknown-linux-musl"];

struct Crate {
    name: String,
    version: String,
    /// Empty for the default registry.
    source: String,
    licence: String,
}

/// The crates that are linked for this target, by `cargo tree`.
fn linked(target: &str) -> Vec<Crate> {
    crates(target, "normal")
}

/// Those, and the crates of build scripts. The built-in roots are data of one.
fn linked_and_building(target: &str) -> Vec<Crate> {
    let crates = crates(target, "normal,build");
    assert!(crates.iter().any(|one| one.name == "webpki-roots"));
    crates
}

fn crates(target: &str, edges: &str) -> Vec<Crate> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["tree", "--locked", "--offline", "--edges", edges])
        .args(["--prefix", "none", "--format", "{p}\t{l}"])
        .args(["--target", target])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("cargo");
    assert!(output.status.success(), "{output:?}");
    let text = String::from_utf8(output.stdout).expect("names of crates");
    let lines: BTreeSet<&str> = text
        .lines()
        .map(|line| line.trim_end_matches(" (*)"))
        .collect();
    let mut crates: Vec<Crate> = lines.into_iter().map(read).collect();
    crates.retain(|one| one.name != "oz");
    assert!(crates.iter().any(|one| one.name == "rustls"), "{text}");
    crates
}

/// `NAME vVERSION [(proc-macro)] [(SOURCE)]`, a tab, and the licence.
fn read(line: &str) -> Crate {
    let (package, licence) = line.split_once('\t').expect("a licence");
    let mut words = package.splitn(3, ' ');
    let mut word = || words.next().unwrap_or_default().to_owned();
    Crate {
        name: word(),
        version: word(),
        source: word(),
        licence: licence.trim_end_matches(" (*)").to_owned(),
    }
}

/// The texts in quotes after `key = ` wherever the policy has it.
fn policy(key: &str) -> BTreeSet<&'static str> {
    let found: BTreeSet<&str> = POLICY
        .lines()
        .filter_map(|line| line.split_once(&format!("{key} = ")))
        .flat_map(|(_, rest)| {
            let rest = rest.split(", reason").next().unwrap_or(rest);
            rest.split('"').skip(1).step_by(2)
        })
        .collect();
    assert!(!found.is_empty(), "tests/deny.toml has no {key}");
    found
}

/// Whether a licence expression can be met with these: `A OR B`, `A AND B`, and the old form `A/B`.
fn is_allowed(expression: &str, allowed: &BTreeSet<&str>) -> bool {
    let expression = expression.replace(['(', ')'], "").replace('/', " OR ");
    expression.split(" OR ").any(|choice| {
        choice
            .split(" AND ")
            .all(|one| allowed.contains(one.trim()))
    })
}

#[test]
fn licence_expressions() {
    let allowed = BTreeSet::from(["MIT", "ISC"]);
    for expression in [
        "MIT",
        "MIT OR GPL-3.0",
        "GPL-3.0/MIT",
        "MIT AND ISC",
        "(MIT OR X) AND ISC",
    ] {
        assert!(is_allowed(expression, &allowed), "{expression}");
    }
    for expression in ["", "GPL-3.0", "MIT AND GPL-3.0", "X OR Y"] {
        assert!(!is_allowed(expression, &allowed), "{expression}");
    }
}

#[test]
fn every_linked_crate_is_from_the_registry_and_has_an_allowed_licence() {
    let (allowed, banned) = (policy("allow"), policy("crate"));
    for target in TARGETS {
        for one in linked_and_building(target) {
            let name = format!("{} {}", one.name, one.version);
            assert!(
                ["", "(proc-macro)"].contains(&one.source.as_str()),
                "{name} comes from {}",
                one.source
            );
            assert!(
                is_allowed(&one.licence, &allowed),
                "{name} has the licence {}",
                one.licence
            );
            assert!(!banned.contains(one.name.as_str()), "{name} is banned");
        }
    }
}

#[test]
fn few_crates_are_linked_and_none_twice() {
    for target in TARGETS {
        let crates = linked(target);
        let mut versions: BTreeMap<&str, &str> = BTreeMap::new();
        for one in &crates {
            let other = versions.insert(&one.name, &one.version);
            assert_eq!(other, None, "{} is linked twice", one.name);
        }
        assert!(crates.len() <= MAX_CRATES, "{}: {versions:?}", crates.len());
    }
}
