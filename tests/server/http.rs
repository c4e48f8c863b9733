//! The HTTP endpoint of the local server: checks requests, and carries out misbehaviour.

use super::State;
use super::account::{Account, Owner};
use super::behaviour::{Behaviour, End, Point, When};
use super::engine::{self, Checked, Effects};
use super::store::{Clock, Refusal, Store};
use super::wire::{Bend, Shape};
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, DATE, HeaderValue};
use hyper::http::request::Parts;
use hyper::{Method, Request, Response, StatusCode};
use serde_json::{Value, json};
use std::convert::Infallible;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

/// A request as it came in.
#[derive(Clone, Debug)]
pub struct Recorded {
    /// Which connection it came on, counted from 1.
    pub connection: usize,
    pub method: String,
    /// Path and query.
    pub target: String,
    /// Names in lower case, in the order of arrival.
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
    /// The `op` of the query string.
    pub op: String,
}

impl Recorded {
    /// The first header of that lower-case name.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }

    /// The body as JSON; null if it is none.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }
}

type Answer = Response<Full<Bytes>>;

/// Answers one request, with the time of the service's own clock.
pub async fn serve(
    state: Arc<State>,
    bend: Arc<Bend>,
    connection: usize,
    request: Request<Incoming>,
) -> Result<Answer, Infallible> {
    let now = httpdate::fmt_http_date(instant(state.store().now()));
    let mut answer = respond(state, bend, connection, request).await;
    let date = HeaderValue::from_str(&now).expect("a date");
    answer.headers_mut().entry(DATE).or_insert(date);
    Ok(answer)
}

fn instant(seconds: i64) -> SystemTime {
    let seconds = u64::try_from(seconds).expect("a time after 1970");
    SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
}

async fn respond(
    state: Arc<State>,
    bend: Arc<Bend>,
    connection: usize,
    request: Request<Incoming>,
) -> Answer {
    let (parts, body) = request.into_parts();
    let recorded = recorded(&parts, connection);
    let op = recorded.op.clone();
    // The log mixes the lines of several connections.
    let label = format!("connection {connection}: {op}");
    let index = state.record(recorded);
    let mut behaviour = state.script().for_request(&op);
    if let Some(Behaviour::Vanish(Point::Head, end)) = behaviour {
        return vanish(&state, &bend, &label, "head", end);
    }
    let body = match body.collect().await {
        Ok(body) => body.to_bytes(),
        Err(_) => {
            state.log(format!("{label}: the request broke off"));
            return text(StatusCode::BAD_REQUEST, "incomplete");
        }
    };
    state.record_body(index, &body);
    if let Some(Behaviour::Delay(time)) = behaviour {
        tokio::time::sleep(time).await;
    }
    let checked = check(&state, &parts, &op, &body);
    if let Some(Behaviour::Meanwhile(change, then)) = behaviour {
        change(&mut state.store());
        behaviour = then.map(|then| *then);
    }
    if let Some(Behaviour::Late(time, answer)) = behaviour {
        if let Ok(prepared) = checked {
            tokio::spawn(carry_out_late(
                Arc::clone(&state),
                label.clone(),
                prepared,
                time,
            ));
        }
        return before(&state, &bend, &label, Some(&answer)).expect("a gateway's own answer");
    }
    if let Some(answer) = before(&state, &bend, &label, behaviour.as_ref()) {
        return answer;
    }
    let Prepared {
        account,
        checked,
        team,
    } = match checked {
        Ok(prepared) => prepared,
        Err(answer) => return *answer,
    };
    if let Some(Behaviour::Raced) = behaviour {
        let team = team.as_deref();
        let (_, effects) = engine::execute(&checked, &account, team, &mut state.store(), None);
        state.took_effect(&format!("another client: {op}"), &effects);
    }
    let older = match &behaviour {
        Some(Behaviour::Stale(store)) => Some(store.clone()),
        Some(Behaviour::Behind(before)) => {
            let mut before = before.lock().expect("no panic while it is held");
            if When::Mutation.matches(&op) {
                *before = Some(state.store().clone());
                None
            } else {
                before.take()
            }
        }
        _ => None,
    };
    let (mut reply, effects) = match &behaviour {
        Some(Behaviour::UserFacingError(message)) => refuse(&checked, &account, message),
        Some(Behaviour::UnknownMember) => unknown_member(&checked, &account),
        _ => {
            let mut older = older;
            let mut store = state.store();
            let store = older.as_mut().unwrap_or(&mut store);
            engine::execute(&checked, &account, team.as_deref(), store, None)
        }
    };
    state.took_effect(&label, &effects);
    match behaviour {
        Some(Behaviour::ErrorsBesideData(messages)) => reply["errors"] = errors(&messages),
        Some(Behaviour::Edit(edit)) => edit(&mut reply),
        Some(behaviour) => {
            if let Some(answer) = after(&state, &bend, &label, behaviour, &reply) {
                return answer;
            }
        }
        None => {}
    }
    graphql(&reply)
}

