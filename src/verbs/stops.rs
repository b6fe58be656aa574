//! What asks a verb at work to stop: Ctrl-C, and the signals with which systems end programs.

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::error::{AppError, ErrorKind};

/// Heard once: work is then interrupted and sealed within a second `[X4]`, and whoever asks again is not in
/// the way of that.
pub(super) struct Stops {
    signals: Vec<Signal>,
    heard: bool,
}

impl Stops {
    /// Listens from now on.
    ///
    /// # Errors
    /// When the system gives no signals.
    pub(super) fn listen() -> Result<Self, AppError> {
        let kinds = [
            SignalKind::interrupt(),
            SignalKind::terminate(),
            SignalKind::hangup(),
        ];
        let signals = kinds.into_iter().map(signal).collect::<Result<_, _>>();
        let signals = signals.map_err(|error| {
            let message = format!("signals cannot be heard: {error}");
            AppError::new(ErrorKind::User, message)
        })?;
        Ok(Self {
            signals,
            heard: false,
        })
    }

    /// Waits for the first of them; for ever once it was heard.
    pub(super) async fn asked(&mut self) {
        if self.heard {
            return std::future::pending().await;
        }
        std::future::poll_fn(|context| {
            let any = self
                .signals
                .iter_mut()
                .any(|signal| signal.poll_recv(context).is_ready());
            if any {
                std::task::Poll::Ready(())
            } else {
                std::task::Poll::Pending
            }
        })
        .await;
        self.heard = true;
    }
}
