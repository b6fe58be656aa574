//! `[Q8]` This very program under a pseudo-terminal: first paint, echo, memory, idleness.
//!
//! Runs with a home of its own in the scratch folder. Answers the one question of the start that a
//! terminal answers, and reads everything that is written.

use std::fs::{self, File, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::process::{Child, Command};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};

use super::{Bar, Bench, Figure, Samples, fault, ms};
use crate::error::AppError;

/// What only a drawn first screen shows: the place where one types.
const PAINTED: &[u8] = b"practice";

/// How long anything is waited for. Beyond it the row is left out.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long the app is left alone to see what it does then.
const IDLE: Duration = Duration::from_secs(5);

/// Nothing written for so long means that the start is over.
const QUIET: Duration = Duration::from_millis(700);

/// The keys that lead to approvals, ledger, authority and runs.
const OTHER_SCREENS: [&[u8]; 4] = [b"\x182", b"\x183", b"\x184", b"\x185"];

/// Starts whose first paint is timed; the last one is then used.
const STARTS: usize = 5;

pub(super) fn measure(bench: &Bench) -> Result<Vec<Figure>, AppError> {
    let mut paints = Vec::new();
    for start in 0..STARTS {
        let mut terminal = Terminal::start(bench)?;
        let Some(took) = terminal.painted(bench) else {
            let why = "nothing was painted in ten seconds";
            return Ok(vec![Figure::left_out("start, echo, memory, idleness", why)]);
        };
        paints.push(took);
        if start + 1 == STARTS {
            return figures(bench, &Samples(paints), &mut terminal);
        }
    }
    Ok(Vec::new())
}

fn figures(
    bench: &Bench,
    paints: &Samples,
    terminal: &mut Terminal,
) -> Result<Vec<Figure>, AppError> {
    terminal.settle();
    let echoes = Samples(terminal.echoes(bench)?);
    terminal.settle();
    let pid = terminal.child.id();
    let resident = resident_mib(pid)?;
    let (ticks, (), bytes) = (cpu_ticks(pid)?, std::thread::sleep(IDLE), terminal.drain());
    let busy = cpu_ticks(pid)?.saturating_sub(ticks);
    let ticks_of_idle = 100.0 * IDLE.as_secs_f64();
    let (screens, busiest) = terminal.idle_screens()?;
    let figure = Figure::new;
    Ok(vec![
        figure(
            "exec to first paint, p50 of 5",
            ms(paints.median()),
            "ms",
            Bar::AtMost(60.0),
        ),
        figure(
            "key to echo, p50 of 40",
            ms(echoes.median()),
            "ms",
            Bar::AtMost(1.0),
        ),
        figure(
            "key to echo, p99",
            ms(echoes.at(99)),
            "ms",
            Bar::AtMost(16.0),
        ),
        figure(
            "resident memory after start",
            resident,
            "MiB",
            Bar::AtMost(40.0),
        ),
        figure(
            "bytes written in 5 s of idleness",
            count(bytes),
            "bytes",
            Bar::AtMost(0.0),
        ),
        figure(
            "CPU in 5 s of idleness",
            100.0 * count(busy) / ticks_of_idle,
            "%",
            Bar::AtMost(0.0),
        ),
        figure(
            "bytes written in 1 s on each other screen, the most",
            count(screens),
            "bytes",
            Bar::AtMost(0.0),
        ),
        figure(
            "CPU in 1 s on each other screen, the most",
            count(busiest),
            "%",
            Bar::AtMost(0.0),
        ),
    ])
}

fn count(number: usize) -> f64 {
    f64::from(u32::try_from(number).unwrap_or(u32::MAX))
}

/// The program on the other side of a pseudo-terminal.
struct Terminal {
    child: Child,
    keys: File,
    seen: Receiver<Vec<u8>>,
    from: Duration,
}

