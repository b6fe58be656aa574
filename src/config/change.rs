//! Writes one value into a config file that people write: everything else in it stays as it stands.

use toml::{Table, Value};

/// The text with `model` under `[session]` set to this; none where it says so already in a way that a line cannot
/// replace, as `session = { .. }` on one line does.
#[must_use]
pub fn with_model(text: &str, model: &str) -> Option<String> {
    let wanted = format!("model = {}", Value::from(model));
    let changed = match section(text) {
        None => {
            let gap = if text.is_empty() { "" } else { "\n" };
            let end = if text.is_empty() || text.ends_with('\n') {
                ""
            } else {
                "\n"
            };
            format!("{text}{end}{gap}[session]\n{wanted}\n")
        }
        Some((head, lines)) => {
            let mut all: Vec<&str> = text.lines().collect();
            match lines.iter().find(|at| is_model(all[**at])) {
                Some(at) => all[*at] = &wanted,
                None => all.insert(head + 1, &wanted),
            }
            all.join("\n") + "\n"
        }
    };
    is_that_change(text, &changed, model).then_some(changed)
}

/// The line of `[session]`, and those below it up to the next table.
fn section(text: &str) -> Option<(usize, Vec<usize>)> {
    let heads = |line: &str| line.trim_start().starts_with('[');
    let lines: Vec<&str> = text.lines().collect();
    let named = |line: &str| {
        let word = line.split('#').next().unwrap_or_default().trim();
        word.strip_prefix('[')
            .and_then(|rest| rest.strip_suffix(']'))
            .is_some_and(|name| name.trim() == "session")
    };
    let head = lines.iter().position(|line| named(line))?;
    let below = (head + 1..lines.len()).take_while(|at| !heads(lines[*at]));
    Some((head, below.collect()))
}

fn is_model(line: &str) -> bool {
    let name = line.split('=').next().unwrap_or_default();
    line.contains('=') && name.trim() == "model"
}

/// Whether both say the same but for that value: a line inside of a text of many lines is none.
fn is_that_change(before: &str, after: &str, model: &str) -> bool {
    let read = |text: &str| text.parse::<Table>().ok();
    let (Some(mut before), Some(after)) = (read(before), read(after)) else {
        return false;
    };
    let session = before
        .entry("session")
        .or_insert_with(|| Value::Table(Table::new()));
    let Some(session) = session.as_table_mut() else {
        return false;
    };
    session.insert("model".to_owned(), Value::from(model));
    before == after
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_model_is_put_where_it_belongs_and_all_else_stays() {
        for (before, after) in [
            ("", "[session]\nmodel = \"m/x\"\n"),
            (
                "# mine\n[ui]\ncolor = \"never\"",
                "# mine\n[ui]\ncolor = \"never\"\n\n[session]\nmodel = \"m/x\"\n",
            ),
            (
                "[session] # here\nmode = \"plan\"\n\n[ui]\nmouse = true\n",
                "[session] # here\nmodel = \"m/x\"\nmode = \"plan\"\n\n[ui]\nmouse = true\n",
            ),
            (
                "[providers.a]\nmodel = \"keep\"\n[session]\nmode = \"plan\"\nmodel = \"old\" # why\n",
                "[providers.a]\nmodel = \"keep\"\n[session]\nmode = \"plan\"\nmodel = \"m/x\"\n",
            ),
        ] {
            assert_eq!(with_model(before, "m/x").as_deref(), Some(after));
        }
    }

    #[test]
    fn what_a_line_cannot_say_is_left_to_its_owner() {
        for text in [
            "session = { mode = \"plan\" }\n",
            "session.model = \"a\"\n",
            "[ui]\ntheme = \"\"\"\n[session]\n\"\"\"\n",
            "not toml",
            "session = 1\n",
        ] {
            assert_eq!(with_model(text, "m"), None, "{text}");
        }
    }

    #[test]
    fn a_name_with_anything_in_it_is_one_value() {
        let odd = "a\"]\n[evil]\nx = 1 #";
        let text = with_model("", odd).unwrap();
        let read: Table = text.parse().unwrap();
        assert_eq!(read["session"]["model"].as_str(), Some(odd));
        assert_eq!(read.len(), 1);
    }
}
