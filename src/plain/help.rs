//! What can be typed: the one list of commands, for the help and for the parser's complaints.

/// A command: its word, how it is typed, and what it does.
pub(super) struct Command {
    /// The first word of the line.
    pub(super) word: &'static str,
    /// As it is typed.
    pub(super) form: &'static str,
    /// What it does.
    pub(super) does: &'static str,
}

const fn command(word: &'static str, form: &'static str, does: &'static str) -> Command {
    Command { word, form, does }
}

/// Every command, in the order of the help.
pub(super) const COMMANDS: &[Command] = &[
    command("help", "help", "list the commands"),
    command(
        "say",
        "say WORDS",
        "a prompt, whatever it begins with; say alone sends the last line that was taken for a command",
    ),
    command(
        "queue",
        "queue WORDS",
        "a prompt for when the run has ended",
    ),
    command(
        "send",
        "send",
        "send what was written with editor, or was not taken",
    ),
    command("editor", "editor", "write a longer prompt in your editor"),
    command("approvals", "approvals", "list what waits for an approval"),
    command("show", "show N", "print approval N again, in full"),
    command(
        "approve",
        "approve N",
        "approve exactly what was printed of approval N, once",
    ),
    command(
        "deny",
        "deny N because WHY",
        "deny it; the reason is recorded and told to the model",
    ),
    command(
        "scope",
        "scope N",
        "approve it with scope, which is shown before it is signed",
    ),
    command(
        "edit",
        "edit N, or edit N {..}",
        "propose other arguments instead, judged afresh",
    ),
    command(
        "trace",
        "trace N",
        "print which rules spoke about approval N, and what they said",
    ),
    command(
        "output",
        "output N",
        "print all that the call of entry N gave",
    ),
    command(
        "history",
        "history, or history N",
        "print the last entries of this run again",
    ),
    command(
        "status",
        "status",
        "print model, mode, budget, what runs and what waits",
    ),
    command(
        "mode",
        "mode, or mode plan, edit, auto",
        "print the writ in force, or issue another, shown first",
    ),
    command("model", "model, or model NAME", "choose the model"),
    command("cancel", "cancel", "stop the run"),
    command(
        "wait",
        "wait",
        "take no further line until the run has ended or waits for you",
    ),
    command("quit", "quit", "leave; asks when something runs or waits"),
];

/// Commands behind a slash that the help names; the others are verbs of the program.
const SLASH: &str = "/new, /open, /runs, /branch, /undo, /export, /skill, /verify, /ledger, /mind, /authority, /modes, /writ use FILE";

/// The help, as lines.
pub(super) fn lines() -> Vec<String> {
    let mut lines = vec![
        "help: a line that is no command is a prompt to the agent; while a run goes on it steers."
            .to_owned(),
    ];
    let commands = COMMANDS.iter();
    lines.extend(commands.map(|row| format!("help: {}: {}.", row.form, row.does)));
    lines.extend([
        format!("help: behind a slash, as in the full screen: {SLASH}."),
        "help: also every verb of the program, such as /memory ls. Type /doctor, or thymos --help in a shell."
            .to_owned(),
        "help: a line that ends with a backslash goes on in the next one.".to_owned(),
        "help: Ctrl-C stops the run; once more quits. Ctrl-D, the end of input, quits once the run has ended."
            .to_owned(),
    ]);
    lines
}
