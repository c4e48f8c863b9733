use super::*;
use crate::secret::SecretBytes;

fn key() -> ApiKey {
    let text = SecretBytes::new(b"wk-key".to_vec());
    ApiKey::parse(&text, "--api-key").unwrap()
}

fn read(reply: &mut Reply) -> Result<Node<'_>, Failure> {
    document(reply, &key())
}

fn reply(status: u16, content_type: &str, body: &str) -> Reply {
    Reply {
        request_complete: true,
        date: None,
        status,
        body: body.as_bytes().to_vec(),
        content_type: Some(content_type.to_owned()),
        retry_after: None,
        redirect_host: None,
    }
}

const JSON: &str = "application/json";
const HTML: &str = "text/html";
const LAST: (Processed, Retry) = (Processed::No, Retry::Never);
const OPEN: (Processed, Retry) = (Processed::Maybe, Retry::Never);
const RETRY: (Processed, Retry) = (Processed::Maybe, Retry::Backoff);

#[test]
fn statuses() {
    for (status, kind, body, code, fate, message) in [
        (
            401,
            JSON,
            r#"{"error":"nope"}"#,
            4,
            LAST,
            "the service did not accept the API key (HTTP 401)",
        ),
        (
            401,
            HTML,
            "<html>",
            4,
            LAST,
            "the service did not accept the API key (HTTP 401)",
        ),
        (
            403,
            JSON,
            "{}",
            4,
            LAST,
            "the API key is not allowed to do this (HTTP 403)",
        ),
        (
            403,
            HTML,
            "<h1>Blocked",
            69,
            OPEN,
            "the answer is a web page (HTTP 403), so it is not the service that answered",
        ),
        (
            200,
            HTML,
            "<html>login",
            69,
            OPEN,
            "the answer is a web page (HTTP 200), so it is not the service that answered",
        ),
        (
            200,
            JSON,
            " \r\n<html>",
            69,
            OPEN,
            "the answer is a web page (HTTP 200), so it is not the service that answered",
        ),
        (
            404,
            HTML,
            "<html>",
            69,
            OPEN,
            "the answer is a web page (HTTP 404), so it is not the service that answered",
        ),
        (
            404,
            JSON,
            "{}",
            1,
            LAST,
            "the service has no GraphQL endpoint at this address (HTTP 404)",
        ),
        (
            302,
            HTML,
            "",
            69,
            OPEN,
            "the server redirects (HTTP 302), and redirects are not followed",
        ),
        (408, JSON, "", 75, RETRY, "the service failed (HTTP 408)"),
        (
            500,
            HTML,
            "<html>",
            75,
            RETRY,
            "the service failed (HTTP 500)",
        ),
        (599, JSON, "", 75, RETRY, "the service failed (HTTP 599)"),
        (
            429,
            JSON,
            "",
            75,
            (Processed::No, Retry::Backoff),
            "the service asks to slow down (HTTP 429)",
        ),
        (
            503,
            HTML,
            "<html>",
            75,
            RETRY,
            "the service is unavailable (HTTP 503)",
        ),
        (
            400,
            JSON,
            "",
            1,
            OPEN,
            "the service refused the request (HTTP 400)",
        ),
        (
            204,
            JSON,
            "",
            1,
            OPEN,
            "the service refused the request (HTTP 204)",
        ),
    ] {
        let failure = read(&mut reply(status, kind, body)).err().unwrap();
        assert_eq!(failure.error.message, message, "{status} {kind}");
        assert_eq!(failure.error.code(), code, "{status} {kind}");
        assert_eq!((failure.processed, failure.retry), fate, "{status} {kind}");
    }
}

