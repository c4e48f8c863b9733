//! The bill of materials: CycloneDX 1.5 in JSON, with the crates, the standard library and musl.

use crate::Result;
use crate::tree::Crate;
use serde_json::{Value, json};
use std::process::Command;

/// The version of musl that comes with the toolchain, which says it nowhere but in the library.
const MUSL: &str = "1.2.5";

pub fn document(crates: &[Crate], target: &str, binary: &str) -> Result<Vec<u8>> {
    let program = crates.iter().find(|one| one.checksum.is_none());
    let program = program.ok_or("every crate is published, the program too")?;
    let mut components: Vec<Value> = crates
        .iter()
        .filter(|one| one.checksum.is_some())
        .map(component)
        .collect();
    let mut dependencies: Vec<Value> = crates
        .iter()
        .map(|one| json!({"ref": reference(one), "dependsOn": below(one, crates)}))
        .collect();
    for part in [standard_library()?, musl(target)?] {
        // Without an entry of its own, a component counts as one whose dependencies are not known.
        dependencies.push(json!({"ref": part["bom-ref"], "dependsOn": []}));
        components.push(part);
    }
    let document = json!({
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {
            "timestamp": date()?,
            "component": {
                "type": "application",
                "bom-ref": reference(program),
                "name": program.name,
                "version": program.version,
                "description": program.about,
                "licenses": [{"expression": program.licence}],
                "hashes": [{"alg": "SHA-256", "content": sha256(binary)?}],
                "properties": [{"name": "cdx:rustc:sbom:target:triple", "value": target}],
            },
        },
        "components": components,
        "dependencies": dependencies,
    });
    let mut text = serde_json::to_vec_pretty(&document)?;
    text.push(b'\n');
    Ok(text)
}

fn reference(one: &Crate) -> String {
    format!("{}@{}", one.name, one.version)
}

/// The references of what a crate depends on.
fn below(one: &Crate, all: &[Crate]) -> Vec<String> {
    let mut references: Vec<String> = one
        .dependencies
        .iter()
        .map(|at| reference(&all[*at]))
        .collect();
    if one.checksum.is_none() {
        references.extend([format!("musl@{MUSL}")]);
    }
    references
}

fn component(one: &Crate) -> Value {
    json!({
        "type": "library",
        "bom-ref": reference(one),
        "name": one.name,
        "version": one.version,
        "description": one.about,
        // What only the build needs is not in the program.
        "scope": if one.linked { "required" } else { "excluded" },
        "licenses": [{"expression": one.licence}],
        "hashes": [{"alg": "SHA-256", "content": one.checksum}],
        "purl": format!("pkg:cargo/{}", reference(one)),
    })
}

fn standard_library() -> Result<Value> {
    let said = run("rustc", &["--version"])?;
    let version = said.split(' ').nth(1).ok_or("rustc has no version")?;
    Ok(json!({
        "type": "library",
        "bom-ref": format!("rust-std@{version}"),
        "name": "rust-std",
        "version": version,
        "description": "The standard library of Rust",
        "scope": "required",
        "licenses": [{"expression": "MIT OR Apache-2.0"}],
        "purl": format!("pkg:generic/rust-std@{version}"),
    }))
}

fn musl(target: &str) -> Result<Value> {
    let root = run("rustc", &["--print", "sysroot"])?;
    let path = format!("{root}/lib/rustlib/{target}/lib/self-contained/libc.a");
    let library = std::fs::read(&path).map_err(|error| format!("{path}: {error}"))?;
    let version = [b"\0", MUSL.as_bytes(), b"\0"].concat();
    if !library.windows(version.len()).any(|bytes| bytes == version) {
        return Err(
            format!("{path} is not musl {MUSL}: correct tests/dist/describe/sbom.rs").into(),
        );
    }
    Ok(json!({
        "type": "library",
        "bom-ref": format!("musl@{MUSL}"),
        "name": "musl",
        "version": MUSL,
        "description": "The C library",
        "scope": "required",
        "licenses": [{"expression": "MIT"}],
        "cpe": format!("cpe:2.3:a:musl-libc:musl:{MUSL}:*:*:*:*:*:*:*"),
        "purl": format!("pkg:generic/musl@{MUSL}"),
    }))
}

/// The time of the commit, in the spelling of RFC 3339.
fn date() -> Result<String> {
    let epoch = std::env::var("SOURCE_DATE_EPOCH")?;
    run(
        "date",
        &["-u", "-d", &format!("@{epoch}"), "+%Y-%m-%dT%H:%M:%SZ"],
    )
}

fn sha256(path: &str) -> Result<String> {
    let said = run("sha256sum", &["--", path])?;
    Ok(said.split(' ').next().unwrap_or_default().to_owned())
}

/// What a program says, without the final newline.
fn run(program: &str, words: &[&str]) -> Result<String> {
    let output = Command::new(program).args(words).output()?;
    if !output.status.success() {
        return Err(format!("{program}: {}", String::from_utf8_lossy(&output.stderr)).into());
    }
    Ok(String::from_utf8(output.stdout)?.trim_end().to_owned())
}
