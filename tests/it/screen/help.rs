//! Help, palette and pickers: one table of keys, every action found by its words.

use thymos::app::Pane;
use thymos::app::action::REGISTRY;
use thymos_protocol::Command;

use super::desk::Desk;
use super::kernel::Kernel;

#[test]
fn help_tells_what_works_here_first_then_everything() {
    let mut desk = Desk::open(80, 24, Kernel::new());
    desk.keys("<C-x> l ?");
    let frame = desk.frame();
    assert!(frame.contains("Here and now (ledger)"), "{frame}");
    let filter = frame.find("filter the entries").unwrap();
    let list = frame.find("next row").unwrap();
    assert!(filter < list, "{frame}");
    desk.keys("G");
    let frame = desk.frame();
    assert!(frame.contains("/completions"), "{frame}");
    let mut seen = frame;
    for _ in 0..30 {
        desk.keys("<C-u>");
        seen.push_str(&desk.frame());
    }
    for told in [
        "/memory",
        "/writ close",
        "Behind a slash, in the composer",
        "In dialog",
    ] {
        assert!(seen.contains(told), "{told}\n{seen}");
    }
    desk.keys("<Esc>");
    assert!(desk.app.overlays.is_empty());
    assert_eq!(desk.app.focus.pane(), Pane::Ledger);
}

#[test]
fn f1_works_anywhere_and_a_question_mark_is_typed_in_the_composer() {
    let mut desk = Desk::open(200, 60, Kernel::new());
    desk.types("why?");
    assert_eq!(desk.app.composer.text(), "why?");
    desk.keys("<F1>");
    assert!(desk.frame().contains("Here and now (composer)"));
    desk.keys("<F1> <F1> <Esc>");
    assert!(desk.app.overlays.is_empty());
    desk.keys("<C-x> l f <F1>");
    let frame = desk.frame();
    assert!(frame.contains("Here and now (prompt)"), "{frame}");
}

#[test]
fn the_palette_finds_and_runs_an_action_and_shows_its_key() {
    let mut desk = Desk::open(80, 24, Kernel::new());
    desk.keys("<C-x> p");
    desk.types("ledger");
    let frame = desk.frame();
    assert!(frame.contains("Ctrl-X l"), "{frame}");
    desk.keys("<Enter>");
    assert_eq!(desk.app.focus.pane(), Pane::Ledger);
    assert!(desk.app.overlays.is_empty());
    assert_eq!(desk.app.composer.text(), "");
}

#[test]
fn what_does_not_work_here_says_where_it_does() {
    let mut desk = Desk::open(80, 24, Kernel::new());
    desk.keys("<C-x> p");
    desk.types("filter the entries");
    desk.keys("<Enter>");
    let frame = desk.frame();
    assert!(
        frame.contains("not here: ledger.filter  in ledger"),
        "{frame}"
    );
    assert_eq!(desk.app.focus.pane(), Pane::Composer);
}

#[test]
fn every_action_outside_lists_and_prompts_is_in_the_palette() {
    let mut missing = Vec::new();
    for entry in REGISTRY {
        let inner = ["prompt.", "picker.", "dialog."];
        if inner.iter().any(|start| entry.id.starts_with(start)) {
            continue;
        }
        let mut desk = Desk::open(120, 40, Kernel::new());
        desk.keys("<C-x> p");
        desk.types(entry.id);
        if !desk.frame().contains(entry.id) {
            missing.push(entry.id);
        }
    }
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn a_trajectory_is_opened_from_the_list() {
    let mut desk = Desk::open(100, 30, Kernel::new());
    desk.keys("<C-x> o");
    let frame = desk.frame();
    assert!(frame.contains("add retry"), "{frame}");
    assert!(frame.contains("2 pending"), "{frame}");
    assert!(frame.contains("1 in doubt"), "{frame}");
    let opened = |desk: &Desk| {
        desk.kernel
            .asked
            .iter()
            .filter(|asked| matches!(asked, Command::Open { .. }))
            .count()
    };
    let before = opened(&desk);
    desk.keys("<Enter>");
    assert_eq!(opened(&desk), before + 1);
}

#[test]
fn a_model_is_chosen_from_the_list() {
    let mut desk = Desk::open(100, 30, Kernel::new());
    desk.keys("<C-x> m");
    let frame = desk.frame();
    assert!(frame.contains("env ANTHROPIC_API_KEY set"), "{frame}");
    assert!(frame.contains("in use"), "{frame}");
    desk.types("claude");
    desk.keys("<Enter>");
    let chosen = desk.kernel.asked.iter().any(
        |asked| matches!(asked, Command::SetModel { model, .. } if model == "anthropic/claude-x"),
    );
    assert!(chosen);
}

#[test]
fn esc_leaves_a_list_and_chooses_nothing() {
    for keys in ["<C-x> p", "<C-x> o", "<C-x> m"] {
        let mut desk = Desk::open(80, 24, Kernel::new());
        desk.keys(keys);
        let before = desk.kernel.asked.len();
        desk.keys("<Down> <Esc>");
        assert!(desk.app.overlays.is_empty());
        assert_eq!(desk.kernel.asked.len(), before);
    }
}
