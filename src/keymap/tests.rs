//! Tests of keys: notation, the built-in table, chords, and a user's file over ours.

use super::load::load;
use super::*;
use proptest::prelude::*;
use std::collections::BTreeSet;
use std::time::Duration;

fn keys(text: &str) -> Vec<Key> {
    text.parse::<KeySequence>().unwrap().keys().to_vec()
}

fn with_user(text: &str) -> LoadedKeymap {
    load(Some(KeymapFile {
        path: "keys.toml",
        text,
    }))
}

fn told(text: &str) -> Vec<String> {
    with_user(text)
        .complaints
        .iter()
        .map(ToString::to_string)
        .collect()
}

#[test]
fn keys_are_read_and_printed_alike() {
    for text in [
        "G",
        "g g",
        "<C-x> a",
        "<Esc>",
        "<S-Tab>",
        "<C-x> <C-e>",
        "<F1>",
        "<A-Enter>",
        "<Space>",
        "<lt>",
        "<C-x> <lt>",
        "<C-A-Left>",
        "é",
        "-",
        "<C-->",
        "<C-_>",
        "?",
    ] {
        assert_eq!(text.parse::<KeySequence>().unwrap().to_string(), text);
    }
}

#[test]
fn spellings_of_one_key_are_one_key() {
    for (left, right) in [
        ("<c-X>", "<C-x>"),
        ("<S-g>", "G"),
        ("<enter>", "<Enter>"),
        ("<M-b>", "<A-b>"),
        ("<g>", "g"),
    ] {
        assert_eq!(left.parse::<Key>().unwrap(), right.parse::<Key>().unwrap());
    }
}

#[test]
fn what_is_no_key_is_refused_with_the_words() {
    for (text, expected) in [
        ("", "no key"),
        ("<", "`<` does not close"),
        ("<Entre>", "unknown key `<Entre>`"),
        ("<F25>", "unknown key `<F25>`"),
        ("gg", "`gg` is not one key"),
        ("a b c d e", "more than 4 keys"),
    ] {
        assert_eq!(
            text.parse::<KeySequence>().unwrap_err().to_string(),
            expected
        );
    }
}

#[test]
fn the_built_in_table_has_no_complaint_and_no_clash() {
    let loaded = load(None);
    assert_eq!(loaded.complaints, vec![]);
    let mut seen = BTreeSet::new();
    for row in loaded.keymap.bindings() {
        assert!(
            seen.insert((row.context, row.on.clone())),
            "{} twice",
            row.on
        );
        assert!(!row.desc.is_empty() && row.run.contains('.'), "{row:?}");
    }
}

#[test]
fn no_built_in_key_begins_a_longer_one_in_reach() {
    let keymap = Keymap::built_in();
    for row in keymap.bindings() {
        let longer = keymap.completions(row.context, row.on.keys());
        assert!(
            longer.is_empty(),
            "`{}` in {:?} begins {longer:?}",
            row.on,
            row.context
        );
    }
}

#[test]
fn every_control_key_of_the_frame_has_a_twin() {
    let keymap = Keymap::built_in();
    for row in keymap
        .bindings()
        .iter()
        .filter(|row| row.context == Context::Global)
    {
        let [only] = row.on.keys() else { continue };
        if only.mods().has(Mods::CTRL) {
            let twin = keymap.bindings().iter().any(|other| {
                other.run == row.run && other.on != row.on && other.context == Context::Global
            });
            assert!(twin, "{} has no twin", row.on);
        }
    }
}

#[test]
fn esc_never_decides_anywhere() {
    let keymap = Keymap::built_in();
    for context in Context::ALL {
        let row = keymap.exact(*context, &keys("<Esc>")).unwrap();
        assert_eq!(row.run, "focus.back");
    }
}

#[test]
fn only_a_card_approves_or_denies() {
    for row in Keymap::built_in().bindings() {
        if matches!(row.run.as_str(), "approvals.approve" | "approvals.deny") {
            assert_eq!(row.context, Context::Card);
        }
    }
}

