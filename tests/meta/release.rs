//! Building, installing and packaging: what `make` says of a machine that lacks something, what it installs, and the
//! checksums of a release. `make test-dist` tests a whole release.

use crate::artefact::VERSION;
use crate::support::{binary, tools};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

/// The checksum of `one\n`.
const ONE: &str = "2c8b08da5ce60398e1f19af0e5dccc744df274b826abe585eaba68c525434806";

/// Writes the checksums of what a folder holds, and their signature if there is a key. Returns the checksums.
pub fn write_sums(release: &Path, key: Option<&Path>) -> String {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/dist/sums.sh");
    let mut command = Command::new("sh");
    command.arg(script).arg(release).env_remove("SIGNING_KEY");
    if let Some(key) = key {
        // By a path that is relative to where make runs.
        command.current_dir(key.parent().unwrap());
        command.env("SIGNING_KEY", key.file_name().unwrap());
    }
    let output = command.output().unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    fs::read_to_string(release.join("SHA256SUMS")).unwrap()
}

/// A new key for signatures. Its public half is beside it, with the extension `pub`.
pub fn write_key(directory: &TempDir) -> PathBuf {
    let key = directory.path().join("key");
    let made = Command::new("ssh-keygen")
        .args(["-q", "-t", "ed25519", "-N", "", "-f"])
        .arg(&key)
        .status();
    assert!(made.unwrap().success());
    key
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

    let key = write_key(&directory);
    assert_eq!(write_sums(&release, Some(&key)), sums);
    // The README's commands verify it: see the tests of that page.
    assert!(release.join("SHA256SUMS.sig").exists());
}

/// Runs make where these are the only programs: its exit code, and what it says on standard error.
fn make(programs: &[&str], words: &[&str]) -> Option<(Option<i32>, String)> {
    let directory = tempfile::tempdir().unwrap();
    for program in programs {
        let path = tools::find(program)?;
        std::os::unix::fs::symlink(path, directory.path().join(program)).unwrap();
    }
    let output = Command::new(tools::find("make")?)
        .args(["--no-print-directory", "--directory"])
        .arg(env!("CARGO_MANIFEST_DIR"))
        .args(words)
        .env_clear()
        .env("PATH", directory.path())
        .output()
        .unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    Some((output.status.code(), said))
}

#[test]
fn make_says_what_is_missing() {
    const BASE: [&str; 7] = ["sh", "sed", "uname", "cut", "env", "head", "date"];
    let Some((code, said)) = make(&BASE, &["build"]) else {
        return;
    };
    assert_eq!(code, Some(2));
    let missing = "cargo is missing: install Rust 1.95 or newer, with rustup or from your distribution\nmake: ***";
    assert!(said.starts_with(missing), "{said}");
    let (code, said) = make(&[&BASE[..], &["cargo"]].concat(), &["build"]).unwrap();
    assert_eq!(code, Some(2));
    let missing = "cc is missing: install a C compiler, such as the package gcc\nmake: ***";
    assert!(said.starts_with(missing), "{said}");
}

/// `make install` where there is no cargo, as often with sudo: what `make build` has built is installed. Its exit code, and
/// what it says on standard error. `None` where the binary under test is another.
pub fn make_install(word: &str) -> Option<(Option<i32>, String)> {
    const PROGRAMS: [&str; 12] = [
        "sh", "sed", "uname", "cut", "env", "head", "date", "git", "install", "mkdir", "basename",
        "dirname",
    ];
    let built = format!(
        "target/{}-unknown-linux-musl/release/oz",
        std::env::consts::ARCH
    );
    if binary() != Path::new(env!("CARGO_MANIFEST_DIR")).join(built) {
        tools::skip_without("the binary of `make build`");
        return None;
    }
    make(&PROGRAMS, &["install", word])
}

#[test]
fn make_installs_without_cargo() {
    let root = tempfile::tempdir().unwrap();
    let destination = format!("DESTDIR={}", root.path().display());
    let Some((code, said)) = make_install(&destination) else {
        return;
    };
    assert_eq!(code, Some(0), "{said}");
    let program = root.path().join("usr/local/bin/oz");
    let output = Command::new(program).arg("--version").output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout), VERSION);
    for file in [
        "man/man1/oz-secret-import.1",
        "bash-completion/completions/oz",
        "zsh/site-functions/_oz",
        "fish/vendor_completions.d/oz.fish",
        "elvish/lib/oz.elv",
        "powershell/oz.ps1",
    ] {
        let text = fs::read_to_string(root.path().join("usr/local/share").join(file)).unwrap();
        assert!(text.len() > 500 && !text.contains("@DATE@"), "{file}");
    }
    let (code, said) = make_install("TARGET=other-machine").unwrap();
    assert_eq!(code, Some(2));
    let sentence =
        "target/other-machine/release/oz is missing: run make first, where cargo is\nmake: ***";
    assert!(said.starts_with(sentence), "{said}");
}

/// The pages as they are installed: formatters have nothing to say against them, and show the examples as they are.
#[test]
fn the_manual_pages_are_well_formed() {
    let share = tempfile::tempdir().unwrap();
    let written = Command::new("sh")
        .args([Path::new("tests/dist/share.sh"), &binary(), share.path()])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .env("SOURCE_DATE_EPOCH", "1700000000")
        .status();
    assert!(written.unwrap().success());
    let (Some(mandoc), Some(man)) = (tools::find("mandoc"), tools::find("man")) else {
        return;
    };
    for (name, page) in oz::manual_pages() {
        let path = share.path().join("man/man1").join(name);
        let lint = Command::new(&mandoc)
            .args(["-Tlint", "-Wwarning"])
            .arg(&path)
            .output();
        assert_eq!(String::from_utf8_lossy(&lint.unwrap().stdout), "");
        let formatted = Command::new(&man)
            .args(["--warnings", "--local-file"])
            .arg(&path)
            .env_clear()
            .envs([
                ("PATH", "/usr/bin:/bin"),
                ("MANWIDTH", "100"),
                ("LC_ALL", "C"),
            ])
            .output()
            .unwrap();
        assert_eq!(String::from_utf8_lossy(&formatted.stderr), "");
        let text = String::from_utf8_lossy(&formatted.stdout).into_owned();
        assert!(text.contains("2023-11-14"), "{text}");
        // Lines after the comment of an example.
        for line in page.lines().filter(|line| line.starts_with("oz secret ")) {
            let line = line
                .replace("\\-", "-")
                .replace("\\(aq", "'")
                .replace("\\e", "\\");
            assert!(text.contains(&line), "{line}");
        }
    }
    let found = Command::new(&man)
        .args([
            "-M",
            &share.path().join("man").display().to_string(),
            "-w",
            "oz-secret-import",
        ])
        .output();
    assert!(found.unwrap().status.success());
}
