//! From a host to a connected socket: name lookup, connection attempts (RFC 8305), and reads and writes bounded by a
//! deadline. The only file of the network that names nix.

use super::deadline::{Deadline, StreamError};
use super::url::Host;
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::{AddressFamily, SockFlag, SockType, SockaddrStorage, connect, socket};
use std::io::{self, IoSlice, Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream, ToSocketAddrs};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::time::{Duration, Instant};

/// Delay before starting the next attempt while one is pending (RFC 8305 section 5).
const ATTEMPT_DELAY: Duration = Duration::from_millis(250);

/// Most addresses that are tried: a resolver can return dozens, and the first few of both families are enough.
const MAX_ADDRESSES: usize = 16;

/// The stack of the lookup thread in bytes: the resolver of musl keeps its packets on it and needs less than 64 KiB.
const LOOKUP_STACK: usize = 256 * 1024;

/// Looks a host up; addresses come in the order in which they are to be tried.
///
/// The system's resolver cannot be bounded, so it runs on a thread of its own, which is left behind if the deadline
/// passes. Addresses and `localhost` need no lookup: RFC 6761 section 6.3 has it resolve to this machine, and a
/// resolver that says otherwise would be given the API key in the clear where the scheme is `http`.
pub fn lookup(host: &Host, port: u16, deadline: &Deadline) -> Result<Vec<SocketAddr>, StreamError> {
    let name = match host {
        Host::Ip(address) => return Ok(vec![SocketAddr::new(*address, port)]),
        Host::Name(_) if host.is_loopback() => {
            return Ok(vec![
                SocketAddr::new(IpAddr::V6(Ipv6Addr::LOCALHOST), port),
                SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port),
            ]);
        }
        Host::Name(name) => name.clone(),
    };
    resolve(deadline, move || {
        Ok((name.as_str(), port).to_socket_addrs()?.collect())
    })
}

fn resolve<F>(deadline: &Deadline, resolver: F) -> Result<Vec<SocketAddr>, StreamError>
where
    F: FnOnce() -> io::Result<Vec<SocketAddr>> + Send + 'static,
{
    let (sender, receiver) = sync_channel(1);
    // Nobody listens any more when the deadline has passed, and then the answer is of no use.
    let run = move || drop(sender.send(resolver()));
    std::thread::Builder::new()
        .stack_size(LOOKUP_STACK)
        .spawn(run)?;
    match receiver.recv_timeout(deadline.left()?) {
        Ok(Ok(addresses)) => Ok(interleave(&addresses)),
        Ok(Err(error)) => Err(StreamError::Io(error)),
        Err(RecvTimeoutError::Timeout) => Err(StreamError::Deadline),
        Err(RecvTimeoutError::Disconnected) => {
            Err(StreamError::Io(io::Error::other("the resolver gave up")))
        }
    }
}

/// Whether a lookup failed in a way that may pass. The code of `getaddrinfo` does not survive in an `io::Error`; the
/// two texts are those of `EAI_AGAIN` in musl and in glibc.
pub fn is_transient(error: &io::Error) -> bool {
    let text = error.to_string();
    text.contains("Try again") || text.contains("Temporary failure")
}

/// The families in turn, beginning with the one the resolver put first (RFC 8305 section 4).
fn interleave(addresses: &[SocketAddr]) -> Vec<SocketAddr> {
    let first_is_v6 = addresses.first().is_some_and(SocketAddr::is_ipv6);
    let mut same = addresses.iter().filter(|a| a.is_ipv6() == first_is_v6);
    let mut other = addresses.iter().filter(|a| a.is_ipv6() != first_is_v6);
    let mut out = Vec::with_capacity(addresses.len().min(MAX_ADDRESSES));
    while out.len() < MAX_ADDRESSES {
        let (a, b) = (same.next(), other.next());
        if a.is_none() && b.is_none() {
            break;
        }
        out.extend(a.into_iter().chain(b).copied());
    }
    out.truncate(MAX_ADDRESSES);
    out
}

