//! Asking the model for one turn, and recording what it said and wanted.

use thymos_core::body::{self, Body, Stop};
use thymos_core::budget::{AMOUNT_MAX, Dimension};
use thymos_core::facts::Possession;
use thymos_core::intent::{Author, Intent};
use thymos_ports::cognition::{
    ModelFault, ModelFaultKind, ModelIdentity, ProposedCall, Streamed, TokenUsage, Turn,
};
use thymos_protocol::Live;
use thymos_replay::projection::Item;
use tokio_util::sync::CancellationToken;

use super::bound;
use super::route::Pace;
use super::{Activity, Inside, Job, RecordError, Session};
use crate::context::{self, ContextLimits, Next};
use crate::kernel::RunLimits;

impl Session {
    /// Why no further turn may be thought, if so `[B2]`.
    pub(super) fn must_stop(&mut self) -> Option<Stop> {
        let limits = self.k.parts.limits;
        if self
            .run
            .as_ref()
            .is_some_and(|run| run.turns >= limits.turns_max)
        {
            return Some(Stop::Steps);
        }
        let Some((_, leaf)) = self.p.authority else {
            return Some(Stop::Authority("there is no writ in force".into()));
        };
        if let Some(why) = self.outlived_by_keys(&leaf) {
            return Some(Stop::Authority(why));
        }
        if self.has_undo_writ() {
            let why = "what is in force lets calls be taken back, and nothing else; choose a mode to go on";
            return Some(Stop::Authority(why.into()));
        }
        let now = self.now();
        let revoked = match self.revoked_now() {
            Ok(revoked) => revoked,
            Err(error) => return Some(Stop::Authority(error.to_string())),
        };
        for (id, signed) in self.chain(&leaf).links() {
            if revoked.contains(id) {
                return Some(Stop::Authority(
                    "the writ is revoked; choose a mode to get a new one".into(),
                ));
            }
            if !signed.writ.window.contains(now) {
                return Some(Stop::Authority(
                    "the writ's window is closed; choose a mode to get a new one".into(),
                ));
            }
            let spent = self.p.spent.get(id).copied().unwrap_or_default();
            if let Some(dimension) = signed.writ.budget.exhausted(&spent) {
                return Some(Stop::Budget(dimension.to_string()));
            }
        }
        None
    }

    /// Starts a turn beside the task.
    pub(super) fn think(&mut self) {
        let chosen = match self.choose_model() {
            Ok(chosen) => chosen,
            Err(fault) => return self.thought_failed_soon(fault),
        };
        self.routed = self.evidence(&chosen);
        let model = chosen.model;
        let limits = self.k.parts.limits;
        let window = model.identity().context_tokens;
        let whole = sized(limits, window);
        let room = within(whole, self.tokens_left());
        // Near the end of a budget a summary would cost what the turns that it makes room for cannot have.
        let sums_up = room == whole && model.sums_up() && self.p.next_turn >= self.sums_up_from;
        let (tools, writ) = (&self.k.tool_set, self.writ_in_force());
        let context = match context::next(&self.p, tools, writ, room, sums_up) {
            Next::Turn(context) => context,
            Next::SumUp(sum_up) => return self.sum_up(model, sum_up, room),
        };
        if let Some(run) = &mut self.run {
            run.turns += 1;
        }
        let cancel = CancellationToken::new();
        self.activity = Activity::Thinking {
            cancel: cancel.clone(),
        };
        self.live_begins(None);
        let (shared, inside, k) = (self.shared.clone(), self.inside.clone(), self.k.clone());
        tokio::spawn(async move {
            let from = k.now();
            let mut sink = |bit: Streamed<'_>| shared.live(|live| show(live, bit));
            let result = model.propose(&context, &mut sink, &cancel).await;
            let wall_clock_ms = k.now().since(from);
            drop(
                inside
                    .send(Inside::Thought {
                        result,
                        wall_clock_ms,
                    })
                    .await,
            );
        });
    }

    /// What is shown while the model thinks begins anew.
    pub(super) fn live_begins(&self, notice: Option<String>) {
        let trajectory = self.p.trajectory;
        self.shared.live(|live| {
            *live = Live {
                trajectory: Some(trajectory),
                version: live.version,
                notice,
                ..Live::default()
            };
        });
    }

