//! A typed line, taken: by what lies over the app where something is asked there, else as a command or a prompt.

use std::time::Duration;

use super::line::{Line, parse};
use super::state::Plain;
use super::typed::TypedLine;
use super::{help, over};
use crate::app::{Action, Event, Overlay};
use crate::out::safe;
use crate::panes::prompt::Purpose;
use crate::panes::sign::SignKind;

/// Slash commands that only change what a screen looks like.
const FOR_SCREENS: [&str; 6] = [
    "/copy",
    "/theme",
    "/mouse",
    "/redraw",
    "/palette",
    "/policy simulate",
];

/// Screens, and the verbs of the program that print what is on them.
const SCREENS: [(&str, &str); 3] = [
    ("/runs", "runs"),
    ("/ledger", "ledger"),
    ("/authority", "writ ls"),
];

impl Plain {
    pub(super) fn typed(&mut self, typed: &TypedLine) {
        if !self.setup.typed {
            // A terminal shows what is typed; of a pipe nobody has seen it.
            self.say([format!("> {}", safe(&typed.text))]);
        }
        if let Some(top) = self.app.overlays.last().cloned() {
            return self.answered(&top, typed);
        }
        if let Some(begun) = typed.text.strip_suffix('\\') {
            self.begun.push_str(begun);
            self.begun.push('\n');
            return;
        }
        let text = std::mem::take(&mut self.begun) + &typed.text;
        match text.contains('\n') {
            true => self.prompt(&text),
            false => self.command(&text, typed.at),
        }
    }

    fn command(&mut self, text: &str, at: Duration) {
        match parse(text) {
            Line::Empty => self.bare("an empty line"),
            Line::Bare(word) if self.app.session.holds().is_empty() => self.prompt(&word),
            Line::Bare(word) => {
                self.bare(&format!("`{}`", safe(&word)));
                self.kept = Some(word);
            }
            Line::Say(text) => self.prompt(&text),
            Line::SayKept => match self.kept.take() {
                Some(text) => self.prompt(&text),
                None => self.note("say takes words, such as say approve the plan"),
            },
            Line::Queue(text) => self.queue(text),
            Line::Send => match self.app.composer.is_empty() {
                true => self.note("nothing is written that could be sent"),
                false => self.send(),
            },
            Line::Editor if self.setup.typed => {
                self.take(Event::Act(Action::ComposerFocus));
                self.take(Event::Act(Action::ComposerEditor));
            }
            Line::Editor => self.note(
                "an editor needs a terminal; end a line with a backslash to go on in the next",
            ),
            Line::Help => self.say(help::lines()),
            Line::Approvals => self.approvals(),
            Line::Status => self.status(),
            Line::Cancel => {
                if !self.cancel() {
                    self.note("nothing runs");
                }
            }
            Line::Wait => self.waits = true,
            Line::Quit => self.take(Event::Act(Action::AppQuit)),
            Line::About(number, wish) => self.about(number, wish, at),
            Line::Output(seq) => self.output(seq),
            Line::History(count) => self.history(count),
            Line::Slash(text) => self.slash(&text),
            Line::Wrong(form) => {
                self.kept = Some(text.to_owned());
                self.note(format!(
                    "nothing was done: this begins like the command {form}. To say it to the agent, type say"
                ));
            }
        }
    }

    /// What says nothing decides nothing, and where something waits that is said.
    fn bare(&mut self, what: &str) {
        let holds = self.app.session.holds().iter();
        let numbers: Vec<u32> = holds
            .filter_map(|row| self.app.session.number(row.card.proposal))
            .collect();
        if let Some(number) = numbers.last() {
            self.note(format!(
                "{what} decides nothing. Type approve {number} or deny {number} because ..; help lists the commands"
            ));
        }
    }

    fn prompt(&mut self, text: &str) {
        // A slash would make a command of it.
        let blank = if text.starts_with('/') { " " } else { "" };
        self.take(Event::Edited(Ok(format!("{blank}{text}"))));
        self.send();
    }

    fn send(&mut self) {
        self.take(Event::Act(Action::ComposerFocus));
        self.take(Event::Act(Action::ComposerSend));
    }

    fn queue(&mut self, text: String) {
        if !self.app.session.is_running() {
            return self.prompt(&text);
        }
        self.take(Event::Edited(Ok(text)));
        self.take(Event::Act(Action::ComposerFocus));
        self.take(Event::Act(Action::ComposerQueue));
    }

    fn slash(&mut self, text: &str) {
        if let Some((_, verb)) = SCREENS.iter().find(|(name, _)| *name == text) {
            return self.take(Event::Run((*verb).to_owned()));
        }
        if text == "/mind"
            && let Some(trajectory) = self.app.session.trajectory()
        {
            return self.take(Event::Run(format!("mind {trajectory}")));
        }
        if FOR_SCREENS.contains(&text) {
            return self.note(format!(
                "{} is for the full screen; nothing was done",
                safe(text)
            ));
        }
        match text.split(' ').next().unwrap_or_default() {
            "/approvals" => self.approvals(),
            "/help" => self.say(help::lines()),
            "/stop" if text == "/stop" => self.command("cancel", self.now.mono),
            _ => {
                self.take(Event::Edited(Ok(text.to_owned())));
                self.send();
                if self.app.composer.text() == text {
                    // It was no command; it is told, and not kept to be sent.
                    self.take(Event::Edited(Ok(String::new())));
                }
            }
        }
    }

