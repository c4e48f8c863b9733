//! The script of `make demo`, which checks the exit code of every step, the picture of what it prints, and the
//! `local-server` example.

use crate::support::{Run, binary, oz, tools};
use std::io::{BufRead, BufReader};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use tempfile::TempDir;

/// The `local-server` example, which `cargo test` builds as well. `None` if only the tests were built; the test is then
/// recorded as skipped.
///
/// # Panics
/// When it is absent and `OZ_REQUIRE_TOOLS=1`.
fn local_server() -> Option<PathBuf> {
    let tests = std::env::current_exe().expect("a path of our own");
    let path = tests.parent()?.parent()?.join("examples/local-server");
    if path.is_file() {
        return Some(path);
    }
    tools::skip_without("the local-server example");
    None
}

/// Runs the demo; fails if it leaves a file or a listening server behind.
fn run_demo(program: &Path, server: &Path) -> Output {
    let temporary = TempDir::new().expect("a directory");
    let output = Command::new("/bin/sh")
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/demo.sh"))
        .args([program, server])
        .env_clear()
        .env("PATH", "/usr/local/bin:/usr/bin:/bin")
        .env("TMPDIR", temporary.path())
        .output()
        .expect("a shell");
    let left: Vec<_> = temporary.path().read_dir().expect("it is there").collect();
    assert!(left.is_empty(), "left behind: {left:?}");
    let stdout = String::from_utf8_lossy(&output.stdout);
    let root = stdout
        .lines()
        .find_map(|line| line.strip_prefix("$ export WARP_SERVER_ROOT_URL=https://"))
        .unwrap_or_else(|| panic!("no server: {output:?}"));
    assert!(TcpStream::connect(root).is_err(), "{root} still listens");
    output
}

#[test]
fn the_demo_shows_every_verb() {
    let Some(server) = local_server() else { return };
    let output = run_demo(&binary(), &server);
    let stdout = String::from_utf8_lossy(&output.stdout);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{stdout}\n{stderr}");
    let mut lines = stdout.lines();
    for expected in [
        "$ printf %s 'correct horse' | oz secret create DB_PASSWORD -d 'Main database'",
        "Secret 'DB_PASSWORD' created",
        "$ oz secret create SETTINGS -f settings.json",
        "Secret 'SETTINGS' created",
        "Secret 'CLAUDE_KEY' created",
        "$ oz secret list",
        "$ oz secret list --output-format json",
        "$ oz secret import .env",
        "Secret 'API_TOKEN' created",
        "$ oz secret import unclear.env",
        "(exit code 65)",
        "Secret 'GREETING' updated",
        "Secret 'DB_PASSWORD' updated",
        "$ printf %s 'other' | oz secret create DB_PASSWORD",
        "(exit code 5)",
        "$ oz secret delete SETTINGS --force",
        "Secret 'SETTINGS' deleted",
        "$ oz secret list",
        "  connection 1: Lookup",
        "  connection 1: CreateManagedSecret, personal, 'DB_PASSWORD': opened 25 bytes",
    ] {
        assert!(
            lines.any(|line| line == expected),
            "no {expected:?} in its place:\n{stdout}"
        );
    }
    assert!(stdout.ends_with(&format!(
        "  WARP_API_KEY=… {} secret list\n",
        binary().display()
    )));
    let errors: Vec<_> = stderr
        .lines()
        .filter(|line| line.starts_with("error: "))
        .collect();
    assert_eq!(errors.len(), 2, "{stderr}");
}

#[test]
fn a_demo_that_fails_cleans_up() {
    let Some(server) = local_server() else { return };
    let output = run_demo(Path::new("/bin/true"), &server);
    assert_eq!(output.status.code(), Some(1));
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(stderr, "demo: exit code 0, expected 65\n");
}

#[test]
fn the_picture_shows_what_the_demo_prints() {
    let Some(server) = local_server() else { return };
    let drawn = Command::new("/bin/sh")
        .args([
            "-c",
            "sh tests/demo.sh \"$1\" \"$2\" 2>&1 | sh tests/picture.sh",
            "sh",
        ])
        .args([&binary(), &server])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .env_clear()
        .env("PATH", "/usr/local/bin:/usr/bin:/bin")
        .output()
        .expect("a shell");
    let picture = Path::new(env!("CARGO_MANIFEST_DIR")).join(".github/demo.svg");
    let committed = std::fs::read_to_string(picture).unwrap();
    assert!(
        String::from_utf8_lossy(&drawn.stdout) == committed,
        ".github/demo.svg is not what the demo prints: run `make picture`"
    );
}

/// A local server that misbehaves, until it is dropped.
struct Misbehaving {
    child: std::process::Child,
    directory: tempfile::TempDir,
    root: String,
}

impl Misbehaving {
    fn start(server: &Path, how: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let mut child = Command::new(server)
            .args(["--misbehave", how, "--dir"])
            .arg(directory.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().unwrap())
            .read_line(&mut line)
            .unwrap();
        let root = line.trim_end().strip_prefix("READY ").unwrap().to_owned();
        Self {
            child,
            directory,
            root,
        }
    }

    fn oz(&self, args: &[&str]) -> Run<'static> {
        oz(args)
            .env("WARP_API_KEY", "wk-demo")
            .env("WARP_SERVER_ROOT_URL", &self.root)
            .env("SSL_CERT_FILE", self.directory.path().join("ca.pem"))
            .stdin("x")
    }
}

impl Drop for Misbehaving {
    fn drop(&mut self) {
        // It ends with its standard input.
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}

#[test]
fn the_local_server_misbehaves_as_told() {
    let Some(server) = local_server() else { return };
    let lost = "note: the service's answer was lost; asked again, the secret was created\n";
    let gateway = Misbehaving::start(&server, "gateway");
    gateway
        .oz(&["secret", "create", "N"])
        .stdout("Secret 'N' created\n")
        .stderr(lost)
        .run();
    let race = Misbehaving::start(&server, "race");
    race.oz(&["secret", "create", "N", "--if-exists", "skip"])
        .stdout("Secret 'N' already exists, unchanged\n")
        .run();
    race.oz(&["secret", "delete", "N", "--force", "--ignore-missing"])
        .stdout("Secret 'N' does not exist, nothing deleted\n")
        .run();
    let lag = Misbehaving::start(&server, "lag");
    lag.oz(&["secret", "create", "N"])
        .stdout("Secret 'N' created\n")
        .run();
    lag.oz(&["secret", "list", "--output-format", "json"])
        .stdout("[]\n")
        .run();
    lag.oz(&["secret", "delete", "N", "--force"])
        .stdout("Secret 'N' deleted\n")
        .run();
}
