//! Other clients against the local server.

use crate::server::{Account, Scope, Server, Tls};
use crate::support::MARKER_KEY;
use crate::support::opener::{Keyset, context};
use crate::support::raw::Raw;
use crate::support::tools::have;
use serde_json::{Value, json};
use std::io::Write;
use std::process::{Command, Stdio};

const LIST: &str = "query ListManagedSecrets($requestContext: RequestContext!) {
  managedSecrets(input: {cursor: null}, requestContext: $requestContext) {
    ... on ManagedSecretsOutput { managedSecrets { name type owner { type uid } } }
  }
}
";

const KEYS: &str = "query GetManagedSecretConfig($requestContext: RequestContext!) {
  user(requestContext: $requestContext) {
    ... on UserOutput { user { profile { uid } managedSecrets { publicKey }
      workspaces { teams { uid managedSecrets { publicKey } } } } }
  }
}
";

const CREATE: &str = "mutation CreateManagedSecret($input: CreateManagedSecretInput!, $requestContext: RequestContext!) {
  createManagedSecret(input: $input, requestContext: $requestContext) {
    ... on CreateManagedSecretOutput { managedSecret { name } }
    ... on UserFacingError { error { message } }
  }
}
";

fn body(op: &str, query: &str, mut variables: Value) -> String {
    variables["requestContext"] = json!({
        "clientContext": {"version": "v0.2026.01.01.00.00.stable_00"},
        "osContext": {"category": "Linux", "linuxKernelVersion": "6.8.0", "name": "Ubuntu", "version": null},
    });
    json!({"query": query, "variables": variables, "operationName": op}).to_string()
}

/// The variables of a create, sealed by the `hpke` crate.
fn sealed(actor: &str, name: &str, payload: &str, team: Option<&str>) -> Value {
    let keyset = Keyset::from_seed(team.unwrap_or(actor));
    let context = context(actor, name, "OPENAI_API_KEY");
    let owner = match team {
        Some(uid) => json!({"uid": uid, "type": "Team"}),
        None => json!({"uid": null, "type": "User"}),
    };
    json!({"input": {
        "name": name, "type": "OPENAI_API_KEY", "description": "from a peer", "owner": owner,
        "encryptedValue": keyset.seal(payload.as_bytes(), &context),
    }})
}

/// Runs curl with a body on its standard input, the key and the type of the body set; its standard output.
fn curl(server: &Server, more: &[&str], op: &str, body: &str) -> String {
    let mut child = Command::new("curl")
        .env_remove("SSL_CERT_FILE")
        .env_remove("SSL_CERT_DIR")
        .args(["--silent", "--show-error", "--noproxy", "*", "--cacert"])
        .arg(server.ca_path())
        .args(["--header", &format!("Authorization: Bearer {MARKER_KEY}")])
        .args(["--header", "Content-Type: application/json"])
        .args(["--data-binary", "@-"])
        .args(more)
        .arg(format!("{}/graphql/v2?op={op}", server.root()))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("curl starts");
    let mut stdin = child.stdin.take().expect("a pipe");
    stdin.write_all(body.as_bytes()).expect("a body");
    drop(stdin);
    let output = child.wait_with_output().expect("curl ends");
    assert!(output.status.success(), "curl: {}", output.status);
    String::from_utf8(output.stdout).expect("JSON is UTF-8")
}

fn parsed(reply: &str) -> Value {
    serde_json::from_str(reply).unwrap_or_else(|_| panic!("not JSON: {reply}"))
}

#[test]
fn curl_lists_and_creates() {
    if !have("curl") {
        return;
    }
    let server = Server::start();
    let payload = r#"{"api_key":"sk-test","base_url":"https://us.api.example/v1"}"#;
    let create = body(
        "CreateManagedSecret",
        CREATE,
        sealed("user-1", "PEER", payload, None),
    );
    let reply = curl(&server, &[], "CreateManagedSecret", &create);
    assert_eq!(
        parsed(&reply),
        json!({"data": {"createManagedSecret": {"managedSecret": {"name": "PEER"}}}})
    );
    assert_eq!(
        server.opened(Scope::Personal, "PEER").as_deref(),
        Some(payload)
    );
    let list = body("ListManagedSecrets", LIST, json!({}));
    let reply = curl(&server, &[], "ListManagedSecrets", &list);
    assert_eq!(
        parsed(&reply),
        json!({"data": {"managedSecrets": {"managedSecrets": [{
            "name": "PEER", "type": "OPENAI_API_KEY", "owner": {"type": "User", "uid": "user-1"},
        }]}}})
    );
}

