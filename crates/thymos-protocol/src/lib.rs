//! What the screen and the kernel say to each other: commands in, events and replies out.
//!
//! Plain data in the screen's words. Opens no channel and knows neither terminal nor ledger; the app
//! holds a cursor and pulls, the kernel rings a bell.
#![forbid(unsafe_code)]
#![deny(clippy::wildcard_enum_match_arm, clippy::indexing_slicing)]

mod authority;
mod card;
mod command;
mod detail;
mod erase;
mod event;
mod governance;
mod live;
mod look;
mod reply;
mod status;
mod under;

pub use authority::{
    GrantPreview, NotUsed, PastCall, ScopePreview, WritFound, WritRow, WritStanding, WritState,
};
pub use card::{Card, CardState, Changed, HoldRow};
pub use command::{Answer, Command, Reach, Request, ScopeChoice, Settlement, Taking, Ticket};
pub use detail::{ChainFacts, Detail, TraceRow};
pub use erase::{ErasureEnd, ErasureName, ErasurePlan, ErasureRow, ErasureTargets};
pub use event::{DecidedBy, Event, FileChange, What};
pub use governance::{
    ChangedVerdict, MemoryRow, Policies, PolicyRow, RoutingRow, Simulation, SkillParamRow,
    SkillRow, UndoEnd, UndoPlan, UndoStep, UndoStop,
};
pub use live::{Live, LiveOutput};
pub use look::{Among, Found, FoundEnd, Provenance, ProvenanceOf, ProvenanceStep, Relation};
pub use reply::{
    CheckpointView, Compared, Fault, Heads, ModePreview, ModelRow, OutsideView, Page, PinMet,
    PinReport, ReplayReport, ReplayVerdict, ReplayedRun, Replied, Reply, RunParent, RunRow,
    VerifyFinding, VerifyProgress, VerifyReport, WorldDiff, WorldDiffRow, WorldRow, WorldView,
};
pub use status::{
    BudgetBar, ChainState, OutsideStanding, OutsideTrouble, Running, Status, VerifiedBefore,
    WritSummary,
};
pub use under::{SkillChoice, Under};
