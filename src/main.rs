//! Starts `thymos`: parse, then a verb or the app, then the exit code.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Parser;
use thymos::args::{Cli, Verb};
use thymos::config::Env;
use thymos::error::{AppError, ErrorKind};
use thymos::{launch, out, system, verbs};

/// A step makes and drops hundreds of small things; the system's allocator took a quarter of it
/// (docs/benchmarks.md).
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let cli = Cli::try_parse().unwrap_or_else(|error| out::usage(&error));
    let env = Env::read();
    system::outlive_file_limit();
    match start(&cli, &env) {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            out::talk(&format!("thymos: {}", error.sentence()));
            for hint in &error.hints {
                out::talk(&format!("  hint: {hint}"));
            }
            ExitCode::from(error.exit_code())
        }
    }
}

/// The folder of `-C`, which has to be one.
fn named(directory: &Path) -> Result<PathBuf, AppError> {
    let shown = directory.display();
    let what = match directory.metadata() {
        Ok(meta) if meta.is_dir() => return Ok(directory.to_path_buf()),
        Ok(_) => format!("`{shown}` is not a directory"),
        Err(error) => format!("no such directory `{shown}`: {error}"),
    };
    Err(AppError::new(ErrorKind::Usage, what).hint("name an existing folder with -C"))
}

fn start(cli: &Cli, env: &Env) -> Result<u8, AppError> {
    let directory = match &cli.common.directory {
        Some(directory) => named(directory)?,
        None => std::env::current_dir().map_err(|error| {
            AppError::new(
                ErrorKind::User,
                format!("the current directory is gone: {error}"),
            )
            .hint("change to a directory that exists")
        })?,
    };
    match &cli.verb {
        Some(Verb::Setup) => match verbs::set_up(cli, env, &directory)? {
            true => launch::launch(cli, env, &directory),
            false => Ok(0),
        },
        Some(verb) => verbs::perform(cli, verb, env, &directory),
        None => launch::launch(cli, env, &directory),
    }
}
