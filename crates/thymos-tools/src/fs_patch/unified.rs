//! Applies a unified diff of one file. Context must be exact; only the line numbers may be off.

use thymos_ports::tool::Unresolvable;

use crate::text::{LineEnds, Traits};

/// One hunk, lines without their ends.
#[derive(Debug, Default)]
struct Hunk {
    number: usize,
    /// The line it says it starts at, from 1.
    old_start: usize,
    old: Vec<Vec<u8>>,
    new: Vec<Vec<u8>>,
    /// Whether the last old or new line has no newline.
    old_open: bool,
    new_open: bool,
    /// Lines still to come while it is being read.
    old_left: usize,
    new_left: usize,
    last_sign: char,
}

/// A file as lines, and whether the last one is ended.
struct Lines {
    lines: Vec<Vec<u8>>,
    open: bool,
}

/// Applies a patch.
pub(super) fn apply(path: &str, patch: &str, before: &[u8]) -> Result<Vec<u8>, Unresolvable> {
    let crlf = Traits::of(before).line_ends == LineEnds::CrLf;
    let hunks = parse(path, patch, crlf)?;
    let mut file = Lines::split(before);
    let mut offset: isize = 0;
    let mut done_to = 0;
    for hunk in &hunks {
        let claimed = hunk
            .old_start
            .saturating_sub(usize::from(!hunk.old.is_empty()));
        let expected = claimed.saturating_add_signed(offset).max(done_to);
        let at = place(&file, hunk, expected, done_to).ok_or_else(|| missing(path, hunk))?;
        offset += isize::try_from(at).unwrap_or(0) - isize::try_from(expected).unwrap_or(0);
        offset += isize::try_from(hunk.new.len()).unwrap_or(0);
        offset -= isize::try_from(hunk.old.len()).unwrap_or(0);
        let reaches_end = at + hunk.old.len() == file.lines.len();
        file.lines
            .splice(at..at + hunk.old.len(), hunk.new.iter().cloned());
        if reaches_end {
            file.open = hunk.new_open || (file.open && !hunk.old_open);
        }
        done_to = at + hunk.new.len();
    }
    Ok(file.join())
}

impl Lines {
    /// Lines keep a `\r`, so that mixed files stay as they are.
    fn split(bytes: &[u8]) -> Self {
        let mut lines: Vec<Vec<u8>> = bytes
            .split(|byte| *byte == b'\n')
            .map(<[u8]>::to_vec)
            .collect();
        let open = lines.last().is_some_and(|last| !last.is_empty());
        if !open {
            lines.pop();
        }
        Self { lines, open }
    }

    fn join(self) -> Vec<u8> {
        let mut out = self.lines.join(&b'\n');
        if !self.open && !self.lines.is_empty() {
            out.push(b'\n');
        }
        out
    }
}

/// The place nearest to the expected one where all old lines stand.
fn place(file: &Lines, hunk: &Hunk, expected: usize, from: usize) -> Option<usize> {
    let last = file.lines.len().checked_sub(hunk.old.len())?;
    if hunk.old.is_empty() {
        return Some(expected.min(last));
    }
    let fits = |at: &usize| {
        let lines = file.lines.get(*at..*at + hunk.old.len());
        lines.is_some_and(|lines| lines == hunk.old.as_slice())
    };
    (from..=last)
        .filter(fits)
        .min_by_key(|at| at.abs_diff(expected))
}

fn missing(path: &str, hunk: &Hunk) -> Unresolvable {
    let message = format!(
        "hunk {} (line {}): its context is not in `{path}`",
        hunk.number, hunk.old_start
    );
    Unresolvable::with_hint(
        message,
        "read the file again and make the hunk from what it says now",
    )
}

