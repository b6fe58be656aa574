//! What is named behind an `@`: when the list opens and closes, what is asked for it, what is put into the text.
//!
//! It opens by the `@` that is typed and by nothing else; text that comes another way opens none.

use thymos_protocol::{Command, Event, Page};

use super::composer;
use crate::app::event::{FileQuery, FileRows};
use crate::app::{Action, App, Asked, Effect, Pane};
use crate::panes::mention::{Entry, LETTERS_MAX, Mention, Standing, Wish, starts_word};

/// Entries that are listed by their number.
const ENTRIES_LISTED: usize = 64;

/// The newest entries, among whose words it is looked; the kernel gives no more at once.
const ENTRIES_LOOKED_AT: u64 = 256;

/// Whether the list took the action.
pub(super) fn act(app: &mut App, action: Action) -> bool {
    if action == Action::ComposerMention {
        begin(app);
        return true;
    }
    let Some(mention) = app.mention.as_mut() else {
        return false;
    };
    match action {
        Action::MentionUp => mention.step(-1),
        Action::MentionDown => mention.step(1),
        // The first step back leads out of the list, and no further.
        Action::FocusBack => close(app),
        Action::MentionAccept | Action::MentionComplete => take(app, action),
        _ => return false,
    }
    true
}

/// Writes an `@` where one begins a word, as if it had been typed.
fn begin(app: &mut App) {
    composer::focus(app);
    if !starts_word(before_caret(app, 1)) {
        composer::insert(app, " ");
    }
    composer::insert(app, "@");
    typed(app, "@");
}

/// The character so many places before the caret, in its line.
fn before_caret(app: &App, back: usize) -> Option<char> {
    let (row, column) = app.composer.caret();
    let line = app.composer.lines().get(row)?;
    line.chars().nth(column.checked_sub(back)?)
}

/// Text was typed at the caret: an `@` at the start of a word opens the list.
pub(super) fn typed(app: &mut App, text: &str) {
    let (row, column) = app.composer.caret();
    let here = text == "@" && before_caret(app, 1) == Some('@');
    if !here || app.mention.is_some() || !starts_word(before_caret(app, 2)) {
        return;
    }
    let at = (row, column.saturating_sub(1));
    app.mention = Some(Mention::new(at, app.session.trajectory()));
    ask(app);
}

/// The text or the caret is another: looks for what stands behind the `@` now, or for nothing any more.
pub(super) fn follow(app: &mut App) {
    let Some(mention) = &app.mention else {
        return;
    };
    match behind(app, mention.at) {
        None => close(app),
        Some(typed) if typed == mention.typed => {}
        Some(typed) => {
            if let Some(mention) = &mut app.mention {
                mention.typed = typed;
            }
            ask(app);
        }
    }
}

/// What stands between the `@` and the caret, while that is one word.
fn behind(app: &App, at: (usize, usize)) -> Option<String> {
    let (row, column) = app.composer.caret();
    if row != at.0 || column <= at.1 || column - at.1 > LETTERS_MAX {
        return None;
    }
    let line = app.composer.lines().get(row)?;
    let mut word = line.chars().skip(at.1).take(column - at.1);
    let typed = (word.next() == Some('@')).then(|| word.collect::<String>())?;
    (!typed.contains(char::is_whitespace)).then_some(typed)
}

fn ask(app: &mut App) {
    app.mentions_asked += 1;
    let asked = app.mentions_asked;
    let Some(mention) = app.mention.as_mut() else {
        return;
    };
    mention.ask(asked);
    let letters = match mention.wish() {
        Wish::Entries(letters) => letters.to_owned(),
        Wish::Files(letters) => {
            let query = FileQuery {
                asked,
                letters: letters.to_owned(),
                hidden: letters.starts_with('.') || letters.contains("/."),
            };
            app.want(Effect::FindFiles(query));
            return;
        }
    };
    let status = app.session.status();
    let Some((trajectory, head)) = status.map(|status| (status.trajectory, status.head_seq)) else {
        mention.fail("no trajectory is open yet".to_owned());
        return;
    };
    let places = places(&letters, head);
    let command = Command::Rows {
        trajectory: Some(trajectory),
        places,
    };
    app.ask(Asked::Mention(asked), command);
}

/// The entries that may be meant, rising: those of a number that begins so, or the newest ones.
fn places(letters: &str, head: u64) -> Vec<u64> {
    if letters.is_empty() {
        return (head.saturating_sub(ENTRIES_LISTED as u64 - 1)..=head).collect();
    }
    let Some(number) = number(letters) else {
        return (head.saturating_sub(ENTRIES_LOOKED_AT - 1)..=head).collect();
    };
    let mut places = Vec::new();
    // 41, then 410 to 419, then 4100 to 4199; of 0 there is but one.
    let (mut first, mut count) = (number, 1_u64);
    while first <= head && places.len() < ENTRIES_LISTED {
        let last = first.saturating_add(count - 1).min(head);
        places.extend((first..=last).take(ENTRIES_LISTED - places.len()));
        let next = first.checked_mul(10).filter(|next| *next > first);
        let Some(next) = next else { break };
        (first, count) = (next, count.saturating_mul(10));
    }
    places
}

