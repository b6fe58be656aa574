//! The panic hook: the screen first, then whatever hook there was.
//!
//! A panic on the app's own thread, or on one of ours, gives the screen back. One elsewhere
//! would only garble it, so it is told to the app as an event instead.

use super::screen::Screen;
use super::{Monotonic, TermEvent, TermInput};
use std::panic::PanicHookInfo;
use std::sync::{Arc, Weak};
use std::thread::{self, ThreadId};
use tokio::sync::mpsc::Sender;

type Hook = Box<dyn Fn(&PanicHookInfo<'_>) + Send + Sync + 'static>;

struct Guarded {
    screen: Weak<Screen>,
    events: Sender<TermEvent>,
    now: Monotonic,
    owner: ThreadId,
    before: Hook,
}

/// Installs the hook; the calling thread is taken to be the app's own.
pub(super) fn install(screen: &Arc<Screen>, events: Sender<TermEvent>, now: Monotonic) {
    let guarded = Guarded {
        screen: Arc::downgrade(screen),
        events,
        now,
        owner: thread::current().id(),
        before: std::panic::take_hook(),
    };
    std::panic::set_hook(Box::new(move |info| guarded.heard(info)));
}

impl Guarded {
    fn heard(&self, info: &PanicHookInfo<'_>) {
        let Some(screen) = self.screen.upgrade().filter(|screen| screen.is_active()) else {
            return (self.before)(info);
        };
        let current = thread::current();
        let ours = current.name().is_some_and(|name| name.starts_with("term-"));
        if !ours && current.id() != self.owner {
            let input = TermInput::Panicked(info.to_string());
            if self
                .events
                .try_send(TermEvent {
                    at: (self.now)(),
                    input,
                })
                .is_ok()
            {
                return;
            }
        }
        screen.restore();
        (self.before)(info);
    }
}
