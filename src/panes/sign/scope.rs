//! How far an approval is to reach: what can be chosen, and what has been.
//!
//! Choices come from what the card shows; what a choice would allow is told by the kernel.

use std::collections::BTreeSet;

use thymos_core::Timestamp;
use thymos_core::effect::EffectClass;
use thymos_core::presentation::{Label, Presentation};
use thymos_protocol::{Card, HoldRow, PastCall, Reach, ScopeChoice, ScopePreview, Ticket};

use crate::panes::reader::Said;
use crate::theme::Role;

/// How often at most.
const USES: [u64; 6] = [1, 3, 10, 30, 100, 300];

/// Milliseconds of a day.
const DAY_MS: u64 = 86_400_000;

/// One thing that can be chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field {
    /// How far.
    Reach,
    /// Whether this argument may be any one; counted from 0, never 0.
    Slot(usize),
    /// Below which folder.
    Folder,
    /// For how long.
    Term,
    /// How often.
    Uses,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Exact,
    Slots,
    Below,
    Host,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Term {
    TenMinutes,
    Run,
    Today,
}

/// An approval with scope that is being put together.
#[derive(Clone, Debug, PartialEq)]
pub struct Scope {
    /// The hold it is about, as it was on the card.
    pub row: HoldRow,
    /// The request for what it would allow, until its reply has come.
    pub asked: Option<Ticket>,
    /// What it would allow, as chosen now.
    pub preview: Option<ScopePreview>,
    /// Why the kernel would not sign it.
    pub fault: Option<String>,
    argv: Vec<String>,
    folders: Vec<String>,
    host: Option<String>,
    kinds: Vec<Kind>,
    kind: usize,
    open: BTreeSet<usize>,
    folder: usize,
    term: Term,
    uses: usize,
    at: usize,
    now: Timestamp,
}

impl Scope {
    /// What can be chosen for a hold.
    ///
    /// # Errors
    /// Says in words why this one can be approved once only.
    pub fn of(row: HoldRow, now: Timestamp) -> Result<Self, String> {
        once_only(&row.card)?;
        let shown = &row.card.presentation;
        let argv = argv(shown);
        let (folders, host) = (folders(shown), host(shown));
        let mut kinds = vec![Kind::Exact];
        if argv.len() > 1 && places_can_be_open(shown, &argv) {
            kinds.push(Kind::Slots);
        } else if host.is_some() {
            kinds.push(Kind::Host);
        } else if !folders.is_empty() {
            kinds.push(Kind::Below);
        }
        Ok(Self {
            row,
            asked: None,
            preview: None,
            fault: None,
            argv,
            folders,
            host,
            kinds,
            kind: 0,
            open: BTreeSet::new(),
            folder: 0,
            term: Term::TenMinutes,
            uses: 2,
            at: 0,
            now,
        })
    }

    fn kind(&self) -> Kind {
        self.kinds.get(self.kind).copied().unwrap_or(Kind::Exact)
    }

    /// What can be chosen now, in order.
    #[must_use]
    pub fn fields(&self) -> Vec<Field> {
        let mut fields = vec![Field::Reach];
        match self.kind() {
            Kind::Slots => fields.extend((1..self.argv.len()).map(Field::Slot)),
            Kind::Below => fields.push(Field::Folder),
            Kind::Exact | Kind::Host => {}
        }
        fields.extend([Field::Term, Field::Uses]);
        fields
    }

    /// The place of the field that hears keys.
    #[must_use]
    pub fn at(&self) -> usize {
        self.at
    }

    /// Goes to another field.
    pub fn step(&mut self, down: bool) {
        let last = self.fields().len() - 1;
        self.at = match down {
            true => (self.at + 1).min(last),
            false => self.at.saturating_sub(1),
        };
    }

    /// Chooses otherwise in the field that hears keys: the next, or the one before. What it would
    /// allow must be asked again.
    pub fn turn(&mut self, forward: bool) {
        let round = |at: usize, count: usize| {
            let by = if forward { 1 } else { count.max(1) - 1 };
            (at + by) % count.max(1)
        };
        match self.fields().get(self.at) {
            Some(Field::Reach) => self.kind = round(self.kind, self.kinds.len()),
            Some(Field::Slot(slot)) => {
                let was_open = self.open.remove(slot);
                self.open.extend((!was_open).then_some(*slot));
            }
            Some(Field::Folder) => self.folder = round(self.folder, self.folders.len()),
            Some(Field::Term) => self.term = self.term.turned(forward),
            Some(Field::Uses) => self.uses = round(self.uses, USES.len()),
            None => {}
        }
        self.preview = None;
        self.fault = None;
        self.asked = None;
    }