/// Connects to the first address that answers (RFC 8305 section 5): the next is tried when one fails, or has not
/// answered within `ATTEMPT_DELAY`, and the earlier ones stay in the race. The error is that of the last failure.
pub fn open(
    addresses: &[SocketAddr],
    deadline: &Deadline,
) -> Result<(TcpStream, SocketAddr), StreamError> {
    let mut waiting = addresses.iter().copied();
    let mut racing: Vec<(TcpStream, SocketAddr)> = Vec::new();
    let mut failure = io::Error::from(io::ErrorKind::AddrNotAvailable);
    let mut next = deadline.now();
    loop {
        while racing.is_empty() || deadline.now() >= next {
            let Some(address) = waiting.next() else { break };
            match attempt(address) {
                Ok((stream, true)) if is_self_connected(&stream, address) => {
                    failure = Errno::ECONNREFUSED.into();
                }
                Ok((stream, true)) => return ready(stream, address),
                Ok((stream, false)) => {
                    racing.push((stream, address));
                    next = deadline.now() + ATTEMPT_DELAY;
                }
                Err(error) => failure = error.into(),
            }
        }
        if racing.is_empty() {
            return Err(StreamError::Io(failure));
        }
        let limit = (waiting.len() > 0).then_some(next);
        for index in race(&racing, limit, deadline)?.into_iter().rev() {
            let (stream, address) = racing.swap_remove(index);
            match stream.take_error()? {
                None if is_self_connected(&stream, address) => failure = Errno::ECONNREFUSED.into(),
                None => return ready(stream, address),
                Some(error) => failure = error,
            }
        }
    }
}

/// Whether a socket has connected to itself: to a port of this machine on which nobody listens, when the system happens
/// to pick that same port for our side (RFC 9293 section 3.5, simultaneous open).
fn is_self_connected(stream: &TcpStream, address: SocketAddr) -> bool {
    stream.local_addr().is_ok_and(|local| local == address)
}

fn ready(stream: TcpStream, address: SocketAddr) -> Result<(TcpStream, SocketAddr), StreamError> {
    // Requests are written whole, so there is nothing to wait for.
    stream.set_nodelay(true)?;
    Ok((stream, address))
}

/// Starts one attempt; `true` when it succeeded at once.
fn attempt(address: SocketAddr) -> nix::Result<(TcpStream, bool)> {
    let family = if address.is_ipv6() {
        AddressFamily::Inet6
    } else {
        AddressFamily::Inet
    };
    let flags = SockFlag::SOCK_NONBLOCK | SockFlag::SOCK_CLOEXEC;
    let handle: OwnedFd = socket(family, SockType::Stream, flags, None)?;
    match connect(handle.as_raw_fd(), &SockaddrStorage::from(address)) {
        Ok(()) => Ok((TcpStream::from(handle), true)),
        // An interrupted attempt goes on as any other.
        Err(Errno::EINPROGRESS | Errno::EINTR) => Ok((TcpStream::from(handle), false)),
        Err(error) => Err(error),
    }
}

/// Waits until an attempt is decided, `until`, or the deadline; the indices of the decided ones, ascending.
fn race(
    racing: &[(TcpStream, SocketAddr)],
    until: Option<Instant>,
    deadline: &Deadline,
) -> Result<Vec<usize>, StreamError> {
    let mut handles: Vec<PollFd<'_>> = racing
        .iter()
        .map(|(stream, _)| PollFd::new(stream.as_fd(), PollFlags::POLLOUT))
        .collect();
    let mut left = deadline.left()?;
    if let Some(until) = until {
        left = left.min(until.saturating_duration_since(deadline.now()));
    }
    poll_for(&mut handles, left)?;
    let decided = handles.iter().enumerate();
    Ok(decided
        .filter(|(_, handle)| handle.any().unwrap_or(true))
        .map(|(index, _)| index)
        .collect())
}

