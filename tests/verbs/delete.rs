//! `delete`: names, confirmation, dry runs.

use crate::server::{Scope, Server};
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
