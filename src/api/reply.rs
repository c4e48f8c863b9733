//! Reads replies: a status and a body become typed values, or a [`Failure`] that says whether the request may have
//! been processed.
//!
//! The schema may grow, so unknown union members, enum values and extra fields are expected. A gateway can answer
//! while the service is still at work: only a refusal in the service's own words, 401, 403, 404 and 429 mean that
//! nothing was changed.

use super::Lookup;
use crate::error::{Error, ErrorKind};
use crate::json::{self, Node};
use crate::net::{Failure, Processed, Reply, Retry};
use crate::outcome::{Account, SecretInfo, Team, Timestamp};
use crate::secret::{ApiKey, Owner, SecretName, StoredType};
use crate::text;
use crate::time;
use std::time::Duration;

/// The most teams of an account. People are on a few; each is compared with each, and takes memory beside the reply.
const MAX_TEAMS: usize = 1000;

/// What the service serves a user who is on no team.
const PLACEHOLDER_WORKSPACE: &str = "NOT_A_REAL_WORKSPACE_UID";

/// The JSON document of a 200. No text in it quotes the key.
///
/// # Errors
/// Every other status, and a body that is not JSON.
pub fn document<'a>(reply: &'a mut Reply, key: &ApiKey) -> Result<Node<'a>, Failure> {
    let is_page = is_page(reply);
    let (code, request_complete) = (reply.status, reply.request_complete);
    let redact = |text: &mut [u8]| key.redact(text);
    let result = if code == 200 {
        json::parse(&mut reply.body, &redact).map_err(|refusal| {
            unclear(if is_page {
                not_the_service(code)
            } else {
                malformed(&refusal.to_string())
            })
        })
    } else {
        let document = json::parse(&mut reply.body, &redact);
        let message = document.ok().and_then(body_message);
        Err(status(reply, is_page, message, key))
    };
    result.map_err(|mut failure| {
        if !request_complete {
            failure.processed = Processed::No;
        }
        failure
    })
}

/// The request may have been processed, and the same reply would come again.
fn unclear(error: Error) -> Failure {
    Failure::new(error, Processed::Maybe, false)
}

/// A status other than 200. A gateway's page behind 5xx is an outage; anywhere else a page means that something
/// other than the service answered.
fn status(reply: &Reply, is_page: bool, cause: Option<String>, key: &ApiKey) -> Failure {
    use ErrorKind::{Credentials, Refused, TryAgain};
    let status = reply.status;
    let (kind, what, hint) = match status {
        401 => (
            Credentials,
            "the service did not accept the API key",
            Some(key_hint(key)),
        ),
        429 => (
            TryAgain,
            "the service asks to slow down",
            Some(retry_hint(reply)),
        ),
        503 => (
            TryAgain,
            "the service is unavailable",
            Some(retry_hint(reply)),
        ),
        408 | 500..=599 => (
            TryAgain,
            "the service failed",
            Some("try again later".to_owned()),
        ),
        300..=399 => return unclear(redirect(reply)),
        _ if is_page => return unclear(not_the_service(status)),
        403 => (
            Credentials,
            "the API key is not allowed to do this",
            Some(key_hint(key)),
        ),
        404 => (
            Refused,
            "the service has no GraphQL endpoint at this address",
            Some("check --server-root-url and WARP_SERVER_ROOT_URL".to_owned()),
        ),
        _ => (Refused, "the service refused the request", None),
    };
    let mut error = Error::new(kind, format!("{what} (HTTP {status})"));
    error.causes.extend(cause);
    error.hint = hint;
    let (processed, retry) = consequences(status, reply.retry_after);
    Failure {
        error,
        processed,
        retry,
    }
}

/// What a status says of the request. Gateways say 503, too, when the service fails with the request in hand.
fn consequences(status: u16, retry_after: Option<Duration>) -> (Processed, Retry) {
    let later = retry_after.map_or(Retry::Backoff, Retry::After);
    match status {
        401 | 403 | 404 => (Processed::No, Retry::Never),
        429 => (Processed::No, later),
        503 => (Processed::Maybe, later),
        408 | 500..=599 => (Processed::Maybe, Retry::Backoff),
        _ => (Processed::Maybe, Retry::Never),
    }
}

/// The longest wait that is shown to the user, in seconds: a day.
const MAX_ADVICE: u64 = 86_400;

