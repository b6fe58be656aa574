//! Every environment variable the program reads, once.

use std::path::PathBuf;

use thymos_core::secret::Secret;

use crate::term::TermEnv;

/// Variables by name, as found at start. Prints no values.
#[derive(Clone, Default)]
pub struct Env {
    vars: Vec<(String, String)>,
}

/// Whether a name says that its value is secret.
pub(crate) fn is_telling(name: &str) -> bool {
    const WORDS: [&str; 6] = ["KEY", "TOKEN", "SECRET", "PASSWORD", "PASSWD", "CREDENTIAL"];
    let name = name.to_uppercase();
    WORDS.iter().any(|word| name.contains(word))
}

impl Env {
    /// Reads the process's environment; values that are not UTF-8 are left out.
    #[must_use]
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the one place that reads it"
    )]
    pub fn read() -> Self {
        let vars = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect();
        Self { vars }
    }

    /// A made-up environment, for tests.
    #[must_use]
    pub fn of(vars: &[(&str, &str)]) -> Self {
        let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        Self {
            vars: vars.iter().map(own).collect(),
        }
    }

    /// A variable that is set and not empty.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        let found = self.vars.iter().find(|(known, _)| known == name);
        found
            .map(|(_, value)| value.as_str())
            .filter(|value| !value.is_empty())
    }

    /// As [`Self::get`], as a path.
    #[must_use]
    pub fn path(&self, name: &str) -> Option<PathBuf> {
        self.get(name).map(PathBuf::from)
    }

    /// As [`Self::get`], as a secret.
    #[must_use]
    pub fn secret(&self, name: &str) -> Option<Secret<String>> {
        self.get(name).map(|value| Secret::new(value.to_owned()))
    }

    /// Values of variables whose names say that they are secret; the redactor looks for them.
    #[must_use]
    pub fn secrets(&self) -> Vec<Secret<String>> {
        self.vars
            .iter()
            .filter(|(name, value)| value.len() >= 8 && is_telling(name))
            .map(|(_, value)| Secret::new(value.clone()))
            .collect()
    }

    /// Folders of `PATH`, in order; relative ones are left out.
    #[must_use]
    pub fn search_path(&self) -> Vec<PathBuf> {
        let listed = self.get("PATH").unwrap_or("/usr/local/bin:/usr/bin:/bin");
        listed
            .split(':')
            .map(PathBuf::from)
            .filter(|path| path.is_absolute())
            .collect()
    }

    /// What the terminal layer needs to know.
    #[must_use]
    pub fn term(&self) -> TermEnv {
        let own = |name: &str| self.get(name).map(ToOwned::to_owned);
        TermEnv {
            term: own("TERM"),
            colorterm: own("COLORTERM"),
            no_color: own("NO_COLOR"),
            term_program: own("TERM_PROGRAM"),
            ssh_tty: own("SSH_TTY").or_else(|| own("SSH_CONNECTION")),
            tmux: own("TMUX"),
            sty: own("STY"),
            locale: own("LC_ALL")
                .or_else(|| own("LC_CTYPE"))
                .or_else(|| own("LANG")),
        }
    }

    /// The small environment that children get: never a key, never a socket.
    #[must_use]
    pub fn for_children(&self) -> Vec<(String, String)> {
        const ALLOWED: [&str; 11] = [
            "HOME",
            "LANG",
            "LC_ALL",
            "LC_CTYPE",
            "TERM",
            "TZ",
            "USER",
            "CARGO_HOME",
            "RUSTUP_HOME",
            "GOPATH",
            "JAVA_HOME",
        ];
        ALLOWED
            .iter()
            .filter_map(|name| Some(((*name).to_owned(), self.get(name)?.to_owned())))
            .collect()
    }
}

impl std::fmt::Debug for Env {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Env({} variables)", self.vars.len())
    }
}
