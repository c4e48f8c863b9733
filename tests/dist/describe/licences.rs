//! The licences of all that is linked: the crates, the standard library, musl and Unicode's data.

use crate::Result;
use crate::tree::Crate;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// Prefixes of the names of licence files, in lower case, and of directories of such files.
const FILES: [&str; 6] = [
    "license",
    "licence",
    "copying",
    "copyright",
    "notice",
    "unlicense",
];

/// What comes without a licence file beside it: its name, licence expression and text.
const OTHERS: [(&str, &str, &str); 3] = [
    (
        "The standard library of Rust",
        "MIT OR Apache-2.0",
        include_str!("../licences/rust.txt"),
    ),
    ("musl", "MIT", include_str!("../licences/musl.txt")),
    (
        "Unicode data in the standard library, unicode-width and oz",
        "Unicode-3.0",
        include_str!("../licences/unicode.txt"),
    ),
];

const OPENING: &str = "\
oz contains the following works of others. Each text is here once, below the names of the works it applies to.
";

/// One line as wide as the texts.
const RULE: &str = "==============================================================================";

/// All texts, as one page.
pub fn text(crates: &[Crate]) -> Result<Vec<u8>> {
    // Each text, and what it applies to.
    let mut texts: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut add = |text: &str, name: String| {
        texts.entry(tidy(text)).or_default().insert(name);
    };
    for one in linked(crates) {
        for text in read(one)? {
            let name = format!("{} {} ({})", one.name, one.version, one.licence);
            add(&text, name);
        }
    }
    for (name, licence, text) in OTHERS {
        add(text, format!("{name} ({licence})"));
    }
    let mut texts: Vec<(BTreeSet<String>, String)> = texts
        .into_iter()
        .map(|(text, names)| (names, text))
        .collect();
    texts.sort();
    let mut page = OPENING.to_owned();
    for (names, text) in texts {
        page.push_str(&format!("\n{RULE}\n"));
        for name in names {
            page.push_str(&format!("{name}\n"));
        }
        page.push_str(&format!("{RULE}\n\n{text}"));
    }
    Ok(page.into_bytes())
}

/// The licence of the program with all that is linked, as an SPDX expression.
pub fn expression(crates: &[Crate]) -> Vec<u8> {
    let crates = crates.iter().filter(|one| one.linked);
    let mut terms = BTreeSet::new();
    for licence in crates
        .map(|one| one.licence.as_str())
        .chain(OTHERS.map(|(_, licence, _)| licence))
    {
        if licence.contains(" OR ") {
            terms.insert(format!("({licence})"));
        } else {
            terms.extend(licence.split(" AND ").map(str::to_owned));
        }
    }
    let terms: Vec<String> = terms.into_iter().collect();
    terms.join(" AND ").into_bytes()
}

/// The crates that are linked, without the program itself.
fn linked(crates: &[Crate]) -> impl Iterator<Item = &Crate> {
    crates.iter().filter(|one| one.linked && !one.is_program())
}

/// Without the differences that line ends and blanks make.
fn tidy(text: &str) -> String {
    let lines: Vec<&str> = text.trim().lines().map(str::trim_end).collect();
    lines.join("\n") + "\n"
}

/// The texts that come with a crate, in its directory and below.
fn read(one: &Crate) -> Result<Vec<String>> {
    let mut texts = Vec::new();
    for path in files(&one.directory, false)? {
        let text = std::fs::read_to_string(&path);
        texts.push(text.map_err(|error| format!("{}: {error}", path.display()))?);
    }
    if texts.is_empty() {
        return Err(format!("{} {} comes without a licence", one.name, one.version).into());
    }
    Ok(texts)
}

/// The licence files below a directory; all files, if the directory itself has such a name.
fn files(directory: &Path, all: bool) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(directory)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let name = name.to_ascii_lowercase();
        let is_licence = FILES.iter().any(|prefix| name.starts_with(prefix));
        if path.is_dir() {
            files.extend(self::files(&path, is_licence)?);
        } else if all || is_licence && !name.ends_with(".rs") {
            files.push(path);
        }
    }
    Ok(files)
}
