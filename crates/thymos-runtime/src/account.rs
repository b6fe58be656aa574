//! Accounts of writ files `[W6]`: one trajectory a root writ, on which every session's share of its
//! budget is reserved before the session has it, and to which the rest comes back.
//!
//! Compare-and-set on that one trajectory is what makes shares exclude each other, across processes
//! and crashes. Acts under no writ itself.

use thymos_compiler::CheckedChain;
use thymos_core::body::{self, Body, WritRevoked};
use thymos_core::budget::{Budget, Cost, Dimension};
use thymos_core::key::Domain;
use thymos_core::writ::SignedWrit;
use thymos_core::{TrajectoryId, WritId};
use thymos_protocol::{NotUsed, Replied};
use thymos_replay::{Projection, fold};

use crate::append::append;
use crate::kernel::Kernel;
use crate::session::{RecordError, fold_stored};

/// Tries of a batch that others keep overtaking.
pub(crate) const TRIES_MAX: u32 = 16;

/// Where shares of a root writ are kept.
pub(crate) fn account_of(root: &WritId) -> TrajectoryId {
    TrajectoryId::of(&[b"thymos v1 account ".as_slice(), root.as_bytes()].concat())
}

/// The root writ whose account this trajectory is, if it is one.
pub(crate) fn root_of(p: &Projection) -> Option<&SignedWrit> {
    let mut roots = p
        .writs
        .iter()
        .filter(|(_, writ)| writ.writ.parent.is_none());
    roots
        .find(|(id, _)| account_of(id) == p.trajectory)
        .map(|(_, writ)| writ)
}

/// An account, folded.
pub(crate) struct Account {
    pub(crate) p: Projection,
}

impl Account {
    /// As it stands; empty when nobody ever used the writ.
    pub(crate) fn open(k: &Kernel, root: &WritId) -> Result<Self, RecordError> {
        let (p, _) = fold_stored(k, account_of(root))?;
        Ok(Self { p })
    }

    /// What has to be recorded first, so that this chain stands in the account.
    pub(crate) fn opening(&self, k: &Kernel, links: &[(WritId, SignedWrit)]) -> Vec<Body> {
        let mut bodies = Vec::new();
        if self.p.root.is_none() {
            bodies.push(Body::Root(body::Root {
                v: 1,
                workspace: String::new(),
                tenant: links
                    .first()
                    .map_or_else(String::new, |(_, l)| l.writ.tenant.clone()),
                operator: k.operator(),
                subject: k.operator(),
                parent: None,
            }));
        }
        bodies.extend(presented(&self.p, links));
        bodies
    }

    /// What is left for a further share under this chain; none is unlimited.
    pub(crate) fn left(&self, links: &[(WritId, SignedWrit)]) -> Budget {
        let left = |dimension: Dimension| {
            let each = links.iter().filter_map(|(id, link)| {
                let spent = self.p.spent.get(id).copied().unwrap_or_default();
                link.writ.budget.left(&spent, dimension)
            });
            each.min()
        };
        each(left)
    }

    /// Whether this writ or one above it is revoked here.
    pub(crate) fn is_cut(&self, writ: &WritId) -> bool {
        self.p.revoked_with_descendants().contains(writ)
    }

    /// Appends in one batch, or says that somebody else was first.
    pub(crate) async fn append(
        &mut self,
        k: &Kernel,
        bodies: Vec<Body>,
    ) -> Result<(), RecordError> {
        let entries = append(k, &self.p, bodies).await?;
        // No session owns an account; every one may work under its writ.
        k.writer.tell_all();
        for entry in &entries {
            fold(&mut self.p, entry).map_err(RecordError::Diverged)?;
        }
        Ok(())
    }
}

/// Entries for those links of a chain that a trajectory does not know yet.
pub(crate) fn presented(p: &Projection, links: &[(WritId, SignedWrit)]) -> Vec<Body> {
    let new = links.iter().filter(|(id, _)| !p.writs.contains_key(id));
    let issued = |(id, writ): &(WritId, SignedWrit)| {
        Body::WritIssued(Box::new(body::WritIssued {
            writ: writ.clone(),
            id: *id,
            reason: "presented from a file".into(),
            reserved: None,
            session: None,
        }))
    };
    new.map(issued).collect()
}

/// The end of a share: it is revoked, and what was not used of it goes back.
pub(crate) fn closing(k: &Kernel, share: WritId, used: Cost) -> Result<Body, RecordError> {
    let reason = "closed".to_owned();
    let message = WritRevoked::message(&share, &reason, Some(&used))?;
    let key = &k.parts.operator_key;
    Ok(Body::WritRevoked(WritRevoked {
        writ: share,
        signature: key.sign(Domain::Revocation, message.as_bytes()),
        reason,
        by: k.operator(),
        used: Some(used),
    }))
}

