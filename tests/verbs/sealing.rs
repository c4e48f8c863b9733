//! Sealing as the service sees it: every cipher and prefix opens, and every bad keyset is refused with its reason
//! before anything is asked or sent.

use crate::server::{Account, Behaviour, Scope, Server, When};
use crate::support::opener::{Aead, Keyset, Prefix};
use crate::support::oz;
use serde_json::Value;

const VECTORS: &str = include_str!("../vectors/tink.json");

#[test]
fn every_cipher_and_prefix_is_opened_by_the_service() {
    for aead in [Aead::Aes128Gcm, Aead::Aes256Gcm, Aead::ChaCha20Poly1305] {
        for prefix in [Prefix::Tink, Prefix::Legacy, Prefix::Raw, Prefix::Crunchy] {
            let keyset = Keyset::from_seed("sealing").aead(aead).prefix(prefix);
            let account = Account {
                keyset: Some(keyset),
                ..Account::person()
            };
            let server = Server::builder().account(account).start();
            oz(&["secret", "create", "N"])
                .server(&server)
                .stdin("grüße ✓")
                .stdout("Secret 'N' created\n")
                .run();
            let opened = server.opened(Scope::Personal, "N");
            assert_eq!(opened.as_deref(), Some(r#"{"value":"grüße ✓"}"#));
        }
    }
}

#[test]
fn every_keyset_to_refuse_is_refused_with_its_reason() {
    let vectors: Value = serde_json::from_str(VECTORS).unwrap();
    let refused = vectors["refused"].as_array().unwrap();
    assert_eq!(refused.len(), 18);
    for vector in refused {
        let keyset = vector["keyset"].clone();
        let reason = vector["says"].as_str().unwrap();
        let server = Server::start();
        server.next(
            When::Op("Lookup"),
            Behaviour::edit(move |reply| {
                reply["data"]["user"]["user"]["managedSecrets"]["publicKey"] = keyset.clone();
            }),
        );
        oz(&["secret", "create", "N"])
            .server(&server)
            .stdin("value")
            .code(1)
            .stderr(format!(
                "error: the service's public key for this user can't be used\n  caused by: {reason}\n"
            ))
            .run();
        assert_eq!(server.ops(), ["Lookup"], "{}", vector["name"]);
    }
}

#[test]
fn an_envelope_is_bound_to_actor_name_and_type() {
    // The server builds the context from the account's actor, so a lookup that names another one breaks the envelope.
    let server = Server::start();
    server.next(
        When::Op("Lookup"),
        Behaviour::edit(|reply| {
            reply["data"]["user"]["user"]["profile"]["uid"] = "user-2".into();
        }),
    );
    oz(&["secret", "create", "N"])
        .server(&server)
        .stdin("value")
        .code(1)
        .stderr("error: invalid secret: does not open in this context\n")
        .run();
    assert!(server.secret(Scope::Personal, "N").is_none());
}
