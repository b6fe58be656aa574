//! `thymos mind`: the reasoning map of a run, as a tree of labelled lines or as nodes and edges.

use serde_json::json;

use super::client::Client;
use super::ids;
use crate::args::MindArgs;
use crate::error::AppError;
use crate::mind::{Mind, told};
use crate::out;

pub(super) async fn print(client: &mut Client, args: &MindArgs) -> Result<u8, AppError> {
    let trajectory = ids::trajectory(client, &args.id).await?;
    let mut mind = Mind::default();
    let take = |events: Vec<thymos_protocol::Event>| {
        events.iter().for_each(|event| mind.absorb(event));
        Ok(())
    };
    client.find_each(Some(trajectory), "", take).await?;
    if args.json {
        out::json(&json!({
            "trajectory": trajectory, "nodes": mind.nodes(), "edges": mind.edges(),
        }))?;
        return Ok(0);
    }
    for line in told::lines(&mind) {
        out::line(&line)?;
    }
    if let Some(used) = told::used(&mind) {
        out::line(&used)?;
    }
    Ok(0)
}