/// One `poll`, rounded up to the next millisecond, so that a wait does not end early and spin. An interrupted one
/// counts as a wait without a result.
fn poll_for(handles: &mut [PollFd<'_>], left: Duration) -> Result<bool, StreamError> {
    let millis = left.as_nanos().div_ceil(1_000_000);
    let timeout = PollTimeout::try_from(millis).unwrap_or(PollTimeout::MAX);
    match poll(handles, timeout) {
        Ok(ready) => Ok(ready > 0),
        Err(Errno::EINTR) => Ok(false),
        Err(error) => Err(StreamError::Io(error.into())),
    }
}

fn wait(stream: &TcpStream, events: PollFlags, deadline: &Deadline) -> Result<(), StreamError> {
    loop {
        let left = deadline.left()?;
        if poll_for(&mut [PollFd::new(stream.as_fd(), events)], left)? {
            return Ok(());
        }
    }
}

/// Waits until a read does not block: bytes, the end, or an error are there.
pub fn wait_readable(stream: &TcpStream, deadline: &Deadline) -> Result<(), StreamError> {
    wait(stream, PollFlags::POLLIN, deadline)
}

/// Waits until a write does not block.
pub fn wait_writable(stream: &TcpStream, deadline: &Deadline) -> Result<(), StreamError> {
    wait(stream, PollFlags::POLLOUT, deadline)
}

/// The system's word for an error, without its number.
pub fn describe(error: &io::Error) -> String {
    let text = error.to_string();
    match text.split_once(" (os error") {
        Some((text, _)) => text.to_owned(),
        None => text,
    }
}

/// Whether an operation is to be tried again: after a wait when it would block, at once when a signal came.
pub fn would_block(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::WouldBlock
}

pub fn was_interrupted(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::Interrupted
}

/// Reads what is there, waiting for it until the deadline; 0 at the end of the stream.
pub fn read(
    mut stream: &TcpStream,
    buffer: &mut [u8],
    deadline: &Deadline,
) -> Result<usize, StreamError> {
    loop {
        wait_readable(stream, deadline)?;
        match stream.read(buffer) {
            Err(error) if would_block(&error) || was_interrupted(&error) => {}
            result => return Ok(result?),
        }
    }
}

/// Whether an idle stream is still open, and nothing came.
pub fn is_silent(mut stream: &TcpStream) -> bool {
    loop {
        match stream.read(&mut [0]) {
            Err(error) if was_interrupted(&error) => {}
            Err(error) => return would_block(&error),
            Ok(_) => return false,
        }
    }
}

/// What is joined for one call at most, in bytes: more than a request commonly has, and little to copy again when
/// the system takes only a part.
const MAX_COALESCED: usize = 64 * 1024;

/// Writes several buffers with one call. A peer that is gone is an error of that call and never a signal, whatever
/// the process does with SIGPIPE: the standard library sends single buffers so, but several with `writev`, which
/// cannot be told.
pub struct Sender<'a>(pub &'a TcpStream);

impl Write for Sender<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn write_vectored(&mut self, buffers: &[IoSlice<'_>]) -> io::Result<usize> {
        if let [single] = buffers {
            return self.0.write(single);
        }
        let total: usize = buffers.iter().map(|buffer| buffer.len()).sum();
        let mut joined = Vec::with_capacity(total.min(MAX_COALESCED));
        for buffer in buffers {
            let room = MAX_COALESCED.saturating_sub(joined.len());
            joined.extend_from_slice(buffer.get(..room).unwrap_or(buffer));
        }
        self.0.write(&joined)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Writes all of `bytes`. After an error the last byte was not handed to the system.
pub fn write(mut stream: &TcpStream, bytes: &[u8], deadline: &Deadline) -> Result<(), StreamError> {
    let mut rest = bytes;
    while !rest.is_empty() {
        // A peer that takes a little at a time never lets a write block.
        deadline.left()?;
        match stream.write(rest) {
            Ok(0) => return Err(StreamError::Io(io::ErrorKind::WriteZero.into())),
            Ok(count) => rest = rest.get(count..).unwrap_or(&[]),
            Err(error) if would_block(&error) => wait_writable(stream, deadline)?,
            Err(error) if was_interrupted(&error) => {}
            Err(error) => return Err(StreamError::Io(error)),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
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
        assert!(
            matches!(failed, Err(StreamError::Io(error)) if error.to_string() == "no such name")
        );
        let gone = resolve(&deadline(5000), || panic!("expected in this test"));
        assert!(matches!(gone, Err(StreamError::Io(_))));
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
}
