//! The local server: the part of the service that handles managed secrets, over TLS, on published crates for HTTP, GraphQL
//! and HPKE. Each test starts one in its own process; the `local-server` example runs one for a person.
//!
//! ```text
//! wire  accept, TLS, changed answers         account    accounts, teams, keys
//!  └─ http  endpoint, behaviours              store      secrets, and the service's rules
//!      └─ engine  schema, checks, root fields behaviour  misbehaviour that tests ask for
//! ```

// Each binary that includes this folder uses its own part of it.
#![allow(dead_code, unused_imports)]

mod account;
mod behaviour;
mod engine;
mod http;
mod post_quantum;
mod store;
mod wire;

pub use account::{
    Account, DEFAULT_ACTOR, Owner, PLACEHOLDER_WORKSPACE, Principal, Scope, Team, Workspace,
};
pub use behaviour::{Behaviour, End, Point, When};
pub use http::Recorded;
pub use post_quantum::X25519MlKem768;
pub use store::{Record, Store, rfc3339, years_ago};
pub use wire::UNSOLICITED;

use crate::support::pki::{self, Certificate};
use crate::support::port::{self, Held};
use crate::support::{MARKER_KEY, MARKER_SECRET};
use engine::Effects;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread::JoinHandle;
use tempfile::TempDir;
use tokio::sync::oneshot;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::{CryptoProvider, ring};
use tokio_rustls::rustls::version::{TLS12, TLS13};
use tokio_rustls::rustls::{HandshakeKind, ServerConfig, SupportedProtocolVersion};

/// Where the clock of a server starts: 2026-01-02T03:04:05Z, in seconds since the Unix epoch.
pub const CLOCK_BASE: i64 = 1_767_323_045;

/// Which versions of TLS the server offers.
#[derive(Clone, Copy, Debug, Default)]
pub enum Tls {
    /// None: plain HTTP.
    Off,
    /// 1.2 and 1.3.
    #[default]
    Both,
    Only12,
    Only13,
}

/// How a server starts.
pub struct Builder {
    accounts: Vec<Account>,
    certificate: Certificate,
    issued: Option<pki::Issued>,
    tls: Tls,
    provider: CryptoProvider,
    clock: store::Clock,
    port: u16,
    dir: Option<PathBuf>,
    print_log: bool,
}

impl Builder {
    /// Adds an account; the first one added replaces the default, and is whose [`Scope::Personal`] tests mean.
    #[must_use]
    pub fn account(mut self, account: Account) -> Self {
        self.accounts.push(account);
        self
    }

    #[must_use]
    pub fn certificate(mut self, certificate: Certificate) -> Self {
        self.certificate = certificate;
        self
    }

    /// A chain of the test's own in place of the certificate.
    #[must_use]
    pub fn issued(mut self, issued: pki::Issued) -> Self {
        self.issued = Some(issued);
        self
    }

    #[must_use]
    pub fn tls(mut self, tls: Tls) -> Self {
        self.tls = tls;
        self
    }

    /// Other groups or cipher suites than ring's.
    #[must_use]
    pub fn provider(mut self, provider: CryptoProvider) -> Self {
        self.provider = provider;
        self
    }

    /// Seconds since the Unix epoch before the first change; every change advances it by one.
    #[must_use]
    pub fn clock(mut self, seconds: i64) -> Self {
        self.clock = store::Clock::Ticking(seconds);
        self
    }

    /// Takes times from this machine's clock.
    #[must_use]
    pub fn system_clock(self) -> Self {
        self.clock_ahead(0)
    }

    /// The same, ahead by so many seconds.
    #[must_use]
    pub fn clock_ahead(mut self, seconds: i64) -> Self {
        self.clock = store::Clock::System(seconds);
        self
    }

    /// The port to listen on; a free one by default.
    #[must_use]
    pub fn port(mut self, port: u16) -> Self {
        self.port = port;
        self
    }

    /// An existing directory for `ca.pem`; by default a temporary one.
    #[must_use]
    pub fn dir(mut self, dir: &Path) -> Self {
        self.dir = Some(dir.to_owned());
        self
    }

