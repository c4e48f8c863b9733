//! Owns replies: status and body become typed values, or a refusal that says what the server's state can be.
//! Must not know how the reply came, nor what the caller was about.
//!
//! Nothing the server sends is trusted to be closed: unknown union members, enum values and extra fields are met.
//! Data beside errors counts as data, as the official client has it.

use crate::error::{Error, Words};
use crate::json::{self, Document, Node};
use crate::net::Reply;
use crate::outcome::{Listed, Timestamp};
use crate::secret::{ApiKey, Owner, StoredType};
use crate::text;
use crate::time;
use std::time::Duration;

/// What the service serves a user who is on no team.
const PLACEHOLDER_WORKSPACE: &str = "NOT_A_REAL_WORKSPACE_UID";

/// The most of a server's message that is shown, in characters: a message is a sentence, a page is not.
pub const MAX_MESSAGE: usize = 400;

/// A reply that is not the answer.
pub struct Refusal {
    pub error: Error,
    pub standing: Standing,
}

/// What a refusal tells about the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It was judged and turned down; nothing changed and asking again is no use.
    Final,
    /// It was not processed, and may be sent again, not before the given time where there is one.
    Unprocessed(Option<Duration>),
    /// It may have been processed; a read may be sent again.
    Open { retry: bool },
}

impl Refusal {
    fn last(error: Error) -> Self {
        Self {
            error,
            standing: Standing::Final,
        }
    }

    fn open(error: Error) -> Self {
        Self {
            error,
            standing: Standing::Open { retry: false },
        }
    }
}

/// Who the key belongs to (schema: `UserOutput`).
#[derive(Debug, PartialEq, Eq)]
pub struct Account {
    /// `user.profile.uid`, verbatim: part of the sealing context.
    pub actor: String,
    /// A team's key rather than a person's.
    pub is_service_account: bool,
    /// The personal keyset, base64, where it was asked for and there is one.
    pub public_key: Option<String>,
    pub teams: Vec<Team>,
}

#[derive(Debug, PartialEq, Eq)]
pub struct Team {
    pub uid: String,
    pub name: String,
    pub public_key: Option<String>,
}

/// HTTP's part of a reply: the JSON document of a 200, or why there is none. No text in it quotes the key.
///
/// # Errors
/// Every other status, and a body that is not the service's JSON.
pub fn document(mut reply: Reply, key: &ApiKey) -> Result<Document, Refusal> {
    let is_page = is_page(&reply);
    let body = std::mem::take(&mut reply.body);
    let document = json::parse(body, &|text| key.redact(text));
    if reply.status != 200 {
        let said = document.ok().and_then(|document| body_message(&document));
        return Err(status(&reply, is_page, said));
    }
    document.map_err(|refusal| {
        Refusal::open(if is_page {
            not_the_service(reply.status)
        } else {
            malformed(&refusal.to_string())
        })
    })
}

/// A status other than 200. A gateway's page behind 5xx is an outage; anywhere else a page means that something
/// other than the service answered.
fn status(reply: &Reply, is_page: bool, said: Option<String>) -> Refusal {
    let status = reply.status;
    let words = |message: String| match &said {
        Some(cause) => Words::new(message).cause(cause),
        None => Words::new(message),
    };
    match status {
        401 => Refusal::last(bad_key(words(
            "the service did not accept the API key (HTTP 401)".into(),
        ))),
        429 => Refusal {
            error: Error::Later(
                words("the service asks to slow down (HTTP 429)".into()).hint(when(reply)),
            ),
            standing: Standing::Unprocessed(reply.retry_after),
        },
        503 => Refusal {
            error: Error::Later(
                words("the service is unavailable (HTTP 503)".into()).hint(when(reply)),
            ),
            standing: Standing::Unprocessed(reply.retry_after),
        },
        408 | 500..=599 => Refusal {
            error: Error::Later(
                words(format!("the service failed (HTTP {status})")).hint("try again later"),
            ),
            standing: Standing::Open { retry: true },
        },
        300..=399 => Refusal::last(redirect(reply)),
        _ if is_page => Refusal::last(not_the_service(status)),
        403 => Refusal::last(bad_key(words(
            "the API key is not allowed to do this (HTTP 403)".into(),
        ))),
        404 => Refusal::last(Error::Refused(
            words("the service has no GraphQL endpoint at this address (HTTP 404)".into())
                .hint("check --server-root-url and WARP_SERVER_ROOT_URL"),
        )),
        _ => Refusal::open(Error::Refused(words(format!(
            "the service refused the request (HTTP {status})"
        )))),
    }
}

