//! Tests of the local server and of the test harness.

use crate::server::{Account, Behaviour, End, Point, Scope, Server, Tls, When};
use crate::support::opener::{Aead, Keyset, Prefix, context};
use crate::support::pki::Certificate;
use crate::support::raw::{Raw, ask, post};
use crate::support::{MARKER_KEY, MARKER_SECRET, oz};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::io::ErrorKind;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::time::{Duration, Instant};

fn request_context() -> Value {
    json!({
        "clientContext": {"version": null},
        "osContext": {"category": null, "linuxKernelVersion": null, "name": null, "version": null},
    })
}

const LIST: &str = "query L($i: ManagedSecretsInput!, $c: RequestContext!) {
  managedSecrets(input: $i, requestContext: $c) { __typename
    ... on ManagedSecretsOutput { managedSecrets {
      name description createdAt updatedAt type owner { type uid } } }
    ... on UserFacingError { error { message } } } }";

const USER: &str = "query U($c: RequestContext!) {
  user(requestContext: $c) { __typename
    ... on UserOutput { principalType apiKeyOwnerType user {
      profile { uid } managedSecrets { publicKey }
      workspaces { uid teams { uid name managedSecrets { publicKey } } } } }
    ... on UserFacingError { error { message } } } }";

/// The document of a mutation; the operation has the name that the service's own client gives it.
fn mutation(verb: &str) -> (String, String) {
    let op = format!("{verb}ManagedSecret");
    let field = format!("{}ManagedSecret", verb.to_lowercase());
    let output = match verb {
        "Delete" => "responseContext { serverVersion }",
        _ => "managedSecret { name type description createdAt updatedAt }",
    };
    let document = format!(
        "mutation {op}($i: {op}Input!, $c: RequestContext!) {{
           {field}(input: $i, requestContext: $c) {{ __typename
             ... on {op}Output {{ {output} }}
             ... on UserFacingError {{ error {{ __typename message }} }} }} }}"
    );
    (op, document)
}

/// Runs a mutation and returns its root field.
fn mutate(server: &Server, verb: &str, input: Value, team: Option<&str>) -> Value {
    let (op, document) = mutation(verb);
    let variables = json!({"i": input, "c": request_context()});
    let (status, reply) = ask(server, &post(server, &op, &document, &variables, team));
    assert_eq!(status, 200);
    let root = format!("{}ManagedSecret", verb.to_lowercase());
    reply["data"][root].clone()
}

fn owner_of(team: Option<&str>) -> Value {
    match team {
        Some(uid) => json!({"type": "Team", "uid": uid}),
        None => json!({"type": "User", "uid": null}),
    }
}

/// Creates a raw secret for the first account, sealed for this actor.
fn create(server: &Server, actor: &str, name: &str, value: &str, team: Option<&str>) -> Value {
    let keyset = Keyset::from_seed(team.unwrap_or(actor));
    let payload = json!({"value": value}).to_string();
    let envelope = keyset.seal(payload.as_bytes(), &context(actor, name, "RAW_VALUE"));
    let input = json!({
        "name": name, "type": "RAW_VALUE", "description": null,
        "owner": owner_of(team), "encryptedValue": envelope,
    });
    mutate(server, "Create", input, team)
}

fn list_request(server: &Server) -> Vec<u8> {
    let variables = json!({"i": {"cursor": null}, "c": request_context()});
    post(server, "L", LIST, &variables, None)
}

fn list(server: &Server) -> Value {
    let (status, reply) = ask(server, &list_request(server));
    assert_eq!(status, 200);
    reply["data"]["managedSecrets"]["managedSecrets"].clone()
}

fn names(server: &Server) -> Vec<String> {
    let rows = list(server);
    let rows = rows.as_array().expect("rows").iter();
    rows.map(|row| row["name"].as_str().expect("a name").to_owned())
        .collect()
}

/// The type of the error and its message.
fn refusal(root: &Value) -> (&str, &str) {
    assert_eq!(root["__typename"], "UserFacingError", "{root}");
    let text = |key: &str| root["error"][key].as_str().expect("a text");
    (text("__typename"), text("message"))
}

// Documents

#[test]
fn a_list_has_the_shape_that_was_asked_for() {
    let server = Server::start();
    server.seed(
        Scope::Personal,
        "ONE",
        "RAW_VALUE",
        Some("first"),
        "2026-01-01T00:00:00Z",
        "2026-01-02T00:00:00Z",
    );
    assert_eq!(
        list(&server),
        json!([{
            "name": "ONE", "description": "first", "type": "RAW_VALUE",
            "createdAt": "2026-01-01T00:00:00Z", "updatedAt": "2026-01-02T00:00:00Z",
            "owner": {"type": "User", "uid": "user-1"},
        }])
    );
    assert_eq!((server.connections(), server.handshakes()), (1, 1));
    assert_eq!(server.public_keys_read(), 0);
}

