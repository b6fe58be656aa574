//! `thymos ledger`: entries as lines, filtered by the same language as on screen.

use thymos_protocol::{Command, Replied};

use super::client::{Client, unexpected};
use super::ids;
use crate::args::LedgerArgs;
use crate::error::AppError;
use crate::out;
use crate::tell::{self, Detail};

pub(super) async fn print(client: &mut Client, args: &LedgerArgs) -> Result<u8, AppError> {
    let trajectory = match &args.run {
        Some(prefix) => Some(ids::trajectory(client, prefix).await?),
        None => None,
    };
    let filter = args.filter.join(" ");
    let page = match client.ask(Command::Find { trajectory, filter }).await? {
        Replied::Page(page) => page,
        other => return Err(unexpected(&other)),
    };
    for event in &page.events {
        if args.json {
            out::json(event)?;
            continue;
        }
        let told = tell::tell(event, Detail::Brief);
        let first = told.first().map_or("", String::as_str);
        out::line(&format!(
            "{:>7} {} {:>5} {} {:<16} {first}",
            event.index,
            event.trajectory.short(),
            event.seq,
            event.at_ms.clock(),
            event.kind
        ))?;
    }
    Ok(0)
}
