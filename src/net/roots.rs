//! The build script: writes the roots of webpki-roots as one run of bytes. An array of slices would be 8 kB larger, and
//! its addresses would take 8,000 instructions at every start.
//!
//! Each root is three parts, each with its length in two bytes before it: subject, public key, and name constraints, or
//! nothing where there are none.

// Cargo reads what a build script prints.
#![allow(clippy::print_stdout)]

use std::error::Error;
use std::path::PathBuf;

fn main() -> Result<(), Box<dyn Error>> {
    let mut bytes = Vec::new();
    for root in webpki_roots::TLS_SERVER_ROOTS {
        let constraints = root.name_constraints.as_deref().unwrap_or_default();
        for part in [&root.subject, &root.subject_public_key_info, constraints] {
            bytes.extend(u16::try_from(part.len())?.to_be_bytes());
            bytes.extend_from_slice(part);
        }
    }
    let directory = std::env::var_os("OUT_DIR").ok_or("cargo runs this")?;
    std::fs::write(PathBuf::from(directory).join("roots"), bytes)?;
    println!("cargo::rerun-if-changed=src/net/roots.rs");
    Ok(())
}
