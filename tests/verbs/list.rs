//! `list`: formats, order, filters.

use crate::server::{Account, Behaviour, Scope, Server, When, years_ago};
use crate::support::oz;
use crate::support::pty::Session;

/// Secrets of two owners, created at this time in UTC.
fn stocked(old: &str) -> Server {
    let server = Server::builder()
        .account(Account::on_teams(&[("team-1", "Core"), ("team-2", "Web")]))
        .start();
    server.seed(
        Scope::Team("team-2"),
        "B",
        "RAW_VALUE",
        None,
        old,
        &old.replace('Z', ".12+01:00"),
    );
    server.seed(
        Scope::Personal,
        "Z",
        "RAW_VALUE",
        Some("the\nlast"),
        old,
        old,
    );
    server.seed(
        Scope::Team("team-1"),
        "A",
        "ANTHROPIC_BEDROCK_ACCESS_KEY",
        Some(""),
        old,
        old,
    );
    server.seed(Scope::Personal, "日本", "DOTENVX", None, old, old);
    // The engine serves only types of the schema, so the unknown one is edited into the reply.
    server.always(
        When::Any,
        Behaviour::edit(|reply| {
            reply["data"]["managedSecrets"]["managedSecrets"][0]["type"] = "NOVEL_TYPE".into();
        }),
    );
    server
}

#[test]
fn json_rows_are_sorted_and_whole() {
    let z = r#"{"name":"Z","scope":"Personal","type":"RAW_VALUE","created":"2001-02-03T04:05:06Z","updated":"2001-02-03T04:05:06Z","description":"the\nlast","team":null,"team_name":null}"#;
    let j = r#"{"name":"日本","scope":"Personal","type":"DOTENVX","created":"2001-02-03T04:05:06Z","updated":"2001-02-03T04:05:06Z","description":null,"team":null,"team_name":null}"#;
    let a = r#"{"name":"A","scope":"Team","type":"ANTHROPIC_BEDROCK_ACCESS_KEY","created":"2001-02-03T04:05:06Z","updated":"2001-02-03T04:05:06Z","description":"","team":"team-1","team_name":"Core"}"#;
    let b = r#"{"name":"B","scope":"Team","type":"NOVEL_TYPE","created":"2001-02-03T04:05:06Z","updated":"2001-02-03T03:05:06.120Z","description":null,"team":"team-2","team_name":"Web"}"#;
    let server = stocked("2001-02-03T04:05:06Z");
    for (flags, rows) in [
        (&[][..], vec![z, j, a, b]),
        (&["--personal"], vec![z, j]),
        (&["--team=team-2"], vec![b]),
    ] {
        let array = format!("[{}]\n", rows.join(","));
        oz(&["secret", "list", "--output-format", "json"])
            .args(flags)
            .server(&server)
            .stdout(array)
            .run();
        let lines: String = rows.iter().map(|row| format!("{row}\n")).collect();
        oz(&["secret", "list", "--output-format", "ndjson"])
            .args(flags)
            .server(&server)
            .stdout(lines)
            .run();
    }
}