/// When to try again, as far as the service says.
fn retry_hint(reply: &Reply) -> String {
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
    Error::unavailable(message).hint(
        "a network that asks for a login does this; otherwise check --server-root-url and WARP_SERVER_ROOT_URL",
    )
}

/// Whether the body is a page for people, which the service never sends.
fn is_page(reply: &Reply) -> bool {
    let starts_as_markup =
        reply.body.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'<');
    starts_as_markup
        || reply.content_type.as_deref().is_some_and(|kind| {
            kind.split(['/', '+', ';'])
                .any(|word| matches!(word.trim(), "html" | "xhtml"))
        })
}

fn not_the_service(status: u16) -> Error {
    Error::unavailable(format!(
        "the answer is a web page (HTTP {status}), so it is not the service that answered"
    ))
    .hint(
        "a login page of the network, a proxy's block page or a wrong --server-root-url does this",
    )
}

fn key_hint(key: &ApiKey) -> String {
    format!(
        "check that the key in {} is whole, not expired and not deleted",
        key.origin()
    )
}

fn malformed(what: &str) -> Error {
    Error::refused(format!("the service's answer is malformed: {what}"))
}

/// What an error body says of itself: GraphQL's `errors`, or the REST side's `error`, `detail` or `title`.
fn body_message(root: Node<'_>) -> Option<String> {
    joined_errors(root).or_else(|| {
        ["error", "detail", "title", "message"]
            .iter()
            .find_map(|key| non_empty(root.get(key)?))
    })
}

/// The text of a message, where it says anything.
fn non_empty(message: Node<'_>) -> Option<String> {
    let text = text::excerpt(message.text()?.trim());
    (!text.is_empty()).then_some(text)
}

fn joined_errors(root: Node<'_>) -> Option<String> {
    let mut all = String::new();
    for message in root
        .get("errors")?
        .items()?
        .filter_map(|error| non_empty(error.get("message")?))
    {
        if !all.is_empty() {
            all.push_str("; ");
        }
        all.push_str(&message);
        if all.len() > text::MAX_EXCERPT * 4 {
            break;
        }
    }
    (!all.is_empty()).then(|| text::excerpt(&all))
}

/// One root field of a reply: a member of its union, or what stands in its place.
enum Member<'a> {
    /// The member with the expected `__typename`.
    Output(Node<'a>),
    /// `UserFacingError.error`.
    UserFacingError(UserFacingError),
    /// The field is null or absent, and `errors` says why.
    Errors(String),
    /// The reply does not fit the schema, or is newer than this client.
    Unknown(Error),
}

/// The service's failure (schema: `UserFacingErrorInterface`).
struct UserFacingError {
    /// The `__typename`.
    kind: String,
    message: String,
}

fn member<'a>(root: Node<'a>, field: &str, output: &str) -> Member<'a> {
    if !root.is_object() {
        return Member::Unknown(malformed("it is no JSON object"));
    }
    let Some(node) = root
        .get("data")
        .and_then(|data| data.get(field))
        .filter(|node| !node.is_null())
    else {
        return match joined_errors(root) {
            Some(messages) => Member::Errors(messages),
            None => Member::Unknown(malformed(&format!("data.{field} is missing"))),
        };
    };
    match node.get("__typename").and_then(Node::text) {
        Some(name) if name == output => Member::Output(node),
        Some("UserFacingError") => Member::UserFacingError(user_facing_error(node)),
        Some(name) => Member::Unknown(Error::refused(format!(
            "the service answered {field} with {}, which this version of oz does not know",
            text::excerpt(name)
        ))),
        None => Member::Unknown(malformed(&format!("{field}.__typename is missing"))),
    }
}

fn user_facing_error(node: Node<'_>) -> UserFacingError {
    let text = |key: &str| node.get("error")?.get(key)?.text();
    let message = text("message").map_or_else(String::new, |text| text::excerpt(text.trim()));
    UserFacingError {
        kind: text("__typename").unwrap_or_default().to_owned(),
        message: if message.is_empty() {
            "the service refused without saying why".to_owned()
        } else {
            message
        },
    }
}

