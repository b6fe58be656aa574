//! Tests of themes: built-ins are whole, readable, and bad files only warn.

use super::caps::detect;
use super::contrast::{check, ratio};
use super::load::{ThemeFile, ThemeProblem, load};
use super::sgr::{Plane, apply, push_color};
use super::*;
use proptest::prelude::*;
use ratatui::style::{Color, Modifier};

fn file(text: &str) -> Vec<ThemeFile> {
    vec![ThemeFile {
        name: "mine".into(),
        path: "mine.toml".into(),
        text: text.into(),
    }]
}

fn load_mine(text: &str) -> Loaded {
    load(&ThemeRequest {
        name: "mine",
        files: &file(text),
        depth: Depth::True,
    })
}

#[test]
fn every_built_in_theme_loads_without_a_warning_at_every_depth() {
    for name in BUILT_IN_NAMES {
        for depth in [Depth::Mono, Depth::Sixteen, Depth::TwoFiftySix, Depth::True] {
            let loaded = load(&ThemeRequest::built_in(name, depth));
            assert_eq!(loaded.warnings, vec![], "{name} {depth:?}");
        }
    }
}

#[test]
fn every_built_in_theme_names_every_role() {
    for name in BUILT_IN_NAMES {
        let text = std::fs::read_to_string(format!("themes/{name}.toml")).unwrap();
        for role in Role::ALL {
            assert!(
                text.lines()
                    .any(|line| line.starts_with(&format!("{} =", role.name()))),
                "{name} lacks {}",
                role.name()
            );
        }
    }
}

#[test]
fn fixed_themes_reach_the_contrast_of_text() {
    for name in ["light", "dark", "contrast"] {
        let loaded = load(&ThemeRequest::built_in(name, Depth::True));
        assert_eq!(check(&loaded.theme), vec![], "{name}");
    }
}

#[test]
fn black_on_white_has_the_greatest_contrast() {
    let found = ratio(Color::Rgb(0, 0, 0), Color::Rgb(255, 255, 255)).unwrap();
    assert!((found - 21.0).abs() < 0.01);
    assert_eq!(ratio(Color::Reset, Color::Black), None);
}

#[test]
fn mono_has_no_colour_at_all() {
    let theme = Theme::mono();
    for role in Role::ALL {
        assert_eq!((theme.style(*role).fg, theme.style(*role).bg), (None, None));
    }
}

#[test]
fn a_lower_depth_never_sends_a_higher_colour() {
    let theme = load(&ThemeRequest::built_in("dark", Depth::Sixteen)).theme;
    for role in Role::ALL {
        for color in [theme.style(*role).fg, theme.style(*role).bg]
            .into_iter()
            .flatten()
        {
            assert!(
                !matches!(color, Color::Rgb(..) | Color::Indexed(_)),
                "{role:?} {color:?}"
            );
        }
    }
}

#[test]
fn a_user_theme_inherits_and_overrides() {
    let loaded = load_mine(
        "parent = \"dark\"\n[palette]\nrose = \"#ff88aa\"\n[roles]\nok = \"rose\"\neffect.read = { fg = \"12\", mods = [\"bold\"] }\n",
    );
    assert_eq!(loaded.warnings, vec![]);
    let dark = load(&ThemeRequest::built_in("dark", Depth::True)).theme;
    assert_eq!(
        loaded.theme.style(Role::Ok).fg,
        Some(Color::Rgb(255, 136, 170))
    );
    assert_eq!(
        loaded.theme.style(Role::EffectRead).fg,
        Some(Color::Indexed(12))
    );
    assert_eq!(loaded.theme.style(Role::Text), dark.style(Role::Text));
    assert_ne!(loaded.theme.epoch(), dark.epoch());
}

#[test]
fn mistakes_in_a_theme_are_told_with_their_line_and_the_rest_works() {
    let loaded = load_mine(
        "[roles]\nok = \"greeen\"\nokay = \"green\"\nwarn = { fg = \"red\", mods = [\"loud\"] }\ndanger = \"blue\"\n",
    );
    let told: Vec<String> = loaded.warnings.iter().map(ToString::to_string).collect();
    assert_eq!(
        told,
        [
            "`mine.toml` line 2: unknown colour `greeen`",
            "`mine.toml` line 3: unknown role `okay`",
            "`mine.toml` line 4: unknown modifier `loud`",
        ]
    );
    assert_eq!(loaded.theme.style(Role::Danger).fg, Some(Color::Blue));
    assert_eq!(loaded.theme.style(Role::Ok), Theme::ansi().style(Role::Ok));
}

