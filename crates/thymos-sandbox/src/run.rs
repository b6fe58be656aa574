//! Watches one caged child from start to the last process gone.
//!
//! Reads as fast as the child writes and keeps a bounded part, so a flood neither blocks nor
//! grows. Dropping the future ends the cage too: the lifeline closes and the warden kills all.

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::ChildStdin;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use crate::limits::CHUNK_BYTES;
use crate::report::Stream;
use crate::{CageError, CageReport, CageSpec};

use watch::{Event, Phase, Watch};

mod watch;

/// Runs one child in the cage that `spec` describes, and reports what came of it.
///
/// `on_output` hears every byte as it comes, also those that the report will not keep. At the end
/// of its time, or when `cancel` fires, the whole group is asked to stop and soon after killed;
/// the report follows within a second of it.
///
/// # Errors
/// When the cage cannot be built exactly as asked, the program cannot be executed, or the child
/// cannot be watched. A child that ends badly is not an error.
pub async fn run(
    spec: CageSpec,
    cancel: CancellationToken,
    on_output: &mut (dyn FnMut(Stream, &[u8]) + Send),
) -> Result<CageReport, CageError> {
    let mut watch = Watch::start(&spec)?;
    let mut out_chunk = vec![0; CHUNK_BYTES];
    let mut err_chunk = vec![0; CHUNK_BYTES];
    while !watch.is_over() {
        // Stopping comes before reading, or a flood would put it off for ever. [X4]
        let event = tokio::select! {
            biased;
            () = cancel.cancelled(), if watch.phase == Phase::Running => Event::Cancelled,
            () = sleep_until(watch.deadline) => Event::Deadline(Instant::now()),
            length = read(&mut watch.stdout, &mut out_chunk), if watch.stdout.is_some() =>
                Event::Output(Stream::Stdout, length),
            length = read(&mut watch.stderr, &mut err_chunk), if watch.stderr.is_some() =>
                Event::Output(Stream::Stderr, length),
            fed = feed(&mut watch.stdin, &spec.stdin, watch.fed_bytes), if watch.stdin.is_some() =>
                Event::Fed(fed),
            ended = watch.child.wait(), if !watch.is_gone() => Event::Gone(ended),
        };
        match event {
            Event::Output(Stream::Stdout, 0) => watch.stdout = None,
            Event::Output(Stream::Stderr, 0) => watch.stderr = None,
            Event::Output(stream, length) => {
                let (capture, chunk) = match stream {
                    Stream::Stdout => (&mut watch.stdout_kept, &out_chunk),
                    Stream::Stderr => (&mut watch.stderr_kept, &err_chunk),
                };
                let chunk = chunk.get(..length).unwrap_or_default();
                capture.push(chunk);
                on_output(stream, chunk);
            }
            Event::Fed(bytes) => watch.on_fed(bytes, spec.stdin.len()),
            Event::Cancelled => watch.on_cancelled(),
            Event::Deadline(now) => watch.on_deadline(now),
            Event::Gone(ended) => watch.on_gone(ended)?,
        }
    }
    Ok(watch.into_report(&spec))
}

/// Reads what is there; 0 means that the stream is over, well or badly.
async fn read(from: &mut Option<impl AsyncRead + Unpin>, chunk: &mut [u8]) -> usize {
    match from {
        Some(from) => from.read(chunk).await.unwrap_or(0),
        None => 0,
    }
}

/// Writes what fits; `None` means that the child reads no more.
async fn feed(to: &mut Option<ChildStdin>, bytes: &[u8], from: usize) -> Option<usize> {
    let rest = bytes.get(from..)?;
    match to {
        Some(to) => to.write(rest).await.ok(),
        None => None,
    }
}
