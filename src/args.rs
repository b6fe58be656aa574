//! The command line: what can be typed, and what it means. Does nothing itself.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use clap::{Args, CommandFactory, Parser, Subcommand};
use clap_complete::Shell;

use crate::config::Flags;

mod approvals;
mod auth;
mod bundle;
mod checkpoint;
mod erase;
mod history;
mod keys;
mod pins;
mod policy;
mod receipt;
mod skills;
mod writ;

pub use approvals::{ApprovalsVerb, GrantArgs, OptionalScope, ScopeArgs, ScopeBounds, SignerArgs};
pub use auth::AuthVerb;
pub use bundle::{ExportArgs, Format, ImportArgs, VerifyArgs};
pub use checkpoint::CheckpointVerb;
pub use erase::EraseArgs;
pub use history::{AgainArgs, AuditArgs, BranchArgs, MindArgs, ReplayArgs, UndoArgs};
pub use keys::{KeysVerb, Purpose};
pub use pins::PinArgs;
pub use policy::{FileArgs, PolicyVerb, SignBundleArgs};
pub use receipt::ReceiptArgs;
pub use skills::{MemoryVerb, RoutingArgs, SkillArgs, SkillsVerb, TuneArgs};
pub use writ::{NewWritArgs, SignWritArgs, UnderWritArgs, WritVerb};

/// Work with an AI agent that can only propose: every action is authorised, approved where it must
/// be, and recorded.
///
/// Without a command the full-screen app opens in this folder, or with --plain, THYMOS_PLAIN=1, ACCESSIBLE=1 or
/// TERM=dumb the same in labelled lines. No key is needed: the offline
/// `practice` model shows every part on your own files.
#[derive(Debug, Parser)]
#[command(name = "thymos", version = version(), about, long_about, max_term_width = 100)]
#[command(after_help = "\
Exit codes: 0 done, 1 error, 2 usage, 10 held (ids are printed), 11 refused, 12 budget spent,
13 integrity failure, 129 hung up, 130 interrupted.")]
pub struct Cli {
    /// What to do; nothing opens the app.
    #[command(subcommand)]
    pub verb: Option<Verb>,
    /// Start a new trajectory instead of going on with the newest one of this folder
    #[arg(long)]
    pub new: bool,
    /// Start a new trajectory that works under this writ file instead of a mode
    #[arg(long = "writ", value_name = "FILE", conflicts_with = "mode")]
    pub under: Option<PathBuf>,
    /// Labelled lines instead of a full screen: for screen readers, dumb terminals and pipes
    #[arg(long, overrides_with = "no_plain")]
    pub plain: bool,
    /// Open the full screen whatever environment and config say of plain mode
    #[arg(long, overrides_with = "plain")]
    pub no_plain: bool,
    /// Flags of every command.
    #[command(flatten)]
    pub common: Common,
}

/// The version, with the revision of the source that it was built from. Whoever builds names that in
/// `THYMOS_REVISION`: the build itself asks no version control.
fn version() -> &'static str {
    static VERSION: LazyLock<String> = LazyLock::new(|| {
        let revision = option_env!("THYMOS_REVISION").unwrap_or("unknown");
        format!("{} (source {revision})", env!("CARGO_PKG_VERSION"))
    });
    VERSION.as_str()
}

impl Cli {
    /// The flags that outrank the configuration: those of every command, and those of `run`.
    #[must_use]
    pub fn flags(&self) -> Flags {
        let flags = self.common.flags();
        match &self.verb {
            Some(Verb::Run(run)) => Flags {
                risk_threshold: run.risk_threshold.clone(),
                compensation_gate: run.compensation_gate,
                ..flags
            },
            Some(_) => flags,
            None => Flags {
                plain: (self.plain || self.no_plain).then_some(self.plain),
                ..flags
            },
        }
    }
}

