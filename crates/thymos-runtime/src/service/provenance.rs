//! Where something in the record comes from, and what came of it: from an entry, or from what set a
//! resource, back to the words that asked for it, and forward to what looked at it or rests on it.
//!
//! Tells what entries say and guesses nothing: what a command read without the record saying so is not
//! here. Reads a page a step, backwards only as far as something is missing.

use std::collections::BTreeSet;

use thymos_core::body::{Body, BodyState};
use thymos_core::delta::{Delta, Resource};
use thymos_core::limits::BRANCH_DEPTH_MAX;
use thymos_core::{Entry, EntryId, Kind, TrajectoryId};
use thymos_protocol::{Provenance, ProvenanceOf, ProvenanceStep, Relation, Replied};

use self::back::Back;
use self::forward::Forward;
use super::lookup::{PAGE, unknown};
use super::walk::{Step, Walk};
use crate::kernel::Kernel;
use crate::narrate::{Narrator, know_call, narrate};

mod back;
mod forward;

/// Entries listed of what came of it; further ones are counted.
const FORWARD_MAX: usize = 1_000;

/// Looking for a provenance.
pub(super) struct Seeking {
    trajectory: TrajectoryId,
    of: ProvenanceOf,
    stage: Stage,
    /// Entries read, and how many there are to be read at most.
    done: u64,
    len: u64,
    /// What it is about, once that is found.
    about: Option<About>,
    back: Vec<Linked>,
    forward: Vec<Linked>,
    forward_left: u64,
    notes: BTreeSet<String>,
}

enum Stage {
    /// Looks for the entry itself.
    Locating(Locating),
    Back(Box<Back>),
    Forward(Box<Forward>),
}

/// Where the entry that set a resource is looked for: before this one of this trajectory.
struct Locating {
    trajectory: TrajectoryId,
    before: u64,
    branches: usize,
}

/// What it is about.
struct About {
    entry: Entry,
    /// None when it is not there or cannot be read.
    body: Option<Body>,
    resource: Option<Resource>,
}

/// An entry on the way.
struct Linked {
    relation: Relation,
    above: u64,
    resource: Option<String>,
    entry: Entry,
}

impl Seeking {
    /// Begins.
    ///
    /// # Errors
    /// There is no such trajectory, or the name is of no resource.
    pub(super) fn begin(
        kernel: &Kernel,
        trajectory: TrajectoryId,
        of: ProvenanceOf,
    ) -> Result<Self, String> {
        // [C5]
        if !kernel.owns(&trajectory).unwrap_or(false) {
            return Err(unknown(&trajectory));
        }
        if let ProvenanceOf::Resource { resource, .. } = &of
            && Resource::parse(resource).is_none()
        {
            let shown: String = resource.chars().take(80).collect();
            return Err(format!("`{shown}` is no file, key or note of a record"));
        }
        Ok(Self {
            trajectory,
            of,
            stage: Stage::Locating(Locating {
                trajectory,
                before: 0,
                branches: 0,
            }),
            done: 0,
            len: 0,
            about: None,
            back: Vec::new(),
            forward: Vec::new(),
            forward_left: 0,
            notes: BTreeSet::new(),
        })
    }

    /// How long the trajectory is, and where to look first.
    fn measure(&mut self, kernel: &Kernel) -> Result<(), String> {
        let heads = kernel.parts.store.heads().map_err(|e| e.to_string())?;
        let head = heads.iter().find(|head| head.trajectory == self.trajectory);
        self.len = head.map_or(0, |head| head.seq + 1);
        let before = match &self.of {
            ProvenanceOf::Seq(seq) if *seq >= self.len => {
                return Err(format!(
                    "there is no entry {seq} in trajectory {}; its last one is {}",
                    self.trajectory.short(),
                    self.len.saturating_sub(1)
                ));
            }
            ProvenanceOf::Seq(seq) | ProvenanceOf::Resource { seq, .. } => {
                seq.saturating_add(1).min(self.len)
            }
        };
        if let Stage::Locating(locating) = &mut self.stage {
            locating.before = before;
        }
        Ok(())
    }

