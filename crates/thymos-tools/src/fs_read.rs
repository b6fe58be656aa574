//! `fs_read`: shows a text file with line numbers. Changes nothing.

use async_trait::async_trait;
use rustix::io::Errno;
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::Arc;
use thymos_core::outcome::Outcome;
use thymos_core::resolved::{Access, Resolved};
use thymos_core::tool::ToolContract;
use thymos_ports::tool::{Look, ToolFault, ToolIo, Unresolvable};

use crate::args::{parse, reparse};
use crate::body::{Body, Call, failed, moved};
use crate::contract::{object, read_facts, reading};
use crate::image::{Content, path_fact, read};
use crate::limits::{FILE_CALL_MS, OBSERVATION_BYTES_MAX, READ_LINES_MAX};
use crate::text::{Traits, counted, lines, shown};
use crate::workspace::{Kind, PathFault, Workspace};

pub(crate) struct FsRead {
    workspace: Arc<Workspace>,
    contract: ToolContract,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Args {
    path: String,
    offset: Option<usize>,
    limit: Option<usize>,
}

impl FsRead {
    pub(crate) fn new(workspace: Arc<Workspace>) -> Self {
        let schema = object(
            json!({
                "path": {"type": "string", "minLength": 1, "description": "File to read, relative to the workspace."},
                "offset": {"type": "integer", "minimum": 1, "description": "First line to show, counting from 1. Default 1."},
                "limit": {"type": "integer", "minimum": 1, "maximum": READ_LINES_MAX, "description": "How many lines to show. Default and most: 2000."},
            }),
            &["path"],
        );
        let description = "Reads a text file of the workspace and shows its lines with their numbers. \
            The numbers and the tab after them are not part of the file. For a long file, ask for a \
            part with `offset` and `limit`. A binary file is told by size and digest only.";
        Self {
            workspace,
            contract: reading("fs_read", description, schema),
        }
    }
}

#[async_trait]
impl Body for FsRead {
    fn contract(&self) -> &ToolContract {
        &self.contract
    }

    fn look(&self, args: &Value, _look: &Look<'_>) -> Result<Resolved, Unresolvable> {
        let args: Args = parse(args)?;
        let place = existing(&self.workspace, &args.path)?;
        match place.kind {
            Kind::File => {}
            Kind::Folder => {
                let message = format!("`{}` is a folder", args.path);
                return Err(Unresolvable::with_hint(
                    message,
                    "look into it with `list_files`",
                ));
            }
            other => {
                let message = format!(
                    "`{}` is {} and cannot be read as a file",
                    args.path,
                    other.noun()
                );
                return Err(Unresolvable::new(message));
            }
        }
        let content = read(&self.workspace, &place.path)
            .map_err(|errno| PathFault::from_errno(errno).about(&args.path))?;
        let mut facts = read_facts(FILE_CALL_MS);
        facts
            .paths
            .push(path_fact(&place.path, Access::Read, content.image()));
        Ok(facts)
    }

    async fn act(&self, call: Call<'_>, _io: &mut ToolIo<'_>) -> Result<Outcome, ToolFault> {
        let args: Args = reparse(call.args)?;
        let Some(fact) = call.resolved.paths.first() else {
            return Err(failed("no path was resolved"));
        };
        let content = read(&self.workspace, &fact.path).map_err(|errno| match errno {
            Errno::LOOP
            | Errno::NOENT
            | Errno::NOTDIR
            | Errno::ISDIR
            | Errno::INVAL
            | Errno::XDEV => moved(format!(
                "`{}` is no longer the file that was looked at",
                fact.path
            )),
            other => failed(format!("`{}` cannot be read: {other}", fact.path)),
        })?;
        // A reader wants the file as it is, but nothing other than what was permitted.
        if content.image() != fact.before {
            return Err(moved(format!(
                "`{}` changed after it was looked at",
                fact.path
            )));
        }
        Ok(show(&fact.path, &content, &args))
    }
}

/// A place that must be there.
pub(crate) fn existing(
    workspace: &Workspace,
    path: &str,
) -> Result<crate::workspace::Place, Unresolvable> {
    let place = workspace.locate(path).map_err(|fault| fault.about(path))?;
    if place.kind == Kind::Missing {
        return Err(PathFault::Missing.about(path));
    }
    Ok(place)
}

fn show(path: &str, content: &Content, args: &Args) -> Outcome {
    let traits = Traits::of(&content.bytes);
    let size = usize::try_from(content.stat.st_size).unwrap_or(usize::MAX);
    let digest = content.image().map(|image| image.digest.to_string());
    if traits.binary {
        let digest = digest.unwrap_or_else(|| "unknown, too large".to_owned());
        let text = format!(
            "{path}: binary file, {}, digest {digest}",
            counted(size, "byte")
        );
        let mut outcome = Outcome::said(format!("{path} is binary"), text);
        outcome.data = Some(json!({"path": path, "size": size, "binary": true, "digest": digest}));
        return outcome;
    }
    let lines_total = lines(&content.bytes).count();
    let first = args.offset.unwrap_or(1).max(1);
    let wanted = args.limit.unwrap_or(READ_LINES_MAX).min(READ_LINES_MAX);
    let mut body = String::new();
    let (mut count, mut lines_cut) = (0, 0);
    for (index, line) in lines(&content.bytes)
        .enumerate()
        .skip(first - 1)
        .take(wanted)
    {
        let (text, cut) = shown(line);
        if body.len() + text.len() + 8 > OBSERVATION_BYTES_MAX {
            break;
        }
        lines_cut += usize::from(cut);
        count += 1;
        body.push_str(&format!("{:>6}\t{text}\n", index + 1));
    }
    let last = first + count - usize::from(count > 0);
    let mut head = vec![counted(lines_total, "line"), counted(size, "byte")];
    head.extend(traits.oddities().into_iter().map(str::to_owned));
    if !content.whole {
        head.push(format!(
            "only the first {} bytes were read",
            content.bytes.len()
        ));
    }
    if lines_cut > 0 {
        head.push(format!("{} cut with …", counted(lines_cut, "long line")));
    }
    if count == 0 && lines_total > 0 {
        head.push(format!("line {first} is past the end"));
    } else if count < lines_total {
        head.push(format!("lines {first}-{last} shown"));
    }
    let rest = first - 1 + count < lines_total;
    if rest && count > 0 {
        body.push_str(&format!(
            "[more follows: read on with offset {}]\n",
            last + 1
        ));
    }
    let mut outcome = Outcome::said(
        format!("read {path}, {}", counted(count, "line")),
        format!("{path}: {}\n{body}", head.join(", ")),
    );
    outcome.truncated = rest || lines_cut > 0 || !content.whole;
    outcome.data = Some(json!({
        "path": path, "size": size, "binary": false, "digest": digest,
        "lines_total": lines_total, "first": first, "last": last,
        "utf8": traits.utf8, "final_newline": traits.final_newline,
    }));
    outcome
}

#[cfg(test)]
mod tests;
