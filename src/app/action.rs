//! Every action a key, a slash command or the palette can mean: one table, one id each.
//!
//! Says what can be asked, never what comes of it; keys live in `keymap/default.toml`.

use crate::args;
use crate::keymap::{Context, Keymap};

/// One row of the registry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// What it is.
    pub action: Action,
    /// Its id, as in keymap files: `approvals.approve`.
    pub id: &'static str,
    /// What a message may begin with to run it, without the slash: `mode plan`.
    pub slash: Option<&'static str>,
    /// What it does, in a few words.
    pub title: &'static str,
}

macro_rules! actions {
    ($($name:ident, $id:literal, $slash:expr, $title:literal;)*) => {
        /// Everything that can be asked of the app.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Action {
            $(#[doc = $title] $name,)*
        }

        /// The registry, in the order of the keymap.
        pub const REGISTRY: &[Entry] = &[
            $(Entry { action: Action::$name, id: $id, slash: $slash, title: $title },)*
        ];
    };
}

actions! {
    ScreenWork, "screen.work", None, "go to Work";
    ScreenApprovals, "screen.approvals", None, "go to Approvals";
    ScreenLedger, "screen.ledger", None, "go to the Ledger";
    ScreenAuthority, "screen.authority", Some("authority"), "go to Authority: writs and rules";
    ScreenRuns, "screen.runs", Some("runs"), "go to Runs: every trajectory";
    ScreenMind, "screen.mind", Some("mind"), "go to Mind: what led to what in this run";
    ApprovalsOpen, "approvals.open", Some("approvals"), "show what waits for an approval";
    LedgerOpen, "ledger.open", Some("ledger"), "show the ledger";
    PaletteOpen, "palette.open", Some("palette"), "find and run any action";
    TrajectoryNew, "trajectory.new", Some("new"), "begin a new trajectory";
    TrajectoryOpen, "trajectory.open", Some("open"), "open another trajectory";
    ModelPick, "model.pick", Some("model"), "choose the model";
    ModePlan, "mode.plan", Some("mode plan"), "issue a writ that only reads";
    ModeEdit, "mode.edit", Some("mode edit"), "issue a writ that may write in the workspace";
    ModeAuto, "mode.auto", Some("mode auto"), "issue the wider, listed writ";
    ModeShow, "mode.show", Some("mode"), "show the writ in force";
    ModePick, "mode.pick", Some("modes"), "choose a mode, shown before it is issued";
    SkillBind, "skill.bind", Some("skill"), "bind a skill: its writ narrows the one in force";
    TrajectoryBranch, "trajectory.branch", Some("branch"), "branch off the newest commit";
    TrajectoryUndo, "trajectory.undo", Some("undo"), "undo what was done since your last message";
    TrajectoryExport, "trajectory.export", Some("export"), "export this run to a file: a story, lines, a bundle";
    CopyLast, "copy.last", Some("copy"), "copy the last answer";
    ThemeNext, "theme.next", Some("theme"), "try the next theme";
    MouseToggle, "mouse.toggle", Some("mouse"), "turn the mouse on or off";
    PaneZoom, "pane.zoom", None, "show this pane alone, or all again";
    PaneWider, "pane.wider", None, "make the right column wider";
    PaneNarrower, "pane.narrower", None, "make the right column narrower";
    RunInterrupt, "run.interrupt", Some("stop"), "interrupt the run";
    PaneNext, "pane.next", None, "go to the next pane";
    ScreenRedraw, "screen.redraw", Some("redraw"), "draw the whole screen again";
    HelpOpen, "help.open", Some("help"), "show what works here, then all keys";
    AppSuspend, "app.suspend", None, "stop and give the terminal back";
    AppQuit, "app.quit", Some("quit"), "quit; asks when something runs or waits";
    FocusBack, "focus.back", None, "one step back; never decides";
    ComposerSend, "composer.send", None, "send, or steer the run";
    ComposerQueue, "composer.queue", None, "queue while running, complete, else next pane";
    PanePrevious, "pane.previous", None, "go to the previous pane";
    ComposerNewline, "composer.newline", None, "begin a new line";
    ComposerUp, "composer.up", None, "a line up, at the edge the message before";
    ComposerDown, "composer.down", None, "a line down, at the edge the message after";
    ComposerHistory, "composer.history", None, "search earlier messages";
    ComposerEditor, "composer.editor", None, "write in the editor";
    ComposerMention, "composer.mention", None, "name a file, or with # an entry of the ledger";
    ComposerLeft, "composer.left", None, "a character left";
    ComposerRight, "composer.right", None, "a character right";
    ComposerWordLeft, "composer.word-left", None, "a word left";
    ComposerWordRight, "composer.word-right", None, "a word right";
    ComposerLineStart, "composer.line-start", None, "to the start of the line";
    ComposerLineEnd, "composer.line-end", None, "to the end of the line";
    ComposerBackspace, "composer.backspace", None, "delete the character before";
    ComposerDelete, "composer.delete", None, "delete the character after";
    ComposerDeleteOrQuit, "composer.delete-or-quit", None, "delete the character after; when empty, quit";
    ComposerKillWord, "composer.kill-word", None, "cut the word before";
    ComposerKillWordRight, "composer.kill-word-right", None, "cut the word after";
    ComposerKillLine, "composer.kill-line", None, "cut to the end of the line";
    ComposerKillStart, "composer.kill-start", None, "cut to the start of the line";
    ComposerYank, "composer.yank", None, "put back what was cut";
    ComposerUndo, "composer.undo", None, "undo the last change";
    MentionAccept, "mention.accept", None, "take this one; where nothing fits, send";
    MentionComplete, "mention.complete", None, "take this one";
    MentionUp, "mention.up", None, "previous row";
    MentionDown, "mention.down", None, "next row";
    TranscriptPageUp, "transcript.page-up", None, "scroll the transcript up";
    TranscriptPageDown, "transcript.page-down", None, "scroll the transcript down";
    ListDown, "list.down", None, "next row";
    ListUp, "list.up", None, "previous row";
    ListFirst, "list.first", None, "first row";
    ListLast, "list.last", None, "last row, and follow";
    ListHalfDown, "list.half-down", None, "half a page down";
    ListHalfUp, "list.half-up", None, "half a page up";
    ListPageDown, "list.page-down", None, "a page down";
    ListPageUp, "list.page-up", None, "a page up";
    ListOpen, "list.open", None, "open the row";
    ListFold, "list.fold", None, "fold or unfold the row";
    CopyItem, "copy.item", None, "copy the row";
    CopyJson, "copy.json", None, "copy the row as JSON";
    ListMark, "list.mark", None, "mark the row";
    SearchOpen, "search.open", None, "search";
    SearchNext, "search.next", None, "next hit";
    SearchPrevious, "search.previous", None, "previous hit";
    TranscriptTurnPrevious, "transcript.turn-previous", None, "previous message of yours";
    TranscriptTurnNext, "transcript.turn-next", None, "next message of yours";
    ComposerFocus, "composer.focus", None, "back to the composer";
    RefusalGrant, "refusal.grant", None, "sign the smallest grant that would allow a refused call";
    RefusalAgain, "refusal.again", None, "do a call again that happens once";
    QueueMark, "queue.mark", None, "mark for approving together, or not";
    ApprovalsBatch, "approvals.batch", None, "approve what is marked, each shown in full";
    QueueTab, "queue.tab", None, "open, decided, unsettled";
    ApprovalsApprove, "approvals.approve", None, "approve once";
    ApprovalsScope, "approvals.scope", None, "approve with scope, shown before it is signed";
    ApprovalsDeny, "approvals.deny", None, "deny, with a reason if you like";
    ApprovalsEdit, "approvals.edit", None, "propose other arguments instead, judged afresh";
    ApprovalsView, "approvals.view", None, "view the whole text";
    ApprovalsTrace, "approvals.trace", None, "show the policy trace";
    ApprovalsTool, "approvals.tool", None, "show the tool's details";
    ApprovalsNext, "approvals.next", None, "go to the next one";
    ApprovalsPrevious, "approvals.previous", None, "go to the previous one";
    CardHunkNext, "card.hunk-next", None, "next hunk";
    CardHunkPrevious, "card.hunk-previous", None, "previous hunk";
    SignApprove, "sign.approve", None, "approve, and sign what is shown";
    SignTurn, "sign.turn", None, "choose the next";
    SignTurnBack, "sign.turn-back", None, "choose the one before";
    PromptAccept, "prompt.accept", None, "done";
    PromptComplete, "prompt.complete", None, "complete";
    PromptBackspace, "prompt.backspace", None, "delete the character before";
    PromptClear, "prompt.clear", None, "clear the line";
    PromptKillWord, "prompt.kill-word", None, "delete the word before";
    PromptLeft, "prompt.left", None, "a character left";
    PromptRight, "prompt.right", None, "a character right";
    PromptPrevious, "prompt.previous", None, "the one before";
    PromptNext, "prompt.next", None, "the one after";
    LedgerFilter, "ledger.filter", None, "filter the entries";
    LedgerDecisions, "ledger.decisions", None, "only what people decided";
    LedgerGoTo, "ledger.go-to", None, "go to an entry by its number, or to the marked one";
    LedgerProvenance, "ledger.provenance", None, "where this comes from, and what came of it";
    LedgerOpenRun, "ledger.open-run", None, "show this entry in its own run, which is opened";
    LedgerReplay, "ledger.replay", None, "see the world as of this entry";
    LedgerDiff, "ledger.diff", None, "compare with the marked entry";
    LedgerVerify, "ledger.verify", Some("verify"), "verify the chain";
    LedgerFollow, "ledger.follow", None, "follow the tail";
    LedgerBranch, "ledger.branch", None, "branch off this commit";
    LedgerUndo, "ledger.undo", None, "undo everything from here on, shown as a plan first";
    AuthorityTab, "authority.tab", None, "writs, policy, what a simulation found";
    WritUse, "writ.use", Some("writ use"), "put a writ file in force in this session";
    WritClose, "writ.close", Some("writ close"), "end this session's share of its writ file";
    WritRevoke, "writ.revoke", None, "revoke the writ; lists what stops first";
    PolicyReload, "policy.reload", Some("policy reload"), "look at the policy folder again";
    PolicySimulate, "policy.simulate", Some("policy simulate"), "what would a candidate bundle or writ have decided?";
    RunsStop, "runs.stop", None, "stop this run; lists what stops first";
    MindLeft, "mind.left", None, "the stage at the left";
    MindRight, "mind.right", None, "the stage at the right";
    MindTurnPrevious, "mind.turn-previous", None, "the beginning of this turn, or the turn before";
    MindTurnNext, "mind.turn-next", None, "next turn";
    MindShow, "mind.show", None, "choose what is shown";
    MindFollow, "mind.follow", None, "follow the newest";
    MindEntry, "mind.entry", None, "show this entry in the ledger";
    MindCard, "mind.card", None, "open the card, if this waits for you";
    InspectorNext, "inspector.next", None, "next tab";
    InspectorPrevious, "inspector.previous", None, "previous tab";
    PickerAccept, "picker.accept", None, "choose";
    PickerUp, "picker.up", None, "previous row";
    PickerDown, "picker.down", None, "next row";
    PickerPageUp, "picker.page-up", None, "a page up";
    PickerPageDown, "picker.page-down", None, "a page down";
    DialogPrevious, "dialog.previous", None, "previous answer";
    DialogNext, "dialog.next", None, "next answer";
    DialogAccept, "dialog.accept", None, "take the chosen answer";
}