/// The output of a query. A failure of `user` is a problem with the key, unless the error says that it is about money.
fn query_output<'a>(
    document: Node<'a>,
    field: &str,
    output: &str,
    key: &ApiKey,
) -> Result<Node<'a>, Failure> {
    match member(document, field, output) {
        Member::Output(node) => Ok(node),
        Member::Unknown(error) => Err(unclear(error)),
        Member::UserFacingError(UserFacingError { kind, message }) => {
            let is_about_money = matches!(
                kind.as_str(),
                "AccountDelinquencyError" | "BudgetExceededError" | "PaymentMethodDeclinedError"
            );
            let is_about_key = field == "user" || mentions_key(&message);
            Err(Failure::refused(if is_about_key && !is_about_money {
                Error::credentials(message).hint(key_hint(key))
            } else {
                Error::refused(message)
            }))
        }
        Member::Errors(messages) if has_key_code(document) || mentions_key(&messages) => {
            Err(Failure::refused(
                Error::credentials("the service did not accept the API key")
                    .cause(&messages)
                    .hint(key_hint(key)),
            ))
        }
        Member::Errors(messages) => Err(reports_error(&messages)),
    }
}

/// The output of a mutation. Only a `UserFacingError` says that nothing was changed.
fn mutation_output<'a>(document: Node<'a>, field: &str, output: &str) -> Result<Node<'a>, Failure> {
    match member(document, field, output) {
        Member::Output(node) => Ok(node),
        Member::Unknown(error) => Err(unclear(error)),
        Member::UserFacingError(UserFacingError { kind, message }) => Err(Failure::refused(
            if kind == "GenericStringObjectUniqueKeyConflict" {
                Error::exists(message)
                    .hint("use `oz secret update`, or create with --if-exists update")
            } else {
                Error::refused(message)
            },
        )),
        Member::Errors(messages) => Err(reports_error(&messages)),
    }
}

fn reports_error(messages: &str) -> Failure {
    unclear(Error::refused("the service reports an error").cause(messages))
}

/// Whether an error has a code that servers commonly give to a missing or refused credential.
fn has_key_code(document: Node<'_>) -> bool {
    let errors = document.get("errors").and_then(Node::items);
    errors
        .into_iter()
        .flatten()
        .filter_map(|error| error.get("extensions")?.get("code")?.text())
        .any(|code| matches!(code, "UNAUTHENTICATED" | "FORBIDDEN"))
}

/// Whether a message is one that the service is known to answer a bad key with. For queries alone: the failure of a
/// value can speak of keys, too.
fn mentions_key(message: &str) -> bool {
    [
        "user not in context",
        "id token has expired",
        "api key is invalid",
        "invalid api key",
        "incorrect api key",
        "unauthenticated",
        "not authenticated",
    ]
    .iter()
    .any(|phrase| {
        let mut parts = message.as_bytes().windows(phrase.len());
        parts.any(|part| part.eq_ignore_ascii_case(phrase.as_bytes()))
    })
}

/// Reads the reply to a lookup.
///
/// # Errors
/// No data, a `UserFacingError`, or data that does not fit the schema.
pub fn lookup(
    document: Node<'_>,
    server_time: Option<i64>,
    key: &ApiKey,
) -> Result<Lookup, Failure> {
    let user = query_output(document, "user", "UserOutput", key)?;
    let secrets = query_output(document, "managedSecrets", "ManagedSecretsOutput", key)?;
    Ok(Lookup {
        account: account(user)?,
        secrets: self::secrets(secrets)?,
        errors: joined_errors(document),
        server_time,
    })
}

/// # Errors
/// The service did not say that it created the secret of this name.
pub fn created(document: Node<'_>, name: &SecretName) -> Result<(), Failure> {
    let field = "createManagedSecret";
    let output = mutation_output(document, field, "CreateManagedSecretOutput")?;
    check_name(output, field, name)
}

/// # Errors
/// The service did not say that it updated the secret of this name.
pub fn updated(document: Node<'_>, name: &SecretName) -> Result<(), Failure> {
    let field = "updateManagedSecret";
    let output = mutation_output(document, field, "UpdateManagedSecretOutput")?;
    check_name(output, field, name)
}

/// # Errors
/// The service did not say that it deleted the secret. Its output names none, so errors beside it make it unclear.
pub fn deleted(document: Node<'_>) -> Result<(), Failure> {
    mutation_output(document, "deleteManagedSecret", "DeleteManagedSecretOutput")?;
    match joined_errors(document) {
        Some(messages) => Err(reports_error(&messages)),
        None => Ok(()),
    }
}

