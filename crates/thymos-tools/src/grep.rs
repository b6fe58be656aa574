//! `grep`: lines that match a regular expression. Changes nothing.

use async_trait::async_trait;
use globset::GlobMatcher;
use grep_regex::{RegexMatcher, RegexMatcherBuilder};
use grep_searcher::{
    BinaryDetection, Searcher, SearcherBuilder, Sink, SinkContext, SinkFinish, SinkMatch,
};
use rustix::fs::FileType;
use serde::Deserialize;
use serde_json::{Value, json};
use std::io;
use std::sync::Arc;
use thymos_core::outcome::Outcome;
use thymos_core::resolved::{Access, Resolved};
use thymos_core::tool::ToolContract;
use thymos_ports::tool::{Look, ToolFault, ToolIo, Unresolvable};
use tokio_util::sync::CancellationToken;

use crate::args::{here, parse, reparse};
use crate::body::{Body, Call, cancelled, failed, moved};
use crate::contract::{object, read_facts, reading};
use crate::fs_read::existing;
use crate::glob::{below, matcher};
use crate::image::path_fact;
use crate::limits::{
    GREP_FILE_BYTES_MAX, GREP_MATCHES_MAX, OBSERVATION_BYTES_MAX, PATTERN_BYTES_MAX, WALK_CALL_MS,
    WALK_DEPTH_MAX,
};
use crate::list_files::{start, unwalkable};
use crate::text::{counted, shown};
use crate::walk::{Found, Onward, Walk, Walked, walk};
use crate::workspace::{Fence, Kind, Workspace};

pub(crate) struct Grep {
    workspace: Arc<Workspace>,
    contract: ToolContract,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Args {
    pattern: String,
    #[serde(default = "here")]
    path: String,
    glob: Option<String>,
    #[serde(default)]
    case: Case,
    #[serde(default)]
    context: usize,
}

#[derive(Debug, Default, Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Case {
    #[default]
    Smart,
    Sensitive,
    Insensitive,
}

impl Grep {
    pub(crate) fn new(workspace: Arc<Workspace>) -> Self {
        let schema = object(
            json!({
                "pattern": {"type": "string", "minLength": 1, "maxLength": 4000, "description": "Regular expression, matched line by line. Escape `.`, `(`, `[` and the like to mean themselves."},
                "path": {"type": "string", "minLength": 1, "description": "Folder or file to search, relative to the workspace. Default: the workspace."},
                "glob": {"type": "string", "minLength": 1, "maxLength": 1000, "description": "Only files whose path matches, such as `*.rs` or `src/**/*.ts`."},
                "case": {"enum": ["smart", "sensitive", "insensitive"], "description": "`smart`, the default, ignores case unless the pattern has an upper case letter."},
                "context": {"type": "integer", "minimum": 0, "maximum": 10, "description": "Lines to show before and after each match. Default 0."},
            }),
            &["pattern"],
        );
        let description = "Searches the files of the workspace for a regular expression. Shows matches \
            as `path:line:text` and context as `path-line-text`. What `.gitignore` names, hidden and \
            binary files are left out.";
        Self {
            workspace,
            contract: reading("grep", description, schema),
        }
    }
}

#[async_trait]
impl Body for Grep {
    fn contract(&self) -> &ToolContract {
        &self.contract
    }

    fn look(&self, args: &Value, _look: &Look<'_>) -> Result<Resolved, Unresolvable> {
        let args: Args = parse(args)?;
        regex(&args.pattern, args.case)?;
        args.glob.as_deref().map(matcher).transpose()?;
        let place = existing(&self.workspace, &args.path)?;
        if !matches!(place.kind, Kind::File | Kind::Folder) {
            let message = format!(
                "`{}` is {} and cannot be searched",
                args.path,
                place.kind.noun()
            );
            return Err(Unresolvable::new(message));
        }
        let mut facts = read_facts(WALK_CALL_MS);
        facts.paths.push(path_fact(&place.path, Access::Read, None));
        Ok(facts)
    }

