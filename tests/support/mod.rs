//! What every black-box test uses besides the server.

// Each binary that includes this folder uses its own part of it.
#![allow(dead_code, unused_imports)]

pub mod memory;
pub mod namespaces;
pub mod opener;
pub mod peer;
pub mod pki;
pub mod port;
pub mod pty;
pub mod raw;
pub mod records;
pub mod run;
pub mod tools;

pub use run::{MARKER_KEY, MARKER_SECRET, Output, Run, binary, code, feed_until_request, oz};

use std::path::PathBuf;

/// Writes a file into a directory and returns its path.
pub fn write(dir: &tempfile::TempDir, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
    let path = dir.path().join(name);
    std::fs::write(&path, content).expect("a file in a directory of our own");
    path
}
