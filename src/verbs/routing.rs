//! `thymos routing`: which model was chosen for each call and what came of it, without the work.

use thymos_protocol::{Command, Replied};

use super::client::{Client, unexpected};
use super::ids;
use crate::args::RoutingArgs;
use crate::error::AppError;
use crate::out;

pub(super) async fn export(client: &mut Client, args: &RoutingArgs) -> Result<u8, AppError> {
    let trajectory = match &args.run {
        Some(prefix) => Some(ids::trajectory(client, prefix).await?),
        None => None,
    };
    let rows = match client.ask(Command::Routing { trajectory }).await? {
        Replied::Routing(rows) => rows,
        other => return Err(unexpected(&other)),
    };
    for row in &rows {
        if args.json {
            out::json(row)?;
            continue;
        }
        let hash: String = row.decision_hash.chars().take(12).collect();
        let unknown = || "-".to_owned();
        let cost = row
            .cost_millicents
            .map_or_else(unknown, |cost| format!("{cost} mct"));
        let latency = row
            .latency_ms
            .map_or_else(unknown, |latency| format!("{latency} ms"));
        out::line(&format!(
            "{hash}  {:<32} {:<12} {:<10} {latency:>10} {cost:>12}",
            out::safe(&row.selected),
            row.effect.as_deref().unwrap_or("-"),
            row.outcome
        ))?;
    }
    if rows.is_empty() && !args.json {
        out::talk("thymos: no call was routed yet");
    }
    Ok(0)
}
