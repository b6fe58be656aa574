//! `thymos writ`: makes, checks, signs and ends writs in files. Grants nothing by itself: what is
//! signed here counts only as far as its chain does.

use std::path::Path;

use thymos_compiler::{CheckedChain, flaws};
use thymos_core::budget::Budget;
use thymos_core::tool::ToolContract;
use thymos_core::writ::{SignedWrit, Writ};
use thymos_core::{Timestamp, TrajectoryId, WritId};
use thymos_ports::Clock;
use thymos_protocol::{BudgetBar, Command, NotUsed, Replied, Under, WritFound, WritStanding};

use super::Setting;
use super::client::{Client, unexpected};
use super::ids;
use crate::args::{SignWritArgs, WritVerb};
use crate::config::{Config, TENANT_HINT, is_tenant};
use crate::error::{AppError, ErrorKind};
use crate::near::nearest;
use crate::out;
use crate::strict;
use crate::system::{OsEntropy, SystemClock};
use crate::wire::explain::{Asked, Call, Said, explain};
use crate::wire::trust::TrustFile;
use crate::wire::{keys, tool_contracts, writs};

mod make;

pub(super) use make::{budget, duration};

/// The limits of a session's writ in words, as `--budget` takes them.
pub(super) fn budget_words(bars: &[BudgetBar]) -> String {
    let limit = |dimension| {
        let bar = bars.iter().find(|bar| bar.dimension == dimension)?;
        bar.limit
    };
    make::budget_words(&Budget::each(limit))
}

pub(super) async fn perform(
    client: &mut Client,
    setting: &Setting<'_>,
    verb: &WritVerb,
) -> Result<u8, AppError> {
    match verb {
        WritVerb::New(args) => {
            let like = args.like.as_deref().map(body_of).transpose()?;
            make::new(setting, args, like)
        }
        WritVerb::Show { writ } => show(&chain_of(client, writ).await?),
        WritVerb::Check { file } => check(client, setting, file).await,
        WritVerb::Sign(args) => sign(client, setting, args).await,
        WritVerb::Revoke { writ, reason } => revoke(client, writ, reason).await,
        WritVerb::Explain { writ, tool, args } => {
            let chain = chain_of(client, writ).await?;
            let standing = standing(client, &chain).await?;
            explained(setting, chain, &standing, (tool, args)).await
        }
        WritVerb::Simulate { file, run, json } => {
            simulate(client, setting, file, run.as_deref(), *json).await
        }
        WritVerb::Close { writ } => close(client, writ).await,
        WritVerb::Ls { run: None, json } => list(client, *json).await,
        WritVerb::Ls {
            run: Some(run),
            json,
        } => list_run(client, run, *json).await,
    }
}

/// What a file holds.
enum WritFile {
    Unsigned(Box<Writ>),
    Chain(Vec<SignedWrit>),
}

/// A bare object is an unsigned writ, with a signature a root writ; a list is a chain, root first.
fn read(file: &Path) -> Result<WritFile, AppError> {
    let text = strict::text("writ", file)?;
    let shown = file.display().to_string();
    let value: serde_json::Value = strict::parse("writ", &shown, &text)?;
    if let Some(links) = value.as_array() {
        if links.is_empty() {
            let message = format!("writ `{shown}` is an empty list");
            return Err(AppError::new(ErrorKind::User, message)
                .hint("a chain is a list of 1 to 16 signed writs, root first"));
        }
        return strict::parse("writ", &shown, &text).map(WritFile::Chain);
    }
    if value.get("signature").is_some() {
        let one = strict::parse("writ", &shown, &text)?;
        return Ok(WritFile::Chain(vec![one]));
    }
    let writ = strict::parse("writ", &shown, &text)?;
    Ok(WritFile::Unsigned(Box::new(writ)))
}

/// The last writ of a file, signed or not.
fn body_of(file: &Path) -> Result<Writ, AppError> {
    let writ = match read(file)? {
        WritFile::Unsigned(writ) => Some(*writ),
        WritFile::Chain(chain) => chain.into_iter().next_back().map(|link| link.writ),
    };
    writ.ok_or_else(|| {
        let message = format!("writ `{}` holds no writ", file.display());
        AppError::new(ErrorKind::User, message).hint("name a file that holds one")
    })
}

/// The signed chain of a file.
pub(super) fn signed(file: &Path) -> Result<Vec<SignedWrit>, AppError> {
    match read(file)? {
        WritFile::Chain(chain) => Ok(chain),
        WritFile::Unsigned(writ) => {
            let message = format!("writ `{}` is not signed, and gives no authority", writ.name);
            Err(AppError::new(ErrorKind::Refused, message)
                .hint(format!("thymos writ sign {} > signed.json", file.display())))
        }
    }
}

