//! Files that are written for somebody: beside their place first, mode 0600, and put there whole.
//!
//! Knows nothing of what stands in them. What is never put in place leaves nothing behind.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use crate::config::{Config, paths};
use crate::error::{AppError, ErrorKind};

/// Ends of the names of files that a ledger has beside it.
const OF_LEDGER: [&str; 4] = ["-wal", "-shm", "-journal", "-bell"];

/// Names that are tried while the one before is taken.
const NUMBERS_MAX: u32 = 9_999;

/// Where a file goes.
#[derive(Clone, Debug)]
pub(crate) enum Place {
    /// There, over what stands there if that was said.
    Named { file: PathBuf, force: bool },
    /// In this folder, or where that cannot be written in that of exports, under a name that is not taken:
    /// `stem.ending`, `stem-2.ending`, and so on.
    Free {
        folder: PathBuf,
        stem: String,
        ending: &'static str,
    },
}

/// A file that is not in its place yet.
#[derive(Debug)]
pub(crate) struct Unfinished {
    place: Place,
    /// What it is called meanwhile.
    own: PathBuf,
    out: BufWriter<File>,
    is_put: bool,
}

impl Unfinished {
    /// Begins a file.
    ///
    /// # Errors
    /// [`AppError`] when the place is taken, is one of our own, or cannot be written; then nothing was touched.
    pub(crate) fn begin(config: &Config, place: Place) -> Result<Self, AppError> {
        match place {
            Place::Named { file, force } => Self::named(config, file, force),
            Place::Free {
                folder,
                stem,
                ending,
            } => Self::free(config, folder, &stem, ending),
        }
    }

    fn named(config: &Config, file: PathBuf, force: bool) -> Result<Self, AppError> {
        if file == Path::new("-") {
            let message = "an export is written whole or not at all, and `-` is no file";
            return Err(AppError::new(ErrorKind::Usage, message)
                .hint("name a file, and send that: -o FILE"));
        }
        if !force && file.exists() {
            return Err(in_the_way(&file));
        }
        keep_off(config, &file)?;
        let (own, out) = beside(&file).map_err(|error| unwritable(&file, &error))?;
        Ok(Self {
            place: Place::Named { file, force },
            own,
            out,
            is_put: false,
        })
    }

    fn free(
        config: &Config,
        folder: PathBuf,
        stem: &str,
        ending: &'static str,
    ) -> Result<Self, AppError> {
        let begin = |folder: PathBuf, (own, out)| Self {
            place: Place::Free {
                folder,
                stem: stem.to_owned(),
                ending,
            },
            own,
            out,
            is_put: false,
        };
        let file = folder.join(format!("{stem}.{ending}"));
        if keep_off(config, &file).is_ok()
            && let Ok(made) = beside(&file)
        {
            return Ok(begin(folder, made));
        }
        let folder = config.paths.exports();
        paths::make_private(&folder)?;
        let file = folder.join(format!("{stem}.{ending}"));
        let made = beside(&file).map_err(|error| unwritable(&file, &error))?;
        Ok(begin(folder, made))
    }

    /// Puts it in place; gives the file's name.
    ///
    /// # Errors
    /// [`AppError`] with what is wrong; then nothing of it is left behind.
    pub(crate) fn finish(mut self) -> Result<PathBuf, AppError> {
        let synced = self
            .out
            .flush()
            .and_then(|()| self.out.get_ref().sync_all());
        synced.map_err(|error| self.broken(&error))?;
        let put = match &self.place {
            Place::Named { file, force } => put_in_place(&self.own, file, *force)
                .map_err(|error| {
                    let taken = error.kind() == io::ErrorKind::AlreadyExists;
                    match taken {
                        true => in_the_way(file),
                        false => unwritable(file, &error),
                    }
                })
                .map(|()| file.clone()),
            Place::Free {
                folder,
                stem,
                ending,
            } => put_free(&self.own, folder, stem, ending),
        };
        self.is_put = put.is_ok();
        put
    }

    /// What is told when no more of it can be written.
    pub(crate) fn broken(&self, error: &io::Error) -> AppError {
        // Told of what was asked for, whatever it is called meanwhile.
        match &self.place {
            Place::Named { file, .. } => unwritable(file, error),
            Place::Free {
                folder,
                stem,
                ending,
            } => unwritable(&folder.join(format!("{stem}.{ending}")), error),
        }
    }
}