/// Flags of every command.
#[derive(Debug, Clone, Default, Args)]
pub struct Common {
    /// Work in this folder instead of the current one
    #[arg(short = 'C', long, value_name = "DIR", global = true)]
    pub directory: Option<PathBuf>,
    /// Read this config file
    #[arg(long, value_name = "FILE", global = true)]
    pub config: Option<PathBuf>,
    /// Use this ledger: a file, or postgres://user@host/database
    #[arg(long, value_name = "FILE|URL", global = true)]
    pub ledger: Option<PathBuf>,
    /// Model to use: a provider of the config, a preset, or `provider/model`
    #[arg(long, value_name = "NAME", global = true)]
    pub model: Option<String>,
    /// Authority of a new trajectory: plan, edit or auto
    #[arg(long, value_name = "MODE", global = true)]
    pub mode: Option<String>,
    /// Tenant whose record this is; another tenant's trajectories are not there
    #[arg(long, value_name = "NAME", global = true)]
    pub tenant: Option<String>,
    /// Colours: auto, always or never
    #[arg(long, value_name = "WHEN", global = true)]
    pub color: Option<String>,
    /// Theme of the app: ansi, light, dark, contrast or mono
    #[arg(long, value_name = "NAME", global = true)]
    pub theme: Option<String>,
}

impl Common {
    /// The flags that have another start of the program mean the same, in this folder: its config, ledger and
    /// tenant. Colours are for terminals.
    #[must_use]
    pub fn again(&self, directory: &Path) -> Vec<OsString> {
        let mut flags: Vec<OsString> = vec!["--color".into(), "never".into()];
        let mut put = |flag: &str, value: Option<&OsStr>| {
            if let Some(value) = value {
                flags.extend([flag.into(), value.to_owned()]);
            }
        };
        put("--directory", Some(directory.as_os_str()));
        put("--config", self.config.as_deref().map(Path::as_os_str));
        put("--ledger", self.ledger.as_deref().map(Path::as_os_str));
        put("--tenant", self.tenant.as_deref().map(OsStr::new));
        flags
    }

    /// The flags that outrank config and environment.
    #[must_use]
    pub fn flags(&self) -> Flags {
        Flags {
            config: self.config.clone(),
            ledger: self.ledger.clone(),
            model: self.model.clone(),
            mode: self.mode.clone(),
            tenant: self.tenant.clone(),
            theme: self.theme.clone(),
            color: self.color.clone(),
            ..Flags::default()
        }
    }
}

/// The names of the subcommands with what each is for, in the order of the help.
pub fn verbs() -> &'static [(String, String)] {
    static VERBS: LazyLock<Vec<(String, String)>> = LazyLock::new(|| {
        let told = |verb: &clap::Command| {
            let about = verb.get_about().map(ToString::to_string);
            (verb.get_name().to_owned(), about.unwrap_or_default())
        };
        Cli::command().get_subcommands().map(told).collect()
    });
    &VERBS
}

/// What an exit code says, in a word or two; as in the help.
#[must_use]
pub const fn code_words(code: i32) -> &'static str {
    match code {
        0 => "done",
        2 => "usage",
        10 => "held",
        11 => "refused",
        12 => "a budget is spent",
        13 => "the record does not verify",
        129 => "hung up",
        130 | 143 => "interrupted",
        _ => "a fault",
    }
}

