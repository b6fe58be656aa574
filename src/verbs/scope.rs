//! Scopes as a person types them, and the smallest grant of a refusal `[A6]` `[C16]`. Decides nothing.

use thymos_core::limits::ID_PREFIX_CHARS_MIN;
use thymos_core::{EntryId, TrajectoryId};
use thymos_protocol::{Command, Event, PastCall, Reach, Replied, ScopeChoice, ScopePreview};

use super::client::{Client, unexpected};
use super::ids;
use crate::args::{GrantArgs, ScopeBounds};
use crate::error::{AppError, ErrorKind};
use crate::out;

/// Reads `exact`, `below:src`, `slots:2,3` or `host:example.com` with its end.
pub(super) fn choice(reach: &str, bounds: &ScopeBounds) -> Result<ScopeChoice, AppError> {
    let usage = |message: String| {
        AppError::new(ErrorKind::Usage, message)
            .hint("use exact, below:FOLDER, host:NAME or slots:2,3")
    };
    let shown: String = reach.chars().take(80).collect();
    let reach = match reach.split_once(':') {
        None if reach == "exact" => Reach::Exact,
        Some(("below", folder)) if !folder.is_empty() => Reach::Below(folder.to_owned()),
        Some(("host", host)) if !host.is_empty() => Reach::Host(host.to_lowercase()),
        Some(("slots", places)) => {
            let places: Result<Vec<usize>, _> = places.split(',').map(str::parse).collect();
            Reach::Slots(places.map_err(|_| usage(format!("`{shown}` names no argument places")))?)
        }
        _ => return Err(usage(format!("there is no scope `{shown}`"))),
    };
    Ok(ScopeChoice {
        reach,
        for_ms: duration_ms(&bounds.for_)?,
        uses: bounds.uses,
    })
}

/// `10m`, `2h`, `1d`, `90s`.
fn duration_ms(text: &str) -> Result<u64, AppError> {
    let units = [
        ("s", 1_000),
        ("m", 60_000),
        ("h", 3_600_000),
        ("d", 86_400_000),
    ];
    let found = units.iter().find_map(|(suffix, ms)| {
        let count: u64 = text.strip_suffix(suffix)?.parse().ok()?;
        count.checked_mul(*ms)
    });
    let shown: String = text.chars().take(40).collect();
    found.ok_or_else(|| {
        AppError::new(
            ErrorKind::Usage,
            format!("`{shown}` is not a length of time"),
        )
        .hint("give a number and s, m, h or d, such as 10m")
    })
}

/// Shows what a scope would allow.
pub(super) async fn preview(
    client: &mut Client,
    id: &str,
    scope: ScopeChoice,
    json: bool,
) -> Result<u8, AppError> {
    let row = ids::hold(client, id).await?;
    let command = Command::PreviewScope {
        trajectory: row.trajectory,
        proposal: row.card.proposal,
        scope,
    };
    let preview = match client.ask(command).await? {
        Replied::ScopePreview(preview) => preview,
        other => return Err(unexpected(&other)),
    };
    if json {
        out::json(&*preview)?;
    } else {
        print(&preview)?;
    }
    Ok(0)
}

fn print(preview: &ScopePreview) -> Result<(), AppError> {
    for line in &preview.writ {
        out::line(&out::safe(line))?;
    }
    let worst = preview.worst.map_or("none", |effect| effect.word());
    out::line(&format!(
        "would have covered {} past calls, the worst of effect {worst}",
        preview.matched
    ))?;
    past(&preview.matches)?;
    if !preview.near_misses.is_empty() {
        out::line("stays asked:")?;
        past(&preview.near_misses)?;
    }
    if !preview.covers.is_empty() {
        let ids: Vec<String> = preview.covers.iter().map(|id| id.short()).collect();
        out::line(&format!("covers what waits now: {}", ids.join(" ")))?;
    }
    Ok(())
}

fn past(calls: &[PastCall]) -> Result<(), AppError> {
    for call in calls {
        out::line(&format!(
            "  {:>5}  {:<10} {}  {}",
            call.seq,
            out::safe(&call.decided),
            out::safe(&call.tool),
            out::safe(&call.line)
        ))?;
    }
    Ok(())
}

/// Says how to drain what a scope covers now; draining is offered, never done by itself.
pub(super) async fn offer_drain(
    client: &mut Client,
    preview: &ScopePreview,
) -> Result<(), AppError> {
    let open = ids::holds(client).await?;
    let waits = |id: &&thymos_core::ProposalId| open.iter().any(|row| row.card.proposal == **id);
    let ids: Vec<String> = preview
        .covers
        .iter()
        .filter(waits)
        .map(|id| id.short())
        .collect();
    if !ids.is_empty() {
        out::talk("thymos: the scope also covers what waits; let it through with");
        out::talk(&format!("  thymos approvals drain {}", ids.join(" ")));
    }
    Ok(())
}

