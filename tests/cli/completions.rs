//! Completion scripts, run in the real shells.

use crate::support::pty::Session;
use crate::support::{binary, oz, tools};
use std::path::Path;
use std::process::Command;
use tempfile::TempDir;

/// The words of a line, the last one being completed, and what is offered for it, sorted.
const LINES: &[(&[&str], &[&str])] = &[
    (&[""], &["completions", "help", "secret", "whoami"]),
    (&["se"], &["secret"]),
    (
        &["secret", ""],
        &["create", "delete", "import", "list", "update"],
    ),
    (
        &["--debug", "secret", "create", ""],
        &["anthropic", "codex", "docker-registry"],
    ),
    (
        &["secret", "create", "--team", "claude", ""],
        &["api-key", "bedrock-access-key", "bedrock-api-key"],
    ),
    (
        &["secret", "create", "-d", "text", "openai", ""],
        &["api-key"],
    ),
    (&["secret", "create", "NAME", ""], &[]),
    (&["secret", "create", "--", ""], &[]),
    (
        &["secret", "create", "-t", ""],
        &["anthropic-api-key", "raw-value"],
    ),
    (&["secret", "create", "--if-exists", "s"], &["skip"]),
    (&["secret", "create", "-d", ""], &[]),
    (&["secret", "delete", "NAME", "--f"], &["--force"]),
    (&["secret", "delete", "--force", "--forc"], &[]),
    (&["secret", "list", "--te"], &["--team"]),
    (&["secret", "list", "--na"], &["--names"]),
    (&["who"], &["whoami"]),
    (
        &["secret", "update", "NAME", "--pass"],
        &["--password", "--password-file"],
    ),
    (
        &["--output-format", ""],
        &["json", "ndjson", "pretty", "text"],
    ),
    (&["secret", "create", "-f", "fil"], &["file.txt"]),
    (&["--ca-file", "fil"], &["file.txt"]),
    (&["help", "secret", "up"], &["update"]),
    (
        &["completions", ""],
        &["bash", "elvish", "fish", "powershell", "zsh"],
    ),
];

/// Values attached to their options, for shells whose offers are whole words.
const ATTACHED: &[(&[&str], &[&str])] = &[
    (&["secret", "create", "--type=r"], &["--type=raw-value"]),
    (&["--ca-file=fil"], &["--ca-file=file.txt"]),
];

/// A directory with the script as `script` and a file to complete, in which the shells run.
fn workplace(shell: &str) -> TempDir {
    let printed = oz(&["completions", shell]).any_stdout().run();
    let directory = TempDir::new().expect("a temporary directory");
    std::fs::write(directory.path().join("script"), printed.stdout).expect("the script");
    std::fs::write(directory.path().join("file.txt"), "").expect("a file");
    directory
}

/// Runs a shell without the user's configuration, and returns the lines of its output.
fn run(shell: &str, arguments: &[&str], directory: &Path) -> Vec<String> {
    let output = Command::new(shell)
        .args(arguments)
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("HOME", directory)
        .env("TERM", "dumb")
        .env("LC_ALL", "C")
        .current_dir(directory)
        .output()
        .unwrap_or_else(|error| panic!("{shell} has to be installed for this test: {error}"));
    assert!(
        output.status.success() && output.stderr.is_empty(),
        "{shell} {arguments:?}: {} {}",
        output.status,
        String::from_utf8_lossy(&output.stderr)
    );
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    text.lines()
        .map(|line| line.trim_end().to_owned())
        .collect()
}

fn sorted(mut offers: Vec<String>) -> Vec<String> {
    offers.retain(|offer| !offer.is_empty());
    offers.sort();
    offers
}