#[test]
fn an_error_body_is_quoted_safely_and_shortly() {
    for (body, cause) in [
        (
            r#"{"error":"bad \u001b[31m"}"#.to_owned(),
            "bad \\u{1b}[31m".to_owned(),
        ),
        (
            r#"{"errors":[{"message":"a"},{"message":"b"}]}"#.to_owned(),
            "a; b".to_owned(),
        ),
        (
            r#"{"title":"Unauthorized","detail":"expired"}"#.to_owned(),
            "expired".to_owned(),
        ),
        (
            r#"{"errors":[{"message":""}],"error":" \n","detail":"","title":" t "}"#.to_owned(),
            "t".to_owned(),
        ),
        (
            format!(r#"{{"error":"{}"}}"#, "é".repeat(400)),
            "é".repeat(400),
        ),
        (
            format!(r#"{{"error":"{}"}}"#, "é".repeat(401)),
            "é".repeat(400) + "…",
        ),
    ] {
        let failure = read(&mut reply(401, JSON, &body)).err().unwrap();
        assert_eq!(failure.error.causes, [cause]);
    }
    for body in ["[]", r#"{"detail":""}"#, r#"{"errors":[{"message":" "}]}"#] {
        assert!(
            read(&mut reply(401, JSON, body))
                .err()
                .unwrap()
                .error
                .causes
                .is_empty()
        );
    }
}

#[test]
fn members() {
    for (body, code, fate, message) in [
        (
            "[]",
            1,
            OPEN,
            "the service's answer is malformed: it is no JSON object",
        ),
        (
            "{}",
            1,
            OPEN,
            "the service's answer is malformed: data.user is missing",
        ),
        (
            r#"{"data":null}"#,
            1,
            OPEN,
            "the service's answer is malformed: data.user is missing",
        ),
        (
            r#"{"data":{"user":null},"errors":[{"message":"boom"}]}"#,
            1,
            OPEN,
            "the service reports an error",
        ),
        (
            r#"{"data":null,"errors":[{"message":"User not in context: Not found"}]}"#,
            4,
            LAST,
            "the service did not accept the API key",
        ),
        (
            r#"{"errors":[{"message":"x","extensions":{"code":"UNAUTHENTICATED"}}]}"#,
            4,
            LAST,
            "the service did not accept the API key",
        ),
        (
            r#"{"data":{"user":{}}}"#,
            1,
            OPEN,
            "the service's answer is malformed: user.__typename is missing",
        ),
        (
            r#"{"data":{"user":{"__typename":"Novel"}}}"#,
            1,
            OPEN,
            "the service answered user with Novel, which this version of oz does not know",
        ),
        (
            r#"{"data":{"user":{"__typename":"UserFacingError","error":{"message":"no such person"}}}}"#,
            4,
            LAST,
            "no such person",
        ),
        (
            r#"{"data":{"user":{"__typename":"UserFacingError",
                "error":{"__typename":"AccountDelinquencyError","message":"pay"}}}}"#,
            1,
            LAST,
            "pay",
        ),
        (
            r#"{"data":{"user":{"__typename":"UserFacingError","error":{"message":"\n"}}}}"#,
            4,
            LAST,
            "the service refused without saying why",
        ),
        (
            r#"{"data":{"user":{"__typename":"UserFacingError"}}}"#,
            4,
            LAST,
            "the service refused without saying why",
        ),
    ] {
        let mut reply = reply(200, JSON, body);
        let document = read(&mut reply).ok().unwrap();
        let failure = query_output(document, "user", "UserOutput", &key())
            .err()
            .unwrap();
        assert_eq!(failure.error.message, message, "{body}");
        assert_eq!(failure.error.code(), code, "{body}");
        assert_eq!((failure.processed, failure.retry), fate, "{body}");
    }
}

#[test]
fn a_taken_name_is_its_own_code() {
    let body = r#"{"data":{"createManagedSecret":{"__typename":"UserFacingError",
            "error":{"__typename":"GenericStringObjectUniqueKeyConflict","message":"taken"}}}}"#;
    let mut reply = reply(200, JSON, body);
    let document = read(&mut reply).ok().unwrap();
    let name = SecretName::parse("N").unwrap();
    let failure = created(document, &name).err().unwrap();
    assert_eq!(
        (failure.error.code(), failure.error.message.as_str()),
        (5, "taken")
    );
}

