//! Walks through the record: long looks that are made a step at a time, tell how far they are, and end
//! when they are cancelled. Decides nothing about what a step looks for.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use thymos_protocol::{Replied, Reply, Ticket};
use tokio_util::sync::CancellationToken;

use super::lookup::fault;
use super::{Service, lock};
use crate::kernel::Kernel;

/// A look that takes many steps. Each reads a bounded number of entries.
pub(super) trait Walk: Send + 'static {
    /// The next step; what it tells.
    ///
    /// # Errors
    /// Why it cannot go on, for a person.
    fn step(&mut self, kernel: &Kernel) -> Result<Step, String>;

    /// What it says when it is cancelled.
    fn cancelled(&self) -> Replied;
}

/// What a step came to.
pub(super) enum Step {
    /// There is more to look at.
    On(Replied),
    /// That was the last one.
    End(Replied),
}

/// The walks that are under way.
#[derive(Clone, Default)]
pub(super) struct Walks(Arc<Mutex<BTreeMap<Ticket, CancellationToken>>>);

impl Walks {
    fn begin(&self, ticket: Ticket) -> CancellationToken {
        let token = CancellationToken::new();
        lock(&self.0).insert(ticket, token.clone());
        token
    }

    /// Has one end; nothing happens where it has ended.
    pub(super) fn cancel(&self, ticket: Ticket) {
        if let Some(token) = lock(&self.0).get(&ticket) {
            token.cancel();
        }
    }

    /// Has all of them end: nobody is there any more to hear what they find.
    pub(super) fn cancel_all(&self) {
        lock(&self.0).values().for_each(CancellationToken::cancel);
    }

    fn ended(&self, ticket: Ticket) {
        lock(&self.0).remove(&ticket);
    }
}

/// Walks beside the service. Between two steps it waits until the last one was heard, so that a slow
/// reader holds it up and no queue grows, and looks whether it was cancelled.
pub(super) fn walk(service: &Service, ticket: Ticket, mut walk: impl Walk) {
    let (kernel, replies) = (service.kernel.clone(), service.replies.clone());
    let (walks, token) = (service.walks.clone(), service.walks.begin(ticket));
    let hands = kernel.parts.hands;
    tokio::spawn(async move {
        loop {
            let (replied, more) = if token.is_cancelled() {
                (walk.cancelled(), false)
            } else {
                let read = kernel.clone();
                let stepped = hands.beside(move || {
                    let step = walk.step(&read);
                    (walk, step)
                });
                match stepped.await {
                    Ok((back, step)) => {
                        walk = back;
                        match step {
                            Ok(Step::On(replied)) => (replied, true),
                            Ok(Step::End(replied)) => (replied, false),
                            Err(why) => (fault(why), false),
                        }
                    }
                    Err(panic) => {
                        // The walk is lost with it; there is nothing to go on with.
                        drop(replies.send(reply(ticket, fault(panic.to_string()))).await);
                        break;
                    }
                }
            };
            // The app may be gone; then nobody waits for the rest.
            let heard = replies.send(reply(ticket, replied)).await.is_ok();
            if !(heard && more) {
                break;
            }
        }
        walks.ended(ticket);
    });
}

const fn reply(ticket: Ticket, replied: Replied) -> Reply {
    Reply { ticket, replied }
}
