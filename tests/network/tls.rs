//! TLS: versions, certificates, and which authorities are trusted.
//!
//! `openssl` makes and serves the certificates that rcgen cannot make.

use crate::server::{Behaviour, End, Scope, Server, Tls, When};
use crate::support::pki::{self, Certificate};
use crate::support::{MARKER_KEY, Run, namespaces, oz, tools, write};
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use tempfile::TempDir;

const LIST: [&str; 4] = ["secret", "list", "--output-format", "text"];

/// What a `list` of nothing prints.
const NOTHING: &str = "Name  Scope  Type  Created  Updated  Description\n";

/// `list` with the server's root and a key. The test adds the trusted certificates.
fn list(root: impl AsRef<str>) -> Run<'static> {
    oz(&LIST)
        .env("WARP_API_KEY", MARKER_KEY)
        .env("WARP_SERVER_ROOT_URL", root.as_ref())
}

/// Checks that it is rejected with this error, and that nothing was sent.
#[track_caller]
fn distrusted(certificate: Certificate, host: &str, words: &str) {
    let server = Server::builder().certificate(certificate).start();
    // As the program writes it. A run over midnight would fail.
    let today = tools::date(0, "%Y-%m-%d");
    list(server.root_at(host))
        .env("SSL_CERT_FILE", server.ca_path())
        .code(69)
        .stderr(words.replace("TODAY", &today))
        .run();
    assert_eq!(server.ops(), [""; 0]);
    assert_eq!(server.connections(), 1, "trust does not come with time");
}

const FOR_LOCALHOST: &str =
    "  caused by: the server's certificate is for localhost, 127.0.0.1 and ::1\n";
const REPLACED: &str = "hint: SSL_CERT_FILE or SSL_CERT_DIR is set, so only the certificates there are trusted: \
                        unset it, or add the right one with --ca-file\n";

#[test]
fn rejects_certificates_outside_their_validity() {
    distrusted(
        Certificate::Expired,
        "localhost",
        &format!(
            "error: the certificate of localhost expired on 2020-12-31\n  \
             caused by: this machine's clock says TODAY\n{FOR_LOCALHOST}\
             hint: if the clock is right, the server's certificate has to be renewed\n"
        ),
    );
    distrusted(
        Certificate::NotYetValid,
        "localhost",
        &format!(
            "error: the certificate of localhost is not valid before 2100-01-01\n  \
             caused by: this machine's clock says TODAY\n{FOR_LOCALHOST}\
             hint: check this machine's clock\n"
        ),
    );
}

#[test]
fn rejects_certificates_for_other_names() {
    for (certificate, host, names) in [
        (Certificate::WrongName, "localhost", "elsewhere.example"),
        (Certificate::WrongName, "127.0.0.1", "elsewhere.example"),
        (Certificate::AddressOnly, "localhost", "127.0.0.1 and ::1"),
        (Certificate::NameOnly, "127.0.0.1", "localhost"),
    ] {
        distrusted(
            certificate,
            host,
            &format!(
                "error: the server's certificate is for {names}, not {host}\n\
                 hint: check --server-root-url and the proxy variables: another server answers there\n"
            ),
        );
    }
}

#[test]
fn rejects_certificates_of_untrusted_authorities() {
    distrusted(
        Certificate::OtherAuthority,
        "localhost",
        &format!(
            "error: the certificate of localhost is issued by an authority that is not trusted here\n  \
             caused by: its issuer is Another authority\n{FOR_LOCALHOST}{REPLACED}"
        ),
    );
    distrusted(
        Certificate::SelfSigned,
        "localhost",
        &format!("error: the certificate of localhost is self-signed\n{FOR_LOCALHOST}{REPLACED}"),
    );
}

#[test]
fn rejects_a_client_certificate() {
    distrusted(
        Certificate::ForClients,
        "localhost",
        &format!(
            "error: the certificate of localhost is not for servers\n{FOR_LOCALHOST}\
             hint: its key usage has to allow signatures, and its extended key usage server authentication\n"
        ),
    );
}

#[test]
fn addresses_can_be_in_certificates() {
    let server = Server::builder()
        .certificate(Certificate::AddressOnly)
        .start();
    list(server.root_at("127.0.0.1"))
        .env("SSL_CERT_FILE", server.ca_path())
        .stdout(NOTHING)
        .run();
    let server = Server::start();
    list(server.root_at("127.0.0.1"))
        .env("SSL_CERT_FILE", server.ca_path())
        .stdout(NOTHING)
        .run();
}

#[test]
fn accepts_tls_1_2_and_1_3() {
    for (tls, version) in [
        (Tls::Only12, "1.2"),
        (Tls::Only13, "1.3"),
        (Tls::Both, "1.3"),
    ] {
        let server = Server::builder().tls(tls).start();
        let output = oz(&LIST)
            .arg("--debug")
            .server(&server)
            .stdout(NOTHING)
            .any_stderr()
            .run();
        assert!(
            output
                .stderr()
                .contains(&format!("debug: tls {version}, X25519, TLS")),
            "{}",
            output.stderr()
        );
        assert_eq!(server.handshakes(), 1);
    }
}

#[test]
fn rejects_replies_that_are_not_tls() {
    let not_tls = "error: localhost did not answer in TLS\n\
                   hint: something else listens there; check --server-root-url, its port, and the proxy variables\n";
    for bytes in [
        &b"HTTP/1.1 400 Bad Request\r\n\r\n"[..],
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"220 mail ESMTP\r\n",
        &[0; 64],
    ] {
        let server = Server::start();
        server.next(When::Any, Behaviour::GarbageHandshake(bytes.to_vec()));
        oz(&LIST).server(&server).code(69).stderr(not_tls).run();
        assert_eq!(server.connections(), 1);
    }
}

#[test]
fn a_handshake_that_is_cut_off() {
    let server = Server::start();
    server.next(When::Any, Behaviour::RefuseHandshake);
    oz(&LIST)
        .server(&server)
        .code(69)
        .stderr(
            "error: localhost and this client have no TLS cipher suite or key in common\n\
             hint: the server, or a proxy that answers in its place, has to support current TLS cipher suites\n",
        )
        .run();
    // Alerts by their numbers (RFC 8446 section 6): access_denied and internal_error.
    for (alert, name) in [(49, "AccessDenied"), (80, "InternalError")] {
        let server = Server::start();
        server.next(
            When::Any,
            Behaviour::GarbageHandshake(vec![21, 3, 3, 0, 2, 2, alert]),
        );
        oz(&LIST)
            .server(&server)
            .code(69)
            .stderr(format!(
                "error: localhost ended the TLS connection\n  caused by: alert {name}\n\
                 hint: the log of the server, or of a proxy that answers in its place, says why\n"
            ))
            .run();
    }
}

