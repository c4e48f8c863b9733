//! Help texts and the version, compared with golden files, which `OZ_BLESS=1` writes anew.

use crate::support::run::oz;
use crate::support::tools::is_minreq;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// Every command, with the name of its golden files.
const COMMANDS: &[(&str, &[&str])] = &[
    ("oz", &[]),
    ("secret", &["secret"]),
    ("create", &["secret", "create"]),
    ("anthropic", &["secret", "create", "anthropic"]),
    (
        "anthropic-api-key",
        &["secret", "create", "anthropic", "api-key"],
    ),
    (
        "anthropic-bedrock-api-key",
        &["secret", "create", "anthropic", "bedrock-api-key"],
    ),
    (
        "anthropic-bedrock-access-key",
        &["secret", "create", "anthropic", "bedrock-access-key"],
    ),
    ("codex", &["secret", "create", "codex"]),
    ("codex-api-key", &["secret", "create", "codex", "api-key"]),
    ("docker-registry", &["secret", "create", "docker-registry"]),
    ("update", &["secret", "update"]),
    ("import", &["secret", "import"]),
    ("delete", &["secret", "delete"]),
    ("list", &["secret", "list"]),
    ("whoami", &["whoami"]),
    ("completions", &["completions"]),
    ("help", &["help"]),
];

/// The text of a golden file; with `OZ_BLESS=1` it is written first.
fn golden(name: &str, arguments: &[&str]) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/golden/help")
        .join(name);
    if std::env::var_os("OZ_BLESS").is_some_and(|value| value == "1") {
        let printed = oz(arguments).any_stdout().run();
        std::fs::write(&path, printed.stdout).expect("the golden file can be written");
    }
    std::fs::read_to_string(&path)
        .unwrap_or_else(|error| panic!("{}: {error}; run with OZ_BLESS=1", path.display()))
}

/// The files that are installed. The program itself doesn't carry them.
#[test]
fn the_shipped_manual_pages_are_those_of_the_tables() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/man");
    if std::env::var_os("OZ_BLESS").is_some_and(|value| value == "1") {
        let _ = fs::remove_dir_all(&directory);
        fs::create_dir(&directory).unwrap();
        for (name, page) in oz::manual_pages() {
            fs::write(directory.join(name), page).unwrap();
        }
    }
    let files = fs::read_dir(&directory).unwrap().map(Result::unwrap);
    let shipped: BTreeMap<String, String> = files
        .map(|file| {
            let name = file.file_name().into_string().unwrap();
            (name, fs::read_to_string(file.path()).unwrap())
        })
        .collect();
    let expected: BTreeMap<String, String> = oz::manual_pages().into_iter().collect();
    assert_eq!(shipped, expected, "run `make golden`");
}

#[test]
fn every_command_has_a_short_and_a_long_help() {
    for (name, words) in COMMANDS {
        for (flag, length) in [("-h", "short"), ("--help", "long")] {
            let arguments = [words, &[flag][..]].concat();
            let text = golden(&format!("{name}.{length}.txt"), &arguments);
            oz(&arguments).stdout(&text).run();
        }
    }
}

#[test]
fn help_is_found_by_other_ways() {
    let long = |name: &str, words: &[&str]| {
        golden(&format!("{name}.long.txt"), &[words, &["--help"]].concat())
    };
    let create = long("create", &["secret", "create"]);
    let bedrock = long(
        "anthropic-bedrock-api-key",
        &["secret", "create", "anthropic", "bedrock-api-key"],
    );
    for (arguments, text) in [
        (&["help", "secret", "create"][..], &create),
        (&["secret", "help", "create"], &create),
        (&["secret", "create", "help"], &create),
        (&["secret", "create", "NAME", "--team", "--help"], &create),
        (
            &["--debug", "secret", "create", "--help", "--bogus"],
            &create,
        ),
        (
            &["help", "secret", "create", "claude", "bedrock-api-key"],
            &bedrock,
        ),
        (
            &["secret", "create", "help", "anthropic", "bedrock-api-key"],
            &bedrock,
        ),
        (&["help"], &long("oz", &[])),
    ] {
        oz(arguments).stdout(text).run();
    }
    let short = golden("oz.short.txt", &["-h"]);
    let nothing: &[&str] = &[];
    oz(nothing).stdout(&short).run();
}

#[test]
fn help_and_version_need_nothing_and_show_no_variable() {
    let text = golden("list.long.txt", &["secret", "list", "--help"]);
    oz(&["secret", "list", "--help"])
        .env("WARP_API_KEY", crate::support::run::MARKER_KEY)
        .env("WARP_OUTPUT_FORMAT", "bogus")
        .env("WARP_SERVER_ROOT_URL", "not a url")
        .env("SSL_CERT_FILE", "/nonexistent")
        .env("HTTPS_PROXY", "bogus")
        .stdout(&text)
        .run();
    let version = concat!("oz ", env!("CARGO_PKG_VERSION"), "\n");
    for arguments in [&["-V"][..], &["--version"], &["secret", "list", "-V"]] {
        oz(arguments)
            .env("WARP_OUTPUT_FORMAT", "bogus")
            .stdout(version)
            .run();
    }
}

#[test]
fn the_long_version_names_the_build() {
    for arguments in [&["-VV"][..], &["--version", "--debug"], &["--debug", "-V"]] {
        let output = oz(arguments).any_stdout().run();
        let lines: Vec<&str> = output.stdout().lines().collect();
        assert_eq!(
            lines.first(),
            Some(&concat!("oz ", env!("CARGO_PKG_VERSION")))
        );
        let keys: Vec<&str> = lines
            .iter()
            .skip(1)
            .filter_map(|line| line.split(": ").next())
            .collect();
        assert_eq!(keys, ["commit", "target", "roots"]);
    }
}

#[test]
fn the_version_for_a_program_is_one_json_object() {
    let long = oz(&["-VV"]).any_stdout().run();
    let value = |key: &str| {
        let line = long
            .stdout()
            .lines()
            .find_map(|line| line.strip_prefix(key));
        match line.expect("a line of the long version") {
            "unknown" => "null".to_owned(),
            value => format!("\"{value}\""),
        }
    };
    let transport = if is_minreq() { "minreq" } else { "own" };
    let json = format!(
        "{{\"name\":\"oz\",\"version\":\"{}\",\"commit\":{},\"target\":{},\"roots\":{},\"transport\":\"{transport}\"}}\n",
        env!("CARGO_PKG_VERSION"),
        value("commit: "),
        value("target: "),
        value("roots: ")
    );
    serde_json::from_str::<serde_json::Value>(&json).expect("JSON");
    for arguments in [
        &["-V", "--output-format", "json"][..],
        &["--version", "--output-format=json"],
        &["--output-format", "json", "--version"],
        &["-V", "--output-format", "ndjson"],
        &["-VV", "--output-format", "json"],
        &["--debug", "-V", "--output-format", "json"],
        &["secret", "list", "-V", "--output-format", "json"],
    ] {
        oz(arguments).stdout(&json).run();
    }
    oz(&["-V"])
        .env("WARP_OUTPUT_FORMAT", "json")
        .stdout(&json)
        .run();
    let plain = concat!("oz ", env!("CARGO_PKG_VERSION"), "\n");
    for word in ["text", "pretty", "bogus"] {
        oz(&["-V", "--output-format", word]).stdout(plain).run();
    }
    // What is given wins over the variable.
    oz(&["-V", "--output-format", "text"])
        .env("WARP_OUTPUT_FORMAT", "json")
        .stdout(plain)
        .run();
}
