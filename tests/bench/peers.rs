//! The programs that are compared, and the commands with which each does the same job.

use crate::github::GitHub;
use crate::measure::{Job, which};
use crate::relay;
use crate::server::{Scope, Server, X25519MlKem768};
use std::cell::{OnceCell, RefCell};
use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::Ordering;
use std::time::Duration;
use tempfile::TempDir;
use tokio_rustls::rustls::crypto::{CryptoProvider, ring};

/// The value that is stored.
const VALUE: &str = "a value of some forty bytes, as tokens are";

/// What one run put on the wire.
#[derive(Clone, Copy)]
pub struct Traffic {
    pub requests: u64,
    pub connections: u64,
    pub handshakes: u64,
}

/// One program and its jobs; `None` for what it cannot do.
pub struct Peer {
    pub name: &'static str,
    pub program: PathBuf,
    pub version: Option<Job>,
    pub list: Option<Job>,
    pub create: Option<Job>,
    /// The list and the create on a server that takes X25519MLKEM768 only.
    pub post_quantum: [Option<Job>; 2],
    /// A create on a server one round trip away.
    pub distant: Option<Job>,
    /// A create on a name whose first address is dead.
    pub dead: Option<Job>,
}

/// The servers and files that every job shares.
pub struct Stage {
    server: Server,
    post_quantum: Server,
    github: GitHub,
    directory: TempDir,
    far_root: String,
    far_github: u16,
    /// The port where the first address of `localhost` does not answer, and the connections that keep it so.
    dead_root: Option<String>,
    _waiting: Vec<TcpStream>,
    our_program: OnceCell<PathBuf>,
    missing: RefCell<Vec<(&'static str, &'static str)>>,
}

impl Stage {
    /// On a network that is slow by itself nothing else has to delay.
    pub fn new(slow_network: bool) -> Self {
        let directory = TempDir::new().expect("a directory");
        fs::write(directory.path().join("value"), VALUE).expect("a file");
        let server = classical();
        server.seed_raw(Scope::Personal, "EXISTING");
        let post_quantum = post_quantum();
        post_quantum.seed_raw(Scope::Personal, "EXISTING");
        let address = server.address();
        let port = if slow_network {
            address.port()
        } else {
            relay::start(address, 0, crate::ROUND_TRIP)
        };
        let (dead_root, waiting) = match relay::dead() {
            Some((port, waiting)) => {
                relay::start(address, port, Duration::ZERO);
                (Some(format!("https://localhost:{port}")), waiting)
            }
            None => (None, Vec::new()),
        };
        let github = GitHub::start(&directory.path().join("github.pem"));
        let far_github = if slow_network {
            github.port
        } else {
            let address = SocketAddr::from((Ipv4Addr::LOCALHOST, github.port));
            relay::start(address, 0, crate::ROUND_TRIP)
        };
        Self {
            github,
            far_github,
            far_root: format!("https://localhost:{port}"),
            dead_root,
            _waiting: waiting,
            server,
            post_quantum,
            directory,
            our_program: OnceCell::new(),
            missing: RefCell::new(Vec::new()),
        }
    }

    pub fn missing(&self) -> Vec<(&'static str, &'static str)> {
        self.missing.borrow().clone()
    }

    pub fn file(&self, name: &str) -> String {
        self.directory.path().join(name).display().to_string()
    }

    /// The program under test, or the same on another transport.
    pub fn ours(&self, name: &'static str, program: PathBuf) -> Peer {
        let program = program.canonicalize().unwrap_or(program);
        let _ = self.our_program.set(program.clone());
        let job = |arguments: &[&str]| Job {
            program: program.clone(),
            arguments: arguments.iter().map(|one| (*one).to_owned()).collect(),
            environment: self.server.env(),
        };
        let value = self.file("value");
        let create = job(&["secret", "create", "S{n}", "--personal", "-f", &value]);
        let post_quantum_create = Job {
            environment: self.post_quantum.env(),
            ..create.clone()
        };
        let distant = at(&create, &self.far_root);
        let dead = self.dead_root.as_ref().map(|root| at(&create, root));
        Peer {
            name,
            version: Some(job(&["--version"])),
            list: Some(list_of_one(&program, classical())),
            create: Some(create),
            post_quantum: [
                Some(list_of_one(&program, post_quantum())),
                Some(post_quantum_create),
            ],
            distant: Some(distant),
            dead,
            program,
        }
    }

    /// A list by the program under test on some server, in some format.
    pub fn list_on(&self, server: &Server, format: &str) -> Job {
        Job {
            program: self.our_program.get().cloned().unwrap_or_default(),
            arguments: ["secret", "list", "--output-format", format]
                .map(str::to_owned)
                .to_vec(),
            environment: server.env(),
        }
    }

    /// Counts what a run puts on the wire; `None` when it fails.
    pub fn traffic(&self, job: &Job) -> Option<Traffic> {
        let server = Server::start();
        server.seed_raw(Scope::Personal, "EXISTING");
        let mut job = job.clone();
        job.environment = server.env();
        job.run().then_some(())?;
        Some(counted(&server, 0, 0, 0))
    }

