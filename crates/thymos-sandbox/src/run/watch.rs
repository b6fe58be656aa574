//! The state of a watched child: which phase it is in, and what each event does to it.
//!
//! Awaits nothing; [`super::run`] does.

use std::io::{self, PipeReader, PipeWriter, Read, Write};
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command};
use tokio::time::{Duration, Instant};

use crate::capture::Capture;
use crate::launch::{decode, launch};
use crate::limits::{DRAIN_MS, GRACE_MS, KILL_WAIT_MS, WALL_CLOCK_MS_MAX};
use crate::report::Stream;
use crate::warden::{MESSAGE_BYTES, STOP_POLITELY, Tag};
use crate::{CageError, CageReport, CageSpec, Exit};

/// What the loop woke up for.
pub(super) enum Event {
    Output(Stream, usize),
    Fed(Option<usize>),
    Cancelled,
    Deadline(Instant),
    Gone(io::Result<ExitStatus>),
}

/// Where a child stands; each phase has one deadline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// Until the wall clock is spent.
    Running,
    /// Asked to stop.
    Stopping,
    /// Being killed by the warden.
    Killing,
    /// Gone; what is left in the pipes is read.
    Draining,
    Over,
}

pub(super) struct Watch {
    pub(super) child: Child,
    pub(super) stdin: Option<ChildStdin>,
    pub(super) stdout: Option<ChildStdout>,
    pub(super) stderr: Option<ChildStderr>,
    pub(super) stdout_kept: Capture,
    pub(super) stderr_kept: Capture,
    pub(super) fed_bytes: usize,
    pub(super) phase: Phase,
    pub(super) deadline: Instant,
    begun: Instant,
    lifeline: Option<PipeWriter>,
    report: PipeReader,
    stopped_as: Option<Exit>,
    ended_as: Option<Exit>,
    notes: Vec<String>,
}

impl Watch {
    pub(super) fn start(spec: &CageSpec) -> Result<Self, CageError> {
        let begun = Instant::now();
        let launched = launch(spec, |command| Command::from(command).spawn())?;
        let mut child = launched.child;
        let wall_clock_ms = spec.limits.wall_clock_ms.min(WALL_CLOCK_MS_MAX);
        Ok(Self {
            stdin: child.stdin.take(),
            stdout: child.stdout.take(),
            stderr: child.stderr.take(),
            child,
            stdout_kept: Capture::new(spec.limits.output_bytes_max),
            stderr_kept: Capture::new(spec.limits.output_bytes_max),
            fed_bytes: 0,
            phase: Phase::Running,
            deadline: begun + Duration::from_millis(wall_clock_ms),
            begun,
            lifeline: Some(launched.lifeline),
            report: launched.report,
            stopped_as: None,
            ended_as: None,
            notes: launched.notes,
        })
    }

    pub(super) fn is_gone(&self) -> bool {
        matches!(self.phase, Phase::Draining | Phase::Over)
    }

    pub(super) fn is_over(&self) -> bool {
        let drained = self.stdout.is_none() && self.stderr.is_none();
        self.phase == Phase::Over || (self.phase == Phase::Draining && drained)
    }

    pub(super) fn on_fed(&mut self, bytes: Option<usize>, total_bytes: usize) {
        self.fed_bytes += bytes.unwrap_or(0);
        if bytes.is_none_or(|bytes| bytes == 0) || self.fed_bytes >= total_bytes {
            self.stdin = None;
        }
    }

    pub(super) fn on_cancelled(&mut self) {
        self.stop(Exit::Cancelled, Instant::now());
    }

    pub(super) fn on_deadline(&mut self, now: Instant) {
        match self.phase {
            Phase::Running => self.stop(Exit::TimedOut, now),
            Phase::Stopping => {
                // The warden sees the pipe end, and kills.
                self.lifeline = None;
                self.phase = Phase::Killing;
                self.deadline = now + Duration::from_millis(KILL_WAIT_MS);
            }
            Phase::Killing => {
                self.notes
                    .push("some processes of the cage could not be killed in time".into());
                self.phase = Phase::Over;
            }
            Phase::Draining => {
                self.notes
                    .push("a process outside the cage's reach holds its output open".into());
                self.phase = Phase::Over;
            }
            Phase::Over => {}
        }
    }

    fn stop(&mut self, exit: Exit, now: Instant) {
        self.stopped_as = Some(exit);
        // A warden that is gone already needs no word; its end is heard of elsewhere.
        drop(
            self.lifeline
                .as_ref()
                .map(|mut lifeline| lifeline.write(&[STOP_POLITELY])),
        );
        self.phase = Phase::Stopping;
        self.deadline = now + Duration::from_millis(GRACE_MS);
    }

    pub(super) fn on_gone(&mut self, ended: io::Result<ExitStatus>) -> Result<(), CageError> {
        ended.map_err(|source| CageError::Watch { source })?;
        self.phase = Phase::Draining;
        self.deadline = Instant::now() + Duration::from_millis(DRAIN_MS);
        let mut started = None;
        let mut message = [0_u8; MESSAGE_BYTES];
        // The warden is gone and its end of the pipe with it, so this ends.
        while self.report.read_exact(&mut message).is_ok() {
            match decode(message) {
                Some((Tag::Ended, status)) => {
                    let exit = exit_of(ExitStatus::from_raw(status));
                    self.ended_as = self.ended_as.or(Some(exit));
                }
                Some((Tag::TooMany, _)) => self.ended_as = Some(Exit::TooManyProcesses),
                Some((Tag::Started, pid)) => started = Pid::from_raw(pid),
                Some((Tag::Refused, _)) | None => {}
            }
        }
        if let (None, Some(group)) = (self.ended_as, started) {
            self.notes
                .push("the warden was killed, so what left the child's group may live on".into());
            if kill_process_group(group, Signal::KILL).is_ok() {
                self.notes
                    .push("the child's group was still there and was killed".into());
            }
        }
        Ok(())
    }

    pub(super) fn into_report(self, spec: &CageSpec) -> CageReport {
        let forced =
            (self.ended_as == Some(Exit::TooManyProcesses)).then_some(Exit::TooManyProcesses);
        let duration_ms = self.begun.elapsed().as_millis();
        CageReport {
            rung: spec.rung,
            exit: forced
                .or(self.stopped_as)
                .or(self.ended_as)
                .unwrap_or(Exit::Unknown),
            stdout: self.stdout_kept.finish(),
            stderr: self.stderr_kept.finish(),
            duration_ms: u64::try_from(duration_ms).unwrap_or(u64::MAX),
            notes: self.notes,
        }
    }
}

fn exit_of(status: ExitStatus) -> Exit {
    match (status.code(), status.signal()) {
        (Some(code), _) => Exit::Code(code),
        (None, Some(signal)) => Exit::Signal(signal),
        (None, None) => Exit::Unknown,
    }
}