/// The signed chain of a file, if it gives authority now.
pub(super) fn usable(config: &Config, file: &Path) -> Result<Vec<SignedWrit>, AppError> {
    let chain = signed(file)?;
    in_order(config, &chain, SystemClock.now())?;
    Ok(chain)
}

/// Opens a new trajectory that works under a file, with all that is left of its budget.
pub(super) async fn begin(
    client: &mut Client,
    config: &Config,
    file: &Path,
) -> Result<TrajectoryId, AppError> {
    let under = Under::Writ {
        chain: usable(config, file)?,
        share: Budget::unlimited(),
    };
    let skills = Vec::new();
    match client.ask(Command::New { under, skills }).await? {
        Replied::Opened(status) => Ok(status.trajectory),
        other => Err(not_done(other)),
    }
}

/// A chain by file or by id.
async fn chain_of(client: &mut Client, writ: &str) -> Result<Vec<SignedWrit>, AppError> {
    if Path::new(writ).exists() || writ == "-" {
        return match read(Path::new(writ))? {
            WritFile::Chain(chain) => Ok(chain),
            WritFile::Unsigned(_) => signed(Path::new(writ)),
        };
    }
    Ok(found(client, writ).await?.chain)
}

pub(super) async fn found(client: &mut Client, prefix: &str) -> Result<WritFound, AppError> {
    // No id is written so: a file is meant, and whoever calls has looked for it.
    if prefix.contains(['.', '/']) {
        let shown: String = prefix.chars().take(80).collect();
        let message = format!("there is no writ file `{shown}`");
        return Err(AppError::new(ErrorKind::User, message)
            .hint("check the path, or give an id that `thymos writ ls` lists"));
    }
    let rows = match client
        .ask(Command::FindWrits {
            prefix: prefix.to_lowercase(),
        })
        .await?
    {
        Replied::WritsFound(rows) => rows,
        other => return Err(unexpected(&other)),
    };
    let all = rows.iter().map(|row| (row.id.to_string(), row));
    ids::unique("writ", prefix, all)
        .cloned()
        .map_err(|error| match error.hints.is_empty() {
            true => error.hint("name a file, or an id that `thymos writ ls` lists"),
            false => error,
        })
}

/// What the ledger knows of a chain.
async fn standing(client: &mut Client, chain: &[SignedWrit]) -> Result<WritStanding, AppError> {
    let chain = chain.iter().filter_map(|link| link.id().ok()).collect();
    match client.ask(Command::WritStanding { chain }).await? {
        Replied::WritStanding(standing) => Ok(standing),
        other => Err(unexpected(&other)),
    }
}

fn refused(message: impl Into<String>) -> AppError {
    AppError::new(ErrorKind::Refused, message)
}

fn show(chain: &[SignedWrit]) -> Result<u8, AppError> {
    for (depth, link) in chain.iter().enumerate() {
        let (writ, indent) = (&link.writ, "  ".repeat(depth));
        let id = link
            .id()
            .map_or_else(|_| "no id".to_owned(), |id| id.short());
        out::line(&format!(
            "{indent}{}  {id}  from {} to {}",
            out::safe(&writ.name),
            out::safe(&writ.issuer.name),
            out::safe(&writ.subject.name)
        ))?;
        for grant in &writ.grants {
            out::line(&format!(
                "{indent}  grants {}",
                out::safe(&writs::words(grant))
            ))?;
        }
        let rules = writ
            .preset
            .map(|mode| format!("{indent}  rules of {mode} mode"));
        for line in rules.iter() {
            out::line(line)?;
        }
        let end = writ.window.expires_at;
        let end = end.map_or_else(|| "never".to_owned(), |end| end.to_string());
        out::line(&format!("{indent}  effects {}, ends {end}", writ.effects))?;
        out::line(&format!(
            "{indent}  budget {}",
            make::budget_words(&writ.budget)
        ))?;
        let below = match writ.delegation.may_subdivide {
            true => format!("{} more levels", writ.delegation.max_depth),
            false => "no further".to_owned(),
        };
        out::line(&format!("{indent}  may be divided: {below}"))?;
    }
    Ok(0)
}