#[test]
fn data_beside_errors_is_data() {
    let body = r#"{"errors":[{"message":"partial"}],"data":{"user":{"__typename":"UserOutput"}}}"#;
    let mut reply = reply(200, JSON, body);
    let document = read(&mut reply).ok().unwrap();
    assert!(query_output(document, "user", "UserOutput", &key()).is_ok());
}

fn read_created(body: &str) -> Result<(), (Processed, u8, String)> {
    let mut reply = reply(200, JSON, body);
    let document = read(&mut reply).ok().unwrap();
    created(document, &SecretName::parse("N").unwrap()).map_err(|failure| {
        let error = failure.error;
        (failure.processed, error.code(), error.message.to_owned())
    })
}

#[test]
fn a_mutation_succeeded_only_if_it_names_the_secret() {
    let output = |secret: &str, errors: &str| {
        format!(
            r#"{{"data":{{"createManagedSecret":{{"__typename":"CreateManagedSecretOutput",
                "managedSecret":{secret}}}}}{errors}}}"#
        )
    };
    let errors = r#","errors":[{"message":"m"}]"#;
    let named = r#"{"name":"N"}"#;
    assert_eq!(read_created(&output(named, "")), Ok(()));
    assert_eq!(read_created(&output(named, errors)), Ok(()));
    for (secret, what) in [
        ("null", ".name is missing or of the wrong type"),
        ("{}", ".name is missing or of the wrong type"),
        (r#"{"name":"M"}"#, " is another secret"),
    ] {
        let message =
            format!("the service's answer is malformed: createManagedSecret.managedSecret{what}");
        for errors in ["", errors] {
            let read = read_created(&output(secret, errors));
            assert_eq!(read, Err((Processed::Maybe, 1, message.clone())));
        }
    }
}

#[test]
fn the_refusal_of_a_value_says_nothing_of_the_key() {
    let body = r#"{"data":{"createManagedSecret":{"__typename":"UserFacingError",
            "error":{"message":"This does not look like an Anthropic API key"}}}}"#;
    assert_eq!(
        read_created(body),
        Err((
            Processed::No,
            1,
            "This does not look like an Anthropic API key".to_owned()
        ))
    );
}

fn read_account(user: &str) -> Result<Account, String> {
    let body = format!(r#"{{"data":{{"user":{user}}}}}"#);
    let mut reply = reply(200, JSON, &body);
    let document = read(&mut reply).ok().unwrap();
    let node = document.get("data").unwrap().get("user").unwrap();
    account(node).map_err(|failure| failure.error.message.to_owned())
}

#[test]
fn an_account_is_read() {
    let account = read_account(
        r#"{"principalType":"SERVICE_ACCOUNT","user":{"profile":{"uid":"serviceAccount:a:b"},
            "managedSecrets":null,"workspaces":[
                {"uid":"NOT_A_REAL_WORKSPACE_UID","teams":[{"uid":"no"}]},
                {"uid":"w","teams":[{"uid":"t","name":"T","managedSecrets":{"publicKey":"K"}},{"uid":"u"}]},
                {"uid":"x","teams":[{"uid":"t","name":"again"}]}]}}"#,
    );
    let team = |uid: &str, name: &str, key: Option<&str>| Team {
        uid: uid.into(),
        name: name.into(),
        public_key: key.map(str::to_owned),
    };
    assert_eq!(
        account,
        Ok(Account {
            actor: "serviceAccount:a:b".into(),
            is_service_account: true,
            public_key: None,
            display_name: None,
            email: None,
            workspace: None,
            teams: vec![team("t", "T", Some("K")), team("u", "", None)],
        })
    );
}

#[test]
fn a_profile_is_read() {
    let account = read_account(
        r#"{"user":{"profile":{"uid":"u","displayName":"D","email":""},"workspaces":[
                {"uid":"NOT_A_REAL_WORKSPACE_UID","name":"no","teams":[]},
                {"uid":"w","name":"W","teams":[]},
                {"uid":"x","name":"X","teams":[]}]}}"#,
    );
    assert_eq!(
        account,
        Ok(Account {
            actor: "u".into(),
            is_service_account: false,
            public_key: None,
            display_name: Some("D".into()),
            email: None,
            workspace: Some(("w".into(), "W".into())),
            teams: Vec::new(),
        })
    );
}

