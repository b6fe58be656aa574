//! What the composer does with its actions: edit, send, queue, slash commands.

use thymos_protocol::Command;

use crate::app::action::{REGISTRY, slash, slash_starting, slash_with_words};
use crate::app::{Action, App, Asked, Effect, Notice, Pane};
use crate::args;
use crate::near::nearest;

use super::{act as run, authority, global, history, mention, verb, why_not};

/// Whether the composer took the action.
pub(super) fn act(app: &mut App, action: Action) -> bool {
    match action {
        Action::ComposerSend => send(app),
        Action::ComposerQueue => queue(app),
        Action::ComposerHistory => history::open(app),
        Action::ComposerEditor => {
            let text = app.composer.text();
            app.want(Effect::Edit(text));
        }
        Action::ComposerDeleteOrQuit if app.composer.is_empty() => global::quit(app),
        Action::RunInterrupt if !app.composer.is_empty() => {
            app.composer.clear();
            edited(app);
        }
        other => {
            if other == Action::ComposerUp && app.composer.caret().0 == 0 {
                history::up(app);
            }
            if !app.composer.edit(other) {
                return false;
            }
            edited(app);
        }
    }
    true
}

/// Puts text at the caret.
pub(super) fn insert(app: &mut App, text: &str) {
    app.composer.insert(text);
    edited(app);
}

/// Takes what an editor left, in place of all.
pub(super) fn written(app: &mut App, written: Result<String, String>) {
    match written {
        Ok(text) => {
            app.composer.replace(&text);
            edited(app);
        }
        Err(why) => app.tell(why),
    }
}

/// Puts an earlier message in place of what is written; undo brings that back.
pub(super) fn again(app: &mut App, text: &str) {
    app.composer.rewrite(text);
    edited(app);
    focus(app);
}

/// Gives the composer the focus.
pub(super) fn focus(app: &mut App) {
    app.focus.enter(Pane::Composer, app.now.mono);
}

/// Says something to the model; starts a run, or steers the one that is going on.
pub(super) fn say(app: &mut App, text: String) {
    let Some(trajectory) = app.session.trajectory() else {
        app.composer.give_back(&text);
        app.tell("no trajectory is open yet");
        return;
    };
    app.conversation.follow();
    app.ask(
        Asked::Prompt(text.clone()),
        Command::Prompt { trajectory, text },
    );
}

/// The text or the caret is another.
pub(super) fn edited(app: &mut App) {
    app.draft_at = Some(app.now.mono + super::DRAFT_DELAY);
    mention::follow(app);
}

fn send(app: &mut App) {
    let text = app.composer.text();
    if text.trim().is_empty() {
        return;
    }
    if text.starts_with('/') && !text.contains('\n') {
        command(app, &text);
        return;
    }
    app.composer.take();
    edited(app);
    say(app, text);
}

/// Tab: completes a slash command, queues a message while something runs, else moves on.
fn queue(app: &mut App) {
    let text = app.composer.text();
    if text.starts_with('/') && !text.contains('\n') {
        let action = slash_starting(&text).find_map(|entry| entry.slash);
        let typed = text.trim_start_matches('/');
        let verbs = args::verbs().iter().map(|(verb, _)| verb.as_str());
        let verb = || verbs.into_iter().find(|verb| verb.starts_with(typed));
        if let Some(name) = action.or_else(verb) {
            app.composer.replace(&format!("/{name}"));
        }
    } else if app.session.is_running() && !text.trim().is_empty() {
        app.composer.take();
        edited(app);
        app.queued.push(text);
        app.tell("queued; sent when the run has ended");
    } else {
        app.focus.other(app.now.mono);
    }
}

fn command(app: &mut App, text: &str) {
    if let Some((action, words)) = slash_with_words(text) {
        with_words(app, action, words);
    } else if let Some(action) = slash(text) {
        if let Some(why) = why_not(app, action) {
            app.tell(why);
            return;
        }
        app.composer.take();
        edited(app);
        if !run(app, action) {
            app.tell(format!("`{text}` does nothing here"));
        }
    } else if verb::run(app, text.strip_prefix('/').unwrap_or(text)) {
        edited(app);
    } else {
        let verbs = args::verbs().iter().map(|(verb, _)| verb.as_str());
        let actions = REGISTRY.iter().filter_map(|entry| entry.slash);
        let typed = text.trim_start_matches('/').trim();
        let first = typed.split(' ').next().unwrap_or_default();
        let near = slash_starting(text).find_map(|entry| entry.slash);
        let near = near.or_else(|| nearest(typed, actions));
        let near = near.or_else(|| nearest(first, verbs));
        app.notice = Some(Notice {
            line: format!("no command `{text}`"),
            hint: near.map(|name| format!("did you mean `/{name}`?")),
            bad: true,
        });
    }
}

/// An action with what was typed behind its name.
fn with_words(app: &mut App, action: Action, words: &str) {
    let Some(trajectory) = app.session.trajectory() else {
        app.tell("no trajectory is open yet");
        return;
    };
    app.composer.take();
    edited(app);
    if action == Action::WritUse {
        authority::use_file(app, words);
        return;
    }
    let model = words.to_owned();
    app.ask(
        Asked::SetModel(model.clone()),
        Command::SetModel { trajectory, model },
    );
}
