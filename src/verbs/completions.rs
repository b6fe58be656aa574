//! `thymos completions`: a shell's completion script, made from the command line's own table.

use clap::CommandFactory;
use clap_complete::{Shell, generate};

use crate::args::Cli;
use crate::error::AppError;
use crate::out;

pub(super) fn print(shell: Shell) -> Result<u8, AppError> {
    let mut script = Vec::new();
    generate(shell, &mut Cli::command(), "thymos", &mut script);
    out::write(&script)?;
    Ok(0)
}
