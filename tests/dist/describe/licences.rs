//! The licence texts of all that is linked: the crates, the data of the built-in roots, the standard library and musl.

use crate::Result;
use crate::tree::Crate;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// A crate that only the build needs, whose data is in the program all the same.
const DATA: &str = "webpki-roots";

/// How the names of files begin that a licence asks to be passed on.
const FILES: [&str; 6] = [
    "license",
    "licence",
    "copying",
    "copyright",
    "notice",
    "unlicense",
];

/// What the toolchain brings without a licence in a known place.
const TOOLCHAIN: [(&str, &str); 2] = [
    (
        "The standard library of Rust (MIT OR Apache-2.0)",
        include_str!("../licences/rust.txt"),
    ),
    ("musl (MIT)", include_str!("../licences/musl.txt")),
];

const OPENING: &str = "\
oz contains the following works of others. Each text is here once, below the names of those it is for.
";

/// One line as wide as the texts.
const RULE: &str = "==============================================================================";

pub fn text(crates: &[Crate]) -> Result<Vec<u8>> {
    // Each text, and what it is for.
    let mut texts: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut add = |text: &str, name: String| {
        texts.entry(tidy(text)).or_default().insert(name);
    };
    let linked = crates.iter().filter(|one| one.linked || one.name == DATA);
    for one in linked.filter(|one| one.checksum.is_some()) {
        for text in read(one)? {
            add(
                &text,
                format!("{} {} ({})", one.name, one.version, one.licence),
            );
        }
    }
    for (name, text) in TOOLCHAIN {
        add(text, name.to_owned());
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

/// Without the differences that line ends and blanks make.
fn tidy(text: &str) -> String {
    let lines: Vec<&str> = text.trim().lines().map(str::trim_end).collect();
    lines.join("\n") + "\n"
}

/// The texts that come with a crate, in its directory and below.
fn read(one: &Crate) -> Result<Vec<String>> {
    let mut texts = Vec::new();
    for path in files(&one.directory)? {
        texts.push(std::fs::read_to_string(path)?);
    }
    if texts.is_empty() {
        return Err(format!("{} {} comes without a licence", one.name, one.version).into());
    }
    Ok(texts)
}

fn files(directory: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(directory)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let name = name.to_ascii_lowercase();
        if path.is_dir() {
            files.extend(self::files(&path)?);
        } else if FILES.iter().any(|start| name.starts_with(start)) {
            files.push(path);
        }
    }
    Ok(files)
}