fn parse(path: &str, patch: &str, crlf: bool) -> Result<Vec<Hunk>, Unresolvable> {
    let mut hunks: Vec<Hunk> = Vec::new();
    for line in patch.lines() {
        let number = hunks.len() + 1;
        match hunks.last_mut() {
            Some(hunk) if line.starts_with('\\') => hunk.mark_open(),
            Some(hunk) if hunk.is_open() => hunk.take(line, crlf)?,
            Some(_) | None => match line.strip_prefix("@@") {
                Some(rest) => hunks.push(header(rest, number)?),
                None => file_header(path, line)?,
            },
        }
    }
    match hunks.last() {
        None => {
            let hint = "a hunk begins with `@@ -1,3 +1,3 @@`; or use `edits`";
            Err(Unresolvable::with_hint("the patch has no hunk", hint))
        }
        Some(hunk) if hunk.is_open() => Err(Unresolvable::new(format!(
            "hunk {}: the patch ends in the middle of it",
            hunk.number
        ))),
        Some(_) => Ok(hunks),
    }
}

impl Hunk {
    /// Whether its header promises lines that have not come. The two counts are the patch's own and
    /// may be anything, so they are not added up.
    fn is_open(&self) -> bool {
        self.old_left > 0 || self.new_left > 0
    }

    /// `\ No newline at end of file`, about the line before it.
    fn mark_open(&mut self) {
        self.old_open |= self.last_sign != '+';
        self.new_open |= self.last_sign != '-';
    }

    /// One line of its body.
    fn take(&mut self, line: &str, crlf: bool) -> Result<(), Unresolvable> {
        // Editors strip the space of an empty context line.
        let sign = line.chars().next().unwrap_or(' ');
        let mut text = line.get(1..).unwrap_or("").as_bytes().to_vec();
        if crlf {
            text.push(b'\r');
        }
        let (old, new) = (matches!(sign, ' ' | '-'), matches!(sign, ' ' | '+'));
        let fits = (old || new) && (!old || self.old_left > 0) && (!new || self.new_left > 0);
        if !fits {
            let message = format!(
                "hunk {}: its lines do not agree with its header",
                self.number
            );
            let hint = "count its lines again, or use `edits`";
            return Err(Unresolvable::with_hint(message, hint));
        }
        self.old_left -= usize::from(old);
        self.new_left -= usize::from(new);
        self.last_sign = sign;
        if old {
            self.old.push(text.clone());
        }
        if new {
            self.new.push(text);
        }
        Ok(())
    }
}

/// ` -1,3 +1,4 @@ anything`.
fn header(rest: &str, number: usize) -> Result<Hunk, Unresolvable> {
    let wrong = || {
        let hint = "it should look like `@@ -12,3 +12,4 @@`";
        Unresolvable::with_hint(
            format!("hunk {number}: its header has no line numbers"),
            hint,
        )
    };
    let mut words = rest.split_whitespace();
    let mut range = |sign: char| -> Option<(usize, usize)> {
        let range = words.next()?.strip_prefix(sign)?;
        let (start, count) = range.split_once(',').unwrap_or((range, "1"));
        Some((start.parse().ok()?, count.parse().ok()?))
    };
    let (old_start, old_left) = range('-').ok_or_else(wrong)?;
    let (_, new_left) = range('+').ok_or_else(wrong)?;
    Ok(Hunk {
        number,
        old_start,
        old_left,
        new_left,
        ..Hunk::default()
    })
}

/// A line between hunks: file names must be those of the file that the call names.
fn file_header(path: &str, line: &str) -> Result<(), Unresolvable> {
    let named = line
        .strip_prefix("--- ")
        .or_else(|| line.strip_prefix("+++ "));
    let Some(named) = named else { return Ok(()) };
    let named = named.split('\t').next().unwrap_or(named).trim();
    let bare = named
        .strip_prefix("a/")
        .or_else(|| named.strip_prefix("b/"))
        .unwrap_or(named);
    let path_bare = path.strip_prefix("./").unwrap_or(path);
    if [named, bare].contains(&path_bare) || path_bare.ends_with(&format!("/{bare}")) {
        return Ok(());
    }
    let message = format!("the patch is for `{named}` and the call for `{path}`");
    Err(Unresolvable::with_hint(
        message,
        "make one call for each file",
    ))
}
