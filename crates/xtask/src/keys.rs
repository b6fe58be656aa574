//! `docs/keys.md`: the keymap that comes with the program, told as tables.
//!
//! Decides nothing about keys; the app's own table is the only source.

use std::fmt::Write as _;

use thymos::keymap::{Context, Keymap};

use crate::docgen::NOTICE;

const INTRO: &str = "
Every key that comes with the program, by the place in which it counts. A key is looked for in the focused
place first and then in its parents, `global` last. A file of your own goes over this table: the same rows,
`{ context, on, run, desc }`, and `run = \"none\"` takes a key away.
";

/// The whole page.
pub(crate) fn page() -> String {
    let mut text = format!("# Keys\n\n{NOTICE}{INTRO}");
    let rows = Keymap::built_in().help();
    for context in Context::ALL {
        let mut here = rows.iter().filter(|row| row.context == *context).peekable();
        if here.peek().is_none() {
            continue;
        }
        head(&mut text, *context);
        for row in here {
            let keys: Vec<String> = row.keys.iter().map(|keys| code(keys)).collect();
            line(&mut text, &keys.join(", "), &row.id, &row.desc);
        }
    }
    text
}

fn head(text: &mut String, context: Context) {
    let parents: Vec<String> = context.path().skip(1).map(|c| code(c.name())).collect();
    let beyond = match parents.as_slice() {
        [] => "Counts everywhere.".to_owned(),
        parents => format!("Then {}.", parents.join(", then ")),
    };
    write_to(
        text,
        format_args!("\n## {}\n\n{beyond}\n\n", context.name()),
    );
    text.push_str("| Keys | Action | What it does |\n|---|---|---|\n");
}

fn line(text: &mut String, keys: &str, id: &str, desc: &str) {
    write_to(
        text,
        format_args!("| {keys} | `{id}` | {} |\n", escape(desc)),
    );
}

/// Text as code within a table cell, where a bar would end the cell.
fn code(text: &str) -> String {
    let text = escape(text);
    if text.contains('`') {
        format!("`` {text} ``")
    } else {
        format!("`{text}`")
    }
}

fn escape(text: &str) -> String {
    text.replace('|', "\\|")
}

#[expect(
    clippy::let_underscore_must_use,
    reason = "writing to a string cannot fail"
)]
fn write_to(text: &mut String, arguments: std::fmt::Arguments<'_>) {
    let _ = text.write_fmt(arguments);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_binding_that_comes_with_the_program_is_on_the_page() {
        let page = page();
        for binding in Keymap::built_in().bindings() {
            assert!(page.contains(&code(&binding.on.to_string())), "{binding:?}");
            assert!(page.contains(&format!("`{}`", binding.run)), "{binding:?}");
        }
    }

    #[test]
    fn a_bar_does_not_end_a_cell() {
        assert_eq!(code("|"), "`\\|`");
        assert_eq!(code("`"), "`` ` ``");
    }
}