/// `[P5]` What the past would have been under a file.
async fn simulate(
    client: &mut Client,
    setting: &Setting<'_>,
    file: &Path,
    run: Option<&str>,
    json: bool,
) -> Result<u8, AppError> {
    let read = read(file)?;
    let tools = tool_contracts(setting.env, setting.config, setting.directory)?;
    let (links, candidate): (Vec<&Writ>, _) = match &read {
        WritFile::Unsigned(writ) => (vec![writ], serde_json::to_value(writ)),
        WritFile::Chain(chain) => (
            chain.iter().map(|link| &link.writ).collect(),
            serde_json::to_value(chain),
        ),
    };
    sound(&links, &tools)?;
    let candidate = candidate.map_err(|e| AppError::new(ErrorKind::Internal, e.to_string()))?;
    super::policy::simulate(client, candidate, run, json).await
}

async fn check(client: &mut Client, setting: &Setting<'_>, file: &Path) -> Result<u8, AppError> {
    let read = read(file)?;
    let tools = tool_contracts(setting.env, setting.config, setting.directory)?;
    let links: Vec<&Writ> = match &read {
        WritFile::Unsigned(writ) => vec![writ],
        WritFile::Chain(chain) => chain.iter().map(|link| &link.writ).collect(),
    };
    sound(&links, &tools)?;
    for line in never_matching(&links, &tools) {
        out::line(&format!("note: {}", out::safe(&line)))?;
    }
    if let WritFile::Unsigned(writ) = &read
        && let Some(fault) = thymos_compiler::check_examples(writ).into_iter().next()
    {
        return Err(refused(format!("`examples`: {fault}"))
            .hint("correct the grants, or the example that they do not keep"));
    }
    let chain = signed(file)?;
    in_order(setting.config, &chain, SystemClock.now())?;
    let standing = standing(client, &chain).await?;
    if let Some(cut) = chain
        .iter()
        .find(|link| link.id().is_ok_and(|id| standing.revoked.contains(&id)))
    {
        let message = format!("writ `{}` is revoked", cut.writ.name);
        let hint = hint_of(&message);
        return Err(refused(message).hint(hint));
    }
    let count = match chain.len() {
        1 => "1 link".to_owned(),
        more => format!("{more} links"),
    };
    out::line(&format!(
        "sound: {count}, every example holds, signed by a trusted key"
    ))?;
    Ok(0)
}

/// `[W1]` `[W3]` The first thing that keeps a chain from giving authority now.
fn in_order(config: &Config, chain: &[SignedWrit], now: Timestamp) -> Result<(), AppError> {
    let trust = TrustFile::read(&config.paths)?;
    let roots = trust.map(|trust| trust.roots()).unwrap_or_default();
    let checked = CheckedChain::check(chain.to_vec(), &roots);
    if let Some(fault) = checked.faults().first() {
        return Err(refused(fault.clone()).hint(hint_of(fault)));
    }
    for (at, link) in chain.iter().enumerate() {
        if let Some(end) = link.writ.window.expires_at.filter(|end| now >= *end) {
            return Err(refused(format!("link {at} `window`: it ended {end}"))
                .hint("sign a new one with a later end"));
        }
    }
    Ok(())
}

fn hint_of(fault: &str) -> &'static str {
    if fault.contains("`v`: version") {
        "use the newer thymos that wrote it, or make one anew: thymos writ new"
    } else if fault.contains("`nonce`") {
        "`thymos writ new` draws one: 32 digits of lower-case hex"
    } else if fault.contains("the first writ of a chain has none") {
        "put the writ above it first, or sign it without a parent: thymos writ sign FILE"
    } else if fault.contains("`tenant`: it is for") {
        "name the tenant that it is for with --tenant, or sign one for this"
    } else if fault.contains("`window`: it begins") {
        "wait until then, or sign one that begins earlier"
    } else if fault.contains("are more than") {
        "say the same with fewer grants: a tool may be a glob"
    } else if fault.contains("`pre_answer`") {
        "it is no writ file: thymos approvals approve ID --scope makes such, and uses it"
    } else if fault.contains("trust roots") {
        "ask its owner, and only then: thymos keys trust NAME KEY"
    } else if fault.contains("did not sign") {
        "it was changed after it was signed; sign it again"
    } else if fault.contains("revoked already") || fault.contains("nothing is in force") {
        "nothing is left to do; for new work sign a new one"
    } else if fault.contains("revoked") || fault.contains("it ended") {
        "sign a new one"
    } else if fault.contains("it ends before") {
        "sign one with a later end"
    } else if fault.contains(".must`") {
        "correct that condition; nothing could meet it as it stands"
    } else if fault.contains("no writ was") || fault.contains("is longer than") {
        "a chain is a list of 1 to 16 signed writs, root first"
    } else if fault.contains("`subject`") {
        "ask for one whose subject is your own key: thymos keys show"
    } else if fault.contains("`delegation`: it may") {
        "sign it with `may_subdivide` true and a `max_depth` of at least 1"
    } else if fault.contains("name`: a name has") {
        "people read it in lists: give it a short one"
    } else if fault.contains("`examples") {
        "correct the grants, or the example that they do not keep"
    } else {
        "a child only narrows: correct that field and sign it again"
    }
}

