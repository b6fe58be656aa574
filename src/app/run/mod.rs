//! The loop of the screen: drain what waits, update, carry out effects, draw once.
//!
//! Sleeps until something happens or a deadline comes; an idle app wakes for nothing. Knows the
//! terminal as a [`Surface`] only.

mod bundle;
mod editor;
mod errands;
mod export;
mod files;
mod surface;
mod verb;

#[cfg(test)]
mod tests;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use thymos_core::Timestamp;
use thymos_core::writ::SignedWrit;
use thymos_protocol::Fault;
use tokio::sync::{mpsc, watch};

use super::update::update;
use super::{App, AppOptions, Effect, Event, Link, Now, Size};
use crate::term::{Canvas, Monotonic, TermEnv, TermEvent, TermInput, TermSignal, WriterState};
use crate::term::{Mouse, clipboard, notify, screen, title};
use crate::ui::draw::{draw, prepare};

pub use bundle::BUNDLE_BYTES_MAX;
pub use editor::Editor;
pub use errands::{Ends, Errands, OUTBOX_MAX};
pub use files::{FILES_SHOWN_MAX, FileList, ListFiles};
pub use surface::Surface;
pub use verb::Verbs;

/// Events taken before the next frame gets its chance.
pub const EVENTS_PER_TURN_MAX: usize = 512;

/// Files that may have been read and not been taken yet.
pub(crate) const JOBS_MAX: usize = 16;

/// Reads the signed chain of a file.
pub type ReadWrit = Arc<dyn Fn(&Path) -> Result<Vec<SignedWrit>, Fault> + Send + Sync>;

/// What the loop needs beside the app.
#[derive(Clone)]
pub struct RunOptions {
    /// The clock the terminal's events are stamped by.
    pub clock: Monotonic,
    /// The time of day.
    pub wall: Arc<dyn Fn() -> Timestamp + Send + Sync>,
    /// Frames a second at most.
    pub frames_max: u16,
    /// What the environment says of the terminal.
    pub env: TermEnv,
    /// Where drafts go to be kept.
    pub drafts: Option<watch::Sender<String>>,
    /// What longer messages are written with.
    pub editor: Editor,
    /// The program's own verbs.
    pub verbs: Verbs,
    /// Reads a writ file that gives authority now; else says why it gives none.
    pub writs: ReadWrit,
    /// Lists the files of the workspace.
    pub files: ListFiles,
}

/// Runs the app until it ends; gives the exit code. The kernel is still up afterwards.
pub async fn run<S: Surface>(
    link: Link,
    surface: &S,
    mut input: mpsc::Receiver<TermEvent>,
    app: AppOptions,
    options: RunOptions,
) -> u8 {
    let Link {
        requests,
        mut replies,
        mut bell,
        mut live,
    } = link;
    let (told, mut jobs) = mpsc::channel(JOBS_MAX);
    let mut turn = Turn::start(surface, Ends { requests, told }, app, options);
    let mut writer = surface.state();
    let mut kernel_is_up = true;
    loop {
        if let Some(code) = turn.exit {
            return code;
        }
        turn.post();
        turn.frame();
        let sleep = turn.sleep();
        let outgoing = turn.errands.requests();
        tokio::select! {
            biased;
            event = input.recv() => turn.input(event),
            changed = writer.changed() => turn.writer(changed.is_ok().then(|| *writer.borrow_and_update())),
            reply = replies.recv(), if kernel_is_up => match reply {
                Some(reply) => turn.event(Event::Reply(reply)),
                None => {
                    kernel_is_up = false;
                    turn.event(Event::KernelGone);
                }
            },
            Ok(()) = bell.changed(), if kernel_is_up => {
                let heads = bell.borrow_and_update().clone();
                turn.event(Event::Bell(heads));
            }
            Ok(()) = live.changed(), if kernel_is_up => {
                let now = live.borrow_and_update().clone();
                turn.event(Event::Live(now));
            }
            Some(event) = jobs.recv() => turn.event(event),
            permit = outgoing.reserve(), if kernel_is_up && turn.errands.is_waiting() => {
                if let (Ok(permit), Some(request)) = (permit, turn.errands.oldest()) {
                    permit.send(request);
                }
            }
            () = tokio::time::sleep(sleep.unwrap_or_default()), if sleep.is_some() => turn.due(),
        }
        // Everything else that waits is taken before the next frame.
        for _ in 0..EVENTS_PER_TURN_MAX {
            if let Ok(event) = input.try_recv() {
                turn.input(Some(event));
            } else if let Ok(reply) = replies.try_recv() {
                turn.event(Event::Reply(reply));
            } else {
                break;
            }
        }
    }
}

