//! Building and packaging: what `make` says of a machine that lacks something, and the checksums of a release.

use crate::support::tools;
use std::fs::{self, File};
use std::path::Path;
use std::process::{Command, Output};

/// The checksum of `one\n`.
const ONE: &str = "2c8b08da5ce60398e1f19af0e5dccc744df274b826abe585eaba68c525434806";

fn write_sums(release: &Path, key: Option<&Path>) -> String {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/dist/sums.sh");
    let mut command = Command::new("sh");
    command.arg(script).arg(release).env_remove("SIGNING_KEY");
    let output = command.envs(key.map(|key| ("SIGNING_KEY", key))).output();
    let output = output.unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    fs::read_to_string(release.join("SHA256SUMS")).unwrap()
}

/// What the README tells a user to do.
fn verify(directory: &Path) -> Output {
    let sums = File::open(directory.join("release/SHA256SUMS")).unwrap();
    Command::new("ssh-keygen")
        .args(["-Y", "verify", "-f", "allowed_signers", "-I", "oz-release"])
        .args(["-n", "oz-release", "-s", "release/SHA256SUMS.sig"])
        .current_dir(directory)
        .stdin(sums)
        .output()
        .unwrap()
}

#[test]
fn checksums_are_signed_with_an_ssh_key() {
    if !tools::have("ssh-keygen") {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let release = directory.path().join("release");
    fs::create_dir(&release).unwrap();
    fs::write(release.join("oz-1.tar.gz"), "one\n").unwrap();
    let sums = format!("{ONE}  oz-1.tar.gz\n");
    assert_eq!(write_sums(&release, None), sums);
    assert!(!release.join("SHA256SUMS.sig").exists());

    let key = directory.path().join("key");
    let made = Command::new("ssh-keygen")
        .args(["-q", "-t", "ed25519", "-N", "", "-f"])
        .arg(&key)
        .status();
    assert!(made.unwrap().success());
    assert_eq!(write_sums(&release, Some(&key)), sums);
    let public = fs::read_to_string(key.with_extension("pub")).unwrap();
    let signers = format!("oz-release {public}");
    fs::write(directory.path().join("allowed_signers"), signers).unwrap();
    let verified = verify(directory.path());
    assert!(verified.status.success());
    let said = String::from_utf8_lossy(&verified.stdout).into_owned();
    assert!(
        said.starts_with("Good \"oz-release\" signature for oz-release with ED25519 key"),
        "{said}"
    );

    fs::write(release.join("SHA256SUMS"), sums.replace('2', "3")).unwrap();
    assert!(!verify(directory.path()).status.success());
}

/// What `make build` says where these are the only programs.
fn make_with(programs: &[&str]) -> Option<String> {
    let directory = tempfile::tempdir().unwrap();
    for program in programs {
        let path = tools::find(program)?;
        std::os::unix::fs::symlink(path, directory.path().join(program)).unwrap();
    }
    let output = Command::new(tools::find("make")?)
        .args(["--no-print-directory", "build", "--directory"])
        .arg(env!("CARGO_MANIFEST_DIR"))
        .env_clear()
        .env("PATH", directory.path())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    Some(String::from_utf8(output.stderr).unwrap())
}

#[test]
fn make_says_what_is_missing() {
    const BASE: [&str; 6] = ["sh", "sed", "uname", "cut", "env", "head"];
    let Some(said) = make_with(&BASE) else { return };
    let missing = "cargo is missing: install Rust 1.95 or newer, with rustup or from your distribution\nmake: ***";
    assert!(said.starts_with(missing), "{said}");
    let Some(said) = make_with(&[&BASE[..], &["cargo"]].concat()) else {
        return;
    };
    let missing = "cc is missing: install a C compiler, such as the package gcc\nmake: ***";
    assert!(said.starts_with(missing), "{said}");
}