/// The longest wait that is repeated to the user, in seconds: a day. What is longer is no advice.
const MAX_ADVICE: u64 = 86_400;

/// When to try again, as far as the service says.
fn when(reply: &Reply) -> String {
    match reply.retry_after.map(|wait| wait.as_secs()) {
        Some(seconds @ 1..=MAX_ADVICE) => format!("try again in {seconds} s"),
        _ => "try again later".to_owned(),
    }
}

fn redirect(reply: &Reply) -> Error {
    let status = reply.status;
    let message = match &reply.redirect_host {
        Some(host) => format!(
            "the server redirects to {host} (HTTP {status}), and redirects are not followed"
        ),
        None => format!("the server redirects (HTTP {status}), and redirects are not followed"),
    };
    Error::Unavailable(Words::new(message).hint(
        "a network that asks for a login does this; otherwise check --server-root-url and WARP_SERVER_ROOT_URL",
    ))
}

/// Whether the body is a page for people, which the service never sends.
fn is_page(reply: &Reply) -> bool {
    let starts_as_markup =
        reply.body.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'<');
    starts_as_markup
        || reply
            .content_type
            .as_deref()
            .is_some_and(|kind| kind.contains("html"))
}

fn not_the_service(status: u16) -> Error {
    Error::Unavailable(
        Words::new(format!("the answer is a web page (HTTP {status}), so it is not the service that answered"))
            .hint("a login page of the network, a proxy's block page or a wrong --server-root-url does this"),
    )
}

fn bad_key(words: Words) -> Error {
    Error::Credentials(words.hint(
        "check that the key in WARP_API_KEY or --api-key is whole, not expired and not deleted",
    ))
}

fn malformed(what: &str) -> Error {
    Error::Refused(Words::new(format!(
        "the service's answer is malformed: {what}"
    )))
}

/// What an error body says of itself: GraphQL's `errors`, or the REST side's `error`, `detail` or `title`.
fn body_message(document: &Document) -> Option<String> {
    let root = document.root();
    joined_errors(root).or_else(|| {
        ["error", "detail", "title", "message"]
            .iter()
            .find_map(|key| said(root.get(key)?))
    })
}

/// The text of a message, where it says anything.
fn said(message: Node<'_>) -> Option<String> {
    let text = shorten(message.text()?);
    (!text.is_empty()).then_some(text)
}

fn shorten(message: &str) -> String {
    let message = message.trim();
    // An escape is longer than what it stands for, so nothing that comes later is shown.
    let end = message.char_indices().nth(MAX_MESSAGE + 1);
    let safe = text::safe(end.map_or(message, |(end, _)| message.get(..end).unwrap_or(message)));
    match safe.char_indices().nth(MAX_MESSAGE) {
        Some((end, _)) => format!("{}…", safe.get(..end).unwrap_or_default()),
        None => safe.into_owned(),
    }
}

fn joined_errors(root: Node<'_>) -> Option<String> {
    let mut all = String::new();
    for message in root
        .get("errors")?
        .items()?
        .filter_map(|error| said(error.get("message")?))
    {
        if !all.is_empty() {
            all.push_str("; ");
        }
        all.push_str(&message);
        if all.len() > MAX_MESSAGE * 4 {
            break;
        }
    }
    (!all.is_empty()).then(|| shorten(&all))
}

