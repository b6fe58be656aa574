//! The roles a view may ask for, a sentence each.
//!
//! Says nothing of colours; `themes/*.toml` and [`super::load`] do.

/// What a piece of text means; a theme turns it into a style.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Role {
    /// Ordinary text on the app's background; its background fills the screen.
    Text,
    /// Text that may be skipped: hints, ages, rules, ignored matches.
    Muted,
    /// Text that must be found first on its line.
    Strong,
    /// The app's own voice: names, marks and the active tab.
    Accent,
    /// It worked, or it was proved.
    Ok,
    /// Look twice: escapes, unverified tails, budgets nearly spent.
    Warn,
    /// It failed, or it cannot be undone.
    Danger,
    /// A neutral fact worth seeing.
    Info,
    /// Titles of panes and sections.
    Title,
    /// The header row.
    Header,
    /// The footer row.
    Footer,
    /// A key as printed in hints and help.
    Key,
    /// Borders of panes without focus.
    Border,
    /// Border and title of the focused pane.
    Focus,
    /// The selected row.
    Selection,
    /// A search hit.
    Match,
    /// What the person said.
    User,
    /// What the model said; never used for what will run.
    Model,
    /// An effect that only reads.
    EffectRead,
    /// An effect that writes inside the workspace.
    EffectWrite,
    /// An effect that reaches outside.
    EffectExternal,
    /// An effect that cannot be undone.
    EffectIrreversible,
    /// A proposal that passed the gate by itself.
    VerdictStaged,
    /// A proposal that waits for a human.
    VerdictSuspended,
    /// A proposal refused by writ, policy or compiler.
    VerdictRejected,
    /// A proposal someone approved.
    VerdictApproved,
    /// A proposal someone denied.
    VerdictDenied,
    /// An effect that has begun and is not sealed.
    VerdictRunning,
    /// An effect begun before a crash, without an outcome.
    VerdictUnsettled,
    /// An added line.
    DiffAdd,
    /// A removed line.
    DiffDel,
    /// A hunk's header.
    DiffHunk,
    /// Line numbers beside a diff.
    DiffGutter,
    /// A heading in markdown.
    Heading,
    /// Code in markdown, inline or block.
    Code,
    /// A quotation in markdown.
    Quote,
    /// A link's text.
    Link,
}

impl Role {
    /// How many roles there are.
    pub const COUNT: usize = Self::ALL.len();

    /// Every role, in the order of declaration.
    pub const ALL: &[Self] = &[
        Self::Text,
        Self::Muted,
        Self::Strong,
        Self::Accent,
        Self::Ok,
        Self::Warn,
        Self::Danger,
        Self::Info,
        Self::Title,
        Self::Header,
        Self::Footer,
        Self::Key,
        Self::Border,
        Self::Focus,
        Self::Selection,
        Self::Match,
        Self::User,
        Self::Model,
        Self::EffectRead,
        Self::EffectWrite,
        Self::EffectExternal,
        Self::EffectIrreversible,
        Self::VerdictStaged,
        Self::VerdictSuspended,
        Self::VerdictRejected,
        Self::VerdictApproved,
        Self::VerdictDenied,
        Self::VerdictRunning,
        Self::VerdictUnsettled,
        Self::DiffAdd,
        Self::DiffDel,
        Self::DiffHunk,
        Self::DiffGutter,
        Self::Heading,
        Self::Code,
        Self::Quote,
        Self::Link,
    ];

    /// The name used in theme files.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Muted => "muted",
            Self::Strong => "strong",
            Self::Accent => "accent",
            Self::Ok => "ok",
            Self::Warn => "warn",
            Self::Danger => "danger",
            Self::Info => "info",
            Self::Title => "title",
            Self::Header => "header",
            Self::Footer => "footer",
            Self::Key => "key",
            Self::Border => "border",
            Self::Focus => "focus",
            Self::Selection => "selection",
            Self::Match => "match",
            Self::User => "user",
            Self::Model => "model",
            Self::EffectRead => "effect.read",
            Self::EffectWrite => "effect.write",
            Self::EffectExternal => "effect.external",
            Self::EffectIrreversible => "effect.irreversible",
            Self::VerdictStaged => "verdict.staged",
            Self::VerdictSuspended => "verdict.suspended",
            Self::VerdictRejected => "verdict.rejected",
            Self::VerdictApproved => "verdict.approved",
            Self::VerdictDenied => "verdict.denied",
            Self::VerdictRunning => "verdict.running",
            Self::VerdictUnsettled => "verdict.unsettled",
            Self::DiffAdd => "diff.add",
            Self::DiffDel => "diff.del",
            Self::DiffHunk => "diff.hunk",
            Self::DiffGutter => "diff.gutter",
            Self::Heading => "markdown.heading",
            Self::Code => "markdown.code",
            Self::Quote => "markdown.quote",
            Self::Link => "markdown.link",
        }
    }

    /// The role of that name, if there is one.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|role| role.name() == name)
    }
}