    /// The same for any peer, on the server it already talks to.
    pub fn traffic_of(&self, peer: &Peer, job: &Job) -> Option<Traffic> {
        if peer.name == "gh" {
            return self.gh_traffic(job);
        }
        let server = &self.server;
        let (requests, connections, handshakes) = (
            server.requests().len(),
            server.connections(),
            server.handshakes(),
        );
        job.run().then_some(())?;
        let found = counted(server, requests, connections, handshakes);
        (found.requests > 0).then_some(found)
    }

    /// All programs that are installed, `oz` first.
    pub fn peers(&self, ours: Peer, minreq: Option<PathBuf>) -> Vec<Peer> {
        let mut peers = vec![ours];
        match minreq.filter(|path| path.is_file()) {
            Some(path) => peers.push(self.ours("oz on minreq", path)),
            None => self.lacks("oz on minreq", "make TRANSPORT=minreq builds it"),
        }
        match (which("curl"), which("jq")) {
            (Some(curl), Some(_)) => peers.extend(self.curl(curl)),
            _ => self.lacks("curl", "needs curl and jq"),
        }
        match which("gh") {
            Some(gh) => peers.extend(self.gh(gh)),
            None => self.lacks("gh", "not installed"),
        }
        match self.floor() {
            Some(floor) => peers.push(floor),
            None => self.lacks("floor", "needs a C compiler"),
        }
        peers
    }

    fn lacks(&self, name: &'static str, why: &'static str) {
        self.missing.borrow_mut().push((name, why));
    }

    /// curl on its own, both requests on one connection, and the script that people write. They send the very bodies
    /// that we sent last.
    fn curl(&self, curl: PathBuf) -> Vec<Peer> {
        let requests = self.server.requests();
        let [.., lookup, create] = requests.as_slice() else {
            self.lacks("curl", "no requests to repeat");
            return Vec::new();
        };
        let _ = fs::write(self.file("lookup.json"), &lookup.body);
        let _ = fs::write(self.file("create.json"), &create.body);
        let key = self.server.api_key();
        let environment = |server: &Server| self.with_path(server.env());
        let ask = |root: &str, target: &str, file: &str| -> Vec<String> {
            vec![
                "--silent".to_owned(),
                "--fail".to_owned(),
                "--header".to_owned(),
                format!("Authorization: Bearer {key}"),
                "--header".to_owned(),
                "Content-Type: application/json".to_owned(),
                "--data-binary".to_owned(),
                format!("@{}", self.file(file)),
                format!("{root}{target}"),
            ]
        };
        let list = |server: &Server| Job {
            program: curl.clone(),
            arguments: ask(&server.root(), &lookup.target, "lookup.json"),
            environment: environment(server),
        };
        let both = |server: &Server, root: &str| {
            let mut arguments = ask(root, &lookup.target, "lookup.json");
            arguments.push("--next".to_owned());
            arguments.extend(ask(root, &create.target, "create.json"));
            Job {
                arguments,
                ..list(server)
            }
        };
        let script = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/bench/curl.sh"));
        let scripted = |root: &str, files: &[&str]| {
            let mut arguments = vec![
                script.display().to_string(),
                root.to_owned(),
                key.to_owned(),
            ];
            arguments.extend(files.iter().map(|name| self.file(name)));
            Job {
                program: PathBuf::from("/bin/sh"),
                arguments,
                environment: environment(&self.server),
            }
        };
        let root = self.server.root();
        let files = ["lookup.json", "create.json"];
        let version = Job {
            arguments: vec!["--version".to_owned()],
            ..list(&self.server)
        };
        let first = Peer {
            name: "curl",
            version: Some(version),
            list: Some(list(&self.server)),
            create: Some(both(&self.server, &root)),
            post_quantum: [
                Some(list(&self.post_quantum)),
                Some(both(&self.post_quantum, &self.post_quantum.root())),
            ],
            distant: Some(both(&self.server, &self.far_root)),
            // curl takes `localhost` from the hosts file, which need not name ::1.
            dead: None,
            program: curl.clone(),
        };
        let second = Peer {
            name: "curl+jq script",
            program: script.clone(),
            version: None,
            list: Some(scripted(&root, &files[..1])),
            create: Some(scripted(&root, &files)),
            post_quantum: [None, None],
            distant: Some(scripted(&self.far_root, &files)),
            dead: None,
        };
        vec![first, second]
    }

    fn gh_job(&self, gh: &Path, port: u16, words: &[&str]) -> Job {
        let host = format!("localhost:{port}");
        let mut arguments: Vec<String> = words.iter().map(|one| (*one).to_owned()).collect();
        if words.first() == Some(&"secret") {
            arguments.extend(["-R".to_owned(), format!("{host}/owner/name")]);
        }
        Job {
            program: gh.to_owned(),
            arguments,
            environment: self.with_path(vec![
                ("SSL_CERT_FILE".to_owned(), self.file("github.pem")),
                ("GH_ENTERPRISE_TOKEN".to_owned(), "token".to_owned()),
                ("GH_HOST".to_owned(), host),
                ("GH_NO_UPDATE_NOTIFIER".to_owned(), "1".to_owned()),
                ("HOME".to_owned(), self.file("")),
            ]),
        }
    }

