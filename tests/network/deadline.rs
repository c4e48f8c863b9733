//! `--timeout` and the waits between attempts, with servers that hang, drip or disappear.

use crate::server::{Behaviour, End, Point, Scope, Server, Tls, When};
use crate::support::peer::Peer;
use crate::support::records::{Front, Records};
use crate::support::{MARKER_KEY, Run, binary, code, namespaces, oz, tools};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// The `--timeout` of the runs here.
const TIMEOUT: Duration = Duration::from_secs(1);

/// How much later a run may end than `--timeout` says, the start of a process included.
const EXCESS: Duration = Duration::from_millis(200);

/// How much later than the sum of its waits a run may end, with other tests running on every core.
const TALK: Duration = Duration::from_millis(500);

/// How often a run that ended late is repeated: on a busy machine one can be late by chance.
const TRIES: usize = 3;

/// Checks that a run ends within `limit`. Returns how often it ran.
#[track_caller]
fn ends_within(limit: Duration, mut run: impl FnMut() -> Duration) -> usize {
    let mut late = Vec::new();
    while late.len() < TRIES {
        let took = run();
        if took <= limit {
            return late.len() + 1;
        }
        late.push(took);
    }
    panic!("took {late:?}, where {limit:?} are allowed")
}

const MORE_TIME: &str =
    "hint: check the network and the proxy variables, or allow more time with --timeout\n";
const TRY_LATER: &str = "hint: try again later, or allow more time with --timeout\n";

/// Runs with `--timeout 1`, and checks that it took that long. Returns how often it ran.
#[track_caller]
fn on_time(run: Run<'_>) -> usize {
    let run = run.args(["--timeout", "1"]);
    ends_within(TIMEOUT + EXCESS, || {
        let took = run.clone().run().took;
        assert!(took >= TIMEOUT, "gave up after {took:?}");
        took
    })
}

/// `list` against a server that does not answer as the service.
fn list_of(root: &str) -> Run<'static> {
    oz(&["secret", "list", "--server-root-url", root])
        .env("WARP_API_KEY", MARKER_KEY)
        .code(69)
}

/// `list` against a scripted peer that sends at most the start of a TLS handshake.
fn list_at(address: SocketAddr) -> Run<'static> {
    list_of(&format!("https://{address}"))
}

#[test]
fn a_server_that_accepts_and_sends_nothing() {
    for point in [Point::Handshaken, Point::Head, Point::Body] {
        let server = Server::start();
        server.always(When::Any, Behaviour::Vanish(point, End::Silent));
        let run = oz(&["secret", "list"]).server(&server).code(75);
        on_time(run.stderr(format!(
            "error: no answer from localhost within 1 s\n{TRY_LATER}"
        )));
    }
}

#[test]
fn a_server_that_drips() {
    for pause in [Duration::from_secs(1), Duration::from_millis(20)] {
        let server = Server::start();
        server.always(When::Any, Behaviour::Drip(pause));
        let run = oz(&["secret", "list"]).server(&server).code(75);
        on_time(run.stderr(format!(
            "error: no answer from localhost within 1 s\n{TRY_LATER}"
        )));
    }
    // Interim replies do not extend the time limit.
    let peer = Peer::start(|connection| {
        connection.request();
        for _ in 0..5 {
            connection.drip(b"HTTP/1.1 100 Continue\r\n\r\n", Duration::from_millis(20));
        }
    });
    let run = list_of(&format!("http://{}", peer.address())).code(75);
    on_time(run.stderr(format!(
        "error: no answer from 127.0.0.1 within 1 s\n{TRY_LATER}"
    )));
}

#[test]
fn a_handshake_that_never_ends() {
    let silent = Peer::start(|connection| connection.drain());
    // A record of 16 KiB that is announced, and comes byte by byte.
    let dripping = Peer::start(|connection| {
        connection.send(&[22, 3, 3, 0x40, 0]);
        connection.drip(&[2; 200], Duration::from_millis(50));
    });
    for peer in [silent, dripping] {
        let stderr = format!("error: no TLS handshake with 127.0.0.1 within 1 s\n{MORE_TIME}");
        let runs = on_time(list_at(peer.address()).stderr(stderr));
        assert_eq!(peer.connections(), runs);
    }
}

