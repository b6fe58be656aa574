//! What happens in a story, one drawn thing after the other.

use thymos_core::TrajectoryId;
use thymos_core::body::Body;
use thymos_core::id::Digest;
use thymos_core::writ::Mode;
use thymos_ports::Clock;
use thymos_protocol::{Command, Replied, Settlement};

use super::approver::{self, MANNERS, Manner};
use super::disk::Mishap;
use super::policy::SHELVES;
use super::story::Story;
use super::told::{Line, lines};

/// One thing that may happen.
#[derive(Debug, Clone, Copy)]
enum Action {
    Prompt,
    Answer,
    LateAnswer,
    Edit,
    Clock,
    SetMode,
    Revoke,
    CutAtWork,
    Interrupt,
    Mishap,
    FullDisk,
    Settle,
    Undo,
    Branch,
    Again,
    Grant,
    Policy,
    Restart,
    Kill,
    Second,
    New,
}

const ACTIONS: &[(u64, Action)] = &[
    (16, Action::Prompt),
    (24, Action::Answer),
    (1, Action::LateAnswer),
    (2, Action::Edit),
    (2, Action::Clock),
    (5, Action::SetMode),
    (2, Action::Revoke),
    (4, Action::CutAtWork),
    (2, Action::Interrupt),
    (6, Action::Mishap),
    (1, Action::FullDisk),
    (4, Action::Settle),
    (3, Action::Undo),
    (2, Action::Branch),
    (2, Action::Again),
    (2, Action::Grant),
    (3, Action::Policy),
    (1, Action::Restart),
    (6, Action::Kill),
    (4, Action::Second),
    (1, Action::New),
];

/// Lets one thing happen.
pub(super) async fn act(story: &mut Story) {
    let action = story.dice.weighed(ACTIONS);
    // Whoever has a choice of processes asks either.
    let process = usize::from(story.processes.len() > 1 && story.dice.once_in(3));
    let trajectory = *story
        .dice
        .pick(&story.trajectories.clone())
        .unwrap_or(&TrajectoryId::of(b"none"));
    match action {
        Action::Prompt => prompt(story, process, trajectory).await,
        Action::Answer => answer(story, process).await,
        Action::LateAnswer => late_answer(story, process).await,
        Action::Edit => edit(story, process).await,
        Action::Clock => clock(story),
        Action::SetMode => set_mode(story, process, trajectory).await,
        Action::Revoke => revoke(story, process, trajectory).await,
        Action::CutAtWork => cut_at_work(story, process, trajectory).await,
        Action::Interrupt => {
            let number = story.processes[process].number;
            story.say(format!(
                "process {number}: interrupt {}",
                trajectory.short()
            ));
            story
                .ask_of(process, Command::Interrupt { trajectory })
                .await;
        }
        Action::Mishap => mishap(story, process, trajectory).await,
        Action::FullDisk => full_disk(story, process, trajectory).await,
        Action::Settle => settle(story, process).await,
        Action::Undo => undo(story, process, trajectory).await,
        Action::Branch => branch(story, process).await,
        Action::Again => again(story, process).await,
        Action::Grant => grant(story, process).await,
        Action::Policy => policy(story, process).await,
        Action::Restart => restart(story).await,
        Action::Kill => kill(story, process, trajectory).await,
        Action::Second => second(story).await,
        Action::New => {
            if story.trajectories.len() < 4 {
                story.say("a new trajectory".to_owned());
                story.new_trajectory(Mode::Auto).await;
            }
        }
    }
}

fn record(story: &Story) -> Vec<Line> {
    lines(&story.ledger.entries())
}

fn saying(story: &mut Story, process: usize, what: &str) {
    let number = story.processes[process].number;
    story.say(format!("process {number}: {what}"));
}