#[test]
fn aliases_fragments_and_conditions_shape_the_reply() {
    let server = Server::start();
    let query = "query Q($c: RequestContext!, $no: Boolean!) {
      me: user(requestContext: $c) { ...who kind: __typename }
      managedSecrets(input: {}, requestContext: $c) @skip(if: true) { __typename } }
    fragment who on UserResult { ... on UserOutput { user {
      profile { id: uid photoUrl @include(if: $no) } } } }";
    let variables = json!({"c": request_context(), "no": false});
    let (_, reply) = ask(&server, &post(&server, "Q", query, &variables, None));
    assert_eq!(
        reply,
        json!({"data": {"me": {"user": {"profile": {"id": "user-1"}}, "kind": "UserOutput"}}})
    );
}

#[test]
fn the_account_is_as_configured() {
    let server = Server::builder()
        .account(Account::on_teams(&[
            ("team-a", "Team A"),
            ("team-b", "Team B"),
        ]))
        .start();
    let variables = json!({"c": request_context()});
    let (_, reply) = ask(&server, &post(&server, "U", USER, &variables, None));
    let key = |seed: &str| json!({"publicKey": Keyset::from_seed(seed).published()});
    assert_eq!(
        reply["data"]["user"],
        json!({"__typename": "UserOutput", "principalType": "USER", "apiKeyOwnerType": "User",
        "user": {"profile": {"uid": "user-1"}, "managedSecrets": key("user-1"),
            "workspaces": [{"uid": "workspace-1", "teams": [
                {"uid": "team-a", "name": "Team A", "managedSecrets": key("team-a")},
                {"uid": "team-b", "name": "Team B", "managedSecrets": key("team-b")},
            ]}]}})
    );
    assert_eq!(server.public_keys_read(), 3);
}

#[test]
fn rejects_documents_the_schema_does_not_allow() {
    let list = "managedSecrets(input: $i, requestContext: $c)";
    let head = "query L($i: ManagedSecretsInput!, $c: RequestContext!)";
    let cases = [
        ("syntax", format!("{head} {{ {list} {{ __typename }}")),
        ("unknown field", format!("{head} {{ {list} {{ __typename }} nope }}")),
        ("field of a member", format!("{head} {{ {list} {{ managedSecrets {{ name }} }} }}")),
        ("no selection", format!("{head} {{ {list} }}")),
        ("unused variable", format!("{head} {{ managedSecrets(input: {{}}, requestContext: $c) {{ __typename }} }}")),
        ("missing argument", format!("{head} {{ managedSecrets(input: $i) {{ __typename }} user(requestContext: $c) {{ __typename }} }}")),
        ("undefined variable", "query L($c: RequestContext!) { managedSecrets(input: $i, requestContext: $c) { __typename } }".to_owned()),
        ("type of a variable", "query L($i: RequestContext!, $c: RequestContext!) { managedSecrets(input: $i, requestContext: $c) { __typename } }".to_owned()),
        ("unknown member", format!("{head} {{ {list} {{ ... on Nothing {{ name }} }} }}")),
        ("mutation as a query", format!("{head} {{ {list} {{ __typename }} deleteManagedSecret {{ __typename }} }}")),
        ("no name", "query { __typename }".to_owned()),
        ("two operations", "query L { __typename } query M { __typename }".to_owned()),
        ("empty", String::new()),
    ];
    let server = Server::start();
    let variables = json!({"i": {"cursor": null}, "c": request_context()});
    for (what, document) in cases {
        let (status, reply) = ask(&server, &post(&server, "L", &document, &variables, None));
        assert_eq!((status, &reply["data"]), (200, &Value::Null), "{what}");
        assert!(reply["errors"][0]["message"].is_string(), "{what}: {reply}");
        assert_eq!(server.violations().len(), 1, "{what}");
    }
}

#[test]
fn rejects_variables_of_the_wrong_type() {
    let context = request_context();
    let cases = [
        ("none", json!(null)),
        ("no object", json!([1])),
        ("one missing", json!({"c": context})),
        ("null where it must not", json!({"i": null, "c": context})),
        (
            "unknown key",
            json!({"i": {"cursor": null, "x": 1}, "c": context}),
        ),
        ("unknown variable", json!({"i": {}, "c": context, "x": 1})),
        ("wrong scalar", json!({"i": {"cursor": 1}, "c": context})),
        (
            "half a context",
            json!({"i": {}, "c": {"clientContext": {}}}),
        ),
    ];
    let server = Server::start();
    for (what, variables) in cases {
        let (status, reply) = ask(&server, &post(&server, "L", LIST, &variables, None));
        assert_eq!((status, &reply["data"]), (200, &Value::Null), "{what}");
        assert!(reply["errors"][0]["message"].is_string(), "{what}: {reply}");
        assert_eq!(server.violations().len(), 1, "{what}");
    }
    let (op, document) = mutation("Create");
    let input =
        json!({"name": "N", "type": "NEW_TYPE", "encryptedValue": "", "owner": {"type": "User"}});
    let variables = json!({"i": input, "c": request_context()});
    let (_, reply) = ask(&server, &post(&server, &op, &document, &variables, None));
    assert_eq!(reply["data"], Value::Null, "unknown enum value");
    assert_eq!(server.violations().len(), 1);
}

// The endpoint

