//! The one place where state changes: an event in, effects out.
//!
//! Routes; what a pane does with an action is in the file named after it. Waits for nothing.

mod authority;
mod card;
mod composer;
mod export;
mod find;
mod global;
mod history;
mod inspector;
mod keys;
mod ledger;
mod mention;
mod mind;
mod mode;
mod overlays;
mod past;
mod picker;
mod prompt;
mod question;
mod queue;
mod reader;
mod replies;
mod runs;
mod sheet;
mod sign;
mod skill;
mod transcript;
mod usable;
mod verb;

use std::time::Duration;

pub use card::CardAsked;
pub use history::History;
pub use mind::Shows;
pub use usable::{why_no_verb, why_not};
pub use verb::Verb;

use super::{App, Asked, Effect, Event, Notice, Now, Pane};
use crate::app::Action;
use crate::ui::layout::Class;

/// Rows that a page of a short list moves by.
const PAGE_ROWS: usize = 10;

/// Where a list's own action leads from row `at`; none for any other action.
fn moved(action: Action, at: usize) -> Option<usize> {
    Some(match action {
        Action::ListDown => at + 1,
        Action::ListUp => at.saturating_sub(1),
        Action::ListFirst => 0,
        Action::ListLast => usize::MAX,
        Action::ListHalfDown | Action::ListPageDown => at + PAGE_ROWS,
        Action::ListHalfUp | Action::ListPageUp => at.saturating_sub(PAGE_ROWS),
        _ => return None,
    })
}

/// Takes one event.
pub fn update(app: &mut App, event: Event, now: Now) -> Vec<Effect> {
    app.now = now;
    app.dirty = true;
    match event {
        Event::Key(key) => keys::press(app, key),
        Event::Act(action) => keys::run_by_name(app, action),
        Event::Show(proposal) => card::open(app, proposal),
        Event::Run(line) => {
            verb::run(app, &line);
        }
        Event::Written(written) => card::written(app, &written),
        Event::Paste(text) => keys::paste(app, &text),
        Event::Resize(size) => {
            app.class = Class::of(size, Some(app.class));
            app.size = size;
        }
        Event::Focus(on) => app.terminal_focus = Some(on),
        Event::Wheel(rows) => transcript::scroll(app, rows),
        Event::End(code) => {
            save_draft(app);
            app.want(Effect::Quit(code));
        }
        Event::Bell(heads) => {
            // A bell by itself shows nothing; what it leads to pulling will.
            app.dirty = false;
            app.session.ring(&heads);
            card::rang(app);
            app.authority.rang();
            app.runs.rang();
        }
        Event::Reply(reply) => replies::take(app, reply),
        Event::Live(live) => app.session.set_live(live),
        Event::Deadline => deadline(app),
        Event::Busy(busy) => app.busy = busy,
        Event::Told(line) => app.tell(line),
        Event::Edited(written) => composer::written(app, written),
        Event::BundleRead(read) => authority::bundle_read(app, read),
        Event::Verb(news) => verb::heard(app, news),
        Event::Files(asked, found) => mention::files_came(app, asked, found),
        Event::WritRead(read) => authority::writ_read(app, read),
        Event::Exported(told) => export::ended(app, told),
        Event::KernelGone => {
            app.notice = Some(Notice {
                line: "the kernel has stopped".into(),
                hint: Some("quit and start again; everything recorded is kept".into()),
                bad: true,
            });
        }
    }
    settle(app);
    app.take_effects()
}

/// What follows from any event: pulling, queued messages, the title.
fn settle(app: &mut App) {
    card::settle(app);
    sign::settle(app);
    ledger::settle(app);
    authority::settle(app);
    runs::settle(app);
    mind::settle(app);
    verb::settle(app);
    mention::settle(app);
    if let Some(command) = app.session.pull() {
        app.ask(Asked::Pull, command);
    }
    if app.conversation.wants_older(&app.session)
        && let Some(command) = app.session.pull_older()
    {
        app.ask(Asked::PullOlder, command);
    }
    if !app.session.is_running() && !app.queued.is_empty() && !replies::prompt_is_under_way(app) {
        let text = app.queued.remove(0);
        composer::say(app, text);
    }
    let title = title(app);
    if app.title != title {
        app.title.clone_from(&title);
        app.want(Effect::Title(title));
    }
}

fn title(app: &App) -> String {
    let Some(status) = app.session.status() else {
        return "thymos".into();
    };
    let place = status.workspace.rsplit('/').next().unwrap_or_default();
    match status.pending {
        0 => format!("thymos {place}"),
        pending => format!("thymos {place} (!{pending})"),
    }
}

fn deadline(app: &mut App) {
    let mono = app.now.mono;
    app.wakes.retain(|at| *at > mono);
    if app.interrupt_until.is_some_and(|until| mono >= until) {
        app.interrupt_until = None;
        app.notice = None;
    }
    if app.draft_at.is_some_and(|at| mono >= at) {
        save_draft(app);
    }
    keys::expire(app);
}

/// How long after the last key a draft is kept.
const DRAFT_DELAY: Duration = Duration::from_secs(2);

fn save_draft(app: &mut App) {
    app.draft_at = None;
    let draft = app.composer.text();
    app.want(Effect::SaveDraft(draft));
}

/// Runs an action: the overlay on top first, then the focused pane, then anywhere.
fn act(app: &mut App, action: Action) -> bool {
    overlays::act(app, action)
        || in_pane(app, action)
        || picker::open(app, action)
        || export::anywhere(app, action)
        || authority::anywhere(app, action)
        || past::anywhere(app, action)
        || global::act(app, action)
}

fn in_pane(app: &mut App, action: Action) -> bool {
    match app.focus.pane() {
        Pane::Composer => mention::act(app, action) || composer::act(app, action),
        Pane::Transcript => transcript::act(app, action) || past::in_transcript(app, action),
        Pane::Queue => queue::act(app, action),
        Pane::Card => card::act(app, action),
        Pane::Ledger => ledger::act(app, action) || past::in_ledger(app, action),
        Pane::Writs | Pane::Writ => authority::act(app, action),
        Pane::Runs | Pane::Run => runs::act(app, action),
        Pane::Mind => mind::act(app, action),
        Pane::Inspector | Pane::Node => inspector::act(app, action),
    }
}