async fn prompt(story: &mut Story, process: usize, trajectory: TrajectoryId) {
    let secret = story.dice.once_in(6);
    let mut text = format!("do {}", story.dice.below(100));
    if secret && let Some(secret) = story.dice.pick(&story.secrets) {
        text = format!("the password is {secret}");
    }
    saying(
        story,
        process,
        &format!("prompt {} in {}", text.len(), trajectory.short()),
    );
    story
        .ask_of(process, Command::Prompt { trajectory, text })
        .await;
}

async fn answer(story: &mut Story, process: usize) {
    let number = story.dice.below(4);
    for _ in 0..=number {
        let Some(Replied::Holds(rows)) = story.ask_of(process, Command::Holds).await else {
            return;
        };
        story.seen.extend(rows.iter().cloned());
        let Some(row) = story.dice.pick(&rows).cloned() else {
            return;
        };
        let manner = story.dice.weighed(MANNERS);
        say_answer(story, process, &row, manner).await;
        story.dice.dawdle().await;
    }
}

async fn late_answer(story: &mut Story, process: usize) {
    let seen = story.seen.clone();
    if let Some(row) = story.dice.pick(&seen) {
        say_answer(story, process, row, Manner::Approve).await;
    }
}

async fn say_answer(
    story: &mut Story,
    process: usize,
    row: &thymos_protocol::HoldRow,
    manner: Manner,
) {
    let what = format!("{manner:?} {} {}", row.card.tool, row.card.proposal.short());
    saying(story, process, &what);
    let reason = match story.dice.once_in(6) {
        true => format!("as {} says", story.secrets[0]),
        false => "it was drawn".to_owned(),
    };
    let command = approver::answer(row, manner, &reason, &story.dice, story.clock.now());
    if let Some(replied) = story.ask_of(process, command).await
        && approver::counts_wrongly(manner, &replied)
    {
        story.wrong.push(format!("{what} was accepted"));
    }
}

async fn edit(story: &mut Story, process: usize) {
    let Some(Replied::Holds(rows)) = story.ask_of(process, Command::Holds).await else {
        return;
    };
    let Some(row) = story.dice.pick(&rows) else {
        return;
    };
    saying(
        story,
        process,
        &format!("edit {}", row.card.proposal.short()),
    );
    let path = format!("src/{}", story.dice.below(3));
    let command = Command::Edit {
        trajectory: row.trajectory,
        proposal: row.card.proposal,
        args: serde_json::json!({"path": path, "content": "edited"}),
    };
    story.ask_of(process, command).await;
}

fn clock(story: &mut Story) {
    let hour = 60 * 60 * 1000;
    let ms = match story.dice.below(3) {
        0 => -(story.dice.below(2 * hour)).cast_signed(),
        1 => story.dice.below(hour).cast_signed(),
        _ => story.dice.below(30 * hour).cast_signed(),
    };
    story.say(format!("the clock is set by {ms} ms"));
    story.clock.shift_ms(ms);
}

async fn set_mode(story: &mut Story, process: usize, trajectory: TrajectoryId) {
    let modes = match story.dice.once_in(8) {
        true => [Mode::Plan, Mode::Plan],
        false => [Mode::Edit, Mode::Auto],
    };
    let mode = *story.dice.pick(&modes).unwrap();
    saying(
        story,
        process,
        &format!("mode {mode} in {}", trajectory.short()),
    );
    story
        .ask_of(process, Command::SetMode { trajectory, mode })
        .await;
}

/// Work begins, and its authority ends in the middle of it, in whatever process.
async fn cut_at_work(story: &mut Story, process: usize, trajectory: TrajectoryId) {
    prompt(story, process, trajectory).await;
    for _ in 0..story.dice.below(120) {
        tokio::task::yield_now().await;
    }
    if story.dice.once_in(2) {
        let ms = story.dice.below(5_000);
        tokio::time::sleep(std::time::Duration::from_millis(ms)).await;
    }
    let count = u64::try_from(story.processes.len()).unwrap();
    let other = usize::try_from(story.dice.below(count)).unwrap();
    revoke(story, other, trajectory).await;
}