/// How much a share comes to: what is asked for, or all that is left where nothing is asked.
pub(crate) fn share(name: &str, left: &Budget, wanted: &Budget) -> Result<Budget, NotUsed> {
    for dimension in Dimension::ALL {
        let (ask, rest) = (wanted.limit(dimension), left.limit(dimension));
        let no = match (ask, rest) {
            (Some(ask), Some(rest)) if ask > rest => format!("{ask} {dimension} are asked for"),
            (Some(0), _) => format!("a share without {dimension} could do nothing"),
            (_, Some(0)) => format!("no {dimension} are left"),
            _ => continue,
        };
        let rests = words(left);
        return Err(NotUsed::Budget(format!("{no}; left of `{name}`: {rests}")));
    }
    Ok(each(|dimension| {
        wanted.limit(dimension).or_else(|| left.limit(dimension))
    }))
}

/// A budget as an amount to reserve; where it is unlimited, so is everything above it.
pub(crate) fn amount(budget: &Budget) -> Cost {
    let limit = |dimension| budget.limit(dimension).unwrap_or(0);
    Cost {
        tokens: limit(Dimension::Tokens),
        tool_calls: limit(Dimension::ToolCalls),
        wall_clock_ms: limit(Dimension::WallClockMs),
        usd_millicents: limit(Dimension::UsdMillicents),
    }
}

fn each(limit: impl Fn(Dimension) -> Option<u64>) -> Budget {
    Budget {
        tokens: limit(Dimension::Tokens),
        tool_calls: limit(Dimension::ToolCalls),
        wall_clock_ms: limit(Dimension::WallClockMs),
        usd_millicents: limit(Dimension::UsdMillicents),
    }
}

fn words(budget: &Budget) -> String {
    let units = [
        "tokens",
        "tool calls",
        "ms of wall clock",
        "thousandths of a cent",
    ];
    let parts: Vec<String> = Dimension::ALL
        .into_iter()
        .zip(units)
        .map(|(dimension, unit)| match budget.limit(dimension) {
            Some(left) => format!("{left} {unit}"),
            None => format!("unlimited {unit}"),
        })
        .collect();
    parts.join(", ")
}

/// Revokes the last writ of a chain in its account: no session that looks there goes on under it.
pub(crate) async fn revoke(
    k: &Kernel,
    chain: Vec<SignedWrit>,
    reason: &str,
) -> Result<Replied, RecordError> {
    // By every key that was ever trusted: what a retired key signed may be ended all the same.
    let checked = CheckedChain::check(chain, &k.ever);
    if let Some(fault) = checked.faults().first() {
        return Ok(Replied::NotUsed(NotUsed::Authority(fault.clone())));
    }
    let links = checked.links();
    let (Some((root, _)), Some((leaf, link))) = (links.first(), links.last()) else {
        return Ok(Replied::NotUsed(NotUsed::Authority(
            "no writ was presented".into(),
        )));
    };
    for _ in 0..TRIES_MAX {
        let mut account = Account::open(k, root)?;
        if account.is_cut(leaf) {
            let no = format!("writ `{}` is revoked already", link.writ.name);
            return Ok(Replied::NotUsed(NotUsed::Authority(no)));
        }
        let mut bodies = account.opening(k, links);
        bodies.push(k.revocation(*leaf, reason.to_owned())?);
        match account.append(k, bodies).await {
            Err(RecordError::Moved) => {}
            done => return done.map(|()| Replied::Accepted),
        }
    }
    Err(RecordError::Moved)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn w6_a_share_is_what_was_asked_for_or_all_that_is_left_and_never_more() {
        let left = Budget {
            tokens: Some(10),
            tool_calls: Some(3),
            wall_clock_ms: None,
            usd_millicents: Some(7),
        };
        let ask = |tokens, usd_millicents| Budget {
            tokens,
            usd_millicents,
            ..Budget::unlimited()
        };
        assert_eq!(share("ci", &left, &Budget::unlimited()), Ok(left));
        let some = share("ci", &left, &ask(Some(4), None)).unwrap();
        assert_eq!((some.tokens, some.tool_calls), (Some(4), Some(3)));
        for (wanted, no) in [
            (
                ask(Some(11), None),
                "11 tokens are asked for; left of `ci`: 10 tokens, 3 tool",
            ),
            (ask(None, Some(0)), "a share without money"),
        ] {
            match share("ci", &left, &wanted) {
                Err(NotUsed::Budget(words)) => assert!(words.contains(no), "{words}"),
                other => panic!("{other:?}"),
            }
        }
        let none = Budget {
            tokens: Some(0),
            ..left
        };
        assert!(share("ci", &none, &Budget::unlimited()).is_err());
    }
}