const TOO_OLD: &str = "error: localhost speaks no TLS version that is still safe\n\
     hint: the server, or a proxy that answers in its place, has to support TLS 1.2 or 1.3\n";

#[test]
fn rejects_old_tls_versions() {
    // A ServerHello of TLS 1.1 and of 1.0 with the suite AES128-SHA, and the alert protocol_version.
    let hello = |minor: u8| {
        let mut record = vec![22, 3, minor, 0, 42, 2, 0, 0, 38, 3, minor];
        record.extend([7; 32]);
        record.extend([0, 0, 0x2f, 0]);
        record
    };
    for bytes in [hello(2), hello(1), vec![21, 3, 1, 0, 2, 2, 70]] {
        let server = Server::start();
        server.next(When::Any, Behaviour::GarbageHandshake(bytes));
        oz(&LIST).server(&server).code(69).stderr(TOO_OLD).run();
    }
}

/// What `openssl` makes and serves: an authority and one leaf in a directory of their own.
struct OpenSsl {
    dir: TempDir,
    server: Option<Child>,
}

impl OpenSsl {
    /// The authority; `None` where there is no `openssl`.
    fn new() -> Option<Self> {
        if !tools::have("openssl") {
            return None;
        }
        let this = Self {
            dir: TempDir::new().expect("a directory"),
            server: None,
        };
        let config = "[req]\ndistinguished_name=d\n[d]\n[ca]\nbasicConstraints=critical,CA:true\nkeyUsage=keyCertSign\n";
        write(&this.dir, "ca.cnf", config);
        this.run("ecparam -name prime256v1 -genkey -noout -out ca.key");
        this.run("req -new -x509 -key ca.key -subj /CN=Authority -days 9 -out ca.pem -extensions ca -config ca.cnf");
        Some(this)
    }