    async fn act(&self, call: Call<'_>, io: &mut ToolIo<'_>) -> Result<Outcome, ToolFault> {
        let args: Args = reparse(call.args)?;
        let start = start(call.resolved)?;
        let unresolved = |why: Unresolvable| failed(why.message);
        let mut search = Search {
            workspace: &self.workspace,
            regex: regex(&args.pattern, args.case).map_err(unresolved)?,
            glob: args
                .glob
                .as_deref()
                .map(matcher)
                .transpose()
                .map_err(unresolved)?,
            start,
            searcher: SearcherBuilder::new()
                .line_number(true)
                .binary_detection(BinaryDetection::quit(0))
                .before_context(args.context)
                .after_context(args.context)
                .build(),
            hits: Hits::new(&io.cancel),
        };
        let walked = match self.workspace.open_file(start) {
            Ok((_, stat)) => {
                if Fence::of(&self.workspace).closes(start, Some(&stat)) {
                    return Err(moved(format!("`{start}` is protected by now")));
                }
                search.file(start);
                Walked {
                    cancelled: io.cancel.is_cancelled(),
                    ..Walked::default()
                }
            }
            Err(_) => {
                let request = Walk {
                    start,
                    hidden: false,
                    depth_max: WALK_DEPTH_MAX,
                };
                walk(&self.workspace, request, &io.cancel, &mut |found| {
                    search.visit(found)
                })
                .map_err(|errno| unwalkable(start, errno))?
            }
        };
        search.hits.finish(walked)
    }
}

fn regex(pattern: &str, case: Case) -> Result<RegexMatcher, Unresolvable> {
    RegexMatcherBuilder::new()
        .case_smart(matches!(case, Case::Smart))
        .case_insensitive(matches!(case, Case::Insensitive))
        .line_terminator(Some(b'\n'))
        .size_limit(PATTERN_BYTES_MAX)
        .dfa_size_limit(PATTERN_BYTES_MAX)
        .build(pattern)
        .map_err(|why| {
            let why = why.to_string();
            let why = why
                .lines()
                .last()
                .unwrap_or_default()
                .trim_start_matches("error: ");
            let hint = r"escape signs that should mean themselves, such as `\(` or `\.`";
            Unresolvable::with_hint(format!("`{pattern}` is no regular expression: {why}"), hint)
        })
}

struct Search<'a> {
    workspace: &'a Workspace,
    regex: RegexMatcher,
    glob: Option<GlobMatcher>,
    start: &'a str,
    searcher: Searcher,
    hits: Hits<'a>,
}

impl Search<'_> {
    fn visit(&mut self, found: &Found<'_>) -> Onward {
        let fits = |glob: &GlobMatcher| glob.is_match(below(self.start, found.path));
        if found.kind != FileType::RegularFile || !self.glob.as_ref().is_none_or(fits) {
            return Onward::Continue;
        }
        if found.protected {
            self.hits.protected += 1;
        } else if found.stat.st_size.unsigned_abs() > GREP_FILE_BYTES_MAX {
            self.hits.large += 1;
        } else {
            self.file(found.path);
        }
        if self.hits.full {
            Onward::Stop
        } else {
            Onward::Continue
        }
    }

    fn file(&mut self, path: &str) {
        // By descriptor: a name that became a link since it was seen is not followed.
        let Ok((file, _)) = self.workspace.open_file(path) else {
            self.hits.unreadable += 1;
            return;
        };
        self.hits.files += 1;
        let sink = FileHits {
            path,
            hits: &mut self.hits,
            any: false,
        };
        if self.searcher.search_file(&self.regex, &file, sink).is_err() {
            self.hits.unreadable += 1;
        }
    }
}

