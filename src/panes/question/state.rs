//! What is asked, what the answers would do, and which of them is chosen.

use thymos_core::ProposalId;
use thymos_protocol::{Command, Ticket};

use crate::app::Asked;
use crate::panes::prompt::Purpose;
use crate::panes::reader::{Said, Text};

/// What an answer does.
#[derive(Clone, Debug, PartialEq)]
pub enum Deed {
    /// Nothing.
    Back,
    /// Asks the kernel; the reply goes to whoever is named.
    Ask(Asked, Command),
    /// Asks the kernel and goes to Work, where what comes of it is seen.
    AskAndWork(Asked, Command),
    /// Asks for a line first.
    Prompt(Purpose),
}

/// One answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// On the screen.
    pub words: String,
    /// What it does.
    pub deed: Deed,
}

impl Answer {
    /// An answer.
    #[must_use]
    pub fn new(words: impl Into<String>, deed: Deed) -> Self {
        Self {
            words: words.into(),
            deed,
        }
    }
}

/// A question.
#[derive(Clone, Debug, PartialEq)]
pub struct Question {
    /// In the border.
    pub title: String,
    /// What it is about.
    pub body: Text,
    /// The request whose reply it waits for, until it has come.
    pub waits: Option<Ticket>,
    /// The answer to a hold that it follows from: it goes away when that one did not count.
    pub follows: Option<ProposalId>,
    // INVARIANT: the first one is `Deed::Back`.
    answers: Vec<Answer>,
    chosen: usize,
}

impl Question {
    /// A question; `back` says what leaving things as they are is called.
    #[must_use]
    pub fn new(title: impl Into<String>, body: Vec<Said>, back: &str) -> Self {
        Self {
            title: title.into(),
            body: Text::new(body),
            waits: None,
            follows: None,
            answers: vec![Answer::new(back, Deed::Back)],
            chosen: 0,
        }
    }

    /// One more answer.
    #[must_use]
    pub fn or(mut self, words: impl Into<String>, deed: Deed) -> Self {
        self.answers.push(Answer::new(words, deed));
        self
    }

    /// A question whose body has been asked for.
    #[must_use]
    pub fn waiting(title: impl Into<String>, ticket: Ticket) -> Self {
        Self {
            waits: Some(ticket),
            ..Self::new(title, Vec::new(), "back")
        }
    }

    /// Every answer, the harmless one first.
    #[must_use]
    pub fn answers(&self) -> &[Answer] {
        &self.answers
    }

    /// The place of the chosen answer.
    #[must_use]
    pub fn chosen(&self) -> usize {
        self.chosen
    }

    /// Chooses the next answer, or the one before; round at the ends.
    pub fn turn(&mut self, forward: bool) {
        let count = self.answers.len();
        let by = if forward { 1 } else { count - 1 };
        self.chosen = (self.chosen + by) % count;
    }

    /// What the chosen answer does, once what it is about has been on screen to its end.
    ///
    /// # Errors
    /// Says in words what is in the way.
    pub fn deed(&self) -> Result<Deed, &'static str> {
        match self.answers.get(self.chosen) {
            None
            | Some(Answer {
                deed: Deed::Back, ..
            }) => Ok(Deed::Back),
            Some(_) if !self.body.is_seen() => Err("read to the end first: PgDn"),
            Some(answer) => Ok(answer.deed.clone()),
        }
    }
}
