//! A model behind HTTP: attempts, waits and cancel around one protocol.
//!
//! Sends the identical body each time, and hands out a whole turn or none.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use thymos_ports::Cognition;
use thymos_ports::cognition::{Context, ModelFault, ModelIdentity, Streamed, TokenUsage, Turn};
use tokio_util::sync::CancellationToken;

use crate::fault::{Broken, cancelled};
use crate::http::{Attempt, Line, conclude};
use crate::prices::{Prices, Spent};
use crate::retry::Patience;
use crate::spec::{RetryOptions, Services};
use crate::wire::{Finished, Reader, Sink, Wire};

/// A provider's model.
pub(crate) struct HttpModel {
    pub(crate) line: Line,
    pub(crate) wire: Arc<dyn Wire>,
    pub(crate) services: Services,
    pub(crate) context_tokens: Option<u64>,
    pub(crate) prices: Option<Prices>,
    pub(crate) retry: RetryOptions,
}

/// Known to be nothing.
const NOTHING: Spent = Spent {
    input: 0,
    cached: 0,
    cache_written: 0,
    output: 0,
    reasoning: 0,
    told: true,
};

/// What one attempt came to.
struct Tried {
    result: Result<Finished, Broken>,
    spent: Spent,
}

#[async_trait]
impl Cognition for HttpModel {
    fn identity(&self) -> ModelIdentity {
        ModelIdentity {
            provider: self.line.names.provider.clone(),
            model: self.line.names.model.clone(),
            context_tokens: self.context_tokens,
        }
    }

    async fn propose(
        &self,
        context: &Context,
        sink: &mut (dyn for<'bit> FnMut(Streamed<'bit>) + Send),
        cancel: &CancellationToken,
    ) -> Result<Turn, ModelFault> {
        let body = self.wire.body(context, &self.line.names.model).to_string();
        let mut patience = Patience::new(self.retry);
        let mut spent = NOTHING;
        loop {
            let tried = self.attempt(body.as_bytes(), sink, cancel).await;
            spent = spent.plus(tried.spent);
            let broken = match tried.result {
                Ok(finished) => return Ok(self.turn(finished, spent, patience.attempts())),
                Err(broken) => broken,
            };
            let Some(wait_ms) = patience.next(broken.retry, &*self.services.entropy) else {
                return Err(broken.into_fault(self.used(spent)));
            };
            sink(Streamed::Restart {
                reason: &broken.message,
                wait_ms,
            });
            // Cancel point: the wait holds nothing open.
            tokio::select! {
                biased;
                () = cancel.cancelled() => {
                    return Err(cancelled().into_fault(self.used(spent)));
                }
                () = tokio::time::sleep(Duration::from_millis(wait_ms)) => {}
            }
        }
    }
}

impl HttpModel {
    async fn attempt(&self, body: &[u8], sink: Sink<'_>, cancel: &CancellationToken) -> Tried {
        let mut reader: Box<dyn Reader> = self.wire.reader(self.line.names.clone());
        let mut attempt = Attempt {
            line: &self.line,
            clock: &*self.services.clock,
            began: false,
        };
        // Cancel point: dropping the attempt closes its connection at once.
        let read = tokio::select! {
            biased;
            () = cancel.cancelled() => Err(cancelled()),
            read = attempt.run(body, &mut *reader, sink) => read,
        };
        // An attempt that was refused outright costs nothing; one that began may have cost
        // something even if it never told how much, and then the price stays unknown.
        let spent = if attempt.began {
            reader.spent()
        } else {
            NOTHING
        };
        let result = read.and_then(|()| conclude(&self.line, reader));
        Tried { result, spent }
    }

    /// Usage of a turn that did not come about; without a price where there is nothing to price.
    fn used(&self, spent: Spent) -> TokenUsage {
        if spent == NOTHING {
            return TokenUsage::default();
        }
        spent.priced(self.prices)
    }

    fn turn(&self, finished: Finished, spent: Spent, attempts: u32) -> Turn {
        Turn {
            text: finished.text,
            reasoning: finished.reasoning,
            provider_state: finished.provider_state,
            calls: finished.calls,
            stop: finished.stop,
            usage: spent.priced(self.prices),
            attempts,
        }
    }
}
