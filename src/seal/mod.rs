//! Seals plaintexts to the public key of a Tink keyset.

mod envelope;
mod hpke;
mod keyset;

pub use envelope::SealingContext;
pub use hpke::Random;
pub use keyset::PublicKey;
