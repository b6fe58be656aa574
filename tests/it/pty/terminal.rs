//! The terminal: a pseudo-terminal, the program in it, and a screen that understands its bytes.

use std::io::{Read, Write};
use std::num::NonZero;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;
use thymos::system::monotonic;
use thymos::term::Monotonic;

/// How long anything is waited for. Generous: machines are shared, and no test measures time.
const PATIENCE: Duration = Duration::from_secs(60);

/// How often a screen that does not change by itself is looked at again.
const LOOK: Duration = Duration::from_millis(50);

/// A home and a workspace of their own.
pub(super) struct Place {
    folder: TempDir,
}

impl Place {
    /// A new home, and a workspace with two files.
    pub(super) fn new() -> Self {
        let place = Self {
            folder: tempfile::tempdir().unwrap(),
        };
        std::fs::create_dir(place.home()).unwrap();
        std::fs::create_dir(place.workspace()).unwrap();
        let readme = "# Kettle\n\nIt boils water.\n";
        std::fs::write(place.workspace().join("README.md"), readme).unwrap();
        let source = "fn main() {\n    boil();\n}\n";
        std::fs::write(place.workspace().join("main.rs"), source).unwrap();
        place
    }

    /// Sets the configuration.
    pub(super) fn config(&self, text: &str) {
        let folder = self.home().join(".config/thymos");
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("config.toml"), text).unwrap();
    }

    fn home(&self) -> PathBuf {
        self.folder.path().join("home")
    }

    pub(super) fn workspace(&self) -> PathBuf {
        self.folder.path().join("kettle")
    }

    /// Runs a verb to its end: exit code, standard output.
    pub(super) fn verb(&self, words: &[&str]) -> (i32, String) {
        let output = std::process::Command::new(program())
            .args(words)
            .current_dir(self.workspace())
            .env_clear()
            .envs(environment())
            .env("HOME", self.home())
            .output()
            .unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        (output.status.code().unwrap_or(-1), text)
    }
}

/// The program under test: the one that `THYMOS_TEST_PROGRAM` names, as the gate does with the
/// release build, else the one that `cargo test` built.
#[expect(
    clippy::disallowed_methods,
    reason = "the gate says which program; the program itself never reads this"
)]
fn program() -> PathBuf {
    std::env::var_os("THYMOS_TEST_PROGRAM").map_or_else(
        || PathBuf::from(env!("CARGO_BIN_EXE_thymos")),
        PathBuf::from,
    )
}

fn environment() -> [(&'static str, &'static str); 3] {
    [
        ("TERM", "xterm-256color"),
        ("LANG", "C.UTF-8"),
        ("PATH", "/usr/local/bin:/usr/bin:/bin"),
    ]
}

/// A terminal window with the app in it.
pub(super) struct Terminal {
    child: Box<dyn Child + Send + Sync>,
    master: Box<dyn MasterPty + Send>,
    keys: Box<dyn Write + Send>,
    seen: Receiver<Vec<u8>>,
    screen: vt100::Parser,
    /// Everything that was ever written to it.
    pub(super) bytes: Vec<u8>,
    answered: bool,
    clock: Monotonic,
    // Bytes in which what was waited for has been found.
    found: usize,
}

impl Terminal {
    /// Opens the app in a window of 80x24.
    pub(super) fn open(place: &Place) -> Self {
        Self::editing(place, "printf 'written in the editor' >")
    }

    /// The same, with another editor.
    pub(super) fn editing(place: &Place, editor: &str) -> Self {
        Self::started(place, &[], &[("EDITOR", editor)])
    }

    /// The same, with these words and variables.
    pub(super) fn started(place: &Place, words: &[&str], more: &[(&str, &str)]) -> Self {
        let size = pty_size(80, 24);
        let pair = native_pty_system().openpty(size).unwrap();
        let mut command = CommandBuilder::new(program());
        command.args(words);
        command.cwd(place.workspace());
        command.env_clear();
        for (name, value) in environment() {
            command.env(name, value);
        }
        command.env("HOME", place.home());
        for (name, value) in more {
            command.env(name, value);
        }
        let child = pair.slave.spawn_command(command).unwrap();
        let near = pair.master.try_clone_reader().unwrap();
        Self {
            child,
            keys: pair.master.take_writer().unwrap(),
            master: pair.master,
            seen: reader(near),
            screen: parser(80, 24),
            bytes: Vec::new(),
            answered: false,
            clock: monotonic(),
            found: 0,
        }
    }

    /// What a person sees.
    pub(super) fn text(&self) -> String {
        let (_, width) = self.screen.screen().size();
        let rows = self.screen.screen().rows(0, width.get());
        rows.map(|row| row.trim_end().to_owned() + "\n").collect()
    }

    /// Waits until these words are on the screen.
    pub(super) fn sees(&mut self, words: &str) {
        self.until(&format!("`{words}`"), |text| text.contains(words));
    }