/// GraphQL's part of a reply: the member of the union under `field` called `expected`.
///
/// # Errors
/// No data, a `UserFacingError`, or a member this client does not know.
pub fn member<'a>(
    document: &'a Document,
    field: &str,
    expected: &str,
) -> Result<Node<'a>, Refusal> {
    let root = document.root();
    if !root.is_object() {
        return Err(Refusal::open(malformed("it is no JSON object")));
    }
    let Some(node) = root
        .get("data")
        .and_then(|data| data.get(field))
        .filter(|node| !node.is_null())
    else {
        return Err(no_data(root, field));
    };
    match node.get("__typename").and_then(Node::text) {
        Some(name) if name == expected => Ok(node),
        Some("UserFacingError") => Err(user_facing(node, field)),
        Some(name) => Err(Refusal::open(Error::Refused(Words::new(format!(
            "the service answered {field} with {}, which this version of oz does not know",
            shorten(name)
        ))))),
        None => Err(Refusal::open(malformed(&format!(
            "{field}.__typename is missing"
        )))),
    }
}

/// `data` is null or lacks the field. An error that speaks of the key was raised before anything was done.
fn no_data(root: Node<'_>, field: &str) -> Refusal {
    let Some(message) = joined_errors(root) else {
        return Refusal::open(malformed(&format!("data.{field} is missing")));
    };
    let codes = root
        .get("errors")
        .and_then(Node::items)
        .into_iter()
        .flatten()
        .filter_map(|error| error.get("extensions")?.get("code")?.text());
    let words = Words::new("the service did not accept the API key").cause(&message);
    if codes
        .into_iter()
        .any(|code| matches!(code, "UNAUTHENTICATED" | "FORBIDDEN"))
        || speaks_of_key(&message)
    {
        return Refusal::last(bad_key(words));
    }
    Refusal::open(Error::Refused(
        Words::new("the service reports an error").cause(&message),
    ))
}

/// The service's wording is not documented; these are the phrases seen of it and the usual ones.
fn speaks_of_key(message: &str) -> bool {
    let message = message.to_ascii_lowercase();
    [
        "user not in context",
        "api key",
        "id token",
        "unauthenticated",
        "unauthorized",
        "not authenticated",
        "not logged in",
    ]
    .iter()
    .any(|phrase| message.contains(phrase))
}

/// The server's own words, and the exit code they mean. Whoever can't even read their own user has a key problem,
/// unless the error says that it is about money.
fn user_facing(node: Node<'_>, field: &str) -> Refusal {
    let error = node.get("error");
    let message = error
        .and_then(|error| error.get("message"))
        .and_then(Node::text)
        .map_or_else(String::new, shorten);
    let kind = error
        .and_then(|error| error.get("__typename"))
        .and_then(Node::text)
        .unwrap_or_default();
    let said = if message.is_empty() {
        "the service refused without saying why".to_owned()
    } else {
        message
    };
    Refusal::last(match kind {
        "GenericStringObjectUniqueKeyConflict" => Error::Exists(
            Words::new(said).hint("use `oz secret update`, or create with --if-exists update"),
        ),
        "AccountDelinquencyError" | "BudgetExceededError" | "PaymentMethodDeclinedError" => {
            Error::Refused(Words::new(said))
        }
        _ if field == "user" || speaks_of_key(&said) => bad_key(Words::new(said)),
        _ => Error::Refused(Words::new(said)),
    })
}

/// Reads `UserOutput`.
///
/// # Errors
/// A missing or mistyped field.
pub fn account(user: Node<'_>) -> Result<Account, Refusal> {
    let inner = user.get("user").ok_or_else(|| lacks("user.user"))?;
    let actor = inner
        .get("profile")
        .and_then(|profile| profile.get("uid"))
        .and_then(Node::text)
        .filter(|uid| !uid.is_empty())
        .ok_or_else(|| lacks("user.user.profile.uid"))?;
    let mut teams = Vec::new();
    for workspace in inner
        .get("workspaces")
        .and_then(Node::items)
        .ok_or_else(|| lacks("user.user.workspaces"))?
    {
        if workspace.get("uid").and_then(Node::text) == Some(PLACEHOLDER_WORKSPACE) {
            continue;
        }
        for team in workspace
            .get("teams")
            .and_then(Node::items)
            .ok_or_else(|| lacks("workspaces.teams"))?
        {
            let uid = team
                .get("uid")
                .and_then(Node::text)
                .ok_or_else(|| lacks("teams.uid"))?;
            // One team in two workspaces is one team.
            if teams.iter().any(|known: &Team| known.uid == uid) {
                continue;
            }
            let name = team.get("name").and_then(Node::text).unwrap_or_default();
            teams.push(Team {
                uid: uid.to_owned(),
                name: name.to_owned(),
                public_key: public_key(team),
            });
        }
    }
    Ok(Account {
        actor: actor.to_owned(),
        is_service_account: user.get("principalType").and_then(Node::text)
            == Some("SERVICE_ACCOUNT"),
        public_key: public_key(inner),
        teams,
    })
}