    /// `gh secret set -f FILE`, on the near server and on the distant one.
    pub fn gh_import(&self, file: &str) -> Option<[Job; 2]> {
        let gh = which("gh")?;
        let words = ["secret", "set", "-f", file];
        Some([self.github.port, self.far_github].map(|port| self.gh_job(&gh, port, &words)))
    }

    /// Counts what a run of `gh` puts on the wire; `None` when it fails.
    pub fn gh_traffic(&self, job: &Job) -> Option<Traffic> {
        let counts = &self.github.counts;
        let read = || {
            let connections = counts.connections.load(Ordering::Relaxed);
            (counts.requests.load(Ordering::Relaxed), connections)
        };
        let before = read();
        job.run().then_some(())?;
        let after = read();
        Some(Traffic {
            requests: number(after.0 - before.0),
            connections: number(after.1 - before.1),
            handshakes: number(after.1 - before.1),
        })
    }

    fn gh(&self, gh: PathBuf) -> Vec<Peer> {
        let job = |port: u16, words: &[&str]| self.gh_job(&gh, port, words);
        let set = ["secret", "set", "S{n}", "--body", VALUE];
        let near = self.github.port;
        let create = job(near, &set);
        if !create.run() {
            eprintln!("gh: {}", create.explain());
            self.lacks("gh", "does not talk to the local server");
            return Vec::new();
        }
        vec![Peer {
            name: "gh",
            version: Some(job(near, &["--version"])),
            list: Some(job(near, &["secret", "list"])),
            create: Some(create),
            post_quantum: [None, None],
            distant: Some(job(self.far_github, &set)),
            dead: None,
            program: gh,
        }]
    }

    /// What any static program costs: one that does nothing.
    fn floor(&self) -> Option<Peer> {
        let (source, program) = (self.file("floor.c"), self.file("floor"));
        fs::write(&source, "int main(void) { return 0; }\n").ok()?;
        let built = Command::new("cc")
            .args(["-static", "-O2", "-s", "-o", &program, &source])
            .stderr(Stdio::null())
            .status();
        built.is_ok_and(|status| status.success()).then_some(())?;
        let job = Job {
            program: PathBuf::from(&program),
            arguments: Vec::new(),
            environment: Vec::new(),
        };
        Some(Peer {
            name: "floor",
            program: PathBuf::from(program),
            version: Some(job.clone()),
            list: Some(job.clone()),
            create: Some(job),
            post_quantum: [None, None],
            distant: None,
            dead: None,
        })
    }

    fn with_path(&self, mut environment: Vec<(String, String)>) -> Vec<(String, String)> {
        let path = std::env::var("PATH").unwrap_or_default();
        environment.push(("PATH".to_owned(), path));
        environment
    }
}

impl Drop for Stage {
    /// curl sends the same body twice, which the server counts as a violation.
    fn drop(&mut self) {
        let _ = self.server.violations();
        let _ = self.post_quantum.violations();
    }
}

/// A server that takes the cipher suites with AES-256, which cost more than those with AES-128.
fn classical() -> Server {
    Server::builder().provider(provider()).start()
}

/// The same with X25519MLKEM768 only, so that a client without it fails and is not compared.
fn post_quantum() -> Server {
    let provider = CryptoProvider {
        kx_groups: vec![&X25519MlKem768],
        ..provider()
    };
    Server::builder().provider(provider).start()
}

fn provider() -> CryptoProvider {
    let mut provider = ring::default_provider();
    provider.cipher_suites.retain(|suite| {
        let name = suite.suite().as_str();
        name.is_some_and(|name| name.contains("AES_256"))
    });
    provider
}

/// A list on a server of its own, which has exactly one secret.
fn list_of_one(program: &Path, server: Server) -> Job {
    let server = Box::leak(Box::new(server));
    server.seed_raw(Scope::Personal, "EXISTING");
    Job {
        program: program.to_owned(),
        arguments: vec!["secret".to_owned(), "list".to_owned()],
        environment: server.env(),
    }
}

/// The same job at another address.
pub fn at(job: &Job, root: &str) -> Job {
    let mut job = job.clone();
    job.environment
        .retain(|(variable, _)| variable != "WARP_SERVER_ROOT_URL");
    let root = ("WARP_SERVER_ROOT_URL".to_owned(), root.to_owned());
    job.environment.push(root);
    job
}

pub fn counted(server: &Server, requests: usize, connections: usize, handshakes: usize) -> Traffic {
    Traffic {
        requests: number(server.requests().len() - requests),
        connections: number(server.connections() - connections),
        handshakes: number(server.handshakes() - handshakes),
    }
}

fn number(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}
