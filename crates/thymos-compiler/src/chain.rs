//! Writ chains, checked once: signatures, trust root, links `[W1]` `[W3]`. Keeps what it found.

use thymos_core::WritId;
use thymos_core::budget::Dimension;
use thymos_core::limits::{CHAIN_LINKS_MAX, GRANTS_MAX};
use thymos_core::writ::{SignedWrit, TrustRoots, Writ};

use crate::examples::check_examples;

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
        let mut chain = Self {
            links: Vec::with_capacity(links.len()),
            faults: Vec::new(),
        };
        if links.is_empty() {
            chain.faults.push("no writ was presented".to_owned());
        }
        if links.len() > CHAIN_LINKS_MAX {
            let count = links.len();
            chain.faults.push(format!(
                "a chain of {count} links is longer than {CHAIN_LINKS_MAX}"
            ));
            return chain;
        }
        for (at, link) in links.into_iter().enumerate() {
            chain.add(at, link, roots);
        }
        chain
    }

    /// The links, root first.
    #[must_use]
    pub fn links(&self) -> &[(WritId, SignedWrit)] {
        &self.links
    }

    /// The last link: the writ under which a call is made.
    #[must_use]
    pub fn leaf(&self) -> Option<&SignedWrit> {
        self.links.last().map(|(_, link)| link)
    }

    /// What is wrong, naming link and field; empty when the chain holds.
    #[must_use]
    pub fn faults(&self) -> &[String] {
        &self.faults
    }

    /// For `what_if` alone, whose answers let nothing happen: a link that nobody signed.
    pub(crate) fn push_unchecked(&mut self, id: WritId, link: SignedWrit) {
        self.links.push((id, link));
    }

    fn add(&mut self, at: usize, link: SignedWrit, roots: &TrustRoots) {
        let mut found = own_faults(&link);
        if link.writ.pre_answer.is_some() {
            found.push("`pre_answer`: it answers asks and grants nothing".to_owned());
        }
        match self.links.last() {
            Some((parent, parent_link)) => {
                found.extend(link_faults(&link.writ, *parent, &parent_link.writ));
            }
            None => found.extend(root_faults(&link.writ, roots)),
        }
        self.faults
            .extend(found.into_iter().map(|fault| format!("link {at} {fault}")));
        // A writ without an id has no canonical form; the fault above keeps the chain refused.
        if let Ok(id) = link.id() {
            self.links.push((id, link));
        }
    }
}

pub(crate) fn own_faults(link: &SignedWrit) -> Vec<String> {
    let writ = &link.writ;
    let mut faults = Vec::new();
    if writ.v != 1 {
        faults.push(format!("`v`: version {} is not known", writ.v));
    }
    let hex = |digit: u8| matches!(digit, b'0'..=b'9' | b'a'..=b'f');
    if writ.nonce.len() != 32 || !writ.nonce.bytes().all(hex) {
        faults.push("`nonce`: not 16 bytes of hex".to_owned());
    }
    if writ.grants.len() > GRANTS_MAX {
        let count = writ.grants.len();
        faults.push(format!("`grants`: {count} are more than {GRANTS_MAX}"));
    }
    // [W1] Strict verification over the canonical body.
    if !link.signature_holds() {
        faults.push(format!(
            "`signature`: `{}` did not sign this writ",
            writ.issuer.name
        ));
    }
    faults.extend(
        check_examples(writ)
            .into_iter()
            .map(|fault| format!("`examples`: {fault}")),
    );
    faults
}

// [W1] A writ that is validly signed by a stranger has no authority.
fn root_faults(writ: &Writ, roots: &TrustRoots) -> Vec<String> {
    let mut faults = Vec::new();
    if writ.parent.is_some() {
        faults.push("`parent`: the first writ of a chain has none".to_owned());
    }
    if !roots.trusts_operator(&writ.issuer.key) {
        faults.push(format!(
            "`issuer`: the key of `{}` ({}) is not among the trust roots",
            writ.issuer.name,
            writ.issuer.key.short()
        ));
    }
    faults
}

// [W3] A child only narrows.
fn link_faults(child: &Writ, parent_id: WritId, parent: &Writ) -> Vec<String> {
    let mut faults = Vec::new();
    let mut unless = |holds: bool, fault: &str| {
        if !holds {
            faults.push(fault.to_owned());
        }
    };
    unless(
        child.parent == Some(parent_id),
        "`parent`: names another writ than the link before",
    );
    unless(
        child.issuer.key == parent.subject.key,
        "`issuer`: is not the subject of its parent",
    );
    unless(
        child.tenant == parent.tenant,
        "`tenant`: differs from its parent's",
    );
    unless(
        child.window.within(&parent.window),
        "`window`: is not inside its parent's",
    );
    unless(
        parent.delegation.may_subdivide,
        "`parent`: may not be subdivided",
    );
    unless(
        child.delegation.max_depth < parent.delegation.max_depth,
        "`delegation.max_depth`: is not below its parent's",
    );
    for dimension in Dimension::ALL {
        let fits = match (
            child.budget.limit(dimension),
            parent.budget.limit(dimension),
        ) {
            (_, None) => true,
            (None, Some(_)) => false,
            (Some(inner), Some(outer)) => inner <= outer,
        };
        unless(fits, &format!("`budget`: {dimension} exceed its parent's"));
    }
    faults
}
