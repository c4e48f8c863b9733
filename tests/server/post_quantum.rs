//! The server's side of X25519MLKEM768 (draft-ietf-tls-ecdhe-mlkem), on another implementation of ML-KEM than the
//! program's.

use ml_kem::{EncapsulationKey, MlKem768};
use tokio_rustls::rustls::crypto::ring::{default_provider, kx_group::X25519};
use tokio_rustls::rustls::crypto::{
    ActiveKeyExchange, CompletedKeyExchange, SharedSecret, SupportedKxGroup,
};
use tokio_rustls::rustls::ffdhe_groups::FfdheGroup;
use tokio_rustls::rustls::{Error, NamedGroup, PeerMisbehaved, ProtocolVersion};

const INVALID: Error = Error::PeerMisbehaved(PeerMisbehaved::InvalidKeyShare);

#[derive(Debug)]
pub struct X25519MlKem768;

impl SupportedKxGroup for X25519MlKem768 {
    /// Only a client would.
    fn start(&self) -> Result<Box<dyn ActiveKeyExchange>, Error> {
        Err(Error::General("this is a server".to_owned()))
    }

    fn start_and_complete(&self, share: &[u8]) -> Result<CompletedKeyExchange, Error> {
        let (key, point) = share.split_at_checked(1184).ok_or(INVALID)?;
        let key = key.try_into().map_err(|_| INVALID)?;
        let key = EncapsulationKey::<MlKem768>::new(&key).map_err(|_| INVALID)?;
        let mut message = [0; 32];
        default_provider().secure_random.fill(&mut message)?;
        let (ciphertext, ml_kem) = key.encapsulate_deterministic(&message.into());
        let x25519 = X25519.start_and_complete(point)?;
        let secret = [&ml_kem[..], x25519.secret.secret_bytes()].concat();
        Ok(CompletedKeyExchange {
            group: self.name(),
            pub_key: [&ciphertext[..], &x25519.pub_key].concat(),
            secret: SharedSecret::from(secret),
        })
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