#[test]
fn rejects_malformed_requests() {
    let server = Server::start();
    let good = String::from_utf8(list_request(&server)).unwrap();
    let key = format!("Bearer {MARKER_KEY}");
    let line = format!("Authorization: {key}\r\n");
    let cases = [
        ("/graphql/v2?op=L", "/graphql?op=L", 404, 1),
        ("POST ", "PUT ", 405, 1),
        (key.as_str(), "Bearer wk-other", 401, 0),
        (key.as_str(), MARKER_KEY, 401, 0),
        (line.as_str(), "", 401, 0),
        ("application/json", "text/plain", 415, 1),
        ("?op=L", "", 400, 1),
        ("?op=L", "?op=M", 400, 1),
        ("\"operationName\":\"L\"", "\"operationName\":\"M\"", 400, 1),
        ("query L(", "query M(", 400, 1),
        ("\"query\":", "\"quarr\":", 400, 1),
        ("{\"operationName\"", "[\"operationName\"", 400, 1),
    ];
    for (from, to, expected, violations) in cases {
        assert!(good.contains(from), "{from}");
        let bad = good.replacen(from, to, 1);
        let (status, _) = ask(&server, bad.as_bytes());
        assert_eq!(status, expected, "{from} -> {to}");
        assert_eq!(server.violations().len(), violations, "{from} -> {to}");
    }
    assert_eq!(ask(&server, good.as_bytes()).0, 200);
    assert!(!server.log().contains(MARKER_KEY));
}

#[test]
fn requests_are_recorded_as_they_came() {
    let server = Server::start();
    let mut raw = Raw::connect(&server);
    let request = list_request(&server);
    for _ in 0..2 {
        raw.send(&request).unwrap();
        raw.answer().unwrap();
    }
    let _ = ask(&server, &request);
    let seen = server.requests();
    let connections: Vec<_> = seen.iter().map(|one| one.connection).collect();
    assert_eq!(connections, [1, 1, 2]);
    assert_eq!((server.connections(), server.handshakes()), (2, 2));
    assert_eq!(server.ops(), ["L", "L", "L"]);
    let first = &seen[0];
    assert_eq!(first.method, "POST");
    assert_eq!(first.target, "/graphql/v2?op=L");
    assert_eq!(first.header("host"), Some("localhost"));
    assert_eq!(first.header("absent"), None);
    assert_eq!(first.json()["operationName"], "L");
    assert!(request.ends_with(&first.body));
}

#[test]
fn a_server_without_tls_speaks_plain_http() {
    let server = Server::builder().tls(Tls::Off).start();
    assert!(server.root().starts_with("http://localhost:"));
    assert_eq!(list(&server), json!([]));
    assert_eq!((server.connections(), server.handshakes()), (1, 0));
}

// Envelopes and stores

#[test]
fn envelopes_of_every_aead_and_prefix_are_opened() {
    for aead in [Aead::Aes128Gcm, Aead::Aes256Gcm, Aead::ChaCha20Poly1305] {
        for prefix in [Prefix::Tink, Prefix::Legacy, Prefix::Raw, Prefix::Crunchy] {
            let keyset = Keyset::from_seed("any").aead(aead).prefix(prefix);
            let sealed = keyset.seal(b"text", "context");
            assert_eq!(keyset.open(&sealed, "context").unwrap(), b"text");
            assert!(keyset.open(&sealed, "contexts").is_err());
        }
    }
}

#[test]
fn the_opener_agrees_with_tink() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors/tink.json");
    let vectors: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    let vectors = vectors["opens"].as_array().unwrap();
    assert_eq!(vectors.len(), 9);
    for vector in vectors {
        let text = |key: &str| vector[key].as_str().unwrap();
        let keyset = published_keyset(vector);
        let opened = keyset.open(text("envelope"), text("context"));
        assert_eq!(
            opened.unwrap(),
            text("plaintext").as_bytes(),
            "{}",
            text("name")
        );
        // Ours have one key; a vector with three is longer.
        if text("keyset").len() < 200 {
            assert_eq!(keyset.published(), text("keyset"), "{}", text("name"));
        }
    }
}

fn published_keyset(vector: &Value) -> Keyset {
    let text = |key: &str| vector[key].as_str().unwrap();
    let mut private = [0; 32];
    for (index, byte) in private.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&text("private")[index * 2..index * 2 + 2], 16).unwrap();
    }
    let id = vector["primary"].as_u64().unwrap();
    Keyset::from_private(private, u32::try_from(id).unwrap())
        .aead(match text("aead") {
            "AES_128_GCM" => Aead::Aes128Gcm,
            "AES_256_GCM" => Aead::Aes256Gcm,
            "CHACHA20_POLY1305" => Aead::ChaCha20Poly1305,
            other => panic!("{other}"),
        })
        .prefix(match text("prefix") {
            "TINK" => Prefix::Tink,
            "RAW" => Prefix::Raw,
            "CRUNCHY" => Prefix::Crunchy,
            other => panic!("{other}"),
        })
}

