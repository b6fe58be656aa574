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
        Budget::each(left)
    }

    /// The shares of this chain that are out: of its last writ where there are any, else of what is
    /// above it too.
    pub(crate) fn shares_out(&self, leaf: &WritId) -> Vec<WritId> {
        let of_leaf = |share: &&WritId| {
            let writ = self.p.writs.get(share);
            writ.is_some_and(|writ| writ.writ.parent == Some(*leaf))
        };
        let all = || self.p.reserved.keys();
        let own: Vec<WritId> = all().filter(of_leaf).copied().collect();
        if own.is_empty() {
            return all().copied().collect();
        }
        own
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

/// How much a share comes to, or why there is none.
///
/// A share is reserved whole `[W6]`, so what is not named cannot be left for whoever needs it: of that a
/// session gets the part that it gets of what is named, the largest where several are. So sessions that
/// ask for a fifth of the calls each get a fifth of the tokens, and five of them fit. Where nothing is
/// named that the writ limits, it is all that is left.
pub(crate) fn share(name: &str, left: &Budget, wanted: &Budget) -> Result<Budget, String> {
    for dimension in Dimension::ALL {
        let (ask, rest) = (wanted.limit(dimension), left.limit(dimension));
        let no = match (ask, rest) {
            (Some(ask), Some(rest)) if ask > rest => format!("{ask} {dimension} are asked for"),
            (Some(0), _) => format!("a share without {dimension} could do nothing"),
            (_, Some(0)) => format!("no {dimension} are left"),
            _ => continue,
        };
        return Err(format!("{no}; left of `{name}`: {}", words(left)));
    }
    let parts = Dimension::ALL.into_iter().filter_map(|dimension| {
        let (ask, rest) = (wanted.limit(dimension)?, left.limit(dimension)?);
        Some((u128::from(ask), u128::from(rest)))
    });
    let largest = parts.max_by(|(ask, of), (than, rest)| (ask * rest).cmp(&(than * of)));
    let part = |rest: u64| match largest {
        // Never more than is left: no part is more than the whole.
        Some((ask, of)) => {
            u64::try_from((u128::from(rest) * ask).div_ceil(of.max(1))).unwrap_or(rest)
        }
        None => rest,
    };
    Ok(Budget::each(|dimension| {
        let named = wanted.limit(dimension);
        named.or_else(|| left.limit(dimension).map(part))
    }))
}

/// A budget as an amount to reserve; where it is unlimited, so is everything above it.
pub(crate) fn amount(budget: &Budget) -> Cost {
    Cost::each(|dimension| budget.limit(dimension).unwrap_or(0))
}

fn words(budget: &Budget) -> String {
    let parts = Dimension::ALL.map(|dimension| {
        let unit = dimension.unit();
        match budget.limit(dimension) {
            Some(left) => format!("{left} {unit}"),
            None => format!("unlimited {unit}"),
        }
    });
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

    const LEFT: Budget = Budget {
        tokens: Some(10),
        tool_calls: Some(3),
        wall_clock_ms: None,
        usd_millicents: Some(7),
    };

    fn ask(tokens: Option<u64>, usd_millicents: Option<u64>) -> Budget {
        Budget {
            tokens,
            usd_millicents,
            ..Budget::unlimited()
        }
    }

    #[test]
    fn w6_a_share_is_what_was_asked_for_or_all_that_is_left_and_never_more() {
        assert_eq!(share("ci", &LEFT, &Budget::unlimited()), Ok(LEFT));
        let some = share("ci", &LEFT, &ask(Some(4), None)).unwrap();
        // Four tenths, and no less than one.
        let part = (some.tokens, some.tool_calls, some.usd_millicents);
        assert_eq!(part, (Some(4), Some(2), Some(3)));
        assert_eq!(some.wall_clock_ms, None);
        // The largest part that is named counts.
        let some = share("ci", &LEFT, &ask(Some(1), Some(7))).unwrap();
        assert_eq!((some.tokens, some.tool_calls), (Some(1), Some(3)));
        // What is named and not limited says nothing of the rest.
        let time = Budget {
            wall_clock_ms: Some(5),
            ..Budget::unlimited()
        };
        let some = share("ci", &LEFT, &time).unwrap();
        assert_eq!((some.tokens, some.wall_clock_ms), (Some(10), Some(5)));
        for (wanted, no) in [
            (
                ask(Some(11), None),
                "11 tokens are asked for; left of `ci`: 10 tokens, 3 tool",
            ),
            (ask(None, Some(0)), "a share without money"),
        ] {
            let words = share("ci", &LEFT, &wanted).unwrap_err();
            assert!(words.contains(no), "{words}");
        }
        let none = Budget {
            tokens: Some(0),
            ..LEFT
        };
        assert!(share("ci", &none, &Budget::unlimited()).is_err());
    }

    #[test]
    fn w6_as_many_sessions_fit_as_the_named_parts_add_up_to() {
        let mut left = Budget {
            tokens: Some(1_000_003),
            tool_calls: Some(20),
            wall_clock_ms: Some(7),
            usd_millicents: Some((1 << 53) - 1),
        };
        let five = Budget {
            tool_calls: Some(5),
            ..Budget::unlimited()
        };
        for at in 0..4 {
            let got = share("ci", &left, &five).unwrap_or_else(|no| panic!("{at}: {no}"));
            left = Budget::each(|d| {
                left.limit(d)
                    .zip(got.limit(d))
                    .map(|(rest, got)| rest - got)
            });
            assert!(got.limit(Dimension::WallClockMs) >= Some(1), "{at}");
        }
        assert_eq!(
            left,
            Budget::each(|_| Some(0)),
            "the last one gets the rest"
        );
    }
}
