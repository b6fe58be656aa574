//! `thymos replay`: folds a trajectory again from its entries, verifies, and shows its world.

use serde_json::json;
use thymos_protocol::{Command, Replied};

use super::client::{Client, unexpected};
use super::{ids, verify};
use crate::args::TrajectoryArgs;
use crate::error::AppError;
use crate::out;

pub(super) async fn replay(client: &mut Client, args: &TrajectoryArgs) -> Result<u8, AppError> {
    let trajectory = ids::trajectory(client, &args.id).await?;
    let status = client.open(trajectory).await?;
    let command = Command::WorldAt {
        trajectory,
        seq: status.head_seq,
    };
    let world = match client.ask(command).await? {
        Replied::World(world) => world,
        other => return Err(unexpected(&other)),
    };
    if args.json {
        out::json(&json!({ "trajectory": trajectory, "world": world }))?;
    } else {
        out::line(&format!("replayed: {} entries", world.seq + 1))?;
        out::line(&format!(
            "world: {} resources, digest {}",
            world.rows.len(),
            world.digest
        ))?;
        for row in &world.rows {
            out::line(&format!(
                "  {}  v{} at {}  {}",
                out::safe(&row.resource),
                row.version,
                row.seq,
                out::safe(&row.value)
            ))?;
        }
    }
    verify::conclude(client, args.json).await
}