/// `[W2]` `[W3]` What a person wrote and cannot have meant; a name that nobody knows is told apart.
fn sound(links: &[&Writ], tools: &[ToolContract]) -> Result<(), AppError> {
    let tools: Vec<&ToolContract> = tools.iter().collect();
    let Some(flaw) = flaws(links, &tools).into_iter().next() else {
        return Ok(());
    };
    let Some((name, known)) = &flaw.unknown else {
        let said = flaw.to_string();
        let hint = hint_of(&said);
        return Err(refused(said).hint(hint));
    };
    let near = nearest(name, known.iter().map(String::as_str));
    let hint = match near {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("known are: {}", known.join(", ")),
    };
    Err(AppError::new(ErrorKind::User, flaw.to_string()).hint(hint))
}

/// `[W2]` Globs of grants that no tool is called by.
fn never_matching(links: &[&Writ], tools: &[ToolContract]) -> Vec<String> {
    let mut notes = Vec::new();
    for (at, writ) in links.iter().enumerate() {
        for grant in &writ.grants {
            let mut called = tools.iter();
            if !called.any(|tool| thymos_policy::matching::glob(&grant.tool, &tool.name)) {
                let tool = &grant.tool;
                notes.push(format!(
                    "link {at} grants `{tool}`, and no tool is called so"
                ));
            }
        }
    }
    notes
}

async fn sign(
    client: &mut Client,
    setting: &Setting<'_>,
    args: &SignWritArgs,
) -> Result<u8, AppError> {
    let WritFile::Unsigned(mut writ) = read(&args.file)? else {
        return Err(
            AppError::new(ErrorKind::User, "this writ is signed already")
                .hint("take an unsigned one: thymos writ new"),
        );
    };
    let (own, trust) = keys::operator(
        &setting.config.paths,
        &setting.config.operator.value,
        &OsEntropy,
    )?;
    let key = match &args.key {
        Some(file) => keys::read(file)?,
        None => own,
    };
    if !is_tenant(&writ.tenant) {
        let shown: String = writ.tenant.chars().take(80).collect();
        let message = format!("writ `{}`: `{shown}` is not a tenant's name", writ.name);
        return Err(AppError::new(ErrorKind::User, message).hint(TENANT_HINT));
    }
    writ.issuer.key = key.public();
    if let Some(name) = trust.name_of(&writ.issuer.key) {
        name.clone_into(&mut writ.issuer.name);
    }
    let tools = tool_contracts(setting.env, setting.config, setting.directory)?;
    let mut chain = match &args.parent {
        Some(parent) => chain_of(client, parent).await?,
        None => Vec::new(),
    };
    let inexact = |e: thymos_core::canonical::InvalidJson| {
        AppError::new(ErrorKind::User, format!("the writ cannot be kept: {e}"))
    };
    if let Some(parent) = chain.last() {
        writ.parent = Some(parent.id().map_err(inexact)?);
    }
    chain.push(writ.sign(&key).map_err(inexact)?);
    let links: Vec<&Writ> = chain.iter().map(|link| &link.writ).collect();
    sound(&links, &tools)?;
    in_order(setting.config, &chain, SystemClock.now())?;
    let text = serde_json::to_string_pretty(&chain)
        .map_err(|e| AppError::new(ErrorKind::Internal, e.to_string()))?;
    out::line(&text)?;
    Ok(0)
}

/// A reply that says whether something was done.
pub(super) fn done(replied: Replied) -> Result<(), AppError> {
    match replied {
        Replied::Accepted => Ok(()),
        other => Err(not_done(other)),
    }
}

/// Why it was not.
pub(super) fn not_done(replied: Replied) -> AppError {
    match replied {
        Replied::NotUsed(NotUsed::Authority(no)) => {
            let hint = hint_of(&no);
            refused(no).hint(hint)
        }
        Replied::NotUsed(NotUsed::Budget { why, shares }) => {
            let hint = short_of(&why, &shares);
            AppError::new(ErrorKind::Budget, why).hint(hint)
        }
        other => unexpected(&other),
    }
}

