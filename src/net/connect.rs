//! From a host to a connected socket: name lookup, connection attempts (RFC 8305), and reads and writes bounded by a
//! deadline. The only file of the network that names nix.

use super::deadline::{Deadline, StreamError};
use crate::url::Host;
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::{AddressFamily, SockFlag, SockType, SockaddrStorage, connect, socket};
use std::io::{self, IoSlice, Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream, ToSocketAddrs};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
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
    let addresses = deadline.run(LOOKUP_STACK, resolver)??;
    Ok(interleave(&addresses))
}

/// Whether a lookup failed in a way that may pass. The code of `getaddrinfo` does not survive in an `io::Error`; the
/// two texts are those of `EAI_AGAIN` in musl and in glibc.
pub fn is_transient(error: &io::Error) -> bool {
    let text = error.to_string();
    text.ends_with("Try again") || text.ends_with("Temporary failure in name resolution")
}

/// The families in turn, beginning with the one the resolver put first (RFC 8305 section 4).
fn interleave(addresses: &[SocketAddr]) -> Vec<SocketAddr> {
    let first_is_v6 = addresses.first().is_some_and(SocketAddr::is_ipv6);
    let (same, other): (Vec<_>, Vec<_>) = addresses
        .iter()
        .partition(|address| address.is_ipv6() == first_is_v6);
    (0..MAX_ADDRESSES)
        .flat_map(|at| same.get(at).into_iter().chain(other.get(at)))
        .take(MAX_ADDRESSES)
        .copied()
        .copied()
        .collect()
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

/// Whether a socket has connected to itself: to a port of this machine without a listener, when the system happens
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
    let mut left = deadline.next_wait()?;
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
        let left = deadline.next_wait()?;
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
        // Where the peer reads a little at a time, no write may ever block.
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
mod tests;