async fn carry_out_late(state: Arc<State>, label: String, prepared: Prepared, time: Duration) {
    tokio::time::sleep(time).await;
    let Prepared {
        account,
        checked,
        team,
    } = prepared;
    let (_, effects) = engine::execute(
        &checked,
        &account,
        team.as_deref(),
        &mut state.store(),
        None,
    );
    state.took_effect(&label, &effects);
}

fn recorded(parts: &Parts, connection: usize) -> Recorded {
    let target = parts.uri.path_and_query().map_or("", |both| both.as_str());
    let query = parts.uri.query().unwrap_or_default();
    let op = query.split('&').find_map(|pair| pair.strip_prefix("op="));
    let headers = parts.headers.iter().map(|(name, value)| {
        let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
        (name.as_str().to_owned(), value)
    });
    Recorded {
        connection,
        method: parts.method.to_string(),
        target: target.to_owned(),
        headers: headers.collect(),
        body: Vec::new(),
        op: op.unwrap_or_default().to_owned(),
    }
}

/// Behaviours before a request is executed.
fn before(
    state: &State,
    bend: &Bend,
    label: &str,
    behaviour: Option<&Behaviour>,
) -> Option<Answer> {
    match behaviour? {
        Behaviour::Vanish(Point::Body, end) => Some(vanish(state, bend, label, "body", *end)),
        Behaviour::Reply {
            status,
            headers,
            body,
        } => {
            state.log(format!("{label}: told to answer {status}"));
            let mut answer = Response::builder().status(*status);
            for (name, value) in headers {
                answer = answer.header(*name, value);
            }
            let body = Full::new(Bytes::from(body.clone()));
            Some(answer.body(body).expect("a test's own headers are valid"))
        }
        Behaviour::Raw(bytes, end) => {
            state.log(format!("{label}: told to answer {} raw bytes", bytes.len()));
            bend.set(Shape::Instead(bytes.clone(), *end));
            Some(text(StatusCode::OK, ""))
        }
        Behaviour::Errors(messages) => {
            state.log(format!("{label}: told to answer with errors"));
            Some(graphql(&json!({"errors": errors(messages), "data": null})))
        }
        _ => None,
    }
}

/// Behaviours after a request was executed.
fn after(
    state: &State,
    bend: &Bend,
    label: &str,
    behaviour: Behaviour,
    reply: &Value,
) -> Option<Answer> {
    match behaviour {
        Behaviour::Vanish(_, end) => return Some(vanish(state, bend, label, "work", end)),
        Behaviour::Framed(frame, end) => {
            bend.set(Shape::Instead(frame(reply.to_string().as_bytes()), end));
            return Some(text(StatusCode::OK, ""));
        }
        Behaviour::FramedThen(frame, pause, unasked, end) => {
            let answer = frame(reply.to_string().as_bytes());
            bend.set(Shape::Then(answer, pause, unasked, end));
            return Some(text(StatusCode::OK, ""));
        }
        Behaviour::Cut(bytes, end) => bend.set(Shape::Cut(bytes, end)),
        Behaviour::Drip(pause) => bend.set(Shape::Drip(pause)),
        Behaviour::CloseAfterReply(end) => {
            bend.set(Shape::Last(reply.to_string().len(), end));
        }
        _ => {}
    }
    None
}

fn vanish(state: &State, bend: &Bend, label: &str, point: &str, end: End) -> Answer {
    state.log(format!("{label}: told to end after the {point}"));
    bend.set(Shape::Instead(Vec::new(), end));
    text(StatusCode::OK, "")
}

