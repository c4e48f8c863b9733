//! Name lookup, with a resolver whose answers the test sets.

use crate::server::{Scope, Server};
use crate::support::pki::Certificate;
use crate::support::{MARKER_KEY, Run, namespaces, oz, write};
use std::fs;
use std::time::Duration;

/// `list` against a server that does not exist.
fn list_of(host: &str) -> Run<'static> {
    oz(&["secret", "list"])
        .env("WARP_API_KEY", MARKER_KEY)
        .env("WARP_SERVER_ROOT_URL", format!("https://{host}"))
        .code(69)
}

/// [`list_of`] a name that cannot be looked up, for this cause.
fn list_of_unknown(host: &str, cause: &str) -> Run<'static> {
    list_of(host).stderr(format!(
        "error: {host} could not be looked up\n  \
         caused by: failed to lookup address information: {cause}\n\
         hint: check the name (--server-root-url, proxy variables) and this machine's DNS\n"
    ))
}

/// Runs with a `dnsmasq` that has these options, and checks how many times the IPv4 address was asked for.
#[track_caller]
fn unknown(host: &str, options: &str, cause: &str, times: usize) {
    let directory = tempfile::tempdir().expect("a directory");
    let run = list_of_unknown(host, cause);
    let Some(run) = namespaces::network_with_dns(run, &directory, options) else {
        return;
    };
    run.run();
    let log = fs::read_to_string(directory.path().join("dnsmasq.log")).expect("a log");
    let asked = log.matches(&format!("query[A] {host} ")).count();
    assert_eq!(asked, times, "{log}");
}

/// A permanent failure is not retried; a temporary one is.
#[test]
fn a_resolver_that_has_no_address() {
    let known = "--local=/example/ --txt-record=text.example,hello";
    for (host, options, cause, times) in [
        ("missing.example", known, "Name does not resolve", 1),
        ("text.example", known, "Name has no usable address", 1),
        ("host.example", "", "Try again", 3),
    ] {
        unknown(host, options, cause, times);
    }
}

/// No resolver answers, and a lookup gives up after a second; it is retried twice.
#[test]
fn a_resolver_that_answers_try_again() {
    let directory = tempfile::tempdir().expect("a directory");
    let resolver = write(
        &directory,
        "resolv.conf",
        "nameserver 127.0.0.1\noptions timeout:1 attempts:1\n",
    );
    let script = format!(
        "ip link set lo up; mount --bind {} /etc/resolv.conf",
        resolver.display()
    );
    let run = list_of_unknown("nowhere.example", "Try again");
    let Some(run) = namespaces::network(run, &script) else {
        return;
    };
    let took = run.run().took;
    let expected = Duration::from_secs(3)..Duration::from_secs(6);
    assert!(expected.contains(&took), "took {took:?}");
}

/// An alias of a name with three addresses, all of which refuse connections.
#[test]
fn every_address_of_a_name_is_tried() {
    let directory = tempfile::tempdir().expect("a directory");
    let run = list_of("alias.example").stderr(
        "error: alias.example:443 could not be reached\n  caused by: Connection refused\n\
         hint: check --server-root-url, the proxy variables and the network\n",
    );
    let options = "--cname=alias.example,three.example --host-record=three.example,127.0.0.2,::1 \
                   --host-record=three.example,127.0.0.3";
    let Some(run) = namespaces::network_with_dns(run, &directory, options) else {
        return;
    };
    let Some(trace) = run.trace("-e trace=connect") else {
        return;
    };
    for address in ["127.0.0.2", "127.0.0.3", "::1"] {
        let tried = trace
            .lines()
            .filter(|line| line.contains("htons(443)") && line.contains(&format!("\"{address}\"")))
            .count();
        assert_eq!(tried, 3, "{address} in {trace}");
    }
}

/// The server is at the last address of its name, and its certificate is for the name.
#[test]
fn the_address_that_answers_is_used() {
    let server = Server::builder()
        .certificate(Certificate::WrongName)
        .start();
    server.seed_raw(Scope::Personal, "N");
    let directory = tempfile::tempdir().expect("a directory");
    let hosts = write(
        &directory,
        "hosts",
        "127.0.0.2 elsewhere.example\n::1 elsewhere.example\n127.0.0.1 elsewhere.example\n",
    );
    let run = oz(&["secret", "delete", "N", "--force"])
        .server(&server)
        .env("WARP_SERVER_ROOT_URL", server.root_at("elsewhere.example"))
        .stdout("Secret 'N' deleted\n");
    let script = format!("mount --bind {} /etc/hosts", hosts.display());
    let Some(run) = namespaces::mounts(run, &script) else {
        return;
    };
    run.run();
    assert_eq!(server.connections(), 1);
}
