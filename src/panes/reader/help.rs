//! The help: what works here and now first, then every key, from the one table of keys.

use crate::app::action::REGISTRY;
use crate::args;
use crate::keymap::{Context, HelpRow, Keymap};
use crate::theme::Role;

use super::state::{Reader, Said, Topic};

/// Columns of the keys before the words.
const KEYS_COLUMNS: usize = 22;

/// The help of a context.
#[must_use]
pub(crate) fn of(keymap: &Keymap, here: Context) -> Reader {
    let rows = keymap.help();
    let title = |text: String| Said::words(Role::Heading, text);
    let mut lines = vec![title(format!("Here and now ({})", here.name()))];
    for context in here.path() {
        lines.extend(of_context(&rows, context));
    }
    for context in Context::ALL {
        let mut found = of_context(&rows, *context).peekable();
        if found.peek().is_some() {
            lines.push(Said::words(Role::Text, ""));
            lines.push(title(format!("In {}", context.name())));
            lines.extend(found);
        }
    }
    lines.push(Said::words(Role::Text, ""));
    lines.push(title(
        "Behind a slash, in the composer; verbs of the shell are the same there".to_owned(),
    ));
    lines.extend(behind_a_slash());
    Reader::new(Topic::Help, "help", lines)
}

/// Actions that can be typed, and the verbs of the shell.
fn behind_a_slash() -> impl Iterator<Item = Said> {
    let typed = |name: &str, words: &str| {
        let head = format!("{:<KEYS_COLUMNS$}", format!("/{name}"));
        Said::labelled(head, Role::Text, words)
    };
    let actions = REGISTRY.iter().filter_map(move |entry| {
        let name = entry.slash?;
        Some(typed(name, entry.title))
    });
    let verbs = args::verbs().iter();
    let verbs = verbs.map(move |(name, words)| typed(name, words));
    actions.chain(verbs)
}

fn of_context(rows: &[HelpRow], context: Context) -> impl Iterator<Item = Said> {
    rows.iter()
        .filter(move |row| row.context == context && row.id != "none")
        .map(|row| {
            let keys: Vec<String> = row
                .keys
                .iter()
                .filter_map(|keys| keys.parse().ok())
                .map(|keys| crate::ui::key_hint::spoken(&keys))
                .collect();
            let head = format!("  {:<KEYS_COLUMNS$} ", keys.join(", "));
            Said::labelled(head, Role::Text, row.desc.clone())
        })
}
