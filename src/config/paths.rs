//! Where things live, after the XDG base directory specification. Makes folders, reads none.

use std::fs;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use super::Env;
use crate::error::{AppError, ErrorKind};

/// The program's folders.
#[derive(Debug, Clone)]
pub struct Paths {
    config: PathBuf,
    data: PathBuf,
    cache: PathBuf,
    state: PathBuf,
}

impl Paths {
    /// From `XDG_*_HOME`, else from `HOME`.
    ///
    /// # Errors
    /// [`AppError`] when neither is set.
    pub fn from(env: &Env) -> Result<Self, AppError> {
        let home = env.path("HOME");
        let folder = |variable: &str, below: &str| {
            env.path(variable)
                .filter(|path| path.is_absolute())
                .or_else(|| home.as_ref().map(|home| home.join(below)))
                .map(|path| path.join("thymos"))
                .ok_or_else(|| {
                    AppError::new(
                        ErrorKind::User,
                        "there is no home directory: `HOME` is not set",
                    )
                    .hint("set HOME, or XDG_CONFIG_HOME, XDG_DATA_HOME, XDG_CACHE_HOME and XDG_STATE_HOME")
                })
        };
        Ok(Self {
            config: folder("XDG_CONFIG_HOME", ".config")?,
            data: folder("XDG_DATA_HOME", ".local/share")?,
            cache: folder("XDG_CACHE_HOME", ".cache")?,
            state: folder("XDG_STATE_HOME", ".local/state")?,
        })
    }

    /// Everything that the program keeps, but for what the config puts elsewhere.
    #[must_use]
    pub fn folders(&self) -> [&Path; 4] {
        [&self.config, &self.data, &self.cache, &self.state].map(PathBuf::as_path)
    }

    /// `config.toml`.
    #[must_use]
    pub fn config_file(&self) -> PathBuf {
        self.config.join("config.toml")
    }

    /// `keys.toml`.
    #[must_use]
    pub fn keymap_file(&self) -> PathBuf {
        self.config.join("keys.toml")
    }

    /// Themes of the user.
    #[must_use]
    pub fn themes(&self) -> PathBuf {
        self.config.join("themes")
    }

    /// Signed policy bundles of the operator.
    #[must_use]
    pub fn policy(&self) -> PathBuf {
        self.config.join("policy")
    }

    /// The operator's skills; no tool can write there.
    #[must_use]
    pub fn skills(&self) -> PathBuf {
        self.config.join("skills")
    }

    /// The folder of config files.
    #[must_use]
    pub fn config_folder(&self) -> &Path {
        &self.config
    }

    /// The folder of ledger and key.
    #[must_use]
    pub fn data_folder(&self) -> &Path {
        &self.data
    }

    /// The folder of checkpoint files.
    #[must_use]
    pub fn state_folder(&self) -> &Path {
        &self.state
    }

    /// The ledger, unless config says otherwise.
    #[must_use]
    pub fn ledger(&self) -> PathBuf {
        self.data.join("ledger.db")
    }

    /// Checkpoint files, unless config says otherwise: apart from the data folder, so that a backup of
    /// that one does not bring them back too.
    #[must_use]
    pub fn checkpoints(&self) -> PathBuf {
        self.state.join("checkpoints")
    }

    /// The operator's key, mode 0600.
    #[must_use]
    pub fn operator_key(&self) -> PathBuf {
        self.data.join("operator.key")
    }

    /// Keys of model providers, mode 0600.
    #[must_use]
    pub fn provider_keys(&self) -> PathBuf {
        self.data.join("provider-keys.json")
    }

    /// Whom the operator trusts.
    #[must_use]
    pub fn trust_file(&self) -> PathBuf {
        self.config.join("trust.json")
    }

    /// Held shared by whoever uses the operator's key, alone by whoever changes keys.
    #[must_use]
    pub fn keys_lock(&self) -> PathBuf {
        self.data.join("keys.lock")
    }

    /// Lock files of open trajectories.
    #[must_use]
    pub fn leases(&self) -> PathBuf {
        self.data.join("leases")
    }

    /// Private temporary files of children.
    #[must_use]
    pub fn children_tmp(&self) -> PathBuf {
        self.cache.join("tmp")
    }

    /// Snapshots of what was folded, which can be made again.
    #[must_use]
    pub fn snapshots(&self) -> PathBuf {
        self.cache.join("snapshots")
    }