/// The number that is typed; none where letters are, or a number that no entry has.
fn number(letters: &str) -> Option<u64> {
    let digits = letters.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| letters.parse().ok()).flatten()
}

/// Files were found; those of a question that is not the newest come too late.
pub(super) fn files_came(app: &mut App, asked: u64, found: Result<FileRows, String>) {
    let Some(mention) = newest(app, asked) else {
        return;
    };
    match found {
        Ok(rows) => mention.take_files(rows),
        Err(why) => mention.fail(why),
    }
}

/// Entries came: by number as they were asked for, else the newest first.
pub(super) fn entries_came(app: &mut App, asked: u64, page: Page) {
    let Some(mention) = newest(app, asked) else {
        return;
    };
    let Wish::Entries(letters) = mention.wish() else {
        return;
    };
    let (entries, told) = listed(letters, &page.events);
    mention.take_entries(entries, told);
}

fn listed(letters: &str, events: &[Event]) -> (Vec<Entry>, String) {
    let all = events.iter().map(Entry::of);
    if number(letters).is_some() {
        return (
            all.collect(),
            format!("entries from #{letters} on, by number"),
        );
    }
    if letters.is_empty() {
        let told = "the newest entries; type a number, or a word of one".to_owned();
        return (all.rev().collect(), told);
    }
    let letters = letters.to_lowercase();
    let fits = |entry: &Entry| {
        let line = format!("{} {}", entry.kind, entry.words);
        line.to_lowercase().contains(&letters)
    };
    let entries: Vec<Entry> = all.rev().filter(fits).collect();
    let told = format!("{} of the newest {} entries", entries.len(), events.len());
    (entries, told)
}

/// There are no entries to tell.
pub(super) fn failed(app: &mut App, asked: u64, why: &str) {
    if let Some(mention) = newest(app, asked) {
        mention.fail(why.to_owned());
    }
}

fn newest(app: &mut App, asked: u64) -> Option<&mut Mention> {
    app.mention
        .as_mut()
        .filter(|mention| mention.asked == asked)
}

/// Puts the chosen row in place of what was typed. Where nothing fits, Enter sends as it always does.
fn take(app: &mut App, action: Action) {
    let Some(mention) = &app.mention else {
        return;
    };
    let chosen = match mention.standing {
        // What was typed last may fit another row.
        Standing::Asking => {
            app.tell("still looking; Esc closes the list");
            return;
        }
        Standing::Here | Standing::Failed(_) => mention.chosen().map(|row| row.text()),
    };
    let typed = mention.typed.chars().count() + 1;
    close(app);
    match chosen {
        Some(text) => {
            let (row, column) = app.composer.caret();
            let line = app.composer.lines().get(row);
            let next = line.and_then(|line| line.chars().nth(column));
            // What is written on is another word.
            let gap = if next.is_none() { " " } else { "" };
            app.composer.put_instead(typed, &format!("{text}{gap}"));
            composer::edited(app);
        }
        None if action == Action::MentionAccept => {
            composer::act(app, Action::ComposerSend);
        }
        None => {}
    }
}

fn close(app: &mut App) {
    if app.mention.take().is_some() {
        app.want(Effect::EndFiles);
    }
}

/// Nothing is named where nobody writes, nor in another trajectory than it was begun in.
pub(super) fn settle(app: &mut App) {
    let Some(mention) = &app.mention else {
        return;
    };
    let away = app.focus.pane() != Pane::Composer || !app.overlays.is_empty();
    if away || mention.trajectory != app.session.trajectory() {
        close(app);
    }
}

#[cfg(test)]
mod tests {
    use super::{ENTRIES_LISTED, places};

    #[test]
    fn a_number_stands_for_itself_and_for_those_that_begin_with_it() {
        assert_eq!(
            places("41", 419),
            [vec![41], (410..=419).collect()].concat()
        );
        assert_eq!(places("41", 412), [41, 410, 411, 412]);
        assert_eq!(places("0", 500), [0]);
        assert_eq!(places("9", 5), Vec::<u64>::new());
        assert_eq!(places("99999999999999999999999", 5), [0, 1, 2, 3, 4, 5]);
        assert_eq!(places("4", 1_000_000).len(), ENTRIES_LISTED);
        assert_eq!(places("18446744073709551615", u64::MAX), [u64::MAX]);
    }

    #[test]
    fn without_a_number_the_newest_are_looked_at() {
        assert_eq!(places("", 2), [0, 1, 2]);
        assert_eq!(places("", 1_000).len(), ENTRIES_LISTED);
        assert_eq!(places("patch", 1_000).first(), Some(&745));
        assert_eq!(places("patch", 1_000).last(), Some(&1_000));
    }
}
