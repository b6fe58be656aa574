//! One kernel of a story, as a process: it serves, is asked, and ends well or in the middle of an act.

use std::sync::Arc;
use std::time::Duration;

use thymos::app::link::{Link, LinkEnds};
use thymos_protocol::{Command, Replied, Request, Ticket};
use thymos_runtime::{Channels, Kernel, KernelParts, serve};
use tokio::task::JoinHandle;

use super::disk::Disk;
use super::ground::Life;

/// A process that does not answer for this long never will: nothing real takes it.
const STUCK: Duration = Duration::from_secs(3_600);

/// A kernel that serves.
pub(super) struct Process {
    pub(super) number: u64,
    pub(super) life: Life,
    pub(super) disk: Disk,
    link: Link,
    served: JoinHandle<()>,
    next: u64,
}

impl Process {
    pub(super) fn start(number: u64, life: Life, disk: Disk, parts: KernelParts) -> Self {
        let kernel: Arc<Kernel> = Kernel::new(parts).expect("the tools are sound");
        let (link, ends) = Link::pair();
        let LinkEnds {
            requests,
            replies,
            bell,
            live,
        } = ends;
        let channels = Channels {
            requests,
            replies,
            bell,
            live,
        };
        Self {
            number,
            life,
            disk,
            link,
            served: tokio::spawn(serve(kernel, channels)),
            next: 1,
        }
    }

    /// The answer, or none when the process ended before it.
    pub(super) async fn ask(&mut self, command: Command) -> Option<Replied> {
        let ticket = Ticket(self.next);
        self.next += 1;
        let asked = format!("{command:?}");
        let request = Request { ticket, command };
        self.link.requests.send(request).await.ok()?;
        loop {
            let reply = tokio::select! {
                biased;
                () = self.life.ended() => return None,
                reply = tokio::time::timeout(STUCK, self.link.replies.recv()) => reply,
            };
            let reply = reply.unwrap_or_else(|_| panic!("no answer to {asked}"))?;
            if reply.ticket == ticket && !matches!(reply.replied, Replied::Verifying(_)) {
                return Some(reply.replied);
            }
        }
    }

    /// Ends it as a kill does: whatever goes on goes no further.
    pub(super) async fn kill(self) {
        self.life.end();
        self.served.abort();
        // Whether it was cancelled or had just ended is the same.
        drop(self.served.await);
        drop(self.link);
        // Its tasks are let go when the runtime next comes to them.
        tokio::time::sleep(Duration::from_millis(1)).await;
    }

    /// Ends it as a person does: what runs is sealed. False when it died over it.
    pub(super) async fn shut_down(mut self) -> bool {
        let ended = self.ask(Command::Shutdown).await.is_some();
        if ended {
            self.served.await.unwrap();
            self.life.end();
        } else {
            self.kill().await;
        }
        ended
    }
}