    /// What has been chosen.
    ///
    /// # Errors
    /// Says in words what is still to be chosen.
    pub fn choice(&self) -> Result<ScopeChoice, &'static str> {
        let reach = match self.kind() {
            Kind::Exact => Reach::Exact,
            Kind::Slots if self.open.is_empty() => {
                return Err("open at least one place: Space on an argument");
            }
            Kind::Slots => Reach::Slots(self.open.iter().copied().collect()),
            Kind::Below => match self.folders.get(self.folder) {
                Some(folder) => Reach::Below(folder.clone()),
                None => return Err("no folder to choose"),
            },
            Kind::Host => match &self.host {
                Some(host) => Reach::Host(host.clone()),
                None => return Err("no host to choose"),
            },
        };
        let uses = USES.get(self.uses).copied().unwrap_or(1);
        let for_ms = self.term.ms(self.now);
        Ok(ScopeChoice {
            reach,
            for_ms,
            uses,
        })
    }

    /// The field's name and what is chosen in it.
    #[must_use]
    pub fn told(&self, field: Field) -> (String, String) {
        match field {
            Field::Reach => ("reach".to_owned(), self.reach_words()),
            Field::Slot(slot) => {
                let mark = if self.open.contains(&slot) {
                    "[any one]"
                } else {
                    "[as it is]"
                };
                let text = self.argv.get(slot).map_or("", String::as_str);
                (format!("  argv[{slot}]"), format!("{mark} {text}"))
            }
            Field::Folder => {
                let folder = self.folders.get(self.folder).map_or("", String::as_str);
                ("  folder".to_owned(), folder_words(folder))
            }
            Field::Term => ("for".to_owned(), self.term.words().to_owned()),
            Field::Uses => {
                let uses = USES.get(self.uses).copied().unwrap_or(1);
                ("at most".to_owned(), format!("{uses} times"))
            }
        }
    }

    fn reach_words(&self) -> String {
        match self.kind() {
            Kind::Exact => "this exact call".to_owned(),
            Kind::Slots => {
                let first = self.argv.first().map_or("", String::as_str);
                format!("the same command {first}, other arguments")
            }
            Kind::Below => "the same tool below a folder".to_owned(),
            Kind::Host => {
                let host = self.host.as_deref().unwrap_or_default();
                format!("the same tool and method on {host}")
            }
        }
    }

    /// What it would allow, to be read before it is signed.
    #[must_use]
    pub fn lines(&self, number: impl Fn(thymos_core::ProposalId) -> Option<u32>) -> Vec<Said> {
        if let Some(fault) = &self.fault {
            return vec![Said::words(Role::Danger, fault.clone())];
        }
        let Some(preview) = &self.preview else {
            let words = self
                .choice()
                .err()
                .unwrap_or("asking what it would allow ..");
            return vec![Said::words(Role::Muted, words)];
        };
        let mut lines = vec![Said::words(Role::Heading, "would be signed")];
        let writ = preview.writ.iter();
        lines.extend(writ.map(|text| Said::labelled("  ", Role::Text, text.clone())));
        lines.push(Said::words(Role::Heading, "against the record"));
        lines.push(Said::labelled("  ", Role::Strong, matched(preview)));
        lines.extend(preview.matches.iter().map(|call| past("  = ", call)));
        if !preview.near_misses.is_empty() {
            lines.push(Said::labelled(
                "  ",
                Role::Text,
                "near misses, still asked:",
            ));
            lines.extend(preview.near_misses.iter().map(|call| past("  x ", call)));
        }
        let others = preview.covers.iter().filter(|id| **id != preview.proposal);
        let others: Vec<String> = others
            .map(|id| number(*id).map_or_else(|| id.short(), |number| format!("#{number}")))
            .collect();
        if !others.is_empty() {
            let text = format!("would cover open holds: {}", others.join(", "));
            lines.push(Said::labelled("  ", Role::Text, text));
        }
        lines
    }
}

impl Term {
    fn turned(self, forward: bool) -> Self {
        match (self, forward) {
            (Self::TenMinutes, true) | (Self::Today, false) => Self::Run,
            (Self::Run, true) | (Self::TenMinutes, false) => Self::Today,
            (Self::Today, true) | (Self::Run, false) => Self::TenMinutes,
        }
    }