#[test]
fn bash_completes() {
    if !tools::have("bash") {
        return;
    }
    const DRIVER: &str = "source ./script || exit; COMP_WORDS=(oz \"$@\"); COMP_CWORD=$#; \
                          _oz; printf '%s\\n' \"${COMPREPLY[@]}\"";
    let directory = workplace("bash");
    let complete = |words: &[&str]| {
        let arguments = [&["--norc", "-c", DRIVER, "bash"], words].concat();
        sorted(run("bash", &arguments, directory.path()))
    };
    for (words, offers) in LINES {
        assert_eq!(complete(words), *offers, "{words:?}");
    }
    // Readline cuts words at `=` and `:`.
    for (words, offers) in [
        (
            &["secret", "create", "--type", "=", "r"][..],
            &["raw-value"][..],
        ),
        (
            &["--output-format", "="],
            &["json", "ndjson", "pretty", "text"],
        ),
        (
            &["--server-root-url", "https", ":", "//host", "se"],
            &["secret"],
        ),
        (
            &["secret", "create", "--team", "=", "uid", "co"],
            &["codex"],
        ),
    ] {
        assert_eq!(complete(words), offers, "{words:?}");
    }
}

#[test]
fn fish_completes() {
    if !tools::have("fish") {
        return;
    }
    const DRIVER: &str = "source ./script; complete -C $argv[1]";
    let directory = workplace("fish");
    let complete = |words: &[&str]| {
        let line = format!("oz {}", words.join(" "));
        let offers = run(
            "fish",
            &["--no-config", "-c", DRIVER, &line],
            directory.path(),
        );
        // A tab, and the description.
        sorted(
            offers
                .iter()
                .map(|offer| offer.split('\t').next().unwrap_or("").to_owned())
                .collect(),
        )
    };
    for (words, offers) in LINES.iter().chain(ATTACHED) {
        assert_eq!(complete(words), *offers, "{words:?}");
    }
}