    /// Writes the log to standard output as it grows.
    #[must_use]
    pub fn print_log(mut self) -> Self {
        self.print_log = true;
        self
    }

    #[must_use]
    pub fn start(mut self) -> Server {
        if self.accounts.is_empty() {
            self.accounts.push(Account::person());
        }
        let issued = self.issued.take();
        let issued = issued.unwrap_or_else(|| pki::issue(self.certificate));
        let own_dir = match &self.dir {
            Some(_) => None,
            None => Some(TempDir::new().expect("a directory")),
        };
        let dir = own_dir.as_ref().map(TempDir::path).or(self.dir.as_deref());
        let ca_path = dir.expect("one of the two").join("ca.pem");
        std::fs::write(&ca_path, &issued.authority_pem).expect("the authority's file");
        let acceptor = acceptor(self.tls, self.provider, issued);
        let (listener, held) = port::listener(self.port);
        listener.set_nonblocking(true).expect("a listener");
        let state = Arc::new(State::new(self.accounts, self.clock, self.print_log));
        let (stop, stopped) = oneshot::channel();
        let thread = {
            let (state, acceptor) = (Arc::clone(&state), acceptor.clone());
            std::thread::spawn(move || run(listener, acceptor, state, stopped))
        };
        Server {
            state,
            scheme: if acceptor.is_some() { "https" } else { "http" },
            ca_path,
            held,
            _dir: own_dir,
            stop: Some(stop),
            thread: Some(thread),
        }
    }
}

fn acceptor(tls: Tls, provider: CryptoProvider, issued: pki::Issued) -> Option<TlsAcceptor> {
    let versions: &[&SupportedProtocolVersion] = match tls {
        Tls::Off => return None,
        Tls::Both => &[&TLS12, &TLS13],
        Tls::Only12 => &[&TLS12],
        Tls::Only13 => &[&TLS13],
    };
    let mut config = ServerConfig::builder_with_provider(Arc::new(provider))
        .with_protocol_versions(versions)
        .expect("versions that the provider supports")
        .with_no_client_auth()
        .with_single_cert(issued.chain, issued.key)
        .expect("a key that fits its certificate");
    config.alpn_protocols = vec![b"http/1.1".to_vec(), b"http/1.0".to_vec()];
    Some(TlsAcceptor::from(Arc::new(config)))
}

fn run(
    listener: TcpListener,
    acceptor: Option<TlsAcceptor>,
    state: Arc<State>,
    stopped: oneshot::Receiver<()>,
) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::from_std(listener).expect("a listener");
        tokio::select! {
            () = wire::accept(listener, acceptor, state) => {}
            _ = stopped => {}
        }
    });
}

/// A running server. Dropping it stops it, and fails the test if a handler panicked, a request was one that the service
/// would not understand, or a marker came in the clear.
pub struct Server {
    state: Arc<State>,
    scheme: &'static str,
    ca_path: PathBuf,
    held: Held,
    _dir: Option<TempDir>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    /// One person on no team, TLS 1.2 and 1.3, a good certificate.
    #[must_use]
    pub fn start() -> Self {
        Self::builder().start()
    }

    #[must_use]
    pub fn builder() -> Builder {
        Builder {
            accounts: Vec::new(),
            certificate: Certificate::default(),
            issued: None,
            tls: Tls::default(),
            provider: ring::default_provider(),
            clock: store::Clock::Ticking(CLOCK_BASE),
            port: 0,
            dir: None,
            print_log: false,
        }
    }

    /// `https://localhost:PORT`, or `http` where TLS is off.
    #[must_use]
    pub fn root(&self) -> String {
        self.root_at("localhost")
    }

