//! Owns outcome truth: whatever happens to a connection, at whatever point, exit code and words say what is true on
//! the server, and a mutation is applied at most once.

use crate::server::{Behaviour, End, Point, Scope, Server, When};
use crate::support::oz;
use serde_json::Value;

/// A write, and how the store shows that it took place.
#[derive(Clone, Copy, Debug)]
enum Verb {
    Create,
    Update,
    Describe,
    Delete,
}

const VERBS: [Verb; 4] = [Verb::Create, Verb::Update, Verb::Describe, Verb::Delete];

impl Verb {
    fn args(self) -> &'static [&'static str] {
        match self {
            Self::Create => &["secret", "create", "N"],
            Self::Update => &["secret", "update", "N", "--value"],
            Self::Describe => &["secret", "update", "N", "-d", "new"],
            Self::Delete => &["secret", "delete", "N", "--force"],
        }
    }

    fn done(self) -> &'static str {
        match self {
            Self::Create => "created",
            Self::Update | Self::Describe => "updated",
            Self::Delete => "deleted",
        }
    }

    fn server(self) -> Server {
        let server = Server::start();
        if !matches!(self, Self::Create) {
            server.seed_raw(Scope::Personal, "N");
        }
        server
    }

    fn applied(self, server: &Server) -> bool {
        let secret = server.secret(Scope::Personal, "N");
        match self {
            Self::Create => secret.is_some(),
            Self::Update => secret.is_some_and(|secret| secret.opened.is_some()),
            Self::Describe => {
                secret.is_some_and(|secret| secret.description.as_deref() == Some("new"))
            }
            Self::Delete => secret.is_none(),
        }
    }
}

/// How often the server saw the mutation to its end.
fn mutations(server: &Server) -> usize {
    server
        .ops()
        .iter()
        .filter(|op| op.ends_with("ManagedSecret"))
        .count()
}

/// Runs the verb with JSON output, and holds the document to the truth: `applied` and the exit code against the
/// store. Answers the document.
fn truthful(verb: Verb, server: &Server, what: &str) -> Value {
    let output = oz(verb.args())
        .args(["--output-format", "json", "--timeout", "5"])
        .server(server)
        .stdin("value")
        .any_code()
        .any_stdout()
        .any_stderr()
        .run();
    let code = crate::support::code(output.status);
    let (document, applied) = if code == 0 {
        assert_eq!(output.stderr(), "", "{verb:?} {what}");
        let document: Value = serde_json::from_str(output.stdout()).unwrap();
        assert_eq!(document["action"], verb.done(), "{verb:?} {what}");
        let applied = document["applied"].clone();
        (document, applied)
    } else {
        assert_eq!(output.stdout(), "", "{verb:?} {what}");
        let document: Value = serde_json::from_str(output.stderr()).unwrap();
        assert_eq!(document["error"]["code"], code, "{verb:?} {what}");
        let applied = document["error"]["applied"].clone();
        (document, applied)
    };
    match applied {
        Value::Bool(applied) => {
            assert_eq!(applied, verb.applied(server), "{verb:?} {what}: {document}");
            assert_eq!(applied, code == 0, "{verb:?} {what}: {document}");
        }
        Value::String(word) => {
            assert_eq!((word.as_str(), code), ("unknown", 75), "{verb:?} {what}")
        }
        other => panic!("{verb:?} {what}: applied is {other}"),
    }
    document
}

#[test]
fn a_connection_that_ends_in_the_mutation_is_settled_by_asking_again() {
    for verb in VERBS {
        for end in [End::Orderly, End::Truncated, End::Reset] {
            for (point, applied) in [
                (Point::Head, false),
                (Point::Body, false),
                (Point::Applied, true),
            ] {
                let server = verb.server();
                server.next(When::Mutation, Behaviour::Vanish(point, end));
                let what = format!("{point:?} {end:?}");
                let document = truthful(verb, &server, &what);
                assert_eq!(verb.applied(&server), applied, "{verb:?} {what}");
                if applied {
                    let note = format!(
                        "the service's answer was lost; asked again, the secret was {}",
                        verb.done()
                    );
                    assert_eq!(
                        document["notes"],
                        serde_json::json!([note]),
                        "{verb:?} {what}"
                    );
                } else {
                    assert_eq!(document["error"]["code"], 69, "{verb:?} {what}: {document}");
                }
                // Nothing but the one mutation, and the question after it.
                assert_eq!(mutations(&server), 1, "{verb:?} {what}: {:?}", server.ops());
                assert_eq!(
                    server.ops().last().map(String::as_str),
                    Some("ListManagedSecrets")
                );
            }
        }
    }
}

#[test]
fn a_reply_cut_at_any_byte_is_settled_by_asking_again() {
    // The head of a reply and the start of its body; every byte of one verb, and a sample of the others.
    for verb in VERBS {
        let step = if matches!(verb, Verb::Create) { 1 } else { 37 };
        for cut in (0..200).step_by(step) {
            let server = verb.server();
            server.next(When::Mutation, Behaviour::Cut(cut, End::Truncated));
            truthful(verb, &server, &format!("cut at {cut}"));
            assert!(verb.applied(&server), "{verb:?} cut at {cut}");
            assert_eq!(mutations(&server), 1);
        }
    }
}

