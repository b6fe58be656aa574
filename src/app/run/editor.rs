//! The operator's own editor: a message goes there in a private file and comes back as text.
//!
//! Blocks while it runs. What cannot be taken back stays in its file, which is named.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::config::paths;
use crate::panes::composer::MESSAGE_BYTES_MAX;

/// A command, and where its file is put.
#[derive(Clone, Debug)]
pub struct Editor {
    /// As in `VISUAL` and `EDITOR`: words for the shell, which the file's name is put behind.
    pub command: String,
    /// A folder of the operator's alone.
    pub folder: PathBuf,
}

impl Editor {
    /// Lets the operator write on at this text.
    ///
    /// # Errors
    /// One sentence, when there is no new text.
    pub fn write(&self, text: &str) -> Result<String, String> {
        paths::make_private(&self.folder).map_err(|error| error.message)?;
        let file = self
            .folder
            .join(format!("message-{}.md", std::process::id()));
        // Of a process of this number that was killed, which cannot come back for it.
        drop(fs::remove_file(&file));
        let made = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&file)
            .and_then(|mut out| out.write_all(text.as_bytes()));
        let taken = match made {
            Ok(()) => self.run(&file),
            Err(error) => Err(format!("`{}` cannot be written: {error}", file.display())),
        };
        // What is too much, or no text, is the operator's work all the same.
        let keeps = matches!(&taken, Ok(Taken::Unfit(_)));
        if !keeps {
            drop(fs::remove_file(&file));
        }
        match taken? {
            Taken::Text(text) => Ok(text),
            Taken::Unfit(why) => Err(format!("{why}; it stands in `{}`", file.display())),
        }
    }

    fn run(&self, file: &Path) -> Result<Taken, String> {
        let ended = Command::new("/bin/sh")
            .arg("-c")
            .arg(format!("{} \"$1\"", self.command))
            .arg("thymos")
            .arg(file)
            .status();
        match ended {
            Ok(status) if status.success() => {}
            Ok(status) => {
                let editor = &self.command;
                return Err(format!("`{editor}` ended with {status}; nothing changed"));
            }
            Err(error) => return Err(format!("`{}` cannot be started: {error}", self.command)),
        }
        let bytes = fs::read(file).map_err(|error| format!("what was written is gone: {error}"))?;
        if bytes.len() > MESSAGE_BYTES_MAX {
            let why = format!("{} bytes are more than a message has", bytes.len());
            return Ok(Taken::Unfit(why));
        }
        Ok(match String::from_utf8(bytes) {
            Ok(text) => Taken::Text(text.strip_suffix('\n').unwrap_or(&text).to_owned()),
            Err(_) => Taken::Unfit("what was written is not UTF-8".to_owned()),
        })
    }
}

/// What an editor left.
enum Taken {
    Text(String),
    /// No message, and why.
    Unfit(String),
}

#[cfg(test)]
mod tests {
    use super::*;

    fn editor(folder: &Path, command: &str) -> Editor {
        Editor {
            command: command.to_owned(),
            folder: folder.join("own"),
        }
    }

    fn left(folder: &Path) -> usize {
        fs::read_dir(folder.join("own")).unwrap().count()
    }

    #[test]
    fn what_the_editor_leaves_is_the_text_and_no_file_stays() {
        let folder = tempfile::tempdir().unwrap();
        let adds = editor(folder.path(), "printf 'two\\n' >>");
        assert_eq!(adds.write("one\n"), Ok("one\ntwo".to_owned()));
        assert_eq!(left(folder.path()), 0);
    }

    #[test]
    fn an_editor_that_fails_changes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let told = editor(folder.path(), "false").write("one").unwrap_err();
        assert!(told.contains("nothing changed"), "{told}");
        let told = editor(folder.path(), "no-such-editor-here").write("one");
        assert!(told.unwrap_err().contains("exit status: 127"));
        let told = editor(folder.path(), "rm").write("one").unwrap_err();
        assert!(told.contains("is gone"), "{told}");
        assert_eq!(left(folder.path()), 0);
    }

    #[test]
    fn what_is_no_message_stays_in_its_file() {
        let folder = tempfile::tempdir().unwrap();
        let told = editor(folder.path(), "printf '\\377' >").write("one");
        assert!(told.unwrap_err().contains("not UTF-8; it stands in"));
        assert_eq!(left(folder.path()), 1);
        let long = editor(folder.path(), "head -c 300000 /dev/zero >").write("one");
        assert!(long.unwrap_err().contains("300000 bytes are more"));
    }

    #[test]
    fn the_file_is_the_operators_alone() {
        let folder = tempfile::tempdir().unwrap();
        let looks = editor(
            folder.path(),
            "f() { stat -c %a \"$1\" > \"$1.m\"; mv \"$1.m\" \"$1\"; }; f",
        );
        assert_eq!(looks.write("one"), Ok("600".to_owned()));
    }
}
