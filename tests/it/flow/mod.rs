//! From a prompt to entries and events, over fakes and through the link alone.

mod rig;

mod acts;
mod answers;
mod clauses;
mod loops;
mod road;
mod secrets;
mod storage;