    /// The same under another name for this machine.
    #[must_use]
    pub fn root_at(&self, host: &str) -> String {
        format!("{}://{host}:{}", self.scheme, self.held.port())
    }

    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.held.address()
    }

    /// PEM of the authority to trust.
    #[must_use]
    pub fn ca_path(&self) -> &Path {
        &self.ca_path
    }

    /// The key of its first account.
    #[must_use]
    pub fn api_key(&self) -> &str {
        &self.state.accounts[0].api_key
    }

    /// The variables with which a client reaches it as its first account.
    #[must_use]
    pub fn env(&self) -> Vec<(String, String)> {
        vec![
            ("WARP_API_KEY".to_owned(), self.api_key().to_owned()),
            ("WARP_SERVER_ROOT_URL".to_owned(), self.root()),
            (
                "SSL_CERT_FILE".to_owned(),
                self.ca_path.display().to_string(),
            ),
        ]
    }

    /// Misbehaves once, on the next request that `when` matches, or on the next connection.
    pub fn next(&self, when: When, behaviour: Behaviour) {
        self.next_times(1, when, behaviour);
    }

    /// The same, this many times.
    pub fn next_times(&self, times: usize, when: When, behaviour: Behaviour) {
        assert!(times > 0, "a behaviour that never happens");
        self.state.script().push(when, behaviour, Some(times));
    }

    /// The same, every time. Earlier calls of `next` come first.
    pub fn always(&self, when: When, behaviour: Behaviour) {
        self.state.script().push(when, behaviour, None);
    }

    /// How many misbehaviours have not happened yet.
    #[must_use]
    pub fn pending(&self) -> usize {
        self.state.script().pending()
    }

    /// Puts a secret directly into a store, without a request; times are RFC 3339.
    pub fn seed(
        &self,
        scope: Scope,
        name: &str,
        kind: &str,
        description: Option<&str>,
        created: &str,
        updated: &str,
    ) {
        self.state.store().seed(Record {
            owner: self.state.owner(scope),
            name: name.to_owned(),
            kind: kind.to_owned(),
            description: description.map(str::to_owned),
            created: created.to_owned(),
            updated: updated.to_owned(),
            opened: None,
        });
    }

    /// A raw secret with ordinary metadata.
    pub fn seed_raw(&self, scope: Scope, name: &str) {
        self.seed_kind(scope, name, "RAW_VALUE");
    }

    /// A secret of some type, with ordinary metadata.
    pub fn seed_kind(&self, scope: Scope, name: &str, kind: &str) {
        let time = rfc3339(CLOCK_BASE);
        self.seed(scope, name, kind, None, &time, &time);
    }

    /// The store as it is now.
    #[must_use]
    pub fn snapshot(&self) -> Store {
        self.state.store().clone()
    }

    /// Forgets the opened value of a secret, so that a test sees only what is stored afterwards.
    pub fn forget_value(&self, scope: Scope, name: &str) {
        let owner = self.state.owner(scope);
        self.state.store().forget_value(&owner, name);
    }

    #[must_use]
    pub fn secret(&self, scope: Scope, name: &str) -> Option<Record> {
        let owner = self.state.owner(scope);
        self.state.store().find(&owner, name).cloned()
    }

    /// The payload of a secret as its envelope was opened: JSON.
    #[must_use]
    pub fn opened(&self, scope: Scope, name: &str) -> Option<String> {
        let opened = self.secret(scope, name)?.opened?;
        Some(String::from_utf8(opened).expect("a payload is JSON"))
    }

    /// Every request so far whose head came in whole.
    #[must_use]
    pub fn requests(&self) -> Vec<Recorded> {
        self.state.lock().requests.clone()
    }

    /// The operation names of the requests so far.
    #[must_use]
    pub fn ops(&self) -> Vec<String> {
        self.requests().into_iter().map(|one| one.op).collect()
    }

    /// TCP connections accepted so far.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.state.lock().connections
    }

    /// TLS handshakes completed so far.
    #[must_use]
    pub fn handshakes(&self) -> usize {
        self.state.lock().handshakes.len()
    }

    /// How each of them went.
    #[must_use]
    pub fn handshake_kinds(&self) -> Vec<HandshakeKind> {
        self.state.lock().handshakes.clone()
    }

    /// Public keys asked for so far.
    #[must_use]
    pub fn public_keys_read(&self) -> u32 {
        self.state.lock().public_keys_read
    }

    /// Takes the requests that the service would not understand, so that they do not fail the test.
    #[must_use]
    pub fn violations(&self) -> Vec<String> {
        std::mem::take(&mut self.state.lock().violations)
    }

    /// One line a request, without values and keys.
    #[must_use]
    pub fn log(&self) -> String {
        self.state.lock().log.join("\n")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
        let crashed = self
            .thread
            .take()
            .is_some_and(|thread| thread.join().is_err());
        if std::thread::panicking() {
            return;
        }
        let facts = self.state.lock();
        let mut wrong = facts.faults.clone();
        wrong.extend(facts.violations.clone());
        let log = facts.log.join("\n");
        drop(facts);
        assert!(!crashed, "the local server crashed; its log:\n{log}");
        assert!(
            wrong.is_empty(),
            "the local server saw what it should not have:\n{}\nits log:\n{log}",
            wrong.join("\n"),
        );
    }
}

