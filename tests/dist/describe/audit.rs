//! The section `.dep-v0`: JSON in the format of `cargo auditable`, compressed with zlib.
//!
//! `cargo auditable` itself takes the list from `cargo metadata`, and names crates that are not linked.

use crate::Result;
use crate::tree::Crate;
use auditable_serde::{DependencyKind, Package, Source, VersionInfo};
use miniz_oxide::deflate::compress_to_vec_zlib;

/// The best level; the list is a few kilobytes.
const LEVEL: u8 = 10;

pub fn section(crates: &[Crate]) -> Result<Vec<u8>> {
    let packages: Result<Vec<Package>> = crates.iter().map(package).collect();
    // Revision 1: macros count as dependencies of the build.
    let list = VersionInfo {
        packages: packages?,
        format: 1,
    };
    Ok(compress_to_vec_zlib(&serde_json::to_vec(&list)?, LEVEL))
}

fn package(one: &Crate) -> Result<Package> {
    Ok(Package {
        name: one.name.clone(),
        version: semver::Version::parse(&one.version)?,
        source: if one.is_program() {
            Source::Local
        } else {
            Source::CratesIo
        },
        kind: if one.linked {
            DependencyKind::Runtime
        } else {
            DependencyKind::Build
        },
        dependencies: one.dependencies.iter().copied().collect(),
        root: one.is_program(),
    })
}
