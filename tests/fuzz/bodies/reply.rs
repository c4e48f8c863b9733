//! Whatever the service answers, in whatever order: values that hold together, or an error that is fit to print.

use crate::api::Api;
use crate::api::operation::Keys;
use crate::error::Error;
use crate::net::deadline::{Budget, Clock};
use crate::net::{Failure, Pause, Reply, Request, Transport};
use crate::output::failure;
use crate::request::Format;
use crate::secret::{ApiKey, KINDS, Owner, SecretBytes, SecretName};
use crate::text::MAX_EXCERPT;
use crate::trace::Trace;
use std::time::Duration;

/// Answers with one reply, at most so often.
struct Script<'a> {
    status: u16,
    content_type: Option<&'a str>,
    body: &'a [u8],
    left: u32,
    budget: Budget,
}

impl Transport for Script<'_> {
    fn post(&mut self, _: &Request<'_>) -> Result<Reply, Failure> {
        self.left = self
            .left
            .checked_sub(1)
            .expect("more attempts than are made");
        Ok(Reply {
            status: self.status,
            body: self.body.to_vec(),
            content_type: self.content_type.map(str::to_owned),
            retry_after: Some(Duration::from_secs(1)),
            redirect_host: None,
            request_complete: true,
            date: None,
        })
    }

    fn pause(&mut self, _: Pause, _: &str, _: Trace) -> bool {
        true
    }

    fn budget(&mut self) -> &mut Budget {
        &mut self.budget
    }
}

const STATUSES: [u16; 12] = [200, 200, 200, 200, 302, 400, 401, 403, 404, 429, 500, 503];

// The first byte: status, media type and operation.
pub fn run(data: &[u8]) {
    let Some((&how, body)) = data.split_first() else {
        return;
    };
    let status = STATUSES[usize::from(how) % STATUSES.len()];
    let content_type =
        [None, Some("application/json"), Some("text/html")][usize::from(how / 12) % 3];
    let script = || Script {
        status,
        content_type,
        body,
        left: 3,
        budget: Budget::new(Duration::from_secs(60), Clock::SYSTEM),
    };
    let name = SecretName::parse("N").unwrap();
    let key = ApiKey::parse(&SecretBytes::new(b"wk-secret-key".to_vec()), "").unwrap();
    match Api::new(&mut script(), &key, Trace::OFF).lookup(Keys::Wanted, None) {
        Ok(lookup) => assert!(!lookup.account.actor.is_empty()),
        Err(error) => fit_to_print(&error),
    }
    let results = [
        Api::new(&mut script(), &key, Trace::OFF).create(
            &Owner::Personal,
            &name,
            &KINDS[0],
            "e",
            None,
        ),
        Api::new(&mut script(), &key, Trace::OFF).update(
            &Owner::Team("t".into()),
            &name,
            None,
            Some("d"),
        ),
        Api::new(&mut script(), &key, Trace::OFF).delete(&Owner::Personal, &name),
    ];
    for result in results {
        match result {
            // Success is a 200 that holds JSON, and nothing else.
            Ok(_) => {
                assert_eq!(status, 200);
                let theirs = serde_json::from_slice::<serde_json::Value>(body);
                let is_large =
                    |error: serde_json::Error| error.to_string().starts_with("number out of range");
                assert!(theirs.is_ok() || theirs.is_err_and(is_large));
            }
            Err(failure) => fit_to_print(&failure.error),
        }
    }
}

fn fit_to_print(error: &Error) {
    let said: Vec<&str> = [error.message.as_str()]
        .into_iter()
        .chain(error.causes.iter().map(String::as_str))
        .chain(error.hint.as_deref())
        .collect();
    for text in said {
        assert!(!text.is_empty());
        assert!(!text.chars().any(char::is_control), "{text:?}");
        assert!(
            !text.to_ascii_lowercase().contains("secret-key"),
            "{text:?}"
        );
        assert!(text.chars().count() < MAX_EXCERPT + 200, "{text:?}");
    }
    let text = String::from_utf8(failure(error, Format::Pretty, false)).unwrap();
    assert!(text.starts_with("error: ") && text.ends_with('\n'));
    let json = failure(error, Format::Json, false);
    assert!(serde_json::from_slice::<serde_json::Value>(&json).is_ok());
}
