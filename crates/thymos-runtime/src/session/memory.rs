//! Forgetting on the operator's word: an intent of the operator's own, through the gate `[O4]`.

use thymos_core::body::{self, Body};
use thymos_core::intent::{Author, Intent};
use thymos_protocol::Replied;

use super::{Job, RecordError, Session};

impl Session {
    /// Wants a note forgotten, as the operator.
    pub(super) async fn forget(&mut self, key: String) -> Result<Replied, RecordError> {
        if let Err(no) = self
            .may_act("answer holds here, or start a new trajectory")
            .await
        {
            return Ok(no);
        }
        for _ in 0..4 {
            let turn = self.p.next_turn;
            let intent = Intent {
                v: 1,
                trajectory: self.p.trajectory,
                turn,
                ordinal: 0,
                author: Author::Operator,
                tool: "memory_forget".into(),
                args: serde_json::json!({"key": key}),
            };
            let id = intent.id()?;
            let mut bodies = self.pins();
            bodies.push(Body::Message(body::Message {
                role: body::Role::Operator,
                text: format!("forget the note `{key}`"),
                reasoning: String::new(),
                provider_state: None,
                turn,
            }));
            bodies.push(Body::Intent(body::Intended {
                intent,
                call: String::new(),
                routing: None,
                compensates: None,
                again: None,
            }));
            match self.record(bodies).await {
                Err(RecordError::Moved) => {}
                Err(error) => return Err(error),
                Ok(_) => {
                    self.queue.push_back(Job::Decide(id));
                    return Ok(Replied::Accepted);
                }
            }
        }
        Err(RecordError::Moved)
    }
}