/// Holds the name in the output of a mutation to the one that was asked for.
fn check_name(output: Node<'_>, field: &str, name: &SecretName) -> Result<(), Failure> {
    let echoed = output
        .get("managedSecret")
        .and_then(|secret| secret.get("name"))
        .and_then(Node::text);
    match echoed {
        Some(echoed) if echoed == name.as_str() => Ok(()),
        Some(_) => Err(unclear(malformed(&format!(
            "{field}.managedSecret is another secret"
        )))),
        None => Err(missing_field(&format!("{field}.managedSecret.name"))),
    }
}

/// Reads `UserOutput`.
///
/// # Errors
/// A missing or mistyped field.
fn account(user: Node<'_>) -> Result<Account, Failure> {
    let inner = user.get("user").ok_or_else(|| missing_field("user.user"))?;
    let profile = |key: &str| {
        let text = inner.get("profile")?.get(key)?.text()?;
        (!text.is_empty()).then(|| text.to_owned())
    };
    let actor = profile("uid").ok_or_else(|| missing_field("user.user.profile.uid"))?;
    let mut first_workspace = None;
    let mut teams = Vec::new();
    for workspace in inner
        .get("workspaces")
        .and_then(Node::items)
        .ok_or_else(|| missing_field("user.user.workspaces"))?
    {
        let text = |key: &str| workspace.get(key).and_then(Node::text);
        if text("uid") == Some(PLACEHOLDER_WORKSPACE) {
            continue;
        }
        if first_workspace.is_none() {
            let both = text("uid").zip(text("name"));
            first_workspace = both.map(|(uid, name)| (uid.to_owned(), name.to_owned()));
        }
        for team in workspace
            .get("teams")
            .and_then(Node::items)
            .ok_or_else(|| missing_field("workspaces.teams"))?
        {
            let uid = team
                .get("uid")
                .and_then(Node::text)
                .ok_or_else(|| missing_field("teams.uid"))?;
            // One team in two workspaces is one team.
            if teams.iter().any(|known: &Team| known.uid == uid) {
                continue;
            }
            if teams.len() >= MAX_TEAMS {
                return Err(unclear(malformed(&format!(
                    "the account is on more than {MAX_TEAMS} teams"
                ))));
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
        actor,
        is_service_account: user.get("principalType").and_then(Node::text)
            == Some("SERVICE_ACCOUNT"),
        public_key: public_key(inner),
        display_name: profile("displayName"),
        email: profile("email"),
        workspace: first_workspace,
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
fn secrets(output: Node<'_>) -> Result<Vec<SecretInfo>, Failure> {
    let items = output
        .get("managedSecrets")
        .and_then(Node::items)
        .ok_or_else(|| missing_field("managedSecrets"))?;
    items.map(secret).collect()
}

fn secret<'a>(node: Node<'a>) -> Result<SecretInfo, Failure> {
    let keys = [
        "name",
        "description",
        "type",
        "createdAt",
        "updatedAt",
        "owner",
    ];
    let [name, description, kind, created, updated, owner] = node.get_each(keys);
    let required = |node: Option<Node<'a>>, field: &str| {
        let text = node.and_then(Node::text);
        text.ok_or_else(|| missing_field(field))
    };
    Ok(SecretInfo {
        name: required(name, "managedSecrets.name")?.to_owned(),
        description: description.and_then(Node::text).map(str::to_owned),
        owner: self::owner(owner.ok_or_else(|| missing_field("managedSecrets.owner"))?)?,
        stored_type: StoredType::from_wire(required(kind, "managedSecrets.type")?),
        created: instant(created, "managedSecrets.createdAt")?,
        updated: instant(updated, "managedSecrets.updatedAt")?,
    })
}

fn owner(space: Node<'_>) -> Result<Owner, Failure> {
    match space.get("type").and_then(Node::text) {
        Some("User") => Ok(Owner::Personal),
        Some("Team") => match space.get("uid").and_then(Node::text) {
            Some(uid) => Ok(Owner::Team(uid.to_owned())),
            None => Err(missing_field("owner.uid")),
        },
        Some(other) => Ok(Owner::Other(other.to_owned())),
        None => Err(missing_field("owner.type")),
    }
}

fn instant(node: Option<Node<'_>>, field: &str) -> Result<Timestamp, Failure> {
    node.and_then(Node::text)
        .and_then(time::parse_rfc3339)
        .ok_or_else(|| unclear(malformed(&format!("{field} is no RFC 3339 time"))))
}

fn missing_field(field: &str) -> Failure {
    unclear(malformed(&format!(
        "{field} is missing or of the wrong type"
    )))
}

#[cfg(test)]
mod tests;
