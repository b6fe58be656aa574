//! Opens the app, on the full screen or in lines: terminal, theme, keymap, draft, kernel, and the loop between.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use thymos_core::approval::Via;
use thymos_ports::Clock;
use thymos_protocol::Fault;
use tokio::runtime::Runtime;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::app::run::{Editor, ListFiles, ReadWrit, RunOptions, Verbs, run};
use crate::app::{AppOptions, Link, Notice, Start};
use crate::args::Cli;
use crate::config::{self, Config, Env, Source, paths};
use crate::error::{AppError, ErrorKind};
use crate::keymap::Keymap;
use crate::keymap::load::{KeymapFile, load as load_keymap};
use crate::out;
use crate::plain::{self, Gate, Gated, Paper, PlainOptions, Setup, Sides, typed};
use crate::system::{SystemClock, monotonic};
use crate::term::{Session, StartOptions};
use crate::theme::Theme;
use crate::theme::caps::{ColorChoice, detect};
use crate::theme::load::{ThemeFile, ThemeRequest, load as load_theme};
use crate::ui::chrome::Glyphs;
use crate::verbs::{under_writ, usable_writ};
use crate::wire::{Purpose, Wired, listing, wire};

/// Opens the app and stays until it ends; gives the exit code.
///
/// # Errors
/// [`AppError`] when it cannot be opened; the terminal is then as it was.
pub fn launch(cli: &Cli, env: &Env, directory: &Path) -> Result<u8, AppError> {
    let config = config::load(env, &cli.flags())?;
    if config.plain.value {
        return in_lines(cli, env, directory, &config);
    }
    on_a_terminal()?;
    let term = env.term();
    if term.is_dumb() {
        return Err(
            AppError::new(ErrorKind::User, "this terminal cannot show a full screen")
                .hint("use `thymos --plain`, or set TERM, for example to xterm-256color"),
        );
    }
    let (opened, start) = open(cli, env, directory, &config)?;
    let drafts = Drafts::of(&config, directory);
    let (keep, kept) = watch::channel(String::new());
    let (options, app) = options(
        &config,
        env,
        start,
        drafts.read(),
        (
            keep,
            verbs(cli, directory)?,
            listing::lister(env, &config, directory),
        ),
    )?;
    let clock = options.clock.clone();
    let screen = small_runtime()?;
    let keeping = opened.runtime.spawn(drafts.keep(kept));
    let Opened {
        link,
        runtime,
        served,
    } = opened;
    let requests = link.requests.clone();
    let code = {
        let start = StartOptions {
            env: term,
            now: clock,
            mouse: config.mouse.value,
        };
        let (session, events) = Session::start(start).map_err(|fault| {
            let error = AppError::new(ErrorKind::User, fault.to_string());
            match fault.hint() {
                Some(hint) => error.hint(hint),
                None => error,
            }
        })?;
        let code = screen.block_on(run(link, &session, events, app, options));
        session.finish();
        code
    };
    runtime.block_on(async {
        // Closing the requests lets the kernel seal what runs and end.
        drop(requests);
        drop(keeping.await);
        drop(served.await);
    });
    Ok(code)
}

/// Opens plain mode and stays until it ends. Its terminal is left as it is.
fn in_lines(cli: &Cli, env: &Env, directory: &Path, config: &Config) -> Result<u8, AppError> {
    let (opened, start) = open(cli, env, directory, config)?;
    let (input, output) = out::terminal();
    let clock = monotonic();
    let gate = Gate::default();
    let options = PlainOptions {
        clock: clock.clone(),
        wall: Arc::new(|| SystemClock.now()),
        editor: editor(config, env),
        verbs: verbs(cli, directory)?,
        writs: writs(config),
        setup: Setup {
            switch: switch(&config.plain.source),
            typed: input,
        },
        prompts: input && output,
        gate: gate.clone(),
    };
    let app = AppOptions {
        keymap: Arc::new(Keymap::built_in()),
        theme: Theme::mono(),
        start,
        glyphs: Glyphs::Ascii,
        profile: "plain",
        // What the full screen keeps of its composer is left there.
        draft: String::new(),
        mouse: false,
        notice: None,
        via: Via::Plain,
    };
    let threads = |error| AppError::new(ErrorKind::Internal, format!("no threads: {error}"));
    let (typed, paper) = out::sides()
        .and_then(|(from, to)| {
            let typed = typed::start(Gated::new(from, gate), clock)?;
            Ok((typed, Paper::start(to)?))
        })
        .map_err(threads)?;
    let Opened {
        link,
        runtime,
        served,
    } = opened;
    let requests = link.requests.clone();
    let code = small_runtime()?.block_on(async {
        let signals = plain::signals()?;
        let sides = Sides {
            typed,
            signals,
            paper,
        };
        Ok(plain::run(link, sides, app, options).await)
    });
    runtime.block_on(async {
        drop(requests);
        drop(served.await);
    });
    code.map_err(threads)
}