/// What to do where not enough is left.
fn short_of(why: &str, shares: &[WritId]) -> String {
    if why.starts_with("a share without") {
        return "leave it out of --budget, or ask for some of it".to_owned();
    }
    let Some(first) = shares.first() else {
        return "take less with --budget, or sign a new one with more".to_owned();
    };
    let id: String = first.to_string().chars().take(12).collect();
    let more = match shares.len() {
        1 => String::new(),
        many => format!(" (one of {many}; `thymos writ ls` lists them)"),
    };
    format!("take less with --budget, or end a share that a run has: thymos writ close {id}{more}")
}

async fn revoke(client: &mut Client, writ: &str, reason: &str) -> Result<u8, AppError> {
    let reason = reason.to_owned();
    let command = if Path::new(writ).exists() {
        let chain = signed(Path::new(writ))?;
        Command::RevokeChain { chain, reason }
    } else {
        let found = found(client, writ).await?;
        Command::Revoke {
            trajectory: found.trajectory,
            writ: found.id,
            reason,
        }
    };
    done(client.ask(command).await?)?;
    out::talk("thymos: revoked, with everything below it");
    Ok(0)
}

async fn explained(
    setting: &Setting<'_>,
    chain: Vec<SignedWrit>,
    standing: &WritStanding,
    (tool, args): (&str, &str),
) -> Result<u8, AppError> {
    let args = strict::parse("the arguments", "--args", args)?;
    let asked = Asked {
        chain,
        standing,
        call: Call { tool, args: &args },
    };
    let (trace, said) = explain(setting.env, setting.config, setting.directory, asked).await?;
    for line in &trace.lines {
        let rule = line.rule.as_ref().map(|rule| format!(" {rule}:"));
        out::line(&format!(
            "{:<4} {:<7}{} {}",
            line.clause.to_string(),
            format!("{:?}", line.ruling).to_lowercase(),
            out::safe(&rule.unwrap_or_default()),
            out::safe(&line.said)
        ))?;
    }
    Ok(match said {
        Said::Cleared => {
            out::line("it would go ahead")?;
            0
        }
        Said::Held => {
            out::line("a person would be asked")?;
            10
        }
        Said::Refused(least) => {
            out::line("it would be refused")?;
            if let Some(least) = least {
                out::line(&format!("would allow it: {}", out::safe(&least)))?;
            }
            11
        }
    })
}

async fn close(client: &mut Client, writ: &str) -> Result<u8, AppError> {
    let found = found(client, writ).await?;
    let trajectory = found.session.unwrap_or(found.trajectory);
    done(client.ask(Command::CloseWrit { trajectory }).await?)?;
    out::talk("thymos: closed; what was not used can be taken again");
    Ok(0)
}

async fn list(client: &mut Client, json: bool) -> Result<u8, AppError> {
    let prefix = String::new();
    let rows = match client.ask(Command::FindWrits { prefix }).await? {
        Replied::WritsFound(rows) => rows,
        other => return Err(unexpected(&other)),
    };
    for row in &rows {
        if json {
            out::json(row)?;
        } else if let Some(link) = row.chain.last() {
            let id: String = row.id.to_string().chars().take(12).collect();
            let state = if row.revoked { "revoked" } else { "issued" };
            out::line(&format!(
                "{id}  {state:<8} {:<12} from {} to {}, effects {}",
                out::safe(&link.writ.name),
                out::safe(&link.writ.issuer.name),
                out::safe(&link.writ.subject.name),
                link.writ.effects
            ))?;
        }
    }
    Ok(0)
}

async fn list_run(client: &mut Client, run: &str, json: bool) -> Result<u8, AppError> {
    let trajectory = ids::trajectory(client, run).await?;
    let rows = match client.ask(Command::Writs { trajectory }).await? {
        Replied::Writs(rows) => rows,
        other => return Err(unexpected(&other)),
    };
    for row in &rows {
        if json {
            out::json(row)?;
            continue;
        }
        let id: String = row.id.to_string().chars().take(12).collect();
        let indent = "  ".repeat(row.depth as usize);
        out::line(&format!(
            "{id}  {:<8} {indent}{} from {} to {}, effects {}",
            row.state.word(),
            out::safe(&row.name),
            out::safe(&row.issuer),
            out::safe(&row.subject),
            row.effects
        ))?;
        for remark in &row.remarks {
            out::line(&format!(
                "              {indent}note: {}",
                out::safe(remark)
            ))?;
        }
    }
    Ok(0)
}