    /// One page further back in search of what it is about.
    fn locate(&mut self, kernel: &Kernel) -> Result<(), String> {
        let Stage::Locating(at) = &mut self.stage else {
            return Ok(());
        };
        let resource = match &self.of {
            ProvenanceOf::Seq(_) => None,
            ProvenanceOf::Resource { resource, .. } => Resource::parse(resource),
        };
        let from = match resource {
            None => at.before.saturating_sub(1),
            Some(_) => at.before.saturating_sub(PAGE as u64),
        };
        let (from, page) = page_before(kernel, at.trajectory, from, at.before)?;
        self.done += page.len() as u64;
        at.before = from;
        for entry in page.into_iter().rev() {
            let body = match (&resource, entry.kind()) {
                (None, _) | (Some(_), Some(Kind::Commit | Kind::Failure)) => entry.decode(),
                (Some(_), _) => continue,
            };
            let sets = |resource: &Resource| match &body {
                BodyState::Known(body) => deltas(body).iter().any(|d| d.resource == *resource),
                BodyState::Erased | BodyState::UnknownKind(_) | BodyState::Invalid(_) => false,
            };
            if resource.as_ref().is_none_or(sets) {
                self.found(entry, body, resource);
                return Ok(());
            }
        }
        if from == 0 {
            return self.locate_in_past(kernel);
        }
        Ok(())
    }

    /// A branch has the world of its past: what set it may stand there `[D2]`.
    fn locate_in_past(&mut self, kernel: &Kernel) -> Result<(), String> {
        let Stage::Locating(at) = &mut self.stage else {
            return Ok(());
        };
        match past_of(kernel, at.trajectory)? {
            Some((from, seq)) if at.branches < BRANCH_DEPTH_MAX => {
                at.trajectory = from;
                at.before = seq.saturating_add(1);
                at.branches += 1;
                Ok(())
            }
            Some(_) | None => self.set_by_none(kernel),
        }
    }

    /// It was there before, or never: what looked at it is still to be told.
    fn set_by_none(&mut self, kernel: &Kernel) -> Result<(), String> {
        let first = page(kernel, self.trajectory, 0, 1)?.into_iter().next();
        let (ProvenanceOf::Resource { resource, seq }, Some(entry)) = (&self.of, first) else {
            return Err(self.nothing());
        };
        // Of a moment before the end it is asked what it held then, which is nothing.
        if seq.saturating_add(1) < self.len {
            return Err(self.nothing());
        }
        let about = About {
            resource: Resource::parse(resource),
            entry,
            body: None,
        };
        let back = Back::from(&about.entry, None);
        self.stage = Stage::Forward(Box::new(Forward::from(&about, &back, self.trajectory)));
        self.about = Some(about);
        Ok(())
    }

    fn nothing(&self) -> String {
        match &self.of {
            ProvenanceOf::Resource { resource, seq } => {
                let upto = (*seq).min(self.len.saturating_sub(1));
                format!("nothing up to entry {upto} reads or sets `{resource}`")
            }
            ProvenanceOf::Seq(seq) => format!("there is no entry {seq}"),
        }
    }

    fn found(&mut self, entry: Entry, body: BodyState, resource: Option<Resource>) {
        if matches!(body, BodyState::Erased) {
            self.notes.insert(ERASED.to_owned());
        }
        let body = known(body);
        self.back.push(Linked {
            relation: body.as_ref().map_or(Relation::Itself, back::relation_of),
            above: 0,
            resource: resource.as_ref().map(Resource::text),
            entry: entry.clone(),
        });
        self.stage = Stage::Back(Box::new(Back::from(&entry, body.as_ref())));
        self.about = Some(About {
            entry,
            body,
            resource,
        });
    }

    fn go_back(&mut self, kernel: &Kernel) -> Result<(), String> {
        let Stage::Back(back) = &mut self.stage else {
            return Ok(());
        };
        let whole = back.step(kernel, &mut self.back, &mut self.notes)?;
        self.done += back.take_read();
        if whole && let Some(about) = &self.about {
            self.stage = Stage::Forward(Box::new(Forward::from(about, back, self.trajectory)));
        }
        Ok(())
    }

    /// Whether that was the last step.
    fn go_forward(&mut self, kernel: &Kernel) -> Result<bool, String> {
        let Stage::Forward(forward) = &mut self.stage else {
            return Ok(false);
        };
        let mut found = Vec::new();
        let whole = forward.step(kernel, &mut found, &mut self.notes)?;
        self.done += forward.take_read();
        for linked in found {
            if self.forward.len() < FORWARD_MAX {
                self.forward.push(linked);
            } else {
                self.forward_left += 1;
            }
        }
        Ok(whole)
    }

