use super::super::deadline::{Budget, Clock};
use super::*;
use std::net::TcpListener;

fn deadline(millis: u64) -> Deadline {
    Budget::new(Duration::from_millis(millis), Clock::SYSTEM).start()
}

fn address(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

#[test]
fn a_socket_connected_to_itself_is_recognised() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let there = listener.local_addr().unwrap();
    let stream = TcpStream::connect(there).unwrap();
    assert!(!is_self_connected(&stream, there));
    assert!(is_self_connected(&stream, stream.local_addr().unwrap()));
}

/// A port that nobody listens on.
fn closed() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
}

/// An address whose packets go unanswered: a listener whose queue is full.
fn blackhole() -> (OwnedFd, Vec<TcpStream>, SocketAddr) {
    use nix::sys::socket::{Backlog, bind, getsockname, listen};
    let handle = socket(
        AddressFamily::Inet,
        SockType::Stream,
        SockFlag::SOCK_CLOEXEC,
        None,
    )
    .unwrap();
    bind(
        handle.as_raw_fd(),
        &SockaddrStorage::from(address("127.0.0.1:0")),
    )
    .unwrap();
    listen(&handle, Backlog::new(0).unwrap()).unwrap();
    let bound: SockaddrStorage = getsockname(handle.as_raw_fd()).unwrap();
    let place = SocketAddr::from(std::net::SocketAddrV4::from(
        *bound.as_sockaddr_in().unwrap(),
    ));
    let fill = (0..4)
        .filter_map(|_| attempt(place).ok().map(|(stream, _)| stream))
        .collect();
    std::thread::sleep(Duration::from_millis(50));
    (handle, fill, place)
}

#[test]
fn a_wait_for_the_last_address_sleeps() {
    thread_local!(static ASKED: std::cell::Cell<u32> = const { std::cell::Cell::new(0) });
    fn counted() -> Instant {
        ASKED.set(ASKED.get() + 1);
        Instant::now()
    }
    let (_listener, _fill, place) = blackhole();
    // Longer than the delay after which another address would be tried.
    let allowed = ATTEMPT_DELAY * 2;
    let deadline = Budget::new(allowed, Clock(counted)).start();
    assert!(matches!(
        open(&[place], &deadline),
        Err(StreamError::Deadline)
    ));
    assert!(ASKED.get() < 20, "asked the clock {} times", ASKED.get());
}

#[test]
fn nothing_is_written_past_the_deadline() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let stream = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let late = write(&stream, b"late", &deadline(0));
    assert!(matches!(late, Err(StreamError::Deadline)));
    write(&stream, b"in time", &deadline(5000)).unwrap();
    drop(stream);
    let mut heard = String::new();
    let (mut peer, _) = listener.accept().unwrap();
    peer.read_to_string(&mut heard).unwrap();
    assert_eq!(heard, "in time");
}

#[test]
fn a_resolver_that_asks_for_patience_is_understood() {
    for (text, passing) in [
        ("failed to lookup address information: Try again", true),
        (
            "failed to lookup address information: Temporary failure in name resolution",
            true,
        ),
        (
            "failed to lookup address information: Name does not resolve",
            false,
        ),
    ] {
        assert_eq!(is_transient(&io::Error::other(text)), passing, "{text}");
    }
}

#[test]
fn families_alternate() {
    let list = |texts: &[&str]| texts.iter().map(|t| address(t)).collect::<Vec<_>>();
    for (given, expected) in [
        (vec![], vec![]),
        (
            vec!["[::1]:1", "[::2]:1", "1.1.1.1:1"],
            vec!["[::1]:1", "1.1.1.1:1", "[::2]:1"],
        ),
        (
            vec!["1.1.1.1:1", "2.2.2.2:1", "[::1]:1"],
            vec!["1.1.1.1:1", "[::1]:1", "2.2.2.2:1"],
        ),
        (
            vec!["1.1.1.1:1", "2.2.2.2:1"],
            vec!["1.1.1.1:1", "2.2.2.2:1"],
        ),
    ] {
        assert_eq!(interleave(&list(&given)), list(&expected));
    }
    let many: Vec<_> = (0..=255)
        .map(|i| SocketAddr::from(([10, 0, 0, i], 1)))
        .collect();
    assert_eq!(interleave(&many), many.get(..16).unwrap());
}

