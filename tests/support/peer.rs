//! A TCP listener that says exactly what it is told, and records what it hears.

use super::port::{self, Held};
use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// A listener on this machine. Its threads end with the connections of the program, which is gone before the test is.
pub struct Peer {
    address: SocketAddr,
    heard: Arc<Mutex<Vec<u8>>>,
    connections: Arc<AtomicUsize>,
}

/// One accepted connection.
pub struct Connection {
    tcp: TcpStream,
    heard: Arc<Mutex<Vec<u8>>>,
}

impl Peer {
    /// Serves every connection on a thread of its own, and closes it when `serve` returns.
    pub fn start(serve: impl Fn(&mut Connection) + Send + Sync + 'static) -> Self {
        let (listener, held) = port::listener(0);
        Self::hold(listener, Some(held), serve)
    }

    /// The same on a listener that is there.
    pub fn serve(
        listener: TcpListener,
        serve: impl Fn(&mut Connection) + Send + Sync + 'static,
    ) -> Self {
        Self::hold(listener, None, serve)
    }

    fn hold(
        listener: TcpListener,
        held: Option<Held>,
        serve: impl Fn(&mut Connection) + Send + Sync + 'static,
    ) -> Self {
        let address = listener.local_addr().expect("a bound address");
        let heard = Arc::new(Mutex::new(Vec::new()));
        let connections = Arc::new(AtomicUsize::new(0));
        let serve = Arc::new(serve);
        let (all, count) = (Arc::clone(&heard), Arc::clone(&connections));
        std::thread::spawn(move || {
            // As long as the listener.
            let _held = held;
            for tcp in listener.incoming().map_while(Result::ok) {
                count.fetch_add(1, Ordering::SeqCst);
                let mut connection = Connection {
                    tcp,
                    heard: Arc::clone(&all),
                };
                let serve = Arc::clone(&serve);
                std::thread::spawn(move || {
                    serve(&mut connection);
                    // A close with unread bytes would be a reset; whoever wants that drops the rest themselves.
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
            heard,
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
    pub fn heard(&self) -> Vec<u8> {
        self.heard
            .lock()
            .expect("no panic while it is held")
            .clone()
    }

    pub fn heard_text(&self) -> String {
        String::from_utf8_lossy(&self.heard()).into_owned()
    }
}

impl Connection {
    /// Reads up to the blank line after a head; `None` when the client is gone.
    pub fn head(&mut self) -> Option<String> {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            if self.tcp.read(&mut byte).ok()? == 0 {
                return None;
            }
            head.extend(byte);
        }
        self.hear(&head);
        Some(String::from_utf8(head).expect("a head in ASCII"))
    }

    /// Reads a whole request with a `Content-Length`; `None` when the client is gone.
    pub fn request(&mut self) -> Option<Vec<u8>> {
        let head = self.head()?;
        let length = head
            .lines()
            .find_map(|line| line.strip_prefix("Content-Length: "))?;
        let mut body = vec![0; length.parse().expect("a length")];
        self.tcp.read_exact(&mut body).ok()?;
        self.hear(&body);
        Some([head.into_bytes(), body].concat())
    }

    /// The socket itself.
    pub fn tcp(&mut self) -> &mut TcpStream {
        &mut self.tcp
    }

    /// Sends bytes. A client that is gone is no matter.
    pub fn say(&mut self, bytes: &[u8]) {
        let _ = self.tcp.write_all(bytes);
    }

    /// Sends bytes one by one with a pause after each, until the client is gone.
    pub fn drip(&mut self, bytes: &[u8], pause: Duration) {
        let _ = self.tcp.set_nodelay(true);
        for byte in bytes {
            if self.tcp.write_all(&[*byte]).is_err() {
                return;
            }
            std::thread::sleep(pause);
        }
    }

    /// Reads on, and says nothing, until the client is gone.
    pub fn listen_on(&mut self) {
        let mut buffer = [0; 4096];
        while let Ok(read @ 1..) = self.tcp.read(&mut buffer) {
            self.hear(&buffer[..read]);
        }
    }

    /// Carries bytes between the client and `target` until either is done.
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
            self.hear(&buffer[..read]);
            if there.write_all(&buffer[..read]).is_err() {
                break;
            }
        }
        let _ = there.shutdown(Shutdown::Write);
    }

    fn hear(&self, bytes: &[u8]) {
        self.heard
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