#[test]
fn help_lists_each_action_once_per_context_with_all_its_keys() {
    let help = Keymap::built_in().help();
    let row = help
        .iter()
        .find(|row| row.id == "help.open" && row.context == Context::Global);
    assert_eq!(row.unwrap().keys, ["<C-x> ?", "<F1>"]);
    let ids: BTreeSet<_> = help.iter().map(|row| (row.context, &row.id)).collect();
    assert_eq!(ids.len(), help.len());
}

#[test]
fn a_hint_is_the_nearest_key() {
    let keymap = Keymap::built_in();
    assert_eq!(
        keymap.hint("help.open", Context::Ledger).as_deref(),
        Some("?")
    );
    assert_eq!(
        keymap.hint("help.open", Context::Composer).as_deref(),
        Some("<C-x> ?")
    );
    assert_eq!(keymap.hint("nothing.such", Context::Composer), None);
}

const NOON: Duration = Duration::from_secs(100);

fn check_presses(context: Context, text: &str, expected: &str) {
    let keymap = Keymap::built_in();
    let mut chords = Chords::default();
    let mut last = String::new();
    for key in keys(text) {
        last = match chords.press(&keymap, context, key, NOON) {
            Resolved::Run(row) => row.run.clone(),
            Resolved::Pending => "pending".into(),
            Resolved::Unbound(keys) => format!("unbound {}", keys.len()),
        };
    }
    assert_eq!(last, expected, "{text} in {context:?}");
}

#[test]
fn presses_find_the_nearest_binding() {
    check_presses(Context::Composer, "<C-x>", "pending");
    check_presses(Context::Composer, "<C-x> a", "approvals.open");
    check_presses(Context::Composer, "<C-x> v", "pending");
    check_presses(Context::Composer, "<C-x> v p", "mode.plan");
    check_presses(Context::Composer, "<C-x> <C-e>", "composer.editor");
    check_presses(Context::Composer, "<C-x> Q", "unbound 2");
    check_presses(Context::Composer, "<C-x> <Esc>", "unbound 1");
    check_presses(Context::Composer, "a", "unbound 1");
    check_presses(Context::Card, "a", "approvals.approve");
    check_presses(Context::Card, "<Enter>", "unbound 1");
    check_presses(Context::Card, "y", "copy.item");
    check_presses(Context::Ledger, "g g", "list.first");
    check_presses(Context::Transcript, "a", "unbound 1");
}

#[test]
fn a_chord_that_waited_too_long_begins_anew() {
    let keymap = Keymap::built_in();
    let mut chords = Chords::default();
    assert_eq!(chords.deadline(), None);
    let resolved = chords.press(&keymap, Context::Card, Key::ctrl('x'), NOON);
    assert_eq!(resolved, Resolved::Pending);
    assert_eq!(chords.deadline(), Some(NOON + chords::CHORD_TIMEOUT));
    assert_eq!(chords.which_key_at(), Some(NOON + chords::WHICH_KEY_DELAY));
    let late = NOON + chords::CHORD_TIMEOUT;
    assert_eq!(chords.clone().expire(&keymap, Context::Card, NOON), None);
    let resolved = chords.press(&keymap, Context::Card, Key::char('d'), late);
    assert!(matches!(resolved, Resolved::Run(row) if row.run == "approvals.deny"));
    assert!(chords.pending().is_empty());
}

#[test]
fn a_short_binding_runs_when_its_chord_expires() {
    let loaded = with_user("keys = [ { on = \"g\", run = \"list.last\", context = \"list\" } ]");
    assert!(matches!(
        loaded.complaints[0].problem,
        Problem::Shadow { .. }
    ));
    let mut chords = Chords::default();
    let pressed = chords.press(&loaded.keymap, Context::Ledger, Key::char('g'), NOON);
    assert_eq!(pressed, Resolved::Pending);
    let late = NOON + chords::CHORD_TIMEOUT;
    let row = chords
        .expire(&loaded.keymap, Context::Ledger, late)
        .unwrap();
    assert_eq!(row.run, "list.last");
}

