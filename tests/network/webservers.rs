//! Real web servers (nginx, lighttpd, haproxy) as TLS proxies in front of the local server.

use crate::server::{Behaviour, Scope, Server, Tls, When};
use crate::support::port::{self, Held};
use crate::support::pty::Session;
use crate::support::{Run, oz, tools, write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// A web server on a port of its own, which passes everything on to a plain server.
pub struct Front {
    child: Child,
    held: Held,
    dir: TempDir,
}

impl Front {
    /// Prepares what all of them need: a port, and a certificate, its key and its authority in files.
    pub fn prepare() -> (Held, TempDir) {
        let issued = crate::support::pki::issue(crate::support::pki::Certificate::Good);
        let dir = TempDir::new().expect("a directory");
        write(&dir, "ca.pem", &issued.authority_pem);
        let certificate = pem("CERTIFICATE", &issued.chain[0]);
        let key = pem("PRIVATE KEY", issued.key.secret_der());
        write(&dir, "cert.pem", &certificate);
        write(&dir, "key.pem", &key);
        write(&dir, "both.pem", format!("{certificate}{key}"));
        (port::free(), dir)
    }

    pub fn start(held: Held, dir: TempDir, program: &Path, arguments: &[&str]) -> Self {
        let mut child = Command::new(program)
            .args(arguments)
            .current_dir(dir.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(std::fs::File::create(dir.path().join("stderr")).expect("a file"))
            .spawn()
            .expect("it runs");
        let began = Instant::now();
        while TcpStream::connect(held.address()).is_err() {
            let gone = child.try_wait().expect("a child").is_some();
            if gone || began.elapsed() > Duration::from_secs(10) {
                panic!(
                    "{program:?}: {}",
                    std::fs::read_to_string(dir.path().join("stderr")).unwrap_or_default()
                );
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        Self { child, held, dir }
    }

    fn list(&self, server: &Server) -> Run<'static> {
        self.through(oz(&["secret", "list"]), server)
    }

    pub fn address(&self) -> SocketAddr {
        self.held.address()
    }

    /// PEM of the authority to trust.
    pub fn ca_path(&self) -> PathBuf {
        self.dir.path().join("ca.pem")
    }

    /// A run against it in place of the server behind it.
    fn through(&self, run: Run<'static>, server: &Server) -> Run<'static> {
        run.env("WARP_API_KEY", server.api_key())
            .env(
                "WARP_SERVER_ROOT_URL",
                format!("https://localhost:{}", self.held.port()),
            )
            .env("SSL_CERT_FILE", self.ca_path())
    }

    /// Runs every verb, and checks the final state of the server behind it.
    #[track_caller]
    fn check_every_verb(&self, server: &Server) {
        let through = |run| self.through(run, server);
        through(oz(&["secret", "create", "N"]))
            .stdin("one")
            .stdout("Secret 'N' created\n")
            .run();
        assert_eq!(
            server.opened(Scope::Personal, "N").as_deref(),
            Some(r#"{"value":"one"}"#)
        );
        through(oz(&["secret", "create", "N"]))
            .stdin("two")
            .code(5)
            .any_stderr()
            .run();
        through(oz(&["secret", "update", "N", "--value", "-d", "new"]))
            .stdin("three")
            .stdout("Secret 'N' updated\n")
            .run();
        assert_eq!(
            server.opened(Scope::Personal, "N").as_deref(),
            Some(r#"{"value":"three"}"#)
        );
        let listed = through(oz(&["secret", "list", "--output-format", "ndjson"]))
            .any_stdout()
            .run();
        assert!(
            listed
                .stdout()
                .starts_with(r#"{"name":"N","scope":"Personal","type":"RAW_VALUE","#)
        );
        assert!(
            listed
                .stdout()
                .ends_with("\"description\":\"new\",\"team\":null,\"team_name\":null}\n"),
            "{}",
            listed.stdout()
        );
        through(oz(&["secret", "delete", "N", "--force"]))
            .stdout("Secret 'N' deleted\n")
            .run();
        assert!(server.secret(Scope::Personal, "N").is_none());
        assert_eq!(
            server.ops(),
            [
                "Lookup",
                "CreateManagedSecret",
                "Lookup",
                "Lookup",
                "UpdateManagedSecret",
                "Lookup",
                "Lookup",
                "DeleteManagedSecret"
            ]
        );
    }
}

impl Drop for Front {
    fn drop(&mut self) {
        // SIGTERM, so that workers end with their master.
        let pid = nix::unistd::Pid::from_raw(i32::try_from(self.child.id()).expect("a process id"));
        let _ = nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGTERM);
        let _ = self.child.wait();
    }
}

fn pem(label: &str, der: &[u8]) -> String {
    use base64::Engine as _;
    let text = base64::engine::general_purpose::STANDARD.encode(der);
    let lines: Vec<&str> = text
        .as_bytes()
        .chunks(64)
        .map(|line| std::str::from_utf8(line).expect("ASCII"))
        .collect();
    format!(
        "-----BEGIN {label}-----\n{}\n-----END {label}-----\n",
        lines.join("\n")
    )
}

fn plain() -> Server {
    Server::builder().tls(Tls::Off).start()
}

/// `nginx` with these directives in its `location`.
fn nginx(upstream: &str, directives: &str) -> Option<Front> {
    let program = tools::find("nginx")?;
    let (held, dir) = Front::prepare();
    let port = held.port();
    let here = dir.path().display();
    let config = format!(
        "daemon off;\nmaster_process off;\npid {here}/pid;\nerror_log stderr warn;\nevents {{}}\nhttp {{\n\
         access_log off;\nclient_body_temp_path {here}/1;\nproxy_temp_path {here}/2;\nfastcgi_temp_path {here}/3;\n\
         uwsgi_temp_path {here}/4;\nscgi_temp_path {here}/5;\n\
         server {{ listen 127.0.0.1:{port} ssl;\nssl_certificate {here}/cert.pem;\nssl_certificate_key {here}/key.pem;\n\
         location / {{ proxy_pass http://{upstream};\n{directives}\n}} }} }}\n"
    );
    let path = write(&dir, "nginx.conf", config);
    let path = path.display().to_string();
    Some(Front::start(
        held,
        dir,
        &program,
        &["-c", &path, "-e", "stderr"],
    ))
}

#[test]
fn nginx_carries_every_verb() {
    for directives in [
        "",
        "proxy_http_version 1.1;",
        // Answers of unknown length: chunks.
        "proxy_http_version 1.1; gzip on; gzip_types *; gzip_min_length 1; sub_filter_types *; sub_filter 'xyzzy' 'xyzzy';",
        "chunked_transfer_encoding off; sub_filter_types *; sub_filter 'xyzzy' 'xyzzy';",
        // It closes the connection after each answer, as `Connection: close` announces.
        "keepalive_requests 1;",
        "keepalive_timeout 0;",
        "proxy_buffering off; add_header X-A b always; add_trailer X-T z;",
        "proxy_buffer_size 1k; proxy_buffers 2 1k; proxy_busy_buffers_size 1k; tcp_nodelay on; postpone_output 0;",
    ] {
        let server = plain();
        let Some(front) = nginx(&server.address().to_string(), directives) else {
            return;
        };
        front.check_every_verb(&server);
    }
}

#[test]
fn nginx_closes_while_the_user_types() {
    let server = plain();
    let Some(front) = nginx(&server.address().to_string(), "keepalive_timeout 1s;") else {
        return;
    };
    let variables = [
        ("WARP_API_KEY", server.api_key().to_owned()),
        (
            "WARP_SERVER_ROOT_URL",
            format!("https://localhost:{}", front.held.port()),
        ),
        ("SSL_CERT_FILE", front.ca_path().display().to_string()),
    ];
    let variables = variables.map(|(name, value)| (name.to_owned(), value));
    // The user takes longer than nginx keeps a connection, and longer than the timeout, which is for the network.
    let arguments = ["secret", "create", "N", "--timeout", "2"];
    let mut session = Session::start(&arguments, &variables);
    session.expect("? Secret value: ");
    std::thread::sleep(Duration::from_millis(2500));
    session.send("late\r");
    session.expect("Secret 'N' created");
    assert_eq!(session.end(), 0, "{}", session.transcript());
    // The second connection was made before the request, which was sent once.
    assert_eq!(server.ops(), ["Lookup", "CreateManagedSecret"]);
}

const LATER: &str = "hint: try again later\n";

#[test]
fn nginx_without_an_upstream() {
    let gone = plain().address();
    let Some(front) = nginx(&gone.to_string(), "") else {
        return;
    };
    let server = plain();
    front
        .list(&server)
        .code(75)
        .stderr(format!("error: the service failed (HTTP 502)\n{LATER}"))
        .run();
    let slow = plain();
    slow.always(When::Any, Behaviour::Delay(Duration::from_secs(5)));
    let Some(front) = nginx(&slow.address().to_string(), "proxy_read_timeout 200ms;") else {
        return;
    };
    front
        .list(&slow)
        .code(75)
        .stderr(format!("error: the service failed (HTTP 504)\n{LATER}"))
        .run();
}

#[test]
fn nginx_has_pages_of_its_own() {
    let server = plain();
    let upstream = server.address().to_string();
    let Some(front) = nginx(&upstream, "client_max_body_size 10;") else {
        return;
    };
    const PAGE: &str = "hint: a login page of the network, a proxy's block page or a wrong --server-root-url does this\n";
    front
        .list(&server)
        .code(69)
        .stderr(format!("error: the answer is a web page (HTTP 413), so it is not the service that answered\n{PAGE}"))
        .run();
    let Some(front) = nginx(&upstream, "return 503;") else {
        return;
    };
    front
        .list(&server)
        .code(75)
        .stderr(format!(
            "error: the service is unavailable (HTTP 503)\n{LATER}"
        ))
        .run();
    let Some(front) = nginx(&upstream, "return 301 https://elsewhere.example/;") else {
        return;
    };
    front
        .list(&server)
        .code(69)
        .stderr(
            "error: the server redirects to elsewhere.example (HTTP 301), and redirects are not followed\n\
             hint: a network that asks for a login does this; otherwise check --server-root-url and \
             WARP_SERVER_ROOT_URL\n",
        )
        .run();
    assert_eq!(server.ops(), [""; 0]);
}

#[test]
fn nginx_takes_no_plain_requests_on_its_tls_port() {
    let server = plain();
    let Some(front) = nginx(&server.address().to_string(), "") else {
        return;
    };
    front
        .list(&server)
        .env("WARP_SERVER_ROOT_URL", format!("http://localhost:{}", front.held.port()))
        .code(69)
        .stderr(
            "error: the answer is a web page (HTTP 400), so it is not the service that answered\n\
             hint: a login page of the network, a proxy's block page or a wrong --server-root-url does this\n",
        )
        .run();
}

/// The `lighttpd` module for TLS.
const MODULE: &str = "/usr/lib/lighttpd/mod_openssl.so";

/// `lighttpd` with TLS, where its module for that is there.
fn lighttpd(upstream: SocketAddr, lines: &str) -> Option<Front> {
    let program = tools::find("lighttpd")?;
    if !Path::new(MODULE).is_file() {
        tools::skip_without(MODULE);
        return None;
    }
    let (held, dir) = Front::prepare();
    let port = held.port();
    let here = dir.path().display();
    let config = format!(
        "server.document-root = \"{here}\"\nserver.bind = \"127.0.0.1\"\nserver.port = {port}\n\
         server.modules = (\"mod_openssl\", \"mod_proxy\")\nserver.upload-dirs = (\"{here}\")\n\
         ssl.engine = \"enable\"\nssl.pemfile = \"{here}/both.pem\"\n\
         proxy.server = (\"\" => ((\"host\" => \"127.0.0.1\", \"port\" => {})))\n{lines}\n",
        upstream.port()
    );
    let path = write(&dir, "lighttpd.conf", config).display().to_string();
    Some(Front::start(held, dir, &program, &["-D", "-f", &path]))
}

#[test]
fn lighttpd_carries_every_verb() {
    for lines in [
        "",
        "server.stream-response-body = 2",
        "server.stream-request-body = 2\nserver.stream-response-body = 1",
        "server.max-keep-alive-requests = 0",
        "server.max-keep-alive-idle = 0",
        "server.http-parseopts = (\"header-strict\" => \"enable\")\nserver.protocol-http11 = \"disable\"",
    ] {
        let server = plain();
        let Some(front) = lighttpd(server.address(), lines) else {
            return;
        };
        front.check_every_verb(&server);
    }
}

#[test]
fn lighttpd_without_an_upstream() {
    let gone = plain().address();
    let Some(front) = lighttpd(gone, "") else {
        return;
    };
    let server = plain();
    front
        .list(&server)
        .code(75)
        .stderr(format!(
            "error: the service is unavailable (HTTP 503)\n{LATER}"
        ))
        .run();
}

/// `haproxy` with these lines in its back end.
fn haproxy(upstream: SocketAddr, lines: &str) -> Option<Front> {
    let program = tools::find("haproxy")?;
    let (held, dir) = Front::prepare();
    let port = held.port();
    let here = dir.path().display();
    let config = format!(
        "defaults\n mode http\n timeout connect 1s\n timeout client 10s\n timeout server 500ms\n{lines}\n\
         frontend f\n bind 127.0.0.1:{port} ssl crt {here}/both.pem alpn h2,http/1.1\n default_backend b\n\
         backend b\n server s {upstream}\n"
    );
    let path = write(&dir, "haproxy.cfg", config).display().to_string();
    Some(Front::start(
        held,
        dir,
        &program,
        &["-db", "-q", "-f", &path],
    ))
}

#[test]
fn haproxy_carries_every_verb() {
    for lines in [
        "",
        " option httpclose",
        " option http-server-close",
        " http-reuse never",
    ] {
        let server = plain();
        let Some(front) = haproxy(server.address(), lines) else {
            return;
        };
        front.check_every_verb(&server);
    }
}

#[test]
fn haproxy_without_an_upstream() {
    let gone = plain().address();
    let server = plain();
    let Some(front) = haproxy(gone, " retries 0") else {
        return;
    };
    front
        .list(&server)
        .code(75)
        .stderr(format!(
            "error: the service is unavailable (HTTP 503)\n{LATER}"
        ))
        .run();
    let slow = plain();
    slow.always(When::Any, Behaviour::Delay(Duration::from_secs(5)));
    let Some(front) = haproxy(slow.address(), "") else {
        return;
    };
    front
        .list(&slow)
        .code(75)
        .stderr(format!("error: the service failed (HTTP 504)\n{LATER}"))
        .run();
}
