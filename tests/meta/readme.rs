//! The README: its examples are run, and its tables compared with the program.

use crate::artefact::VERSION;
use crate::server::{Account, Server};
use crate::support::{binary, namespaces};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{SystemTime, UNIX_EPOCH};

const README: &str = include_str!("../../README.md");

/// A `$ command` and what it prints, standard error included.
#[derive(Debug)]
struct Example {
    command: String,
    output: String,
}

/// A line that no output has, after what each command prints.
const NEXT: &str = "=== next ===";

/// The blocks marked `console`, in order.
fn examples(text: &str) -> Vec<Vec<Example>> {
    let mut blocks = Vec::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        if line != "```console" {
            continue;
        }
        let mut block: Vec<Example> = Vec::new();
        for line in lines.by_ref().take_while(|line| *line != "```") {
            match line.strip_prefix("$ ") {
                Some(command) => block.push(Example {
                    command: command.to_owned(),
                    output: String::new(),
                }),
                None => {
                    let example = block.last_mut().expect("a block starts with a command");
                    example.output.push_str(line);
                    example.output.push('\n');
                }
            }
        }
        blocks.push(block);
    }
    blocks
}

#[test]
fn the_examples_do_what_they_say() {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap()
        .as_secs();
    let server = Server::builder()
        .account(Account::person())
        .clock(now.try_into().unwrap())
        .start();
    let home = tempfile::tempdir().unwrap();
    std::os::unix::fs::symlink(binary(), home.path().join("oz")).unwrap();
    let blocks = examples(README);
    assert!(blocks.len() >= 3, "the README has examples");
    for block in blocks {
        // One shell a block, so that a function defined in one line is there in the next.
        let script: String = block
            .iter()
            .map(|example| format!("{}\necho '{NEXT}'\n", example.command))
            .collect();
        let output = Command::new("/bin/sh")
            .args(["-c", &format!("exec 2>&1\n{script}")])
            .env_clear()
            .env("PATH", format!("{}:/usr/bin:/bin", home.path().display()))
            .envs(server.env())
            .current_dir(home.path())
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let expected: String = block
            .iter()
            .map(|example| format!("{}{NEXT}\n", example.output))
            .collect();
        assert_eq!(String::from_utf8(output.stdout).unwrap(), expected);
        assert!(output.status.success(), "{}", output.status);
    }
}

/// Does what the three instructions say to an empty root, and runs the entry point there.
#[test]
fn the_dockerfile_makes_an_image_that_runs() {
    let dockerfile = README
        .split("```Dockerfile\n")
        .nth(1)
        .and_then(|rest| rest.split("```").next())
        .unwrap();
    let context = tempfile::tempdir().unwrap();
    std::fs::copy(binary(), context.path().join("oz")).unwrap();
    let root = tempfile::tempdir().unwrap();
    let mut lines = dockerfile.lines();
    assert_eq!(lines.next(), Some("FROM scratch"));
    let mut entry_point: Option<Vec<String>> = None;
    for line in lines {
        match line.split_once(' ') {
            Some(("COPY", paths)) => {
                let (from, to) = paths.split_once(' ').unwrap();
                let to = root.path().join(to.strip_prefix('/').unwrap());
                std::fs::copy(context.path().join(from), to).unwrap();
            }
            Some(("ENTRYPOINT", words)) => {
                entry_point = Some(serde_json::from_str(words).unwrap());
            }
            _ => panic!("{line:?} is an instruction that this test does not know"),
        }
    }
    let Some(mut command) = namespaces::chroot(root.path()) else {
        return;
    };
    let output = command
        .args(entry_point.expect("an entry point"))
        .arg("--version")
        .env_clear()
        .output()
        .unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    assert_eq!(String::from_utf8_lossy(&output.stdout), VERSION);
    assert_eq!(output.status.code(), Some(0));
}

#[test]
fn every_security_row_names_an_existing_test() {
    let section = README.split("## Trust\n").nth(1).unwrap();
    let section = section.split("\n## ").next().unwrap();
    let mut named = 0;
    for row in section
        .lines()
        .filter(|line| line.starts_with("| ") && !line.starts_with("| ---"))
    {
        let cell = row.trim_end_matches(" |").rsplit(" | ").next().unwrap();
        for name in cell.split('`').filter_map(|word| word.split_once("::")) {
            let (module, function) = name;
            let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
            let source = ["cli", "verbs", "network", "meta"]
                .iter()
                .find_map(|topic| {
                    std::fs::read_to_string(tests.join(topic).join(format!("{module}.rs"))).ok()
                })
                .unwrap_or_else(|| panic!("{module} is no file of tests"));
            assert!(
                source.contains(&format!("#[test]\nfn {function}()")),
                "{module}::{function} is no test"
            );
            named += 1;
        }
    }
    assert!(named > 10, "the table names tests");
}