    fn told(&mut self, kernel: &Kernel) -> Replied {
        let Some(about) = &self.about else {
            return Replied::Provenance(None);
        };
        let (back, forward) = (
            std::mem::take(&mut self.back),
            std::mem::take(&mut self.forward),
        );
        let mut narrator = Narrator::default();
        for linked in back.iter().rev().chain(&forward) {
            narrator.learn(&linked.entry);
        }
        let mut told = |linked: Linked| {
            know_call(
                kernel.parts.store.as_ref(),
                &linked.entry.decode(),
                &mut narrator,
            );
            ProvenanceStep {
                relation: linked.relation,
                above: linked.above,
                resource: linked.resource,
                event: narrate(&linked.entry, &narrator),
            }
        };
        Replied::Provenance(Some(Box::new(Provenance {
            trajectory: self.trajectory,
            entry: about.entry.id,
            seq: about.entry.header.seq,
            resource: about.resource.as_ref().map(Resource::text),
            back: back.into_iter().map(&mut told).collect(),
            forward: forward.into_iter().map(&mut told).collect(),
            forward_left: self.forward_left,
            notes: std::mem::take(&mut self.notes).into_iter().collect(),
        })))
    }
}

impl Walk for Seeking {
    fn step(&mut self, kernel: &Kernel) -> Result<Step, String> {
        match &self.stage {
            Stage::Locating(_) => {
                if self.len == 0 {
                    self.measure(kernel)?;
                }
                self.locate(kernel)?;
            }
            Stage::Back(_) => self.go_back(kernel)?,
            Stage::Forward(_) => {
                if self.go_forward(kernel)? {
                    // Who only looked through its folder need not have met it.
                    let met = |one: &Linked| one.relation != Relation::Searched;
                    if self.back.is_empty() && !self.forward.iter().any(met) {
                        return Err(self.nothing());
                    }
                    return Ok(Step::End(self.told(kernel)));
                }
            }
        }
        Ok(Step::On(Replied::Looking {
            done: self.done,
            of: self.len.max(self.done),
        }))
    }

    fn cancelled(&self) -> Replied {
        Replied::Provenance(None)
    }
}

/// What is said when something on the way is gone.
const ERASED: &str = "entries on the way were erased; what they said cannot be told";

/// The entries that end with the one before `before`, and where they begin: at `from`, or later where the
/// store does not hand over so much at once.
fn page_before(
    kernel: &Kernel,
    trajectory: TrajectoryId,
    mut from: u64,
    before: u64,
) -> Result<(u64, Vec<Entry>), String> {
    loop {
        let page = page(kernel, trajectory, from, before)?;
        let due = before.saturating_sub(from);
        if due <= 1 || page.len() as u64 >= due {
            return Ok((from, page));
        }
        from = before.saturating_sub(due / 2);
    }
}

/// Entries of a trajectory from `from` up to, and not with, `before`; a page at most.
fn page(
    kernel: &Kernel,
    trajectory: TrajectoryId,
    from: u64,
    before: u64,
) -> Result<Vec<Entry>, String> {
    let due = before.saturating_sub(from).min(PAGE as u64);
    let due = usize::try_from(due).unwrap_or(PAGE);
    let page = kernel.parts.store.page(&trajectory, from, due);
    page.map_err(|e| e.to_string())
}

/// The trajectory that this one branched off from, and at which of its entries.
fn past_of(
    kernel: &Kernel,
    trajectory: TrajectoryId,
) -> Result<Option<(TrajectoryId, u64)>, String> {
    let second = page(kernel, trajectory, 1, 2)?;
    Ok(match second.first().map(Entry::decode) {
        Some(BodyState::Known(Body::Branch(branch))) => Some((branch.from, branch.seq)),
        Some(_) | None => None,
    })
}

fn known(body: BodyState) -> Option<Body> {
    match body {
        BodyState::Known(body) => Some(body),
        BodyState::Erased | BodyState::UnknownKind(_) | BodyState::Invalid(_) => None,
    }
}

/// What an entry changed in the world.
fn deltas(body: &Body) -> &[Delta] {
    match body {
        Body::Commit(body) => &body.outcome.deltas,
        Body::Failure(body) => &body.fault.deltas,
        _ => &[],
    }
}

/// The entry of this id, if this kernel may know of it `[C5]`.
fn entry_of(kernel: &Kernel, id: &EntryId) -> Result<Option<Entry>, String> {
    let entry = kernel.parts.store.entry(id).map_err(|e| e.to_string())?;
    Ok(entry.filter(|entry| kernel.owns(&entry.header.trajectory).unwrap_or(false)))
}