impl Terminal {
    fn start(bench: &Bench) -> Result<Self, AppError> {
        let home = bench.file("home");
        let workspace = bench.file("workspace");
        fs::create_dir_all(&home).map_err(fault)?;
        fs::create_dir_all(&workspace).map_err(fault)?;
        let near = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).map_err(fault)?;
        grantpt(&near).map_err(fault)?;
        unlockpt(&near).map_err(fault)?;
        let size = Winsize {
            ws_row: 24,
            ws_col: 80,
            ws_xpixel: 0,
            ws_ypixel: 0,
        };
        tcsetwinsize(&near, size).map_err(fault)?;
        let name = ptsname(&near, Vec::new()).map_err(fault)?;
        let far = far_end(Path::new(name.to_str().map_err(fault)?)).map_err(fault)?;
        let near = File::from(near);
        let from = bench.now();
        let child = Command::new(std::env::current_exe().map_err(fault)?)
            .current_dir(&workspace)
            .env_clear()
            .envs([
                ("TERM", "xterm-256color"),
                ("LANG", "C.UTF-8"),
                ("PATH", "/usr/bin:/bin"),
            ])
            .env("HOME", &home)
            .stdin(far.try_clone().map_err(fault)?)
            .stderr(far.try_clone().map_err(fault)?)
            .stdout(far)
            .spawn()
            .map_err(fault)?;
        Ok(Self {
            seen: reader(near.try_clone().map_err(fault)?),
            child,
            keys: near,
            from,
        })
    }

    /// When the first screen was there; none when it never came.
    fn painted(&mut self, bench: &Bench) -> Option<Duration> {
        let mut all = Vec::new();
        while let Ok(bytes) = self.seen.recv_timeout(PATIENCE) {
            let at = bench.now();
            all.extend_from_slice(&bytes);
            if all.windows(PAINTED.len()).any(|part| part == PAINTED) {
                // What a terminal says of itself when asked; without it the start waits a second.
                self.keys.write_all(b"\x1b[?62;22c").ok()?;
                return Some(at.saturating_sub(self.from));
            }
        }
        None
    }

    /// Waits until nothing more is written.
    fn settle(&self) {
        while self.seen.recv_timeout(QUIET).is_ok() {}
    }

    fn drain(&self) -> usize {
        self.seen.try_iter().map(|bytes| bytes.len()).sum()
    }

    /// Bytes written and ticks of the processor taken in a second on each screen but the first: of each
    /// the most.
    fn idle_screens(&mut self) -> Result<(usize, usize), AppError> {
        let (mut bytes, mut ticks) = (0, 0);
        for screen in OTHER_SCREENS {
            self.keys.write_all(screen).map_err(fault)?;
            self.settle();
            let before = cpu_ticks(self.child.id())?;
            std::thread::sleep(Duration::from_secs(1));
            bytes = bytes.max(self.drain());
            ticks = ticks.max(cpu_ticks(self.child.id())?.saturating_sub(before));
        }
        Ok((bytes, ticks))
    }

    fn echoes(&mut self, bench: &Bench) -> Result<Vec<Duration>, AppError> {
        let mut took = Vec::new();
        for _ in 0..40 {
            std::thread::sleep(Duration::from_millis(30));
            self.drain();
            let from = bench.now();
            self.keys.write_all(b"x").map_err(fault)?;
            self.seen.recv_timeout(PATIENCE).map_err(fault)?;
            took.push(bench.now().saturating_sub(from));
        }
        Ok(took)
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // It may have ended by itself; either way it is waited for, and its scratch home goes next.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn far_end(path: &Path) -> std::io::Result<File> {
    let flags = rustix::fs::OFlags::NOCTTY.bits();
    let flags = i32::try_from(flags).unwrap_or_default();
    let mut options = OpenOptions::new();
    options
        .read(true)
        .write(true)
        .custom_flags(flags)
        .open(path)
}

/// A thread that reads until the other side is gone.
fn reader(mut near: File) -> Receiver<Vec<u8>> {
    let (sender, seen) = channel();
    std::thread::spawn(move || {
        let mut buffer = [0; 65_536];
        while let Ok(length @ 1..) = near.read(&mut buffer) {
            let bytes = buffer.get(..length).unwrap_or_default().to_vec();
            if sender.send(bytes).is_err() {
                return;
            }
        }
    });
    seen
}

fn resident_mib(pid: u32) -> Result<f64, AppError> {
    memory_mib(pid, "VmRSS:")
}

/// One line of what the system says of a process's memory.
pub(super) fn memory_mib(pid: u32, name: &str) -> Result<f64, AppError> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).map_err(fault)?;
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    let kib = line.and_then(|rest| {
        rest.trim()
            .trim_end_matches("kB")
            .trim()
            .parse::<u32>()
            .ok()
    });
    kib.map(|kib| f64::from(kib) / 1024.0)
        .ok_or_else(|| fault("the system does not tell the memory of a process"))
}

/// Hundredths of a second that it has run, by the system's count.
fn cpu_ticks(pid: u32) -> Result<usize, AppError> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).map_err(fault)?;
    let (_, fields) = stat.rsplit_once(')').unwrap_or_default();
    // The name may hold blanks, so fields are counted behind its bracket: 12 and 13 are the times.
    let ticks = fields.split_whitespace().skip(11).take(2);
    Ok(ticks.filter_map(|text| text.parse::<usize>().ok()).sum())
}
