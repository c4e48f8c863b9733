//! Owns sealing: a Tink keyset in, an envelope out that only the holder of the private key can open.
//! Must not know where keysets come from, how envelopes are sent, or what a plaintext says.

mod envelope;
mod hpke;
mod keyset;

pub use envelope::SealingContext;
pub use hpke::{Random, SealFault};
pub use keyset::{KeyFault, KeysetFault, MAX_KEYSET, PublicKey};