    /// Exports that could not be written where the work is.
    #[must_use]
    pub fn exports(&self) -> PathBuf {
        self.data.join("exports")
    }

    /// Drafts and history of the composer.
    #[must_use]
    pub fn drafts(&self) -> PathBuf {
        self.data.join("drafts")
    }
}

/// Makes a folder of mode 0700 with its parents, or says which one cannot be made.
///
/// # Errors
/// [`AppError`] with the path and the system's words.
pub fn make_private(folder: &Path) -> Result<(), AppError> {
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
        .map_err(|error| {
            AppError::new(
                ErrorKind::User,
                format!("folder `{}` cannot be made: {error}", folder.display()),
            )
            .hint("check who owns it, or set XDG_DATA_HOME to a folder you can write")
        })
}

/// Why what stands there is not this user's word alone: it is somebody else's, who is not root, or anybody may
/// write to it. Nothing where nothing stands.
#[must_use]
pub fn not_own(place: &Path) -> Option<&'static str> {
    let meta = fs::metadata(place).ok()?;
    let own = rustix::process::geteuid().as_raw();
    match () {
        () if ![own, 0].contains(&meta.uid()) => Some("belongs to somebody else"),
        () if meta.permissions().mode() & 0o002 != 0 => Some("can be written by others than you"),
        () => None,
    }
}

/// Links that a path is followed through; the system follows no more either (`path_resolution(7)`).
const LINKS_MAX: usize = 40;

/// Whose what nobody here owns seems to be, as that of a host's root does in a container without rights.
const OVERFLOW: u32 = 65_534;

/// The first folder or link on the way to a file that somebody else could put another thing in the place of, or that
/// is somebody else's, and why. Every one that the system passes through counts, those that links lead to as well;
/// anybody may write to a folder where that takes nothing away from others (the sticky bit).
#[must_use]
pub fn open_way(file: &Path) -> Option<(PathBuf, &'static str)> {
    let own = rustix::process::geteuid().as_raw();
    let trusted = |owner: u32| [own, 0].contains(&owner) || (owner == OVERFLOW && is_nobody_here());
    way(file).into_iter().find_map(|place| {
        let meta = fs::symlink_metadata(&place).ok()?;
        let mode = meta.permissions().mode();
        let why = match () {
            () if !trusted(meta.uid()) => "belongs to somebody else",
            () if meta.is_dir() && mode & 0o1002 == 0o002 => "can be written by others than you",
            () => return None,
        };
        Some((place, why))
    })
}

/// Whether no user here has that number, so that nobody can act as its owner (`user_namespaces(7)`).
fn is_nobody_here() -> bool {
    let Ok(map) = fs::read_to_string("/proc/self/uid_map") else {
        return false;
    };
    map.lines().all(|line| {
        let mut numbers = line
            .split_whitespace()
            .filter_map(|word| word.parse::<u64>().ok());
        match (numbers.next(), numbers.nth(1)) {
            (Some(first), Some(count)) => {
                !(first..first.saturating_add(count)).contains(&u64::from(OVERFLOW))
            }
            _ => false,
        }
    })
}

/// The folders and links that lead to a file, as the system resolves its path; those of a path that leads nowhere
/// are the ones up to there.
fn way(file: &Path) -> Vec<PathBuf> {
    let (mut at, mut passed, mut links) = (PathBuf::from("/"), vec![PathBuf::from("/")], 0);
    let steps = |path: &Path| -> Vec<PathBuf> {
        let steps = path.components().rev();
        steps.map(|step| PathBuf::from(step.as_os_str())).collect()
    };
    let mut rest = steps(&std::path::absolute(file).unwrap_or_default());
    while let Some(step) = rest.pop() {
        // From the root on for an absolute path, and one up for `..`.
        let next = match step.as_os_str() == ".." {
            true => at.parent().unwrap_or(&at).to_owned(),
            false => at.join(&step),
        };
        match fs::read_link(&next) {
            Ok(to) if links < LINKS_MAX => {
                links += 1;
                passed.push(next);
                rest.extend(steps(&to));
            }
            Ok(_) => break,
            Err(_) => {
                at = next;
                if at.is_dir() {
                    passed.push(at.clone());
                }
            }
        }
    }
    passed
}

/// Whether a file can be read by others than its owner.
#[must_use]
pub fn is_exposed(file: &Path) -> bool {
    fs::metadata(file).is_ok_and(|meta| meta.permissions().mode() & 0o077 != 0)
}