/// What switched plain mode on, as one would type it.
fn switch(source: &Source) -> String {
    match source {
        Source::Flag(name) => (*name).to_owned(),
        Source::Env("TERM") => "TERM=dumb".to_owned(),
        Source::Env(name) => (*name).to_owned(),
        Source::File(path, line) => format!("ui.plain in {}, line {line}", path.display()),
        Source::Default => "default".to_owned(),
    }
}

/// The kernel at work, and the app's ends of it.
struct Opened {
    link: Link,
    runtime: Runtime,
    served: JoinHandle<()>,
}

/// Starts the kernel, and says which trajectory is to be opened.
fn open(
    cli: &Cli,
    env: &Env,
    directory: &Path,
    config: &Config,
) -> Result<(Opened, Start), AppError> {
    let Wired {
        mut link,
        runtime,
        served,
        last,
        ..
    } = wire(env, config, directory, Purpose::App)?;
    let start = match (&cli.under, last) {
        (Some(file), _) => {
            let (back, begun) = runtime.block_on(under_writ(link, config, file));
            link = back;
            Start::Open(begun?)
        }
        (None, Some(trajectory)) if !cli.new => Start::Open(trajectory),
        _ => Start::New(config.mode.value),
    };
    let opened = Opened {
        link,
        runtime,
        served,
    };
    Ok((opened, start))
}

/// The app has a thread and a small runtime of its own: nothing of the kernel runs on it.
fn small_runtime() -> Result<Runtime, AppError> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|e| AppError::new(ErrorKind::Internal, format!("no threads: {e}")))
}

/// Whether there is a terminal on both sides.
fn on_a_terminal() -> Result<(), AppError> {
    let (input, output) = out::terminal();
    let which = match (input, output) {
        (true, true) => return Ok(()),
        (true, false) => "standard output",
        (false, _) => "standard input",
    };
    let error = AppError::new(ErrorKind::Usage, format!("{which} is not a terminal"));
    Err(error.hint("`thymos --plain` and `thymos run \"task\"` work without one"))
}

fn options(
    config: &Config,
    env: &Env,
    start: Start,
    draft: String,
    (drafts, verbs, list): (watch::Sender<String>, Verbs, ListFiles),
) -> Result<(RunOptions, AppOptions), AppError> {
    let term = env.term();
    let profile = term.profile();
    let keys_path = config.paths.keymap_file();
    let keys = fs::read_to_string(&keys_path).ok();
    let shown = keys_path.display().to_string();
    let keymap = load_keymap(
        keys.as_deref()
            .map(|text| KeymapFile { path: &shown, text }),
    );
    let mut told: Vec<String> = keymap.complaints.iter().map(ToString::to_string).collect();
    let choice = match config.color.value.as_str() {
        "auto" => ColorChoice::Auto,
        "always" => ColorChoice::Always,
        "never" => ColorChoice::Never,
        other => {
            return Err(AppError::new(
                ErrorKind::Config,
                format!(
                    "there is no colour choice `{other}` ({})",
                    config.color.source
                ),
            )
            .hint("use auto, always or never"));
        }
    };
    let files = theme_files(&config.paths.themes());
    let request = ThemeRequest {
        name: &config.theme.value,
        files: &files,
        depth: detect(&term.color(), choice),
    };
    let theme = load_theme(&request);
    told.extend(theme.warnings.iter().map(ToString::to_string));
    let glyphs = if term.ascii_only() {
        Glyphs::Ascii
    } else {
        Glyphs::Box
    };
    let notice = told.first().map(|line| Notice {
        line: line.clone(),
        hint: (told.len() > 1).then(|| format!("and {} more", told.len() - 1)),
        bad: true,
    });
    let run = RunOptions {
        clock: monotonic(),
        wall: Arc::new(|| SystemClock.now()),
        frames_max: profile.frames_max(),
        env: term,
        drafts: Some(drafts),
        editor: editor(config, env),
        verbs,
        writs: writs(config),
        files: list,
    };
    let app = AppOptions {
        keymap: Arc::new(keymap.keymap),
        theme: theme.theme,
        start,
        glyphs,
        profile: profile.name(),
        draft,
        mouse: config.mouse.value,
        notice,
        via: Via::Tui,
    };
    Ok((run, app))
}