#[test]
fn what_needs_no_resolver_gets_none() {
    let here = lookup(&Host::parse("localhost").unwrap(), 8, &deadline(0));
    assert_eq!(here.unwrap(), [address("[::1]:8"), address("127.0.0.1:8")]);
    let there = lookup(&Host::parse("10.0.0.1").unwrap(), 9, &deadline(0));
    assert_eq!(there.unwrap(), [address("10.0.0.1:9")]);
}

#[test]
fn a_resolver_that_never_answers_is_left_behind() {
    let started = Instant::now();
    let result = resolve(&deadline(100), || {
        std::thread::sleep(Duration::from_secs(3));
        Ok(Vec::new())
    });
    assert!(matches!(result, Err(StreamError::Deadline)));
    let took = started.elapsed();
    assert!(
        took >= Duration::from_millis(100) && took < Duration::from_millis(500),
        "{took:?}"
    );
}

#[test]
fn what_a_resolver_says_is_passed_on() {
    let found = resolve(&deadline(5000), || Ok(vec![address("1.1.1.1:1")])).unwrap();
    assert_eq!(found, [address("1.1.1.1:1")]);
    let failed = resolve(&deadline(5000), || Err(io::Error::other("no such name")));
    assert!(matches!(failed, Err(StreamError::Io(error)) if error.to_string() == "no such name"));
}

#[test]
fn a_refused_address_costs_no_time() {
    let live = TcpListener::bind("127.0.0.1:0").unwrap();
    let started = Instant::now();
    let (_, address) = open(
        &[closed(), closed(), live.local_addr().unwrap()],
        &deadline(5000),
    )
    .unwrap();
    assert_eq!(address, live.local_addr().unwrap());
    assert!(started.elapsed() < ATTEMPT_DELAY);
}

#[test]
fn a_dead_address_costs_one_delay() {
    const STEP: Duration = Duration::from_millis(20);
    thread_local!(static LOOKS: std::cell::Cell<u32> = const { std::cell::Cell::new(0) });
    /// A clock that goes on with each look at it, however busy the machine is.
    fn stepping() -> Instant {
        static START: std::sync::OnceLock<Instant> = std::sync::OnceLock::new();
        LOOKS.set(LOOKS.get() + 1);
        *START.get_or_init(Instant::now) + STEP * LOOKS.get()
    }
    let (_handle, _fill, dead) = blackhole();
    let live = TcpListener::bind("127.0.0.1:0").unwrap();
    let deadline = Budget::new(Duration::from_secs(5), Clock(stepping)).start();
    let (stream, address) = open(&[dead, live.local_addr().unwrap()], &deadline).unwrap();
    assert_eq!(address, live.local_addr().unwrap());
    assert!(stream.nodelay().unwrap());
    // 250 ms, and what it takes to see that they have passed and that the other one answers.
    let took = STEP * LOOKS.get();
    assert!(
        took >= Duration::from_millis(250) && took < Duration::from_millis(400),
        "{took:?}"
    );
}

#[test]
fn nobody_there() {
    let refused = open(&[closed(), closed()], &deadline(5000));
    assert!(
        matches!(refused, Err(StreamError::Io(e)) if e.kind() == io::ErrorKind::ConnectionRefused)
    );
    assert!(matches!(
        open(&[], &deadline(5000)),
        Err(StreamError::Io(_))
    ));
    let (_handle, _fill, dead) = blackhole();
    let started = Instant::now();
    assert!(matches!(
        open(&[dead, dead], &deadline(400)),
        Err(StreamError::Deadline)
    ));
    let took = started.elapsed();
    assert!(
        took >= Duration::from_millis(400) && took < Duration::from_millis(800),
        "{took:?}"
    );
}

#[test]
fn reads_and_writes_end_with_the_deadline() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let (stream, _) = open(&[listener.local_addr().unwrap()], &deadline(5000)).unwrap();
    let (peer, _) = listener.accept().unwrap();
    let started = Instant::now();
    assert!(matches!(
        read(&stream, &mut [0; 4], &deadline(100)),
        Err(StreamError::Deadline)
    ));
    let big = vec![0; 64 * 1024 * 1024];
    assert!(matches!(
        write(&stream, &big, &deadline(100)),
        Err(StreamError::Deadline)
    ));
    let took = started.elapsed();
    assert!(
        took >= Duration::from_millis(200) && took < Duration::from_millis(800),
        "{took:?}"
    );
    drop(peer);
    assert!(matches!(
        write(&stream, &big, &deadline(5000)),
        Err(StreamError::Io(_))
    ));
}
