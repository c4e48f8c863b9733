//! Simulates distance: a relay on loopback that delays bytes by half a round trip each way, and an address that does not
//! answer.

use nix::sys::socket::{
    AddressFamily, Backlog, SockFlag, SockType, SockaddrIn6, bind, listen, socket,
};
use std::io::{Read, Write};
use std::net::{Ipv4Addr, Ipv6Addr, Shutdown, SocketAddr, SocketAddrV6, TcpListener, TcpStream};
use std::os::fd::AsRawFd;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

/// Starts a relay in front of `server`, at `port` of 127.0.0.1 or at any for 0, and returns the port. It runs until the
/// process ends.
///
/// The kernel answers a connect before the relay sees it, so the round trip of the TCP handshake is made up for: the
/// first bytes wait that much longer.
pub fn start(server: SocketAddr, port: u16, round_trip: Duration) -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).expect("a port");
    let port = listener.local_addr().expect("an address").port();
    thread::spawn(move || {
        for client in listener.incoming().flatten() {
            let Ok(upstream) = TcpStream::connect(server) else {
                continue;
            };
            let _ = client.set_nodelay(true);
            let _ = upstream.set_nodelay(true);
            let opened = Instant::now() + round_trip;
            let (Ok(from_client), Ok(from_server)) = (client.try_clone(), upstream.try_clone())
            else {
                continue;
            };
            pump(from_client, upstream, round_trip / 2, opened);
            pump(from_server, client, round_trip / 2, opened);
        }
    });
    port
}

/// Bytes, and when they may arrive.
type Parcel = (Instant, Vec<u8>);

fn pump(mut from: TcpStream, mut to: TcpStream, delay: Duration, opened: Instant) {
    let (sender, receiver) = mpsc::channel::<Parcel>();
    thread::spawn(move || {
        let mut buffer = vec![0; 64 * 1024];
        while let Ok(count @ 1..) = from.read(&mut buffer) {
            let due = Instant::now().max(opened) + delay;
            if sender.send((due, buffer[..count].to_vec())).is_err() {
                break;
            }
        }
    });
    thread::spawn(move || {
        for (due, bytes) in receiver {
            thread::sleep(due.saturating_duration_since(Instant::now()));
            if to.write_all(&bytes).is_err() {
                break;
            }
        }
        let _ = to.shutdown(Shutdown::Write);
    });
}

/// A port where connections to ::1 are neither accepted nor refused, because the queue of its listener is full. Returns
/// the port, and the connections that fill the queue.
pub fn dead() -> Option<(u16, Vec<TcpStream>)> {
    let socket = socket(
        AddressFamily::Inet6,
        SockType::Stream,
        SockFlag::empty(),
        None,
    )
    .ok()?;
    let address = SocketAddrV6::new(Ipv6Addr::LOCALHOST, 0, 0, 0);
    bind(socket.as_raw_fd(), &SockaddrIn6::from(address)).ok()?;
    listen(&socket, Backlog::new(0).ok()?).ok()?;
    let listener = TcpListener::from(socket);
    let address = listener.local_addr().ok()?;
    let mut waiting = Vec::new();
    while let Ok(stream) = TcpStream::connect_timeout(&address, Duration::from_millis(200)) {
        waiting.push(stream);
        if waiting.len() > 8 {
            return None;
        }
    }
    // It listens until the process ends.
    std::mem::forget(listener);
    Some((address.port(), waiting))
}
