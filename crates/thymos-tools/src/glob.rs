//! `glob`: files whose path matches a pattern. Opens no file.

use async_trait::async_trait;
use globset::{GlobBuilder, GlobMatcher};
use rustix::fs::FileType;
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::Arc;
use thymos_core::outcome::Outcome;
use thymos_core::resolved::Resolved;
use thymos_core::tool::ToolContract;
use thymos_ports::tool::{Look, ToolFault, ToolIo, Unresolvable};

use crate::args::{here, parse, reparse};
use crate::body::{Body, Call, failed};
use crate::contract::{object, reading};
use crate::limits::WALK_DEPTH_MAX;
use crate::list_files::{Listing, folder_facts, start, unwalkable};
use crate::walk::{Onward, Walk, walk};
use crate::workspace::Workspace;

pub(crate) struct Glob {
    workspace: Arc<Workspace>,
    contract: ToolContract,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Args {
    pattern: String,
    #[serde(default = "here")]
    path: String,
    #[serde(default)]
    hidden: bool,
}

impl Glob {
    pub(crate) fn new(workspace: Arc<Workspace>) -> Self {
        let schema = object(
            json!({
                "pattern": {"type": "string", "minLength": 1, "maxLength": 1000, "description": "Pattern over paths below `path`, such as `**/*.rs` or `src/*.{ts,tsx}`. `*` stops at `/`, `**` does not. A pattern without `/` is looked for at any depth."},
                "path": {"type": "string", "minLength": 1, "description": "Folder to look in, relative to the workspace. Default: the workspace."},
                "hidden": {"type": "boolean", "description": "Whether to include names with a leading dot. Default false."},
            }),
            &["pattern"],
        );
        let description = "Finds files by a pattern over their paths, one path a line, in order. \
            What `.gitignore` names is left out, and so is `.git`.";
        Self {
            workspace,
            contract: reading("glob", description, schema),
        }
    }
}

#[async_trait]
impl Body for Glob {
    fn contract(&self) -> &ToolContract {
        &self.contract
    }

    fn look(&self, args: &Value, _look: &Look<'_>) -> Result<Resolved, Unresolvable> {
        let args: Args = parse(args)?;
        matcher(&args.pattern)?;
        folder_facts(&self.workspace, &args.path)
    }

    async fn act(&self, call: Call<'_>, io: &mut ToolIo<'_>) -> Result<Outcome, ToolFault> {
        let args: Args = reparse(call.args)?;
        let matcher = matcher(&args.pattern).map_err(|why| failed(why.message))?;
        let start = start(call.resolved)?;
        let request = Walk {
            start,
            hidden: args.hidden,
            depth_max: WALK_DEPTH_MAX,
        };
        let mut listing = Listing::default();
        let walked = walk(&self.workspace, request, &io.cancel, &mut |found| {
            let fits =
                found.kind != FileType::Directory && matcher.is_match(below(start, found.path));
            if fits {
                listing.take(found)
            } else {
                Onward::Continue
            }
        });
        listing.finish(start, walked.map_err(|errno| unwalkable(start, errno))?)
    }
}

/// A path as seen from the folder where the search began.
pub(crate) fn below<'a>(start: &str, path: &'a str) -> &'a str {
    let rest = path
        .strip_prefix(start)
        .and_then(|rest| rest.strip_prefix('/'));
    rest.unwrap_or(path)
}

/// A pattern over paths; one without `/` matches at any depth.
pub(crate) fn matcher(pattern: &str) -> Result<GlobMatcher, Unresolvable> {
    let pattern = pattern.strip_prefix("./").unwrap_or(pattern);
    let anywhere = if pattern.contains('/') {
        pattern.to_owned()
    } else {
        format!("**/{pattern}")
    };
    let glob = GlobBuilder::new(&anywhere).literal_separator(true).build();
    glob.map(|glob| glob.compile_matcher()).map_err(|why| {
        let message = format!("`{pattern}` is no pattern: {}", why.kind());
        Unresolvable::with_hint(message, "use `*`, `**`, `?`, `[ab]` and `{a,b}`")
    })
}
