//! What asks a verb at work to stop: Ctrl-C, and the signals with which systems end programs.

use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::oneshot;

use crate::error::{AppError, ErrorKind};
use crate::out;

/// What work that was interrupted has to be sealed in `[X4]`, behind which a second signal ends the program.
const SEALED: Duration = Duration::from_secs(1);

/// The exit code of what a person stopped.
const INTERRUPTED: i32 = 130;

/// The first signal interrupts: work is then sealed within a second `[X4]`. A second one ends the program
/// when that time is over, wherever it waits by then: a verb may follow what another process does, and a
/// disk may not answer.
pub(super) struct Stops {
    /// Told of the first signal.
    first: oneshot::Receiver<()>,
    heard: bool,
}

impl Stops {
    /// Listens from now on, until the program ends.
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
        let (tell, first) = oneshot::channel();
        // Apart from who follows: that one may be waiting for an answer that never comes.
        tokio::spawn(hear(signals, tell));
        Ok(Self {
            first,
            heard: false,
        })
    }

    /// Waits for the first of them; for ever once it was heard.
    pub(super) async fn asked(&mut self) {
        // The task tells before it ends, and it ends the program.
        if self.heard || (&mut self.first).await.is_err() {
            return std::future::pending().await;
        }
        self.heard = true;
    }
}

/// Does the work, and leaves it at the first signal: what is under way then is cancelled and sealed as the kernel
/// ends `[X4]`.
///
/// # Errors
/// Those of the work, and that it was interrupted.
pub(super) async fn unless_stopped<T>(
    work: impl Future<Output = Result<T, AppError>>,
) -> Result<T, AppError> {
    let mut stops = Stops::listen()?;
    tokio::select! {
        done = work => done,
        () = stops.asked() => Err(interrupted()),
    }
}

/// How a verb ends that a person stopped.
pub(super) fn interrupted() -> AppError {
    AppError::new(
        ErrorKind::Interrupted,
        "interrupted; what was done is on record, and what was under way is recorded as cut off",
    )
}

async fn hear(mut signals: Vec<Signal>, tell: oneshot::Sender<()>) {
    any(&mut signals).await;
    #[expect(
        clippy::let_underscore_must_use,
        reason = "nobody may be there to hear it: work has ended, and the second one still counts"
    )]
    let _ = tell.send(());
    any(&mut signals).await;
    tokio::time::sleep(SEALED).await;
    out::talk("thymos: ended without waiting any longer; `thymos settle` lists what is in doubt");
    std::process::exit(INTERRUPTED);
}

/// Waits for one of them. Others that came at the same time are left for the next who asks.
async fn any(signals: &mut [Signal]) {
    std::future::poll_fn(|context| {
        let any = signals
            .iter_mut()
            .any(|signal| signal.poll_recv(context).is_ready());
        if any {
            std::task::Poll::Ready(())
        } else {
            std::task::Poll::Pending
        }
    })
    .await;
}
