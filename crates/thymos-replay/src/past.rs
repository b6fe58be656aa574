//! The past of a branch: another trajectory's entries up to a commit, folded and checked `[D2]`.
//!
//! Asks for entries through [`Past`] and believes none of them: the branch names the commit's id, and
//! every entry before it is pinned by the links that lead there.

use thymos_core::body::{Body, BodyState, Branch};
use thymos_core::entry::Commitment;
use thymos_core::limits::BRANCH_DEPTH_MAX;
use thymos_core::{Entry, EntryId, Kind, TrajectoryId};

use crate::divergence::Divergence;
use crate::fold::{fold_made, fold_read, pass_over};
use crate::projection::{Fate, Item, Projection};

/// Entries read at once.
const PAGE: usize = 1024;

/// Where entries of other trajectories can be asked for.
pub trait Past: Send + Sync {
    /// Entries of a trajectory from a sequence number on, at most `limit`, in order.
    ///
    /// # Errors
    /// One sentence, when they cannot be read.
    fn page(
        &self,
        trajectory: &TrajectoryId,
        from: u64,
        limit: usize,
    ) -> Result<Vec<Entry>, String>;
}

/// What a branch starts from.
struct Base {
    /// None when what is gone keeps the rest from folding.
    projection: Option<Projection>,
    /// Something in it was erased or is of a newer version, so that its world cannot be compared.
    gapped: bool,
    /// Something in it was erased.
    gone: bool,
}

/// As [`fold`](fn@crate::fold), and a branch inherits from the commit that it starts from. Behind what was erased,
/// entries that do not follow any more are passed over: such a trajectory can be read, and
/// [`Projection::is_over`] says that it may not be acted on.
///
/// # Errors
/// [`Divergence`] as [`fold`](fn@crate::fold), and when the past is not what the branch says.
pub fn fold_within(
    projection: &mut Projection,
    entry: &Entry,
    past: &dyn Past,
) -> Result<(), Divergence> {
    let gapped = match fold_at(projection, entry, entry.decode(), past, 0) {
        Err(_) if pass_over(projection, entry) => false,
        folded => folded?,
    };
    if gapped && !projection.inherited && !projection.erasure.gone {
        let found = "entries of it were erased or are of a newer version";
        return Err(Divergence::new("branch", "a past that folds", found));
    }
    Ok(())
}

/// As [`fold_within`], for an entry that was just made of this very body: what
/// [`Entry::decode`] would give, and debug builds look whether it does.
///
/// # Errors
/// As [`fold_within`].
pub fn fold_made_within(
    projection: &mut Projection,
    entry: &Entry,
    body: Body,
    past: &dyn Past,
) -> Result<(), Divergence> {
    if matches!(body, Body::Branch(_)) {
        return fold_within(projection, entry, past);
    }
    fold_made(projection, entry, body)
}

/// Folds one entry that was read; true when what it inherits has gaps.
pub(crate) fn fold_at(
    projection: &mut Projection,
    entry: &Entry,
    body: BodyState,
    past: &dyn Past,
    depth: usize,
) -> Result<bool, Divergence> {
    let branch = match &body {
        BodyState::Known(Body::Branch(branch)) => Some(branch.clone()),
        BodyState::Known(_)
        | BodyState::Erased
        | BodyState::UnknownKind(_)
        | BodyState::Invalid(_) => None,
    };
    fold_read(projection, entry, body)?;
    let Some(branch) = branch else {
        return Ok(entry.kind() == Some(Kind::Branch));
    };
    let from = Projection {
        keeps: projection.keeps,
        ..Projection::empty(branch.from)
    };
    let base = base(&branch, from, past, depth)?;
    projection.erasure.gone |= base.gone;
    if let Some(past) = base.projection {
        projection.inherit(past);
    }
    Ok(base.gapped)
}

/// Folds a trajectory, of which nothing is folded yet, up to and with a commit; branches of branches too.
fn base(
    branch: &Branch,
    mut projection: Projection,
    past: &dyn Past,
    depth: usize,
) -> Result<Base, Divergence> {
    if depth >= BRANCH_DEPTH_MAX {
        let expected = format!("at most {BRANCH_DEPTH_MAX} generations");
        return Err(Divergence::new("branch", expected, "more"));
    }
    let mut gapped = false;
    let mut newest = None;
    while projection.len <= branch.seq {
        let page = past
            .page(&branch.from, projection.len, PAGE)
            .map_err(|why| Divergence::new("branch", "the entries before it", why))?;
        if page.is_empty() {
            let expected = format!("entry {} of {}", branch.seq, branch.from.short());
            return Err(Divergence::new("branch", expected, "no such entry"));
        }
        for entry in page.iter().take_while(|e| e.header.seq <= branch.seq) {
            whole(entry)?;
            newest = entry.kind();
            gapped |= newest.is_none() || entry.content.is_none();
            match fold_at(&mut projection, entry, entry.decode(), past, depth + 1) {
                Ok(gaps) => gapped |= gaps,
                // What contradicts the rest after a gap may follow from what is gone.
                Err(_) if gapped => {
                    return Ok(Base {
                        gone: projection.erasure.gone,
                        projection: None,
                        gapped,
                    });
                }
                Err(what) => return Err(what),
            }
        }
    }
    if newest != Some(Kind::Commit) {
        let found = newest.map_or("an unknown kind", Kind::word);
        return Err(Divergence::new("branch", "a commit", found));
    }
    checked(branch, &projection, gapped)?;
    Ok(Base {
        gone: projection.erasure.gone,
        projection: Some(projection),
        gapped,
    })
}