    /// Waits until these words were written, behind those that were waited for before.
    pub(super) fn prints(&mut self, words: &str) {
        let end = (self.clock)() + PATIENCE;
        loop {
            let rest = self.bytes.get(self.found..).unwrap_or_default();
            let length = words.len();
            if let Some(at) = rest
                .windows(length)
                .position(|part| part == words.as_bytes())
            {
                self.found += at + length;
                return;
            }
            let printed = String::from_utf8_lossy(&self.bytes).into_owned();
            assert!(
                (self.clock)() < end && self.take(LOOK),
                "`{words}` was never printed; this was\n{printed}"
            );
        }
    }

    /// Waits until these words are no longer on the screen.
    pub(super) fn sees_no(&mut self, words: &str) {
        self.until(&format!("no `{words}`"), |text| !text.contains(words));
    }

    /// Waits until the screen is as wanted, and panics with the screen when it never is.
    pub(super) fn until(&mut self, wanted: &str, is_so: impl Fn(&str) -> bool) {
        let end = (self.clock)() + PATIENCE;
        while !is_so(&self.text()) {
            assert!(
                (self.clock)() < end && self.take(LOOK),
                "never saw {wanted}; the screen is\n{}",
                self.text()
            );
        }
    }

    /// Takes what was written, if anything is within this time; `false` when nothing ever will be.
    fn take(&mut self, within: Duration) -> bool {
        match self.seen.recv_timeout(within) {
            Ok(bytes) => {
                self.screen.process(&bytes);
                self.bytes.extend_from_slice(&bytes);
                self.answer();
                true
            }
            Err(RecvTimeoutError::Timeout) => true,
            Err(RecvTimeoutError::Disconnected) => false,
        }
    }

    /// Says what it is, when it is asked, as terminals do.
    fn answer(&mut self) {
        let asked = self.bytes.windows(3).any(|part| part == b"\x1b[c");
        if asked && !self.answered {
            self.answered = true;
            self.press("\x1b[?62;22c");
        }
    }

    /// Presses keys, as the bytes they send.
    pub(super) fn press(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).unwrap();
        self.keys.flush().unwrap();
    }

    /// Presses a key again and again until the screen is as wanted.
    pub(super) fn press_until(&mut self, keys: &str, wanted: &str, is_so: impl Fn(&str) -> bool) {
        let end = (self.clock)() + PATIENCE;
        while !is_so(&self.text()) {
            assert!(
                (self.clock)() < end,
                "never saw {wanted}; the screen is\n{}",
                self.text()
            );
            self.press(keys);
            let look = (self.clock)() + Duration::from_millis(500);
            while (self.clock)() < look && !is_so(&self.text()) && self.take(LOOK) {}
        }
    }

    pub(super) fn resize(&mut self, width: u16, height: u16) {
        self.master.resize(pty_size(width, height)).unwrap();
        let size = (NonZero::new(height).unwrap(), NonZero::new(width).unwrap());
        self.screen.set_size(size.0, size.1);
    }

    pub(super) fn signal(&self, signal: Signal) {
        let pid = self.child.process_id().unwrap();
        let pid = Pid::from_raw(i32::try_from(pid).unwrap()).unwrap();
        kill_process(pid, signal).unwrap();
    }

    /// Waits for the end of the program, takes its last bytes, and gives its exit code.
    pub(super) fn ended(&mut self) -> u32 {
        let end = (self.clock)() + PATIENCE;
        loop {
            self.take(LOOK);
            if let Some(status) = self.child.try_wait().unwrap() {
                while self.seen.recv_timeout(LOOK).is_ok_and(|bytes| {
                    self.bytes.extend_from_slice(&bytes);
                    self.screen.process(&bytes);
                    true
                }) {}
                return status.exit_code();
            }
            assert!((self.clock)() < end, "never ended:\n{}", self.text());
        }
    }

    /// Whether the terminal shows what is typed.
    pub(super) fn echoes(&self) -> bool {
        // `ECHO`, as termios(3) has it on Linux.
        let modes = self.master.get_termios().unwrap().local_flags.bits();
        modes & 0o10 != 0
    }

    /// Whether the terminal was given back: the other screen left, the cursor shown.
    pub(super) fn is_given_back(&self) -> bool {
        let screen = self.screen.screen();
        let text = String::from_utf8_lossy(&self.bytes);
        let (entered, left) = (text.rfind("\x1b[?1049h"), text.rfind("\x1b[?1049l"));
        !screen.alternate_screen() && !screen.hide_cursor() && left > entered
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // Ended already in a test that passed; in one that failed nothing may stay behind.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn pty_size(cols: u16, rows: u16) -> PtySize {
    PtySize {
        rows,
        cols,
        pixel_width: 0,
        pixel_height: 0,
    }
}

fn parser(width: u16, height: u16) -> vt100::Parser {
    vt100::Parser::new(
        NonZero::new(height).unwrap(),
        NonZero::new(width).unwrap(),
        0,
    )
}

fn reader(mut near: Box<dyn Read + Send>) -> Receiver<Vec<u8>> {
    let (sender, seen) = channel();
    std::thread::spawn(move || {
        let mut buffer = [0; 65_536];
        while let Ok(length @ 1..) = near.read(&mut buffer) {
            if sender.send(buffer[..length].to_vec()).is_err() {
                return;
            }
        }
    });
    seen
}
