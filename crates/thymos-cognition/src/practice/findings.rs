//! Facts taken from real results: the listing, the file that was read, the matches.

use super::notebook::Notebook;

/// The note the tour leaves in the workspace.
pub(super) const NOTE: &str = "thymos-practice.md";

/// Files, folders and the rest of what was found.
pub(super) struct Findings<'a> {
    pub(super) files: Vec<&'a str>,
    pub(super) folders: usize,
}

impl<'a> Findings<'a> {
    pub(super) fn of(notebook: &'a Notebook<'a>) -> Self {
        let listings = ["list_files", "glob"];
        let lines = listings
            .into_iter()
            .flat_map(|tool| notebook.results(tool))
            .flat_map(|done| done.text.lines());
        let (mut files, mut folders) = (Vec::new(), Vec::new());
        for line in lines.filter(|line| is_plain_path(line)) {
            let kind = if line.ends_with('/') {
                &mut folders
            } else {
                &mut files
            };
            if !kind.contains(&line) {
                kind.push(line);
            }
        }
        Self {
            files,
            folders: folders.len(),
        }
    }

    /// A file worth reading: a read-me before other prose, prose before code, near before far.
    pub(super) fn file(&self) -> Option<&'a str> {
        let rank = |path: &str| {
            let name = path.rsplit('/').next().unwrap_or(path).to_ascii_lowercase();
            let ending = name.rsplit_once('.').map_or("", |(_, ending)| ending);
            let kind = match ending {
                _ if path == NOTE => return None,
                _ if name.starts_with("readme") => 0,
                "md" | "txt" | "rst" | "adoc" => 1,
                "rs" | "py" | "js" | "ts" | "go" | "c" | "h" | "cpp" | "java" | "rb" | "sh" => 2,
                "toml" | "json" | "yaml" | "yml" | "html" | "css" | "csv" => 3,
                _ => return None,
            };
            Some((path.matches('/').count().min(3), kind))
        };
        let ranked = self
            .files
            .iter()
            .filter_map(|path| Some((rank(path)?, *path)));
        ranked.min_by_key(|(rank, _)| *rank).map(|(_, path)| path)
    }

    pub(super) fn has_note(&self) -> bool {
        self.files.contains(&NOTE)
    }
}

/// Only names that need no quoting anywhere; others are left alone.
fn is_plain_path(line: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '/' | '-');
    !line.is_empty() && line.chars().all(plain)
}

/// The lines of a file as they were shown, without their numbers.
pub(super) fn lines_of<'a>(notebook: &'a Notebook<'a>, path: &str) -> Option<Vec<&'a str>> {
    let shown = notebook
        .results("fs_read")
        .find(|done| done.call.args.get("path").and_then(|p| p.as_str()) == Some(path))?;
    let numbered = |line: &'a str| {
        let (number, text) = line.split_once('\t')?;
        number.trim().parse::<u64>().ok().map(|_| text)
    };
    Some(shown.text.lines().filter_map(numbered).collect())
}

/// The first heading, or the first line that says anything.
pub(super) fn heading<'a>(lines: &[&'a str]) -> Option<&'a str> {
    let said = |line: &&&str| !line.trim().is_empty();
    let heading = lines.iter().find(|line| line.starts_with('#'));
    let line = heading.or_else(|| lines.iter().find(said))?;
    Some(line.trim_start_matches('#').trim())
}

/// Matching lines of the search: `path:line:text`.
pub(super) fn matches(notebook: &Notebook<'_>) -> usize {
    let lines = notebook.results("grep").flat_map(|done| done.text.lines());
    lines
        .filter(|line| {
            let number = line.split(':').nth(1);
            number.is_some_and(|number| number.parse::<u64>().is_ok())
        })
        .count()
}

/// A word of the task worth searching for.
pub(super) fn word(task: &str) -> &str {
    const DULL: &[&str] = &[
        "about", "have", "hello", "into", "please", "show", "that", "this", "tour", "what", "with",
        "would", "your",
    ];
    let words = task.split(|c: char| !c.is_ascii_alphanumeric());
    let telling =
        words.filter(|word| word.len() >= 4 && !DULL.contains(&word.to_ascii_lowercase().as_str()));
    telling.max_by_key(|word| word.len()).unwrap_or("TODO")
}
