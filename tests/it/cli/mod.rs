//! The program from outside: arguments in, lines and an exit code out.

mod ends;
pub(crate) mod home;

mod asked;
mod auth;
pub(crate) mod bundles;
mod checkpoints;
mod cut;
mod damage;
mod erasure;
mod evidence;
mod exports;
mod history;
mod imports;
mod input;
mod kept;
mod keys;
mod lines;
mod memory;
mod mind;
mod missing;
mod pins;
mod plain;
mod policy;
mod postgres;
mod receipts;
mod replay;
mod secrets;
mod shapes;
mod since;
mod skills;
mod tightening;
mod trouble;
mod writ;