struct Turn<'a, S> {
    app: App,
    surface: &'a S,
    canvas: Canvas,
    errands: Errands,
    options: RunOptions,
    frame_at: Duration,
    wants_frame: bool,
    gone: bool,
    exit: Option<u8>,
}

impl<'a, S: Surface> Turn<'a, S> {
    fn start(surface: &'a S, ends: Ends, app: AppOptions, options: RunOptions) -> Self {
        let size = surface.size();
        let now = Now {
            mono: (options.clock)(),
            wall: (options.wall)(),
        };
        let (app, effects) = App::start(
            app,
            Size {
                width: size.width,
                height: size.height,
            },
            now,
        );
        let mut turn = Self {
            app,
            surface,
            canvas: Canvas::new(size),
            errands: Errands::new(ends, options.verbs.clone(), options.writs.clone())
                .with_files(options.files.clone()),
            options,
            frame_at: Duration::ZERO,
            wants_frame: true,
            gone: false,
            exit: None,
        };
        turn.carry_out(effects);
        turn
    }

    fn event(&mut self, event: Event) {
        let at = (self.options.clock)();
        self.event_at(event, at);
    }

    fn event_at(&mut self, event: Event, at: Duration) {
        // A key is stamped when it arrived, which may be before the last reply was taken.
        let mono = at.max(self.app.now.mono);
        let effects = update(
            &mut self.app,
            event,
            Now {
                mono,
                wall: (self.options.wall)(),
            },
        );
        self.wants_frame |= self.app.take_dirty();
        self.carry_out(effects);
    }

    fn input(&mut self, event: Option<TermEvent>) {
        let Some(TermEvent { at, input }) = event else {
            self.event(Event::End(129));
            return;
        };
        match input {
            TermInput::Key(key) => self.event_at(Event::Key(key), at),
            TermInput::Paste(text) => self.event_at(Event::Paste(text), at),
            TermInput::Resize(size) => self.resized(size),
            TermInput::Focus(on) => self.event_at(Event::Focus(on), at),
            TermInput::Mouse(Mouse::Wheel { lines, .. }) => {
                self.event_at(Event::Wheel(lines.into()), at);
            }
            TermInput::Mouse(Mouse::Click { .. }) => {}
            TermInput::Signal(signal) => self.signal(signal),
            TermInput::Probed(report) => {
                self.canvas.synchronize(report.synchronized);
                if report.kitty_keys {
                    self.surface.send(screen::KITTY_ON);
                }
            }
            TermInput::Panicked(text) => {
                self.event(Event::Told(format!("internal: {text}; please report this")));
            }
            TermInput::Closed => self.event(Event::End(129)),
        }
    }

    fn signal(&mut self, signal: TermSignal) {
        match signal {
            TermSignal::Suspend => self.carry_out(vec![Effect::Suspend]),
            TermSignal::Continue => {
                let resumed = self.surface.resume();
                self.taken_again(resumed.ok());
            }
            TermSignal::Terminate
            | TermSignal::Hangup
            | TermSignal::Interrupt
            | TermSignal::Quit => {
                self.event(Event::End(signal.exit_code().unwrap_or(1)));
            }
        }
    }

    fn resized(&mut self, size: ratatui::layout::Size) {
        self.canvas.resize(size);
        self.event(Event::Resize(Size {
            width: size.width,
            height: size.height,
        }));
    }

    fn writer(&mut self, state: Option<WriterState>) {
        match state {
            Some(WriterState::Idle { .. } | WriterState::Busy) => {}
            Some(WriterState::Gone) | None if !self.gone => {
                self.gone = true;
                self.event(Event::End(129));
            }
            Some(WriterState::Gone) | None => self.exit = Some(129),
        }
    }