/// The subcommands.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Run one task without a screen; never asks
    ///
    /// Prints what happens as it is recorded. What needs a person is left pending: the command
    /// then exits 10 and prints the ids, which `thymos approvals` takes.
    Run(RunArgs),
    /// List, show and answer what waits for a person
    #[command(subcommand)]
    Approvals(ApprovalsVerb),
    /// Show what would have allowed a refused call, and sign it on request
    Grant(GrantArgs),
    /// List trajectories, newest first; delegated runs and branches below their own
    Runs(OutputArgs),
    /// Tell the whole story of a trajectory: who asked, what was decided and why, what happened
    ///
    /// With --of it tells where one thing comes from instead, back to who asked for it, and what came
    /// of it.
    Audit(AuditArgs),
    /// Show what led to what in a trajectory: messages, intents, verdicts, commits, answers
    ///
    /// A tree a turn, with a label before each node. With --json, nodes and edges.
    Mind(MindArgs),
    /// Fold a trajectory again from its entries, decide every verdict again, and show its world
    ///
    /// With --at it stops after an entry; with --diff it tells how two moments differ.
    Replay(ReplayArgs),
    /// Start a new trajectory from a commit of another one; neither it nor any file is changed
    Branch(BranchArgs),
    /// Take back what a trajectory did, newest first, as far as the record allows
    ///
    /// Shows the plan and exits 10 with its digest; nothing is touched until the same command is
    /// given with `--yes --plan-digest`. Exits 11 when not everything can be undone. An undo can
    /// itself be undone: name its entry with --from.
    Undo(UndoArgs),
    /// Do a call once more that happens only once for its arguments
    Again(AgainArgs),
    /// Check every byte, link and fold of the ledger, or of a bundle, or one receipt
    ///
    /// Exits 13 when anything is not what was written, and names the entry. A bundle and a receipt are
    /// checked without any ledger.
    Verify(VerifyArgs),
    /// Write the log or one trajectory to a file: a bundle that anybody can verify, a story, or lines of JSON
    ///
    /// `thymos verify FILE` checks a bundle anywhere; docs/spec/bundle.md says what is in it. The story and the
    /// lines prove nothing.
    Export(ExportArgs),
    /// Take over a whole log from a bundle, once all of it verifies
    ///
    /// An empty ledger, a file or a database, becomes that log; one that is its beginning goes on to its
    /// end; any other is left as it is, and so is everything when anything of it does not verify.
    Import(ImportArgs),
    /// Destroy what entries say, for good; that they stood there, and who erased them, stays proved
    ///
    /// Shows what goes, what stays and what can no longer be verified, and asks first; without a
    /// terminal it exits 10 with the plan's digest, and does it with `--yes --plan-digest`. Only a run
    /// at rest can be erased from, and nothing goes on from it afterwards. Exits 11 for what may not go:
    /// docs/guide/erasure.md.
    Erase(EraseArgs),
    /// Give the proof that one entry stands in the ledger, for whoever has your public key
    ///
    /// A C2SP `tlog-proof`. It says that the entry is there, of what kind and when; with --disclose
    /// also what it says. `thymos verify --receipt FILE` checks it anywhere.
    Receipt(ReceiptArgs),
    /// Sign the ledger's size and root, show the newest, compare with somebody's copy
    #[command(subcommand)]
    Checkpoint(CheckpointVerb),
    /// Print ledger entries, filtered
    ///
    /// Filter: `kind: tool: effect: verdict: by: run: path: rule: writ: since: until: seq: cost:
    /// text: re:`; space is and, comma is or, leading `-` is not, `*` matches anything.
    Ledger(LedgerArgs),
    /// Settle work that was found without an end after a crash
    Settle(SettleArgs),
    /// Stop a run, also one that is open in another terminal, by ending what it works under
    ///
    /// Its work is stopped within a second, what it delegated with it, and nothing of it is allowed any
    /// more, whatever waits for an answer included, until it is given a mode or a writ again.
    Stop(StopArgs),
    /// Make, check, sign, revoke and list writs: who may do what, within which budget, until when
    #[command(subcommand)]
    Writ(WritVerb),
    /// List, make, trust and rotate the keys whose signatures count
    #[command(subcommand)]
    Keys(KeysVerb),
    /// Set thymos up in three steps, each of which Enter passes over; opens the app at the end
    Setup,
    /// Keep, list and take away the keys of model providers
    #[command(subcommand)]
    Auth(AuthVerb),
    /// Write, check, sign, load and try rules of your own
    #[command(subcommand)]
    Policy(PolicyVerb),
    /// List, show, make, check, import, sign, tune and remove skills
    ///
    /// A skill is instructions with parameters that narrow what may be done while it is bound:
    /// `thymos run --skill NAME --param KEY=VALUE "task"`.
    #[command(subcommand)]
    Skills(SkillsVerb),
    /// Export which model was chosen for each call and what came of it, without the work itself
    Routing(RoutingArgs),
    /// List, show and forget what is remembered in this folder
    #[command(subcommand)]
    Memory(MemoryVerb),
    /// Look at this machine and setup, and say what to do; changes nothing
    Doctor(OutputArgs),
    /// Measure this machine against the bars of speed, memory and growth
    ///
    /// Works in a scratch folder of its own and takes half a minute. What a row measures is in
    /// docs/benchmarks.md.
    Bench(BenchArgs),
    /// Explain the configuration: every value and where it came from
    #[command(subcommand)]
    Config(ConfigVerb),
    /// Print a shell's completion script
    Completions {
        /// The shell
        shell: Shell,
    },
    /// Put the terminal back in order after a program left it broken
    ResetTerminal,
}

