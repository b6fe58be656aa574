//! Signed bundles: who vouches for a bundle, checked against the trust roots `[P3]`.
//!
//! Holds no key of its own and stores nothing.

use serde_json::{Value, json};
use thymos_core::canonical::{self, CanonicalBytes, InvalidJson};
use thymos_core::key::{Domain, PublicKey, Signature, SigningKey};
use thymos_core::writ::TrustRoots;

use crate::bundle::{Bundle, BundleFault, InvalidBundle, place, read_json};
use crate::doc::Node;

/// A bundle and a signature over its canonical bytes.
#[derive(Debug, Clone)]
pub struct SignedBundle {
    bundle: Bundle,
    signer: PublicKey,
    signature: Signature,
}

impl SignedBundle {
    /// Signs a bundle.
    #[must_use]
    pub fn sign(bundle: Bundle, key: &SigningKey) -> Self {
        Self {
            signature: key.sign(Domain::Policy, bundle.canonical().as_bytes()),
            signer: key.public(),
            bundle,
        }
    }

    /// Reads `{"bundle", "signer", "signature"}` and accepts it from a trusted signer only.
    ///
    /// # Errors
    /// [`InvalidBundle`] as for a bundle alone, or [`BundleFault::Signature`],
    /// or [`BundleFault::UntrustedSigner`].
    pub fn load(text: &[u8], roots: &TrustRoots) -> Result<Self, InvalidBundle> {
        let value = read_json(text)?;
        let node = Node::root(&value);
        let read = || {
            node.only(&["bundle", "signer", "signature"])?;
            let signer = node.need("signer")?;
            let key: PublicKey = signer
                .text()?
                .parse()
                .map_err(|_| signer.wrong("a key, `ed25519:` and 64 hex digits"))?;
            let signature = node.need("signature")?;
            let signed: Signature = signature
                .text()?
                .parse()
                .map_err(|_| signature.wrong("a signature, `ed25519:` and 128 hex digits"))?;
            if !roots.trusts_policy(&key) {
                return Err(signer.blame(BundleFault::UntrustedSigner(key)));
            }
            let bundle = Bundle::from_node(&node.need("bundle")?)?;
            if !key.verifies(Domain::Policy, bundle.canonical().as_bytes(), &signed) {
                return Err(signature.blame(BundleFault::Signature));
            }
            Ok(Self {
                bundle,
                signer: key,
                signature: signed,
            })
        };
        read().map_err(|complaint| place(complaint, &value, text))
    }

    /// The bundle.
    #[must_use]
    pub fn bundle(&self) -> &Bundle {
        &self.bundle
    }

    /// Who signed it.
    #[must_use]
    pub fn signer(&self) -> PublicKey {
        self.signer
    }

    /// Their signature over the bundle's canonical bytes.
    #[must_use]
    pub fn signature(&self) -> Signature {
        self.signature
    }

    /// Gives up the bundle.
    #[must_use]
    pub fn into_bundle(self) -> Bundle {
        self.bundle
    }

    /// The file form, which [`Self::load`] reads.
    ///
    /// # Errors
    /// [`InvalidJson`] is not to be expected: the bundle was canonical before.
    pub fn to_bytes(&self) -> Result<CanonicalBytes, InvalidJson> {
        let whole: Value = json!({
            "bundle": self.bundle.value(),
            "signer": self.signer.to_string(),
            "signature": self.signature.to_string(),
        });
        canonical::value_to_bytes(&whole)
    }
}
