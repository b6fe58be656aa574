//! What can be typed about skills, routing evidence and memory.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::OutputArgs;

/// Skills of a run.
#[derive(Debug, Args)]
pub struct SkillArgs {
    /// Bind this skill before the task; several narrow together
    #[arg(long = "skill", value_name = "NAME")]
    pub names: Vec<String>,
    /// A parameter of a bound skill
    #[arg(long = "param", value_name = "KEY=VALUE", value_parser = pair, requires = "names")]
    pub params: Vec<(String, String)>,
}

/// `thymos skills`.
#[derive(Debug, Subcommand)]
pub enum SkillsVerb {
    /// List the skills of the folder, with what is wrong with a file where something is
    Ls(OutputArgs),
    /// Show one in full
    Show {
        /// Its name
        name: String,
        /// The file's JSON
        #[arg(long)]
        json: bool,
    },
    /// Write a new skill to start from
    New {
        /// Its name: lowercase letters, digits and `-`
        name: String,
    },
    /// Check a file or a skill of the folder; changes nothing
    Check {
        /// The file, or a skill's name
        file: PathBuf,
    },
    /// Check a file and copy it into the folder
    Import {
        /// The file
        file: PathBuf,
    },
    /// Sign a skill of the folder, or a file, with the operator's key
    Sign {
        /// The file, or a skill's name
        file: PathBuf,
    },
    /// Change a skill: writes its next version, unsigned
    Tune(TuneArgs),
    /// Remove a skill from the folder; the record keeps what was bound
    Rm {
        /// Its name
        name: String,
    },
}

/// `thymos skills tune`.
#[derive(Debug, Args)]
pub struct TuneArgs {
    /// Its name
    pub name: String,
    /// A parameter's default
    #[arg(long = "set", value_name = "KEY=VALUE", value_parser = pair)]
    pub set: Vec<(String, String)>,
    /// Its one line for people
    #[arg(long, value_name = "TEXT")]
    pub title: Option<String>,
    /// Take the instructions from this file
    #[arg(long, value_name = "FILE")]
    pub instructions: Option<PathBuf>,
}

/// `thymos routing`.
#[derive(Debug, Args)]
pub struct RoutingArgs {
    /// Only this trajectory: id, or a unique prefix
    pub run: Option<String>,
    /// One JSON object a line
    #[arg(long)]
    pub json: bool,
}

/// `thymos memory`.
#[derive(Debug, Subcommand)]
pub enum MemoryVerb {
    /// List the notes that every trajectory of this folder recalls
    Ls(OutputArgs),
    /// Show one, with where it comes from
    Show {
        /// Its key
        key: String,
        /// One JSON object
        #[arg(long)]
        json: bool,
    },
    /// Forget one everywhere in this folder; the record keeps that it was there
    Forget {
        /// Its key
        key: String,
    },
}

/// Reads `KEY=VALUE`.
fn pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err("write it as KEY=VALUE".to_owned()),
    }
}
