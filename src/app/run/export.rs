//! An export, by the program's own verb in a process of its own: what one writes is the same from either side.
//!
//! It goes on when the app is left, so that nobody who leaves at once is without the file.

use std::process::{Output, Stdio};

use serde_json::Value;
use thymos_protocol::Fault;
use tokio::process::Command;
use tokio::sync::mpsc;

use super::Verbs;
use crate::app::Event;
use crate::app::effect::Export;

/// Starts it; tells the file, or why there is none.
pub(super) fn start(verbs: &Verbs, wanted: Export, told: mpsc::Sender<Event>) {
    let Export { trajectory, format } = wanted;
    let mut command = Command::new(&verbs.program);
    command
        .args(&verbs.flags)
        .args(["export", &trajectory.to_string(), "--json"])
        .args(["--format", format.word()])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        // Keys that stop or end what has the terminal are the app's.
        .process_group(0);
    tokio::spawn(async move {
        let ended = match command.output().await {
            Ok(output) => heard(&output),
            Err(error) => Err(fault(
                format!("the export cannot be started: {error}"),
                None,
            )),
        };
        // Without a loop there is nobody to tell.
        drop(told.send(Event::Exported(ended)).await);
    });
}

/// What the verb said: the file as JSON, or its sentence and its hint.
fn heard(output: &Output) -> Result<String, Fault> {
    let said = String::from_utf8_lossy(&output.stdout);
    if output.status.success() {
        let value: Option<Value> = serde_json::from_str(said.trim()).ok();
        let file = value.as_ref().and_then(|value| value["file"].as_str());
        return match file {
            Some(file) => Ok(file.to_owned()),
            None => Err(fault("the export did not say where it is".into(), None)),
        };
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let mut told = None;
    // The sentence that it ended with is the last one; notes may stand before it.
    let sentence = said.lines().rev().find_map(|line| {
        told = hint(line).or(told);
        sentence(line)
    });
    Err(match sentence {
        Some(words) => fault(words.to_owned(), told.map(str::to_owned)),
        None => fault(
            format!("the export ended with {}", output.status),
            Some("`thymos export` in a shell says more".into()),
        ),
    })
}

/// As the program prints them, the first hint after its sentence.
fn sentence(line: &str) -> Option<&str> {
    line.strip_prefix("thymos: ")
}

fn hint(line: &str) -> Option<&str> {
    line.strip_prefix("  hint: ")
}

fn fault(message: String, hint: Option<String>) -> Fault {
    Fault { message, hint }
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;
    use std::path::Path;

    use thymos_core::TrajectoryId;

    use super::*;
    use crate::args::Format;

    /// What is told of a program that does this, whatever it is asked.
    async fn ended(script: &str) -> Result<String, Fault> {
        let flags = ["-c", script].map(OsString::from).into();
        let verbs = Verbs {
            program: Path::new("/bin/sh").into(),
            flags,
        };
        let (told, mut news) = mpsc::channel(1);
        let wanted = Export {
            trajectory: TrajectoryId::of(b"t"),
            format: Format::Markdown,
        };
        start(&verbs, wanted, told);
        match news.recv().await {
            Some(Event::Exported(ended)) => ended,
            other => panic!("{other:?}"),
        }
    }

    #[tokio::test]
    async fn the_file_is_told_and_the_verb_is_asked_for_that_run_as_that() {
        let file = ended("echo \"{\\\"file\\\":\\\"/ws/$0 $1 $2 $3 $4\\\"}\"").await;
        let id = TrajectoryId::of(b"t");
        let due = format!("/ws/export {id} --json --format markdown");
        assert_eq!(file, Ok(due));
    }

    #[tokio::test]
    async fn a_failure_is_its_sentence_and_its_first_hint() {
        let script = "{ echo 'thymos: a note'; echo 'thymos: It is full.'; echo '  hint: one'; \
                      echo '  hint: two'; } >&2; exit 1";
        let fault = ended(script).await.unwrap_err();
        assert_eq!(fault.message, "It is full.");
        assert_eq!(fault.hint.as_deref(), Some("one"));
        let fault = ended("exit 7").await.unwrap_err();
        assert_eq!(fault.message, "the export ended with exit status: 7");
        let fault = ended("echo no JSON").await.unwrap_err();
        assert_eq!(fault.message, "the export did not say where it is");
    }

    #[tokio::test]
    async fn a_program_that_is_not_there_is_told() {
        let verbs = Verbs {
            program: Path::new("/no/such/program").into(),
            flags: Vec::new(),
        };
        let (told, mut news) = mpsc::channel(1);
        let wanted = Export {
            trajectory: TrajectoryId::of(b"t"),
            format: Format::Bundle,
        };
        start(&verbs, wanted, told);
        let Some(Event::Exported(Err(fault))) = news.recv().await else {
            panic!("nothing was told");
        };
        assert!(fault.message.contains("cannot be started"), "{fault:?}");
    }
}