/// Revokes a writ where it was issued.
async fn revoke(story: &mut Story, process: usize, trajectory: TrajectoryId) {
    let Some(Replied::Writs(rows)) = story.ask_of(process, Command::Writs { trajectory }).await
    else {
        return;
    };
    let Some(row) = story.dice.pick(&rows) else {
        return;
    };
    let writ = row.id;
    saying(
        story,
        process,
        &format!("revoke {} {}", row.name, writ.short()),
    );
    let command = Command::Revoke {
        trajectory,
        writ,
        reason: format!("drawn, for {}", story.secrets[0]),
    };
    story.ask_of(process, command).await;
}

/// Something is about to go wrong with the disk, and work begins.
async fn mishap(story: &mut Story, process: usize, trajectory: TrajectoryId) {
    let kept = story.dice.once_in(2);
    let mishap = match story.dice.below(6) {
        0 => Mishap::Locked,
        1 => Mishap::Sync { kept },
        _ => Mishap::End { kept },
    };
    let after = story.dice.below(10);
    saying(
        story,
        process,
        &format!("after {after} appends: {mishap:?}"),
    );
    story.processes[process].disk.will(after, mishap);
    prompt(story, process, trajectory).await;
}

/// There is no room for one prompt; what could not be stored is stored once there is.
async fn full_disk(story: &mut Story, process: usize, trajectory: TrajectoryId) {
    saying(story, process, "the disk is full");
    story.processes[process].disk.fill();
    let text = "there is no room".to_owned();
    story
        .ask_of(process, Command::Prompt { trajectory, text })
        .await;
    for _ in 0..story.dice.below(20) {
        tokio::task::yield_now().await;
    }
    story.processes[process].disk.calm();
    story
        .ask_of(process, Command::Interrupt { trajectory })
        .await;
}

/// A person who knows what happened settles what is open, or gives up on it.
async fn settle(story: &mut Story, process: usize) {
    let record = record(story);
    let open = super::rules::open_work(&record);
    let Some(work) = story.dice.pick(&open) else {
        return;
    };
    let mut runs = story.outside.runs().into_iter();
    let happened = runs.any(|run| run.started == work.id && run.effect);
    let settlement = match (story.dice.once_in(4), happened) {
        (true, _) => Settlement::GaveUp,
        (false, true) => Settlement::Happened,
        (false, false) => Settlement::DidNotHappen,
    };
    let Body::Started(started) = &work.body else {
        return;
    };
    saying(
        story,
        process,
        &format!("settle {} as {settlement:?}", started.proposal.short()),
    );
    let command = Command::Settle {
        trajectory: work.trajectory,
        proposal: started.proposal,
        settlement,
        reason: format!("I asked {}", story.secrets[0]),
    };
    story.ask_of(process, command).await;
}

async fn undo(story: &mut Story, process: usize, trajectory: TrajectoryId) {
    let own: Vec<u64> = record(story)
        .into_iter()
        .filter(|line| line.trajectory == trajectory && matches!(line.body, Body::Commit(_)))
        .map(|line| line.seq)
        .collect();
    let newest: Vec<u64> = own.into_iter().rev().take(6).collect();
    let Some(from_seq) = story.dice.pick(&newest).copied() else {
        return;
    };
    let command = Command::PlanUndo {
        trajectory,
        of: trajectory,
        from_seq,
    };
    let Some(Replied::UndoPlan(plan)) = story.ask_of(process, command).await else {
        return;
    };
    let forged = story.dice.once_in(8);
    let what = format!(
        "undo {} steps from {from_seq} of {}",
        plan.steps.len(),
        trajectory.short()
    );
    saying(story, process, &what);
    let command = Command::Undo {
        trajectory,
        of: trajectory,
        from_seq,
        plan: if forged {
            Digest::of(b"another plan")
        } else {
            plan.digest
        },
        partial: !story.dice.once_in(4),
    };
    let replied = story.ask_of(process, command).await;
    if forged && matches!(replied, Some(Replied::Undone(_))) {
        story
            .wrong
            .push(format!("{what}: another plan was carried out"));
    }
}

