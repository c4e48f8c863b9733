//! Describes what the program is made of, for a release:
//!
//! - `describe audit TARGET`: the list of crates that scanners look for in the section `.dep-v0` of a program
//! - `describe sbom TARGET BINARY`: a bill of materials, in CycloneDX
//! - `describe licences TARGET`: the licence texts of all that is linked
//! - `describe expression TARGET`: the licences of all that is linked, as an SPDX expression
//!
//! Runs in the root of the project, and writes to standard output.

mod audit;
mod licences;
mod sbom;
mod tree;

use std::error::Error;
use std::ffi::OsStr;
use std::io::Write;
use std::process::{Command, ExitCode};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// What a program says, without the final newline.
fn run(program: impl AsRef<OsStr>, words: &[&str]) -> Result<String> {
    let program = program.as_ref();
    let output = Command::new(program).args(words).output()?;
    if !output.status.success() {
        let command = format!("{} {}", program.display(), words.join(" "));
        let reason = String::from_utf8_lossy(&output.stderr);
        return Err(format!("{command}: {}", reason.trim_end()).into());
    }
    Ok(String::from_utf8(output.stdout)?.trim_end().to_owned())
}

fn describe(words: &[&str]) -> Result<Vec<u8>> {
    match words {
        ["audit", target] => audit::section(&tree::read(target)?),
        ["sbom", target, binary] => sbom::document(&tree::read(target)?, target, binary),
        ["licences", target] => licences::text(&tree::read(target)?),
        ["expression", target] => Ok(licences::expression(&tree::read(target)?)),
        _ => Err(
            "usage: describe audit|licences|expression TARGET, or describe sbom TARGET BINARY"
                .into(),
        ),
    }
}

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let written = describe(&words).and_then(|text| Ok(std::io::stdout().write_all(&text)?));
    match written {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}