/// The state that all connections share.
pub struct State {
    accounts: Vec<Account>,
    store: Mutex<store::Store>,
    script: Mutex<behaviour::Script>,
    facts: Mutex<Facts>,
    print_log: bool,
}

/// What was recorded.
#[derive(Default)]
struct Facts {
    requests: Vec<Recorded>,
    connections: usize,
    handshakes: Vec<HandshakeKind>,
    public_keys_read: u32,
    violations: Vec<String>,
    faults: Vec<String>,
    log: Vec<String>,
}

impl State {
    fn new(accounts: Vec<Account>, clock: store::Clock, print_log: bool) -> Self {
        Self {
            accounts,
            store: Mutex::new(store::Store::new(clock)),
            script: Mutex::default(),
            facts: Mutex::default(),
            print_log,
        }
    }

    fn lock(&self) -> MutexGuard<'_, Facts> {
        // A handler that panicked is reported as such, not by the next lock.
        self.facts
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    fn store(&self) -> MutexGuard<'_, store::Store> {
        self.store
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    fn script(&self) -> MutexGuard<'_, behaviour::Script> {
        self.script
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    fn owner(&self, scope: Scope) -> Owner {
        match scope {
            Scope::Personal => Owner::User(self.accounts[0].actor.clone()),
            Scope::Team(uid) => Owner::Team(uid.to_owned()),
        }
    }

    fn account(&self, key: &str) -> Option<Account> {
        self.accounts.iter().find(|one| one.api_key == key).cloned()
    }

    fn connection_opened(&self) -> usize {
        let mut facts = self.lock();
        facts.connections += 1;
        facts.connections
    }

    fn handshake_done(&self, kind: HandshakeKind) {
        self.lock().handshakes.push(kind);
    }

    fn record(&self, request: Recorded) -> usize {
        let key_elsewhere = request
            .headers
            .iter()
            .any(|(name, value)| name != "authorization" && value.contains(MARKER_KEY));
        if key_elsewhere || request.target.contains(MARKER_KEY) {
            self.fault("LEAK: the marker key came outside `authorization`".to_owned());
        }
        let mut facts = self.lock();
        facts.requests.push(request);
        facts.requests.len() - 1
    }

    fn record_body(&self, index: usize, body: &[u8]) {
        let holds = |marker: &str| {
            body.windows(marker.len())
                .any(|part| part == marker.as_bytes())
        };
        if holds(MARKER_SECRET) || holds(MARKER_KEY) {
            self.fault("LEAK: a marker came in the clear".to_owned());
        }
        self.lock().requests[index].body = body.to_vec();
    }

    fn violation(&self, what: String) {
        self.log(format!("not understood: {what}"));
        self.lock().violations.push(what);
    }

    fn fault(&self, what: String) {
        self.log(what.clone());
        self.lock().faults.push(what);
    }

    fn took_effect(&self, label: &str, effects: &Effects) {
        self.lock().public_keys_read += effects.public_keys;
        let mut line = label.to_owned();
        if let Some((owner, name)) = &effects.about {
            line.push_str(&format!(", {}, '{name}'", http::owner_text(owner)));
        }
        if let Some(length) = effects.opened {
            line.push_str(&format!(": opened {length} bytes"));
        }
        if let Some(refused) = &effects.refused {
            line.push_str(&format!(": refused: {refused}"));
        }
        self.log(line);
    }

    fn log(&self, line: String) {
        if self.print_log {
            println!("{line}");
        }
        self.lock().log.push(line);
    }
}
