//! Brings a colour down to fewer colours by perceptual distance.
//!
//! Distances are taken in `OKLab`; the sixteen are assumed to be xterm's, which is a
//! guess: a terminal may paint them otherwise.

use super::caps::Depth;
use ratatui::style::Color;

/// The sixteen as xterm paints them, with the names a terminal is told.
const SIXTEEN: [(Color, (u8, u8, u8)); 16] = [
    (Color::Black, (0, 0, 0)),
    (Color::Red, (205, 0, 0)),
    (Color::Green, (0, 205, 0)),
    (Color::Yellow, (205, 205, 0)),
    (Color::Blue, (0, 0, 238)),
    (Color::Magenta, (205, 0, 205)),
    (Color::Cyan, (0, 205, 205)),
    (Color::Gray, (229, 229, 229)),
    (Color::DarkGray, (127, 127, 127)),
    (Color::LightRed, (255, 0, 0)),
    (Color::LightGreen, (0, 255, 0)),
    (Color::LightYellow, (255, 255, 0)),
    (Color::LightBlue, (92, 92, 255)),
    (Color::LightMagenta, (255, 0, 255)),
    (Color::LightCyan, (0, 255, 255)),
    (Color::White, (255, 255, 255)),
];

/// The nearest colour that `depth` can show; `None` at [`Depth::Mono`].
pub(super) fn reduce(color: Color, depth: Depth) -> Option<Color> {
    match (depth, color) {
        (Depth::Mono, _) => None,
        (Depth::True, _) | (_, Color::Reset) => Some(color),
        (Depth::TwoFiftySix, Color::Rgb(r, g, b)) => Some(nearest_indexed((r, g, b))),
        (Depth::TwoFiftySix, _) => Some(color),
        (Depth::Sixteen, Color::Rgb(r, g, b)) => Some(nearest_named((r, g, b))),
        (Depth::Sixteen, Color::Indexed(index)) => Some(nearest_named(rgb_of_index(index))),
        (Depth::Sixteen, _) => Some(color),
    }
}

/// The red, green and blue of any colour, or `None` for the terminal's default.
pub(super) fn rgb_of(color: Color) -> Option<(u8, u8, u8)> {
    match color {
        Color::Reset => None,
        Color::Rgb(r, g, b) => Some((r, g, b)),
        Color::Indexed(index) => Some(rgb_of_index(index)),
        named => SIXTEEN
            .iter()
            .find(|(name, _)| *name == named)
            .map(|(_, rgb)| *rgb),
    }
}

fn nearest_named(rgb: (u8, u8, u8)) -> Color {
    nearest(rgb, SIXTEEN.iter().copied()).unwrap_or(Color::Reset)
}

fn nearest_indexed(rgb: (u8, u8, u8)) -> Color {
    // The first sixteen are the user's own and unknown to us, so the cube and the greys only.
    let cube = (16..=255u8).map(|index| (Color::Indexed(index), rgb_of_index(index)));
    nearest(rgb, cube).unwrap_or(Color::Reset)
}

fn nearest(
    rgb: (u8, u8, u8),
    candidates: impl Iterator<Item = (Color, (u8, u8, u8))>,
) -> Option<Color> {
    let target = oklab(rgb);
    candidates
        .map(|(color, candidate)| (color, distance(target, oklab(candidate))))
        .min_by(|left, right| left.1.total_cmp(&right.1))
        .map(|(color, _)| color)
}

fn rgb_of_index(index: u8) -> (u8, u8, u8) {
    const STEPS: [u8; 6] = [0, 95, 135, 175, 215, 255];
    let step = |value: u8| STEPS.get(usize::from(value % 6)).copied().unwrap_or(0);
    match index {
        0..=15 => SIXTEEN
            .get(usize::from(index))
            .map_or((0, 0, 0), |(_, rgb)| *rgb),
        16..=231 => {
            let cube = index - 16;
            (step(cube / 36), step(cube / 6), step(cube))
        }
        232..=255 => {
            let grey = 8 + 10 * (index - 232);
            (grey, grey, grey)
        }
    }
}

fn distance(left: [f32; 3], right: [f32; 3]) -> f32 {
    left.iter().zip(right).map(|(a, b)| (a - b) * (a - b)).sum()
}

fn oklab((r, g, b): (u8, u8, u8)) -> [f32; 3] {
    let [r, g, b] = [r, g, b].map(super::contrast::linear);
    let l = (0.412_221_46 * r + 0.536_332_55 * g + 0.051_445_995 * b).cbrt();
    let m = (0.211_903_5 * r + 0.680_699_5 * g + 0.107_396_96 * b).cbrt();
    let s = (0.088_302_46 * r + 0.281_718_85 * g + 0.629_978_7 * b).cbrt();
    [
        0.210_454_26 * l + 0.793_617_8 * m - 0.004_072_047 * s,
        1.977_998_5 * l - 2.428_592_2 * m + 0.450_593_7 * s,
        0.025_904_037 * l + 0.782_771_77 * m - 0.808_675_77 * s,
    ]
}
