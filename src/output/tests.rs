use super::*;
use crate::error::Applied;
use crate::error::ErrorKind;
use crate::outcome::Team;
use crate::secret::{Kind, SecretName};

const FORMATS: [Format; 4] = [Format::Pretty, Format::Text, Format::Json, Format::Ndjson];

fn view(format: Format) -> View {
    View {
        format,
        now: Timestamp {
            seconds: 1_767_323_045,
            nanoseconds: 0,
        },
        width: None,
        colour: false,
    }
}

fn streams(result: &Outcome, format: Format) -> [String; 2] {
    let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
    outcome(result, &view(format), &mut stdout, &mut stderr).unwrap();
    [stdout, stderr].map(|bytes| String::from_utf8(bytes).unwrap())
}

fn written(action: Action, owner: Owner) -> Outcome {
    let name = SecretName::parse("N").unwrap();
    Outcome::Write(WriteOutcome::new(
        action,
        &name,
        owner,
        Some(StoredType::Known(Kind::from_wire("RAW_VALUE").unwrap())),
    ))
}

fn table(secrets: Vec<SecretInfo>) -> Outcome {
    Outcome::Listed {
        secrets,
        teams: teams(&[("t", "Core")]),
        names_only: false,
        note: None,
    }
}

fn teams(teams: &[(&str, &str)]) -> Vec<Team> {
    let team = |(uid, name): &(&str, &str)| Team {
        uid: (*uid).to_owned(),
        name: (*name).to_owned(),
        public_key: None,
    };
    teams.iter().map(team).collect()
}

#[test]
fn every_action_in_every_format() {
    let length = Some(12);
    for (action, words, json) in [
        (
            Action::Created,
            "Secret 'N' created",
            r#""created","applied":true"#,
        ),
        (
            Action::Updated,
            "Secret 'N' updated",
            r#""updated","applied":true"#,
        ),
        (
            Action::Deleted,
            "Secret 'N' deleted",
            r#""deleted","applied":true"#,
        ),
        (
            Action::Unchanged,
            "Secret 'N' already exists, unchanged",
            r#""unchanged","applied":false"#,
        ),
        (
            Action::NotFound,
            "Secret 'N' does not exist, nothing deleted",
            r#""absent","applied":false"#,
        ),
        (
            Action::Declined,
            "Deletion cancelled",
            r#""declined","applied":false"#,
        ),
        (
            Action::WouldCreate { length },
            "Secret 'N' would be created (personal, Raw Value, 12 bytes)",
            r#""would_create","applied":false,"length":12"#,
        ),
        (
            Action::WouldCreate { length: Some(1) },
            "Secret 'N' would be created (personal, Raw Value, 1 byte)",
            r#""would_create","applied":false,"length":1"#,
        ),
        (
            Action::WouldUpdate { length: None },
            "Secret 'N' would be updated (personal, Raw Value)",
            r#""would_update","applied":false"#,
        ),
        (
            Action::WouldDelete,
            "Secret 'N' would be deleted (personal, Raw Value)",
            r#""would_delete","applied":false"#,
        ),
    ] {
        for format in FORMATS {
            let expected = if format.is_machine() {
                format!(
                    "{{\"name\":\"N\",\"scope\":\"Personal\",\"team\":null,\"type\":\"RAW_VALUE\",\
                     \"action\":{json},\"notes\":[]}}\n"
                )
            } else {
                format!("{words}\n")
            };
            let result = written(action, Owner::Personal);
            assert_eq!(streams(&result, format), [expected, String::new()]);
        }
    }
}

#[test]
fn teams_and_notes() {
    let length = Some(0);
    let team = Owner::Team("T\u{7f}1".to_owned());
    let Outcome::Write(mut write) = written(Action::WouldUpdate { length }, team) else {
        unreachable!()
    };
    write.name = "A\u{1b}".to_owned();
    write.notes = vec!["one".to_owned(), "two\n".to_owned()];
    let result = Outcome::Write(write);
    assert_eq!(
        streams(&result, Format::Text),
        [
            "Secret 'A\\u{1b}' would be updated (team T\\u{7f}1, Raw Value, 0 bytes)\n",
            "note: one\nnote: two\\n\n"
        ]
    );
    let json = r#"{"name":"A\u001b","scope":"Team","team":"T\u007f1","type":"RAW_VALUE","action":"would_update","applied":false,"length":0,"notes":["one","two\n"]}"#;
    let expected = [format!("{json}\n"), String::new()];
    assert_eq!(streams(&result, Format::Json), expected);
    assert_eq!(streams(&result, Format::Ndjson), expected);
}

#[test]
fn a_name_is_safe_in_every_sentence() {
    for action in [
        Action::Created,
        Action::Updated,
        Action::Deleted,
        Action::Unchanged,
        Action::NotFound,
        Action::WouldCreate { length: None },
        Action::WouldUpdate { length: None },
        Action::WouldDelete,
    ] {
        let Outcome::Write(mut write) = written(action, Owner::Other("O\u{1b}".to_owned())) else {
            unreachable!()
        };
        write.name = "A\u{1b}".to_owned();
        write.stored_type = Some(StoredType::Other("T\u{1b}".to_owned()));
        let result = Outcome::Write(write);
        for format in [Format::Pretty, Format::Text] {
            let [sentence, _] = streams(&result, format);
            assert!(sentence.starts_with("Secret 'A\\u{1b}' "), "{sentence}");
            assert!(!sentence.contains('\u{1b}'), "{sentence}");
        }
    }
}