struct Hits<'a> {
    cancel: &'a CancellationToken,
    text: String,
    matches: usize,
    files: usize,
    files_hit: usize,
    lines_cut: usize,
    protected: usize,
    large: usize,
    binary: usize,
    unreadable: usize,
    full: bool,
}

impl<'a> Hits<'a> {
    fn new(cancel: &'a CancellationToken) -> Self {
        Self {
            cancel,
            text: String::new(),
            matches: 0,
            files: 0,
            files_hit: 0,
            lines_cut: 0,
            protected: 0,
            large: 0,
            binary: 0,
            unreadable: 0,
            full: false,
        }
    }

    fn line(&mut self, path: &str, number: Option<u64>, mark: char, line: &[u8]) -> bool {
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        let (text, cut) = shown(line.strip_suffix(b"\r").unwrap_or(line));
        let row = format!("{path}{mark}{}{mark}{text}\n", number.unwrap_or(0));
        if self.text.len() + row.len() > OBSERVATION_BYTES_MAX {
            self.full = true;
            return false;
        }
        self.lines_cut += usize::from(cut);
        self.text.push_str(&row);
        !self.cancel.is_cancelled()
    }

    fn finish(mut self, walked: Walked) -> Result<Outcome, ToolFault> {
        if walked.cancelled {
            return Err(cancelled());
        }
        let mut notes = walked.notes();
        let skipped = [
            (self.protected, "protected file"),
            (self.large, "large file"),
            (self.binary, "binary file"),
            (self.unreadable, "unreadable file"),
        ];
        for (count, noun) in skipped.into_iter().filter(|(count, _)| *count > 0) {
            notes.push(format!("{} not searched", counted(count, noun)));
        }
        if self.full {
            notes.push(format!(
                "stopped after {}; narrow the search",
                counted(self.matches, "match")
            ));
        }
        if self.lines_cut > 0 {
            notes.push(format!(
                "{} cut with …",
                counted(self.lines_cut, "long line")
            ));
        }
        if self.matches == 0 {
            notes.insert(0, format!("no match in {}", counted(self.files, "file")));
        }
        for note in notes {
            self.text.push_str(&format!("[{note}]\n"));
        }
        let summary = format!(
            "{} in {}",
            counted(self.matches, "match"),
            counted(self.files_hit, "file")
        );
        let mut outcome = Outcome::said(summary, self.text);
        outcome.truncated = self.full || walked.limited || self.lines_cut > 0;
        outcome.data = Some(json!({
            "matches": self.matches, "files": self.files_hit, "files_searched": self.files,
            "truncated": self.full || walked.limited,
        }));
        Ok(outcome)
    }
}

struct FileHits<'h, 'a> {
    path: &'h str,
    hits: &'h mut Hits<'a>,
    any: bool,
}

impl Sink for FileHits<'_, '_> {
    type Error = io::Error;

    fn matched(&mut self, _: &Searcher, found: &SinkMatch<'_>) -> io::Result<bool> {
        if self.hits.matches >= GREP_MATCHES_MAX {
            self.hits.full = true;
            return Ok(false);
        }
        let onward = self
            .hits
            .line(self.path, found.line_number(), ':', found.bytes());
        if !self.hits.full {
            self.hits.matches += 1;
            self.hits.files_hit += usize::from(!self.any);
            self.any = true;
        }
        Ok(onward)
    }

    fn context(&mut self, _: &Searcher, near: &SinkContext<'_>) -> io::Result<bool> {
        Ok(self
            .hits
            .line(self.path, near.line_number(), '-', near.bytes()))
    }

    fn context_break(&mut self, _: &Searcher) -> io::Result<bool> {
        self.hits.text.push_str("--\n");
        Ok(true)
    }

    fn finish(&mut self, _: &Searcher, end: &SinkFinish) -> io::Result<()> {
        self.hits.binary += usize::from(end.binary_byte_offset().is_some());
        Ok(())
    }
}

#[cfg(test)]
mod tests;
