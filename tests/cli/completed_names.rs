//! The names of secrets as completions: real shells on a pseudo-terminal, to which a line and the tab key are typed. What
//! they run shows how the name was quoted.

use crate::server::{Scope, Server};
use crate::support::pty::Session;
use crate::support::{binary, oz, tools};
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use tempfile::TempDir;

const SHELLS: [&str; 4] = ["bash", "zsh", "fish", "elvish"];

/// Names whose characters mean something to a shell, and what is typed of each.
const NAMES: &[(&str, &str)] = &[
    ("DB_PASSWORD", "DB"),
    ("WITH SPACE", "WI"),
    ("it's", "it"),
    ("say\"hello\"", "sa"),
    ("price$HOME`id`", "pr"),
    ("back\\slash", "ba"),
    ("semi;colon&more|(x)", "se"),
    ("star*[a]?", "st"),
    ("~tilde#hash!bang", "\\~t"),
    ("grüße", "gr"),
];

/// Stands in for the program: `list` prints the names and notes how it was called; `update` and `delete` show what they
/// were given.
const FAKE: &str = r#"#!/bin/sh
case "$2" in
list) echo "$*" >>"$HOME/calls"; cat "$HOME/names"; echo "not to be seen" >&2; cat ;;
*) shift 2; for one; do printf '<<%s>>\n' "$one"; done; echo '<<<end>>>' ;;
esac
"#;

/// Runs a line. Elvish takes the first line end as a yes to a name that it had to quote; for the others the second is an
/// empty line.
const RUN: &str = "\n\n";

/// How the program is asked for names, before the words of the scope and after them.
const CALL: [&str; 2] = [
    "secret list --names",
    " --output-format text --no-input --timeout 2",
];

/// A directory with a program `bin/oz`, the names it lists, and the script of a shell.
fn workplace(shell: &str) -> TempDir {
    let directory = TempDir::new().expect("a directory");
    let path = directory.path();
    let printed = oz(&["completions", shell]).any_stdout().run();
    fs::write(path.join("script"), printed.stdout).expect("the script");
    fs::create_dir(path.join("bin")).expect("a directory");
    let program = path.join("bin/oz");
    fs::write(&program, FAKE).expect("a program");
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).expect("a mode");
    let mut names: Vec<&str> = NAMES.iter().map(|(name, _)| *name).collect();
    names.push("-dash");
    fs::write(path.join("names"), names.join("\n") + "\n").expect("the names");
    directory
}

/// A shell that is ready: its script is read, and its prompt is short.
fn start(shell: &str, directory: &Path, more: &[(String, String)]) -> Session {
    let script = directory.join("script").display().to_string();
    let (arguments, setup): (&[&str], String) = match shell {
        "bash" => (&["--norc", "-i"], format!("PS1='> '; . {script}")),
        "zsh" => (
            &["-f", "-i"],
            format!("PS1='> '; autoload -Uz compinit; compinit -u -D; . {script}"),
        ),
        "elvish" => (&["-norc"], format!("eval (slurp <{script})")),
        _ => (
            &["--no-config", "-i"],
            format!("function fish_prompt; echo '> '; end; source {script}"),
        ),
    };
    let path = std::env::var("PATH").unwrap_or_default();
    let bin = directory.join("bin").display().to_string();
    let mut variables = vec![
        ("PATH".to_owned(), format!("{bin}:{path}")),
        ("HOME".to_owned(), directory.display().to_string()),
        ("TERM".to_owned(), "xterm".to_owned()),
        ("LC_ALL".to_owned(), "C.UTF-8".to_owned()),
        // Without a place for its socket elvish starts no daemon.
        ("XDG_RUNTIME_DIR".to_owned(), "/dev/null".to_owned()),
    ];
    variables.extend_from_slice(more);
    let mut session = Session::other(shell, arguments, &variables);
    session.send(format!("{setup}; echo rea''dy\n"));
    session.expect("ready");
    session
}

/// Types a line with a tab at its end, runs it, and waits until these operands were given.
#[track_caller]
fn completed(session: &mut Session, line: &str, operands: &[&str]) {
    session.send(format!("{line}\t"));
    // A shell is given its time: a line end that comes meanwhile may end the completion.
    std::thread::sleep(std::time::Duration::from_millis(300));
    session.send(RUN);
    for operand in operands {
        session.expect(&format!("<<{operand}>>"));
    }
    session.expect("<<<end>>>");
}

fn calls(directory: &Path) -> Vec<String> {
    let calls = fs::read_to_string(directory.join("calls")).unwrap_or_default();
    let _ = fs::remove_file(directory.join("calls"));
    calls.lines().map(str::to_owned).collect()
}

