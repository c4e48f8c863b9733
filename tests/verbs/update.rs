//! `update`: values, descriptions, types.

use crate::server::{Scope, Server};
use crate::support::oz;
use crate::support::tools::is_minreq;

#[test]
fn a_value_a_description_or_both() {
    let server = Server::start();
    server.seed_raw(Scope::Personal, "N");
    oz(&["secret", "update", "N", "-f", "-"])
        .server(&server)
        .stdin("one")
        .stdout("Secret 'N' updated\n")
        .run();
    assert_eq!(
        server.opened(Scope::Personal, "N").as_deref(),
        Some(r#"{"value":"one"}"#)
    );
    oz(&["secret", "update", "N", "-d", "about"])
        .server(&server)
        .stdout("Secret 'N' updated\n")
        .run();
    assert_eq!(
        server
            .secret(Scope::Personal, "N")
            .unwrap()
            .description
            .as_deref(),
        Some("about")
    );
    assert_eq!(
        server.opened(Scope::Personal, "N").as_deref(),
        Some(r#"{"value":"one"}"#)
    );
    oz(&["secret", "update", "N", "--value", "-d", ""])
        .server(&server)
        .stdin("two")
        .stdout("Secret 'N' updated\n")
        .run();
    assert_eq!(
        server.secret(Scope::Personal, "N").unwrap().description,
        None
    );
    assert_eq!(
        server.opened(Scope::Personal, "N").as_deref(),
        Some(r#"{"value":"two"}"#)
    );
    let connections = if is_minreq() { 6 } else { 3 };
    assert_eq!((server.connections(), server.ops().len()), (connections, 6));
}

#[test]
fn a_description_needs_no_public_key() {
    let server = Server::start();
    server.seed_kind(Scope::Personal, "N", "DOTENVX");
    oz(&["secret", "update", "N", "-d", "x"])
        .server(&server)
        .stdout("Secret 'N' updated\n")
        .run();
    assert_eq!(server.public_keys_read(), 0);
}

#[test]
fn a_name_that_does_not_exist() {
    let server = Server::start();
    oz(&["secret", "update", "N", "-f", "-"])
        .server(&server)
        .stdin("x")
        .code(3)
        .stderr("error: there is no personal secret 'N'\nhint: `oz secret list` shows the names there are\n")
        .run();
    assert_eq!(server.ops(), ["Lookup"]);
}

#[test]
fn a_type_this_client_cannot_build_takes_a_description_only() {
    let server = Server::start();
    for (kind, label) in [
        ("DOTENVX", "dotenvx"),
        ("AWS_ECR_CREDENTIAL", "AWS_ECR_CREDENTIAL"),
    ] {
        server.seed_kind(Scope::Personal, kind, kind);
        oz(&["secret", "update", kind, "-d", "x"])
            .server(&server)
            .stdout(format!("Secret '{kind}' updated\n"))
            .run();
        oz(&["secret", "update", kind, "-f", "-"])
            .server(&server)
            .stdin("x")
            .code(1)
            .stderr(format!(
                "error: '{kind}' is of type {label}, whose values oz can't build\n\
                 hint: only its description can be updated here: --description TEXT\n"
            ))
            .run();
    }
}

#[test]
fn a_dry_run_changes_nothing() {
    let server = Server::start();
    server.seed_raw(Scope::Personal, "N");
    oz(&["secret", "update", "N", "-f", "-", "--dry-run"])
        .server(&server)
        .stdin("abc")
        .stdout("Secret 'N' would be updated (personal, Raw Value, 3 bytes)\n")
        .run();
    oz(&[
        "secret",
        "update",
        "N",
        "-d",
        "x",
        "--dry-run",
        "--output-format=json",
    ])
    .server(&server)
    .stdout(
        "{\"name\":\"N\",\"scope\":\"Personal\",\"team\":null,\"type\":\"RAW_VALUE\",\
             \"action\":\"would_update\",\"applied\":false,\"notes\":[]}\n",
    )
    .run();
    assert_eq!(server.ops(), ["Lookup", "Lookup"]);
}