async fn branch(story: &mut Story, process: usize) {
    if story.trajectories.len() > 5 {
        return;
    }
    let commits: Vec<Line> = record(story)
        .into_iter()
        .filter(|line| matches!(line.body, Body::Commit(_)))
        .collect();
    let Some(commit) = story.dice.pick(&commits) else {
        return;
    };
    let what = format!("branch off {} at {}", commit.trajectory.short(), commit.seq);
    saying(story, process, &what);
    let command = Command::Branch {
        trajectory: commit.trajectory,
        entry: commit.id,
    };
    if let Some(Replied::Opened(status)) = story.ask_of(process, command).await {
        story.trajectories.push(status.trajectory);
    }
}

async fn again(story: &mut Story, process: usize) {
    let calls: Vec<(TrajectoryId, thymos_core::IntentId)> = record(story)
        .into_iter()
        .filter_map(|line| match &line.body {
            Body::Intent(body) if super::tools::ONCE.contains(&body.intent.tool.as_str()) => {
                Some((line.trajectory, body.intent.id().unwrap()))
            }
            _ => None,
        })
        .collect();
    let Some((trajectory, intent)) = story.dice.pick(&calls).copied() else {
        return;
    };
    saying(story, process, &format!("again {}", intent.short()));
    story
        .ask_of(process, Command::Again { trajectory, intent })
        .await;
}

/// Signs the smallest grant of a refusal.
async fn grant(story: &mut Story, process: usize) {
    let refused: Vec<Line> = record(story)
        .into_iter()
        .filter(|line| matches!(line.body, Body::Rejection(_)))
        .collect();
    let Some(no) = story.dice.pick(&refused) else {
        return;
    };
    saying(
        story,
        process,
        &format!("grant what entry {} refused", no.index),
    );
    let command = Command::SignGrant {
        trajectory: no.trajectory,
        entry: no.id,
    };
    story.ask_of(process, command).await;
}

async fn policy(story: &mut Story, process: usize) {
    let number = story.dice.below(SHELVES);
    saying(story, process, &format!("policy {number}"));
    story.rules.choose(number);
    story.ask_of(process, Command::ReloadPolicy).await;
}

async fn restart(story: &mut Story) {
    let process = story.processes.remove(0);
    story.say(format!("process {} ends well", process.number));
    process.disk.calm();
    story.stop(process).await;
    if story.processes.is_empty() {
        story.start_process();
    }
    story.reopen().await;
}

/// Work begins, and its process is killed over it.
async fn kill(story: &mut Story, process: usize, trajectory: TrajectoryId) {
    if story.dice.once_in(2) {
        prompt(story, process, trajectory).await;
    } else {
        answer(story, process).await;
    }
    for _ in 0..story.dice.below(60) {
        tokio::task::yield_now().await;
    }
    if story.dice.once_in(2) {
        let ms = story.dice.below(6_000);
        tokio::time::sleep(std::time::Duration::from_millis(ms)).await;
    }
    let process = story.processes.remove(process);
    story.say(format!("process {} is killed", process.number));
    story.kill(process).await;
    if story.processes.is_empty() {
        story.start_process();
    }
    story.reopen().await;
}

/// A second process comes, or one of the two goes.
async fn second(story: &mut Story) {
    if story.processes.len() > 1 {
        let process = story.processes.remove(1);
        story.say(format!("process {} leaves", process.number));
        story.stop(process).await;
        return;
    }
    story.start_process();
    let number = story.processes[1].number;
    story.say(format!("process {number} comes"));
    for trajectory in story.trajectories.clone() {
        story.ask_of(1, Command::Open { trajectory }).await;
    }
}