/// A zsh on a pseudo-terminal types the line and the tab key; each match that the completion system adds is printed
/// between angle brackets instead of being shown.
#[test]
fn zsh_completes() {
    if !tools::have("zsh") {
        return;
    }
    const DRIVER: &str = r#"
        zmodload zsh/zpty
        zpty inner zsh -f -i
        zpty -w inner 'PS1=; autoload -Uz compinit; compinit -u -D; source ./script
            compadd() {
                local -a hits
                if [[ " $* " == *\ -[OAD]\ * ]]; then builtin compadd "$@"; return; fi
                builtin compadd -O hits "$@"
                (( $#hits )) && print -l -- "<"${^hits}">"
            }
            finish() { print "<do""ne>"; exit }
            comppostfuncs=(finish)
            print "<rea""dy>"'
        while zpty -r inner line; do [[ $line == *'<ready>'* ]] && break; done
        zpty -w -n inner "$1"$'\t'
        while zpty -r inner line; do print -r -- $line; [[ $line == *'<done>'* ]] && break; done"#;
    let directory = workplace("zsh");
    let complete = |words: &[&str]| {
        let line = format!("oz {}", words.join(" "));
        let lines = run("zsh", &["-f", "-c", DRIVER, "zsh", &line], directory.path());
        assert!(
            lines.iter().any(|line| line.contains("<done>")),
            "{lines:?}"
        );
        let hits = lines.iter().flat_map(|line| line.split('<').skip(1));
        let mut offers: Vec<String> = hits
            .filter_map(|hit| Some(hit.split_once('>')?.0.to_owned()))
            .filter(|hit| hit != "done")
            .collect();
        offers.dedup();
        sorted(offers)
    };
    for (words, offers) in LINES {
        assert_eq!(complete(words), *offers, "{words:?}");
    }
    assert_eq!(complete(&["secret", "create", "--type=r"]), ["raw-value"]);
}

/// The configuration of an elvish: its matcher keeps the candidates that fit what was typed, and Ctrl-T runs a command that
/// prints them between angle brackets.
const ELVISH_RC: &str = r#"
    use oz
    cd ~
    set edit:prompt = { print 'oz> ' }
    var offers = [not-asked]
    set edit:completion:matcher[argument] = {|seed|
        var all = [(all)]
        var fits = [(edit:match-prefix $seed $all)]
        set offers = [(range (count $all) | each {|i| if $fits[$i] { put $all[$i] } })]
        put $@fits
    }
    fn show {
        echo '<offers>'
        each {|offer| echo '<'$offer'>' } $offers
        echo '<done>'
        set offers = [not-asked]
    }
    set edit:global-binding[Ctrl-T] = {
        edit:close-mode
        set edit:current-command = show
        edit:return-line
    }"#;

/// The line, the tab key and Ctrl-T are typed at an elvish on a pseudo-terminal, which loads the script as a module.
#[test]
fn elvish_completes() {
    if !tools::have("elvish") {
        return;
    }
    let directory = workplace("elvish");
    let configuration = directory.path().join(".config/elvish");
    std::fs::create_dir_all(&configuration).expect("a directory");
    std::fs::write(configuration.join("rc.elv"), ELVISH_RC).expect("a configuration");
    install(&directory);
    let home = directory.path().display().to_string();
    let variables = [
        ("PATH", std::env::var("PATH").unwrap_or_default()),
        ("HOME", home),
        ("TERM", "xterm".to_owned()),
        // Without a place for its socket it starts no daemon.
        ("XDG_RUNTIME_DIR", "/dev/null".to_owned()),
    ]
    .map(|(name, value)| (name.to_owned(), value));
    let mut session = Session::other("elvish", &[], &variables);
    let mut complete = |words: &[&str]| {
        session.expect("oz> ");
        session.send(format!("oz {}\t\x14", words.join(" ")));
        session.expect("<done>");
        let transcript = session.transcript();
        let (_, shown) = transcript.rsplit_once("<offers>").expect("the offers");
        let offers = shown
            .lines()
            .filter_map(|line| line.strip_prefix('<')?.strip_suffix('>'))
            .filter(|offer| *offer != "done")
            .map(str::to_owned)
            .collect();
        sorted(offers)
    };
    for (words, offers) in LINES.iter().chain(ATTACHED) {
        assert_eq!(complete(words), *offers, "{words:?}");
    }
    let used = complete(&["secret", "list", "--team=UID", "--te"]);
    assert!(used.is_empty(), "{used:?}");
}

/// Puts the program and the scripts where `make install PREFIX=$HOME/.local` does.
fn install(home: &TempDir) {
    let programs = home.path().join(".local/bin");
    std::fs::create_dir_all(&programs).expect("a directory");
    std::os::unix::fs::symlink(binary(), programs.join("oz")).expect("a link");
    let status = Command::new("sh")
        .arg("tests/dist/share.sh")
        .args([binary(), home.path().join(".local/share")])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .env("SOURCE_DATE_EPOCH", "1700000000")
        .status();
    assert!(status.expect("sh").success());
}

/// As the README says; elvish is above.
#[test]
fn shells_find_what_is_installed() {
    const BASH_COMPLETION: &str = "/usr/share/bash-completion/bash_completion";
    let home = TempDir::new().expect("a temporary directory");
    install(&home);
    if !Path::new(BASH_COMPLETION).is_file() {
        tools::skip_without(BASH_COMPLETION);
    } else {
        let load = format!("source {BASH_COMPLETION}; _completion_loader oz; complete -p oz");
        let found = run("bash", &["--norc", "-c", &load], home.path());
        assert_eq!(found, ["complete -F _oz oz"]);
    }
    if tools::have("fish") {
        // It looks for the completions of programs only.
        let load = "set -x PATH ~/.local/bin $PATH; complete -C 'oz who'";
        let found = run("fish", &["-c", load], home.path());
        assert_eq!(found, ["whoami\tShow who the API key belongs to"]);
    }
    if tools::have("zsh") {
        let load = "fpath+=~/.local/share/zsh/site-functions; autoload -Uz compinit; \
                    compinit -u -D; print $_comps[oz]";
        assert_eq!(run("zsh", &["-f", "-c", load], home.path()), ["_oz"]);
    }
}
