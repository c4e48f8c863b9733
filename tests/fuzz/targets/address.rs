#![no_main]

use url::Url;

libfuzzer_sys::fuzz_target!(|data: &[u8]| oz::fuzz::address::run_with(data, &compare));

/// Compares an accepted URL with what another parser makes of it.
fn compare(text: &str, read: &str) {
    // This parser also checks what follows xn--, and ours does not.
    if text.to_ascii_lowercase().contains("xn--") {
        return;
    }
    let theirs = Url::parse(text).expect(text);
    let host = theirs.host_str().expect(text);
    let host = host.strip_suffix('.').unwrap_or(host);
    let port = theirs.port_or_known_default().expect(text);
    assert_eq!(format!("{}://{host}:{port}", theirs.scheme()), read, "{text}");
}