    fn run(&self, command: &str) {
        let output = Command::new("openssl")
            .args(command.split(' '))
            .current_dir(self.dir.path())
            .output()
            .expect("openssl runs");
        assert!(
            output.status.success(),
            "{command}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
    }

    /// A leaf in `leaf.pem`, its key in `leaf.key`; `signing` are further arguments for the signature.
    fn leaf(&self, key: &str, extensions: &str, signing: &str) {
        write(&self.dir, "leaf.cnf", extensions);
        self.run(key);
        self.run("req -new -key leaf.key -subj /CN=localhost -out leaf.csr -config ca.cnf");
        self.run(&format!(
            "x509 -req -in leaf.csr -out leaf.pem -days 9 -extfile leaf.cnf {signing}"
        ));
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Serves the leaf on a free port, and answers the root.
    fn serve(&mut self, arguments: &str) -> String {
        let mut command = Command::new("openssl");
        // At its default security level, openssl itself would refuse the old algorithms.
        let common = "s_server -accept 127.0.0.1:0 -www -cert leaf.pem -key leaf.key -cipher DEFAULT@SECLEVEL=0";
        command
            .args(common.split(' '))
            .args(arguments.split(' ').filter(|word| !word.is_empty()));
        let spawned = command
            .current_dir(self.dir.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn();
        let mut child = spawned.expect("openssl runs");
        let lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
        let port = lines
            .map_while(Result::ok)
            .find_map(|line| Some(line.strip_prefix("ACCEPT ")?.rsplit_once(':')?.1.to_owned()));
        self.server = Some(child);
        format!(
            "https://localhost:{}",
            port.expect("openssl says where it listens")
        )
    }

    /// TLS stands, and then nothing more comes: `openssl` takes no POST.
    #[track_caller]
    fn accepted(&mut self, arguments: &str) {
        let root = self.serve(arguments);
        list(root)
            .env("SSL_CERT_FILE", self.path("ca.pem"))
            .args(["--timeout", "0.5"])
            .code(75)
            .stderr(
                "error: no answer from localhost within 0.5 s\n\
                 hint: try again later, or allow more time with --timeout\n",
            )
            .run();
        self.stop();
    }

    fn stop(&mut self) {
        if let Some(mut server) = self.server.take() {
            let _ = server.kill();
            let _ = server.wait();
        }
    }

    /// `list` against it, with its authority trusted.
    #[track_caller]
    fn refused(&mut self, arguments: &str, stderr: &str) {
        let root = self.serve(arguments);
        list(root)
            .env("SSL_CERT_FILE", self.path("ca.pem"))
            .code(69)
            .stderr(stderr)
            .run();
    }
}

impl Drop for OpenSsl {
    fn drop(&mut self) {
        self.stop();
    }
}

const EC: &str = "ecparam -name prime256v1 -genkey -noout -out leaf.key";
const NAMED: &str = "subjectAltName=DNS:localhost\n";
const SIGNED: &str = "-CA ca.pem -CAkey ca.key";

#[test]
fn accepts_an_openssl_server() {
    let Some(mut openssl) = OpenSsl::new() else {
        return;
    };
    openssl.leaf(EC, NAMED, SIGNED);
    openssl.accepted("");
}

#[test]
fn rejects_an_openssl_server_with_tls_1_1() {
    let Some(mut openssl) = OpenSsl::new() else {
        return;
    };
    openssl.leaf(EC, NAMED, SIGNED);
    openssl.refused("-tls1_1", TOO_OLD);
}

#[test]
fn rejects_a_sha_1_signature() {
    let Some(mut openssl) = OpenSsl::new() else {
        return;
    };
    openssl.leaf(EC, NAMED, &format!("{SIGNED} -sha1"));
    openssl.refused(
        "",
        "error: the certificate of localhost is signed in a way that is not safe, or not known here\n  \
         caused by: the server's certificate is for localhost\n\
         hint: the server needs a certificate with an ECDSA, Ed25519 or RSA key of 2048 bits or more and SHA-2\n",
    );
}

#[test]
fn rejects_a_short_rsa_key() {
    for version in ["-tls1_2", "-tls1_3"] {
        let Some(mut openssl) = OpenSsl::new() else {
            return;
        };
        openssl.leaf("genrsa -out leaf.key 1024", NAMED, SIGNED);
        openssl.refused(
            version,
            "error: a signature by localhost, or on its certificate, could not be verified\n\
             hint: a key may be RSA with less than 2048 bits, or an authority trusted here has the same name as the \
             one that issued it\n",
        );
    }
}

#[test]
fn an_authority_of_the_same_name() {
    let Some(mut openssl) = OpenSsl::new() else {
        return;
    };
    openssl.leaf(EC, NAMED, SIGNED);
    let Some(other) = OpenSsl::new() else { return };
    fs::copy(other.path("ca.pem"), openssl.path("ca.pem")).expect("a copy");
    openssl.refused(
        "",
        "error: a signature by localhost, or on its certificate, could not be verified\n  \
         caused by: the server's certificate is for localhost\n\
         hint: a key may be RSA with less than 2048 bits, or an authority trusted here has the same name as the \
         one that issued it\n",
    );
}

#[test]
fn a_common_name_alone_names_no_host() {
    let Some(mut openssl) = OpenSsl::new() else {
        return;
    };
    openssl.leaf(EC, "basicConstraints=CA:false\n", SIGNED);
    openssl.refused(
        "",
        "error: the certificate of localhost names no host\n  \
         caused by: a common name does not count any more\n\
         hint: the server needs a certificate with a subject alternative name\n",
    );
}

#[test]
fn an_authority_that_shows_its_own_certificate() {
    let Some(mut openssl) = OpenSsl::new() else {
        return;
    };
    openssl.leaf(
        EC,
        "subjectAltName=DNS:localhost\nbasicConstraints=critical,CA:true\n",
        SIGNED,
    );
    openssl.refused(
        "",
        "error: localhost shows the certificate of an authority as its own\n  \
         caused by: the server's certificate is for localhost\n\
         hint: the server needs a certificate of its own; to trust just this one, name it with --ca-file\n",
    );
}

#[test]
fn an_extension_that_is_critical_and_unknown() {
    let Some(mut openssl) = OpenSsl::new() else {
        return;
    };
    openssl.leaf(
        EC,
        "subjectAltName=DNS:localhost\n1.2.3.4=critical,ASN1:UTF8String:x\n",
        SIGNED,
    );
    openssl.refused(
        "",
        "error: the certificate of localhost is not acceptable\n  caused by: UnsupportedCriticalExtension\n\
         hint: the server, or a proxy that answers in its place, has to show another\n",
    );
}

#[test]
fn rejects_a_chain_without_its_intermediate() {
    let Some(mut openssl) = OpenSsl::new() else {
        return;
    };
    write(
        &openssl.dir,
        "middle.cnf",
        "basicConstraints=critical,CA:true\n",
    );
    openssl.run("ecparam -name prime256v1 -genkey -noout -out middle.key");
    openssl.run("req -new -key middle.key -subj /CN=Middle -out middle.csr -config ca.cnf");
    openssl.run(&format!(
        "x509 -req -in middle.csr -out middle.pem -days 9 -extfile middle.cnf {SIGNED}"
    ));
    openssl.leaf(EC, NAMED, "-CA middle.pem -CAkey middle.key");
    openssl.accepted("-cert_chain middle.pem");
    openssl.refused(
        "",
        &format!(
            "error: the certificate of localhost is issued by an authority that is not trusted here\n  \
             caused by: its issuer is Middle\n  \
             caused by: the server's certificate is for localhost\n{REPLACED}"
        ),
    );
}

/// A TLS server by hand that shows these bytes as its certificate.
mod garbage {
    use crate::support::peer::Peer;
    use std::sync::Arc;
    use tokio_rustls::rustls::crypto::ring;
    use tokio_rustls::rustls::pki_types::CertificateDer;
    use tokio_rustls::rustls::server::{ClientHello, ResolvesServerCert};
    use tokio_rustls::rustls::sign::CertifiedKey;
    use tokio_rustls::rustls::{ServerConfig, ServerConnection};

    #[derive(Debug)]
    struct Always(Arc<CertifiedKey>);

    impl ResolvesServerCert for Always {
        fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
            Some(Arc::clone(&self.0))
        }
    }

    pub fn serve(certificate: Vec<u8>) -> Peer {
        let issued = crate::support::pki::issue(crate::support::pki::Certificate::Good);
        let provider = ring::default_provider();
        let key = provider
            .key_provider
            .load_private_key(issued.key)
            .expect("a key");
        let chain = vec![CertificateDer::from(certificate)];
        let resolver = Always(Arc::new(CertifiedKey::new(chain, key)));
        let config = ServerConfig::builder_with_provider(Arc::new(provider))
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_no_client_auth()
            .with_cert_resolver(Arc::new(resolver));
        let config = Arc::new(config);
        Peer::start(move |connection| {
            let mut tls = ServerConnection::new(Arc::clone(&config)).expect("a server");
            let _ = tls.complete_io(connection.tcp());
        })
    }
}

#[test]
fn rejects_malformed_certificates() {
    let good = crate::support::pki::issue(Certificate::Good);
    let whole = good.chain[0].to_vec();
    let dir = TempDir::new().expect("a directory");
    let authority = write(&dir, "ca.pem", good.authority_pem);
    let mut bent = whole.clone();
    // The inner sequence becomes a set: all lengths still fit.
    bent[4] ^= 1;
    for certificate in [
        vec![0],
        b"-----BEGIN CERTIFICATE-----".to_vec(),
        whole[..40].to_vec(),
        [whole, vec![0]].concat(),
        bent,
    ] {
        let peer = garbage::serve(certificate);
        list(format!("https://localhost:{}", peer.address().port()))
            .env("SSL_CERT_FILE", &authority)
            .code(69)
            .stderr(
                "error: the certificate of localhost is malformed\n\
                 hint: the server, or a proxy that answers in its place, has to show another\n",
            )
            .run();
        assert_eq!(peer.connections(), 1);
    }
}

#[test]
fn a_ca_file_adds_to_the_trusted_roots() {
    let server = Server::start();
    let other = Server::start();
    let ca = server.ca_path();
    list(server.root())
        .arg("--ca-file")
        .arg(ca)
        .stdout(NOTHING)
        .run();
    list(server.root())
        .env("SSL_CERT_FILE", other.ca_path())
        .arg("--ca-file")
        .arg(ca)
        .stdout(NOTHING)
        .run();
    list(server.root())
        .env("SSL_CERT_FILE", ca)
        .arg("--ca-file")
        .arg(other.ca_path())
        .stdout(NOTHING)
        .run();
    // An empty variable is none.
    list(server.root())
        .env("SSL_CERT_FILE", "")
        .env("SSL_CERT_DIR", "")
        .arg("--ca-file")
        .arg(ca)
        .stdout(NOTHING)
        .run();
    // A file from Windows, and two of them joined.
    let dir = TempDir::new().expect("a directory");
    let [one, two] = [ca, other.ca_path()].map(|path| fs::read_to_string(path).expect("PEM"));
    for text in [
        format!("\u{feff}{one}"),
        format!("\u{feff}{two}\u{feff}{one}"),
        format!("{two}\u{feff}{one}").replace('\n', "\r\n"),
    ] {
        let marked = write(&dir, "marked.pem", text);
        for (run, _) in doors(&server, &marked) {
            run.stdout(NOTHING).run();
        }
    }
    // Several in one file, and text between them.
    let dir = TempDir::new().expect("a directory");
    let [first, second] = [other.ca_path(), ca].map(|path| fs::read_to_string(path).expect("PEM"));
    let bundle = write(
        &dir,
        "bundle.pem",
        format!(
            "# first\n{first}\nSecond:\n{}",
            second.replace('\n', "\r\n")
        ),
    );
    list(server.root())
        .arg("--ca-file")
        .arg(bundle)
        .stdout(NOTHING)
        .run();
}

#[test]
fn a_directory_of_authorities() {
    let server = Server::start();
    let other = Server::start();
    let dir = TempDir::new().expect("a directory");
    fs::copy(server.ca_path(), dir.path().join("0a1b2c3d.0")).expect("a copy");
    write(&dir, "README", "not a certificate");
    list(server.root())
        .env("SSL_CERT_DIR", dir.path())
        .stdout(NOTHING)
        .run();
    let both = format!(
        "{}:{}",
        other.ca_path().parent().expect("a directory").display(),
        dir.path().display()
    );
    list(server.root())
        .env("SSL_CERT_DIR", both)
        .stdout(NOTHING)
        .run();
    list(server.root())
        .env("SSL_CERT_DIR", dir.path())
        .env("SSL_CERT_FILE", other.ca_path())
        .stdout(NOTHING)
        .run();
    // It replaces, too: another authority is not trusted any more.
    list(other.root())
        .env("SSL_CERT_DIR", dir.path())
        .code(69)
        .any_stderr()
        .run();
    assert_eq!(other.ops(), [""; 0]);
}

#[test]
fn a_directory_without_a_file() {
    let server = Server::start();
    let empty = TempDir::new().expect("a directory");
    list(server.root())
        .env("SSL_CERT_DIR", empty.path())
        .code(78)
        .stderr(format!(
            "error: the directory '{}' of SSL_CERT_DIR holds no usable certificate\n{WHAT_IT_HOLDS}",
            empty.path().display()
        ))
        .run();
    let absent = empty.path().join("absent");
    let run = list(server.root()).env("SSL_CERT_DIR", &absent).code(66);
    run.stderr(format!(
        "error: cannot read the directory '{}' of SSL_CERT_DIR\n  caused by: No such file or directory\n",
        absent.display()
    ))
    .run();
    assert_eq!(server.connections(), 0);
    // One that is there is enough, as with OpenSSL.
    let directory = TempDir::new().expect("a directory");
    fs::copy(server.ca_path(), directory.path().join("0a1b2c3d.0")).expect("a copy");
    for both in [
        [absent.as_path(), directory.path()],
        [directory.path(), absent.as_path()],
    ] {
        let both = std::env::join_paths(both).expect("no colons");
        list(server.root())
            .env("SSL_CERT_DIR", both)
            .stdout(NOTHING)
            .run();
    }
}

#[test]
fn a_directory_is_read_only_where_the_file_does_not_suffice() {
    let (server, other) = (Server::start(), Server::start());
    let directory = TempDir::new().expect("a directory");
    let absent = directory.path().join("absent");
    let not_trusted = format!(
        "error: the certificate of localhost is issued by an authority that is not trusted here\n  \
         caused by: its issuer is Local test authority\n  \
         caused by: cannot read the directory '{}' of SSL_CERT_DIR: No such file or directory\n{FOR_LOCALHOST}",
        absent.display()
    );
    let with_dir = || list(server.root()).env("SSL_CERT_DIR", &absent);
    with_dir()
        .env("SSL_CERT_FILE", server.ca_path())
        .stdout(NOTHING)
        .run();
    with_dir()
        .arg("--ca-file")
        .arg(server.ca_path())
        .stdout(NOTHING)
        .run();
    // The message also has the purpose that it is missing.
    let untrusted = pki::Signed::new("Untrusted", None, |_| {}).pem();
    let untrusted = write(&directory, "untrusted.pem", untrusted);
    for run in [
        with_dir().env("SSL_CERT_FILE", &untrusted),
        with_dir().arg("--ca-file").arg(&untrusted),
    ] {
        run.code(69)
            .stderr(format!("{not_trusted}{REPLACED}"))
            .run();
    }
    // How often it was opened.
    let opened = |file: &Path| {
        let run = list(server.root())
            .env("SSL_CERT_FILE", file)
            .env(
                "SSL_CERT_DIR",
                other.ca_path().parent().expect("a directory"),
            )
            .any_code()
            .any_stdout()
            .any_stderr();
        let log = run.trace("-e trace=open,openat,openat2")?;
        let path = other.ca_path().display().to_string();
        Some(log.lines().filter(|line| line.contains(&path)).count())
    };
    let Some(count) = opened(server.ca_path()) else {
        return;
    };
    assert_eq!(count, 0);
    assert_eq!(opened(&untrusted), Some(1));
}

#[test]
fn authorities_that_do_not_count_are_named() {
    let edit = |expired: bool| {
        move |params: &mut rcgen::CertificateParams| {
            params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
            if expired {
                params.not_after = rcgen::date_time_ymd(2020, 12, 31);
            }
        }
    };
    let named = |params: &mut rcgen::CertificateParams| {
        let name = "localhost".try_into().expect("ASCII");
        params.subject_alt_names = vec![rcgen::SanType::DnsName(name)];
    };
    let root = pki::Signed::new("Root", None, edit(false));
    let old = pki::Signed::new("Root", None, edit(true));
    let plain = pki::Signed::new("Plain", None, named);
    let middle = pki::Signed::new("Middle", Some(&root), edit(true));
    let unknown = "is issued by an authority that is not trusted here\n  caused by: its issuer is";
    for (trusted, issuer, sent, words) in [
        (
            &old,
            Some(&old),
            None,
            format!("{unknown} Root\n  caused by: the certificate of Root expired on 2020-12-31"),
        ),
        (
            &plain,
            Some(&plain),
            None,
            format!(
                "{unknown} Plain\n  caused by: the certificate of Plain may not issue certificates for servers"
            ),
        ),
        (
            &root,
            Some(&middle),
            Some(&middle),
            format!(
                "{unknown} Middle\n  caused by: the certificate of Middle expired on 2020-12-31"
            ),
        ),
        (&root, None, None, "is self-signed".to_owned()),
    ] {
        let leaf = pki::Signed::new("server", issuer, named);
        let sent: Vec<_> = sent.into_iter().collect();
        let server = Server::builder().issued(leaf.issued(&sent)).start();
        let dir = TempDir::new().expect("a directory");
        list(server.root())
            .env("SSL_CERT_FILE", write(&dir, "trusted.pem", trusted.pem()))
            .code(69)
            .stderr(format!(
                "error: the certificate of localhost {words}\n  \
                 caused by: the server's certificate is for localhost\n{REPLACED}"
            ))
            .run();
    }
}

/// A name can be of any length, and hold anything.
#[test]
fn names_in_certificates_are_cut_and_escaped() {
    let long = "x".repeat(10_000);
    let cut = format!("{}…", &long[..100]);
    let root = pki::Signed::new(&format!("\u{1b}[31m{long}"), None, |params| {
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    });
    let names = ["a\u{1b}[31m", &long, "b", "c"];
    let of = |names: &[&str]| {
        let names: Vec<_> = names
            .iter()
            .map(|name| rcgen::SanType::DnsName((*name).try_into().expect("ASCII")))
            .collect();
        let leaf = pki::Signed::new("server", Some(&root), |params| {
            params.subject_alt_names = names;
        });
        Server::builder().issued(leaf.issued(&[])).start()
    };
    let dir = TempDir::new().expect("a directory");
    let trusted = write(&dir, "trusted.pem", root.pem());
    let other = pki::issue(Certificate::Good).authority_pem;
    let other = write(&dir, "other.pem", other);
    for (names, text) in [
        (&names[1..2], cut.clone()),
        (&names[..2], format!("a\\u{{1b}}[31m and {cut}")),
        (&names[..3], format!("a\\u{{1b}}[31m, {cut} and b")),
        (&names[..], format!("a\\u{{1b}}[31m, {cut} and 2 others")),
    ] {
        let server = of(names);
        let run = list(server.root()).env("SSL_CERT_FILE", &other).code(69);
        run.stderr(format!(
            "error: the certificate of localhost is issued by an authority that is not trusted here\n  \
             caused by: its issuer is \\u{{1b}}[31m{}…\n  \
             caused by: the server's certificate is for {text}\n{REPLACED}",
            &long[..95]
        ))
        .run();
        let run = list(server.root()).env("SSL_CERT_FILE", &trusted).code(69);
        run.stderr(format!(
            "error: the server's certificate is for {text}, not localhost\n\
             hint: check --server-root-url and the proxy variables: another server answers there\n"
        ))
        .run();
    }
}

const WHAT_IT_HOLDS: &str =
    "hint: it holds the certificates of authorities in PEM: -----BEGIN CERTIFICATE-----\n";

/// The ways to give a CA file, and the name of each in messages.
fn doors(server: &Server, path: &Path) -> [(Run<'static>, String); 2] {
    let path_text = path.display();
    [
        (
            list(server.root()).arg("--ca-file").arg(path),
            format!("the file '{path_text}' of --ca-file"),
        ),
        (
            list(server.root()).env("SSL_CERT_FILE", path),
            format!("the file '{path_text}' of SSL_CERT_FILE"),
        ),
    ]
}

#[test]
fn rejects_ca_files_without_certificates() {
    let server = Server::start();
    let dir = TempDir::new().expect("a directory");
    let good = fs::read_to_string(server.ca_path()).expect("PEM");
    let pem = |label: &str, content: &str| {
        format!("-----BEGIN {label}-----\n{content}\n-----END {label}-----\n")
    };
    let key = |label: &str| format!("{good}{}", pem(label, "AAAA"));
    for (content, fault) in [
        (String::new(), "is empty"),
        (" \r\n\t".to_owned(), "is empty"),
        ("hello".to_owned(), "holds no certificate in PEM"),
        (
            pem("CERTIFICATE REQUEST", "AAAA"),
            "holds no certificate in PEM",
        ),
        (pem("CERTIFICATE", "AAAA"), "holds no usable certificate"),
        (pem("CERTIFICATE", "!"), "holds malformed PEM"),
        (good[..good.len() / 2].to_owned(), "holds malformed PEM"),
        (
            key("PRIVATE KEY"),
            "holds a private key, which does not belong there",
        ),
        (
            key("RSA PRIVATE KEY"),
            "holds a private key, which does not belong there",
        ),
        (
            format!("\u{feff}{}", key("PRIVATE KEY")),
            "holds a private key, which does not belong there",
        ),
        ("\u{feff}".to_owned(), "is empty"),
        (
            key("ENCRYPTED PRIVATE KEY").replace('\n', "\r\n"),
            "holds a private key, which does not belong there",
        ),
    ] {
        let path = write(&dir, "odd.pem", content);
        for (run, name) in doors(&server, &path) {
            run.code(78)
                .stderr(format!("error: {name} {fault}\n{WHAT_IT_HOLDS}"))
                .run();
        }
    }
    assert_eq!(server.connections(), 0);
}

#[test]
fn rejects_unreadable_ca_files() {
    let server = Server::start();
    let dir = TempDir::new().expect("a directory");
    for (path, cause) in [
        (dir.path().join("absent.pem"), "No such file or directory"),
        (dir.path().to_owned(), "Is a directory"),
    ] {
        for (run, name) in doors(&server, &path) {
            run.code(66)
                .stderr(format!("error: cannot read {name}\n  caused by: {cause}\n"))
                .run();
        }
    }
    let escaped = dir.path().join("\u{1b}[31m");
    list(server.root())
        .arg("--ca-file")
        .arg(&escaped)
        .code(66)
        .stderr(format!(
            "error: cannot read the file '{}/\\u{{1b}}[31m' of --ca-file\n  caused by: No such file or directory\n",
            dir.path().display()
        ))
        .run();
    assert_eq!(server.connections(), 0);
}

#[test]
fn a_ca_file_has_a_limit() {
    const LIMIT: usize = 4 * 1024 * 1024;
    let server = Server::start();
    let dir = TempDir::new().expect("a directory");
    let mut content = fs::read(server.ca_path()).expect("PEM");
    for (length, good) in [(LIMIT - 1, true), (LIMIT, true), (LIMIT + 1, false)] {
        content.resize(length, b'\n');
        let path = write(&dir, "large.pem", &content);
        for (run, name) in doors(&server, &path) {
            if good {
                run.stdout(NOTHING).run();
            } else {
                run.code(78)
                    .stderr(format!(
                        "error: {name} is larger than 4 MiB\n{WHAT_IT_HOLDS}"
                    ))
                    .run();
            }
        }
    }
    for (run, name) in doors(&server, Path::new("/dev/zero")) {
        run.code(78)
            .stderr(format!(
                "error: {name} is larger than 4 MiB\n{WHAT_IT_HOLDS}"
            ))
            .run();
    }
}

const BUNDLE: &str = "/etc/ssl/certs/ca-certificates.crt";

/// Whether this machine has a CA bundle.
fn have_bundle() -> bool {
    let found = Path::new(BUNDLE).exists();
    if !found {
        tools::skip_without(BUNDLE);
    }
    found
}

/// Runs with this file mounted as the system's bundle.
fn with_bundle<'a>(run: Run<'a>, bundle: &Path) -> Option<Run<'a>> {
    if !have_bundle() {
        return None;
    }
    let script = format!("mount --bind {} {BUNDLE}", bundle.display());
    namespaces::mounts(run, &script)
}

#[test]
fn the_system_bundle_is_trusted_unless_replaced() {
    let server = Server::start();
    let Some(other) = OpenSsl::new() else { return };
    let other_directory = TempDir::new().expect("a directory");
    fs::copy(
        other.path("ca.pem"),
        other_directory.path().join("0a1b2c3d.0"),
    )
    .expect("a copy");
    for (variable, code) in [
        (None, 0),
        (Some("SSL_CERT_FILE"), 69),
        (Some("SSL_CERT_DIR"), 69),
    ] {
        let mut run = oz(&LIST)
            .env("WARP_API_KEY", MARKER_KEY)
            .env("WARP_SERVER_ROOT_URL", server.root())
            .code(code);
        run = match variable {
            None => run.stdout(NOTHING),
            Some("SSL_CERT_FILE") => run.env("SSL_CERT_FILE", other.path("ca.pem")),
            Some(name) => run.env(name, other_directory.path()),
        };
        if code != 0 {
            run = run.stderr(format!(
                "error: the certificate of localhost is issued by an authority that is not trusted here\n  \
                 caused by: its issuer is Local test authority\n{FOR_LOCALHOST}{REPLACED}"
            ));
        }
        let Some(run) = with_bundle(run, server.ca_path()) else {
            return;
        };
        run.run();
    }
}

/// Two certificates of one authority: an expired one, by a root that is not trusted, and a valid one, by a root
/// that only the system's bundle has.
#[test]
fn the_system_bundle_is_tried_after_every_chain_error() {
    let authority = |name: &str| {
        pki::Signed::new(name, None, |params| {
            params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        })
    };
    let (old, root) = (authority("Old"), authority("Root"));
    let middle = pki::Signed::new("Middle", Some(&root), |params| {
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    });
    let stale = middle.again("Middle", Some(&old), |params| {
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        params.not_after = rcgen::date_time_ymd(2020, 12, 31);
    });
    let leaf = pki::Signed::new("server", Some(&middle), |params| {
        let name = "localhost".try_into().expect("ASCII");
        params.subject_alt_names = vec![rcgen::SanType::DnsName(name)];
    });
    let dir = TempDir::new().expect("a directory");
    for (bundle, code) in [(&root, 0), (&old, 69)] {
        let bundle = write(&dir, "bundle.pem", bundle.pem());
        for sent in [[&stale, &middle], [&middle, &stale]] {
            let server = Server::builder().issued(leaf.issued(&sent)).start();
            let run = list(server.root()).code(code);
            let run = match code {
                0 => run.stdout(NOTHING),
                _ => run.stderr(
                    "error: the certificate of localhost is issued by an authority that is not trusted here\n  \
                     caused by: its issuer is Middle\n  \
                     caused by: the server's certificate is for localhost\n\
                     hint: if this is expected, name the authority's certificate with --ca-file, or the server's own\n",
                ),
            };
            let Some(run) = with_bundle(run, &bundle) else {
                return;
            };
            run.run();
        }
    }
}

/// How often a run of the program opened the system's bundle.
fn opened(run: impl Fn(Run<'static>) -> Run<'static>) -> Option<usize> {
    if !have_bundle() {
        return None;
    }
    let delete = oz(&["secret", "delete", "N", "--force"]).env("WARP_API_KEY", MARKER_KEY);
    let trace = run(delete).trace("-e trace=open,openat,openat2")?;
    Some(
        trace
            .lines()
            .filter(|line| line.contains("ca-certificates.crt") || line.contains("tls-ca-bundle"))
            .count(),
    )
}

#[test]
fn the_system_bundle_is_read_only_when_it_is_needed() {
    let server = Server::start();
    server.seed_raw(Scope::Personal, "N");
    let known = |run: Run<'static>| {
        run.env("WARP_SERVER_ROOT_URL", server.root())
            .arg("--ca-file")
            .arg(server.ca_path())
            .stdout("Secret 'N' deleted\n")
    };
    let Some(count) = opened(known) else { return };
    assert_eq!(count, 0);
    // Three attempts with an untrusted certificate: it is read once.
    server.always(
        When::Any,
        Behaviour::Vanish(crate::server::Point::Accepted, End::Reset),
    );
    let unreachable = |run: Run<'static>| {
        run.env("WARP_SERVER_ROOT_URL", server.root())
            .code(69)
            .any_stderr()
    };
    assert_eq!(opened(unreachable), Some(0));
    let untrusted = Server::start();
    let unknown = |run: Run<'static>| {
        run.env("WARP_SERVER_ROOT_URL", untrusted.root())
            .code(69)
            .any_stderr()
    };
    assert_eq!(opened(unknown), Some(1));
    let replaced = |run: Run<'static>| {
        run.env("WARP_SERVER_ROOT_URL", untrusted.root())
            .env("SSL_CERT_FILE", server.ca_path())
            .code(69)
            .any_stderr()
    };
    assert_eq!(opened(replaced), Some(0));
}

