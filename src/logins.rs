//! Passwords of addresses, taken out of what is printed about them. Knows no configuration.
//!
//! An address may stand where a path, an id or a command is wanted, and a complaint repeats what was typed.
//! So this looks at words, and rather hides too much.

/// What stands for a password.
const HIDDEN: &str = "***";

/// Addresses behind which a password may hold spaces as well.
const LEDGERS: [&str; 2] = ["postgres", "postgresql"];

/// A text in which no address tells its password: what stands between the user's name and the last `@` of a
/// word is hidden. One or no slash behind the scheme is enough, as a path that was tidied has no two.
#[must_use]
pub fn without_passwords(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(colon) = rest.find(':') {
        let (before, behind) = (&rest[..colon], &rest[colon + 1..]);
        shown.push_str(before);
        shown.push(':');
        let slashes = behind.len() - behind.trim_start_matches(['/', '\\']).len();
        match password(scheme(before), slashes, &behind[slashes..]) {
            Some((from, to)) => {
                shown.push_str(&behind[..slashes + from]);
                shown.push_str(HIDDEN);
                rest = &behind[slashes + to..];
            }
            None => rest = behind,
        }
    }
    shown.push_str(rest);
    shown
}

/// The letters at the end of a text.
fn scheme(text: &str) -> &str {
    let letters = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.');
    &text[text.trim_end_matches(letters).len()..]
}

/// Where the password begins and ends in what follows a scheme, if there is one.
fn password(scheme: &str, slashes: usize, login: &str) -> Option<(usize, usize)> {
    let ledger = LEDGERS
        .iter()
        .any(|known| known.eq_ignore_ascii_case(scheme));
    if scheme.is_empty() || (slashes == 0 && !ledger) {
        return None;
    }
    let word = login.split(char::is_whitespace).next().unwrap_or_default();
    let at = match word.rfind('@') {
        None if ledger => login.rfind('@'),
        at => at,
    }?;
    let colon = login.get(..at)?.find(':')?;
    Some((colon + 1, at))
}

#[cfg(test)]
mod tests;
