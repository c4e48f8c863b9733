//! Owns the README's promises: its examples are run, its tables are compared with the program.

use crate::server::{Account, Server};
use crate::support::binary;
use oz::cli::{options, table};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{SystemTime, UNIX_EPOCH};

const README: &str = include_str!("../README.md");

/// A `$ command` and what it prints, standard error included.
#[derive(Debug)]
struct Example {
    command: String,
    output: String,
}

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
        // One shell a block, so that a function defined in one line is there in the next; a line of its own, which no
        // output has, separates what the commands print.
        let script: String = block
            .iter()
            .map(|example| format!("{}\necho '=== next ==='\n", example.command))
            .collect();
        let output = Command::new("bash")
            .args(["-c", &format!("exec 2>&1\n{script}")])
            .env_clear()
            .env("PATH", format!("{}:/usr/bin:/bin", home.path().display()))
            .envs(server.env())
            .current_dir(home.path())
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let printed = String::from_utf8(output.stdout).unwrap();
        let pieces: Vec<&str> = printed.split("=== next ===\n").collect();
        for (example, piece) in block.iter().zip(pieces) {
            assert_eq!(piece, example.output, "$ {}", example.command);
        }
    }
}

/// The first cells of the table under a heading, without back-quotes.
fn first_cells(heading: &str) -> Vec<String> {
    let section = README
        .split(heading)
        .nth(1)
        .unwrap_or_else(|| panic!("{heading:?} is a heading"));
    let rows = section
        .lines()
        .skip_while(|line| !line.starts_with("| ---"))
        .skip(1);
    rows.take_while(|line| line.starts_with('|'))
        .map(|line| line.split('|').nth(1).unwrap().trim().replace('`', ""))
        .collect()
}

#[test]
fn the_exit_codes_are_those_of_the_program() {
    let codes: Vec<u8> = table::EXITS.iter().map(|(code, _)| *code).collect();
    let written: Vec<u8> = first_cells("## Exit codes\n")
        .iter()
        .flat_map(|cell| {
            cell.split(", ")
                .map(|code| code.parse().unwrap())
                .collect::<Vec<u8>>()
        })
        .collect();
    assert_eq!(written, codes);
}

#[test]
fn every_option_and_variable_is_explained() {
    for option in &options::OPTIONS {
        let flag = option.long;
        assert!(README.contains(flag), "the README does not explain {flag}");
        if let Some(variable) = option.variable {
            assert!(
                first_cells("## Environment\n")
                    .iter()
                    .any(|cell| cell.contains(variable)),
                "{variable}"
            );
        }
    }
}

#[test]
fn the_dockerfile_is_three_lines() {
    let dockerfile = README
        .split("```Dockerfile\n")
        .nth(1)
        .and_then(|rest| rest.split("```").next())
        .unwrap();
    assert_eq!(dockerfile.lines().count(), 3);
    assert!(dockerfile.starts_with("FROM scratch\n"));
}

#[test]
fn every_defence_names_a_test_that_exists() {
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
            let path = Path::new(env!("CARGO_MANIFEST_DIR"))
                .join("tests")
                .join(module)
                .with_extension("rs");
            let source = std::fs::read_to_string(&path).unwrap();
            assert!(
                source.contains(&format!("#[test]\nfn {function}()")),
                "{module}::{function} is no test"
            );
            named += 1;
        }
    }
    assert!(named > 10, "the table names tests");
}