#[test]
fn an_account_lacks_nothing_that_matters() {
    for (user, field) in [
        ("{}", "user.user"),
        (r#"{"user":{"workspaces":[]}}"#, "user.user.profile.uid"),
        (
            r#"{"user":{"profile":{"uid":""},"workspaces":[]}}"#,
            "user.user.profile.uid",
        ),
        (
            r#"{"user":{"profile":{"uid":7},"workspaces":[]}}"#,
            "user.user.profile.uid",
        ),
        (
            r#"{"user":{"profile":{"uid":"u"}}}"#,
            "user.user.workspaces",
        ),
        (
            r#"{"user":{"profile":{"uid":"u"},"workspaces":[{}]}}"#,
            "workspaces.teams",
        ),
        (
            r#"{"user":{"profile":{"uid":"u"},"workspaces":[{"teams":[{}]}]}}"#,
            "teams.uid",
        ),
    ] {
        let message =
            format!("the service's answer is malformed: {field} is missing or of the wrong type");
        assert_eq!(read_account(user), Err(message), "{user}");
    }
}

const SECRET: &str = r#"{"name":"N","description":null,"createdAt":"2026-01-02T03:04:05Z",
        "updatedAt":"2026-01-02T03:04:06.5+01:00","owner":{"uid":"u","type":"User"},"type":"RAW_VALUE"}"#;

fn read_secrets(items: &str) -> Result<Vec<SecretInfo>, String> {
    let body = format!(r#"{{"data":{{"managedSecrets":{{"managedSecrets":{items}}}}}}}"#);
    let mut reply = reply(200, JSON, &body);
    let document = read(&mut reply).ok().unwrap();
    let node = document.get("data").unwrap().get("managedSecrets").unwrap();
    secrets(node).map_err(|failure| failure.error.message.to_owned())
}

#[test]
fn secrets_are_read_with_words_this_client_does_not_know() {
    let odd = SECRET
        .replace("RAW_VALUE", "NOVEL")
        .replace("\"User\"", "\"Org\"")
        .replace("null", "\"d\"");
    let read = read_secrets(&format!("[{SECRET},{odd}]")).unwrap();
    let [plain, odd] = read.as_slice() else {
        panic!("two secrets")
    };
    assert_eq!(
        (plain.owner.clone(), plain.description.clone()),
        (Owner::Personal, None)
    );
    assert_eq!(plain.updated.seconds - plain.created.seconds, -3599);
    assert_eq!(odd.stored_type, StoredType::Other("NOVEL".into()));
    assert_eq!(
        (odd.owner.clone(), odd.description.as_deref()),
        (Owner::Other("Org".into()), Some("d"))
    );
}

#[test]
fn secrets_lack_nothing_that_matters() {
    for (from, to, field) in [
        (
            "\"name\"",
            "\"nome\"",
            "managedSecrets.name is missing or of the wrong type",
        ),
        (
            "\"owner\"",
            "\"o\"",
            "managedSecrets.owner is missing or of the wrong type",
        ),
        (
            "\"type\":\"User\"",
            "\"type\":1",
            "owner.type is missing or of the wrong type",
        ),
        (
            "\"uid\":\"u\",\"type\":\"User\"",
            "\"type\":\"Team\"",
            "owner.uid is missing or of the wrong type",
        ),
        (
            "\"RAW_VALUE\"",
            "null",
            "managedSecrets.type is missing or of the wrong type",
        ),
        (
            "2026-01-02T03:04:05Z",
            "yesterday",
            "managedSecrets.createdAt is no RFC 3339 time",
        ),
        (
            "\"updatedAt\"",
            "\"u\"",
            "managedSecrets.updatedAt is no RFC 3339 time",
        ),
    ] {
        let broken = SECRET.replace(from, to);
        assert_ne!(broken, SECRET);
        let message = format!("the service's answer is malformed: {field}");
        assert_eq!(read_secrets(&format!("[{broken}]")), Err(message));
    }
    assert!(read_secrets("{}").is_err());
}
