//! What a list to choose from does with its actions, and what comes of a choice.

use thymos_protocol::{Command, ModelRow, Replied, RunRow};

use crate::app::action::REGISTRY;
use crate::app::{Action, App, Asked, Overlay};
use crate::keymap::Context;
use crate::panes::picker::{Choice, Picker, PickerRow, Subject};
use crate::panes::prompt::{Prompt, Purpose};
use crate::panes::queue::words;
use crate::panes::reader::help;
use crate::ui::key_hint;

/// Rows that a page moves by.
const PAGE_ROWS: isize = 10;

/// Whether the action opens a list, or the help. Works anywhere.
pub(super) fn open(app: &mut App, action: Action) -> bool {
    match action {
        Action::PaletteOpen => {
            let rows = palette(app);
            app.overlays
                .push(Overlay::Picker(Picker::new(Subject::Action, rows)));
        }
        Action::TrajectoryOpen => {
            app.overlays
                .push(Overlay::Picker(Picker::waiting(Subject::Trajectory)));
            app.ask(Asked::Overlay, Command::Runs);
        }
        Action::SkillBind => super::skill::open(app),
        Action::ModelPick => {
            app.overlays
                .push(Overlay::Picker(Picker::waiting(Subject::Model)));
            app.ask(Asked::Overlay, Command::Models);
        }
        Action::HelpOpen => {
            let reader = help::of(&app.keymap, app.context());
            app.overlays.push(Overlay::Reader(Box::new(reader)));
        }
        _ => return false,
    }
    true
}

/// Takes an action; a list takes all there are.
pub(super) fn act(app: &mut App, action: Action) {
    let Some(Overlay::Picker(picker)) = app.overlays.last_mut() else {
        return;
    };
    match action {
        Action::PickerAccept => accept(app),
        Action::PickerUp => picker.step(-1),
        Action::PickerDown => picker.step(1),
        Action::PickerPageUp => picker.step(-PAGE_ROWS),
        Action::PickerPageDown => picker.step(PAGE_ROWS),
        Action::PromptBackspace => picker.backspace(),
        Action::PromptClear => picker.clear(),
        _ => {}
    }
}

/// Takes the rows of the list on top, if they are what it waits for.
pub(super) fn rows_came(app: &mut App, replied: Replied) {
    let now = app.now.wall;
    let Some(Overlay::Picker(picker)) = app.overlays.last_mut() else {
        return;
    };
    match (picker.subject, replied) {
        (Subject::Trajectory, Replied::Runs(rows)) => {
            picker.fill(rows.into_iter().map(|row| run_row(now, row)).collect());
        }
        (Subject::Model, Replied::Models(rows)) => {
            picker.fill(rows.into_iter().map(model_row).collect());
        }
        (Subject::Skill, Replied::Skills(rows)) => {
            picker.fill(rows.into_iter().map(super::skill::row).collect());
        }
        _ => {}
    }
}

/// The rows did not come: the list says so by being empty.
pub(super) fn rows_failed(app: &mut App) {
    if let Some(Overlay::Picker(picker)) = app.overlays.last_mut() {
        picker.loading = false;
    }
}

fn accept(app: &mut App) {
    let Some(Overlay::Picker(picker)) = app.overlays.last() else {
        return;
    };
    let Some(row) = picker.chosen().cloned() else {
        return;
    };
    app.overlays.pop();
    match row.choice {
        Choice::Action(action) if row.usable => {
            super::act(app, action);
        }
        Choice::Action(_) => app.tell(format!("not here: {}", row.more)),
        Choice::Trajectory(trajectory) => {
            app.ask(Asked::Open, Command::Open { trajectory });
        }
        Choice::Model(model) => {
            if let Some(trajectory) = app.session.trajectory() {
                app.ask(
                    Asked::SetModel(model.clone()),
                    Command::SetModel { trajectory, model },
                );
            }
        }
        Choice::Skill(skill) => super::skill::chosen(app, *skill),
        Choice::SkillValue(binding, value) => {
            let default = binding.next().and_then(|param| param.default.as_ref());
            let value = (Some(&value) != default).then_some(value);
            super::skill::given(app, *binding, value);
        }
        Choice::Shown(shows) => super::mind::shown(app, shows),
        Choice::Export(trajectory, format) => super::export::chosen(app, trajectory, format),
        Choice::Message(text) => super::composer::again(app, &text),
        Choice::Settlement(trajectory, proposal, settlement) => {
            let purpose = Purpose::Settle {
                trajectory,
                proposal,
                settlement,
            };
            app.overlays.push(Overlay::Prompt(Prompt::new(purpose, "")));
        }
    }
}

/// Every action, those that work here and now first.
fn palette(app: &App) -> Vec<PickerRow> {
    let here = app.context();
    let inner = [
        Context::Prompt,
        Context::Picker,
        Context::Dialog,
        Context::Help,
        Context::Sign,
        Context::Mention,
    ];
    REGISTRY
        .iter()
        .filter_map(|entry| {
            let contexts = entry.action.contexts(&app.keymap);
            let outer = contexts.iter().any(|context| !inner.contains(context));
            if !contexts.is_empty() && !outer {
                return None;
            }
            let reached =
                contexts.is_empty() || here.path().any(|context| contexts.contains(&context));
            // A decision is made by its key on the card, with the card in sight, and nowhere else.
            let decides = matches!(
                entry.action,
                Action::ApprovalsApprove | Action::ApprovalsDeny
            );
            let place = contexts.first().copied().unwrap_or(Context::Global);
            let more = if decides {
                format!("{}  only by its key on the card", entry.id)
            } else if reached {
                entry.id.to_owned()
            } else {
                format!("{}  in {}", entry.id, place.name())
            };
            let from = if reached { here } else { place };
            Some(PickerRow {
                choice: Choice::Action(entry.action),
                text: entry.title.to_owned(),
                more,
                tail: key_hint::shortest(&app.keymap, entry.id, from).unwrap_or_default(),
                usable: reached && !decides,
            })
        })
        .collect()
}

fn run_row(now: thymos_core::Timestamp, row: RunRow) -> PickerRow {
    let title = if row.title.is_empty() {
        "nothing said yet".to_owned()
    } else {
        row.title
    };
    let mut more = format!(
        "{}  {}  seq {}  {}",
        row.trajectory.short(),
        row.state,
        row.head_seq,
        row.workspace
    );
    if row.pending > 0 {
        more.push_str(&format!("  {} pending", row.pending));
    }
    if row.in_doubt > 0 {
        more.push_str(&format!("  {} in doubt", row.in_doubt));
    }
    PickerRow {
        choice: Choice::Trajectory(row.trajectory),
        text: title,
        more,
        tail: words::age(now, row.at_ms),
        usable: true,
    }
}

fn model_row(row: ModelRow) -> PickerRow {
    PickerRow {
        text: row.name.clone(),
        choice: Choice::Model(row.name),
        more: row.key,
        tail: if row.current {
            "in use".into()
        } else {
            String::new()
        },
        usable: true,
    }
}
