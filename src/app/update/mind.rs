//! What the map of a run does with its actions. Asks for entries, and opens runs that were begun by this one.

use thymos_core::TrajectoryId;
use thymos_protocol::{Command, Detail};

use super::{card, ledger, sheet};
use crate::app::{Action, App, Asked, Effect, Overlay, Pane, Screen};
use crate::mind::{NodeKind, told};
use crate::panes::mind::view::WIDE;
use crate::panes::mind::{Preset, Show};
use crate::panes::picker::{Choice, Picker, PickerRow, Subject};
use crate::panes::prompt::{Prompt, Purpose};

/// What a choice of what is shown means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shows {
    /// These kinds and no others.
    Preset(Preset),
    /// This kind too, or no more.
    Kind(NodeKind),
}

/// Whether the map took the action.
pub(super) fn act(app: &mut App, action: Action) -> bool {
    if moves(app, action) {
        inspect(app);
        return true;
    }
    match action {
        Action::ListOpen => open(app),
        Action::MindShow => choose_shown(app, 0),
        Action::MindEntry => entry(app),
        Action::MindCard => to_card(app),
        Action::LedgerProvenance => provenance(app),
        Action::SearchOpen => {
            let text = app.mind.search().map(|(text, _)| text.to_owned());
            let prompt = Prompt::new(Purpose::Search, text.unwrap_or_default());
            app.overlays.push(Overlay::Prompt(prompt));
        }
        Action::CopyItem => match app.mind.node(app.session.mind()) {
            Some(node) => {
                let text = told::node_line(node);
                app.want(Effect::Copy(text));
            }
            None => app.tell("nothing is chosen"),
        },
        Action::FocusBack => return back(app),
        _ => return false,
    }
    true
}

/// What chooses another node, or shows others.
fn moves(app: &mut App, action: Action) -> bool {
    let App { mind, session, .. } = app;
    let map = session.mind();
    let half = mind.half();
    match action {
        Action::ListDown => mind.step(map, 1),
        Action::ListUp => mind.step(map, -1),
        Action::ListFirst => mind.step(map, i64::MIN),
        Action::ListLast | Action::MindFollow => mind.follow(map),
        Action::ListHalfDown => mind.step(map, half),
        Action::ListHalfUp => mind.step(map, -half),
        Action::ListPageDown => mind.step(map, half * 2),
        Action::ListPageUp => mind.step(map, -half * 2),
        Action::MindLeft => mind.turn(map, false),
        Action::MindRight => mind.turn(map, true),
        Action::MindTurnNext => mind.turn_lane(map, true),
        Action::MindTurnPrevious => mind.turn_lane(map, false),
        Action::ListFold => mind.fold(map),
        Action::SearchNext | Action::SearchPrevious => {
            let found = mind.next_hit(map, action == Action::SearchNext);
            match (found, mind.search().is_some()) {
                (true, _) => {}
                (false, true) => app.tell("it stands nowhere on the map"),
                (false, false) => app.tell("nothing is looked for; / does"),
            }
        }
        _ => return false,
    }
    true
}

/// After any event: the map follows what has been pulled, where it is looked at.
pub(super) fn settle(app: &mut App) {
    if app.focus.screen() != Screen::Mind {
        return;
    }
    let wide = app.size.width >= WIDE;
    let App { mind, session, .. } = app;
    let before = mind.node(session.mind()).map(|node| node.entry);
    mind.sync(session.mind(), session.trajectory(), wide);
    let now = mind.node(session.mind()).map(|node| node.entry);
    if before != now {
        inspect(app);
    }
    if app.mind.wants_older()
        && let Some(command) = app.session.pull_older()
    {
        app.ask(Asked::PullOlder, command);
    }
}

/// Goes to the map.
pub(super) fn enter(app: &mut App) {
    app.focus.go(Screen::Mind, app.now.mono);
    settle(app);
    inspect(app);
}

/// Asks for the entry of the chosen node in full.
fn inspect(app: &mut App) {
    if let Some(node) = app.mind.node(app.session.mind()) {
        let entry = node.entry;
        ledger::inspect_entry(app, entry);
    }
}

/// Opens the chosen node: its entry, or the map of the run that it began.
fn open(app: &mut App) {
    let Some(node) = app.mind.node(app.session.mind()) else {
        return app.tell("nothing is chosen");
    };
    let (entry, kind) = (node.entry, node.kind);
    if kind == NodeKind::Child {
        app.ask(Asked::MindChild, Command::Inspect { entry });
        return;
    }
    inspect(app);
    app.focus.enter(Pane::Node, app.now.mono);
}

