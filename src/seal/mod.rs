//! Seals plaintexts to the public key of a Tink keyset.

mod envelope;
mod hpke;
mod keyset;

pub use envelope::SealingContext;
pub use hpke::{Random, SealFault};
pub use keyset::{KeyFault, KeysetFault, MAX_KEYSET, PublicKey};