/// The operator's editor.
fn editor(config: &Config, env: &Env) -> Editor {
    let own = env.get("VISUAL").or_else(|| env.get("EDITOR"));
    Editor {
        command: own.unwrap_or("vi").to_owned(),
        folder: config.paths.drafts(),
    }
}

/// What a writ file holds, for whoever has this configuration.
fn writs(config: &Config) -> ReadWrit {
    let config = config.clone();
    Arc::new(move |file| {
        usable_writ(&config, file).map_err(|error| Fault {
            message: error.message,
            hint: error.hints.into_iter().next(),
        })
    })
}

/// The program as it was started here.
fn verbs(cli: &Cli, directory: &Path) -> Result<Verbs, AppError> {
    let program = std::env::current_exe().map_err(|error| {
        AppError::new(
            ErrorKind::Internal,
            format!("the program does not find itself: {error}"),
        )
    })?;
    Ok(Verbs {
        program,
        flags: cli.common.again(directory),
    })
}

/// Every theme file of the user.
fn theme_files(folder: &Path) -> Vec<ThemeFile> {
    let Ok(entries) = fs::read_dir(folder) else {
        return Vec::new();
    };
    entries
        .filter_map(Result::ok)
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|ext| ext == "toml"))
        .filter_map(|path| {
            let name = path.file_stem()?.to_str()?.to_owned();
            let text = fs::read_to_string(&path).ok()?;
            Some(ThemeFile {
                name,
                path: path.display().to_string(),
                text,
            })
        })
        .collect()
}

/// The draft of a workspace's composer, kept over restarts, mode 0600.
struct Drafts {
    file: PathBuf,
}

impl Drafts {
    fn of(config: &Config, directory: &Path) -> Self {
        let real = directory
            .canonicalize()
            .unwrap_or_else(|_| directory.to_path_buf());
        let name = thymos_core::Digest::of(real.as_os_str().as_encoded_bytes());
        Self {
            file: config.paths.drafts().join(format!("{}.txt", name.short())),
        }
    }

    fn read(&self) -> String {
        fs::read_to_string(&self.file).unwrap_or_default()
    }

    /// Writes the newest draft whenever it changes; ends with the screen.
    async fn keep(self, mut kept: watch::Receiver<String>) {
        while kept.changed().await.is_ok() {
            let text = kept.borrow_and_update().clone();
            // A draft that cannot be kept is not worth a word while somebody types.
            drop(self.write(&text));
        }
        let text = kept.borrow().clone();
        if kept.has_changed().unwrap_or(false) {
            drop(self.write(&text));
        }
    }

    fn write(&self, text: &str) -> std::io::Result<()> {
        if let Some(folder) = self.file.parent()
            && paths::make_private(folder).is_err()
        {
            return Ok(());
        }
        let mut file = OpenOptions::new()
            .create(true)
            .truncate(true)
            .write(true)
            .mode(0o600)
            .open(&self.file)?;
        file.write_all(text.as_bytes())
    }
}
