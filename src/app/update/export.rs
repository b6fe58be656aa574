//! Export: which run, as what, and what came of it. Writes nothing itself.

use thymos_core::TrajectoryId;
use thymos_protocol::Fault;

use crate::app::effect::Export;
use crate::app::{Action, App, Effect, Notice, Overlay, Screen};
use crate::args::Format;
use crate::panes::picker::{Choice, Picker, PickerRow, Subject};

/// Whether the action asks for an export. Works anywhere.
pub(super) fn anywhere(app: &mut App, action: Action) -> bool {
    if action != Action::TrajectoryExport {
        return false;
    }
    match in_view(app) {
        Some(trajectory) => {
            let rows = Format::ALL.map(|format| row(trajectory, format));
            let picker = Picker::new(Subject::Export, rows.into());
            app.overlays.push(Overlay::Picker(picker));
        }
        None => app.tell("no run is open"),
    }
    true
}

/// The run of the row that is looked at, where rows are of several; else the open one.
fn in_view(app: &App) -> Option<TrajectoryId> {
    let open = app.session.trajectory();
    let of_row = match app.focus.screen() {
        Screen::Runs => app.runs.row(open).map(|row| row.run.trajectory),
        Screen::Ledger if app.ledger.is_of_log() => {
            app.ledger.chosen_event().map(|event| event.trajectory)
        }
        Screen::Work | Screen::Approvals | Screen::Ledger | Screen::Authority | Screen::Mind => {
            None
        }
    };
    of_row.or(open)
}

fn row(trajectory: TrajectoryId, format: Format) -> PickerRow {
    let (text, more) = match format {
        Format::Markdown => ("markdown", "the story, to read"),
        Format::Jsonl => ("JSON lines", "one event a line, as the ledger tells it"),
        Format::Bundle => ("bundle", "proves itself to whoever has your public key"),
    };
    PickerRow {
        choice: Choice::Export(trajectory, format),
        text: text.to_owned(),
        more: more.to_owned(),
        tail: format!("thymos-{}.{}", trajectory.short(), format.ending()),
        usable: true,
    }
}

/// One was chosen. They are written one after the other.
pub(super) fn chosen(app: &mut App, trajectory: TrajectoryId, format: Format) {
    if app.exporting {
        app.notice = Some(Notice {
            line: "an export is still at work".to_owned(),
            hint: Some("it is told when it is done".to_owned()),
            bad: true,
        });
        return;
    }
    app.exporting = true;
    app.tell(format!(
        "exporting t-{} as {} ..",
        trajectory.short(),
        format.word()
    ));
    app.want(Effect::Export(Export { trajectory, format }));
}

/// It ended: the file, or why there is none.
pub(super) fn ended(app: &mut App, ended: Result<String, Fault>) {
    app.exporting = false;
    match ended {
        Ok(file) => {
            // The name first: a long folder may be cut at the edge of the screen.
            let told = match file.rsplit_once('/') {
                Some((folder, name)) => format!("exported to {name} in {folder}/"),
                None => format!("exported to {file}"),
            };
            app.tell(told);
        }
        Err(fault) => app.notice = Some(Notice::fault(fault)),
    }
}
