//! The end of an errand: what really came of each call, and where the proof is.

use serde_json::Value;

use super::beat::count;
use super::notebook::{Done, End, Notebook};

pub(super) fn of(notebook: &Notebook<'_>) -> String {
    if notebook.done.is_empty() {
        return "There was nothing I could ask for under the present writ, so nothing happened. \
            Switch the mode, or say `tour`."
            .to_owned();
    }
    let mut text = String::from("That was it. What came of each call:\n\n");
    for done in &notebook.done {
        text.push_str(&line(done));
    }
    let number = |end: End| notebook.done.iter().filter(|done| done.end == end).count();
    text.push_str(&format!(
        "\n{} committed, {} denied, {} refused, {} waiting, {} without an effect otherwise. Each is \
         an entry of the ledger, the refusals too; `thymos verify` proves that none was changed \
         or dropped.\n\nFor real work connect a model: set a provider's key in the environment or \
         in `config.toml`.",
        count(number(End::Committed), "call"),
        number(End::Denied),
        number(End::Refused),
        number(End::Waiting),
        number(End::Failed) + number(End::Replaced),
    ));
    text
}

fn line(done: &Done<'_>) -> String {
    let tool = &done.call.tool;
    let about = ["path", "pattern", "command", "url", "key", "query"]
        .iter()
        .find_map(|name| done.call.args.get(*name).and_then(Value::as_str));
    let about = about.map(|about| format!(" `{about}`")).unwrap_or_default();
    let end = match done.end {
        End::Committed => "committed",
        End::Denied => "denied by you",
        End::Refused => "refused by the gate",
        End::Waiting => "waiting for you",
        End::Replaced => "taken back",
        End::Failed => "did not succeed",
    };
    let said = done.first_line();
    let said = if said.is_empty() {
        String::new()
    } else {
        format!(": {}", clipped(said))
    };
    format!("- `{tool}`{about}: {end}{said}\n")
}

fn clipped(line: &str) -> String {
    const CHARS_MAX: usize = 160;
    if line.chars().count() <= CHARS_MAX {
        return line.to_owned();
    }
    let mut clipped: String = line.chars().take(CHARS_MAX).collect();
    clipped.push('…');
    clipped
}
