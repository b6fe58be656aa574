//! Draws `docs/images/work.svg` from the real app: a tour in a pseudo-terminal, as far as its first hold.
//!
//! Decides nothing about how the app looks: cells go out as they came in.

use std::io::{Read, Write};
use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use portable_pty::{CommandBuilder, PtySize, native_pty_system};
use vt100::{Cell, Color, Parser};

use crate::chore::{ChoreFault, file_fault, root};

/// The window.
const COLUMNS: u16 = 104;
const ROWS: u16 = 36;

/// A cell in the picture, in pixels.
const WIDE: u32 = 8;
const HIGH: u32 = 17;

/// How long the screen may stand still before it is taken for settled, and how long all may take.
const QUIET: Duration = Duration::from_millis(1_500);
const LOOKS_MAX: usize = 2_000;

/// The sixteen colours of the picture's terminal, and its own two.
const PALETTE: [&str; 16] = [
    "#1c2128", "#e5686b", "#7fc97f", "#d9b35c", "#6ca8f0", "#c58ae8", "#5fc6cf", "#c9d1d9",
    "#7d8590", "#ff8b8d", "#a3e0a3", "#f0cf80", "#93c3ff", "#dcb0f5", "#8be0e8", "#ffffff",
];
const TEXT: &str = "#d5dbe1";
const GROUND: &str = "#14181d";

/// Starts the release build, takes the tour to its first hold, and draws what is then seen.
pub(crate) fn draw() -> Result<String, ChoreFault> {
    let program = root().join("target/release/thymos");
    let scene = Scene::make()?;
    let screen = play(&program, &scene)?;
    let path = root().join("docs/images/work.svg");
    let folder = path.parent().map(Path::to_path_buf).unwrap_or_default();
    std::fs::create_dir_all(&folder).map_err(|e| file_fault(folder, &e))?;
    std::fs::write(&path, svg(&screen)).map_err(|e| file_fault(path, &e))?;
    Ok("drawn: docs/images/work.svg".to_owned())
}

/// A home and a workspace that go away afterwards.
struct Scene {
    folder: PathBuf,
}

impl Scene {
    fn make() -> Result<Self, ChoreFault> {
        let name = format!("thymos-screenshot-{}", std::process::id());
        let scene = Self {
            folder: std::env::temp_dir().join(name),
        };
        let source = scene.workspace().join("src");
        std::fs::create_dir_all(&source).map_err(|e| file_fault(source.clone(), &e))?;
        let files = [
            ("README.md", "# Kettle\n\nIt boils water, and says so.\n"),
            ("src/main.rs", "fn main() {\n    kettle::boil();\n}\n"),
        ];
        for (name, text) in files {
            let path = scene.workspace().join(name);
            std::fs::write(&path, text).map_err(|e| file_fault(path, &e))?;
        }
        Ok(scene)
    }

    fn workspace(&self) -> PathBuf {
        self.folder.join("acme/kettle")
    }
}

impl Drop for Scene {
    fn drop(&mut self) {
        // It lies in the folder for temporary files, where nothing has to be removed.
        drop(std::fs::remove_dir_all(&self.folder));
    }
}

fn play(program: &Path, scene: &Scene) -> Result<Parser, ChoreFault> {
    let broken = |e: &dyn std::fmt::Display| ChoreFault::Mismatch(format!("no terminal: {e}"));
    let size = PtySize {
        rows: ROWS,
        cols: COLUMNS,
        pixel_width: 0,
        pixel_height: 0,
    };
    let pair = native_pty_system().openpty(size).map_err(|e| broken(&e))?;
    let mut command = CommandBuilder::new(program);
    command.cwd(scene.workspace());
    command.env_clear();
    command.env("HOME", scene.folder.join("home"));
    for (name, value) in [
        ("TERM", "xterm-256color"),
        ("LANG", "C.UTF-8"),
        ("PATH", "/usr/bin:/bin"),
        ("USER", "ada"),
    ] {
        command.env(name, value);
    }
    let mut child = pair.slave.spawn_command(command).map_err(|e| broken(&e))?;
    let near = pair.master.try_clone_reader().map_err(|e| broken(&e))?;
    let mut keys = pair.master.take_writer().map_err(|e| broken(&e))?;
    let seen = reader(near);
    let mut screen = parser();
    let told = until(&seen, &mut screen, "Welcome to thymos")
        .and_then(|()| keys.write_all(b"\x1b[?62;22cgive me a tour\r").ok())
        .and_then(|()| until(&seen, &mut screen, "SUSPENDED"));
    while let Ok(bytes) = seen.recv_timeout(QUIET) {
        screen.process(&bytes);
    }
    // Killed or gone already; its home goes with the scene.
    drop(child.kill());
    drop(child.wait());
    told.map(|()| screen)
        .ok_or_else(|| ChoreFault::Mismatch("the app never showed its first hold".to_owned()))
}