    /// A line for what is asked.
    fn answered(&mut self, top: &Overlay, typed: &TypedLine) {
        let text = typed.text.trim();
        match (top, text) {
            (Overlay::Quit(_), "quit") => return self.take(Event::Act(Action::AppQuit)),
            (_, "back" | "cancel") => {
                self.take(Event::Act(Action::FocusBack));
                if self.app.notice.is_none() {
                    self.note("back; nothing was changed");
                }
                return;
            }
            (_, "quit") => {
                self.close_all();
                return self.take(Event::Act(Action::AppQuit));
            }
            _ => {}
        }
        let Some((_, Some(out))) = self.over else {
            return self.note("nothing is asked yet; type back to leave it");
        };
        if typed.at < out {
            return self.note("that was typed before the question was printed, so it answers nothing. Type it again, or back");
        }
        match top {
            Overlay::Prompt(prompt) => match &prompt.purpose {
                Purpose::SkillParam(_) => self.fill(text),
                _ if text.is_empty() => self.unanswered(),
                _ => self.fill(text),
            },
            Overlay::Sign(sign) => self.signed(
                sign.kind.clone(),
                text,
                typed.at >= out + arming(&sign.kind),
            ),
            Overlay::Picker(picker) => match text.strip_prefix("find ") {
                Some(words) => {
                    self.take(Event::Act(Action::PromptClear));
                    self.take(Event::Paste(words.trim().to_owned()));
                }
                None => match place(text, picker.found().len().min(over::ROWS_MAX)) {
                    Some(at) => self.choose(picker.selected(), at),
                    None => self.unanswered(),
                },
            },
            Overlay::Question(question) => match place(text, question.answers().len()) {
                Some(at) => self.turn(question.chosen(), at),
                None => self.unanswered(),
            },
            Overlay::Quit(choice) => match place(text, 2) {
                Some(at) => self.turn(usize::from(*choice == crate::app::overlay::Choice::Go), at),
                None => self.unanswered(),
            },
            Overlay::Mode(_) => match place(text, 2) {
                Some(0) => self.take(Event::Act(Action::FocusBack)),
                Some(_) => self.take(Event::Act(Action::DialogAccept)),
                None => self.unanswered(),
            },
            Overlay::Writ | Overlay::Reader(_) => {}
        }
    }

    fn unanswered(&mut self) {
        self.note("that answers nothing");
        let told = self.over.as_ref();
        let question = told.and_then(|(told, _)| told.lines.last().cloned());
        self.say(question);
    }

    /// Goes from the chosen answer to that one, and takes it.
    fn turn(&mut self, from: usize, to: usize) {
        let action = if to > from {
            Action::DialogNext
        } else {
            Action::DialogPrevious
        };
        for _ in 0..to.abs_diff(from) {
            self.take(Event::Act(action));
        }
        self.take(Event::Act(Action::DialogAccept));
    }

    fn choose(&mut self, from: usize, to: usize) {
        let action = if to > from {
            Action::PickerDown
        } else {
            Action::PickerUp
        };
        for _ in 0..to.abs_diff(from) {
            self.take(Event::Act(action));
        }
        self.take(Event::Act(Action::PickerAccept));
    }

    /// A line for an approval with scope: a choice that is turned, or the signature.
    fn signed(&mut self, kind: SignKind, text: &str, armed: bool) {
        let SignKind::Scope(scope) = kind else {
            return;
        };
        if text == "sign" && !armed {
            return self.note(
                "not yet: this has only just been printed. Nothing was signed, type it again",
            );
        }
        if text == "sign" {
            let before = self.effects.len();
            self.take(Event::Act(Action::SignApprove));
            self.was_answered(before);
            return;
        }
        let Some(at) = place(text, scope.fields().len()) else {
            return self.unanswered();
        };
        let action = if at > scope.at() {
            Action::ListDown
        } else {
            Action::ListUp
        };
        for _ in 0..at.abs_diff(scope.at()) {
            self.take(Event::Act(action));
        }
        self.take(Event::Act(Action::SignTurn));
    }
}

/// How long what is signed must have been out.
fn arming(kind: &SignKind) -> Duration {
    let ms = match kind {
        SignKind::Scope(scope) => scope.row.card.ceremony.arming_ms,
        SignKind::Batch(_) => 0,
    };
    Duration::from_millis(ms)
}

/// The place of a number that was typed, among so many.
fn place(text: &str, count: usize) -> Option<usize> {
    let at = text.parse::<usize>().ok()?.checked_sub(1)?;
    (at < count).then_some(at)
}
