//! What unit tests of several modules share. Holds no assertions.

use serde_json::{Value, json};
use thymos_core::effect::{EffectClass, Risk};
use thymos_core::tool::{Compensation, Recovery, Repeat, ToolContract};
use thymos_ports::cognition::{Context, ContextMessage, Purpose, Streamed};

use crate::fault::Broken;
use crate::prices::Spent;
use crate::wire::{Finished, Flow, Names, Wire};

pub(crate) fn names() -> Names {
    Names {
        provider: "p".to_owned(),
        model: "m".to_owned(),
    }
}

/// One word from a person, one tool.
pub(crate) fn context() -> Context {
    Context {
        purpose: Purpose::Turn,
        turns: 0,
        system: "be brief".to_owned(),
        messages: vec![ContextMessage::Operator("go".to_owned())],
        tools: vec![ToolContract {
            operator_only: false,
            name: "grep".to_owned(),
            version: 1,
            description: "searches".to_owned(),
            schema: json!({"type": "object"}),
            effect_floor: EffectClass::Read,
            risk_floor: Risk::Low,
            repeat: Repeat::Free,
            recovery: Recovery::Idempotent,
            compensation: Compensation::Unneeded,
        }],
        output_tokens_max: 500,
    }
}

/// Feeds events to a reader of a protocol.
pub(crate) fn read(wire: &dyn Wire, events: &[Value]) -> (Result<Finished, Broken>, Spent) {
    let mut reader = wire.reader(names());
    let mut sink = |_: Streamed<'_>| {};
    for event in events {
        match reader.event(event, &mut sink) {
            Ok(Flow::More | Flow::Tail) => {}
            Ok(Flow::Finished) => break,
            Err(broken) => return (Err(broken), reader.spent()),
        }
    }
    let spent = reader.spent();
    (reader.finish(), spent)
}
