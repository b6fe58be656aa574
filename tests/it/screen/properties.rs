//! Rules that hold for any order of keys and events.

use proptest::prelude::*;
use thymos::app::{Event, Pane};
use thymos::keymap::Key;
use thymos_core::body::Role;
use thymos_protocol::Command;

use super::desk::Desk;
use super::kernel::{Kernel, intended, said};

fn waiting() -> Kernel {
    let mut kernel = Kernel::new();
    kernel.append(said(Role::Operator, "go"));
    for name in ["one", "two"] {
        kernel.append(intended(name, "fs_patch", "fs_patch a.txt"));
        kernel.hold(name, "fs_patch", "fs_patch a.txt");
    }
    kernel
}

fn answers(desk: &Desk) -> usize {
    desk.kernel
        .asked
        .iter()
        .filter(|asked| matches!(asked, Command::Answer(_)))
        .count()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn a_byte_typed_in_the_composer_never_reaches_a_card(text in "[ -~]{0,40}") {
        let mut desk = Desk::open(100, 30, waiting());
        desk.types(&text);
        desk.event(Event::Paste(text.clone()));
        prop_assert_eq!(answers(&desk), 0);
        prop_assert_eq!(desk.app.composer.text(), format!("{text}{text}"));
    }

    #[test]
    fn esc_never_decides(
        keys in prop::collection::vec(prop::sample::select(vec!["<Esc>", "<Tab>", "<C-x> a", "<C-x> 1", "<C-x> 4", "<C-x> 5", "x", "s", "<Enter>", "<F1>"]), 0..20),
    ) {
        let mut desk = Desk::open(100, 30, waiting());
        for key in keys {
            desk.keys(key);
            desk.keys("<Esc>");
            desk.wait(500);
        }
        prop_assert_eq!(answers(&desk), 0);
    }

    #[test]
    fn nothing_that_was_never_drawn_is_ever_approved(
        keys in prop::collection::vec(prop::sample::select(vec![
            "a", "s", "A", "<Space>", "<Enter>", "<Tab>", "j", "<PageDown>", "<Esc>", "<C-x> a",
        ]), 0..40),
    ) {
        let mut kernel = waiting();
        for row in &mut kernel.holds {
            row.card.ceremony.batch = true;
        }
        let mut desk = Desk::open(100, 30, kernel);
        desk.keys("<C-x> a");
        for key in keys {
            desk.keys(key);
            desk.wait(700);
        }
        prop_assert_eq!(answers(&desk), 0);
    }

    #[test]
    fn background_events_move_nothing(
        steps in prop::collection::vec(0u8..6, 0..30),
        start in prop::sample::select(vec!["<Esc>", "<Tab>", "<C-x> 4", "<C-x> 5", "<C-x> 4 x", "<C-x> u"]),
    ) {
        let mut desk = Desk::open(100, 30, waiting());
        desk.keys(start);
        let before = (desk.app.focus.screen(), desk.app.focus.pane(), desk.app.overlays.len());
        for (at, step) in steps.into_iter().enumerate() {
            let name = format!("more {at}");
            match step {
                0 => desk.kernel.hold(&name, "shell", "shell ls"),
                1 => desk.kernel.append(said(Role::Model, &name)),
                2 => desk.kernel.running(Some("thinking")),
                3 => desk.kernel.running(None),
                4 => desk.live(&name, at as u64),
                _ => desk.wait(700),
            }
            desk.ring();
            desk.frame();
        }
        let after = (desk.app.focus.screen(), desk.app.focus.pane(), desk.app.overlays.len());
        prop_assert_eq!(before, after);
        prop_assert_eq!(answers(&desk), 0);
    }

    #[test]
    fn any_keys_at_any_size_are_drawn(
        keys in prop::collection::vec((any::<u8>(), any::<bool>()), 0..40),
        width in 1u16..240,
        height in 1u16..70,
    ) {
        let mut desk = Desk::open(width, height, waiting());
        for (byte, ctrl) in keys {
            let ch = char::from(b' ' + byte % 95);
            desk.event(Event::Key(if ctrl { Key::ctrl(ch) } else { Key::char(ch) }));
            desk.frame();
        }
    }

    #[test]
    fn events_are_neither_lost_nor_doubled(batches in prop::collection::vec(0usize..700, 1..6)) {
        let mut desk = Desk::open(80, 24, Kernel::new());
        let mut count = 2;
        for batch in batches {
            for _ in 0..batch {
                desk.kernel.append(said(Role::Operator, "x"));
            }
            count += batch as u64;
            desk.ring();
            desk.ring();
        }
        let seqs: Vec<u64> = desk.app.session.story().items().iter().map(|item| item.seq()).collect();
        prop_assert_eq!(seqs, (0..count).collect::<Vec<u64>>());
        prop_assert_eq!(desk.app.focus.pane(), Pane::Composer);
    }
}