fn reader(mut near: Box<dyn Read + Send>) -> Receiver<Vec<u8>> {
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

fn parser() -> Parser {
    let size = |cells| NonZero::new(cells).unwrap_or(NonZero::<u16>::MIN);
    Parser::new(size(ROWS), size(COLUMNS), 0)
}

/// Waits for words on the screen; none when the app ends first or takes too long.
fn until(seen: &Receiver<Vec<u8>>, screen: &mut Parser, words: &str) -> Option<()> {
    for _ in 0..LOOKS_MAX {
        if screen.screen().contents().contains(words) {
            return Some(());
        }
        screen.process(&seen.recv_timeout(Duration::from_secs(10)).ok()?);
    }
    None
}

/// The screen as a picture: a ground, a rectangle behind what has one, and a text for each run.
fn svg(screen: &Parser) -> String {
    let (width, height) = (u32::from(COLUMNS) * WIDE + 24, u32::from(ROWS) * HIGH + 24);
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" \
         font-family=\"ui-monospace, 'DejaVu Sans Mono', Menlo, Consolas, monospace\" \
         font-size=\"13\" xml:space=\"preserve\">\n\
         <title>thymos: a tour, held at its first edit</title>\n\
         <rect width=\"{width}\" height=\"{height}\" rx=\"8\" fill=\"{GROUND}\"/>\n"
    );
    for row in 0..ROWS {
        let cells: Vec<&Cell> = (0..COLUMNS)
            .filter_map(|column| screen.screen().cell(row, column))
            .collect();
        put_row(&cells, u32::from(row), &mut out);
    }
    out.push_str("</svg>\n");
    out
}

/// How a cell is drawn.
#[derive(PartialEq, Eq)]
struct Look {
    text: String,
    ground: Option<String>,
    bold: bool,
    underline: bool,
}

fn look(cell: &Cell) -> Look {
    let mut text = colour(cell.fgcolor()).unwrap_or_else(|| TEXT.to_owned());
    let mut ground = colour(cell.bgcolor());
    if cell.dim() {
        PALETTE[8].clone_into(&mut text);
    }
    if cell.inverse() {
        let behind = ground.unwrap_or_else(|| GROUND.to_owned());
        ground = Some(std::mem::replace(&mut text, behind));
    }
    Look {
        text,
        ground,
        bold: cell.bold(),
        underline: cell.underline(),
    }
}

/// None for the terminal's own.
fn colour(colour: Color) -> Option<String> {
    match colour {
        Color::Default => None,
        Color::Idx(index) => {
            let known = PALETTE.get(usize::from(index));
            Some(known.copied().unwrap_or(TEXT).to_owned())
        }
        Color::Rgb(red, green, blue) => Some(format!("#{red:02x}{green:02x}{blue:02x}")),
    }
}

fn put_row(cells: &[&Cell], row: u32, out: &mut String) {
    let mut column: u32 = 0;
    for run in cells.chunk_by(|a, b| look(a) == look(b)) {
        let text: String = run
            .iter()
            .map(|cell| {
                if cell.has_contents() {
                    cell.contents()
                } else {
                    " "
                }
            })
            .collect();
        let columns = u32::try_from(run.len()).unwrap_or(0);
        if let Some(first) = run.first() {
            put_run(&look(first), &text, (column, row, columns), out);
        }
        column += columns;
    }
}

fn put_run(look: &Look, text: &str, place: (u32, u32, u32), out: &mut String) {
    let (column, row, columns) = place;
    let (x, y) = (12 + column * WIDE, 12 + row * HIGH);
    if let Some(ground) = &look.ground {
        let width = columns * WIDE;
        out.push_str(&format!(
            "<rect x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{HIGH}\" fill=\"{ground}\"/>\n"
        ));
    }
    if text.trim().is_empty() {
        return;
    }
    let weight = if look.bold {
        " font-weight=\"bold\""
    } else {
        ""
    };
    let line = if look.underline {
        " text-decoration=\"underline\""
    } else {
        ""
    };
    out.push_str(&format!(
        "<text x=\"{x}\" y=\"{}\" fill=\"{}\" textLength=\"{}\"{weight}{line}>{}</text>\n",
        y + 13,
        look.text,
        columns * WIDE,
        escaped(text)
    ));
}

fn escaped(text: &str) -> String {
    // Blanks in a row would be drawn as one.
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace(' ', "\u{a0}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_screen_becomes_text_with_its_colours_and_nothing_that_is_markup() {
        let mut screen = parser();
        screen.process(b"\x1b[1;31m<ok> & \x1b[0mplain");
        let drawn = svg(&screen);
        assert!(drawn.contains("&lt;ok&gt;\u{a0}&amp;"), "{drawn}");
        assert!(drawn.contains("fill=\"#e5686b\"") && drawn.contains("font-weight=\"bold\""));
        assert!(drawn.contains(">plain"), "{drawn}");
    }
}