fn public_key(holder: Node<'_>) -> Option<String> {
    holder
        .get("managedSecrets")?
        .get("publicKey")?
        .text()
        .map(str::to_owned)
}

/// Reads `ManagedSecretsOutput`, in the server's order.
///
/// # Errors
/// A missing or mistyped field.
pub fn secrets(output: Node<'_>) -> Result<Vec<Listed>, Refusal> {
    let items = output
        .get("managedSecrets")
        .and_then(Node::items)
        .ok_or_else(|| lacks("managedSecrets"))?;
    items.map(secret).collect()
}

fn secret(node: Node<'_>) -> Result<Listed, Refusal> {
    let mut owner = None;
    let [
        mut name,
        mut description,
        mut kind,
        mut created,
        mut updated,
    ] = [None; 5];
    for (key, value) in node.members().into_iter().flatten() {
        match key {
            "owner" => owner = Some(value),
            "name" => name = value.text(),
            "description" => description = value.text(),
            "type" => kind = value.text(),
            "createdAt" => created = value.text(),
            "updatedAt" => updated = value.text(),
            _ => {}
        }
    }
    let owner = owner.ok_or_else(|| lacks("managedSecrets.owner"))?;
    Ok(Listed {
        name: name.ok_or_else(|| lacks("managedSecrets.name"))?.to_owned(),
        description: description.map(str::to_owned),
        owner: self::owner(owner)?,
        stored_type: StoredType::from_wire(kind.ok_or_else(|| lacks("managedSecrets.type"))?),
        created: instant(created, "managedSecrets.createdAt")?,
        updated: instant(updated, "managedSecrets.updatedAt")?,
    })
}

fn owner(space: Node<'_>) -> Result<Owner, Refusal> {
    match space.get("type").and_then(Node::text) {
        Some("User") => Ok(Owner::Personal),
        Some("Team") => match space.get("uid").and_then(Node::text) {
            Some(uid) => Ok(Owner::Team(uid.to_owned())),
            None => Err(lacks("owner.uid")),
        },
        Some(other) => Ok(Owner::Other(other.to_owned())),
        None => Err(lacks("owner.type")),
    }
}

fn instant(text: Option<&str>, field: &str) -> Result<Timestamp, Refusal> {
    text.and_then(time::parse_rfc3339)
        .ok_or_else(|| Refusal::open(malformed(&format!("{field} is no RFC 3339 time"))))
}

fn lacks(field: &str) -> Refusal {
    Refusal::open(malformed(&format!(
        "{field} is missing or of the wrong type"
    )))
}

