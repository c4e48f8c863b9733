//! Both formats of an import accept nothing that another parser reads otherwise, and a refusal holds nothing of the file
//! but JSON names.

use crate::env::Environment;
use crate::error::{Error, ErrorKind};
use crate::request::{FileOrStdin, ImportFormat};
use crate::value::import::ImportFile;
use crate::value::{Io, read_import};
use serde_json::Value;
use std::time::Duration;

fn read(text: &[u8], format: ImportFormat, skip_empty: bool) -> Result<ImportFile, Error> {
    let env = Environment::new(|_| None);
    let mut stdin = text;
    let mut io = Io {
        stdin: &mut stdin,
        stdin_is_terminal: false,
        env: &env,
        timeout: Duration::ZERO,
    };
    read_import(&FileOrStdin::Stdin, format, skip_empty, &mut io)
}

// The first byte: the format, and whether empty values are skipped.
pub fn run(data: &[u8]) {
    let Some((&how, text)) = data.split_first() else {
        return;
    };
    let skip_empty = how & 2 != 0;
    let format = match how & 1 {
        0 => ImportFormat::Env,
        _ => ImportFormat::Json,
    };
    let result = read(text, format, skip_empty);
    match &result {
        Ok(import) => {
            assert!(skip_empty || import.empty.is_empty());
            for (name, value) in pairs(import) {
                assert!(!name.is_empty() && !value.is_empty() && !value.contains('\0'));
            }
        }
        Err(error) => refused(error, format),
    }
    match format {
        ImportFormat::Env => env(text, result.ok()),
        ImportFormat::Json => json(text, result.ok()),
    }
}

fn pairs(import: &ImportFile) -> impl Iterator<Item = (&str, &str)> {
    import.entries.iter().map(|entry| {
        let value = str::from_utf8(entry.value.expose()).unwrap();
        (entry.name.as_str(), value)
    })
}

fn env(text: &[u8], import: Option<ImportFile>) {
    let Some(import) = import else {
        return;
    };
    let text = text.strip_prefix("\u{feff}".as_bytes()).unwrap_or(text);
    let empty = import.empty.iter().map(|name| (name.as_str(), ""));
    let mut ours: Vec<_> = pairs(&import).chain(empty).collect();
    ours.sort_unstable();
    // It refuses blanks at the end of a file.
    let text = [text, b"\n"].concat();
    let theirs: Result<Vec<(String, String)>, _> = dotenvy::from_read_iter(&*text).collect();
    let mut theirs = theirs.unwrap();
    theirs.sort_unstable();
    let theirs: Vec<_> = theirs
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    assert_eq!(ours, theirs);
    // What was read can be written.
    let mut written = String::from("\u{feff}");
    for (name, value) in &ours {
        let quote = if value.contains('\'') { '"' } else { '\'' };
        written += &format!(" export {name}={quote}{value}{quote}\r\n");
    }
    let read = read(written.as_bytes(), ImportFormat::Env, true);
    assert!(pairs(&read.ok().unwrap()).eq(ours.into_iter().filter(|(_, value)| !value.is_empty())));
}

fn json(text: &[u8], import: Option<ImportFile>) {
    let text = text.strip_prefix("\u{feff}".as_bytes()).unwrap_or(text);
    let theirs = serde_json::from_slice::<Value>(text);
    match import {
        Some(import) => {
            let theirs = theirs.unwrap();
            let members = theirs.as_object().unwrap();
            assert_eq!(members.len(), import.entries.len() + import.empty.len());
            for (name, value) in pairs(&import) {
                assert_eq!(members[name], value);
            }
            for name in import.empty {
                assert_eq!(members[name.as_str()], "");
            }
        }
        None => {
            // What is refused has a problem: serde_json keeps the last of duplicate names, so those are not seen here.
            let has_problem = |(name, value): (&String, &Value)| {
                name.is_empty()
                    || name.contains(|c: char| c == '=' || c.is_control())
                    || value
                        .as_str()
                        .is_none_or(|value| value.is_empty() || value.contains('\0'))
            };
            if let Ok(Value::Object(members)) = theirs {
                let quotes = text.iter().filter(|byte| **byte == b'"').count();
                let is_whole = quotes <= 4 * members.len();
                assert!(
                    members.is_empty() || !is_whole || members.iter().any(has_problem),
                    "refused"
                );
            }
        }
    }
}

/// A refusal is words of our own and numbers, apart from JSON names.
fn refused(error: &Error, format: ImportFormat) {
    assert_eq!(error.kind, ErrorKind::InvalidData);
    assert!(error.causes.len() <= 21);
    for line in &error.causes {
        assert!(!line.chars().any(char::is_control), "{line:?}");
        if let ImportFormat::Env = format {
            assert!(line.is_ascii() && line.len() < 300, "{line:?}");
        }
    }
}
