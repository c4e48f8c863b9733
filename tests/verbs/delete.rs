//! `delete`: names, confirmation, dry runs.

use crate::server::{Behaviour, Scope, Server, When};
use crate::support::oz;

#[test]
fn force_deletes() {
    let server = Server::start();
    server.seed_raw(Scope::Personal, "N");
    oz(&["secret", "delete", "N", "--force"])
        .server(&server)
        .stdout("Secret 'N' deleted\n")
        .run();
    assert_eq!(server.ops(), ["Lookup", "DeleteManagedSecret"]);
    assert!(server.secret(Scope::Personal, "N").is_none());
}

#[test]
fn without_a_terminal_it_is_refused_before_any_request() {
    let server = Server::start();
    server.seed_raw(Scope::Personal, "N");
    oz(&["secret", "delete", "N"])
        .server(&server)
        .code(2)
        .stderr(
            "error: deleting asks for confirmation, and there is no terminal to ask on\n\
             hint: use --force to delete without being asked\n",
        )
        .run();
    assert_eq!(server.connections(), 0);
}

#[test]
fn rejects_a_missing_secret_unless_told_to_ignore_it() {
    let server = Server::start();
    oz(&["secret", "delete", "N", "--force"])
        .server(&server)
        .code(3)
        .stderr("error: there is no personal secret 'N'\nhint: `oz secret list` shows the names there are\n")
        .run();
    oz(&["secret", "delete", "N", "--force", "--ignore-missing"])
        .server(&server)
        .stdout("Secret 'N' does not exist, nothing deleted\n")
        .run();
    oz(&[
        "secret",
        "delete",
        "N",
        "--force",
        "--ignore-missing",
        "--output-format",
        "json",
    ])
    .server(&server)
    .stdout(
        "{\"name\":\"N\",\"scope\":\"Personal\",\"team\":null,\"type\":null,\
             \"action\":\"absent\",\"applied\":false,\"notes\":[]}\n",
    )
    .run();
    assert_eq!(server.ops(), ["Lookup", "Lookup", "Lookup"]);
}

#[test]
fn a_dry_run_needs_no_confirmation_and_deletes_nothing() {
    let server = Server::start();
    server.seed_kind(Scope::Personal, "N", "ANTHROPIC_API_KEY");
    oz(&["secret", "delete", "N", "--dry-run"])
        .server(&server)
        .stdout("Secret 'N' would be deleted (personal, Anthropic API Key)\n")
        .run();
    assert!(server.secret(Scope::Personal, "N").is_some());
}

#[test]
fn several_are_deleted_in_order() {
    let server = Server::start();
    for name in ["A", "B", "C"] {
        server.seed_raw(Scope::Personal, name);
    }
    oz(&["secret", "delete", "C", "A", "--dry-run"])
        .server(&server)
        .stdout(
            "Secret 'C' would be deleted (personal, Raw Value)\n\
             Secret 'A' would be deleted (personal, Raw Value)\n",
        )
        .stderr("2 would be deleted\n")
        .run();
    oz(&["secret", "delete", "C", "A", "--force"])
        .server(&server)
        .stdout("Secret 'C' deleted\nSecret 'A' deleted\n")
        .stderr("2 deleted\n")
        .run();
    assert_eq!(
        server.ops(),
        [
            "Lookup",
            "Lookup",
            "DeleteManagedSecret",
            "DeleteManagedSecret"
        ]
    );
    assert!(server.secret(Scope::Personal, "B").is_some());
}

#[test]
fn if_one_of_several_is_missing_none_is_deleted() {
    let server = Server::start();
    server.seed_raw(Scope::Personal, "A");
    oz(&["secret", "delete", "A", "B", "C", "--force"])
        .server(&server)
        .code(3)
        .stderr(
            "error: 2 of 3 secrets do not exist, so nothing was deleted\n  \
             caused by: there is no personal secret 'B'\n  \
             caused by: there is no personal secret 'C'\n\
             hint: `oz secret list` shows the names there are; --ignore-missing deletes the others\n",
        )
        .run();
    assert_eq!(server.ops(), ["Lookup"]);
    let output = oz(&["secret", "delete", "A", "B", "--force", "--ignore-missing"])
        .arg("--output-format=json")
        .server(&server)
        .any_stdout()
        .run();
    let document: serde_json::Value = serde_json::from_str(output.stdout()).unwrap();
    assert_eq!(document["results"][0]["action"], "deleted");
    assert_eq!(document["results"][1]["action"], "absent");
    assert_eq!(document["counts"]["deleted"], 1);
    assert!(server.secret(Scope::Personal, "A").is_none());
}

#[test]
fn a_failure_of_one_of_several_is_reported() {
    let server = Server::start();
    for name in ["A", "B", "C"] {
        server.seed_raw(Scope::Personal, name);
    }
    server.next(When::Mutation, Behaviour::UserFacingError("not this one"));
    oz(&["secret", "delete", "A", "B", "C", "--force"])
        .server(&server)
        .code(1)
        .stdout("Secret 'B' deleted\nSecret 'C' deleted\n")
        .stderr("error: 'A': not this one\n2 deleted, 1 failed\n")
        .run();
}

#[test]
fn rejects_a_name_that_is_given_twice() {
    let server = Server::start();
    oz(&["secret", "delete", "A", "B", "A", "--force"])
        .server(&server)
        .code(2)
        .stderr("error: a NAME is given twice\nhint: see `oz secret delete --help`\n")
        .run();
    assert_eq!(server.connections(), 0);
}
