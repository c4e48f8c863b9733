//! The bill of materials: CycloneDX 1.5 in JSON, with the crates, the standard library and musl.

use crate::tree::Crate;
use crate::{Result, run};
use serde_json::{Value, json};

/// The version of musl that comes with the toolchain. Of the toolchain's files only libc.a has it.
const MUSL: &str = "1.2.5";

pub fn document(crates: &[Crate], target: &str, binary: &str) -> Result<Vec<u8>> {
    let program = crates.iter().find(|one| one.is_program());
    let program = program.ok_or("every crate is published, the program too")?;
    let toolchain = [standard_library()?, musl(target)?];
    let published = crates.iter().filter(|one| !one.is_program());
    let components: Vec<Value> = published.map(component).chain(toolchain.clone()).collect();
    // The parts of the toolchain have no entry: what they depend on is not known.
    let dependencies: Vec<Value> = crates
        .iter()
        .map(|one| json!({"ref": reference(one), "dependsOn": below(one, crates, &toolchain)}))
        .collect();
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

/// The references of what a crate depends on; the toolchain's parts are the program's.
fn below(one: &Crate, all: &[Crate], toolchain: &[Value]) -> Vec<Value> {
    let crates = one
        .dependencies
        .iter()
        .map(|at| reference(&all[*at]).into());
    let parts = toolchain.iter().filter(|_| one.is_program());
    crates
        .chain(parts.map(|part| part["bom-ref"].clone()))
        .collect()
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
        "purl": format!("pkg:cargo/{}", reference(one).replace('+', "%2B")),
    })
}

/// A part that comes with the toolchain.
fn part(name: &str, version: &str, about: &str, licence: &str) -> Value {
    json!({
        "type": "library",
        "bom-ref": format!("{name}@{version}"),
        "name": name,
        "version": version,
        "description": about,
        "scope": "required",
        "licenses": [{"expression": licence}],
        "purl": format!("pkg:generic/{name}@{version}"),
    })
}

fn standard_library() -> Result<Value> {
    let said = run("rustc", &["--version"])?;
    let version = said.split(' ').nth(1).ok_or("rustc has no version")?;
    let about = "The standard library of Rust";
    let licence = "(MIT OR Apache-2.0) AND Unicode-3.0";
    Ok(part("rust-std", version, about, licence))
}

fn musl(target: &str) -> Result<Value> {
    let root = run("rustc", &["--print", "sysroot"])?;
    let path = format!("{root}/lib/rustlib/{target}/lib/self-contained/libc.a");
    let library = std::fs::read(&path).map_err(|error| format!("{path}: {error}"))?;
    let version = [b"\0", MUSL.as_bytes(), b"\0"].concat();
    if !library.windows(version.len()).any(|bytes| bytes == version) {
        let here = "tests/dist/describe/sbom.rs";
        return Err(format!("{path} is not musl {MUSL}: correct {here}").into());
    }
    let mut musl = part("musl", MUSL, "The C library", "MIT");
    musl["cpe"] = format!("cpe:2.3:a:musl-libc:musl:{MUSL}:*:*:*:*:*:*:*").into();
    Ok(musl)
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
