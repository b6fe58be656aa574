//! Signed bundles: who vouches for a bundle, checked against the trust roots `[P3]`.
//!
//! Holds no key of its own and stores nothing.

use serde_json::{Value, json};
use thymos_core::canonical::{self, CanonicalBytes, InvalidJson};
use thymos_core::key::{Domain, PublicKey, Signature, SigningKey};
use thymos_core::writ::TrustRoots;

use crate::bundle::{Bundle, place, read_json};
use crate::doc::{Complaint, Node};
use crate::fault::{BundleFault, InvalidBundle};
use crate::shelf::Vouch;

/// A bundle as a file has it, signed or not yet, with its examples not run.
#[derive(Debug, Clone)]
pub struct BundleFile {
    /// The bundle.
    pub bundle: Bundle,
    /// Who signed it, if anybody did; the signature holds, and nothing is said of trust.
    pub vouch: Option<Vouch>,
}

impl BundleFile {
    /// Reads either form: a bundle alone, or a signed one.
    ///
    /// # Errors
    /// [`InvalidBundle`] names rule, line, column and what to do.
    pub fn read(text: &[u8]) -> Result<Self, InvalidBundle> {
        let value = read_json(text)?;
        let node = Node::root(&value);
        let read = || {
            if is_bare(&value) {
                let bundle = Bundle::draft_from(&node)?;
                return Ok(Self {
                    bundle,
                    vouch: None,
                });
            }
            let signed = Signatures::read(&node)?;
            let bundle = Bundle::draft_from(&node.need("bundle")?)?;
            let SignedBundle {
                bundle,
                signer,
                signature,
            } = signed.over(bundle, &node)?;
            let vouch = Vouch {
                key: signer,
                signature,
            };
            Ok(Self {
                bundle,
                vouch: Some(vouch),
            })
        };
        read().map_err(|complaint| place(complaint, &value, text))
    }
}

/// Key and signature as a file names them.
struct Signatures {
    key: PublicKey,
    signature: Signature,
}

impl Signatures {
    fn read(node: &Node<'_>) -> Result<Self, Complaint> {
        node.only(&["bundle", "signer", "signature"])?;
        let signer = node.need("signer")?;
        let key = signer.text()?.parse();
        let signature = node.need("signature")?;
        let signed = signature.text()?.parse();
        Ok(Self {
            key: key.map_err(|_| signer.wrong("a key, `ed25519:` and 64 hex digits"))?,
            signature: signed
                .map_err(|_| signature.wrong("a signature, `ed25519:` and 128 hex digits"))?,
        })
    }

    /// The signed bundle, if the signature is over exactly this one.
    fn over(self, bundle: Bundle, node: &Node<'_>) -> Result<SignedBundle, Complaint> {
        let bytes = bundle.canonical().as_bytes();
        if !self.key.verifies(Domain::Policy, bytes, &self.signature) {
            return Err(Complaint {
                hint: Some("the bundle was changed after it was signed; sign it again".to_owned()),
                ..node.need("signature")?.blame(BundleFault::Signature)
            });
        }
        Ok(SignedBundle {
            bundle,
            signer: self.key,
            signature: self.signature,
        })
    }
}

/// A bundle without an envelope.
fn is_bare(value: &Value) -> bool {
    value.get("bundle").is_none() && value.get("signature").is_none()
}

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
            if is_bare(&value) {
                return Err(Complaint {
                    hint: Some("sign it first: `thymos policy sign FILE`".to_owned()),
                    ..node.blame(BundleFault::Unsigned)
                });
            }
            let signed = Signatures::read(&node)?;
            if !roots.trusts_policy(&signed.key) {
                let signer = node.need("signer")?;
                if roots.retired.iter().any(|party| party.key == signed.key) {
                    return Err(Complaint {
                        hint: Some("sign it again: `thymos policy sign FILE`".to_owned()),
                        ..signer.blame(BundleFault::RetiredSigner(signed.key))
                    });
                }
                return Err(Complaint {
                    hint: Some("have it signed by a policy key of your trust roots".to_owned()),
                    ..signer.blame(BundleFault::UntrustedSigner(signed.key))
                });
            }
            let bundle = Bundle::from_node(&node.need("bundle")?)?;
            signed.over(bundle, &node)
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
