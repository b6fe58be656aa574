//! `docs/themes.md`: the roles that a theme gives a style to, and the themes that come along.
//!
//! The sentences are the comments of `src/theme/role.rs` and the first lines of `themes/*.toml`.

use thymos::theme::{BUILT_IN_NAMES, Role};

use crate::chore::{ChoreFault, read};
use crate::docgen::NOTICE;

const INTRO: &str = "
A view asks for a role and never for a colour. A theme file names a style for each role, inherits what it leaves
out from its `parent`, and may name its own colours in `[palette]`. `mods` are `bold`, `dim`, `italic`,
`underline`, `reverse`, `strike`. A mistake in a theme is a warning with its line, and keeps the parent's style.
";

/// The whole page.
pub(crate) fn page() -> Result<String, ChoreFault> {
    let mut text = format!("# Themes\n\n{NOTICE}{INTRO}\n## Themes that come with the program\n\n");
    text.push_str("| Name | What it is |\n|---|---|\n");
    for name in BUILT_IN_NAMES {
        let file = read(&format!("themes/{name}.toml"))?;
        let said = file.lines().next().unwrap_or_default();
        text.push_str(&format!(
            "| `{name}` | {} |\n",
            said.trim_start_matches("# ")
        ));
    }
    text.push_str("\n## Roles\n\n| Role | Meaning |\n|---|---|\n");
    let source = read("src/theme/role.rs")?;
    for (role, said) in Role::ALL.iter().zip(sentences(&source)?) {
        text.push_str(&format!("| `{}` | {said} |\n", role.name()));
    }
    Ok(text)
}

/// The comment of every role, in the order of [`Role::ALL`].
fn sentences(source: &str) -> Result<Vec<String>, ChoreFault> {
    let inside = source
        .split_once("pub enum Role {")
        .and_then(|(_, rest)| rest.split_once("\n}"))
        .map(|(inside, _)| inside)
        .unwrap_or_default();
    let mut said = String::new();
    let mut found = Vec::new();
    for line in inside.lines().map(str::trim) {
        if let Some(more) = line.strip_prefix("///") {
            said.push_str(more);
        } else if let Some(name) = line.strip_suffix(',') {
            found.push((name.to_owned(), std::mem::take(&mut said).trim().to_owned()));
        }
    }
    let names: Vec<String> = found.iter().map(|(name, _)| name.clone()).collect();
    let expected: Vec<String> = Role::ALL.iter().map(|role| format!("{role:?}")).collect();
    if names == expected {
        Ok(found.into_iter().map(|(_, said)| said).collect())
    } else {
        Err(ChoreFault::Mismatch(
            "the roles of `src/theme/role.rs` and `Role::ALL` are not the same list".to_owned(),
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_role_is_on_the_page_with_a_sentence() {
        let page = page().unwrap();
        for role in Role::ALL {
            let row = format!("| `{}` | ", role.name());
            let line = page.lines().find(|line| line.starts_with(&row)).unwrap();
            assert!(line.ends_with(". |"), "{line}");
        }
    }
}