    /// Whatever is signed counts for this session's key only, so a run is never outlived.
    fn ms(self, now: Timestamp) -> u64 {
        match self {
            Self::TenMinutes => 600_000,
            Self::Run => DAY_MS,
            Self::Today => DAY_MS - now.as_ms() % DAY_MS,
        }
    }

    fn words(self) -> &'static str {
        match self {
            Self::TenMinutes => "10 minutes",
            Self::Run => "this run, a day at most",
            Self::Today => "today, to midnight UTC",
        }
    }
}

/// Whether a hold may be approved with scope; what cannot be taken back never may.
fn once_only(card: &Card) -> Result<(), String> {
    let why = if card.effect == EffectClass::Irreversible {
        "what cannot be undone"
    } else if card.ceremony.type_back {
        "what needs its id typed back"
    } else if card.quorum > 1 {
        "what needs more than one approver"
    } else {
        return Ok(());
    };
    Err(format!("no scope for {why}: approve it once, or deny"))
}

fn field_lines(shown: &Presentation, label: Label) -> impl Iterator<Item = &str> {
    let fields = shown.fields.iter();
    fields
        .filter(move |field| field.label == label)
        .flat_map(|field| field.lines.iter().map(String::as_str))
}

/// The arguments as the card shows them, the command first.
fn argv(shown: &Presentation) -> Vec<String> {
    let mut argv = Vec::new();
    for line in field_lines(shown, Label::What) {
        let head = format!("argv[{}] ", argv.len());
        if let Some(text) = line.strip_prefix(&head) {
            argv.push(text.to_owned());
        }
    }
    argv
}

/// Whether a grant that leaves arguments open would cover this call: a path as the first word is compared
/// with the file that runs, and a line for a shell is one word of it.
fn places_can_be_open(shown: &Presentation, argv: &[String]) -> bool {
    let first = argv.first().map_or("", String::as_str).trim_matches('"');
    let executable = field_lines(shown, Label::What)
        .find_map(|line| line.strip_prefix("exe "))
        .and_then(|line| line.rsplit_once(' '));
    !first.contains('/') || executable.is_some_and(|(path, _)| path == first)
}

/// The host that would be reached, when it is one.
fn host(shown: &Presentation) -> Option<String> {
    let mut hosts = field_lines(shown, Label::Touches).filter_map(|line| {
        let (_, rest) = line.split_once(' ')?;
        let (place, _) = rest.split_once(" at ")?;
        let (host, port) = place.rsplit_once(':')?;
        port.parse::<u16>().ok()?;
        Some(host.to_owned())
    });
    let first = hosts.next()?;
    hosts.all(|other| other == first).then_some(first)
}

/// The folders that hold everything touched, the nearest first, the whole workspace last.
fn folders(shown: &Presentation) -> Vec<String> {
    let mut common: Option<Vec<&str>> = None;
    for line in field_lines(shown, Label::Touches) {
        let path = ["read ", "write ", "create ", "delete "]
            .iter()
            .find_map(|access| line.strip_prefix(access));
        let Some(path) = path else { continue };
        let path = path.split(", mode ").next().unwrap_or(path);
        if path.starts_with('/') || path.split('/').any(|part| part == "..") {
            return Vec::new();
        }
        let mut parts: Vec<&str> = path.split('/').collect();
        parts.pop();
        common = Some(match common {
            None => parts,
            Some(before) => {
                let same = before.iter().zip(&parts).take_while(|(a, b)| a == b);
                let count = same.count();
                parts.truncate(count);
                parts
            }
        });
    }
    let Some(mut parts) = common else {
        return Vec::new();
    };
    let mut folders = Vec::new();
    while !parts.is_empty() {
        folders.push(parts.join("/"));
        parts.pop();
    }
    folders.push(".".to_owned());
    folders
}

fn folder_words(folder: &str) -> String {
    match folder {
        "." => "the whole workspace".to_owned(),
        folder => format!("{folder}/"),
    }
}

fn matched(preview: &ScopePreview) -> String {
    let worst = preview
        .worst
        .map_or_else(String::new, |worst| format!(", the worst of them {worst}"));
    match preview.matched {
        0 => "would have covered no past call".to_owned(),
        1 => format!("would have covered 1 past call{worst}"),
        count => format!("would have covered {count} past calls{worst}"),
    }
}

fn past(head: &str, call: &PastCall) -> Said {
    let text = format!("seq {}  {}  ({})", call.seq, call.line, call.decided);
    Said::labelled(head, Role::Text, text)
}