#[test]
fn the_user_rebinds_adds_and_takes_away() {
    let loaded = with_user(
        "keys = [\n { on = \"<C-x> l\", run = \"none\" },\n { on = \"<F2>\", run = \"ledger.open\" },\n { on = \"<C-l>\", run = \"ledger.open\", desc = \"mine\" },\n]",
    );
    assert_eq!(loaded.complaints, vec![]);
    let run = |text| {
        loaded
            .keymap
            .exact(Context::Card, &keys(text))
            .map(|row| row.run.as_str())
    };
    assert_eq!(run("<C-x> l"), None);
    assert_eq!(run("<F2>"), Some("ledger.open"));
    assert_eq!(run("<C-l>"), Some("ledger.open"));
}

#[test]
fn a_row_without_context_goes_where_the_action_lives() {
    let loaded = with_user("keys = [ { on = \"A\", run = \"approvals.approve\" } ]");
    assert_eq!(loaded.keymap.exact(Context::Ledger, &keys("A")), None);
    assert!(loaded.keymap.exact(Context::Card, &keys("A")).is_some());
}

#[test]
fn mistakes_are_told_with_line_and_the_rest_works() {
    let text = "keys = [\n { on = \"<F5>\", run = \"aproval.open\" },\n { on = \"<Foo>\", run = \"app.quit\" },\n { on = \"<F6>\", run = \"app.quit\", context = \"cellar\" },\n { on = \"<F7>\" },\n { on = \"<F8>\", run = \"app.quit\" },\n { on = \"<F8>\", run = \"help.open\" },\n { on = \"<F9>\", run = \"app.quit\", when = \"x\" },\n 3,\n]";
    assert_eq!(
        told(text),
        [
            "`keys.toml` line 2: unknown action `aproval.open`",
            "`keys.toml` line 3: unknown key `<Foo>`",
            "`keys.toml` line 4: unknown context `cellar`",
            "`keys.toml` line 5: field `run` is missing or no text",
            "`keys.toml` line 7: `<F8>` in `global` already runs `app.quit` (line 6)",
            "`keys.toml` line 8: unknown field `when`",
            "`keys.toml` line 9: `keys` is not a list of rows",
        ]
    );
    let loaded = with_user(text);
    let hint = loaded.complaints[0].problem.hint();
    assert_eq!(hint.as_deref(), Some("did you mean `approvals.open`?"));
    assert_eq!(
        loaded
            .keymap
            .exact(Context::Global, &keys("<F8>"))
            .unwrap()
            .run,
        "help.open"
    );
}

#[test]
fn a_broken_file_leaves_the_built_in_table() {
    assert_eq!(with_user("keys = [").keymap, Keymap::built_in());
    assert!(told("keys = [")[0].starts_with("`keys.toml` line 1: not valid toml"));
    assert_eq!(with_user("").complaints, vec![]);
}

proptest! {
    #[test]
    fn any_text_is_a_key_or_a_fault(text in ".*") {
        if let Ok(sequence) = text.parse::<KeySequence>() {
            prop_assert_eq!(sequence.to_string().parse::<KeySequence>(), Ok(sequence));
        }
    }

    #[test]
    fn any_key_like_text_goes_round(text in "(<[CASM]-)?[<>a-zA-Z0-9-]{1,6}>?") {
        if let Ok(key) = text.parse::<Key>() {
            prop_assert_eq!(key.to_string().parse::<Key>(), Ok(key));
        }
    }
}

proptest! {
    // Each case reads the whole table twice; a few are enough.
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn any_file_loads(text in ".*") {
        prop_assert!(!with_user(&text).keymap.bindings().is_empty());
    }

    #[test]
    fn any_row_loads(on in "[<>a-zA-Z -]{0,12}", run in "[a-z.]{0,20}") {
        let text = format!("keys = [ {{ on = \"{on}\", run = \"{run}\" }} ]");
        prop_assert!(with_user(&text).keymap.bindings().len() >= Keymap::built_in().bindings().len() - 1);
    }
}