/// The name a mutation echoes (schema: `CreateManagedSecretOutput.managedSecret.name`), if it does.
#[must_use]
pub fn echoed_name(output: Node<'_>) -> Option<String> {
    output
        .get("managedSecret")?
        .get("name")?
        .text()
        .map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::SecretBytes;

    fn read(reply: Reply) -> Result<Document, Refusal> {
        let key = SecretBytes::new(b"wk-key".to_vec());
        document(reply, &ApiKey::parse(&key, "").unwrap())
    }

    fn reply(status: u16, content_type: &str, body: &str) -> Reply {
        Reply {
            status,
            body: body.as_bytes().to_vec(),
            content_type: Some(content_type.to_owned()),
            retry_after: None,
            redirect_host: None,
        }
    }

    const JSON: &str = "application/json";
    const HTML: &str = "text/html";
    const LAST: Standing = Standing::Final;
    const OPEN: Standing = Standing::Open { retry: false };
    const RETRY: Standing = Standing::Open { retry: true };

    #[test]
    fn statuses() {
        for (status, kind, body, code, standing, message) in [
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
                LAST,
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
                LAST,
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
                LAST,
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
                Standing::Unprocessed(None),
                "the service asks to slow down (HTTP 429)",
            ),
            (
                503,
                HTML,
                "<html>",
                75,
                Standing::Unprocessed(None),
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
            let refusal = read(reply(status, kind, body)).err().unwrap();
            assert_eq!(refusal.error.message(), message, "{status} {kind}");
            assert_eq!(refusal.error.code(), code, "{status} {kind}");
            assert_eq!(refusal.standing, standing, "{status} {kind}");
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
                format!(r#"{{"error":"{}"}}"#, "é".repeat(MAX_MESSAGE)),
                "é".repeat(MAX_MESSAGE),
            ),
            (
                format!(r#"{{"error":"{}"}}"#, "é".repeat(MAX_MESSAGE + 1)),
                "é".repeat(MAX_MESSAGE) + "…",
            ),
        ] {
            let refusal = read(reply(401, JSON, &body)).err().unwrap();
            assert_eq!(refusal.error.words().unwrap().causes, [cause]);
        }
        for body in ["[]", r#"{"detail":""}"#, r#"{"errors":[{"message":" "}]}"#] {
            assert!(
                read(reply(401, JSON, body))
                    .err()
                    .unwrap()
                    .error
                    .words()
                    .unwrap()
                    .causes
                    .is_empty()
            );
        }
    }

    #[test]
    fn members() {
        for (body, code, standing, message) in [
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
            let document = read(reply(200, JSON, body)).ok().unwrap();
            let refusal = member(&document, "user", "UserOutput").err().unwrap();
            assert_eq!(refusal.error.message(), message, "{body}");
            assert_eq!(refusal.error.code(), code, "{body}");
            assert_eq!(refusal.standing, standing, "{body}");
        }
    }

    #[test]
    fn a_taken_name_is_its_own_code() {
        let body = r#"{"data":{"createManagedSecret":{"__typename":"UserFacingError",
            "error":{"__typename":"GenericStringObjectUniqueKeyConflict","message":"taken"}}}}"#;
        let document = read(reply(200, JSON, body)).ok().unwrap();
        let refusal = member(
            &document,
            "createManagedSecret",
            "CreateManagedSecretOutput",
        )
        .err()
        .unwrap();
        assert_eq!(
            (refusal.error.code(), refusal.error.message()),
            (5, "taken")
        );
    }

    #[test]
    fn data_beside_errors_is_data() {
        let body =
            r#"{"errors":[{"message":"partial"}],"data":{"user":{"__typename":"UserOutput"}}}"#;
        let document = read(reply(200, JSON, body)).ok().unwrap();
        assert!(member(&document, "user", "UserOutput").is_ok());
    }

    fn read_account(user: &str) -> Result<Account, String> {
        let body = format!(r#"{{"data":{{"user":{user}}}}}"#);
        let document = read(reply(200, JSON, &body)).ok().unwrap();
        let node = document.root().get("data").unwrap().get("user").unwrap();
        account(node).map_err(|refusal| refusal.error.message().to_owned())
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
                teams: vec![team("t", "T", Some("K")), team("u", "", None)],
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
            let message = format!(
                "the service's answer is malformed: {field} is missing or of the wrong type"
            );
            assert_eq!(read_account(user), Err(message), "{user}");
        }
    }

    const SECRET: &str = r#"{"name":"N","description":null,"createdAt":"2026-01-02T03:04:05Z",
        "updatedAt":"2026-01-02T03:04:06.5+01:00","owner":{"uid":"u","type":"User"},"type":"RAW_VALUE"}"#;

    fn read_secrets(items: &str) -> Result<Vec<Listed>, String> {
        let body = format!(r#"{{"data":{{"managedSecrets":{{"managedSecrets":{items}}}}}}}"#);
        let document = read(reply(200, JSON, &body)).ok().unwrap();
        let node = document
            .root()
            .get("data")
            .unwrap()
            .get("managedSecrets")
            .unwrap();
        secrets(node).map_err(|refusal| refusal.error.message().to_owned())
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
}
