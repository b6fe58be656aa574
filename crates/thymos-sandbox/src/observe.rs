//! Sees what changed in the writable roots while a child ran: paths with before and after. `[O3]`
//!
//! Watches no process and decides nothing. It compares two looks at the trees, so what was made
//! and removed in between is not seen, and neither are empty folders. Where it stops looking (a
//! bound, a skipped folder, an unreadable one) it says so; it never guesses.
//!
//! The first look reads every file. Later looks read only files whose stamp (size, times, inode)
//! moved, so the price of a look at an unchanged tree is one `lstat` for each file.

mod changes;
mod image;
mod look;

pub use changes::{Change, ObservedChanges, diff};
pub use image::{FileImage, FileKind};
pub use look::{Contents, ScanLimits, SkippedFolders, TreeSnapshot, rescan, scan};

#[cfg(test)]
mod tests;
