//! `whoami`: who the key belongs to, and what it can write.

use crate::server::{
    Account, Behaviour, PLACEHOLDER_WORKSPACE, Scope, Server, Team, When, Workspace,
};
use crate::support::oz;
use crate::support::pty::Session;

/// What is printed in the formats for people, and in both for programs.
fn says(server: &Server, pretty: &str, text: &str, json: &str) {
    for (format, stdout) in [
        ("pretty", pretty.to_owned()),
        ("text", format!("{text}\n")),
        ("json", format!("{json}\n")),
        ("ndjson", format!("{json}\n")),
    ] {
        oz(&["whoami", "--output-format", format])
            .server(server)
            .stdout(stdout)
            .run();
    }
}

#[test]
fn a_person_on_no_team() {
    let server = Server::start();
    server.seed_raw(Scope::Personal, "N");
    says(
        &server,
        "User ID: user-1\n\
         Display Name: A Tester\n\
         Email: tester@example.com\n\
         Secret scopes: personal\n",
        "user:user-1",
        r#"{"uid":"user-1","type":"user","display_name":"A Tester","email":"tester@example.com","team_uids":[],"team_names":[],"secret_scopes":["personal"]}"#,
    );
    // One request each, and none for a key.
    assert_eq!(server.ops(), ["Lookup"; 4]);
    assert_eq!((server.connections(), server.public_keys_read()), (4, 0));
    for request in server.requests() {
        assert_eq!(request.header("x-warp-team-uid"), None);
    }
}

#[test]
fn a_person_on_teams() {
    let mut account = Account::on_teams(&[("team-2", "Core"), ("team-1", "Web")]);
    account.workspaces.push(Workspace {
        uid: "workspace-2".to_owned(),
        name: "Second".to_owned(),
        teams: vec![Team::new("team-3", "")],
    });
    let server = Server::builder().account(account).start();
    says(
        &server,
        "User ID: user-1\n\
         Display Name: A Tester\n\
         Email: tester@example.com\n\
         Team ID: team-2\n\
         Team Name: Core\n\
         Team ID: team-1\n\
         Team Name: Web\n\
         Team ID: team-3\n\
         Secret scopes: personal, team=team-2, team=team-1, team=team-3\n",
        "user:user-1",
        concat!(
            r#"{"uid":"user-1","type":"user","display_name":"A Tester","email":"tester@example.com","#,
            r#""team_uids":["team-2","team-1","team-3"],"team_names":["Core","Web",""],"#,
            r#""workspace_uid":"workspace-1","workspace_name":"Workspace","#,
            r#""secret_scopes":["personal","team=team-2","team=team-1","team=team-3"]}"#
        ),
    );
}

#[test]
fn a_service_account_writes_for_its_team_only() {
    let server = Server::builder()
        .account(Account::service_account("team-1", "Core"))
        .start();
    server.always(
        When::Any,
        Behaviour::edit(|reply| {
            let profile = &mut reply["data"]["user"]["user"]["profile"];
            profile["displayName"] = serde_json::Value::Null;
            profile["email"] = "".into();
        }),
    );
    says(
        &server,
        "Service account ID: abc\n\
         Team ID: team-1\n\
         Team Name: Core\n\
         Secret scopes: team=team-1\n",
        "service_account:abc",
        r#"{"uid":"abc","type":"service_account","team_uids":["team-1"],"team_names":["Core"],"workspace_uid":"workspace-1","workspace_name":"Workspace","secret_scopes":["team=team-1"]}"#,
    );
}

#[test]
fn a_service_account_without_a_team_writes_nothing() {
    let mut account = Account::service_account("team-1", "Core");
    account.actor = "without-prefix".to_owned();
    account.workspaces = vec![Workspace {
        uid: PLACEHOLDER_WORKSPACE.to_owned(),
        name: String::new(),
        teams: Vec::new(),
    }];
    let server = Server::builder().account(account).start();
    says(
        &server,
        "Service account ID: without-prefix\n\
         Display Name: A Tester\n\
         Email: tester@example.com\n\
         Secret scopes: none\n",
        "service_account:without-prefix",
        r#"{"uid":"without-prefix","type":"service_account","display_name":"A Tester","email":"tester@example.com","team_uids":[],"team_names":[],"secret_scopes":[]}"#,
    );
}