    /// A deadline has come: the app's, or that of the next frame.
    fn due(&mut self) {
        let now = (self.options.clock)();
        if self.app.deadline().is_some_and(|at| now >= at) {
            self.event(Event::Deadline);
        }
    }

    /// How long nothing needs to be done, unless something happens; none is for ever.
    fn sleep(&self) -> Option<Duration> {
        let frame = (self.wants_frame && self.surface.is_idle()).then_some(self.frame_at);
        let next = self.app.deadline().into_iter().chain(frame).min()?;
        Some(next.saturating_sub((self.options.clock)()))
    }

    /// Draws, if something changed, the time has come, and the last frame is out.
    fn frame(&mut self) {
        let now = (self.options.clock)();
        if !self.wants_frame || now < self.frame_at || !self.surface.is_idle() {
            return;
        }
        prepare(&mut self.app);
        let app = &self.app;
        let bytes = self.canvas.draw(|frame| draw(app, frame));
        if !self.surface.submit(bytes) {
            // Lost on the way: the terminal no longer shows what the canvas thinks it does.
            self.canvas.redraw();
            return;
        }
        self.wants_frame = false;
        self.frame_at = now + Duration::from_secs(1) / u32::from(self.options.frames_max.max(1));
    }

    /// Hands requests over as far as the kernel takes them.
    fn post(&mut self) {
        self.errands.post();
        let busy = self.errands.is_waiting();
        if self.app.busy != busy {
            self.event(Event::Busy(busy));
        }
    }

    fn carry_out(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            if let Some(effect) = self.errands.take(effect) {
                self.show(effect);
            }
        }
    }

    /// Carries out what is the screen's.
    fn show(&mut self, effect: Effect) {
        match effect {
            Effect::Copy(text) => self.copy(&text),
            Effect::Suspend => {
                let suspended = self.surface.suspend();
                self.taken_again(suspended.ok());
            }
            Effect::Redraw => {
                self.canvas.redraw();
                self.wants_frame = true;
            }
            Effect::Mouse(on) => {
                self.surface.mouse(on);
            }
            Effect::Title(text) => {
                self.surface.send(&title::set(&text));
            }
            Effect::Notify(text) => {
                self.surface.send(&notify::notice(&text, &self.options.env));
            }
            Effect::SaveDraft(text) => {
                if let Some(drafts) = &self.options.drafts {
                    drafts.send_replace(text);
                }
            }
            Effect::Edit(text) => self.edit(&text),
            Effect::Quit(code) => self.exit = Some(code),
            Effect::Send(_) => self.event(Event::Told("the kernel takes nothing more".into())),
            Effect::ReadBundle(_)
            | Effect::ReadWrit(_)
            | Effect::FindFiles(_)
            | Effect::EndFiles
            | Effect::Verb(_)
            | Effect::EndVerb
            | Effect::Export(_) => {}
        }
    }

    /// The loop waits for the editor: nobody sees the screen, and the kernel works on.
    fn edit(&mut self, text: &str) {
        let mut written = Err("the editor was not started".to_owned());
        let editor = &self.options.editor;
        let lent = self.surface.lend(&mut || written = editor.write(text));
        self.taken_again(lent.ok());
        self.event(Event::Edited(written));
    }

    fn copy(&mut self, text: &str) {
        let told = match clipboard::copy(text, self.options.env.multiplexer()) {
            Ok(bytes) if self.surface.send(&bytes) => {
                format!("{} bytes sent to the terminal; it may refuse", text.len())
            }
            Ok(_) => "not copied: the terminal takes no more right now".to_owned(),
            Err(clipboard::CopyRefusal::TooLong { length }) => {
                format!("not copied: {length} bytes are more than terminals take")
            }
        };
        self.event(Event::Told(told));
    }

    /// The terminal was given away and is ours again; without a size it could not be taken.
    fn taken_again(&mut self, size: Option<ratatui::layout::Size>) {
        match size {
            Some(size) => {
                self.surface.mouse(self.app.mouse);
                self.resized(size);
            }
            None => self.event(Event::End(129)),
        }
    }
}
