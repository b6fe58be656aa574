//! Where the reader stands in the story: scroll, selection, folds, and what is still streaming.

use std::collections::BTreeSet;

use thymos_core::body::Role;

use crate::app::session::{Group, Item, Session, Standing};
use crate::ui::markdown::Streaming;
use crate::ui::vlist::{Place, VirtualList};

/// Items above the view at which older ones are asked for.
const OLDER_ITEMS_AHEAD: usize = 16;

/// Where the reader stands.
#[derive(Clone, Debug)]
pub struct Conversation {
    pub(super) list: VirtualList,
    selected: Option<u64>,
    toggled: BTreeSet<u64>,
    unseen: usize,
    pub(super) streaming: Streaming,
    pub(super) streaming_version: u64,
}

impl Default for Conversation {
    fn default() -> Self {
        Self {
            list: VirtualList::following(),
            selected: None,
            toggled: BTreeSet::new(),
            unseen: 0,
            streaming: Streaming::new(),
            streaming_version: 0,
        }
    }
}

impl Conversation {
    /// Starts over, as with another trajectory.
    pub fn reset(&mut self) {
        *self = Self::default();
    }

    /// Goes to the end and stays there.
    pub fn follow(&mut self) {
        self.list.go_to_end();
        self.unseen = 0;
        self.selected = None;
    }

    /// Goes to the first item loaded.
    pub fn first(&mut self, session: &Session) {
        self.list.go_to_start();
        self.selected = session.story().items().first().map(Item::seq);
    }

    /// Scrolls by rows, up is negative.
    pub fn scroll(&mut self, rows: i64) {
        self.list.scroll(rows);
    }

    /// Scrolls by halves of the view, up is negative; two are a page.
    pub fn scroll_halves(&mut self, halves: i64) {
        self.list.scroll_halves(halves);
    }

    /// Selects the next item, or the one before; the last one when none was.
    pub fn select(&mut self, session: &Session, by: isize) {
        let items = session.story().items();
        let last = items.len().saturating_sub(1);
        let at = match self.selected.and_then(|seq| session.story().place(seq)) {
            Some(at) => at.saturating_add_signed(by).min(last),
            None => last,
        };
        self.reveal(session, at);
    }

    /// Selects the next message of the person, or the one before.
    pub fn turn(&mut self, session: &Session, by: isize) {
        let items = session.story().items();
        let from = self
            .selected
            .and_then(|seq| session.story().place(seq))
            .unwrap_or(if by < 0 {
                items.len()
            } else {
                self.list.top().item
            });
        let asked = |item: &Item| matches!(item, Item::Said(said) if matches!(said.role, Role::Operator | Role::Steer));
        let found = if by < 0 {
            items.iter().take(from).rposition(asked)
        } else {
            items
                .iter()
                .skip(from + 1)
                .position(asked)
                .map(|at| at + from + 1)
        };
        if let Some(at) = found {
            self.reveal(session, at);
        }
    }

    /// Folds or unfolds the selected item, or the last group when none is selected.
    pub fn toggle(&mut self, session: &Session) {
        let items = session.story().items();
        let last_group = || {
            items
                .iter()
                .rev()
                .find(|item| matches!(item, Item::Group(_)))
        };
        if let Some(seq) = self.selected.or_else(|| last_group().map(Item::seq))
            && !self.toggled.remove(&seq)
        {
            self.toggled.insert(seq);
        }
    }

    /// The selected item.
    #[must_use]
    pub fn selected<'a>(&self, session: &'a Session) -> Option<&'a Item> {
        session
            .story()
            .items()
            .get(session.story().place(self.selected?)?)
    }

    /// Whether an item shows all it has.
    #[must_use]
    pub fn is_open(&self, session: &Session, item: &Item) -> bool {
        opens_by_itself(session, item) != self.toggled.contains(&item.seq())
    }

    /// Tells that so many items are new at the end.
    pub fn arrived(&mut self, count: usize) {
        if !self.list.is_following() {
            self.unseen += count;
        }
    }

    /// Tells that so many items were put in front; the view stays on its rows.
    pub fn arrived_older(&mut self, count: usize) {
        self.list.prepended(count);
    }

    /// Items that came while the reader was elsewhere.
    #[must_use]
    pub fn unseen(&self) -> usize {
        self.unseen
    }

    /// Whether the end is followed.
    #[must_use]
    pub fn is_following(&self) -> bool {
        self.list.is_following()
    }

    /// Items laid out by the last frame: a guard for tests.
    #[must_use]
    pub fn laid_out(&self) -> usize {
        self.list.laid_out()
    }

    /// Whether the view is near the start of what has been pulled.
    #[must_use]
    pub fn wants_older(&self, session: &Session) -> bool {
        let loaded = session.story().items().len();
        session.older() > 0
            && loaded > 0
            && self.list.top().item < OLDER_ITEMS_AHEAD
            && self.list.extent().shown > 0
    }

    /// Takes the words of the turn being thought, as far as they go.
    pub(crate) fn hear(&mut self, session: &Session) {
        let live = session.live();
        let text = live.map_or("", |live| live.text.as_str());
        match text.strip_prefix(self.streaming.source()) {
            Some("") => {}
            Some(more) => self.streaming.push(more),
            // Shorter or different: the attempt was void, or its entry is durable now.
            None => {
                self.streaming = Streaming::new();
                self.streaming.push(text);
            }
        }
        self.streaming_version = live.map_or(0, |live| live.version);
    }

    pub(super) fn seen(&mut self) {
        if self.list.is_following() {
            self.unseen = 0;
        }
    }

    fn reveal(&mut self, session: &Session, at: usize) {
        if let Some(item) = session.story().items().get(at) {
            self.selected = Some(item.seq());
            self.list.reveal(at);
        }
    }

    /// The place of the view's top, for tests.
    #[must_use]
    pub fn top(&self) -> Place {
        self.list.top()
    }
}

/// One line when staged and committed; open when suspended, rejected or unsettled.
fn opens_by_itself(session: &Session, item: &Item) -> bool {
    let Item::Group(group) = item else {
        return false;
    };
    session.is_unsettled(group) || needs_eyes(group)
}

fn needs_eyes(group: &Group) -> bool {
    match group.standing() {
        Standing::Suspended
        | Standing::Rejected
        | Standing::Denied
        | Standing::Failed
        | Standing::Running => true,
        Standing::Wanted
        | Standing::Approved
        | Standing::Superseded
        | Standing::Committed
        | Standing::Settled => false,
    }
}
