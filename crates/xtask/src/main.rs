//! Chores of the workspace: `cargo xtask docgen [--check]`, `theme-check`, `sim`, `crash` and `screenshot`.
//!
//! Never shipped. Knows no kernel; reads tables of the app's library and files of this tree.
#![forbid(unsafe_code)]

mod chore;
mod crash;
mod docgen;
mod keys;
mod screenshot;
mod sim;
mod theme_check;
mod themes;

use std::process::ExitCode;

use chore::{Chore, ChoreFault};

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match Chore::parse(&words).and_then(run) {
        Ok(said) => tell(&said, ExitCode::SUCCESS),
        Err(fault) => tell(&fault.to_string(), fault.exit_code()),
    }
}

fn run(chore: Chore) -> Result<String, ChoreFault> {
    match chore {
        Chore::DocgenWrite => docgen::write(),
        Chore::DocgenCheck => docgen::check(),
        Chore::ThemeCheck => theme_check::check(),
        Chore::Sim(wanted) => sim::tell(wanted),
        Chore::Crash(shots) => crash::fire(&shots),
        Chore::Screenshot => screenshot::draw(),
    }
}

#[expect(
    clippy::print_stdout,
    reason = "a chore's answer is its output; nothing else of the workspace prints here"
)]
fn tell(said: &str, code: ExitCode) -> ExitCode {
    println!("{said}");
    code
}