fn every_name_is_quoted(shell: &str, quotes: &[&str]) {
    if !tools::have(shell) {
        return;
    }
    let directory = workplace(shell);
    let mut session = start(shell, directory.path(), &[]);
    for (name, typed) in NAMES {
        let typed = match shell {
            // There a backslash is a character like others.
            "elvish" => typed.replace('\\', "'"),
            _ => (*typed).to_owned(),
        };
        completed(&mut session, &format!("oz secret delete {typed}"), &[name]);
    }
    for quote in quotes {
        // What the shell can't quote there is not offered.
        let is_offered = |name: &str| !name.contains('!') && !name.ends_with(quote);
        for (name, typed) in NAMES.iter().filter(|(name, _)| is_offered(name)) {
            completed(
                &mut session,
                &format!("oz secret delete {quote}{typed}"),
                &[name],
            );
        }
    }
    assert!(
        calls(directory.path())
            .iter()
            .all(|call| *call == CALL.concat())
    );
    for (line, operands, scope) in [
        ("oz secret update DB", &["DB_PASSWORD"][..], ""),
        ("oz secret update -d x WI", &["-d", "x", "WITH SPACE"], ""),
        (
            "oz secret delete --team DB",
            &["--team", "DB_PASSWORD"],
            " --team",
        ),
        (
            "oz secret update --team=U-1 DB",
            &["--team=U-1", "DB_PASSWORD"],
            " --team=U-1",
        ),
        (
            "oz secret delete --personal -- DB",
            &["--personal", "--", "DB_PASSWORD"],
            " --personal",
        ),
        ("oz secret update -- it", &["--", "it's"], ""),
        ("oz secret update -- -d", &["--", "-dash"], ""),
    ] {
        completed(&mut session, line, operands);
        let call = [CALL[0], scope, CALL[1]].concat();
        assert!(calls(directory.path()).contains(&call), "{line}");
    }
    // No name is offered where none stands, and the service is not asked.
    for (line, operands) in [
        ("oz secret create DB", &["DB"][..]),
        ("oz secret update DB_PASSWORD DB", &["DB_PASSWORD", "DB"]),
        ("oz secret update -d DB", &["-d", "DB"]),
        ("oz secret delete --forc", &["--force"]),
    ] {
        completed(&mut session, line, operands);
        assert_eq!(calls(directory.path()), [""; 0], "{line}");
    }
    // Where it fails nothing is offered, and nothing said.
    fs::write(directory.path().join("names"), "").expect("no names");
    completed(&mut session, "oz secret delete DB", &["DB"]);
    assert!(!session.transcript().contains("not to be seen"));
}

#[test]
fn bash_quotes_names() {
    every_name_is_quoted("bash", &["'", "\""]);
}

#[test]
fn zsh_quotes_names() {
    every_name_is_quoted("zsh", &[]);
}

#[test]
fn fish_quotes_names() {
    every_name_is_quoted("fish", &[]);
}

#[test]
fn elvish_quotes_names() {
    every_name_is_quoted("elvish", &["'", "\""]);
}

/// The second name of a command that takes several.
#[test]
fn the_names_after_the_first_are_completed() {
    for shell in SHELLS {
        if tools::have(shell) {
            let directory = workplace(shell);
            let mut session = start(shell, directory.path(), &[]);
            let line = "oz secret delete DB_PASSWORD WI";
            completed(&mut session, line, &["DB_PASSWORD", "WITH SPACE"]);
        }
    }
}

/// The program itself is asked, with the key of the environment; without one it is silent at once.
#[test]
fn the_program_lists_the_names() {
    let server = Server::start();
    server.seed_raw(Scope::Personal, "DB_PASSWORD");
    server.seed_raw(Scope::Personal, "WITH SPACE");
    for shell in SHELLS {
        if !tools::have(shell) {
            continue;
        }
        let directory = workplace(shell);
        let program = directory.path().join("bin/oz");
        fs::remove_file(&program).expect("it was there");
        symlink(binary(), &program).expect("a link");
        for has_key in [true, false] {
            let variables: Vec<(String, String)> = server
                .env()
                .into_iter()
                .filter(|(name, _)| has_key || name != "WARP_API_KEY")
                .collect();
            let mut session = start(shell, directory.path(), &variables);
            let before = server.ops().len();
            session.send("oz secret delete --dry-run WI\t");
            std::thread::sleep(std::time::Duration::from_secs(1));
            session.send(RUN);
            if has_key {
                session.expect("Secret 'WITH SPACE' would be deleted (personal, Raw Value)");
                assert_eq!(server.ops()[before..], ["Lookup", "Lookup"], "{shell}");
            } else {
                session.expect("no API key");
                assert_eq!(server.ops().len(), before, "{shell}");
            }
        }
    }
}
