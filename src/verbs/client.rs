//! A small client over the link: ask, wait, follow. The app's own loop does the same with a screen.

use thymos_core::TrajectoryId;
use thymos_protocol::{Among, Command, Event, Fault, Replied, Request, Status, Ticket};

use crate::app::link::Link;
use crate::error::{AppError, ErrorKind};

/// Events asked for at once.
const PAGE: usize = 256;

pub(super) struct Client {
    link: Link,
    next: u64,
}

/// Everything new of a trajectory, and where it stands.
pub(super) struct News {
    pub(super) events: Vec<Event>,
    pub(super) status: Status,
}

impl Client {
    pub(super) fn new(link: Link) -> Self {
        Self { link, next: 1 }
    }

    /// The link, for somebody else to go on with.
    pub(super) fn into_link(self) -> Link {
        self.link
    }

    /// Asks, and gives what the reply is awaited by.
    async fn send(&mut self, command: Command) -> Result<Ticket, AppError> {
        let ticket = Ticket(self.next);
        self.next += 1;
        let sent = self.link.requests.send(Request { ticket, command }).await;
        sent.map_err(|_| gone())?;
        Ok(ticket)
    }

    /// The next reply to that request; a fault is an error.
    async fn reply(&mut self, ticket: Ticket) -> Result<Replied, AppError> {
        loop {
            let reply = self.link.replies.recv().await.ok_or_else(gone)?;
            if reply.ticket != ticket {
                continue;
            }
            return match reply.replied {
                Replied::Fault(fault) => Err(failed(ErrorKind::User, fault)),
                Replied::NotCounted(fault) => Err(failed(ErrorKind::Refused, fault)),
                replied => Ok(replied),
            };
        }
    }

    /// Asks and waits for the last reply; how far it is, is passed to `progress`.
    pub(super) async fn ask_watching(
        &mut self,
        command: Command,
        mut progress: impl FnMut(&Replied),
    ) -> Result<Replied, AppError> {
        let ticket = self.send(command).await?;
        loop {
            match self.reply(ticket).await? {
                told @ (Replied::Verifying(_) | Replied::Looking { .. }) => progress(&told),
                replied => return Ok(replied),
            }
        }
    }

    /// Asks and waits for the reply; a fault is an error.
    pub(super) async fn ask(&mut self, command: Command) -> Result<Replied, AppError> {
        self.ask_watching(command, |_| {}).await
    }

    /// Every entry that a filter lets through.
    pub(super) async fn find(
        &mut self,
        trajectory: Option<TrajectoryId>,
        filter: &str,
    ) -> Result<Vec<Event>, AppError> {
        let mut events = Vec::new();
        let take = |found: Vec<Event>| {
            events.extend(found);
            Ok(())
        };
        self.find_each(trajectory, filter, take).await?;
        Ok(events)
    }

    /// As [`Self::find`], each time some were found. Where they cannot be taken, as when nobody reads the
    /// output any more, the search ends.
    pub(super) async fn find_each(
        &mut self,
        trajectory: Option<TrajectoryId>,
        filter: &str,
        mut take: impl FnMut(Vec<Event>) -> Result<(), AppError>,
    ) -> Result<(), AppError> {
        let filter = filter.to_owned();
        let among = trajectory.map_or(Among::Log, Among::Run);
        let ticket = self.send(Command::Find { among, filter }).await?;
        loop {
            let found = match self.reply(ticket).await? {
                Replied::Found(found) => found,
                other => return Err(unexpected(&other)),
            };
            if let Err(error) = take(found.events) {
                self.send(Command::Cancel { ticket }).await?;
                return Err(error);
            }
            if found.end.is_some() {
                return Ok(());
            }
        }
    }

    /// Opens a trajectory.
    pub(super) async fn open(&mut self, trajectory: TrajectoryId) -> Result<Status, AppError> {
        match self.ask(Command::Open { trajectory }).await? {
            Replied::Opened(status) => Ok(*status),
            other => Err(unexpected(&other)),
        }
    }

    /// Events from `from_seq` to the head.
    pub(super) async fn news(
        &mut self,
        trajectory: TrajectoryId,
        mut from_seq: u64,
    ) -> Result<News, AppError> {
        let mut events = Vec::new();
        loop {
            let command = Command::Page {
                trajectory,
                from_seq,
                limit: PAGE,
            };
            let Replied::Page(page) = self.ask(command).await? else {
                return Err(AppError::new(
                    ErrorKind::Internal,
                    "the kernel gave no page",
                ));
            };
            let more = page.events.len() == PAGE;
            from_seq += page.events.len() as u64;
            events.extend(page.events);
            if let Some(status) = page.status
                && !more
            {
                return Ok(News {
                    events,
                    status: *status,
                });
            }
        }
    }

    /// Waits for the bell; returns when something changed or the kernel ended.
    pub(super) async fn changed(&mut self) -> Result<(), AppError> {
        self.link
            .bell
            .changed()
            .await
            .map_err(|_| AppError::new(ErrorKind::Internal, "the kernel has ended"))
    }

    /// Asks a trajectory in which nothing goes on, and nothing ended, for its reason.
    ///
    /// # Errors
    /// The reason, such as a full disk. None when it has just been mended, and may go on.
    pub(super) async fn why_it_stands_still(
        &mut self,
        trajectory: TrajectoryId,
    ) -> Result<(), AppError> {
        self.ask(Command::Interrupt { trajectory }).await.map(drop)
    }

    /// Lets running work be sealed.
    pub(super) async fn shut_down(&mut self) {
        // The kernel may have ended already; then there is nothing to wait for.
        drop(self.ask(Command::Shutdown).await);
    }
}

fn gone() -> AppError {
    AppError::new(ErrorKind::Internal, "the kernel has ended")
}

pub(super) fn unexpected(replied: &Replied) -> AppError {
    AppError::new(
        ErrorKind::Internal,
        format!("the kernel gave an unexpected reply: {replied:?}"),
    )
}

fn failed(kind: ErrorKind, fault: Fault) -> AppError {
    let error = AppError::new(kind, fault.message);
    match fault.hint {
        Some(hint) => error.hint(hint),
        None => error,
    }
}