#[test]
fn a_proxy_that_never_answers() {
    let silent = Peer::start(|connection| connection.drain());
    let dripping = Peer::start(|connection| {
        connection.head();
        connection.drip(
            b"HTTP/1.1 200 Connection established\r\n\r\n",
            Duration::from_secs(1),
        );
    });
    for peer in [silent, dripping] {
        let place = peer.address();
        let run = list_at(place)
            .env("WARP_SERVER_ROOT_URL", "https://nowhere.example")
            .env("HTTPS_PROXY", format!("http://user:{MARKER_KEY}@{place}"));
        on_time(run.stderr(format!(
            "error: no answer from the proxy {place} (HTTPS_PROXY) within 1 s\n{MORE_TIME}"
        )));
    }
}

#[test]
fn a_listener_whose_queue_is_full() {
    // Nothing is accepted, and the queue is full: further SYNs go unanswered, as if the peer had disappeared.
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    nix_listen(&listener);
    let address = listener.local_addr().expect("a bound address");
    let waiting: Vec<_> = (0..8)
        .map(|_| {
            std::thread::spawn(move || TcpStream::connect_timeout(&address, Duration::from_secs(3)))
        })
        .collect();
    std::thread::sleep(Duration::from_millis(200));
    on_time(list_at(address).stderr(format!(
        "error: no connection to {address} within 1 s\n{MORE_TIME}"
    )));
    drop(listener);
    for one in waiting {
        let _ = one.join();
    }
}

/// A second `listen` shortens the queue of a listener.
fn nix_listen(listener: &TcpListener) {
    let shortest = nix::sys::socket::Backlog::new(0).expect("a length");
    nix::sys::socket::listen(listener, shortest).expect("a listener");
}

/// [`on_time`] in a network of its own, less the time that the script takes.
#[track_caller]
fn apart_on_time(script: &str, root: &str, stderr: &str) {
    let Some(setup) = namespaces::network(oz(&["--version"]), script) else {
        return;
    };
    let setup = setup.any_stdout().run().took;
    let run = list_of(root).args(["--timeout", "1"]).stderr(stderr);
    let Some(run) = namespaces::network(run, script) else {
        return;
    };
    ends_within(TIMEOUT + EXCESS + setup, || {
        let took = run.clone().run().took;
        assert!(took >= TIMEOUT, "gave up after {took:?}");
        took
    });
}

#[test]
fn a_name_that_never_resolves() {
    let directory = tempfile::tempdir().expect("a directory");
    let resolver = crate::support::write(&directory, "resolv.conf", "nameserver 127.0.0.1\n");
    let script = format!(
        "ip link set lo up; iptables -A INPUT -p udp -j DROP; mount --bind {} /etc/resolv.conf",
        resolver.display()
    );
    apart_on_time(
        &script,
        "https://nowhere.example",
        &format!("error: nowhere.example was not found by DNS within 1 s\n{MORE_TIME}"),
    );
}

#[test]
fn a_peer_that_disappears() {
    apart_on_time(
        "ip link set lo up; iptables -A INPUT -p tcp -j DROP",
        "https://127.0.0.1:4433",
        &format!("error: no connection to 127.0.0.1:4433 within 1 s\n{MORE_TIME}"),
    );
}

#[test]
fn a_missing_route_fails_at_once() {
    let run = list_of("https://192.0.2.1").stderr(
        "error: 192.0.2.1:443 could not be reached\n  caused by: Network unreachable\n\
         hint: check --server-root-url, the proxy variables and the network\n",
    );
    let Some(run) = namespaces::network(run, "ip link set lo up") else {
        return;
    };
    // Three attempts, 0.3 s and 1.2 s between them at most.
    let took = run.run().took;
    assert!(took < Duration::from_secs(3), "took {took:?}");
}

