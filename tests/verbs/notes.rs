//! Notes on values that are stored all the same, and hints that need the list of secrets.

use crate::server::{Account, Scope, Server};
use crate::support::{MARKER_SECRET, oz};

const ANTHROPIC: &str = "keys of type Anthropic API Key start with sk-ant-, and this one does not";
const OPENAI: &str = "keys of type OpenAI API Key start with sk-, and this one does not";
const MISSING: &str = "the value is what `jq` prints for a field that is missing";

#[test]
fn a_key_that_does_not_look_like_one() {
    let marked = |prefix: &str| format!("{prefix}{MARKER_SECRET}");
    for (words, key, note) in [
        (
            &["anthropic", "api-key", "N"][..],
            "hello".to_owned(),
            ANTHROPIC,
        ),
        (&["anthropic", "api-key", "N"], marked(""), ANTHROPIC),
        (&["N", "-t", "anthropic-api-key"], marked(""), ANTHROPIC),
        (
            &["claude", "api-key", "N"],
            marked("sk-proj-"),
            "the key looks like one of type OpenAI API Key, not Anthropic API Key",
        ),
        (
            &["openai", "api-key", "N"],
            marked("sk-ant-"),
            "the key looks like one of type Anthropic API Key, not OpenAI API Key",
        ),
        (&["codex", "api-key", "N"], marked(""), OPENAI),
        (&["anthropic", "api-key", "N"], marked("sk-ant-"), ""),
        (&["openai", "api-key", "N"], marked("sk-proj-"), ""),
        // An endpoint of one's own has keys of its own.
        (
            &[
                "openai",
                "api-key",
                "N",
                "--base-url=https://llm.example/v1",
            ],
            marked(""),
            "",
        ),
    ] {
        let server = Server::start();
        let stderr = match note {
            "" => String::new(),
            note => format!("note: {note}\n"),
        };
        oz(&["secret", "create"])
            .args(words)
            .server(&server)
            .stdin(&key)
            .stdout("Secret 'N' created\n")
            .stderr(&stderr)
            .run();
        let stored = server.opened(Scope::Personal, "N").expect("it is stored");
        assert!(
            stored.contains(&format!(r#"{{"api_key":"{key}""#)),
            "{words:?}"
        );
    }
}

#[test]
fn a_raw_value_that_a_failed_command_wrote() {
    for (value, note) in [
        ("null", MISSING),
        ("undefined", MISSING),
        ("NULL", ""),
        ("nullable", ""),
    ] {
        let server = Server::start();
        let stderr = match note {
            "" => String::new(),
            note => format!("note: {note}\n"),
        };
        oz(&["secret", "create", "N"])
            .server(&server)
            .stdin(value)
            .stdout("Secret 'N' created\n")
            .stderr(&stderr)
            .run();
        let stored = Some(format!(r#"{{"value":"{value}"}}"#));
        assert_eq!(server.opened(Scope::Personal, "N"), stored);
        oz(&["secret", "update", "N", "--value", "--dry-run"])
            .server(&server)
            .stdin(value)
            .stdout(format!(
                "Secret 'N' would be updated (personal, Raw Value, {} bytes)\n",
                value.len()
            ))
            .stderr(&stderr)
            .run();
    }
    // The newline is a note of its own.
    let server = Server::start();
    oz(&["secret", "create", "N"])
        .server(&server)
        .stdin("null\n")
        .stdout("Secret 'N' created\n")
        .stderr(format!(
            "note: the value ends with a newline, which is stored too; --trim-newline drops it\n\
             note: {MISSING}\n"
        ))
        .run();
}

#[test]
fn notes_are_in_the_document() {
    let server = Server::start();
    oz(&[
        "secret",
        "create",
        "claude",
        "api-key",
        "N",
        "--output-format=json",
    ])
    .server(&server)
    .stdin(MARKER_SECRET)
    .stdout(format!(
        "{{\"name\":\"N\",\"scope\":\"Personal\",\"team\":null,\"type\":\"ANTHROPIC_API_KEY\",\
             \"action\":\"created\",\"applied\":true,\"notes\":[\"{ANTHROPIC}\"]}}\n"
    ))
    .run();
}

#[test]
fn a_mistyped_name_gets_the_closest_there_is() {
    let server = Server::builder()
        .account(Account::on_teams(&[("team-1", "Core")]))
        .start();
    for name in ["DB_PASSWORD", "API_TOKEN", "KEY_WITH \u{1b}", "AB"] {
        server.seed_raw(Scope::Personal, name);
    }
    server.seed_raw(Scope::Team("team-1"), "TEAM_SECRET");
    let names = "`oz secret list` shows the names there are";
    for (typed, hint) in [
        ("DB_PASSWROD", "did you mean 'DB_PASSWORD'?"),
        ("DB_PASWORD", "did you mean 'DB_PASSWORD'?"),
        ("db_password", "did you mean 'DB_PASSWORD'?"),
        ("API-TOKEN", "did you mean 'API_TOKEN'?"),
        ("KEY_WITH", "did you mean 'KEY_WITH \\u{1b}'?"),
        ("API", names),
        ("DB_URL", names),
        ("AC", names),
        ("UNRELATED_NAME", names),
        // Of another owner.
        ("TEAM_SECRE", names),
        (
            "TEAM_SECRET",
            "a team's secret has that name: use --team=team-1",
        ),
    ] {
        let stderr = format!("error: there is no personal secret '{typed}'\nhint: {hint}\n");
        for words in [
            &["secret", "update", typed, "-d", "x"][..],
            &["secret", "delete", typed, "--force"],
        ] {
            oz(words).server(&server).code(3).stderr(&stderr).run();
        }
    }
    assert!(server.ops().iter().all(|op| op == "Lookup"));
}

#[test]
fn an_update_of_several_fields_needs_all_of_them() {
    let server = Server::start();
    let bedrock = "ANTHROPIC_BEDROCK_ACCESS_KEY";
    server.seed_kind(Scope::Personal, "BEDROCK", bedrock);
    server.seed_kind(Scope::Personal, "REGISTRY", "DOCKER_REGISTRY");
    for (words, message, hint) in [
        (
            &["BEDROCK", "--region=us-east-2"][..],
            "missing --access-key-id and --secret-access-key",
            "stored fields can't be read back, so all are needed; values can also be read from a \
             file with --access-key-id-file and --secret-access-key-file; taken from the \
             environment with --from-env; typed at a terminal, without --no-input",
        ),
        (
            &["BEDROCK", "--from-env"],
            "missing --access-key-id, --secret-access-key and --region; AWS_ACCESS_KEY_ID, \
             AWS_SECRET_ACCESS_KEY, AWS_REGION and AWS_DEFAULT_REGION are not set, or empty",
            "stored fields can't be read back, so all are needed; values can also be read from a \
             file with --access-key-id-file and --secret-access-key-file; typed at a terminal, \
             without --no-input",
        ),
        (
            &["REGISTRY", "--host=ghcr.io", "--username=octocat"],
            "missing --password",
            "stored fields can't be read back, so all are needed; values can also be read from a \
             file with --password-file; typed at a terminal, without --no-input",
        ),
    ] {
        oz(&["secret", "update"])
            .args(words)
            .server(&server)
            .code(2)
            .stderr(format!("error: {message}\nhint: {hint}\n"))
            .run();
    }
    assert!(server.ops().iter().all(|op| op == "Lookup"));
}
