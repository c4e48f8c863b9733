//! A TCP server that sends the bytes a test gives it, and records the bytes it receives.

use super::port::{self, Held};
use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// A listener on 127.0.0.1. Its threads end when the program closes its connections.
pub struct Peer {
    address: SocketAddr,
    received: Arc<Mutex<Vec<u8>>>,
    connections: Arc<AtomicUsize>,
}

/// One accepted connection.
pub struct Connection {
    tcp: TcpStream,
    received: Arc<Mutex<Vec<u8>>>,
}

impl Peer {
    /// Serves every connection on a thread of its own, and closes it when `serve` returns.
    pub fn start(serve: impl Fn(&mut Connection) + Send + Sync + 'static) -> Self {
        let (listener, held) = port::listener(0);
        Self::spawn(listener, Some(held), serve)
    }

    /// The same on an existing listener.
    pub fn serve(
        listener: TcpListener,
        serve: impl Fn(&mut Connection) + Send + Sync + 'static,
    ) -> Self {
        Self::spawn(listener, None, serve)
    }

    fn spawn(
        listener: TcpListener,
        held: Option<Held>,
        serve: impl Fn(&mut Connection) + Send + Sync + 'static,
    ) -> Self {
        let address = listener.local_addr().expect("a bound address");
        let received = Arc::new(Mutex::new(Vec::new()));
        let connections = Arc::new(AtomicUsize::new(0));
        let serve = Arc::new(serve);
        let (all, count) = (Arc::clone(&received), Arc::clone(&connections));
        std::thread::spawn(move || {
            // Reserves the port on ::1 as long as the listener lives.
            let _held = held;
            for tcp in listener.incoming().map_while(Result::ok) {
                count.fetch_add(1, Ordering::SeqCst);
                let mut connection = Connection {
                    tcp,
                    received: Arc::clone(&all),
                };
                let serve = Arc::clone(&serve);
                std::thread::spawn(move || {
                    serve(&mut connection);
                    // A close with unread bytes would send a reset.
                    let _ = connection.tcp.shutdown(Shutdown::Write);
                    let _ = connection
                        .tcp
                        .set_read_timeout(Some(Duration::from_millis(200)));
                    let _ = std::io::copy(&mut connection.tcp, &mut std::io::sink());
                });
            }
        });
        Self {
            address,
            received,
            connections,
        }
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    /// All bytes it has read, of all connections.
    pub fn received(&self) -> Vec<u8> {
        self.received
            .lock()
            .expect("no panic while it is held")
            .clone()
    }

    pub fn received_text(&self) -> String {
        String::from_utf8_lossy(&self.received()).into_owned()
    }
}

impl Connection {
    /// Reads up to the blank line after a head; `None` when the client has closed.
    pub fn head(&mut self) -> Option<String> {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            if self.tcp.read(&mut byte).ok()? == 0 {
                return None;
            }
            head.extend(byte);
        }
        self.record(&head);
        Some(String::from_utf8(head).expect("a head in ASCII"))
    }

    /// Reads a whole request with a `Content-Length`; `None` when the client has closed.
    pub fn request(&mut self) -> Option<Vec<u8>> {
        let head = self.head()?;
        let length = head
            .lines()
            .find_map(|line| line.strip_prefix("Content-Length: "))?;
        let mut body = vec![0; length.parse().expect("a length")];
        self.tcp.read_exact(&mut body).ok()?;
        self.record(&body);
        Some([head.into_bytes(), body].concat())
    }

    /// The socket itself.
    pub fn tcp(&mut self) -> &mut TcpStream {
        &mut self.tcp
    }

    /// Sends bytes; a closed connection is ignored.
    pub fn send(&mut self, bytes: &[u8]) {
        let _ = self.tcp.write_all(bytes);
    }

    /// Sends bytes one by one with a pause after each, until the client closes.
    pub fn drip(&mut self, bytes: &[u8], pause: Duration) {
        let _ = self.tcp.set_nodelay(true);
        for byte in bytes {
            if self.tcp.write_all(&[*byte]).is_err() {
                return;
            }
            std::thread::sleep(pause);
        }
    }

    /// Reads, and sends nothing, until the client closes.
    pub fn drain(&mut self) {
        let mut buffer = [0; 4096];
        while let Ok(read @ 1..) = self.tcp.read(&mut buffer) {
            self.record(&buffer[..read]);
        }
    }

    /// Copies bytes between the client and `target` until either closes.
    pub fn tunnel(&mut self, target: SocketAddr) {
        let mut there = TcpStream::connect(target).expect("the target of the tunnel");
        let mut back = there.try_clone().expect("a second handle");
        let mut client = self.tcp.try_clone().expect("a second handle");
        std::thread::spawn(move || {
            let _ = std::io::copy(&mut back, &mut client);
            let _ = client.shutdown(Shutdown::Write);
        });
        let mut buffer = [0; 4096];
        while let Ok(read @ 1..) = self.tcp.read(&mut buffer) {
            self.record(&buffer[..read]);
            if there.write_all(&buffer[..read]).is_err() {
                break;
            }
        }
        let _ = there.shutdown(Shutdown::Write);
    }

    fn record(&self, bytes: &[u8]) {
        self.received
            .lock()
            .expect("no panic while it is held")
            .extend_from_slice(bytes);
    }
}

/// Sends a request to a server without TLS; head and body of its reply, which has a `Content-Length`.
pub fn exchange(server: &mut TcpStream, request: &[u8]) -> (String, Vec<u8>) {
    server.write_all(request).expect("sent");
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        server.read_exact(&mut byte).expect("a head");
        head.extend(byte);
    }
    let head = String::from_utf8(head).expect("a head in ASCII");
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "))
        .expect("a length");
    let mut body = vec![0; length.parse().expect("a number")];
    server.read_exact(&mut body).expect("a body");
    (head, body)
}