#[test]
fn a_valid_envelope_is_stored() {
    let server = Server::start();
    let root = create(&server, "user-1", "N", "v\n\u{e9}", None);
    assert_eq!(
        root,
        json!({"__typename": "CreateManagedSecretOutput", "managedSecret": {
            "name": "N", "type": "RAW_VALUE", "description": null,
            "createdAt": "2026-01-02T03:04:06Z", "updatedAt": "2026-01-02T03:04:06Z"}})
    );
    let opened = server.opened(Scope::Personal, "N");
    assert_eq!(opened.as_deref(), Some("{\"value\":\"v\\n\u{e9}\"}"));
    assert!(
        server
            .log()
            .contains("CreateManagedSecret, personal, 'N': opened 17 bytes")
    );
}

#[test]
fn rejects_an_invalid_envelope() {
    let keyset = Keyset::from_seed("user-1");
    let good = context("user-1", "N", "RAW_VALUE");
    let seal = |payload: &str, context: &str| keyset.seal(payload.as_bytes(), context);
    let payload = r#"{"value":"x"}"#;
    let whole = seal(payload, &good);
    let sealed_elsewhere = "invalid secret: does not open in this context";
    let wrong_fields = "invalid secret: the value has not the fields of its type";
    let cases = [
        (
            seal(payload, &context("user-2", "N", "RAW_VALUE")),
            sealed_elsewhere,
        ),
        (
            seal(payload, &context("user-1", "M", "RAW_VALUE")),
            sealed_elsewhere,
        ),
        (
            seal(payload, &context("user-1", "N", "DOTENVX")),
            sealed_elsewhere,
        ),
        (seal(payload, "1:user-1:N:RAW_VALUE"), sealed_elsewhere),
        (
            Keyset::from_seed("team-a").seal(payload.as_bytes(), &good),
            "invalid secret: sealed for another key",
        ),
        (
            Keyset::from_seed("user-1")
                .prefix(Prefix::Raw)
                .seal(payload.as_bytes(), &good),
            "invalid secret: sealed for another key",
        ),
        (
            Keyset::from_seed("user-1")
                .aead(Aead::Aes128Gcm)
                .seal(payload.as_bytes(), &good),
            sealed_elsewhere,
        ),
        (
            whole.trim_end_matches('=').to_owned() + "*",
            "invalid secret: not padded standard base64",
        ),
        (
            whole[..40].to_owned(),
            "invalid secret: shorter than an encapsulated key",
        ),
        (seal(r#"{"api_key":"x"}"#, &good), wrong_fields),
        (seal(r#"{"value":"x","more":"y"}"#, &good), wrong_fields),
        (seal(r#"{"value":1}"#, &good), wrong_fields),
        (seal("x", &good), wrong_fields),
        (String::new(), "invalid secret: sealed for another key"),
    ];
    let server = Server::start();
    for (envelope, message) in cases {
        let input = json!({"name": "N", "type": "RAW_VALUE", "owner": owner_of(None), "encryptedValue": envelope});
        let root = mutate(&server, "Create", input, None);
        assert_eq!(refusal(&root), ("InvalidSecretError", message));
        assert!(server.secret(Scope::Personal, "N").is_none());
    }
}

#[test]
fn names_are_unique_within_each_owner() {
    let server = Server::builder()
        .account(Account::on_teams(&[("team-a", "A"), ("team-b", "B")]))
        .start();
    for team in [None, Some("team-a"), Some("team-b")] {
        let value = team.unwrap_or("mine");
        assert_eq!(
            create(&server, "user-1", "N", value, team)["__typename"],
            "CreateManagedSecretOutput"
        );
        let again = create(&server, "user-1", "N", "other", team);
        assert_eq!(
            refusal(&again),
            (
                "GenericStringObjectUniqueKeyConflict",
                "a secret with this name already exists"
            )
        );
    }
    let opened = |scope| server.opened(scope, "N").unwrap();
    assert_eq!(opened(Scope::Personal), r#"{"value":"mine"}"#);
    assert_eq!(opened(Scope::Team("team-a")), r#"{"value":"team-a"}"#);
    assert_eq!(opened(Scope::Team("team-b")), r#"{"value":"team-b"}"#);
    assert_eq!(names(&server), ["N", "N", "N"]);
}

#[test]
fn the_team_header_has_to_name_the_owner() {
    let server = Server::builder()
        .account(Account::on_teams(&[("team-a", "A"), ("team-b", "B")]))
        .start();
    server.seed_raw(Scope::Personal, "N");
    server.seed_raw(Scope::Team("team-a"), "N");
    let mismatch = (
        "InvalidInputError",
        "the team header does not name the owner",
    );
    for (owner, header) in [
        (Some("team-a"), None),
        (Some("team-a"), Some("team-b")),
        (None, Some("team-a")),
    ] {
        let input = json!({"name": "N", "owner": owner_of(owner)});
        let root = mutate(&server, "Delete", input, header);
        assert_eq!(refusal(&root), mismatch, "{owner:?} {header:?}");
    }
    let foreign = json!({"name": "N", "owner": owner_of(Some("team-c"))});
    let root = mutate(&server, "Delete", foreign, Some("team-c"));
    assert_eq!(refusal(&root), ("InvalidInputError", "invalid owner"));
    let input = json!({"name": "N", "owner": owner_of(Some("team-a"))});
    let root = mutate(&server, "Delete", input, Some("team-a"));
    assert_eq!(root["__typename"], "DeleteManagedSecretOutput");
    assert_eq!(names(&server), ["N"]);
}

#[test]
fn an_update_changes_what_it_names() {
    let server = Server::start();
    let old = "2020-01-01T00:00:00Z";
    server.seed(
        Scope::Personal,
        "N",
        "ANTHROPIC_API_KEY",
        Some("d"),
        old,
        old,
    );
    let cases = [
        (json!({}), Some("d")),
        (json!({"description": "e"}), Some("e")),
        (json!({"description": ""}), None),
        (json!({"description": "f"}), Some("f")),
        (json!({"description": null}), None),
    ];
    for (count, (fields, description)) in cases.into_iter().enumerate() {
        let mut input = fields.clone();
        input["name"] = json!("N");
        input["owner"] = owner_of(None);
        let root = mutate(&server, "Update", input, None);
        let updated = format!("2026-01-02T03:04:{:02}Z", 6 + count);
        assert_eq!(
            root["managedSecret"],
            json!({"name": "N", "type": "ANTHROPIC_API_KEY", "description": description,
                "createdAt": old, "updatedAt": updated}),
            "{fields}"
        );
    }
    let sealed = |kind: &str, payload: &str| {
        let envelope =
            Keyset::from_seed("user-1").seal(payload.as_bytes(), &context("user-1", "N", kind));
        json!({"name": "N", "owner": owner_of(None), "encryptedValue": envelope})
    };
    let wrong = mutate(
        &server,
        "Update",
        sealed("RAW_VALUE", r#"{"value":"x"}"#),
        None,
    );
    assert_eq!(refusal(&wrong).0, "InvalidSecretError");
    let payload = r#"{"api_key":"x"}"#;
    mutate(
        &server,
        "Update",
        sealed("ANTHROPIC_API_KEY", payload),
        None,
    );
    assert_eq!(
        server.opened(Scope::Personal, "N").as_deref(),
        Some(payload)
    );
}

#[test]
fn rejects_updating_or_deleting_a_missing_secret() {
    let server = Server::builder()
        .account(Account::on_teams(&[("team-a", "A")]))
        .start();
    server.seed_raw(Scope::Team("team-a"), "N");
    for verb in ["Update", "Delete"] {
        let input = json!({"name": "N", "owner": owner_of(None)});
        let root = mutate(&server, verb, input, None);
        assert_eq!(refusal(&root), ("InvalidInputError", "secret not found"));
    }
    assert_eq!(names(&server), ["N"]);
}

#[test]
fn a_service_account_acts_for_its_team_only() {
    let actor = "serviceAccount:abc";
    let server = Server::builder()
        .account(Account::service_account("team-a", "A"))
        .start();
    assert_eq!(
        refusal(&create(&server, actor, "N", "v", None)).1,
        "invalid owner"
    );
    create(&server, actor, "N", "v", Some("team-a"));
    assert_eq!(
        server.opened(Scope::Team("team-a"), "N").as_deref(),
        Some(r#"{"value":"v"}"#)
    );
    let (_, reply) = ask(
        &server,
        &post(&server, "U", USER, &json!({"c": request_context()}), None),
    );
    let user = &reply["data"]["user"];
    assert_eq!(user["principalType"], "SERVICE_ACCOUNT");
    assert_eq!(user["apiKeyOwnerType"], "Team");
    assert_eq!(user["user"]["managedSecrets"], Value::Null);
}

#[test]
fn one_account_does_not_see_what_is_personal_to_another() {
    let other = Account {
        api_key: "wk-other".to_owned(),
        actor: "user-2".to_owned(),
        ..Account::on_teams(&[("team-a", "A")])
    };
    let server = Server::builder()
        .account(Account::on_teams(&[("team-a", "A")]))
        .account(other)
        .start();
    server.seed_raw(Scope::Personal, "MINE");
    server.seed_raw(Scope::Team("team-a"), "OURS");
    assert_eq!(names(&server), ["MINE", "OURS"]);
    let request = String::from_utf8(list_request(&server)).unwrap();
    let request = request.replace(MARKER_KEY, "wk-other");
    let (_, reply) = ask(&server, request.as_bytes());
    let rows = &reply["data"]["managedSecrets"]["managedSecrets"];
    assert_eq!(rows.as_array().unwrap().len(), 1);
    assert_eq!(rows[0]["name"], "OURS");
}

// Misbehaviour

/// Sends one list on a new connection; what came, and how it ended.
fn whole(server: &Server) -> (Vec<u8>, std::io::Result<()>) {
    let mut raw = Raw::connect(server);
    raw.send(&list_request(server)).expect("sent");
    raw.rest()
}

#[test]
fn a_connection_ends_at_the_point_it_was_told() {
    let cases = [
        (Point::Head, End::Orderly),
        (Point::Head, End::Truncated),
        (Point::Body, End::Orderly),
        (Point::Body, End::Truncated),
        (Point::Body, End::Reset),
        (Point::Applied, End::Orderly),
        (Point::Applied, End::Truncated),
    ];
    let server = Server::start();
    for (point, end) in cases {
        server.next(When::Query, Behaviour::Vanish(point, end));
        let (bytes, ended) = whole(&server);
        assert_eq!(bytes, b"", "{point:?} {end:?}");
        let expected = match end {
            End::Orderly => None,
            End::Reset => Some(ErrorKind::ConnectionReset),
            _ => Some(ErrorKind::UnexpectedEof),
        };
        assert_eq!(ended.err().map(|e| e.kind()), expected, "{point:?} {end:?}");
        let body_was_read = !server.requests().last().unwrap().body.is_empty();
        assert_eq!(body_was_read, point != Point::Head, "{point:?} {end:?}");
    }
    assert_eq!(
        (server.pending(), server.requests().len()),
        (0, cases.len())
    );
}

#[test]
fn a_connection_ends_before_any_request() {
    let server = Server::start();
    for behaviour in [
        Behaviour::Vanish(Point::Accepted, End::Orderly),
        Behaviour::Vanish(Point::Accepted, End::Reset),
        Behaviour::RefuseHandshake,
        Behaviour::GarbageHandshake(b"SSH-2.0-none\r\n".to_vec()),
    ] {
        server.next(When::Any, behaviour);
        assert!(
            Raw::connect(&server)
                .send(b"GET / HTTP/1.1\r\n\r\n")
                .is_err()
        );
    }
    assert_eq!((server.connections(), server.handshakes()), (4, 0));
    server.next(
        When::Any,
        Behaviour::Vanish(Point::Handshaken, End::Orderly),
    );
    let mut raw = Raw::connect(&server);
    let _ = raw.send(b"");
    let (bytes, ended) = raw.rest();
    assert_eq!((bytes.as_slice(), ended.is_ok()), (b"".as_slice(), true));
    assert_eq!((server.connections(), server.handshakes()), (5, 1));
    assert_eq!(server.requests().len(), 0);
}

#[test]
fn a_silent_end_leaves_the_connection_open() {
    let server = Server::start();
    for point in [Point::Accepted, Point::Handshaken, Point::Head, Point::Body] {
        server.next(When::Any, Behaviour::Vanish(point, End::Silent));
        let mut raw = Raw::connect(&server);
        raw.read_timeout(Duration::from_millis(60));
        let sent = raw.send(&list_request(&server));
        assert_eq!(sent.is_ok(), point != Point::Accepted, "{point:?}");
        let (bytes, ended) = raw.rest();
        assert_eq!(bytes, b"");
        assert_eq!(
            ended.unwrap_err().kind(),
            ErrorKind::WouldBlock,
            "{point:?}"
        );
    }
}

#[test]
fn a_mutation_is_applied_or_not_as_the_point_says() {
    for (point, applied) in [
        (Point::Head, false),
        (Point::Body, false),
        (Point::Applied, true),
    ] {
        let server = Server::start();
        server.seed_raw(Scope::Personal, "N");
        server.next(When::Mutation, Behaviour::Vanish(point, End::Truncated));
        // A query passes by what is meant for a mutation.
        assert_eq!(names(&server), ["N"]);
        let (op, document) = mutation("Delete");
        let input = json!({"name": "N", "owner": owner_of(None)});
        let variables = json!({"i": input, "c": request_context()});
        let mut raw = Raw::connect(&server);
        raw.send(&post(&server, &op, &document, &variables, None))
            .unwrap();
        assert!(raw.answer().is_err(), "{point:?}");
        assert_eq!(names(&server).is_empty(), applied, "{point:?}");
    }
}

#[test]
fn an_answer_is_replaced() {
    let server = Server::start();
    server.seed_raw(Scope::Personal, "N");
    let raw = b"HTTP/1.1 200 OK\nnot HTTP \0".to_vec();
    server.next(When::Any, Behaviour::Raw(raw.clone(), End::Orderly));
    assert_eq!(whole(&server).0, raw);

    server.next(
        When::Op("L"),
        Behaviour::Reply {
            status: 429,
            headers: vec![("retry-after", "7".to_owned())],
            body: b"slow down".to_vec(),
        },
    );
    let mut client = Raw::connect(&server);
    client.send(&list_request(&server)).unwrap();
    let (head, body) = client.answer().unwrap();
    assert!(head.starts_with("HTTP/1.1 429 ") && head.contains("retry-after: 7\r\n"));
    assert_eq!(body, b"slow down");

    let chunked = |body: &[u8]| {
        let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
        let body = String::from_utf8(body.to_vec()).unwrap();
        format!("{head}{:x}\r\n{body}\r\n0\r\n\r\n", body.len()).into_bytes()
    };
    server.next(When::Any, Behaviour::framed(chunked, End::Orderly));
    let framed = String::from_utf8(whole(&server).0).unwrap();
    assert!(framed.contains("\r\n\r\n") && framed.contains("\"name\":\"N\""));
    assert!(framed.ends_with("}\r\n0\r\n\r\n"));
}

#[test]
fn a_reply_is_cut_delayed_or_edited() {
    let server = Server::start();
    for length in [0, 1, 17, 100] {
        server.next(When::Any, Behaviour::Cut(length, End::Truncated));
        let (bytes, ended) = whole(&server);
        assert_eq!((bytes.len(), ended.is_err()), (length, true));
    }
    server.next(When::Any, Behaviour::CloseAfterReply(End::Orderly));
    let (bytes, ended) = whole(&server);
    assert!(bytes.ends_with(b"}") && ended.is_ok());
    let head = String::from_utf8(bytes).unwrap();
    assert!(!head.to_lowercase().contains("connection:"), "{head}");

    let began = Instant::now();
    server.next(When::Any, Behaviour::Delay(Duration::from_millis(80)));
    assert_eq!(names(&server), [""; 0]);
    assert!(began.elapsed() >= Duration::from_millis(80));

    let began = Instant::now();
    server.next(When::Any, Behaviour::Drip(Duration::from_millis(1)));
    assert_eq!(names(&server), [""; 0]);
    assert!(began.elapsed() >= Duration::from_millis(150));
}

#[test]
fn a_graphql_reply_is_wrong_as_told() {
    let server = Server::start();
    server.seed_raw(Scope::Personal, "N");
    let reply = |behaviour: Behaviour| {
        server.next(When::Any, behaviour);
        ask(&server, &list_request(&server)).1
    };
    assert_eq!(
        reply(Behaviour::Errors(vec!["one", "two"])),
        json!({"errors": [{"message": "one"}, {"message": "two"}], "data": null})
    );
    let both = reply(Behaviour::ErrorsBesideData(vec!["one"]));
    assert_eq!(both["errors"], json!([{"message": "one"}]));
    assert_eq!(
        both["data"]["managedSecrets"]["managedSecrets"][0]["name"],
        "N"
    );
    assert_eq!(
        reply(Behaviour::UserFacingError("no luck")),
        json!({"data": {"managedSecrets": {
            "__typename": "UserFacingError", "error": {"message": "no luck"}}}})
    );
    assert_eq!(
        reply(Behaviour::UnknownMember),
        json!({"data": {"managedSecrets": {"__typename": "SomethingNew"}}})
    );
    let edited = reply(Behaviour::edit(|reply| {
        reply["data"]["managedSecrets"]["managedSecrets"][0]["type"] = json!("NEW");
    }));
    assert_eq!(
        edited["data"]["managedSecrets"]["managedSecrets"][0]["type"],
        "NEW"
    );
    let (status, body) = {
        server.next(When::Any, Behaviour::status(503, "{\"a\":1}"));
        ask(&server, &list_request(&server))
    };
    assert_eq!((status, body), (503, json!({"a": 1})));
}

#[test]
fn behaviours_happen_in_order_and_as_often_as_told() {
    let server = Server::start();
    server.next_times(2, When::Any, Behaviour::status(500, "{}"));
    server.next(When::Op("Other"), Behaviour::status(501, "{}"));
    server.always(When::Query, Behaviour::status(502, "{}"));
    let statuses: Vec<_> = (0..4)
        .map(|_| ask(&server, &list_request(&server)).0)
        .collect();
    assert_eq!(statuses, [500, 500, 502, 502]);
    assert_eq!(server.pending(), 1);
}

// Certificates and versions

#[test]
fn each_certificate_has_its_defect() {
    let cases = [
        (Certificate::Good, "localhost", ""),
        (Certificate::Good, "127.0.0.1", ""),
        (Certificate::Good, "::1", ""),
        (Certificate::AddressOnly, "127.0.0.1", ""),
        (Certificate::AddressOnly, "localhost", "NotValidForName"),
        (Certificate::WrongName, "localhost", "NotValidForName"),
        (Certificate::WrongName, "elsewhere.example", ""),
        (Certificate::Expired, "localhost", "Expired"),
        (Certificate::NotYetValid, "localhost", "NotValidYet"),
        (Certificate::OtherAuthority, "localhost", "UnknownIssuer"),
        (Certificate::SelfSigned, "localhost", "UnknownIssuer"),
        (Certificate::ForClients, "localhost", "InvalidPurpose"),
    ];
    for (certificate, host, expected) in cases {
        let server = Server::builder().certificate(certificate).start();
        let mut raw = Raw::connect_as(&server, host);
        let sent = raw.send(&list_request(&server));
        // In TLS 1.3 the client finishes first; its answer shows that the server has finished, too.
        let sent = sent.and_then(|()| raw.answer());
        let error = sent.err().map_or(String::new(), |e| format!("{e:?}"));
        assert_eq!(
            error.is_empty(),
            expected.is_empty(),
            "{certificate:?}: {error}"
        );
        assert!(error.contains(expected), "{certificate:?}: {error}");
        assert_eq!(server.handshakes(), usize::from(expected.is_empty()));
    }
}

#[test]
fn versions_of_tls_can_be_left_out() {
    for (tls, expected) in [
        (Tls::Both, "TLSv1_3"),
        (Tls::Only12, "TLSv1_2"),
        (Tls::Only13, "TLSv1_3"),
    ] {
        let server = Server::builder().tls(tls).start();
        let mut raw = Raw::connect(&server);
        raw.send(&list_request(&server)).unwrap();
        assert_eq!(raw.version().as_deref(), Some(expected), "{tls:?}");
    }
}

// What fails a test

/// The message of the panic that this ends in.
fn panic_of(work: impl FnOnce()) -> String {
    let payload = catch_unwind(AssertUnwindSafe(work)).expect_err("a panic");
    match payload.downcast::<String>() {
        Ok(text) => *text,
        Err(other) => (*other.downcast::<&str>().expect("a text")).to_owned(),
    }
}

#[test]
fn a_server_that_saw_a_violation_fails_the_test() {
    let message = panic_of(|| {
        let server = Server::start();
        let document = "query L { nothing }";
        let _ = ask(&server, &post(&server, "L", document, &json!({}), None));
    });
    assert!(
        message.contains("does not have a field `nothing`"),
        "{message}"
    );
}

#[test]
fn a_server_whose_handler_panicked_fails_the_test() {
    let message = panic_of(|| {
        let server = Server::start();
        server.next(When::Any, Behaviour::edit(|_| panic!("on purpose")));
        let mut raw = Raw::connect(&server);
        raw.send(&list_request(&server)).unwrap();
        assert!(raw.answer().is_err());
        // The report of the panic comes after the end of the connection.
        while !server.log().contains("a handler panicked") {
            std::thread::sleep(Duration::from_millis(1));
        }
    });
    assert!(
        message.contains("connection 1: a handler panicked"),
        "{message}"
    );
}

#[test]
fn a_server_that_reads_a_marker_fails_the_test() {
    let clear = "LEAK: a marker came in the clear";
    let elsewhere = "LEAK: the marker key came outside `authorization`";
    let cases = [
        ("\r\n\r\n{", format!("\r\n\r\n{MARKER_SECRET}{{"), clear),
        ("\r\n\r\n{", format!("\r\n\r\n{MARKER_KEY}{{"), clear),
        ("?op=L", format!("?op=L&key={MARKER_KEY}"), elsewhere),
        ("Host:", format!("Cookie: {MARKER_KEY}\r\nHost:"), elsewhere),
    ];
    for (from, to, expected) in cases {
        let message = panic_of(|| {
            let server = Server::start();
            let request = String::from_utf8(list_request(&server)).unwrap();
            assert!(request.contains(from));
            let _ = ask(&server, request.replacen(from, &to, 1).as_bytes());
            let _ = server.violations();
        });
        assert!(message.contains(expected), "{message}");
    }
}

/// The runner, with a shell as the program.
fn sh(script: &str) -> crate::support::Run<'static> {
    oz(&["-c", script])
}

const SHELL: &str = "/bin/sh";

#[test]
fn the_runner_passes_only_the_given_environment() {
    let shell = Path::new(SHELL);
    // A shell sets variables of its own; `env` shows what it was given, and they are among it.
    let output = sh("/usr/bin/env; ls -a; cat")
        .env("A", "1")
        .env("B", "2")
        .env("A", "3")
        .env_remove("B")
        .stdin("fed")
        .any_stdout()
        .run_with(shell);
    let lines: BTreeSet<_> = output.stdout().lines().collect();
    let known = |line: &str| {
        ["PWD=", "OLDPWD=", "SHLVL=", "_="]
            .iter()
            .any(|own| line.starts_with(own))
    };
    let rest: Vec<_> = lines.into_iter().filter(|line| !known(line)).collect();
    assert_eq!(rest, [".", "..", "A=3", "fed"]);
    sh("exit 7").code(7).run_with(shell);
    sh("kill -TERM $$").code(143).run_with(shell);
    sh("printf out; printf err >&2")
        .stdout("out")
        .stderr("err")
        .run_with(shell);
    // More than a pipe holds, to a program that reads nothing.
    sh("exit 0").stdin(vec![b'x'; 1 << 20]).run_with(shell);
    sh("[ -e /proc/self/fd/0 ] || echo closed")
        .stdin_closed()
        .stdout("closed\n")
        .run_with(shell);
    sh("cat").run_with(shell);
}

#[test]
fn the_runner_fails_on_any_difference() {
    let shell = Path::new(SHELL);
    let cases = [
        (sh("exit 1"), "the exit code differs"),
        (sh("echo x"), "stdout differs"),
        (sh("echo x >&2"), "stderr differs"),
        (sh("true").stdout("x"), "stdout differs"),
        (sh("true").stderr("x"), "stderr differs"),
        (
            sh("exec sleep 9")
                .deadline(Duration::from_millis(50))
                .code(137),
            "it ran for more than 50ms and was killed",
        ),
        (
            sh("exec cat")
                .stdin_silent()
                .deadline(Duration::from_millis(50))
                .code(137),
            "it ran for more than 50ms and was killed",
        ),
    ];
    for (run, expected) in cases {
        let message = panic_of(|| drop(run.run_with(shell)));
        assert_eq!(message.lines().next(), Some(expected), "{message}");
    }
}

#[test]
fn the_runner_fails_on_a_leak() {
    for (marker, name) in [(MARKER_SECRET, "secret"), (MARKER_KEY, "key")] {
        for (redirect, stream) in [("", "stdout"), (">&2", "stderr")] {
            let run = sh(&format!("echo a{marker}b {redirect}"))
                .any_stdout()
                .any_stderr();
            let message = panic_of(|| drop(run.run_with(Path::new(SHELL))));
            let expected = format!("LEAK: the marker {name} is on {stream}");
            assert_eq!(message.lines().next(), Some(expected.as_str()));
        }
    }
}