#[test]
fn curl_creates_for_a_team_with_its_header() {
    if !have("curl") {
        return;
    }
    let server = Server::builder()
        .account(Account::on_teams(&[("team-a", "A")]))
        .start();
    let payload = r#"{"api_key":"sk-test"}"#;
    let variables = sealed("user-1", "PEER", payload, Some("team-a"));
    let create = body("CreateManagedSecret", CREATE, variables);
    let reply = curl(&server, &[], "CreateManagedSecret", &create);
    assert_eq!(
        parsed(&reply)["data"]["createManagedSecret"]["error"]["message"],
        "the team header does not name the owner"
    );
    let header = ["--header", "X-Warp-Team-Uid: team-a"];
    let reply = curl(&server, &header, "CreateManagedSecret", &create);
    assert_eq!(
        parsed(&reply)["data"]["createManagedSecret"]["managedSecret"]["name"],
        "PEER"
    );
    let opened = server.opened(Scope::Team("team-a"), "PEER");
    assert_eq!(opened.as_deref(), Some(payload));
}

#[test]
fn curl_is_served_in_every_version_and_framing() {
    if !have("curl") {
        return;
    }
    let list = body("ListManagedSecrets", LIST, json!({}));
    let none = json!({"data": {"managedSecrets": {"managedSecrets": []}}});
    let server = Server::start();
    for more in [
        ["--tlsv1.2", "--tls-max", "1.2"].as_slice(),
        &["--tlsv1.3"],
        &["--http1.0"],
        &["--header", "Transfer-Encoding: chunked"],
        &["--header", "Expect: 100-continue"],
        &["--header", "Connection: close"],
        &["--header", "Content-Type: application/json; charset=utf-8"],
    ] {
        let reply = curl(&server, more, "ListManagedSecrets", &list);
        assert_eq!(parsed(&reply), none, "{more:?}");
    }
    let plain = Server::builder().tls(Tls::Off).start();
    let reply = curl(&plain, &[], "ListManagedSecrets", &list);
    assert_eq!(parsed(&reply), none);
}

#[test]
fn a_client_by_hand_reads_the_key_and_seals_with_it() {
    let server = Server::start();
    let mut raw = Raw::connect(&server);
    let mut exchange = |op: &str, body: &str| {
        // Nothing that is not obligatory, and the names of the headers in another case.
        let request = format!(
            "POST /graphql/v2?op={op} HTTP/1.1\r\nhost: x\r\nAUTHORIZATION: Bearer {MARKER_KEY}\r\n\
             CONTENT-TYPE: application/json\r\nCONTENT-LENGTH: {}\r\n\r\n{body}",
            body.len()
        );
        raw.send(request.as_bytes()).expect("sent");
        let (head, body) = raw.answer().expect("an answer");
        assert!(head.starts_with("HTTP/1.1 200 OK\r\n"), "{head}");
        parsed(&String::from_utf8(body).expect("UTF-8"))
    };
    let keys = exchange(
        "GetManagedSecretConfig",
        &body("GetManagedSecretConfig", KEYS, json!({})),
    );
    let user = &keys["data"]["user"]["user"];
    assert_eq!(
        user["managedSecrets"]["publicKey"],
        Keyset::from_seed("user-1").published()
    );
    let actor = user["profile"]["uid"].as_str().expect("a uid");
    let payload = r#"{"api_key":"k"}"#;
    let create = body(
        "CreateManagedSecret",
        CREATE,
        sealed(actor, "PEER", payload, None),
    );
    let reply = exchange("CreateManagedSecret", &create);
    assert_eq!(
        reply["data"]["createManagedSecret"]["managedSecret"]["name"],
        "PEER"
    );
    let reply = exchange("CreateManagedSecret", &create);
    assert_eq!(
        reply["data"]["createManagedSecret"]["error"]["message"],
        "a secret with this name already exists"
    );
    assert_eq!(
        server.opened(Scope::Personal, "PEER").as_deref(),
        Some(payload)
    );
    assert_eq!(
        (
            server.connections(),
            server.handshakes(),
            server.requests().len()
        ),
        (1, 1, 3)
    );
}
