//! Judges the themes that come with the program: whole, without warnings, and readable.
//!
//! Users' own themes are not judged here; the app warns about them when it loads them.

use thymos::theme::contrast::{self, TEXT_RATIO_MIN};
use thymos::theme::load::load;
use thymos::theme::{BUILT_IN_NAMES, Depth, Role, ThemeRequest};

use crate::chore::{ChoreFault, read};

const DEPTHS: [Depth; 4] = [Depth::Mono, Depth::Sixteen, Depth::TwoFiftySix, Depth::True];

/// Checks every theme; all that is wrong is told at once.
pub(crate) fn check() -> Result<String, ChoreFault> {
    let mut wrong = Vec::new();
    for name in BUILT_IN_NAMES {
        let text = read(&format!("themes/{name}.toml"))?;
        wrong.extend(missing_roles(name, &text));
        for depth in DEPTHS {
            let loaded = load(&ThemeRequest::built_in(name, depth));
            wrong.extend(
                loaded
                    .warnings
                    .iter()
                    .map(|warning| format!("`{name}`: {warning}")),
            );
        }
        wrong.extend(faint_roles(name));
    }
    if wrong.is_empty() {
        Ok(format!(
            "{} themes are whole and readable",
            BUILT_IN_NAMES.len()
        ))
    } else {
        wrong.dedup();
        Err(ChoreFault::Themes(wrong))
    }
}

/// A theme that comes along names every role itself, so that it can be copied and edited.
fn missing_roles(name: &str, text: &str) -> Vec<String> {
    Role::ALL
        .iter()
        .filter(|role| {
            let row = format!("{} =", role.name());
            !text.lines().any(|line| line.starts_with(&row))
        })
        .map(|role| format!("`{name}`: role `{}` is missing", role.name()))
        .collect()
}

/// Fixed colours only: what is left to the terminal cannot be judged.
fn faint_roles(name: &str) -> Vec<String> {
    let theme = load(&ThemeRequest::built_in(name, Depth::True)).theme;
    contrast::check(&theme)
        .into_iter()
        .map(|faint| {
            let (role, ratio) = (faint.role.name(), faint.ratio);
            format!("`{name}`: `{role}` has contrast {ratio:.2}, below {TEXT_RATIO_MIN}")
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_theme_that_leaves_a_role_out_is_named_with_it() {
        assert_eq!(
            missing_roles("dark", "text = {}\n").first().unwrap(),
            "`dark`: role `muted` is missing"
        );
    }
}