#[test]
fn a_scope_that_the_account_does_not_have_is_a_usage_error() {
    let two = "hint: use one of\n  --team=team-1  Core\n  --team=team-2  Web\n";
    for (teams, flag, stderr) in [
        (
            &[("team-1", "Core"), ("team-2", "Web")][..],
            "--team=nope",
            format!("error: you are not on a team with the uid 'nope'\n{two}"),
        ),
        (
            &[("team-1", "Core"), ("team-2", "Web")],
            "--team",
            format!("error: you are on 2 teams, so --team needs to say which\n{two}"),
        ),
        (
            &[],
            "--team",
            "error: you are not on a team\nhint: use --personal\n".to_owned(),
        ),
        (
            &[],
            "--team=nope",
            "error: you are not on a team with the uid 'nope'\n\
             hint: you are not on any team; use --personal\n"
                .to_owned(),
        ),
    ] {
        let server = Server::builder().account(Account::on_teams(teams)).start();
        oz(&["secret", "list", flag])
            .server(&server)
            .code(2)
            .stderr(stderr)
            .run();
    }
    // With one team, `--team` needs no UID.
    let server = Server::builder()
        .account(Account::on_teams(&[("team-1", "Core")]))
        .start();
    server.seed_raw(Scope::Personal, "P");
    server.seed_raw(Scope::Team("team-1"), "T");
    let output = oz(&["secret", "list", "--team", "--output-format", "ndjson"])
        .server(&server)
        .any_stdout()
        .run();
    assert_eq!(output.stdout().lines().count(), 1);
    assert!(
        output
            .stdout()
            .starts_with(r#"{"name":"T","scope":"Team","#)
    );
}

#[test]
fn text_is_aligned() {
    let server = stocked(&years_ago(25));
    let age = "25 years ago";
    oz(&["secret", "list", "--output-format", "text"])
        .server(&server)
        .stdout(format!(
            "Name  Scope       Type                          Created       Updated       Description\n\
             Z     Personal    Raw Value                     {age}  {age}  the\\nlast\n\
             日本  Personal    dotenvx                       {age}  {age}\n\
             A     Team: Core  Anthropic Bedrock Access Key  {age}  {age}\n\
             B     Team: Web   NOVEL_TYPE                    {age}  {age}\n"
        ))
        .run();
}

#[test]
fn an_empty_list_is_a_header() {
    let server = Server::start();
    oz(&["secret", "list"])
        .server(&server)
        .stdout(
            "╭──────┬───────┬──────┬─────────┬─────────┬─────────────╮\n\
             │ Name ┆ Scope ┆ Type ┆ Created ┆ Updated ┆ Description │\n\
             ╞══════╪═══════╪══════╪═════════╪═════════╪═════════════╡\n\
             ╰──────┴───────┴──────┴─────────┴─────────┴─────────────╯\n",
        )
        .run();
    oz(&["secret", "list", "--output-format", "json"])
        .server(&server)
        .stdout("[]\n")
        .run();
    oz(&["secret", "list", "--output-format", "ndjson"])
        .server(&server)
        .run();
    assert_eq!(
        (
            server.connections(),
            server.handshakes(),
            server.ops().len()
        ),
        (3, 3, 3)
    );
}

#[test]
fn a_long_field_is_cut_in_a_table_and_whole_in_json() {
    let time = years_ago(25);
    let age = "25 years ago";
    for (description, shown) in [
        ("a".repeat(200), "a".repeat(200)),
        ("a".repeat(201), "a".repeat(199) + "…"),
        // Characters of two columns, and one of none, which counts as one.
        ("日".repeat(100), "日".repeat(100)),
        ("日".repeat(101), "日".repeat(99) + "…"),
        ("e\u{301}".repeat(100), "e\u{301}".repeat(100)),
        ("e\u{301}".repeat(101), "e\u{301}".repeat(99) + "e…"),
        ("\u{1b}".repeat(4_000_000), r"\u{1b}".repeat(33) + r"\…"),
    ] {
        let server = Server::start();
        server.seed(
            Scope::Personal,
            "N",
            "RAW_VALUE",
            Some(&description),
            &time,
            &time,
        );
        oz(&["secret", "list", "--output-format", "text"])
            .server(&server)
            .stdout(format!(
                "Name  Scope     Type       Created       Updated       Description\n\
                 N     Personal  Raw Value  {age}  {age}  {shown}\n"
            ))
            .run();
        let json = serde_json::to_string(&description).unwrap();
        oz(&["secret", "list", "--output-format", "ndjson"])
            .server(&server)
            .stdout(format!(
                r#"{{"name":"N","scope":"Personal","type":"RAW_VALUE","created":"{time}","updated":"{time}","description":{json},"team":null,"team_name":null}}"#
            ) + "\n")
            .run();
    }
}

#[test]
fn one_long_name_does_not_widen_every_row() {
    let server = Server::start();
    for number in 0..1000 {
        server.seed_raw(Scope::Personal, &format!("N{number:03}"));
    }
    server.seed_raw(Scope::Personal, &"x".repeat(131_069));
    for format in ["pretty", "text"] {
        let output = oz(&["secret", "list", "--output-format", format])
            .server(&server)
            .any_stdout()
            .run();
        assert!(output.stdout.len() < 2_000_000, "{}", output.stdout.len());
        assert!(output.stdout().contains(&("x".repeat(199) + "…")));
    }
}

#[test]
fn a_terminal_shows_what_fits_of_a_long_field() {
    let server = Server::start();
    let time = "2001-02-03T04:05:06Z";
    let description = "word ".repeat(800_000);
    server.seed(
        Scope::Personal,
        "N",
        "RAW_VALUE",
        Some(&description),
        time,
        time,
    );
    let mut variables = server.env();
    variables.push(("COLUMNS".to_owned(), "80".to_owned()));
    let mut session = Session::start(&["secret", "list"], &variables);
    assert_eq!(session.end(), 0);
    let transcript = session.transcript();
    assert!(
        transcript.lines().all(|line| line.chars().count() == 80),
        "{transcript}"
    );
    assert_eq!(transcript.matches("word").count(), 40, "{transcript}");
    assert_eq!(transcript.matches('…').count(), 1, "{transcript}");
}

/// The lines of a `text` table up to its times, which are the same for all.
fn shown(server: &Server, args: &[&str]) -> Vec<String> {
    let output = oz(&["secret", "list", "--output-format", "text"])
        .args(args)
        .server(server)
        .any_stdout()
        .run();
    let lines = output.stdout().lines().skip(1);
    lines
        .map(|line| {
            line.split("Raw Value")
                .next()
                .unwrap()
                .trim_end()
                .to_owned()
        })
        .collect()
}

#[test]
fn a_team_is_named_only_where_there_are_several() {
    let one = Server::builder()
        .account(Account::on_teams(&[("team-1", "Core")]))
        .start();
    one.seed_raw(Scope::Personal, "P");
    one.seed_raw(Scope::Team("team-1"), "T");
    assert_eq!(shown(&one, &[]), ["P     Personal", "T     Team"]);

    // A name that could move the cursor, one that is too long, and none, in whose place the uid stands.
    let long = "x".repeat(201);
    let several = Server::builder()
        .account(Account::on_teams(&[
            ("team-3", ""),
            ("team-1", "Core\u{1b}[1m\u{202e}"),
            ("team-2", &long),
        ]))
        .start();
    for team in ["team-1", "team-2", "team-3"] {
        several.seed_raw(Scope::Team(team), "T");
    }
    assert_eq!(
        shown(&several, &[]),
        [
            r"T     Team: Core\u{1b}[1m\u{202e}".to_owned(),
            format!("T     Team: {}…", "x".repeat(199)),
            "T     Team: team-3".to_owned(),
        ]
    );
    // A filter leaves the name where the account has several teams.
    assert_eq!(shown(&several, &["--team=team-3"]), ["T     Team: team-3"]);
    for (team, name) in [
        ("team-1", r#""Core\u001b[1m\u202e""#.to_owned()),
        ("team-2", format!("\"{long}\"")),
        ("team-3", "null".to_owned()),
    ] {
        let output = oz(&["secret", "list", "--output-format", "ndjson"])
            .arg(format!("--team={team}"))
            .server(&several)
            .any_stdout()
            .run();
        let end = format!(r#""description":null,"team":"{team}","team_name":{name}}}"#);
        assert!(
            output.stdout().trim_end().ends_with(&end),
            "{}",
            output.stdout()
        );
    }
}

#[test]
fn rows_of_several_teams_are_told_apart_where_the_account_names_fewer() {
    let server = Server::builder()
        .account(Account::on_teams(&[("team-1", "Core"), ("team-2", "Web")]))
        .start();
    server.seed_raw(Scope::Team("team-1"), "T");
    server.seed_raw(Scope::Team("team-2"), "T");
    server.always(
        When::Any,
        Behaviour::edit(|reply| {
            let teams = &mut reply["data"]["user"]["user"]["workspaces"][0]["teams"];
            teams.as_array_mut().unwrap().truncate(1);
        }),
    );
    assert_eq!(
        shown(&server, &[]),
        ["T     Team: Core", "T     Team: team-2"]
    );
    let output = oz(&["secret", "list", "--output-format", "ndjson"])
        .server(&server)
        .any_stdout()
        .run();
    let ends: Vec<_> = output
        .stdout()
        .lines()
        .map(|line| line.split_once(r#","team":"#).unwrap().1)
        .collect();
    assert_eq!(
        ends,
        [
            r#""team-1","team_name":"Core"}"#,
            r#""team-2","team_name":null}"#
        ]
    );
}

#[test]
fn a_terminal_wraps_the_names_of_teams() {
    let server = Server::builder()
        .account(Account::on_teams(&[
            ("team-1", "The people of the platform"),
            ("team-2", "Web"),
        ]))
        .start();
    let time = years_ago(25);
    server.seed(Scope::Team("team-1"), "N", "RAW_VALUE", None, &time, &time);
    let mut variables = server.env();
    variables.push(("COLUMNS".to_owned(), "80".to_owned()));
    let mut session = Session::start(&["secret", "list"], &variables);
    assert_eq!(session.end(), 0);
    assert_eq!(
        session.transcript().replace("\r\n", "\n"),
        "\
╭──────┬───────────────┬───────────┬──────────────┬──────────────┬─────────────╮
│ Name ┆ Scope         ┆ Type      ┆ Created      ┆ Updated      ┆ Description │
╞══════╪═══════════════╪═══════════╪══════════════╪══════════════╪═════════════╡
│ N    ┆ Team: The     ┆ Raw Value ┆ 25 years ago ┆ 25 years ago ┆             │
│      ┆ people of the ┆           ┆              ┆              ┆             │
│      ┆ platform      ┆           ┆              ┆              ┆             │
╰──────┴───────────────┴───────────┴──────────────┴──────────────┴─────────────╯
"
    );
}

#[test]
fn names_alone() {
    let server = Server::builder()
        .account(Account::on_teams(&[("team-1", "Core"), ("team-2", "Web")]))
        .start();
    for (scope, name) in [
        (Scope::Team("team-2"), "B"),
        (Scope::Personal, "Z"),
        (Scope::Team("team-1"), "A"),
        (Scope::Team("team-1"), "B"),
        (Scope::Personal, "A"),
        (Scope::Personal, "日本"),
        (Scope::Team("team-1"), "two\nlines\u{1b}[2J\u{202e}"),
    ] {
        server.seed_raw(scope, name);
    }
    for (flags, names) in [
        (
            &[][..],
            &["A", "B", "Z", r"two\nlines\u{1b}[2J\u{202e}", "日本"][..],
        ),
        (&["--personal"], &["A", "Z", "日本"]),
        (&["--team=team-2"], &["B"]),
    ] {
        let lines: String = names.iter().map(|name| format!("{name}\n")).collect();
        let quoted = names.iter().map(|name| {
            let name = name.replace("u{1b}", "u001b").replace("u{202e}", "u202e");
            format!("\"{name}\"")
        });
        let quoted: Vec<String> = quoted.collect();
        for (format, stdout) in [
            ("pretty", lines.clone()),
            ("text", lines),
            ("json", format!("[{}]\n", quoted.join(","))),
            ("ndjson", quoted.join("\n") + "\n"),
        ] {
            oz(&["secret", "list", "--names", "--output-format", format])
                .args(flags)
                .server(&server)
                .stdout(stdout)
                .run();
        }
    }
    assert_eq!((server.connections(), server.ops().len()), (12, 12));
    assert_eq!(server.public_keys_read(), 0);
    // A terminal gets no table either.
    let mut session = Session::start(&["secret", "list", "--names", "--personal"], &server.env());
    assert_eq!(session.end(), 0);
    assert_eq!(session.transcript().replace("\r\n", "\n"), "A\nZ\n日本\n");
}

#[test]
fn no_names() {
    let server = Server::start();
    for (format, stdout) in [
        ("pretty", ""),
        ("text", ""),
        ("json", "[]\n"),
        ("ndjson", ""),
    ] {
        oz(&["secret", "list", "--names", "--output-format", format])
            .server(&server)
            .stdout(stdout)
            .run();
    }
    // What may be missing is said beside them.
    server.seed_raw(Scope::Personal, "N");
    server.always(When::Any, Behaviour::ErrorsBesideData(vec!["half"]));
    oz(&["secret", "list", "--names"])
        .server(&server)
        .stdout("N\n")
        .stderr("note: the service reported errors with the list, which may lack secrets: half\n")
        .run();
}

#[test]
fn a_long_name_is_whole_among_names() {
    let server = Server::start();
    let name = "x".repeat(131_069);
    server.seed_raw(Scope::Personal, &name);
    oz(&["secret", "list", "--names"])
        .server(&server)
        .stdout(name + "\n")
        .run();
}
