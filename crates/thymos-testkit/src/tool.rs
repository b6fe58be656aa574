//! A tool whose every step a test decides, and which counts how often its body ran.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use serde_json::{Value, json};
use thymos_core::delta::{Delta, Expect, Resource, ResourceValue};
use thymos_core::effect::{EffectClass, Risk};
use thymos_core::outcome::{FaultKind, Outcome};
use thymos_core::proposal::Proposal;
use thymos_core::resolved::Resolved;
use thymos_core::tool::{Compensation, Recovery, Repeat, ToolContract};
use thymos_ports::tool::{Keep, Look, Order, Probed, ToolFault, ToolIo, Unmet, Unresolvable};
use thymos_ports::{Begun, Tool};
use tokio::sync::Notify;

type Resolve = Arc<dyn Fn(&Value, &Look<'_>) -> Result<Resolved, Unresolvable> + Send + Sync>;
type Act = Arc<dyn Fn(&Begun) -> Result<Outcome, ToolFault> + Send + Sync>;

#[derive(Clone)]
enum Body {
    Act(Act),
    Hang,
    Panic,
}

/// What looking again at what was done comes to.
#[derive(Clone, Copy)]
enum Check {
    Met,
    Unmet,
    Hang,
    Panic,
}

/// A fake tool: pure, low risk, any arguments, says `done`. Clones share counters.
#[derive(Clone)]
pub struct FakeTool {
    contract: ToolContract,
    resolve: Option<Resolve>,
    probe: Probed,
    body: Body,
    check: Check,
    brief: bool,
    runs: Arc<AtomicUsize>,
    args: Arc<Mutex<Vec<Value>>>,
    entered: Arc<Notify>,
}

impl FakeTool {
    /// A tool of this name.
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self {
            contract: contract(name),
            resolve: None,
            probe: Probed::Unknown,
            body: Body::Act(Arc::new(|_| Ok(Outcome::said("done", "done")))),
            check: Check::Met,
            brief: false,
            runs: Arc::default(),
            args: Arc::default(),
            entered: Arc::default(),
        }
    }

    /// With this effect class: its floor, and what calls resolve to.
    #[must_use]
    pub fn effect(mut self, class: EffectClass) -> Self {
        self.contract.effect_floor = class;
        self
    }

    /// With this risk: its floor, and what calls resolve to.
    #[must_use]
    pub fn risk(mut self, risk: Risk) -> Self {
        self.contract.risk_floor = risk;
        self
    }

    /// With a contract changed like this.
    #[must_use]
    pub fn declaring(mut self, change: impl FnOnce(&mut ToolContract)) -> Self {
        change(&mut self.contract);
        self
    }

    /// Resolves like this instead of by its contract alone.
    #[must_use]
    pub fn resolving(
        mut self,
        resolve: impl Fn(&Value, &Look<'_>) -> Result<Resolved, Unresolvable> + Send + Sync + 'static,
    ) -> Self {
        self.resolve = Some(Arc::new(resolve));
        self
    }

    /// Finds this out about every call that was never sealed.
    #[must_use]
    pub fn probing(mut self, found: Probed) -> Self {
        self.probe = found;
        self
    }

    /// Acts like this.
    #[must_use]
    pub fn acting(
        mut self,
        act: impl Fn(&Begun) -> Result<Outcome, ToolFault> + Send + Sync + 'static,
    ) -> Self {
        self.body = Body::Act(Arc::new(act));
        self
    }

    /// Says that its calls are over at once, true or not.
    #[must_use]
    pub fn brief(mut self) -> Self {
        self.brief = true;
        self
    }

    /// Ends every call with this fault.
    #[must_use]
    pub fn faulting(self, kind: FaultKind, message: &str) -> Self {
        let message = message.to_owned();
        self.acting(move |_| Err(ToolFault::new(kind, message.clone())))
    }

    /// Runs until it is cancelled.
    #[must_use]
    pub fn hanging(mut self) -> Self {
        self.body = Body::Hang;
        self
    }

    /// Panics.
    #[must_use]
    pub fn panicking(mut self) -> Self {
        self.body = Body::Panic;
        self
    }

    /// Finds after each call that `done.txt` is not what it was to be `[X5]`.
    #[must_use]
    pub fn unmet(mut self) -> Self {
        self.check = Check::Unmet;
        self
    }

    /// Never comes to an end of looking at what it did `[X5]`.
    #[must_use]
    pub fn hanging_after(mut self) -> Self {
        self.check = Check::Hang;
        self
    }

    /// Panics while it looks at what it did `[X5]`.
    #[must_use]
    pub fn panicking_after(mut self) -> Self {
        self.check = Check::Panic;
        self
    }

    /// Returns a delta whose precondition cannot hold `[X5]`.
    #[must_use]
    pub fn with_bad_delta(self) -> Self {
        self.acting(|_| {
            let mut outcome = Outcome::said("done", "done");
            outcome.deltas.push(Delta {
                resource: Resource::Kv("bad".to_owned()),
                expect: Expect::Exactly(u32::MAX.into()),
                before: None,
                after: Some(ResourceValue::Json(json!(1))),
            });
            Ok(outcome)
        })
    }

    /// How often its body ran.
    #[must_use]
    pub fn runs(&self) -> usize {
        self.runs.load(Ordering::SeqCst)
    }

    /// The real arguments of every run, in order.
    #[must_use]
    pub fn args(&self) -> Vec<Value> {
        let args = self.args.lock().unwrap_or_else(PoisonError::into_inner);
        args.clone()
    }

    /// Told each time its body begins; await it before cancelling a hanging call.
    #[must_use]
    pub fn entered(&self) -> Arc<Notify> {
        Arc::clone(&self.entered)
    }

    /// As the port; the fake stays usable for its counters.
    #[must_use]
    pub fn port(&self) -> Arc<dyn Tool> {
        Arc::new(self.clone())
    }
}

#[async_trait]
impl Tool for FakeTool {
    fn contract(&self) -> &ToolContract {
        &self.contract
    }

    async fn resolve(&self, args: &Value, look: &Look<'_>) -> Result<Resolved, Unresolvable> {
        match &self.resolve {
            Some(resolve) => resolve(args, look),
            None => Ok(Resolved {
                effect: self.contract.effect_floor,
                risk: self.contract.risk_floor,
                compensation: self.contract.compensation.clone(),
                ..Resolved::pure()
            }),
        }
    }

    fn order(&self, _args: &Value) -> Option<Order> {
        None
    }

    fn overwrites(&self, _resolved: &Resolved, _keep: Keep<'_>) {}

    async fn probe(&self, _proposal: &Proposal, _look: &Look<'_>) -> Probed {
        self.probe.clone()
    }

    fn is_brief(&self) -> bool {
        self.brief
    }

    async fn run(&self, begun: &Begun, io: &mut ToolIo<'_>) -> Result<Outcome, ToolFault> {
        self.runs.fetch_add(1, Ordering::SeqCst);
        self.args
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(begun.args().clone());
        self.entered.notify_one();
        match &self.body {
            Body::Act(act) => act(begun),
            Body::Hang => {
                io.cancel.cancelled().await;
                Err(ToolFault::new(FaultKind::Cancelled, "stopped"))
            }
            Body::Panic => panic!("`{}` panics as told", self.contract.name),
        }
    }

    async fn verify(
        &self,
        _begun: &Begun,
        _outcome: &Outcome,
        _io: &mut ToolIo<'_>,
    ) -> Result<(), Unmet> {
        match self.check {
            Check::Met => Ok(()),
            Check::Unmet => Err(Unmet {
                subject: "done.txt".to_owned(),
                expected: "there".to_owned(),
                found: "gone".to_owned(),
            }),
            Check::Hang => std::future::pending().await,
            Check::Panic => panic!("`{}` panics after the act as told", self.contract.name),
        }
    }
}

/// The contract of a harmless tool that takes any object.
#[must_use]
pub fn contract(name: &str) -> ToolContract {
    ToolContract {
        operator_only: false,
        name: name.to_owned(),
        version: 1,
        description: format!("Fake tool {name}."),
        schema: json!({"type": "object", "additionalProperties": true}),
        effect_floor: EffectClass::Pure,
        risk_floor: Risk::Low,
        repeat: Repeat::Free,
        recovery: Recovery::Idempotent,
        compensation: Compensation::Unneeded,
    }
}