/// Which certificates are trusted for what: the same decisions as those of `openssl verify`.
mod decisions {
    use super::{LIST, NOTHING};
    use crate::server::Server;
    use crate::support::pki::Signed;
    use crate::support::{MARKER_KEY, oz, tools, write};
    use rcgen::{
        BasicConstraints, CertificateParams, CustomExtension, ExtendedKeyUsagePurpose, IsCa,
        KeyUsagePurpose, NameConstraints, date_time_ymd,
    };
    use std::fs;
    use std::process::Command;
    use tempfile::TempDir;

    type Edit = fn(&mut CertificateParams);

    const AUTHORITY: Edit = |p| p.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    const SIGNS: Edit = |p| p.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    const AGREES: Edit = |p| p.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    const SIGNS_AND_AGREES: Edit = |p| {
        p.key_usages = vec![
            KeyUsagePurpose::KeyCertSign,
            KeyUsagePurpose::DigitalSignature,
        ]
    };
    const ENCIPHERS: Edit = |p| p.key_usages = vec![KeyUsagePurpose::KeyEncipherment];
    const NOT_AUTHORITY: Edit = |p| p.is_ca = IsCa::ExplicitNoCa;
    const NO_MORE_BELOW: Edit = |p| p.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    const FOR_CLIENTS: Edit = |p| p.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    const FOR_SERVERS: Edit = |p| p.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    const FOR_BOTH: Edit = |p| {
        p.extended_key_usages = vec![
            ExtendedKeyUsagePurpose::ClientAuth,
            ExtendedKeyUsagePurpose::ServerAuth,
        ];
    };
    const FOR_ANYTHING: Edit = |p| p.extended_key_usages = vec![ExtendedKeyUsagePurpose::Any];
    const EXPIRED: Edit = |p| p.not_after = date_time_ymd(2020, 12, 31);
    const FUTURE: Edit = |p| p.not_before = date_time_ymd(2100, 1, 1);
    const NAMED: Edit =
        |p| p.subject_alt_names = vec![rcgen::SanType::DnsName("localhost".try_into().unwrap())];
    const NAMED_ELSEWHERE: Edit =
        |p| p.subject_alt_names = vec![rcgen::SanType::DnsName("elsewhere".try_into().unwrap())];
    const ONLY_ELSEWHERE: Edit = |p| {
        p.name_constraints = Some(NameConstraints {
            permitted_subtrees: vec![rcgen::GeneralSubtree::DnsName("elsewhere".into())],
            excluded_subtrees: Vec::new(),
        });
    };