fn listed(name: &str, team: Option<&str>) -> SecretInfo {
    SecretInfo {
        name: name.to_owned(),
        description: None,
        owner: team.map_or(Owner::Personal, |uid| Owner::Team(uid.to_owned())),
        stored_type: StoredType::Known(Kind::from_wire("OPENAI_API_KEY").unwrap()),
        created: Timestamp {
            seconds: 1_767_323_045,
            nanoseconds: 120_000_000,
        },
        updated: Timestamp {
            seconds: 1_767_323_045,
            nanoseconds: 0,
        },
    }
}

#[test]
fn lists_are_sorted() {
    let rows = [
        listed("A", Some("t2")),
        listed("B", None),
        listed("A", Some("t1")),
        listed("a", None),
        listed("Ä", None),
        listed("A", None),
        listed("0", Some("t9")),
    ];
    let order: Vec<_> = sorted(&rows, false)
        .iter()
        .map(|row| (row.name.as_str(), row.owner.team()))
        .collect();
    let expected = [
        ("A", None),
        ("B", None),
        ("a", None),
        ("Ä", None),
        ("0", Some("t9")),
        ("A", Some("t1")),
        ("A", Some("t2")),
    ];
    assert_eq!(order, expected);
    let names: Vec<_> = sorted(&rows, true)
        .iter()
        .map(|row| row.name.as_str())
        .collect();
    assert_eq!(names, ["0", "A", "B", "a", "Ä"]);
}

#[test]
fn lists_for_programs() {
    let mut described = listed("B", Some("t"));
    described.description = Some("why \"so\"\u{202e}".to_owned());
    described.stored_type = StoredType::Other("NEW_TYPE".to_owned());
    let rows = table(vec![described, listed("A", None)]);
    let first = r#"{"name":"A","scope":"Personal","type":"OPENAI_API_KEY","created":"2026-01-02T03:04:05.120Z","updated":"2026-01-02T03:04:05Z","description":null,"team":null,"team_name":null}"#;
    let second = r#"{"name":"B","scope":"Team","type":"NEW_TYPE","created":"2026-01-02T03:04:05.120Z","updated":"2026-01-02T03:04:05Z","description":"why \"so\"\u202e","team":"t","team_name":"Core"}"#;
    let none = table(Vec::new());
    for (result, format, expected) in [
        (&rows, Format::Json, format!("[{first},{second}]\n")),
        (&rows, Format::Ndjson, format!("{first}\n{second}\n")),
        (&none, Format::Json, "[]\n".to_owned()),
        (&none, Format::Ndjson, String::new()),
    ] {
        assert_eq!(streams(result, format), [expected, String::new()]);
    }
}

#[test]
fn lists_for_people() {
    let rows = table(vec![listed("B", Some("t")), listed("A", None)]);
    let [text, stderr] = streams(&rows, Format::Text);
    assert_eq!(
        text,
        "Name  Scope     Type            Created   Updated   Description\n\
         A     Personal  OpenAI API Key  just now  just now\n\
         B     Team      OpenAI API Key  just now  just now\n"
    );
    assert_eq!(stderr, "");
    let [pretty, _] = streams(&rows, Format::Pretty);
    assert!(
        pretty.starts_with('╭') && pretty.ends_with("╯\n"),
        "{pretty}"
    );
    assert_eq!(pretty.lines().count(), 7);
}

#[test]
fn a_team_is_named_where_there_are_several() {
    let one = [listed("A", Some("t")), listed("B", None)];
    let two = [listed("A", Some("t")), listed("B", Some("v"))];
    for (rows, known, labels) in [
        (&one[..], &[("t", "Core")][..], [None, None]),
        (&one, &[], [None, None]),
        (&one, &[("v", "Web"), ("t", "Core")], [Some("Core"), None]),
        (&one, &[("v", "Web"), ("t", "")], [Some("t"), None]),
        (&two, &[("t", "Core")], [Some("Core"), Some("v")]),
        (&two, &[], [Some("t"), Some("v")]),
    ] {
        let known = teams(known);
        let refs: Vec<_> = rows.iter().collect();
        let teams = Teams::new(&known, &refs);
        let found: Vec<_> = rows.iter().map(|row| teams.label(&row.owner)).collect();
        assert_eq!(found, labels);
    }
}

#[test]
fn failures() {
    let not_found = Error::not_found("no secret 'N\u{1b}'")
        .cause("first")
        .cause("second\n")
        .hint("list them");
    let human = "error: no secret 'N\\u{1b}'\n  caused by: first\n  caused by: second\\n\nhint: list them\n";
    let json = r#"{"error":{"code":3,"kind":"not_found","message":"no secret 'N\u001b'","hint":"list them","causes":["first","second\\n"],"applied":false}}"#;
    let bare = |code: u8, kind: &str, message: &str, applied: &str| {
        format!(
            r#"{{"error":{{"code":{code},"kind":"{kind}","message":"{message}","hint":null,"causes":[],"applied":{applied}}}}}"#
        )
    };
    for (error, human, json) in [
        (not_found, human, json.to_owned()),
        (
            Error::cancelled(),
            "error: cancelled\n",
            bare(130, "cancelled", "cancelled", "false"),
        ),
        (
            Error::terminated(15),
            "error: terminated\n",
            bare(143, "terminated", "terminated", "false"),
        ),
        (
            Error::outcome_unknown("lost"),
            "error: lost\n",
            bare(75, "outcome_unknown", "lost", "\"unknown\""),
        ),
        (
            Error::new(ErrorKind::Output(Applied::Yes), "full"),
            "error: full\n",
            bare(1, "output", "full", "true"),
        ),
    ] {
        for format in FORMATS {
            let out = String::from_utf8(failure(&error, format, false)).unwrap();
            if format.is_machine() {
                assert_eq!(out, format!("{json}\n"));
            } else {
                assert_eq!(out, human);
            }
        }
    }
}
