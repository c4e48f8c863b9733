//! The crates that a build for a target compiles, as `cargo tree` has them. `cargo metadata` lists more: what the
//! development dependencies turn on, and what other systems need.

use crate::{Result, run};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

pub struct Crate {
    pub name: String,
    pub version: String,
    /// SPDX, with the separator `/` that old crates use replaced.
    pub licence: String,
    pub about: String,
    /// Where its sources are.
    pub directory: PathBuf,
    /// SHA-256 of the published archive, which the program itself has none of.
    pub checksum: Option<String>,
    /// Whether code or data of it is in the program: not for build scripts, macros and what these need.
    pub linked: bool,
    /// Places in the list.
    pub dependencies: BTreeSet<usize>,
}

impl Crate {
    /// Whether it is the program itself, which is not published.
    pub fn is_program(&self) -> bool {
        self.checksum.is_none()
    }
}

/// A crate that only the build script uses. Its data, the built-in roots, is in the program all the same.
const DATA: &str = "webpki-roots";

/// All crates of a build, sorted by name and version.
pub fn read(target: &str) -> Result<Vec<Crate>> {
    let edges = read_edges(target, "normal,build")?;
    let linked = edges_to_names(&read_edges(target, "normal,no-proc-macro")?);
    let names = edges_to_names(&edges);
    let checksums = checksums()?;
    let packages = metadata(target)?;
    let mut crates = Vec::new();
    for id in &names {
        let (name, version) = id;
        let package = packages
            .get(id)
            .ok_or_else(|| format!("cargo metadata lacks {name} {version}"))?;
        let text = |key: &str| package[key].as_str().unwrap_or_default().trim().to_owned();
        let mut directory = PathBuf::from(text("manifest_path"));
        directory.pop();
        crates.push(Crate {
            name: name.clone(),
            version: version.clone(),
            licence: text("license").replace('/', " OR "),
            about: one_line(&text("description")),
            directory,
            checksum: checksums.get(id).cloned(),
            linked: linked.contains(id) || name == DATA,
            dependencies: edges
                .iter()
                .filter(|(from, _)| from.as_ref() == Some(id))
                .filter_map(|(_, to)| names.iter().position(|name| name == to))
                .collect(),
        });
    }
    Ok(crates)
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<&str>>().join(" ")
}

/// Name and version.
type Id = (String, String);

/// Who depends on whom; the program itself is there without a dependent.
type Edges = BTreeSet<(Option<Id>, Id)>;

fn edges_to_names(edges: &Edges) -> BTreeSet<Id> {
    edges.iter().map(|(_, to)| to.clone()).collect()
}

fn read_edges(target: &str, kinds: &str) -> Result<Edges> {
    let text = cargo(&[
        "tree",
        "--edges",
        kinds,
        "--target",
        target,
        "--no-dedupe",
        "--prefix",
        "depth",
        "--format",
        "{p}",
    ])?;
    let mut edges = Edges::new();
    // From the program to the line before.
    let mut path: Vec<Id> = Vec::new();
    for line in text.lines() {
        let start = line.find(|c: char| !c.is_ascii_digit()).unwrap_or(0);
        let (depth, package) = line.split_at(start);
        let depth: usize = depth.parse()?;
        let mut words = package.split(' ');
        let name = words.next().unwrap_or_default();
        let version = words.next().and_then(|word| word.strip_prefix('v'));
        let version = version.ok_or_else(|| format!("no version: {line}"))?;
        path.truncate(depth);
        let id = (name.to_owned(), version.to_owned());
        edges.insert((path.last().cloned(), id.clone()));
        path.push(id);
    }
    Ok(edges)
}

/// What Cargo.lock says a crate's archive has to be.
fn checksums() -> Result<BTreeMap<Id, String>> {
    let lock = std::fs::read_to_string("Cargo.lock")?;
    let mut checksums = BTreeMap::new();
    for package in lock.split("[[package]]\n").skip(1) {
        let value = |key: &str| {
            let found = package.lines().find_map(|line| line.strip_prefix(key));
            found.map(|value| value.trim_matches('"').to_owned())
        };
        if let (Some(name), Some(version), Some(checksum)) =
            (value("name = "), value("version = "), value("checksum = "))
        {
            checksums.insert((name, version), checksum);
        }
    }
    Ok(checksums)
}

fn metadata(target: &str) -> Result<BTreeMap<Id, Value>> {
    let text = cargo(&[
        "metadata",
        "--format-version",
        "1",
        "--filter-platform",
        target,
    ])?;
    let mut metadata: Value = serde_json::from_str(&text)?;
    let Value::Array(packages) = metadata["packages"].take() else {
        return Err("cargo metadata lists no packages".into());
    };
    let id = |package: &Value, key: &str| package[key].as_str().unwrap_or_default().to_owned();
    Ok(packages
        .into_iter()
        .map(|package| ((id(&package, "name"), id(&package, "version")), package))
        .collect())
}

/// Runs a command of Cargo's, offline: `make build` has fetched everything.
fn cargo(words: &[&str]) -> Result<String> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    run(cargo, &[words, &["--locked", "--offline"]].concat())
}