    fn signed(name: &str, issuer: Option<&Signed>, edits: &[Edit]) -> Signed {
        Signed::new(name, issuer, |params| {
            edits.iter().for_each(|edit| edit(params))
        })
    }

    /// Whether a server with this chain is accepted where these certificates are trusted.
    #[track_caller]
    fn decide(what: &str, accepted: bool, trusted: &[&Signed], chain: &[&Signed]) {
        let pem = |all: &[&Signed]| all.iter().map(|one| one.pem()).collect::<String>();
        let dir = TempDir::new().expect("a directory");
        let trusted_path = write(&dir, "trusted.pem", pem(trusted));
        write(&dir, "leaf.pem", chain[0].pem());
        write(&dir, "chain.pem", pem(chain));
        if tools::have("openssl") {
            let output = Command::new("openssl")
                .args("verify -no-CApath -no-CAstore -partial_chain -purpose sslserver".split(' '))
                .args("-verify_hostname localhost -CAfile trusted.pem".split(' '))
                .args("-untrusted chain.pem leaf.pem".split(' '))
                .current_dir(dir.path())
                .env_clear()
                .env("PATH", std::env::var_os("PATH").unwrap_or_default())
                .output()
                .expect("openssl runs");
            assert_eq!(
                output.status.success(),
                accepted,
                "{what}: openssl decides otherwise: {}",
                String::from_utf8_lossy(&output.stderr)
            );
        }
        let server = Server::builder()
            .issued(chain[0].issued(&chain[1..]))
            .start();
        let directory = TempDir::new().expect("a directory");
        fs::copy(&trusted_path, directory.path().join("0a1b2c3d.0")).expect("a copy");
        let list = oz(&LIST)
            .env("WARP_API_KEY", MARKER_KEY)
            .env("WARP_SERVER_ROOT_URL", server.root())
            .any_code()
            .any_stdout()
            .any_stderr();
        for run in [
            list.clone().env("SSL_CERT_FILE", &trusted_path),
            list.clone().env("SSL_CERT_DIR", directory.path()),
            list.arg("--ca-file").arg(&trusted_path),
        ] {
            let output = run.run();
            let (code, stdout) = if accepted { (0, NOTHING) } else { (69, "") };
            assert_eq!(output.status.code(), Some(code), "{what}: {output:?}");
            assert_eq!(output.stdout(), stdout, "{what}");
        }
        assert_eq!(server.ops().is_empty(), !accepted, "{what}");
    }

