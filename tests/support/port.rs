//! Ports that belong to one test, on both loopback addresses.
//!
//! A client tries `localhost` as ::1 first. If a test had its port on 127.0.0.1 only, another one could get the same port
//! on ::1, and receive its connections. And a port that was just closed can be given to another test.

use nix::errno::Errno;
use nix::sys::socket::{
    AddressFamily, SockFlag, SockType, SockaddrStorage, bind, getsockname, setsockopt, socket,
    sockopt,
};
use std::fmt::Debug;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream};
use std::os::fd::{AsRawFd, OwnedFd};
use std::time::{Duration, Instant};

/// How many ports are tried until one is free on both addresses.
const TRIES: usize = 100;

/// A port of 127.0.0.1, which refuses connections on ::1 while this lives, and on 127.0.0.1 too if it was [`closed`].
#[derive(Debug)]
pub struct Held {
    address: SocketAddr,
    /// Bound sockets that reserve the port.
    taken: Vec<OwnedFd>,
}

impl Held {
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// On 127.0.0.1.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Waits until a program listens there.
    ///
    /// # Panics
    /// When none does after ten seconds.
    pub fn wait_for_listener(&self) {
        let began = Instant::now();
        while TcpStream::connect(self.address).is_err() {
            assert!(
                began.elapsed() < Duration::from_secs(10),
                "nothing listens on {}",
                self.address
            );
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

/// A port that refuses connections on both addresses.
pub fn closed() -> Held {
    let (four, mut held) = on_both(0, taken);
    held.taken.push(four);
    held
}

/// A listener on 127.0.0.1, and the reservation of its port on ::1, which refuses connections. Port 0 is any.
pub fn listener(port: u16) -> (TcpListener, Held) {
    on_both(port, TcpListener::bind)
}

/// Calls `bind` with a port on 127.0.0.1, and reserves the same port on ::1.
fn on_both<T: AsRawFd, E: Debug>(
    port: u16,
    bind: impl Fn(SocketAddr) -> Result<T, E>,
) -> (T, Held) {
    for _ in 0..TRIES {
        let four = bind((Ipv4Addr::LOCALHOST, port).into()).expect("a port");
        let name: SockaddrStorage = getsockname(four.as_raw_fd()).expect("a bound address");
        let bound = name.as_sockaddr_in().expect("an IPv4 address").port();
        match refusing_six(bound) {
            Ok(six) => {
                let held = Held {
                    address: (Ipv4Addr::LOCALHOST, bound).into(),
                    taken: six.into_iter().collect(),
                };
                return (four, held);
            }
            Err(error) => assert_eq!(port, 0, "port {port} is in use on ::1: {error}"),
        }
    }
    panic!("no port is free on both loopback addresses");
}

/// A free port on 127.0.0.1 for another program to listen on; connections to it on ::1 are refused.
pub fn free() -> Held {
    let (_closed_here, held) = listener(0);
    held
}

/// Reserves a port on ::1; `None` where there is no IPv6.
fn refusing_six(port: u16) -> nix::Result<Option<OwnedFd>> {
    match taken((Ipv6Addr::LOCALHOST, port).into()) {
        Ok(handle) => Ok(Some(handle)),
        Err(Errno::EAFNOSUPPORT | Errno::EADDRNOTAVAIL) => Ok(None),
        Err(error) => Err(error),
    }
}

/// A socket with this address that does not listen.
fn taken(address: SocketAddr) -> nix::Result<OwnedFd> {
    let family = if address.is_ipv6() {
        AddressFamily::Inet6
    } else {
        AddressFamily::Inet
    };
    let handle = socket(family, SockType::Stream, SockFlag::SOCK_CLOEXEC, None)?;
    if address.is_ipv6() {
        setsockopt(&handle, sockopt::Ipv6V6Only, &true)?;
    }
    bind(handle.as_raw_fd(), &SockaddrStorage::from(address))?;
    Ok(handle)
}

#[cfg(test)]
mod tests {
    use super::{closed, listener};
    use std::io::ErrorKind;
    use std::net::{TcpListener, TcpStream};

    #[test]
    fn a_listener_reserves_its_port_on_both_addresses() {
        let (ours, held) = listener(0);
        let port = ours.local_addr().expect("an address").port();
        assert_eq!(held.port(), port);
        TcpStream::connect(("127.0.0.1", port)).expect("a listener");
        let refused = TcpStream::connect(("::1", port)).expect_err("no listener");
        assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
        let taken = TcpListener::bind(("::1", port)).expect_err("ours");
        assert_eq!(taken.kind(), ErrorKind::AddrInUse);
    }

    #[test]
    fn a_closed_port_stays_closed_and_reserved() {
        let held = closed();
        let port = held.port();
        for address in ["127.0.0.1", "::1"] {
            let refused = TcpStream::connect((address, port)).expect_err("no listener");
            assert_eq!(refused.kind(), ErrorKind::ConnectionRefused, "{address}");
            let taken = TcpListener::bind((address, port)).expect_err("ours");
            assert_eq!(taken.kind(), ErrorKind::AddrInUse, "{address}");
        }
    }
}