impl Action {
    /// The action of that id, if there is one.
    #[must_use]
    pub fn parse(id: &str) -> Option<Self> {
        REGISTRY
            .iter()
            .find(|entry| entry.id == id)
            .map(|entry| entry.action)
    }

    /// Its row of the registry.
    #[must_use]
    pub fn entry(self) -> &'static Entry {
        // INVARIANT: the macro writes one row per variant, in the order of the variants.
        &REGISTRY[self as usize]
    }

    /// Its id.
    #[must_use]
    pub fn id(self) -> &'static str {
        self.entry().id
    }

    /// What it does, in a few words.
    #[must_use]
    pub fn title(self) -> &'static str {
        self.entry().title
    }

    /// Where a key reaches it.
    #[must_use]
    pub fn contexts(self, keymap: &Keymap) -> Vec<Context> {
        let mut contexts: Vec<Context> = keymap
            .bindings()
            .iter()
            .filter(|binding| binding.run == self.id())
            .map(|binding| binding.context)
            .collect();
        contexts.dedup();
        contexts
    }
}

/// The action a message means, when it is a slash command; the longest name wins.
#[must_use]
pub fn slash(message: &str) -> Option<Action> {
    let typed = message.strip_prefix('/')?.trim();
    REGISTRY
        .iter()
        .find(|entry| entry.slash == Some(typed))
        .map(|entry| entry.action)
}

