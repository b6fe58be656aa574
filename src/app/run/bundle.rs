//! Reads a candidate bundle off the screen's thread. Judges nothing but that it is JSON.

use std::io::Read;
use std::path::Path;

use serde_json::Value;
use tokio::sync::mpsc;

use crate::app::Event;

/// Bytes of a bundle file at most; a longer one is not read to its end.
pub const BUNDLE_BYTES_MAX: u64 = 1024 * 1024;

/// Reads it on a thread of its own and tells what came of it.
pub(super) fn read_off_thread(path: String, told: mpsc::Sender<Event>) {
    tokio::task::spawn_blocking(move || {
        let read = read(Path::new(&path));
        // Without a loop there is nobody to tell.
        drop(told.blocking_send(Event::BundleRead(read)));
    });
}

/// The JSON of a file.
///
/// # Errors
/// Says in words why it could not be read.
fn read(path: &Path) -> Result<Value, String> {
    let shown = path.display();
    let fault = |error: std::io::Error| format!("cannot read `{shown}`: {error}");
    let meta = std::fs::metadata(path).map_err(fault)?;
    if !meta.is_file() {
        return Err(format!("`{shown}` is no file"));
    }
    let file = std::fs::File::open(path).map_err(fault)?;
    let mut text = String::new();
    let read = file.take(BUNDLE_BYTES_MAX + 1).read_to_string(&mut text);
    let read = read.map_err(fault)?;
    if read as u64 > BUNDLE_BYTES_MAX {
        return Err(format!("`{shown}` is longer than {BUNDLE_BYTES_MAX} bytes"));
    }
    serde_json::from_str(&text).map_err(|error| format!("`{shown}` is no JSON: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_bundle_file_is_told_in_words() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("bundle.json");
        assert!(read(&path).unwrap_err().contains("cannot read"));
        assert!(read(folder.path()).unwrap_err().contains("is no file"));
        std::fs::write(&path, "{ not json").unwrap();
        assert!(read(&path).unwrap_err().contains("is no JSON"));
        let long = " ".repeat(usize::try_from(BUNDLE_BYTES_MAX).unwrap() + 1);
        std::fs::write(&path, long).unwrap();
        assert!(read(&path).unwrap_err().contains("is longer than"));
        std::fs::write(&path, "{\"name\":\"strict\"}").unwrap();
        assert_eq!(read(&path).unwrap()["name"], "strict");
    }
}
