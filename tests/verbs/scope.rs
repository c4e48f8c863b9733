//! Whose secret it is: `--personal`, `--team`, `--team=UID`, neither.

use crate::server::{Account, Scope, Server};
use crate::support::oz;

const TWO: &[(&str, &str)] = &[("team-1", "Core"), ("team-2", "Web \u{1b}[1m")];

fn one_team() -> Server {
    Server::builder()
        .account(Account::on_teams(&[("team-1", "Core")]))
        .start()
}

#[test]
fn unsaid_is_personal_with_a_note_for_those_on_a_team() {
    let server = one_team();
    oz(&["secret", "create", "N"])
        .server(&server)
        .stdin("x")
        .stdout("Secret 'N' created\n")
        .stderr("note: 'N' is personal; --team is for a secret of your team\n")
        .run();
    assert!(server.opened(Scope::Personal, "N").is_some());
    assert!(server.opened(Scope::Team("team-1"), "N").is_none());
}

#[test]
fn said_is_done_without_a_note() {
    let server = one_team();
    for (flag, scope) in [
        ("--personal", Scope::Personal),
        ("--team", Scope::Team("team-1")),
        ("--team=team-1", Scope::Team("team-1")),
    ] {
        // Before the words, between them and after them.
        for (index, args) in [
            [flag, "secret", "create", "N"],
            ["secret", flag, "create", "N"],
            ["secret", "create", "N", flag],
        ]
        .iter()
        .enumerate()
        {
            oz(args)
                .arg("--if-exists=update")
                .server(&server)
                .stdin(format!("{flag}{index}"))
                .any_stdout()
                .run();
            let expected = format!(r#"{{"value":"{flag}{index}"}}"#);
            assert_eq!(server.opened(scope, "N"), Some(expected));
        }
    }
}

#[test]
fn a_team_write_says_so_in_the_header() {
    let server = one_team();
    oz(&["secret", "create", "N", "--team"])
        .server(&server)
        .stdin("x")
        .stdout("Secret 'N' created\n")
        .run();
    assert_eq!(
        server.requests().last().unwrap().header("x-warp-team-uid"),
        Some("team-1")
    );
    oz(&["secret", "create", "N", "--personal"])
        .server(&server)
        .stdin("x")
        .stdout("Secret 'N' created\n")
        .run();
    assert_eq!(
        server.requests().last().unwrap().header("x-warp-team-uid"),
        None
    );
}

#[test]
fn several_teams_are_listed_safely() {
    let server = Server::builder().account(Account::on_teams(TWO)).start();
    oz(&["secret", "create", "N", "--team"])
        .server(&server)
        .stdin("x")
        .code(2)
        .stderr(
            "error: you are on 2 teams, so --team needs to say which\n\
             hint: use one of\n  --team=team-1  Core\n  --team=team-2  Web \\u{1b}[1m\n",
        )
        .run();
    oz(&["secret", "create", "N", "--team=nope"])
        .server(&server)
        .stdin("x")
        .code(2)
        .stderr(
            "error: you are not on a team with the uid 'nope'\n\
             hint: use one of\n  --team=team-1  Core\n  --team=team-2  Web \\u{1b}[1m\n",
        )
        .run();
    oz(&["secret", "create", "N", "--team=team-2"])
        .server(&server)
        .stdin("x")
        .stdout("Secret 'N' created\n")
        .run();
    assert!(server.opened(Scope::Team("team-2"), "N").is_some());
    assert!(server.opened(Scope::Team("team-1"), "N").is_none());
}

#[test]
fn the_placeholder_workspace_is_no_team() {
    let server = Server::start();
    oz(&["secret", "create", "N", "--team"])
        .server(&server)
        .stdin("x")
        .code(2)
        .stderr("error: you are not on a team\nhint: use --personal\n")
        .run();
}

#[test]
fn a_service_account_means_its_team() {
    let server = Server::builder()
        .account(Account::service_account("team-1", "Core"))
        .start();
    oz(&["secret", "create", "N"])
        .server(&server)
        .stdin("x")
        .stdout("Secret 'N' created\n")
        .run();
    assert_eq!(
        server.opened(Scope::Team("team-1"), "N").as_deref(),
        Some(r#"{"value":"x"}"#)
    );
    oz(&["secret", "update", "N", "-f", "-"])
        .server(&server)
        .stdin("y")
        .stdout("Secret 'N' updated\n")
        .run();
    oz(&["secret", "delete", "N", "--force"])
        .server(&server)
        .stdout("Secret 'N' deleted\n")
        .run();
}

#[test]
fn a_name_in_another_scope_is_pointed_out() {
    let server = one_team();
    server.seed_raw(Scope::Team("team-1"), "T");
    server.seed_raw(Scope::Personal, "P");
    oz(&["secret", "delete", "T", "--personal", "--force"])
        .server(&server)
        .code(3)
        .stderr(
            "error: there is no personal secret 'T'\n\
             hint: a team's secret has that name: use --team=team-1\n",
        )
        .run();
    oz(&["secret", "update", "P", "--team", "-d", "x"])
        .server(&server)
        .code(3)
        .stderr("error: there is no team secret 'P'\nhint: a personal secret has that name: use --personal\n")
        .run();
}

#[test]
fn a_missing_secret_that_another_owner_has_is_pointed_out() {
    let server = one_team();
    server.seed_raw(Scope::Team("team-1"), "T");
    oz(&["secret", "delete", "T", "--force", "--ignore-missing"])
        .server(&server)
        .stdout("Secret 'T' does not exist, nothing deleted\n")
        .stderr("note: a team's secret has that name: use --team=team-1\n")
        .run();
    assert!(server.secret(Scope::Team("team-1"), "T").is_some());
}

#[test]
fn a_teams_key_has_nothing_personal() {
    let server = Server::builder()
        .account(Account::service_account("team-1", "Core"))
        .start();
    for args in [
        &["secret", "create", "N"][..],
        &["secret", "update", "N", "--value"],
        &["secret", "delete", "N", "--force"],
        &["secret", "list"],
    ] {
        oz(args)
            .arg("--personal")
            .server(&server)
            .stdin("x")
            .code(2)
            .stderr(
                "error: the API key belongs to team team-1 (Core), so it has no personal secrets\n\
                 hint: leave --personal out, and WARP_SECRET_SCOPE unset\n",
            )
            .run();
    }
}

/// Time is linear in the number of teams, and memory is limited.
#[test]
fn many_teams_are_no_burden() {
    let stderr = create_on_teams(1000, 2);
    assert!(stderr.starts_with(
        "error: you are on 1000 teams, so --team needs to say which\nhint: use one of\n  --team=team-0  Team 0\n"
    ));
    assert!(stderr.ends_with("  --team=team-19  Team 19\n  and 980 more\n"));
    for number in [1001, 40_000] {
        assert_eq!(
            create_on_teams(number, 1),
            "error: the service's answer is malformed: the account is on more than 1000 teams\n"
        );
    }
}

/// The error of a `create --team` that ends with this exit code.
fn create_on_teams(number: usize, code: i32) -> String {
    let names: Vec<(String, String)> = (0..number)
        .map(|number| (format!("team-{number}"), format!("Team {number}")))
        .collect();
    let teams: Vec<serde_json::Value> = names
        .iter()
        .map(|(uid, name)| serde_json::json!({"uid": uid, "name": name}))
        .collect();
    let server = Server::start();
    server.always(
        crate::server::When::Query,
        crate::server::Behaviour::edit(move |reply| {
            reply["data"]["user"]["user"]["workspaces"] =
                serde_json::json!([{"uid": "w", "teams": teams}]);
        }),
    );
    let output = oz(&["secret", "create", "N", "--team", "--timeout", "10"])
        .server(&server)
        .stdin("x")
        .code(code)
        .any_stderr()
        .run();
    output.stderr().to_owned()
}

#[test]
fn the_names_of_teams_are_cut_in_messages() {
    let long = "x".repeat(1000);
    let server = Server::builder()
        .account(Account::on_teams(&[("team-1", &long), ("team-2", "Web")]))
        .start();
    let cut = "x".repeat(400);
    oz(&["secret", "create", "N", "--team"])
        .server(&server)
        .stdin("x")
        .code(2)
        .stderr(format!(
            "error: you are on 2 teams, so --team needs to say which\n\
             hint: use one of\n  --team=team-1  {cut}…\n  --team=team-2  Web\n"
        ))
        .run();
}

const SCOPE: &str = "WARP_SECRET_SCOPE";

#[test]
fn the_variable_is_the_scope_of_every_command() {
    for (value, scope, header) in [
        ("personal", Scope::Personal, None),
        ("team", Scope::Team("team-1"), None),
        ("team=team-1", Scope::Team("team-1"), Some("team-1")),
    ] {
        let server = one_team();
        // Who chose gets no note on what else there is.
        oz(&["secret", "create", "N"])
            .server(&server)
            .env(SCOPE, value)
            .stdin("x")
            .stdout("Secret 'N' created\n")
            .run();
        assert!(server.opened(scope, "N").is_some(), "{value}");
        let lookup = &server.requests()[0];
        assert_eq!(lookup.header("x-warp-team-uid"), header, "{value}");
        oz(&["secret", "update", "N", "-d", "new"])
            .server(&server)
            .env(SCOPE, value)
            .stdout("Secret 'N' updated\n")
            .run();
        let record = server.secret(scope, "N").unwrap();
        assert_eq!(record.description.as_deref(), Some("new"), "{value}");
        server.seed_raw(Scope::Personal, "P");
        server.seed_raw(Scope::Team("team-1"), "T");
        let listed = if value == "personal" {
            "N\nP\n"
        } else {
            "N\nT\n"
        };
        oz(&["secret", "list", "--names"])
            .server(&server)
            .env(SCOPE, value)
            .stdout(listed)
            .run();
        oz(&["secret", "delete", "N", "--force"])
            .server(&server)
            .env(SCOPE, value)
            .stdout("Secret 'N' deleted\n")
            .run();
        assert!(server.secret(scope, "N").is_none(), "{value}");
    }
}

#[test]
fn a_flag_beats_the_variable() {
    let server = one_team();
    for (flag, value, scope) in [
        ("--personal", "team", Scope::Personal),
        ("--personal", "neither", Scope::Personal),
        ("--team", "personal", Scope::Team("team-1")),
        ("--team=team-1", "team=other", Scope::Team("team-1")),
    ] {
        oz(&["secret", "create", "N", flag, "--if-exists=update"])
            .server(&server)
            .env(SCOPE, value)
            .stdin(format!("{flag}{value}"))
            .any_stdout()
            .run();
        let expected = format!(r#"{{"value":"{flag}{value}"}}"#);
        assert_eq!(server.opened(scope, "N"), Some(expected));
    }
}

#[test]
fn an_empty_variable_is_no_scope() {
    let server = one_team();
    oz(&["secret", "create", "N"])
        .server(&server)
        .env(SCOPE, "")
        .stdin("x")
        .stdout("Secret 'N' created\n")
        .stderr("note: 'N' is personal; --team is for a secret of your team\n")
        .run();
    server.seed_raw(Scope::Team("team-1"), "T");
    oz(&["secret", "list", "--names"])
        .server(&server)
        .env(SCOPE, "")
        .stdout("N\nT\n")
        .run();
}

#[test]
fn a_scope_of_the_variable_that_the_account_does_not_have() {
    let two = Server::builder().account(Account::on_teams(TWO)).start();
    for (value, error) in [
        ("team", "you are on 2 teams, so --team needs to say which"),
        ("team=nope", "you are not on a team with the uid 'nope'"),
    ] {
        oz(&["secret", "list"])
            .server(&two)
            .env(SCOPE, value)
            .code(2)
            .stderr(format!(
                "error: {error}\n\
                 hint: use one of\n  --team=team-1  Core\n  --team=team-2  Web \\u{{1b}}[1m\n"
            ))
            .run();
    }
    let service = Server::builder()
        .account(Account::service_account("team-1", "Core"))
        .start();
    oz(&["secret", "list"])
        .server(&service)
        .env(SCOPE, "personal")
        .code(2)
        .stderr(
            "error: the API key belongs to team team-1 (Core), so it has no personal secrets\n\
             hint: leave --personal out, and WARP_SECRET_SCOPE unset\n",
        )
        .run();
    for value in ["team", "team=team-1"] {
        oz(&["secret", "list", "--names"])
            .server(&service)
            .env(SCOPE, value)
            .run();
    }
}

#[test]
fn the_variable_is_read_only_by_commands_with_a_scope() {
    for args in [&["completions", "bash"][..], &["help"], &["--version"]] {
        oz(args).env(SCOPE, "neither").any_stdout().run();
    }
    let server = Server::start();
    oz(&["whoami", "--output-format", "text"])
        .server(&server)
        .env(SCOPE, "neither")
        .stdout("user:user-1\n")
        .run();
}