#[test]
fn broken_toml_falls_back_to_the_default() {
    let loaded = load_mine("[roles\n");
    assert!(matches!(
        loaded.warnings[0].problem,
        ThemeProblem::Syntax(_)
    ));
    assert_eq!(loaded.theme.style(Role::Ok), Theme::ansi().style(Role::Ok));
}

#[test]
fn parents_in_a_circle_end() {
    let loaded = load_mine("parent = \"mine\"\n[roles]\nok = \"red\"\n");
    assert!(
        loaded
            .warnings
            .iter()
            .any(|w| w.problem == ThemeProblem::TooManyParents)
    );
    assert_eq!(loaded.theme.style(Role::Ok).fg, Some(Color::Red));
}

#[test]
fn an_unknown_theme_is_told_and_the_default_used() {
    let loaded = load(&ThemeRequest::built_in("neon", Depth::Sixteen));
    assert_eq!(
        loaded.warnings[0].problem,
        ThemeProblem::UnknownTheme("neon".into())
    );
    assert_eq!(loaded.theme.style(Role::Ok), Theme::ansi().style(Role::Ok));
}

fn check_depth(term: &str, colorterm: &str, no_color: Option<&str>, expected: Depth) {
    let env = ColorEnv {
        term: Some(term.into()),
        colorterm: Some(colorterm.into()),
        no_color: no_color.map(Into::into),
    };
    assert_eq!(
        detect(&env, ColorChoice::Auto),
        expected,
        "{term} {colorterm} {no_color:?}"
    );
}

#[test]
fn depth_is_read_from_the_environment() {
    check_depth("xterm-256color", "", None, Depth::TwoFiftySix);
    check_depth("xterm-256color", "truecolor", None, Depth::True);
    check_depth("xterm-256color", "truecolor", Some(""), Depth::True);
    check_depth("xterm-256color", "truecolor", Some("1"), Depth::Mono);
    check_depth(
        "screen.xterm-256color",
        "truecolor",
        None,
        Depth::TwoFiftySix,
    );
    check_depth("xterm", "", None, Depth::Sixteen);
    check_depth("linux", "", None, Depth::Sixteen);
    check_depth("vt100", "", None, Depth::Mono);
    check_depth("dumb", "", None, Depth::Mono);
    assert_eq!(
        detect(&ColorEnv::default(), ColorChoice::Always),
        Depth::Sixteen
    );
}

#[test]
fn colours_survive_the_way_to_bytes_and_back() {
    for color in [
        Color::Red,
        Color::White,
        Color::DarkGray,
        Color::Indexed(200),
        Color::Rgb(1, 2, 3),
    ] {
        let mut text = String::new();
        push_color(&mut text, color, Plane::Front);
        text.push(';');
        push_color(&mut text, color, Plane::Back);
        let style = apply(Style::default(), &text);
        assert_eq!((style.fg, style.bg), (Some(color), Some(color)), "{text}");
    }
    let style = apply(Style::default(), "1;38:2::9:8:7;4");
    assert_eq!(style.fg, Some(Color::Rgb(9, 8, 7)));
    assert!(
        style
            .add_modifier
            .contains(Modifier::BOLD | Modifier::UNDERLINED)
    );
}

proptest! {
    #[test]
    fn any_sgr_parameters_are_read_without_a_panic(text in ".*") {
        let style = apply(Style::default(), &text);
        prop_assert!(!style.add_modifier.contains(Modifier::HIDDEN));
    }

    #[test]
    fn any_theme_file_loads(text in ".*") {
        prop_assert!(load_mine(&text).theme.name() == "mine");
    }

    #[test]
    fn any_role_table_loads(key in "[a-z.\"]{1,12}", value in "[a-z0-9#\\[\\]{}\", =]{0,20}") {
        let text = format!("[roles]\n{key} = {value}\n");
        prop_assert!(load_mine(&text).theme.name() == "mine");
    }
}
