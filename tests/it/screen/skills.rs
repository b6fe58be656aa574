//! Binding a skill: chosen, filled in, asked about.

use thymos::app::Overlay;
use thymos_protocol::Command;

use super::desk::Desk;
use super::kernel::Kernel;

fn bound(desk: &Desk) -> Vec<(String, Vec<(String, String)>)> {
    let asked = desk.kernel.asked.iter();
    asked
        .filter_map(|it| match it {
            Command::BindSkill {
                name, parameters, ..
            } => Some((name.clone(), parameters.clone().into_iter().collect())),
            _ => None,
        })
        .collect()
}

#[test]
fn parameters_are_asked_for_one_by_one_and_the_binding_last() {
    let mut desk = Desk::open(100, 30, Kernel::new());
    desk.keys("<C-x> p");
    desk.types("bind a skill");
    desk.keys("<Enter>");
    let frame = desk.frame();
    assert!(frame.contains("review v2"), "{frame}");
    assert!(frame.contains("FAULT: line 3: unknown tool"), "{frame}");
    desk.types("review");
    desk.keys("<Enter>");
    let frame = desk.frame();
    assert!(
        frame.contains("review: folder (the folder, default src)"),
        "{frame}"
    );
    // The default stands there and is taken by Enter.
    desk.keys("<Enter>");
    let frame = desk.frame();
    assert!(frame.contains("choose a value"), "{frame}");
    assert!(frame.find("shallow") < frame.find("deep"), "{frame}");
    desk.types("deep");
    desk.keys("<Enter> <Enter>");
    assert!(desk.frame().contains("`topic` has no default"));
    desk.types("errors");
    desk.keys("<Enter>");
    let frame = desk.frame();
    for text in [
        "bind skill review v2?",
        "src (default)",
        "depth = deep",
        "topic = errors",
    ] {
        assert!(frame.contains(text), "{text}\n{frame}");
    }
    assert_eq!(bound(&desk), []);
    desk.keys("<Tab> <Enter>");
    let given = vec![
        ("depth".to_owned(), "deep".to_owned()),
        ("topic".to_owned(), "errors".to_owned()),
    ];
    assert_eq!(bound(&desk), [("review".to_owned(), given)]);
    assert!(desk.frame().contains("skill review is bound"));
}

#[test]
fn a_skill_with_a_fault_cannot_be_bound() {
    let mut desk = Desk::open(100, 30, Kernel::new());
    desk.keys("<C-x> k");
    desk.types("broken");
    desk.keys("<Enter>");
    assert!(
        desk.frame()
            .contains("cannot be bound: line 3: unknown tool")
    );
    assert!(desk.app.overlays.is_empty());
}

#[test]
fn esc_at_any_step_binds_nothing() {
    let mut desk = Desk::open(100, 30, Kernel::new());
    for keys in ["<Esc>", "<Enter> <Esc>", "<Enter> <Enter> <Esc>"] {
        desk.keys("<C-x> k");
        desk.keys(keys);
        assert!(desk.app.overlays.is_empty());
    }
    assert_eq!(bound(&desk), []);
}

#[test]
fn the_header_shows_what_is_bound_by_the_name_of_its_writ() {
    let mut kernel = Kernel::new();
    kernel.status.writ.name = "skill review".into();
    let mut desk = Desk::open(120, 40, kernel);
    assert!(desk.frame().contains("EDIT up to write  skill review"));
    desk.keys("<C-x> k");
    assert!(matches!(desk.app.overlays.last(), Some(Overlay::Picker(_))));
}
