//! `thymos ledger`: entries as lines, filtered by the same language as on screen.

use thymos_protocol::Event;

use super::client::Client;
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
    let print = |events: Vec<Event>| events.iter().try_for_each(|one| line(one, args.json));
    client.find_each(trajectory, &filter, print).await?;
    Ok(0)
}

fn line(event: &Event, json: bool) -> Result<(), AppError> {
    if json {
        return out::json(event);
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
    ))
}