fn refuse(checked: &Checked, account: &Account, message: &str) -> (Value, Effects) {
    let refusal = Refusal {
        type_name: "InvalidInputError",
        message: message.to_owned(),
    };
    let mut nothing = Store::new(Clock::System(0));
    engine::execute(checked, account, None, &mut nothing, Some(&refusal))
}

fn unknown_member(checked: &Checked, account: &Account) -> (Value, Effects) {
    let (mut reply, effects) = refuse(checked, account, "");
    if let Some(roots) = reply["data"].as_object_mut() {
        for root in roots.values_mut() {
            *root = json!({"__typename": "SomethingNew"});
        }
    }
    (reply, effects)
}

fn errors(messages: &[&str]) -> Value {
    messages
        .iter()
        .map(|text| json!({"message": text}))
        .collect()
}

/// A request that may be carried out.
struct Prepared {
    account: Account,
    checked: Checked,
    team: Option<String>,
}

/// Checks a request, up to its variables.
fn check(state: &State, parts: &Parts, op: &str, body: &[u8]) -> Result<Prepared, Box<Answer>> {
    let violation = |status: StatusCode, what: &str| {
        state.violation(format!("{op}: {what}"));
        Box::new(text(status, what))
    };
    if parts.uri.path() != "/graphql/v2" {
        return Err(violation(StatusCode::NOT_FOUND, "no such path"));
    }
    if parts.method != Method::POST {
        return Err(violation(StatusCode::METHOD_NOT_ALLOWED, "not a POST"));
    }
    let account = account(state, parts)?;
    let media_type = parts.headers.get(CONTENT_TYPE);
    let media_type = media_type.map(|value| value.as_bytes().to_ascii_lowercase());
    let media_type = media_type.unwrap_or_default();
    if media_type.split(|byte| *byte == b';').next() != Some(b"application/json") {
        return Err(violation(StatusCode::UNSUPPORTED_MEDIA_TYPE, "not JSON"));
    }
    let Ok(Value::Object(request)) = serde_json::from_slice(body) else {
        return Err(violation(StatusCode::BAD_REQUEST, "not a JSON object"));
    };
    let Some(query) = request.get("query").and_then(Value::as_str) else {
        return Err(violation(StatusCode::BAD_REQUEST, "no query"));
    };
    let variables = request.get("variables").unwrap_or(&Value::Null);
    let checked = engine::check(query, variables).map_err(|messages| {
        state.violation(format!("{op}: {}", messages.join("; ")));
        Box::new(graphql(&engine::refused(&messages)))
    })?;
    let named = request.get("operationName").and_then(Value::as_str);
    if checked.operation != op || named.is_some_and(|name| name != op) {
        return Err(violation(
            StatusCode::BAD_REQUEST,
            "op, operationName and the operation's name differ",
        ));
    }
    let team = parts.headers.get("x-warp-team-uid");
    let team = team
        .and_then(|value| value.to_str().ok())
        .map(str::to_owned);
    Ok(Prepared {
        account,
        checked,
        team,
    })
}

fn account(state: &State, parts: &Parts) -> Result<Account, Box<Answer>> {
    let given = parts.headers.get(AUTHORIZATION);
    let key = given
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.strip_prefix("Bearer "));
    let known = key.and_then(|key| state.account(key));
    known.ok_or_else(|| {
        state.log("refused: no such key".to_owned());
        let body = json!({"error": "the API key is not valid or has expired"});
        Box::new(json_answer(StatusCode::UNAUTHORIZED, &body))
    })
}

fn graphql(reply: &Value) -> Answer {
    json_answer(StatusCode::OK, reply)
}

fn json_answer(status: StatusCode, body: &Value) -> Answer {
    answer(status, "application/json", body.to_string())
}

fn text(status: StatusCode, body: &str) -> Answer {
    answer(status, "text/plain", body.to_owned())
}

fn answer(status: StatusCode, media_type: &str, body: String) -> Answer {
    Response::builder()
        .status(status)
        .header(CONTENT_TYPE, media_type)
        .body(Full::new(Bytes::from(body)))
        .expect("its own headers are valid")
}

/// An owner as the log names it.
#[must_use]
pub fn owner_text(owner: &Owner) -> String {
    match owner {
        Owner::User(_) => "personal".to_owned(),
        Owner::Team(uid) => format!("team {uid}"),
    }
}
