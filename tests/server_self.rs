//! Owns the tests of the local server and of the runner: what the other tests stand on has to be right itself.
//! Must not know the program under test.

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

/// Creates a raw secret for the first account, whose actor has to be said.
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
fn documents_that_the_schema_does_not_allow_are_refused() {
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
fn variables_of_the_wrong_type_are_refused() {
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
fn a_request_has_to_be_right_before_its_document_is_read() {
    let server = Server::start();
    let good = String::from_utf8(list_request(&server)).unwrap();
    let key = format!("Bearer {MARKER_KEY}");
    let cases = [
        ("/graphql/v2?op=L", "/graphql?op=L", 404, 1),
        ("POST ", "PUT ", 405, 1),
        (key.as_str(), "Bearer wk-other", 401, 0),
        (key.as_str(), MARKER_KEY, 401, 0),
        ("Authorization", "X-Authorization", 401, 0),
        ("application/json", "text/plain", 415, 1),
        ("?op=L", "", 400, 1),
        ("?op=L", "?op=M", 400, 1),
        ("\"operationName\":\"L\"", "\"operationName\":\"M\"", 400, 1),
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
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors/tink-hpke.json");
    let vectors: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    let mut published = 0;
    for vector in vectors["good"].as_array().unwrap() {
        let text = |key: &str| vector[key].as_str().unwrap();
        let hex = text("private_key_hex");
        let mut private = [0; 32];
        for (index, byte) in private.iter_mut().enumerate() {
            *byte = u8::from_str_radix(&hex[index * 2..index * 2 + 2], 16).unwrap();
        }
        let id = vector["primary_key_id"].as_u64().unwrap();
        let keyset = Keyset::from_private(private, u32::try_from(id).unwrap())
            .aead(match text("aead") {
                "AES_128_GCM" => Aead::Aes128Gcm,
                "AES_256_GCM" => Aead::Aes256Gcm,
                _ => Aead::ChaCha20Poly1305,
            })
            .prefix(match text("output_prefix") {
                "RAW" => Prefix::Raw,
                "CRUNCHY" => Prefix::Crunchy,
                _ => Prefix::Tink,
            });
        let opened = keyset.open(text("ciphertext_base64"), text("context"));
        assert_eq!(
            opened.unwrap(),
            text("plaintext").as_bytes(),
            "{}",
            text("name")
        );
        if text("note") == "one key" {
            published += 1;
            assert_eq!(keyset.published(), text("public_keyset_base64"));
        }
    }
    assert!(
        published >= 6,
        "only {published} of our encodings were compared"
    );
}

#[test]
fn what_opens_is_stored() {
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
fn what_does_not_open_is_refused() {
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
fn stores_are_apart_and_names_unique_in_each() {
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
fn what_is_not_there_is_neither_updated_nor_deleted() {
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