    #[test]
    fn authorities() {
        let root = |edits: &[Edit]| signed("Root", None, edits);
        let by = |issuer: &Signed| signed("server", Some(issuer), &[NAMED]);
        for (what, accepted, edits) in [
            ("an ordinary root", true, &[AUTHORITY, SIGNS][..]),
            ("a root without key usage", true, &[AUTHORITY]),
            (
                "a root that may do more",
                true,
                &[AUTHORITY, SIGNS_AND_AGREES],
            ),
            ("a root for servers", true, &[AUTHORITY, FOR_SERVERS]),
            ("a root for both", true, &[AUTHORITY, SIGNS, FOR_BOTH]),
            (
                "a root for clients",
                false,
                &[AUTHORITY, SIGNS, FOR_CLIENTS],
            ),
            (
                "a root for anything",
                false,
                &[AUTHORITY, SIGNS, FOR_ANYTHING],
            ),
            ("a root that may not sign", false, &[AUTHORITY, AGREES]),
            ("no authority by its own word", false, &[NOT_AUTHORITY]),
            ("no authority, but may sign", false, &[NOT_AUTHORITY, SIGNS]),
            ("no constraints", false, &[]),
            ("no constraints, with names", false, &[NAMED]),
            ("no constraints, may sign", true, &[SIGNS]),
            ("no constraints, may not sign", false, &[AGREES]),
            ("an expired root", false, &[AUTHORITY, SIGNS, EXPIRED]),
            ("a root from the future", false, &[AUTHORITY, SIGNS, FUTURE]),
            (
                "a root for others",
                false,
                &[AUTHORITY, SIGNS, ONLY_ELSEWHERE],
            ),
        ] {
            let root = root(edits);
            decide(what, accepted, &[&root], &[&by(&root)]);
        }
        let old = root(&[]).version_1(None);
        decide("a root of version 1", true, &[&old], &[&by(&old)]);
        let expired = root(&[EXPIRED]).version_1(None);
        decide(
            "an expired root of version 1",
            false,
            &[&expired],
            &[&by(&expired)],
        );
        let other = signed("Other", None, &[AUTHORITY]);
        let old = signed("Root", Some(&other), &[]).version_1(Some(&other));
        decide("version 1, by another", false, &[&old], &[&by(&old)]);
        let below = signed("Below", Some(&other), &[AUTHORITY, SIGNS]);
        decide("an authority below a root", true, &[&below], &[&by(&below)]);
        // One that is good beside one that is not, in either order.
        let good = root(&[AUTHORITY, SIGNS]);
        let stale = good.again("Root", None, |p: &mut CertificateParams| {
            AUTHORITY(p);
            EXPIRED(p);
        });
        decide("stale, good", true, &[&stale, &good], &[&by(&good)]);
        decide("good, stale", true, &[&good, &stale], &[&by(&good)]);
    }