/// Puts covered holds before the gate again.
pub(super) async fn drain(client: &mut Client, prefixes: &[String]) -> Result<u8, AppError> {
    let mut proposals = Vec::new();
    let mut of: Option<TrajectoryId> = None;
    for prefix in prefixes {
        let row = ids::hold(client, prefix).await?;
        if of.is_some_and(|of| of != row.trajectory) {
            return Err(
                AppError::new(ErrorKind::Usage, "these holds are of several trajectories")
                    .hint("drain one trajectory at a time"),
            );
        }
        of = Some(row.trajectory);
        proposals.push(row.card.proposal);
    }
    let Some(trajectory) = of else { return Ok(0) };
    client.open(trajectory).await?;
    let wanted = proposals.clone();
    match client
        .ask(Command::Drain {
            trajectory,
            proposals,
        })
        .await?
    {
        Replied::Accepted => {}
        other => return Err(unexpected(&other)),
    }
    loop {
        let status = client.open(trajectory).await?;
        let open = ids::holds(client).await?;
        let left = open
            .iter()
            .filter(|row| wanted.contains(&row.card.proposal))
            .count();
        if status.running.is_none() {
            out::line(&format!(
                "let through: {} of {}",
                wanted.len() - left,
                wanted.len()
            ))?;
            return Ok(if left == 0 { 0 } else { 10 });
        }
        client.changed().await?;
    }
}

/// Shows the smallest grant of a refusal, and signs it on request.
pub(super) async fn grant(client: &mut Client, args: &GrantArgs) -> Result<u8, AppError> {
    let event = refusal(client, &args.id).await?;
    let (trajectory, entry): (TrajectoryId, EntryId) = (event.trajectory, event.entry);
    client.open(trajectory).await?;
    let preview = match client
        .ask(Command::PreviewGrant { trajectory, entry })
        .await?
    {
        Replied::GrantPreview(preview) => preview,
        other => return Err(unexpected(&other)),
    };
    if args.json {
        out::json(&preview)?;
    } else {
        out::line(&format!("refused: {}", out::safe(&preview.line)))?;
        for line in &preview.difference {
            out::line(&format!("  {}", out::safe(line)))?;
        }
    }
    if !args.sign {
        let id = args.id.chars().take(12).collect::<String>();
        out::talk(&format!("thymos: sign it with `thymos grant {id} --sign`"));
        return Ok(0);
    }
    match client.ask(Command::SignGrant { trajectory, entry }).await? {
        Replied::Accepted => {
            let id: String = trajectory.to_string().chars().take(12).collect();
            out::talk(&format!(
                "thymos: in force; `thymos run --resume {id}` lets the model ask again"
            ));
            Ok(0)
        }
        other => Err(unexpected(&other)),
    }
}

pub(super) async fn refusal(client: &mut Client, prefix: &str) -> Result<Event, AppError> {
    let events = client.find(None, "kind:rejection").await?;
    let all = events.iter().map(|event| (event.entry.to_string(), event));
    ids::unique("refusal", prefix, all).cloned().map_err(|error| {
        match error.hints.is_empty() {
            true => error.hint(format!(
                "`thymos ledger kind:rejection` lists them; give at least {ID_PREFIX_CHARS_MIN} digits"
            )),
            false => error,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bounds(for_: &str) -> ScopeBounds {
        ScopeBounds {
            for_: for_.into(),
            uses: 1,
        }
    }

    #[test]
    fn a6_scopes_are_read_as_they_are_typed() {
        let reach = |text: &str| choice(text, &bounds("10m")).map(|choice| choice.reach).ok();
        assert_eq!(reach("exact"), Some(Reach::Exact));
        assert_eq!(reach("below:src"), Some(Reach::Below("src".into())));
        assert_eq!(reach("slots:2,3"), Some(Reach::Slots(vec![2, 3])));
        assert_eq!(
            reach("host:Example.COM"),
            Some(Reach::Host("example.com".into()))
        );
        for wrong in ["", "everything", "below:", "slots:", "slots:x", "host:"] {
            assert_eq!(reach(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn lengths_of_time_have_a_unit() {
        assert_eq!(duration_ms("90s").ok(), Some(90_000));
        assert_eq!(duration_ms("2h").ok(), Some(7_200_000));
        for wrong in ["", "5", "m", "-1m", "99999999999999999999d", "1 m"] {
            assert!(duration_ms(wrong).is_err(), "{wrong}");
        }
    }
}