    /// Tokens that the tightest link of the chain still has; none is unlimited.
    fn tokens_left(&self) -> Option<u64> {
        let (_, leaf) = self.p.authority?;
        let chain = self.p.chain(&leaf);
        let left = chain.iter().filter_map(|link| {
            let spent = self
                .p
                .spent
                .get(&link.id().ok()?)
                .copied()
                .unwrap_or_default();
            link.writ.budget.left(&spent, Dimension::Tokens)
        });
        left.min()
    }

    fn thought_failed_soon(&mut self, fault: ModelFault) {
        self.activity = Activity::Thinking {
            cancel: CancellationToken::new(),
        };
        let inside = self.inside.clone();
        tokio::spawn(async move {
            drop(
                inside
                    .send(Inside::Thought {
                        result: Err(fault),
                        wall_clock_ms: 0,
                    })
                    .await,
            );
        });
    }

    /// Records a turn, or why there is none.
    pub(super) async fn thought(&mut self, result: Result<Turn, ModelFault>, wall_clock_ms: u64) {
        self.activity = Activity::Idle;
        let identity = self.model_identity();
        match result {
            Ok(turn) => {
                let recorded = self.record_turn(turn, &identity, wall_clock_ms).await;
                self.forget_live();
                if let Err(error) = recorded {
                    self.break_on(error, None);
                }
            }
            Err(fault) => {
                self.forget_live();
                self.charge_fault(&fault, &identity, wall_clock_ms).await;
                let stop = match fault.kind {
                    ModelFaultKind::Cancelled => self.cut_or_cancelled(),
                    _ => Stop::Model(match fault.hint {
                        Some(hint) => format!("{}; {hint}", fault.message),
                        None => fault.message,
                    }),
                };
                self.close(stop).await;
            }
        }
    }

    /// `[B1]` What broke off costs what it used.
    pub(super) async fn charge_fault(
        &mut self,
        fault: &ModelFault,
        identity: &ModelIdentity,
        wall_clock_ms: u64,
    ) {
        if fault.usage != TokenUsage::default() {
            let usage = self.usage(&fault.usage, identity, wall_clock_ms, 1);
            self.record_or_break(vec![usage]).await;
        }
    }

    async fn record_turn(
        &mut self,
        turn: Turn,
        identity: &ModelIdentity,
        wall_clock_ms: u64,
    ) -> Result<(), RecordError> {
        let number = self.p.next_turn;
        let pace = Pace {
            wall_clock_ms,
            usd_millicents: turn.usage.usd_millicents.map(clamp),
        };
        self.learn_pace(identity, pace);
        let mut bodies = vec![self.usage(&turn.usage, identity, wall_clock_ms, turn.attempts)];
        let redactor = &self.k.parts.redactor;
        let provider_state = turn
            .provider_state
            .filter(|s| redactor.redact_value(s).is_none())
            // It is the provider's own and of no meaning here: too large, the next turn does without.
            .filter(|s| matches!(bound::args(s.clone()), kept if kept == *s));
        bodies.push(Body::Message(body::Message {
            role: body::Role::Model,
            text: bound::said(turn.text),
            reasoning: bound::said(turn.reasoning),
            provider_state,
            turn: number,
        }));
        let mut wanted = Vec::new();
        // Those beyond the limit are recorded too: [C1] refuses each by its place.
        for (ordinal, call) in (0_u32..).zip(turn.calls) {
            let (id, body) = self.intended(number, ordinal, call)?;
            wanted.push(id);
            bodies.push(body);
        }
        // [W5] One signature binds the whole batch to the session's key.
        let possession = Possession::sign(wanted.clone(), &self.subject);
        self.possessions.clear();
        self.possessions
            .extend(wanted.iter().map(|id| (*id, possession.clone())));
        // Whoever spoke while it thought is heard before any of it is decided.
        let unheard = self.spoke_during(number);
        self.record_anyway(bodies).await?;
        if !unheard {
            self.queue.extend(wanted.into_iter().map(Job::Decide));
        }
        Ok(())
    }

    /// Whether the operator spoke while this turn, which is not recorded yet, was thought.
    fn spoke_during(&self, turn: u32) -> bool {
        let since_the_model = self.p.story.iter().rev().take_while(|item| match item {
            Item::Said { role, .. } => *role != body::Role::Model,
            Item::Wanted(_) => false,
        });
        since_the_model
            .filter_map(|item| match item {
                Item::Said { role, turn, .. } => Some((*role, *turn)),
                Item::Wanted(_) => None,
            })
            .any(|said| said == (body::Role::Steer, turn))
    }