/// A port without a listener, which is also the only one that the system can give to the client's end.
#[test]
fn rejects_a_connection_to_its_own_port() {
    const ONE_PORT: &str =
        "ip link set lo up; echo 40000 40000 > /proc/sys/net/ipv4/ip_local_port_range";
    for host in ["127.0.0.1", "localhost"] {
        let run = list_of(&format!("https://{host}:40000")).any_stderr();
        let Some(run) = namespaces::network(run, ONE_PORT) else {
            return;
        };
        let output = run.run();
        // The second attempt comes while the system still keeps the port for the first.
        let expected = ["Connection refused", "Address not available"].map(|cause| {
            format!(
                "error: {host}:40000 could not be reached\n  caused by: {cause}\n\
                 hint: check --server-root-url, the proxy variables and the network\n"
            )
        });
        let message = output.stderr().to_owned();
        assert!(expected.contains(&message), "{message}");
    }
}

#[test]
fn the_timeout_is_for_all_requests_together() {
    let server = Server::start();
    server.seed_raw(Scope::Personal, "N");
    server.always(When::Any, Behaviour::Delay(Duration::from_millis(700)));
    let run = oz(&["secret", "delete", "N", "--force"]).server(&server).code(75).stderr(
        "error: outcome unknown: the write was sent, and whether the secret was deleted could not be learned\n  \
         caused by: no answer from localhost within 1 s\n  caused by: no connection to localhost:PORT within 1 s\n\
         hint: `oz secret list` shows whether the secret was deleted, once the service is done\n"
            .replace("PORT", &server.address().port().to_string()),
    );
    on_time(run);
}

#[test]
fn the_timeout_bounds_all_attempts_together() {
    for behaviour in [
        Behaviour::Vanish(Point::Accepted, End::Reset),
        Behaviour::Vanish(Point::Body, End::Truncated),
        Behaviour::status(500, ""),
        Behaviour::status(503, ""),
    ] {
        ends_within(Duration::from_millis(300) + EXCESS, || {
            let server = Server::start();
            server.always(When::Any, behaviour.clone());
            let output = oz(&["secret", "list", "--timeout", "0.3"])
                .server(&server)
                .any_code()
                .any_stderr()
                .run();
            assert!([69, 75].contains(&code(output.status)), "{output:?}");
            assert!(server.ops().len() <= 2, "{:?}", server.ops());
            output.took
        });
    }
}

fn reply_after(status: u16, value: &str) -> Behaviour {
    Behaviour::Reply {
        status,
        headers: vec![("retry-after", value.to_owned())],
        body: Vec::new(),
    }
}

/// How long a `list` took that was told once to come back after this.
#[track_caller]
fn took_after(status: u16, value: &str) -> Duration {
    let server = Server::start();
    server.next(When::Any, reply_after(status, value));
    let output = oz(&["secret", "list", "--output-format", "json"])
        .server(&server)
        .any_stdout()
        .run();
    assert_eq!(server.ops().len(), 2, "{value}");
    output.took
}

#[track_caller]
fn within(took: Duration, low: f64, high: f64, what: &str) {
    let seconds = took.as_secs_f64();
    assert!((low..=high).contains(&seconds), "{what}: {seconds}");
}

#[test]
fn retry_after_in_seconds() {
    for status in [429, 503] {
        // Up to half a second is added at random, so that clients do not all return at once.
        within(
            took_after(status, "1"),
            1.0,
            1.5 + TALK.as_secs_f64(),
            "1 s",
        );
        within(
            took_after(status, "0"),
            0.0,
            0.5 + TALK.as_secs_f64(),
            "0 s",
        );
    }
    // A malformed value is ignored: the usual wait, at most 0.3 s.
    for value in [
        "soon",
        "-1",
        "1.5",
        "1 s",
        "",
        "Fri, 31 Feb",
        "99999999999999999999999",
    ] {
        within(took_after(503, value), 0.1, 0.3 + TALK.as_secs_f64(), value);
    }
}

