//! How and when the local server misbehaves.

use super::store::Store;
use serde_json::Value;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// Which requests a behaviour is for.
#[derive(Clone, Copy, Debug)]
pub enum When {
    /// The next request.
    Any,
    /// The next query.
    Query,
    /// The next mutation.
    Mutation,
    /// The next with this operation name.
    Op(&'static str),
}

impl When {
    pub fn matches(self, op: &str) -> bool {
        // Decided by the head, before the body is read: the operation names tell queries from mutations.
        let mutation = ["Create", "Update", "Delete"]
            .iter()
            .any(|verb| op.starts_with(verb));
        match self {
            Self::Any => true,
            Self::Query => !mutation,
            Self::Mutation => mutation,
            Self::Op(name) => op == name,
        }
    }
}

/// How far the server goes before it ends the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Point {
    /// The TCP connection is there; no byte was read.
    Accepted,
    /// The handshake is done; no request was read. For the first request of a connection only.
    Handshaken,
    /// The head of the request was read.
    Head,
    /// The whole request was read; nothing was done.
    Body,
    /// The request was carried out; nothing was answered.
    Applied,
}

/// How a connection ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// In good order: TLS `close_notify`, then FIN.
    Orderly,
    /// FIN without `close_notify`, as after a crash.
    Truncated,
    /// RST.
    Reset,
    /// Not at all: it stays open, and nothing is sent.
    Silent,
}

/// Wraps the body of an answer into all that is sent.
pub type Framing = Arc<dyn Fn(&[u8]) -> Vec<u8> + Send + Sync>;

/// What another client does to the store.
pub type Change = Arc<dyn Fn(&mut Store) + Send + Sync>;

/// Changes a GraphQL reply.
pub type Editing = Arc<dyn Fn(&mut Value) + Send + Sync>;

#[derive(Clone)]
pub enum Behaviour {
    /// Ends the connection at a point, without an answer.
    Vanish(Point, End),
    /// Answers the ClientHello with the alert `handshake_failure`.
    RefuseHandshake,
    /// Answers the ClientHello with these bytes.
    GarbageHandshake(Vec<u8>),

    /// Answers with this, through the HTTP library. Nothing is applied.
    Reply {
        status: u16,
        headers: Vec<(&'static str, String)>,
        body: Vec<u8>,
    },
    /// Answers with these bytes in place of HTTP. Nothing is applied.
    Raw(Vec<u8>, End),
    /// Sends the ordinary reply, wrapped by this into the bytes to send: for framings that no HTTP library writes.
    Framed(Framing, End),
    /// The same, and these unsolicited bytes after a pause. The log has a line when they were sent.
    FramedThen(Framing, Duration, Vec<u8>, End),
    /// Sends the ordinary reply, but only this many of its bytes.
    Cut(usize, End),
    /// Sends the ordinary reply, in pieces of one byte with this much time between them.
    Drip(Duration),
    /// Waits, then sends the ordinary reply.
    Delay(Duration),
    /// Sends the ordinary reply and ends the connection, unannounced.
    CloseAfterReply(End),
    /// Sends this answer at once, as a gateway does for a service that is still at work, and executes the request after
    /// this time.
    Late(Duration, Box<Behaviour>),
    /// Another client changes the store before the request is carried out; then this happens.
    Meanwhile(Change, Option<Box<Behaviour>>),
    /// Another client makes the same request first.
    Raced,
    /// Answers a query from an older state of the store, as a replica that lags behind.
    Stale(Store),
    /// Answers the first query after each mutation from the state before it.
    Behind(Arc<Mutex<Option<Store>>>),

    /// A GraphQL reply with `errors` and without `data`. Nothing is applied.
    Errors(Vec<&'static str>),
    /// The ordinary reply with these `errors` added.
    ErrorsBesideData(Vec<&'static str>),
    /// A `UserFacingError` with this message for every root field. Nothing is applied.
    UserFacingError(&'static str),
    /// A union member that no client knows, for every root field. Nothing is applied.
    UnknownMember,
    /// The ordinary reply, edited.
    Edit(Editing),
}

impl Behaviour {
    /// A status with a JSON body.
    #[must_use]
    pub fn status(status: u16, body: &str) -> Self {
        Self::Reply {
            status,
            headers: vec![("content-type", "application/json".to_owned())],
            body: body.as_bytes().to_vec(),
        }
    }

    /// Another client changes the store first.
    #[must_use]
    pub fn meanwhile(change: impl Fn(&mut Store) + Send + Sync + 'static) -> Self {
        Self::Meanwhile(Arc::new(change), None)
    }

    /// The same, with this behaviour for the request.
    #[must_use]
    pub fn meanwhile_and(change: impl Fn(&mut Store) + Send + Sync + 'static, then: Self) -> Self {
        Self::Meanwhile(Arc::new(change), Some(Box::new(then)))
    }

    /// Lists lag behind by one query.
    #[must_use]
    pub fn behind() -> Self {
        Self::Behind(Arc::default())
    }

    #[must_use]
    pub fn late(time: Duration, answer: Self) -> Self {
        Self::Late(time, Box::new(answer))
    }

    #[must_use]
    pub fn edit(edit: impl Fn(&mut Value) + Send + Sync + 'static) -> Self {
        Self::Edit(Arc::new(edit))
    }

    #[must_use]
    pub fn framed(frame: impl Fn(&[u8]) -> Vec<u8> + Send + Sync + 'static, end: End) -> Self {
        Self::Framed(Arc::new(frame), end)
    }

    /// Whether it happens before a request could be read.
    fn is_of_connection(&self) -> bool {
        matches!(
            self,
            Self::Vanish(Point::Accepted | Point::Handshaken, _)
                | Self::RefuseHandshake
                | Self::GarbageHandshake(_)
        )
    }
}

/// The behaviours that have not happened yet.
#[derive(Default)]
pub struct Script {
    entries: Vec<Entry>,
}

struct Entry {
    when: When,
    behaviour: Behaviour,
    /// `None`: every time.
    left: Option<usize>,
}

impl Script {
    pub fn push(&mut self, when: When, behaviour: Behaviour, times: Option<usize>) {
        self.entries.push(Entry {
            when,
            behaviour,
            left: times,
        });
    }

    /// For a new connection.
    pub fn for_connection(&mut self) -> Option<Behaviour> {
        self.take(|entry| entry.behaviour.is_of_connection())
    }

    /// For a request, by its operation name.
    pub fn for_request(&mut self, op: &str) -> Option<Behaviour> {
        self.take(|entry| !entry.behaviour.is_of_connection() && entry.when.matches(op))
    }

    fn take(&mut self, wanted: impl Fn(&Entry) -> bool) -> Option<Behaviour> {
        let index = self.entries.iter().position(wanted)?;
        let entry = &mut self.entries[index];
        let behaviour = entry.behaviour.clone();
        if let Some(left) = &mut entry.left {
            *left -= 1;
            if *left == 0 {
                self.entries.remove(index);
            }
        }
        Some(behaviour)
    }

    /// How many behaviours with a count are still waiting for their request.
    #[must_use]
    pub fn pending(&self) -> usize {
        self.entries.iter().filter_map(|entry| entry.left).sum()
    }
}