    fn intended(
        &mut self,
        turn: u32,
        ordinal: u32,
        call: ProposedCall,
    ) -> Result<(thymos_core::IntentId, Body), RecordError> {
        let live = match call.malformed {
            Some(text) => bound::args(serde_json::Value::String(text)),
            None => bound::args(call.args),
        };
        let redacted = self.k.parts.redactor.redact_value(&live);
        let intent = Intent {
            v: 1,
            trajectory: self.p.trajectory,
            turn,
            ordinal,
            author: Author::Model,
            // A model may write anything, also where a name belongs.
            tool: self.k.without_secrets(bound::name(&call.tool)),
            args: redacted.clone().unwrap_or_else(|| live.clone()),
        };
        let id = intent.id()?;
        if redacted.is_some() {
            self.live_args.insert(id, live);
        }
        Ok((
            id,
            Body::Intent(body::Intended {
                intent,
                call: call.call,
                routing: match &self.routed {
                    Some(routing) => Some(routing.to_value()?),
                    None => None,
                },
                compensates: None,
                again: None,
            }),
        ))
    }

    pub(super) fn usage(
        &mut self,
        usage: &TokenUsage,
        identity: &ModelIdentity,
        wall_clock_ms: u64,
        attempts: u32,
    ) -> Body {
        let leaf = self.p.authority.map(|(_, leaf)| leaf);
        let writs = leaf
            .map(|leaf| {
                self.chain(&leaf)
                    .links()
                    .iter()
                    .map(|(id, _)| *id)
                    .collect()
            })
            .unwrap_or_default();
        Body::Usage(body::Usage {
            provider: identity.provider.clone(),
            model: identity.model.clone(),
            turn: self.p.next_turn,
            tokens_in: clamp(usage.input),
            tokens_cached: clamp(usage.cached),
            tokens_out: clamp(usage.output),
            tokens_reasoning: clamp(usage.reasoning),
            usd_millicents: usage.usd_millicents.map(clamp),
            wall_clock_ms,
            attempts,
            writs,
        })
    }

    /// The model in use, also when it cannot be connected.
    pub(super) fn model_identity(&self) -> ModelIdentity {
        self.choose_model().map_or_else(
            |_| ModelIdentity {
                provider: self.model.clone().unwrap_or_else(|| "default".into()),
                model: "unavailable".into(),
                context_tokens: None,
            },
            |chosen| chosen.model.identity(),
        )
    }

    pub(super) fn forget_live(&self) {
        self.shared.live(|live| {
            *live = Live {
                version: live.version,
                ..Live::default()
            };
        });
    }
}

/// What may be said and heard in a turn: both together fit into the model's window, of which the answer has a
/// quarter at most.
fn sized(limits: RunLimits, window: Option<u64>) -> ContextLimits {
    let (output, context) = (limits.output_tokens_max, limits.context_tokens_max);
    let (output, context) = match window {
        Some(window) => {
            let output = output.min(window / 4).max(1);
            (output, context.min(window.saturating_sub(output)))
        }
        None => (output, context),
    };
    ContextLimits {
        output_tokens_max: output,
        context_tokens_max: context,
    }
}

/// `[B2]` A turn that is likely to fit what is left: a quarter of it for the answer. What a model counts
/// is known only afterwards, so one turn may still go over by what the estimate was off.
fn within(sized: ContextLimits, left: Option<u64>) -> ContextLimits {
    let (output, context) = (sized.output_tokens_max, sized.context_tokens_max);
    match left {
        Some(left) if left < output.saturating_add(context) => {
            let output = output.min(left / 4).max(1);
            ContextLimits {
                output_tokens_max: output,
                context_tokens_max: context.min(left.saturating_sub(output)),
            }
        }
        Some(_) | None => sized,
    }
}

/// Providers send nonsense; what cannot be kept exactly is kept as the largest that can.
fn clamp(count: u64) -> u64 {
    count.min(AMOUNT_MAX)
}

fn show(live: &mut Live, bit: Streamed<'_>) {
    match bit {
        Streamed::Text(text) => live.text.push_str(text),
        Streamed::Reasoning(text) => live.reasoning.push_str(text),
        Streamed::Call(name) => live.calls.push(name.to_owned()),
        Streamed::Restart { reason, wait_ms } => {
            live.text.clear();
            live.reasoning.clear();
            live.calls.clear();
            live.notice = Some(format!("{reason}; trying again in {wait_ms} ms"));
        }
    }
}