/// The same with words behind its name, for the few that take some: `/model NAME`.
#[must_use]
pub fn slash_with_words(message: &str) -> Option<(Action, &str)> {
    let typed = message.strip_prefix('/')?.trim();
    let taking = REGISTRY
        .iter()
        .filter(|entry| matches!(entry.action, Action::ModelPick | Action::WritUse));
    let mut found = taking.filter_map(|entry| {
        let words = typed.strip_prefix(entry.slash?)?.strip_prefix(' ')?;
        Some((entry.action, words.trim()))
    });
    found.next()
}

/// The slash commands that a half-typed one may become.
pub fn slash_starting(message: &str) -> impl Iterator<Item = &'static Entry> {
    let typed = message.strip_prefix('/').map(str::trim_start);
    REGISTRY.iter().filter(move |entry| {
        entry
            .slash
            .zip(typed)
            .is_some_and(|(name, typed)| name.starts_with(typed))
    })
}

/// What can be meant by a message that begins with `/`, each with what it is for: actions first, then the verbs
/// of the program, which stay while their words are typed.
pub fn commands_starting(message: &str) -> impl Iterator<Item = (&'static str, &'static str)> {
    let typed = message.strip_prefix('/').unwrap_or_default().trim_start();
    let (first, words) = typed
        .split_once(' ')
        .map_or((typed, None), |(first, words)| (first, Some(words)));
    let meant = move |verb: &str| match words {
        None => verb.starts_with(first),
        Some(_) => verb == first,
    };
    let actions = slash_starting(message).filter_map(|entry| Some((entry.slash?, entry.title)));
    let verbs = args::verbs().iter().filter(move |(verb, _)| meant(verb));
    let verbs = verbs.map(|(verb, about)| (verb.as_str(), about.as_str()));
    actions.chain(verbs.filter(|(verb, _)| slash(&format!("/{verb}")).is_none()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_runs_an_action_and_every_action_has_a_key() {
        let keymap = Keymap::built_in();
        for binding in keymap.bindings() {
            assert!(
                Action::parse(&binding.run).is_some(),
                "`{}` is no action",
                binding.run
            );
        }
        for entry in REGISTRY {
            assert!(
                !entry.action.contexts(&keymap).is_empty(),
                "`{}` has no key",
                entry.id
            );
        }
    }

    #[test]
    fn every_action_finds_its_own_row() {
        for entry in REGISTRY {
            assert_eq!(entry.action.entry(), entry);
            assert_eq!(Action::parse(entry.id), Some(entry.action));
        }
    }

    #[test]
    fn slash_names_are_exact_and_unique() {
        assert_eq!(slash("/mode plan"), Some(Action::ModePlan));
        assert_eq!(slash("/quit "), Some(Action::AppQuit));
        assert_eq!(slash("/nothing"), None);
        assert_eq!(slash("/writ use a.json"), None);
        let with_words = slash_with_words("/writ use  a b.json ");
        assert_eq!(with_words, Some((Action::WritUse, "a b.json")));
        assert_eq!(slash_with_words("/writ use"), None);
        assert_eq!(slash_with_words("/verify --pins"), None);
        assert_eq!(slash("quit"), None);
        let mut names: Vec<_> = REGISTRY.iter().filter_map(|entry| entry.slash).collect();
        names.sort_unstable();
        let count = names.len();
        names.dedup();
        assert_eq!(names.len(), count);
    }
}
