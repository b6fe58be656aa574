//! Authority that is put in force: a mode or a share of a writ file, and skills below it, as one batch
//! `[W8]` `[S1]`. Whatever of it is refused, nothing of it is recorded; cut off anywhere, what is on
//! record is never wider than what was asked for.

use serde_json::Value;
use thymos_core::WritId;
use thymos_core::body::Body;
use thymos_core::id::SkillId;
use thymos_core::writ::{Mode, Writ};
use thymos_protocol::{Replied, SkillChoice, Under};

use super::skill::{Chosen, unbindable};
use super::{RecordError, Session};
use crate::account::TRIES_MAX;

/// What a skill is bound below: authority as it is in force, or as the same batch will put it.
pub(super) struct Footing {
    pub(super) mode: Mode,
    pub(super) id: WritId,
    pub(super) writ: Writ,
    /// The skills that narrow it already, with their values.
    pub(super) skills: Vec<(Option<SkillId>, Value)>,
}

/// Entries that put authority in force, not recorded yet.
pub(super) struct Planned {
    pub(super) bodies: Vec<Body>,
    /// What skills are bound below.
    pub(super) footing: Footing,
}

/// A whole batch.
pub(super) struct Batch {
    pub(super) bodies: Vec<Body>,
    /// The writ that its skills narrow.
    pub(super) base: WritId,
}

impl Session {
    /// Puts authority in force here, and skills below it; or says why not.
    pub(super) async fn take(
        &mut self,
        under: Option<Under>,
        skills: &[SkillChoice],
    ) -> Result<Replied, RecordError> {
        if matches!(under, Some(Under::Writ { .. })) {
            let otherwise = "use the writ there, or start a new trajectory";
            if let Err(no) = self.may_act(otherwise).await {
                return Ok(no);
            }
        } else if !skills.is_empty()
            && let Some(elsewhere) = self.elsewhere()
        {
            return Ok(elsewhere);
        }
        self.catch_up()?;
        for _ in 0..TRIES_MAX {
            let batch = match self.plan(under.as_ref(), skills).await? {
                Ok(batch) => batch,
                Err(no) => return Ok(no),
            };
            let share = matches!(under, Some(Under::Writ { .. })).then_some(batch.base);
            match self.record(batch.bodies).await {
                Err(RecordError::Moved) => {}
                Err(error) => return Err(error),
                Ok(_) => {
                    if under.is_some() {
                        self.stop_if_cut();
                        self.close_cut_holds().await;
                        // [W6] A share of a writ file that is no longer in force goes back.
                        self.close_shares(share).await?;
                    }
                    return Ok(Replied::Accepted);
                }
            }
        }
        Err(RecordError::Moved)
    }

    /// The batch, or why there is none. Only for a writ file anything is recorded by now, and that is
    /// its share in the file's account.
    pub(super) async fn plan(
        &self,
        under: Option<&Under>,
        skills: &[SkillChoice],
    ) -> Result<Result<Batch, Replied>, RecordError> {
        let chosen = match self.chosen(skills) {
            Ok(chosen) => chosen,
            Err(no) => return Ok(Err(unbindable(no))),
        };
        match under {
            Some(Under::Writ { chain, share }) => {
                self.plan_share(chain.clone(), share, &chosen).await
            }
            Some(Under::Mode(mode)) => self.below(self.mode_bodies(*mode)?, &chosen),
            None => match self.footing() {
                Ok(footing) => {
                    let bodies = Vec::new();
                    self.below(Planned { bodies, footing }, &chosen)
                }
                Err(no) => Ok(Err(unbindable(no))),
            },
        }
    }

    /// The same with the skills bound below, each one below the one before.
    pub(super) fn below(
        &self,
        planned: Planned,
        chosen: &[Chosen],
    ) -> Result<Result<Batch, Replied>, RecordError> {
        let Planned {
            mut bodies,
            mut footing,
        } = planned;
        let base = footing.id;
        for skill in chosen {
            match self.skill_bodies(skill, footing)? {
                Ok(bound) => {
                    bodies.extend(bound.bodies);
                    footing = bound.footing;
                }
                Err(no) => return Ok(Err(unbindable(no))),
            }
        }
        Ok(Ok(Batch { bodies, base }))
    }
}
