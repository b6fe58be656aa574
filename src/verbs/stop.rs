//! `thymos stop`: ends the authority that a run works under, wherever it is open `[W7]`.

use thymos_protocol::{Command, Replied, WritState};

use super::client::{Client, unexpected};
use super::ids;
use super::writ::done;
use crate::args::StopArgs;
use crate::error::AppError;
use crate::out;

pub(super) async fn stop(client: &mut Client, args: &StopArgs) -> Result<u8, AppError> {
    let run = ids::run(client, &args.id).await?;
    let trajectory = run.trajectory;
    let rows = match client.ask(Command::Writs { trajectory }).await? {
        Replied::Writs(rows) => rows,
        other => return Err(unexpected(&other)),
    };
    let ending = Command::EndAuthority {
        trajectory,
        reason: args.reason.clone(),
    };
    done(client.ask(ending).await?)?;
    let in_force = rows.iter().find(|row| row.state == WritState::InForce);
    for line in in_force.iter().flat_map(|row| &row.stops) {
        out::line(&format!("stopped: {}", out::safe(line)))?;
    }
    let id = trajectory.short();
    out::talk(&match run.is_erased() {
        true => {
            format!("thymos: stopped; nothing goes on from {id}, of which something was erased")
        }
        false => {
            format!(
                "thymos: stopped; `thymos run --resume {id} --mode MODE` goes on under a new writ"
            )
        }
    });
    Ok(0)
}