#[test]
fn retry_after_as_a_date() {
    if !tools::have("date") {
        return;
    }
    // The date has whole seconds: up to one less than was meant.
    let format = "%a, %d %b %Y %H:%M:%S GMT";
    let took = took_after(503, &tools::date(2, format));
    within(took, 1.0, 2.5 + TALK.as_secs_f64(), format);
    // Obsolete formats of dates (RFC 9110 section 5.6.7) are ignored.
    for obsolete in ["%A, %d-%b-%y %H:%M:%S GMT", "%a %b %e %H:%M:%S %Y"] {
        let took = took_after(503, &tools::date(2, obsolete));
        within(took, 0.0, 0.5 + TALK.as_secs_f64(), obsolete);
    }
    let past = tools::date(-3600, format);
    within(took_after(429, &past), 0.0, 0.5 + TALK.as_secs_f64(), &past);
}

#[test]
fn a_wait_beyond_the_timeout_is_not_begun() {
    for (status, words) in [
        (429, "the service asks to slow down"),
        (503, "the service is unavailable"),
    ] {
        for (value, advice) in [
            ("5", "in 5 s"),
            ("120", "in 120 s"),
            ("86400", "in 86400 s"),
            ("86401", "later"),
            ("18446744073709551615", "later"),
            ("Fri, 31 Dec 9999 23:59:59 GMT", "later"),
        ] {
            let server = Server::start();
            server.always(When::Any, reply_after(status, value));
            let output = oz(&["secret", "list", "--timeout", "5"])
                .server(&server)
                .code(75)
                .stderr(format!(
                    "error: {words} (HTTP {status})\nhint: try again {advice}\n"
                ))
                .run();
            assert!(output.took <= TALK, "{value}: took {:?}", output.took);
            assert_eq!(server.ops().len(), 1, "{value}");
        }
    }
}

#[test]
fn waits_between_attempts_grow_and_differ() {
    let mut seen = Vec::new();
    for _ in 0..6 {
        let server = Server::start();
        server.next_times(2, When::Any, Behaviour::status(500, ""));
        let output = oz(&["secret", "list", "--debug", "--output-format", "json"])
            .server(&server)
            .any_stdout()
            .any_stderr()
            .run();
        let waits: Vec<u64> = output
            .stderr()
            .lines()
            .filter_map(|line| {
                line.strip_prefix("debug: waiting ")?
                    .strip_suffix(" ms before trying again")
            })
            .map(|number| number.parse().expect("milliseconds"))
            .collect();
        let [first, second] = waits[..] else {
            panic!("{}", output.stderr())
        };
        assert!((100..=300).contains(&first), "{first}");
        assert!((400..=1200).contains(&second), "{second}");
        let waited = Duration::from_millis(first + second);
        assert!(
            output.took >= waited && output.took <= waited + TALK,
            "{:?} {waited:?}",
            output.took
        );
        seen.push((first, second));
    }
    seen.sort_unstable();
    seen.dedup();
    assert!(
        seen.len() > 1,
        "clients that failed together come back together: {seen:?}"
    );
}

/// The program with a standard input that the test writes to.
fn create_from_pipe(server: &Server) -> std::process::Child {
    Command::new(binary())
        .args(["secret", "create", "N", "--timeout", "1"])
        .env_clear()
        .envs(server.env())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts")
}