/// What a trajectory came to when it was folded once more.
pub(crate) enum Refolded {
    Sound(Box<Projection>),
    /// Something in it was erased or is of a newer version.
    Gapped(Box<Projection>),
    /// It contradicts itself behind that, and may do so because of it.
    Lost,
}

/// Folds a trajectory once more up to where it was followed before: as many entries, of which the newest
/// is this one. No words are kept; `met` sees each entry before it is folded.
///
/// # Errors
/// [`Divergence`] when the past is not what it was.
pub(crate) fn fold_anew(
    trajectory: TrajectoryId,
    (len, head): (u64, EntryId),
    past: &dyn Past,
    met: &mut dyn FnMut(&Entry, &BodyState),
) -> Result<Refolded, Divergence> {
    let mut projection = Box::new(Projection::lean(trajectory));
    let (mut next, mut newest) = (0, None);
    let (mut gapped, mut lost) = (false, false);
    while next < len {
        let page = past
            .page(&trajectory, next, PAGE)
            .map_err(|why| Divergence::new("read again", "the entries before it", why))?;
        if page.is_empty() {
            let (expected, found) = (format!("{len} entries"), next.to_string());
            return Err(Divergence::new("read again", expected, found));
        }
        for entry in page.iter().take_while(|entry| entry.header.seq < len) {
            whole(entry)?;
            if (entry.header.seq, entry.header.prev) != (next, newest) {
                let found = format!("entry {} after {:?}", entry.header.seq, entry.header.prev);
                return Err(Divergence::new(
                    "read again",
                    format!("entry {next}"),
                    found,
                ));
            }
            (next, newest) = (next + 1, Some(entry.id));
            let body = entry.decode();
            met(entry, &body);
            gapped |= entry.kind().is_none()
                || entry.content.is_none() && entry.kind() != Some(Kind::Message);
            if lost {
                continue;
            }
            match fold_at(&mut projection, entry, body, past, 0) {
                Ok(gaps) => gapped |= gaps,
                Err(_) if gapped => lost = true,
                Err(what) => return Err(what),
            }
        }
    }
    if newest != Some(head) {
        let found = newest.map_or_else(|| "none".to_owned(), |id| id.to_string());
        return Err(Divergence::new("read again", head.to_string(), found));
    }
    let gapped = gapped || projection.erasure.gone;
    Ok(match (lost, gapped) {
        (true, _) => Refolded::Lost,
        (false, true) => Refolded::Gapped(projection),
        (false, false) => Refolded::Sound(projection),
    })
}

fn checked(branch: &Branch, base: &Projection, gapped: bool) -> Result<(), Divergence> {
    if base.head != Some(branch.entry) {
        let found = base
            .head
            .map_or_else(|| "none".to_owned(), |id| id.to_string());
        return Err(Divergence::new("branch", branch.entry.to_string(), found));
    }
    let digest = base
        .world
        .digest()
        .map_err(|e| Divergence::new("branch world", "canonical", e.to_string()))?;
    if !gapped && digest != branch.world {
        let expected = branch.world.to_string();
        return Err(Divergence::new(
            "branch world",
            expected,
            digest.to_string(),
        ));
    }
    Ok(())
}

/// `[V1]` The entry is what its id says; links are checked by the fold.
pub(crate) fn whole(entry: &Entry) -> Result<(), Divergence> {
    let id = EntryId::of(&entry.header_bytes);
    if id != entry.id {
        return Err(Divergence::new("id", id.to_string(), entry.id.to_string()));
    }
    match &entry.content {
        Some(content) if Commitment::of(&content.salt, &content.body) != entry.header.body => Err(
            Divergence::new("body", "the committed bytes", "other bytes"),
        ),
        Some(_) | None => Ok(()),
    }
}

impl Projection {
    /// Takes over what a branch keeps of its past: the world, the story and the calls that ended,
    /// what was done by key, and the numbers of turns. Never holds, open work, writs or budgets.
    fn inherit(&mut self, base: Self) {
        let calls = base.calls.into_iter();
        self.calls
            .extend(calls.filter(|(_, call)| matches!(call.fate, Fate::Ended { .. })));
        let kept = &self.calls;
        let told = base.story.into_iter().filter(|item| match item {
            Item::Wanted(intent) => kept.contains_key(intent),
            Item::Said { .. } => true,
        });
        let mut story: Vec<Item> = told.collect();
        story.append(&mut self.story);
        self.story = story;
        self.ancestors.push(base.trajectory);
        self.ancestors.extend(base.ancestors);
        self.world = base.world;
        self.done = base.done;
        self.commits = base.commits;
        self.summary = base.summary;
        self.next_turn = base.next_turn;
        self.last_context_tokens = base.last_context_tokens;
        self.inherited = true;
    }
}
