//! `create`: values, types, names that exist, dry runs.

use crate::server::{Scope, Server};
use crate::support::oz;
use crate::support::tools::is_minreq;
use crate::support::{MARKER_SECRET, write};

#[test]
fn a_value_from_standard_input_is_stored_byte_for_byte() {
    for value in [
        "x",
        "x\ny",
        "\"quoted\" \\ back",
        "tab\there",
        "grüße ✓ 🔑",
        "\u{7f}\u{1}/",
    ] {
        let server = Server::start();
        oz(&["secret", "create", "N"])
            .server(&server)
            .stdin(value)
            .stdout("Secret 'N' created\n")
            .run();
        let expected = serde_json::json!({ "value": value }).to_string();
        assert_eq!(
            server.opened(Scope::Personal, "N").as_deref(),
            Some(expected.as_str())
        );
    }
}

#[test]
fn a_write_is_two_requests_on_one_connection_with_one_handshake() {
    let server = Server::start();
    oz(&["secret", "create", "N"])
        .server(&server)
        .stdin("x")
        .stdout("Secret 'N' created\n")
        .run();
    assert_eq!(server.ops(), ["Lookup", "CreateManagedSecret"]);
    let connections = if is_minreq() { 2 } else { 1 };
    assert_eq!(
        (server.connections(), server.handshakes()),
        (connections, connections)
    );
}