/// The scopes are words that `WARP_SECRET_SCOPE` takes.
#[test]
fn every_scope_can_be_written() {
    let server = Server::builder()
        .account(Account::on_teams(&[("team-1", "Core"), ("team-2", "Web")]))
        .start();
    let output = oz(&["whoami", "--output-format", "json"])
        .server(&server)
        .any_stdout()
        .run();
    let identity: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let scopes = identity["secret_scopes"].as_array().unwrap();
    assert_eq!(scopes.len(), 3);
    for scope in scopes {
        oz(&["secret", "create", "N"])
            .server(&server)
            .env("WARP_SECRET_SCOPE", scope.as_str().unwrap())
            .stdin("x")
            .stdout("Secret 'N' created\n")
            .run();
    }
    for scope in [
        Scope::Personal,
        Scope::Team("team-1"),
        Scope::Team("team-2"),
    ] {
        assert!(server.opened(scope, "N").is_some());
    }
}

#[test]
fn a_bad_key() {
    let server = Server::start();
    oz(&["whoami"])
        .server(&server)
        .env("WARP_API_KEY", "wk-other")
        .code(4)
        .stderr(
            "error: the service did not accept the API key (HTTP 401)\n\
             \x20 caused by: the API key is not valid or has expired\n\
             hint: check that the key in WARP_API_KEY is whole, not expired and not deleted\n",
        )
        .run();
    oz(&["whoami", "--output-format", "json"])
        .server(&server)
        .env("WARP_API_KEY", "wk-other")
        .code(4)
        .stderr(concat!(
            r#"{"error":{"code":4,"kind":"credentials","message":"the service did not accept the API key (HTTP 401)","#,
            r#""hint":"check that the key in WARP_API_KEY is whole, not expired and not deleted","causes":["the API key is not valid or has expired"],"applied":false}}"#,
            "\n"
        ))
        .run();
    server.next(When::Any, Behaviour::UserFacingError("User not in context"));
    oz(&["whoami"])
        .server(&server)
        .code(4)
        .stderr(
            "error: User not in context\n\
             hint: check that the key in WARP_API_KEY is whole, not expired and not deleted\n",
        )
        .run();
    oz(&["whoami"])
        .server(&server)
        .env_remove("WARP_API_KEY")
        .code(4)
        .any_stderr()
        .run();
}

#[test]
fn a_query_that_fails_is_tried_again() {
    let server = Server::start();
    server.next(When::Any, Behaviour::status(503, ""));
    oz(&["whoami", "--output-format", "text"])
        .server(&server)
        .stdout("user:user-1\n")
        .run();
    assert_eq!(server.ops(), ["Lookup"; 2]);
}

#[test]
fn text_of_the_server_is_safe() {
    let mut account = Account::on_teams(&[("t\u{1b}[2J", "Core\u{202e}")]);
    account.actor = "u\u{1b}]0;x\u{7}".to_owned();
    account.workspaces[0].uid = "w\u{9b}".to_owned();
    account.workspaces[0].name = "W\n".to_owned();
    let server = Server::builder().account(account).start();
    server.always(
        When::Any,
        Behaviour::edit(|reply| {
            let profile = &mut reply["data"]["user"]["user"]["profile"];
            profile["displayName"] = "two\nlines\r".into();
            profile["email"] = "a\u{200b}@b".into();
        }),
    );
    let pretty = r"User ID: u\u{1b}]0;x\u{7}
Display Name: two\nlines\r
Email: a\u{200b}@b
Team ID: t\u{1b}[2J
Team Name: Core\u{202e}
Secret scopes: personal, team=t\u{1b}[2J
";
    says(
        &server,
        pretty,
        r"user:u\u{1b}]0;x\u{7}",
        concat!(
            r#"{"uid":"u\u001b]0;x\u0007","type":"user","display_name":"two\nlines\r","email":"a\u200b@b","#,
            r#""team_uids":["t\u001b[2J"],"team_names":["Core\u202e"],"workspace_uid":"w\u009b","workspace_name":"W\n","#,
            r#""secret_scopes":["personal","team=t\u001b[2J"]}"#
        ),
    );
    let mut session = Session::start(&["whoami"], &server.env());
    assert_eq!(session.end(), 0);
    assert_eq!(session.transcript().replace("\r\n", "\n"), pretty);
}

#[test]
fn takes_no_scope_and_no_operand() {
    for flag in ["--team", "--team=team-1", "--personal", "--names"] {
        oz(&["whoami", flag])
            .code(2)
            .stderr(format!(
                "error: '{}' is not an option of `oz whoami`\nhint: see `oz whoami --help`\n",
                flag.split('=').next().unwrap()
            ))
            .run();
    }
    oz(&["whoami", "NAME"])
        .code(2)
        .stderr("error: `oz whoami` takes no operand\nhint: see `oz whoami --help`\n")
        .run();
}
