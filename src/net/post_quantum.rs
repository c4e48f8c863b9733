//! X25519MLKEM768 (draft-ietf-tls-ecdhe-mlkem): a key exchange from X25519 and ML-KEM-768 (FIPS 203). Traffic recorded
//! today stays closed to whoever has a quantum computer later.

use crate::secret::overwrite_stack;
use fips203::SSK_LEN;
use fips203::ml_kem_768::{CT_LEN, CipherText, DecapsKey, KG};
use fips203::traits::{Decaps, KeyGen, SerDes};
use rustls::crypto::ring::kx_group::X25519;
use rustls::crypto::{
    ActiveKeyExchange, GetRandomFailed, SecureRandom, SharedSecret, SupportedKxGroup,
};
use rustls::ffdhe_groups::FfdheGroup;
use rustls::{Error, NamedGroup, PeerMisbehaved, ProtocolVersion};
use std::hint::black_box;
use std::sync::OnceLock;

#[derive(Debug)]
struct X25519MlKem768 {
    random: &'static dyn SecureRandom,
}

/// The group, with this source of randomness. As the first of a provider's groups, with X25519 among the others, it is
/// offered with a share of its own and one for X25519, so that a server without it takes no second round trip.
pub(super) fn x25519_ml_kem_768(
    random: &'static dyn SecureRandom,
) -> &'static dyn SupportedKxGroup {
    static GROUP: OnceLock<X25519MlKem768> = OnceLock::new();
    GROUP.get_or_init(|| X25519MlKem768 { random })
}

impl SupportedKxGroup for X25519MlKem768 {
    fn start(&self) -> Result<Box<dyn ActiveKeyExchange>, Error> {
        let active = Active::start(X25519.start()?, self.random);
        overwrite_stack();
        Ok(Box::new(active?))
    }

    fn ffdhe_group(&self) -> Option<FfdheGroup<'static>> {
        None
    }

    fn name(&self) -> NamedGroup {
        NamedGroup::X25519MLKEM768
    }

    fn usable_for_version(&self, version: ProtocolVersion) -> bool {
        version == ProtocolVersion::TLSv1_3
    }
}

/// Both private keys, between the ClientHello and the ServerHello.
struct Active {
    x25519: Box<dyn ActiveKeyExchange>,
    /// Wiped when dropped.
    ml_kem: Box<DecapsKey>,
    share: Vec<u8>,
}

impl Active {
    #[inline(never)]
    fn start(
        x25519: Box<dyn ActiveKeyExchange>,
        random: &dyn SecureRandom,
    ) -> Result<Self, GetRandomFailed> {
        let (mut d, mut z) = ([0; 32], [0; 32]);
        random.fill(&mut d)?;
        random.fill(&mut z)?;
        // Not inlined, as below: in functions of this crate it would be optimised for size.
        let generate: fn(_, _) -> _ = black_box(KG::keygen_from_seed);
        let (public, ml_kem) = generate(d, z);
        // ML-KEM comes first, in the shares and in the secret.
        Ok(Self {
            share: [&public.into_bytes(), x25519.pub_key()].concat(),
            x25519,
            ml_kem: Box::new(ml_kem),
        })
    }
}

/// Appends the secret that the ciphertext holds. A ciphertext that was changed gives another secret and no error
/// (FIPS 203 section 6.3); the handshake then fails at its end.
#[inline(never)]
fn decapsulate(
    key: &DecapsKey,
    ciphertext: &[u8; CT_LEN],
    secret: &mut Vec<u8>,
) -> Result<(), &'static str> {
    let ciphertext = CipherText::try_from_bytes(*ciphertext)?;
    let decapsulate: fn(&_, &_) -> _ = black_box(DecapsKey::try_decaps);
    let found = decapsulate(key, &ciphertext)?;
    secret.extend_from_slice(&found.into_bytes());
    Ok(())
}

impl ActiveKeyExchange for Active {
    fn complete(self: Box<Self>, peer: &[u8]) -> Result<SharedSecret, Error> {
        let invalid = || Error::PeerMisbehaved(PeerMisbehaved::InvalidKeyShare);
        let (ciphertext, point) = peer.split_first_chunk::<CT_LEN>().ok_or_else(invalid)?;
        // Refuses a point of another length, and one that agrees on zero.
        let x25519 = self.x25519.complete(point)?;
        // It does not grow, which would leave a copy behind, and its owner wipes it.
        let mut secret = Vec::with_capacity(SSK_LEN + x25519.secret_bytes().len());
        let result = decapsulate(&self.ml_kem, ciphertext, &mut secret);
        overwrite_stack();
        result.map_err(|_| invalid())?;
        secret.extend_from_slice(x25519.secret_bytes());
        Ok(SharedSecret::from(secret))
    }

    fn hybrid_component(&self) -> Option<(NamedGroup, &[u8])> {
        Some((self.x25519.group(), self.x25519.pub_key()))
    }

    fn complete_hybrid_component(self: Box<Self>, peer: &[u8]) -> Result<SharedSecret, Error> {
        self.x25519.complete(peer)
    }

    fn pub_key(&self) -> &[u8] {
        &self.share
    }

    fn ffdhe_group(&self) -> Option<FfdheGroup<'static>> {
        None
    }

    fn group(&self) -> NamedGroup {
        NamedGroup::X25519MLKEM768
    }
}

#[cfg(test)]
mod tests;