    #[test]
    fn intermediate_certificates() {
        let root = signed("Root", None, &[AUTHORITY, SIGNS]);
        for (what, accepted, edits) in [
            ("an ordinary one", true, &[AUTHORITY, SIGNS][..]),
            ("without key usage", true, &[AUTHORITY]),
            ("for servers", true, &[AUTHORITY, FOR_SERVERS]),
            ("for clients", false, &[AUTHORITY, FOR_CLIENTS]),
            ("for anything", false, &[AUTHORITY, FOR_ANYTHING]),
            ("may not sign", false, &[AUTHORITY, AGREES]),
            ("no authority by its own word", false, &[NOT_AUTHORITY]),
            ("no constraints", false, &[]),
            ("no constraints, may sign", false, &[SIGNS]),
            ("expired", false, &[AUTHORITY, SIGNS, EXPIRED]),
            ("from the future", false, &[AUTHORITY, SIGNS, FUTURE]),
            ("for others", false, &[AUTHORITY, SIGNS, ONLY_ELSEWHERE]),
        ] {
            let middle = signed("Middle", Some(&root), edits);
            let leaf = signed("server", Some(&middle), &[NAMED]);
            decide(what, accepted, &[&root], &[&leaf, &middle]);
            // In the file with its root, it counts only if it is an authority itself.
            let in_file = accepted || what == "no constraints, may sign";
            decide(what, in_file, &[&root, &middle], &[&leaf]);
        }
        let old = signed("Middle", Some(&root), &[]).version_1(Some(&root));
        let leaf = signed("server", Some(&old), &[NAMED]);
        decide("version 1", false, &[&root], &[&leaf, &old]);
        let last = signed("Last", Some(&root), &[NO_MORE_BELOW]);
        let below = signed("Below", Some(&last), &[AUTHORITY]);
        let leaf = signed("server", Some(&last), &[NAMED]);
        decide("the last", true, &[&root], &[&leaf, &last]);
        let leaf = signed("server", Some(&below), &[NAMED]);
        decide("below the last", false, &[&root], &[&leaf, &below, &last]);
        // The same authority twice: an old certificate that expired and its successor, in either order.
        let middle = signed("Middle", Some(&root), &[AUTHORITY, SIGNS]);
        let stale = middle.again("Middle", Some(&root), |p: &mut CertificateParams| {
            AUTHORITY(p);
            EXPIRED(p);
        });
        let leaf = signed("server", Some(&middle), &[NAMED]);
        decide("stale, good", true, &[&root], &[&leaf, &stale, &middle]);
        decide("good, stale", true, &[&root], &[&leaf, &middle, &stale]);
    }