#[test]
fn standard_input_is_not_the_network() {
    let server = Server::start();
    let mut child = create_from_pipe(&server);
    let mut stdin = child.stdin.take().expect("a pipe");
    for byte in *b"abc" {
        std::thread::sleep(Duration::from_millis(700));
        stdin.write_all(&[byte]).expect("it still listens");
    }
    drop(stdin);
    let output = child.wait_with_output().expect("it ends");
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    assert_eq!(
        String::from_utf8_lossy(&output.stdout),
        "Secret 'N' created\n"
    );
    assert!(output.status.success());
    assert_eq!(
        server.opened(Scope::Personal, "N").as_deref(),
        Some(r#"{"value":"abc"}"#)
    );
}

#[test]
fn an_endless_standard_input_is_bounded_by_size() {
    let server = Server::start();
    let began = Instant::now();
    let mut child = create_from_pipe(&server);
    let mut stdin = child.stdin.take().expect("a pipe");
    // It ends when the program closes the pipe.
    let mut fed = 0;
    while began.elapsed() < Duration::from_secs(20) {
        match stdin.write(&[b'y'; 4096]) {
            Ok(count) => fed += count,
            Err(_) => break,
        }
    }
    assert!(fed < 1 << 20, "{fed} bytes were taken");
    drop(stdin);
    let mut stderr = String::new();
    child
        .stderr
        .take()
        .expect("a pipe")
        .read_to_string(&mut stderr)
        .expect("text");
    assert_eq!(code(child.wait().expect("it ends")), 65, "{stderr}");
    assert!(
        stderr.starts_with("error: ") && !stderr.contains("yyy"),
        "{stderr}"
    );
    assert!(server.secret(Scope::Personal, "N").is_none());
}

#[test]
fn a_plain_server_that_reads_nothing() {
    let server = Server::builder().tls(Tls::Off).start();
    server.always(When::Any, Behaviour::Vanish(Point::Handshaken, End::Silent));
    let run = oz(&["secret", "list"]).server(&server).code(75);
    on_time(run.stderr(format!(
        "error: no answer from localhost within 1 s\n{TRY_LATER}"
    )));
}

/// A `list` or a `delete` through a proxy that sends this on its first connection.
fn through(front: &Front, arguments: &[&str]) -> Run<'static> {
    oz(arguments)
        .env("WARP_API_KEY", MARKER_KEY)
        .env("WARP_SERVER_ROOT_URL", front.root())
        .env("SSL_CERT_FILE", front.ca_path())
}

/// Sends this until the client closes, in chunks so large that there is always more to read.
fn without_end(records: &mut Records, mut next: impl FnMut(&mut Records) -> Vec<u8>) {
    loop {
        let mut bytes = Vec::new();
        while bytes.len() < 256 * 1024 {
            bytes.extend(next(records));
        }
        if !records.write(&bytes) {
            return;
        }
    }
}

/// Small records: the most work for the fewest bytes.
fn tickets(records: &mut Records) -> Vec<u8> {
    records.tickets(800, 20)
}

#[test]
fn tickets_without_end_between_two_requests() {
    ends_within(TIMEOUT + EXCESS, || {
        let server = Server::builder().tls(Tls::Off).start();
        server.seed_raw(Scope::Personal, "N");
        let front = Front::start(server.address(), |records, reply| {
            let reply = records.data(reply);
            let more = tickets(records);
            records.write(&[reply, more].concat());
            without_end(records, tickets);
        });
        let output = through(&front, &["secret", "delete", "N", "--force"])
            .args(["--timeout", "1"])
            .stdout("Secret 'N' deleted\n")
            .run();
        assert_eq!(front.connections(), 2);
        output.took
    });
}

#[test]
fn a_server_that_is_never_silent() {
    /// The start of a body in chunks.
    const CHUNKED: &[u8] = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    type Say = fn(&mut Records) -> Vec<u8>;
    let bytes_in_records: Say = |records| {
        let parts = b"1\r\n \r\n".map(|byte| records.data(&[byte]));
        parts.concat()
    };
    let tickets_and_bytes: Say = |records| {
        let mut bytes = tickets(records);
        bytes.extend(records.data(b"1\r\n \r\n"));
        bytes
    };
    for say in [tickets, bytes_in_records, tickets_and_bytes] {
        let server = Server::builder().tls(Tls::Off).start();
        let front = Front::start(server.address(), move |records, _| {
            let head = records.data(CHUNKED);
            records.write(&head);
            without_end(records, say);
        });
        let run = through(&front, &["secret", "list"]).code(75);
        on_time(run.stderr(format!(
            "error: no answer from localhost within 1 s\n{TRY_LATER}"
        )));
    }
}
