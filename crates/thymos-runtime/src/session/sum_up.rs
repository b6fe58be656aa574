//! Having the model sum up its older turns before the next one, so that a long run does not forget its
//! middle. Recorded, charged, and read in their place; nothing of the record is taken away.

use std::sync::Arc;

use thymos_core::body::{self, Body};
use thymos_ports::Cognition;
use thymos_ports::cognition::{ModelFault, ModelFaultKind, Streamed, Turn};
use tokio_util::sync::CancellationToken;

use super::bound;
use super::{Activity, Inside, Session};
use crate::context::{ContextLimits, SumUp, shortened};

/// Turns after which it is tried again when there was no summary; until then what does not fit is left out.
const TURNS_UNTIL_AGAIN: u32 = 8;

impl Session {
    /// Asks for a summary beside the task. Its text is not streamed: it answers nobody.
    pub(super) fn sum_up(
        &mut self,
        model: Arc<dyn Cognition>,
        sum_up: SumUp,
        limits: ContextLimits,
    ) {
        let cancel = CancellationToken::new();
        self.activity = Activity::SummingUp {
            cancel: cancel.clone(),
        };
        let turns = match sum_up.turns {
            1 => "1 older turn".to_owned(),
            turns => format!("{turns} older turns"),
        };
        self.live_begins(Some(format!("summing up {turns}")));
        let (inside, k) = (self.inside.clone(), self.k.clone());
        tokio::spawn(async move {
            let from = k.now();
            let mut sink = |_: Streamed<'_>| {};
            let result = model.propose(&sum_up.context, &mut sink, &cancel).await;
            let done = Inside::SummedUp {
                through: sum_up.through,
                limits,
                result,
                wall_clock_ms: k.now().since(from),
            };
            drop(inside.send(done).await);
        });
    }

    /// Records a summary. Where there is none the run goes on without: what it would have made room for is
    /// left out of the next turns, which say so.
    pub(super) async fn summed_up(
        &mut self,
        (through, limits, wall_clock_ms): (u32, ContextLimits, u64),
        result: Result<Turn, ModelFault>,
    ) {
        self.activity = Activity::Idle;
        self.forget_live();
        let identity = self.model_identity();
        let turn = match result {
            Ok(turn) => turn,
            Err(fault) => {
                self.charge_fault(&fault, &identity, wall_clock_ms).await;
                self.sums_up_from = self.p.next_turn.saturating_add(TURNS_UNTIL_AGAIN);
                if fault.kind == ModelFaultKind::Cancelled {
                    let stop = self.cut_or_cancelled();
                    self.close(stop).await;
                }
                return;
            }
        };
        let mut bodies = vec![self.usage(&turn.usage, &identity, wall_clock_ms, turn.attempts)];
        if turn.text.trim().is_empty() {
            self.sums_up_from = self.p.next_turn.saturating_add(TURNS_UNTIL_AGAIN);
        } else {
            bodies.push(Body::Message(body::Message {
                role: body::Role::Summary,
                text: bound::said(shortened(turn.text.trim(), limits)),
                reasoning: String::new(),
                provider_state: None,
                turn: through,
            }));
        }
        if let Err(error) = self.record_anyway(bodies).await {
            self.break_on(error, None);
        }
    }
}