#[test]
fn a_file_is_stored_byte_for_byte_and_dash_is_standard_input() {
    let server = Server::start();
    let dir = tempfile::tempdir().unwrap();
    let file = write(&dir, "value", MARKER_SECRET);
    oz(&["secret", "create", "A", "-f"])
        .arg(&file)
        .server(&server)
        .stdout("Secret 'A' created\n")
        .run();
    oz(&["secret", "create", "B", "-f", "-"])
        .server(&server)
        .stdin(MARKER_SECRET)
        .stdout("Secret 'B' created\n")
        .run();
    let expected = format!(r#"{{"value":"{MARKER_SECRET}"}}"#);
    assert_eq!(
        server.opened(Scope::Personal, "A").as_deref(),
        Some(expected.as_str())
    );
    assert_eq!(
        server.opened(Scope::Personal, "B").as_deref(),
        Some(expected.as_str())
    );
}

#[test]
fn a_final_newline_is_kept_and_said_so_or_dropped_when_asked() {
    let note =
        "note: the value ends with a newline, which is stored too; --trim-newline drops it\n";
    for (flags, value, stored, stderr) in [
        (&[][..], "x\n", r#"{"value":"x\n"}"#, note),
        (&[], "x\r\n", r#"{"value":"x\r\n"}"#, note),
        (&[], "x\ny\n", r#"{"value":"x\ny\n"}"#, ""),
        (&["--trim-newline"], "x\n", r#"{"value":"x"}"#, ""),
        (&["--trim-newline"], "x\r\n", r#"{"value":"x"}"#, ""),
        (&["--trim-newline"], "x\n\n", r#"{"value":"x\n"}"#, ""),
        (&["--trim-newline"], "x", r#"{"value":"x"}"#, ""),
    ] {
        let server = Server::start();
        oz(&["secret", "create", "N"])
            .args(flags)
            .server(&server)
            .stdin(value)
            .stdout("Secret 'N' created\n")
            .stderr(stderr)
            .run();
        assert_eq!(server.opened(Scope::Personal, "N").as_deref(), Some(stored));
    }
}

#[test]
fn a_typed_key_drops_one_newline() {
    for words in [
        &["-t", "anthropic-api-key", "K"][..],
        &["anthropic", "api-key", "K"],
        &["claude", "api-key", "K"],
    ] {
        let server = Server::start();
        oz(&["secret", "create"])
            .args(words)
            .server(&server)
            .stdin("sk-ant-x\n")
            .stdout("Secret 'K' created\n")
            .run();
        assert_eq!(
            server.opened(Scope::Personal, "K").as_deref(),
            Some(r#"{"api_key":"sk-ant-x"}"#)
        );
    }
}

#[test]
fn a_description_goes_along() {
    let server = Server::start();
    oz(&["secret", "create", "N", "-d", "what \"for\""])
        .server(&server)
        .stdin("x")
        .stdout("Secret 'N' created\n")
        .run();
    assert_eq!(
        server
            .secret(Scope::Personal, "N")
            .unwrap()
            .description
            .as_deref(),
        Some("what \"for\"")
    );
}

#[test]
fn a_name_that_exists_is_refused_before_anything_is_sent() {
    let server = Server::start();
    server.seed_raw(Scope::Personal, "N");
    oz(&["secret", "create", "N"])
        .server(&server)
        .stdin("x")
        .code(5)
        .stderr(
            "error: there is already a personal secret 'N'\n\
             hint: use `oz secret update`, or create with --if-exists update or --if-exists skip\n",
        )
        .run();
    assert_eq!(server.ops(), ["Lookup"]);
}

#[test]
fn if_exists_skip_leaves_it_alone() {
    let server = Server::start();
    server.seed_raw(Scope::Personal, "N");
    oz(&["secret", "create", "N", "--if-exists", "skip"])
        .server(&server)
        .stdin("x")
        .stdout("Secret 'N' already exists, unchanged\n")
        .run();
    assert_eq!(server.ops(), ["Lookup"]);
}

#[test]
fn if_exists_update_updates_the_same_type_only() {
    let server = Server::start();
    server.seed_raw(Scope::Personal, "N");
    oz(&["secret", "create", "N", "--if-exists", "update"])
        .server(&server)
        .stdin("new")
        .stdout("Secret 'N' updated\n")
        .run();
    assert_eq!(
        server.opened(Scope::Personal, "N").as_deref(),
        Some(r#"{"value":"new"}"#)
    );
    oz(&["secret", "create", "anthropic", "api-key", "N", "--if-exists=update"])
        .server(&server)
        .stdin("sk")
        .code(5)
        .stderr(
            "error: there is already a personal secret 'N', of type Raw Value and not Anthropic API Key\n\
             hint: a secret keeps its type: delete it first, or choose another name\n",
        )
        .run();
    oz(&["secret", "create", "M", "--if-exists", "update"])
        .server(&server)
        .stdin("m")
        .stdout("Secret 'M' created\n")
        .run();
}

#[test]
fn a_dry_run_does_everything_but_the_mutation() {
    let server = Server::start();
    oz(&["secret", "create", "N", "--dry-run"])
        .server(&server)
        .stdin("twelve bytes")
        .stdout("Secret 'N' would be created (personal, Raw Value, 12 bytes)\n")
        .run();
    assert_eq!(server.ops(), ["Lookup"]);
    assert_eq!(server.opened(Scope::Personal, "N"), None);
}

#[test]
fn json_is_one_document() {
    let server = Server::start();
    oz(&["secret", "create", "N", "--output-format", "json"])
        .server(&server)
        .stdin("x\n")
        .stdout(
            "{\"name\":\"N\",\"scope\":\"Personal\",\"team\":null,\"type\":\"RAW_VALUE\",\"action\":\"created\",\
             \"applied\":true,\"notes\":[\"the value ends with a newline, which is stored too; --trim-newline drops it\"]}\n",
        )
        .run();
    oz(&["secret", "create", "N", "--output-format", "ndjson"])
        .server(&server)
        .stdin("x")
        .code(5)
        .stderr(
            "{\"error\":{\"code\":5,\"kind\":\"exists\",\"message\":\"there is already a personal secret 'N'\",\
             \"hint\":\"use `oz secret update`, or create with --if-exists update or --if-exists skip\",\
             \"causes\":[],\"applied\":false}}\n",
        )
        .run();
}

#[test]
fn a_name_that_no_shell_accepts_gets_a_note() {
    let server = Server::start();
    oz(&["secret", "create", "my-secret"])
        .server(&server)
        .stdin("x")
        .stdout("Secret 'my-secret' created\n")
        .stderr("note: 'my-secret' is not a name a shell can use for a variable\n")
        .run();
}

#[test]
fn a_raw_secret_may_be_called_like_a_provider() {
    let server = Server::start();
    oz(&["secret", "create", "--", "anthropic"])
        .server(&server)
        .stdin("x")
        .stdout("Secret 'anthropic' created\n")
        .run();
    assert_eq!(
        server.opened(Scope::Personal, "anthropic").as_deref(),
        Some(r#"{"value":"x"}"#)
    );
}

#[test]
fn a_refusal_of_the_server_is_printed_as_it_is() {
    use crate::server::{Behaviour, When};
    let server = Server::start();
    server.next(
        When::Mutation,
        Behaviour::UserFacingError("quota \u{1b}[31mreached"),
    );
    oz(&["secret", "create", "N"])
        .server(&server)
        .stdin("x")
        .code(1)
        .stderr("error: quota \\u{1b}[31mreached\n")
        .run();
}

#[test]
fn without_a_public_key_nothing_is_asked_or_sent() {
    use crate::server::Account;
    let server = Server::builder()
        .account(Account {
            keyset: None,
            ..Account::person()
        })
        .start();
    oz(&["secret", "create", "N"])
        .server(&server)
        .stdin("x")
        .code(1)
        .stderr(
            "error: the service has no public key for this user, so nothing can be sealed for it\n\
             hint: managed secrets may not be enabled for this account\n",
        )
        .run();
    assert_eq!(server.ops(), ["Lookup"]);
}