/// `thymos run`.
#[derive(Debug, Args)]
pub struct RunArgs {
    /// The task, in plain language
    #[arg(required_unless_present = "resume")]
    pub task: Option<String>,
    /// Go on with this trajectory instead of starting one; with --mode under a new writ
    #[arg(long, value_name = "ID")]
    pub resume: Option<String>,
    /// A writ file to work under
    #[command(flatten)]
    pub under: UnderWritArgs,
    /// Skills to bind first
    #[command(flatten)]
    pub skills: SkillArgs,
    /// Hold calls from this risk on; may only be stricter than the configuration
    #[arg(long, value_name = "RISK", value_parser = ["low", "medium", "high", "critical"])]
    pub risk_threshold: Option<String>,
    /// Hold what cannot be taken back, also where the configuration does not
    #[arg(long)]
    pub compensation_gate: bool,
    /// One JSON object a line: an event for each ledger entry
    #[arg(long)]
    pub json: bool,
}

/// Verbs that only print.
#[derive(Debug, Args)]
pub struct OutputArgs {
    /// JSON instead of text
    #[arg(long)]
    pub json: bool,
}

/// `thymos ledger`.
#[derive(Debug, Args)]
pub struct LedgerArgs {
    /// The filter; all entries without one. A term that begins with `-` goes after a `--`
    pub filter: Vec<String>,
    /// Only this trajectory: id, or a unique prefix
    #[arg(long, value_name = "ID")]
    pub run: Option<String>,
    /// One JSON object a line
    #[arg(long)]
    pub json: bool,
    /// A table with a header line, as RFC 4180 has it; a cell that a spreadsheet would run begins with a '
    #[arg(long, conflicts_with = "json")]
    pub csv: bool,
}

/// `thymos settle`.
#[derive(Debug, Args)]
pub struct SettleArgs {
    /// Proposal id, or a unique prefix; without it, all that is in doubt is listed
    #[arg(requires = "as_")]
    pub id: Option<String>,
    /// What became of it: happened, did-not-happen or unknown
    #[arg(long = "as", value_name = "WHAT", requires = "id", value_parser = ["happened", "did-not-happen", "unknown"])]
    pub as_: Option<String>,
    /// How you know
    #[arg(long, default_value = "", value_name = "TEXT")]
    pub reason: String,
}

/// `thymos stop`.
#[derive(Debug, Args)]
pub struct StopArgs {
    /// Trajectory id, or a unique prefix
    pub id: String,
    /// Why; it is recorded and told
    #[arg(long, default_value = "stopped by a person", value_name = "TEXT")]
    pub reason: String,
}

/// `thymos bench`.
#[derive(Debug, Args)]
pub struct BenchArgs {
    /// Only these rows, such as `Q1,Q2`, or `large`, which takes minutes
    #[arg(long, value_name = "IDS")]
    pub only: Option<String>,
    /// One JSON object a line: id, name, value, unit, bar, met
    #[arg(long)]
    pub json: bool,
}

/// `thymos config`.
#[derive(Debug, Subcommand)]
pub enum ConfigVerb {
    /// Every key, its value, and the file and line, variable or flag it came from
    Explain(OutputArgs),
    /// Where the files are
    Path,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_start_means_the_same_ledger_folder_and_tenant_and_may_be_told_otherwise() {
        let typed = [
            "thymos", "--ledger", "a.db", "--tenant", "t", "--config", "c.toml",
        ];
        let here = Cli::parse_from(typed).common;
        let again = |words: &[&str]| {
            let flags = here.again(Path::new("/ws"));
            let words = words.iter().map(OsString::from);
            let all = std::iter::once("thymos".into()).chain(flags).chain(words);
            Cli::try_parse_from(all).unwrap()
        };
        let cli = again(&["ledger", "--", "-kind:usage"]);
        let Some(Verb::Ledger(args)) = &cli.verb else {
            panic!("{cli:?}")
        };
        assert_eq!(args.filter, ["-kind:usage"]);
        assert_eq!(cli.common.ledger, here.ledger);
        assert_eq!(cli.common.tenant, here.tenant);
        assert_eq!(cli.common.config, here.config);
        assert_eq!(cli.common.directory, Some("/ws".into()));
        assert_eq!(cli.common.color.as_deref(), Some("never"));
        let other = again(&["runs", "--tenant", "u"]);
        assert_eq!(other.common.tenant.as_deref(), Some("u"));
    }

    #[test]
    fn every_verb_is_named_and_told() {
        assert!(verbs().iter().any(|(verb, _)| verb == "memory"));
        assert!(verbs().iter().all(|(_, about)| !about.is_empty()));
    }
}