    #[test]
    fn certificates_of_servers() {
        let root = signed("Root", None, &[AUTHORITY, SIGNS]);
        let untrusted = signed("Untrusted", None, &[AUTHORITY, SIGNS]);
        for (what, accepted, edits) in [
            ("nothing but a name", true, &[NAMED][..]),
            (
                "no authority by its own word",
                true,
                &[NAMED, NOT_AUTHORITY],
            ),
            ("for servers", true, &[NAMED, AGREES, FOR_SERVERS]),
            ("for both", true, &[NAMED, AGREES, FOR_BOTH]),
            ("for clients", false, &[NAMED, FOR_CLIENTS]),
            ("for anything", false, &[NAMED, FOR_ANYTHING]),
            ("may encipher", true, &[NAMED, ENCIPHERS]),
            ("may only sign certificates", false, &[NAMED, SIGNS]),
            ("expired", false, &[NAMED, EXPIRED]),
            ("from the future", false, &[NAMED, FUTURE]),
            ("another name", false, &[NAMED_ELSEWHERE]),
        ] {
            let leaf = signed("server", Some(&root), edits);
            decide(what, accepted, &[&root], &[&leaf]);
            // In the trust file itself, with any issuer.
            let leaf = signed("server", Some(&untrusted), edits);
            decide(what, accepted, &[&leaf], &[&leaf]);
            decide(what, accepted, &[&root, &leaf], &[&leaf, &untrusted]);
            let leaf = signed("server", None, edits);
            decide(what, accepted, &[&leaf], &[&leaf]);
            decide(what, accepted, &[&leaf, &root], &[&leaf]);
        }
        for (what, accepted, edits) in [
            ("authority", true, &[NAMED, AUTHORITY][..]),
            ("authority, may sign", false, &[NAMED, AUTHORITY, SIGNS]),
            ("both", true, &[NAMED, AUTHORITY, SIGNS_AND_AGREES]),
            (
                "authority for clients",
                false,
                &[NAMED, AUTHORITY, FOR_CLIENTS],
            ),
            ("expired authority", false, &[NAMED, AUTHORITY, EXPIRED]),
            (
                "authority of another name",
                false,
                &[NAMED_ELSEWHERE, AUTHORITY],
            ),
        ] {
            let leaf = signed("server", None, edits);
            decide(what, accepted, &[&leaf], &[&leaf]);
        }
        // Only the trusted one itself, not another with its key or name.
        for edits in [&[NAMED][..], &[NAMED, NOT_AUTHORITY, AGREES]] {
            let pinned = signed("server", None, edits);
            let renewed = pinned.again("server", None, NAMED);
            decide("renewed", false, &[&pinned], &[&renewed]);
            let issued = signed("other", Some(&pinned), &[NAMED]);
            decide("issued by it", false, &[&pinned], &[&issued]);
            decide("issued, with it", false, &[&pinned], &[&issued, &pinned]);
        }
    }

    #[test]
    fn an_unknown_critical_extension() {
        let mut edits: Vec<Edit> = vec![AUTHORITY, SIGNS];
        edits.push(|params| {
            let mut unknown = CustomExtension::from_oid_content(&[1, 2, 3, 4], vec![5, 0]);
            unknown.set_criticality(true);
            params.custom_extensions.push(unknown);
        });
        let root = signed("Root", None, &edits);
        let leaf = signed("server", Some(&root), &[NAMED]);
        decide("in a root", false, &[&root], &[&leaf]);
    }
}