/// The entry that tells which run was begun.
pub(super) fn child_came(app: &mut App, detail: &Detail) {
    let child = detail.body.as_ref().and_then(|body| body["child"].as_str());
    let child = child.and_then(|id| id.parse::<TrajectoryId>().ok());
    match (child, app.session.trajectory()) {
        (Some(child), Some(above)) => {
            app.mind.go_in(above, child);
            app.ask(Asked::Open, Command::Open { trajectory: child });
        }
        _ => app.tell("the entry does not tell which run it is"),
    }
}

/// One step back: first what is looked for, then to the run above, then as everywhere.
fn back(app: &mut App) -> bool {
    let App { mind, session, .. } = app;
    if mind.search().is_some() {
        mind.look_for(session.mind(), "");
        return true;
    }
    match app.mind.go_out(app.session.trajectory()) {
        Some(trajectory) => {
            app.ask(Asked::Open, Command::Open { trajectory });
            true
        }
        None => false,
    }
}

/// Looks for a text on the map.
pub(super) fn search(app: &mut App, text: &str) {
    let App { mind, session, .. } = app;
    mind.look_for(session.mind(), text);
    inspect(app);
}

/// The chosen entry, in the ledger.
fn entry(app: &mut App) {
    let seq = app.mind.node(app.session.mind()).map(|node| node.seq);
    match (app.session.trajectory(), seq) {
        (Some(trajectory), Some(seq)) => ledger::go_to(app, trajectory, seq),
        _ => app.tell("nothing is chosen"),
    }
}

fn provenance(app: &mut App) {
    let seq = app.mind.node(app.session.mind()).map(|node| node.seq);
    if let (Some(trajectory), Some(seq)) = (app.session.trajectory(), seq) {
        ledger::go_to(app, trajectory, seq);
        sheet::provenance_of(app, trajectory, seq);
    }
}

/// The card of the call, if it waits for a person.
fn to_card(app: &mut App) {
    let map = app.session.mind();
    let row = app.mind.node(map).and_then(|node| map.row(node.row?));
    let mut nodes = row.into_iter().flat_map(|row| &row.nodes);
    let proposal = nodes.find_map(|at| map.nodes().get(*at)?.proposal);
    let waits = proposal.filter(|id| {
        let mut holds = app.session.holds().iter();
        holds.any(|hold| hold.card.proposal == *id)
    });
    match waits {
        Some(proposal) => card::open(app, proposal),
        None => app.tell("nothing waits for you here"),
    }
}

/// Asks what is shown; the row at that place is chosen.
fn choose_shown(app: &mut App, at: isize) {
    let show = app.mind.show();
    let row = |shows: Shows, text: &str, tail: &str| PickerRow {
        choice: Choice::Shown(shows),
        text: text.to_owned(),
        more: String::new(),
        tail: tail.to_owned(),
        usable: true,
    };
    let presets = Preset::ALL.map(|preset| {
        let on = *show == Show::of(preset);
        let tail = if on { "in use" } else { "" };
        row(Shows::Preset(preset), preset.word(), tail)
    });
    let kinds = NodeKind::ALL.map(|kind| {
        let on = show.has(kind);
        let tail = if on { "shown" } else { "hidden" };
        row(Shows::Kind(kind), kind.word(), tail)
    });
    let rows = presets.into_iter().chain(kinds).collect();
    let mut picker = Picker::new(Subject::Shown, rows);
    picker.step(at);
    app.overlays.push(Overlay::Picker(picker));
}

/// It was chosen. After a kind the choice stays open, for the next one.
pub(super) fn shown(app: &mut App, shows: Shows) {
    let mut show = app.mind.show().clone();
    match shows {
        Shows::Preset(preset) => show = Show::of(preset),
        Shows::Kind(kind) => show.toggle(kind),
    }
    let App { mind, session, .. } = app;
    mind.set_show(session.mind(), show);
    if let Shows::Kind(kind) = shows {
        let kinds = NodeKind::ALL.iter();
        let at = kinds.take_while(|one| **one != kind).count() + Preset::ALL.len();
        choose_shown(app, isize::try_from(at).unwrap_or(0));
    }
}