impl Write for Unfinished {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.out.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        if !self.is_put {
            // What went wrong before is what is told.
            drop(fs::remove_file(&self.own));
        }
    }
}

/// Makes the file that is written meanwhile.
fn beside(file: &Path) -> io::Result<(PathBuf, BufWriter<File>)> {
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    let own = file.with_file_name(format!(".{name}.{}", std::process::id()));
    let made = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&own)?;
    Ok((own, BufWriter::new(made)))
}

fn put_free(
    own: &Path,
    folder: &Path,
    stem: &str,
    ending: &'static str,
) -> Result<PathBuf, AppError> {
    for number in 1..=NUMBERS_MAX {
        let file = match number {
            1 => folder.join(format!("{stem}.{ending}")),
            _ => folder.join(format!("{stem}-{number}.{ending}")),
        };
        match put_in_place(own, &file, false) {
            Ok(()) => return Ok(file),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(unwritable(&file, &error)),
        }
    }
    let message = format!(
        "there are {NUMBERS_MAX} files `{stem}` in `{}` already",
        folder.display()
    );
    Err(AppError::new(ErrorKind::User, message).hint("move some of them, or name a file with -o"))
}

/// Gives the file its name. Without `force` never over one that is there.
fn put_in_place(own: &Path, file: &Path, force: bool) -> io::Result<()> {
    if force {
        return fs::rename(own, file);
    }
    // A second name, unlike a rename, is never given over one that is there.
    match fs::hard_link(own, file) {
        Ok(()) => fs::remove_file(own),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(error),
        Err(_) if file.exists() => Err(io::ErrorKind::AlreadyExists.into()),
        // Some file systems have no second names.
        Err(_) => fs::rename(own, file),
    }
}

/// Nothing is put where the program itself keeps its files, by whatever links that is named: it would go
/// over the operator's key, or what a ledger has not copied into its file yet.
fn keep_off(config: &Config, file: &Path) -> Result<(), AppError> {
    if let Some(ledger) = config.ledger.value.file()
        && let (Ok(own), Ok(file_itself)) = (ledger.canonicalize(), file.canonicalize())
        && own == file_itself
    {
        let message = format!("`{}` is the ledger itself", file.display());
        return Err(AppError::new(ErrorKind::User, message).hint("name another file"));
    }
    let folder = file.parent().filter(|path| !path.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new(".")).canonicalize();
    let itself = folder.map(|folder| folder.join(file.file_name().unwrap_or_default()));
    let places = [itself, file.canonicalize()];
    let mut kept = places.iter().flatten().map(PathBuf::as_path);
    if kept.any(|place| is_kept_by_us(config, place)) {
        let message = format!(
            "`{}` is where thymos keeps files of its own",
            file.display()
        );
        return Err(AppError::new(ErrorKind::User, message).hint("name a file in another folder"));
    }
    Ok(())
}

fn is_kept_by_us(config: &Config, place: &Path) -> bool {
    let below = |folder: &Path| {
        folder
            .canonicalize()
            .is_ok_and(|own| place.starts_with(own))
    };
    let ledger = config.ledger.value.file().map(|path| path.canonicalize());
    let beside_ledger = ledger.and_then(Result::ok).is_some_and(|ledger| {
        OF_LEDGER.iter().any(|ending| {
            let mut own = ledger.clone().into_os_string();
            own.push(ending);
            place == Path::new(&own)
        })
    });
    let is_note = place.extension().is_some_and(|ending| ending == "notes");
    beside_ledger
        || config.paths.folders().into_iter().any(below)
        || (is_note && below(&config.checkpoints.value))
}

fn in_the_way(file: &Path) -> AppError {
    let message = format!("there is a file `{}` already", file.display());
    AppError::new(ErrorKind::User, message).hint("name another one, or replace it with --force")
}

fn unwritable(file: &Path, error: &io::Error) -> AppError {
    let message = format!("`{}` cannot be written: {error}", file.display());
    AppError::new(ErrorKind::User, message).hint("check the folder and the disk")
}