#[test]
fn an_answer_lost_for_good_is_said_to_be_unknown() {
    for verb in VERBS {
        for point in [Point::Body, Point::Applied] {
            let server = verb.server();
            server.next(When::Mutation, Behaviour::Vanish(point, End::Truncated));
            server.always(
                When::Op("ListManagedSecrets"),
                Behaviour::Vanish(Point::Head, End::Truncated),
            );
            let document = truthful(verb, &server, "lost for good");
            assert_eq!(document["error"]["applied"], "unknown");
            assert_eq!(document["error"]["kind"], "outcome_unknown");
            assert_eq!(mutations(&server), 1);
        }
    }
}

#[test]
fn an_answer_that_tells_nothing_is_settled_by_asking_again() {
    for (what, behaviour) in [
        ("500", Behaviour::status(500, "{}")),
        ("502", Behaviour::status(502, "<html>")),
        ("no JSON", Behaviour::status(200, "oops")),
        ("no data", Behaviour::status(200, "{}")),
        ("errors", Behaviour::Errors(vec!["boom"])),
        ("unknown member", Behaviour::UnknownMember),
        (
            "HTTP of another kind",
            Behaviour::Raw(b"SSH-2.0-x\r\n".to_vec(), End::Orderly),
        ),
    ] {
        for verb in VERBS {
            let server = verb.server();
            server.next(When::Mutation, behaviour.clone());
            let document = truthful(verb, &server, what);
            assert_eq!(
                document["error"]["applied"], false,
                "{verb:?} {what}: {document}"
            );
            assert_eq!(mutations(&server), 1, "{verb:?} {what}");
        }
    }
}

#[test]
fn a_write_is_sent_again_only_when_it_was_not_processed() {
    for verb in VERBS {
        for status in [429, 503] {
            let server = verb.server();
            server.next(When::Mutation, Behaviour::status(status, "{}"));
            let document = truthful(verb, &server, "sent again");
            assert_eq!(document["applied"], true, "{verb:?} {status}");
            assert_eq!(mutations(&server), 2);
        }
        let server = verb.server();
        server.always(When::Mutation, Behaviour::status(429, "{}"));
        let document = truthful(verb, &server, "429 for ever");
        assert_eq!(document["error"]["kind"], "try_later");
        assert_eq!(mutations(&server), 3);
    }
}

#[test]
fn a_connection_closed_between_the_two_requests_is_opened_again() {
    for verb in VERBS {
        for end in [End::Orderly, End::Truncated, End::Reset] {
            let server = verb.server();
            server.next(When::Op("Lookup"), Behaviour::CloseAfterReply(end));
            let document = truthful(verb, &server, "closed between");
            // Whether the end arrives before the second request leaves is a race that the server can win by a hair;
            // then the request is lost, and said to be. The unit tests of `net` order the two.
            let lost = document["error"]["code"] == 69;
            assert!(
                document["applied"] == true || lost,
                "{verb:?} {end:?}: {document}"
            );
            assert_eq!(mutations(&server), usize::from(!lost));
        }
    }
}

#[test]
fn a_lookup_that_fails_changes_nothing() {
    for verb in VERBS {
        for (behaviour, code) in [
            (Behaviour::Vanish(Point::Accepted, End::Reset), 69),
            (Behaviour::Vanish(Point::Handshaken, End::Truncated), 69),
            (Behaviour::Vanish(Point::Body, End::Truncated), 69),
            (Behaviour::status(500, ""), 75),
            (Behaviour::status(503, ""), 75),
            (Behaviour::status(401, "{}"), 4),
        ] {
            let server = verb.server();
            server.always(When::Query, behaviour);
            let document = truthful(verb, &server, "lookup");
            assert_eq!(document["error"]["code"], code, "{verb:?}: {document}");
            assert_eq!(mutations(&server), 0);
        }
    }
}

#[test]
fn a_lookup_rides_out_a_short_outage() {
    for behaviour in [
        Behaviour::Vanish(Point::Accepted, End::Reset),
        Behaviour::Vanish(Point::Body, End::Truncated),
        Behaviour::status(408, ""),
        Behaviour::status(429, ""),
        Behaviour::status(500, ""),
        Behaviour::status(503, ""),
    ] {
        let server = Server::start();
        server.next_times(2, When::Query, behaviour);
        let document = truthful(Verb::Create, &server, "short outage");
        assert_eq!(document["applied"], true, "{document}");
    }
}

#[test]
fn words_for_people_say_the_same() {
    let server = Server::start();
    server.next(
        When::Mutation,
        Behaviour::Vanish(Point::Applied, End::Truncated),
    );
    oz(&["secret", "create", "N"])
        .server(&server)
        .stdin("x")
        .stdout("Secret 'N' created\n")
        .stderr("note: the service's answer was lost; asked again, the secret was created\n")
        .run();
}
