//! Keys as people say them: `Ctrl-X a`, `Enter`, `F1`; and which of several to show.
//!
//! Reads the keymap; binds nothing.

use crate::keymap::{Context, KeySequence, Keymap};

/// The shortest keys that reach an action from a context, nearest context first.
#[must_use]
pub fn shortest(keymap: &Keymap, action: &str, context: Context) -> Option<String> {
    context.path().find_map(|context| {
        keymap
            .bindings()
            .iter()
            .filter(|row| row.context == context && row.run == action)
            .min_by_key(|row| row.on.keys().len())
            .map(|row| spoken(&row.on))
    })
}

/// Keys as people say them.
#[must_use]
pub fn spoken(keys: &KeySequence) -> String {
    let words: Vec<String> = keys
        .keys()
        .iter()
        .map(|key| word(&key.to_string()))
        .collect();
    words.join(" ")
}

fn word(key: &str) -> String {
    let Some(inner) = key.strip_prefix('<').and_then(|key| key.strip_suffix('>')) else {
        return key.to_owned();
    };
    match inner {
        "lt" => return "<".to_owned(),
        "gt" => return ">".to_owned(),
        _ => {}
    }
    let mut rest = inner;
    let mut said = String::new();
    for (short, long) in [("C-", "Ctrl-"), ("A-", "Alt-"), ("S-", "Shift-")] {
        if let Some(after) = rest.strip_prefix(short).filter(|after| !after.is_empty()) {
            said.push_str(long);
            rest = after;
        }
    }
    if !said.is_empty() && rest.chars().count() == 1 {
        said + &rest.to_uppercase()
    } else {
        said + rest
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_said_as_people_say_them() {
        for (keys, expected) in [
            ("<C-x> a", "Ctrl-X a"),
            ("<Enter>", "Enter"),
            ("<F1>", "F1"),
            ("<S-Tab>", "Shift-Tab"),
            ("<C-x> <gt>", "Ctrl-X >"),
            ("g g", "g g"),
            ("<C-->", "Ctrl--"),
        ] {
            assert_eq!(spoken(&keys.parse().unwrap()), expected);
        }
    }

    #[test]
    fn the_shortest_keys_of_the_nearest_context_are_shown() {
        let keymap = Keymap::built_in();
        let hint = |action| shortest(&keymap, action, Context::Composer);
        assert_eq!(hint("help.open").as_deref(), Some("F1"));
        assert_eq!(hint("run.interrupt").as_deref(), Some("Ctrl-C"));
        assert_eq!(hint("composer.newline").as_deref(), Some("Ctrl-J"));
        assert_eq!(hint("nothing"), None);
    }
}
