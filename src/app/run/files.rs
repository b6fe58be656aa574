//! Looks for files of the workspace off the screen's thread: one walk for each time that somebody names one, then a
//! match for each letter. The newest question is answered, those before it are dropped.
//!
//! Shows nothing and keeps nothing: the list goes when nobody looks any more.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::app::Event;
use crate::app::event::{FileQuery, FileRows};
use crate::fuzzy::Wanted;

/// Paths that are told of those that fit.
pub const FILES_SHOWN_MAX: usize = 50;

/// Paths matched before it is looked whether somebody asks for something newer.
const PATHS_AT_ONCE: usize = 2_048;

/// Lists the files of the workspace, those with a leading dot only where that is said. Ends early once cancelled.
pub type ListFiles =
    Arc<dyn Fn(bool, &CancellationToken) -> Result<FileList, String> + Send + Sync>;

/// Files of the workspace.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FileList {
    /// Paths below it.
    pub paths: Vec<String>,
    /// Entries after which the walk stopped; none when it saw them all.
    pub stopped_after: Option<usize>,
}

/// Who looks.
pub(super) struct Finder {
    list: ListFiles,
    told: mpsc::Sender<Event>,
    desk: Arc<Mutex<Desk>>,
}

#[derive(Default)]
struct Desk {
    // The newest question, until it is taken up.
    next: Option<FileQuery>,
    // Somebody works, and looks here when done.
    at_work: bool,
    // What was listed since somebody began to look, and whether with hidden names.
    listed: Option<(bool, Arc<FileList>)>,
    // Ends the walk of those who look now.
    cancel: CancellationToken,
}

impl Finder {
    pub(super) fn new(list: ListFiles, told: mpsc::Sender<Event>) -> Self {
        Self {
            list,
            told,
            desk: Arc::default(),
        }
    }

    /// Answers this question, and none that is older.
    pub(super) fn find(&self, query: FileQuery) {
        let asked = query.asked;
        let mut desk = lock(&self.desk);
        desk.next = Some(query);
        if desk.at_work {
            return;
        }
        let (list, told, by) = (self.list.clone(), self.told.clone(), self.desk.clone());
        // A thread that nobody waits for: on a slow disk a walk takes minutes, and quitting must not.
        let named = thread::Builder::new().name("files".to_owned());
        let started = named.spawn(move || work(&list, &told, &by));
        desk.at_work = started.is_ok();
        if started.is_err() {
            desk.next = None;
            let why = Err("no thread could be started".to_owned());
            // Where that finds no room, the list says that it is looking; Esc closes it.
            drop(self.told.try_send(Event::Files(asked, why)));
        }
    }

    /// Nobody asks any more: what is at work ends, and the list goes.
    pub(super) fn end(&self) {
        let mut desk = lock(&self.desk);
        desk.next = None;
        desk.listed = None;
        desk.cancel.cancel();
        desk.cancel = CancellationToken::new();
    }
}

impl Drop for Finder {
    fn drop(&mut self) {
        self.end();
    }
}

fn lock(desk: &Mutex<Desk>) -> MutexGuard<'_, Desk> {
    desk.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Answers until nobody asks.
fn work(list: &ListFiles, told: &mpsc::Sender<Event>, desk: &Mutex<Desk>) {
    loop {
        let (query, listed, cancel) = {
            let mut desk = lock(desk);
            let Some(query) = desk.next.take() else {
                desk.at_work = false;
                return;
            };
            let listed = desk.listed.clone();
            let listed = listed.filter(|(hidden, _)| *hidden == query.hidden);
            (query, listed.map(|(_, files)| files), desk.cancel.clone())
        };
        let files = match listed {
            Some(files) => Ok(files),
            None => list(query.hidden, &cancel).map(Arc::new),
        };
        let rows = match files {
            Ok(files) => {
                if !keep(desk, &cancel, (query.hidden, files.clone())) {
                    continue;
                }
                let is_late = || cancel.is_cancelled() || lock(desk).next.is_some();
                match fitting(&files, &query.letters, is_late) {
                    Some(rows) => Ok(rows),
                    None => continue,
                }
            }
            Err(why) => Err(why),
        };
        // Without a loop there is nobody to tell, and nobody will ask.
        if told.blocking_send(Event::Files(query.asked, rows)).is_err() {
            return;
        }
    }
}

/// Keeps a list for the next letter; false where it is a torn one, of a walk that was ended.
fn keep(desk: &Mutex<Desk>, cancel: &CancellationToken, listed: (bool, Arc<FileList>)) -> bool {
    let mut desk = lock(desk);
    let whole = !cancel.is_cancelled();
    if whole {
        desk.listed = Some(listed);
    }
    whole
}

/// The paths that fit, best first; none once it is too late for them.
fn fitting(files: &FileList, letters: &str, is_late: impl Fn() -> bool) -> Option<FileRows> {
    let wanted = Wanted::of(letters);
    let mut fits: Vec<(i32, &str)> = Vec::new();
    for paths in files.paths.chunks(PATHS_AT_ONCE) {
        if is_late() {
            return None;
        }
        let score = |path: &String| wanted.score(path);
        fits.extend(
            paths
                .iter()
                .filter_map(|path| Some((score(path)?, path.as_str()))),
        );
    }
    let count = fits.len();
    // Of equal ones the shorter; without letters as they stand in their folders.
    let by =
        |(score, path): &(i32, &str)| (-score, if letters.is_empty() { 0 } else { path.len() });
    fits.sort_by_key(by);
    Some(FileRows {
        paths: fits
            .into_iter()
            .take(FILES_SHOWN_MAX)
            .map(|(_, path)| path.to_owned())
            .collect(),
        fits: count,
        of: files.paths.len(),
        stopped_after: files.stopped_after,
    })
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    fn query(asked: u64, letters: &str) -> FileQuery {
        FileQuery {
            asked,
            letters: letters.to_owned(),
            hidden: letters.starts_with('.'),
        }
    }

    fn list(paths: &[&str]) -> FileList {
        FileList {
            paths: paths.iter().map(|path| (*path).to_owned()).collect(),
            stopped_after: None,
        }
    }

    async fn heard(news: &mut mpsc::Receiver<Event>) -> (u64, Vec<String>) {
        match news.recv().await {
            Some(Event::Files(asked, Ok(rows))) => (asked, rows.paths),
            other => panic!("{other:?}"),
        }
    }

    #[tokio::test]
    async fn files_are_listed_once_while_somebody_looks_and_anew_the_next_time() {
        let walks = Arc::new(AtomicUsize::new(0));
        let counted = walks.clone();
        let (told, mut news) = mpsc::channel(4);
        let finder = Finder::new(
            Arc::new(move |hidden, _| {
                counted.fetch_add(1, Ordering::SeqCst);
                Ok(list(if hidden {
                    &[".ci/run"]
                } else {
                    &["src/a.rs", "src/b.rs"]
                }))
            }),
            told,
        );
        finder.find(query(1, ""));
        assert_eq!(heard(&mut news).await.1, ["src/a.rs", "src/b.rs"]);
        finder.find(query(2, "b"));
        assert_eq!(heard(&mut news).await, (2, vec!["src/b.rs".to_owned()]));
        assert_eq!(walks.load(Ordering::SeqCst), 1);
        finder.find(query(3, ".c"));
        assert_eq!(heard(&mut news).await.1, [".ci/run"]);
        finder.end();
        finder.find(query(4, "a"));
        assert_eq!(heard(&mut news).await.1, ["src/a.rs"]);
        assert_eq!(walks.load(Ordering::SeqCst), 3);
    }

    #[tokio::test]
    async fn only_the_newest_question_is_answered_and_a_walk_can_be_ended() {
        let (told, mut news) = mpsc::channel(4);
        let (go, gate) = std::sync::mpsc::channel::<()>();
        let gate = Mutex::new(gate);
        let finder = Finder::new(
            Arc::new(move |_, cancel: &CancellationToken| {
                gate.lock().unwrap().recv().unwrap();
                let names: &[&str] = if cancel.is_cancelled() {
                    &[]
                } else {
                    &["ab", "abc"]
                };
                Ok(list(names))
            }),
            told,
        );
        for (asked, letters) in [(1, "a"), (2, "ab"), (3, "abc")] {
            finder.find(query(asked, letters));
        }
        go.send(()).unwrap();
        // The first may have been taken up before the others came; then it is late and says nothing.
        let last = heard(&mut news).await;
        assert_eq!(last, (3, vec!["abc".to_owned()]));
        finder.end();
        finder.find(query(4, "a"));
        finder.end();
        finder.find(query(5, "b"));
        // One for the walk that was ended, if it had begun, and one for the other.
        go.send(()).unwrap();
        go.send(()).unwrap();
        assert_eq!(
            heard(&mut news).await,
            (5, vec!["ab".to_owned(), "abc".to_owned()])
        );
    }

    #[test]
    fn leaving_ends_a_walk_and_does_not_wait_for_it() {
        use std::sync::mpsc::channel;
        let screen = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap();
        let ((go, gate), (saw, seen)) = (channel::<()>(), channel());
        let (gate, saw) = (Mutex::new(gate), Mutex::new(saw));
        let list: ListFiles = Arc::new(move |_, cancel: &CancellationToken| {
            saw.lock().unwrap().send(cancel.is_cancelled()).unwrap();
            gate.lock().unwrap().recv().unwrap();
            saw.lock().unwrap().send(cancel.is_cancelled()).unwrap();
            Ok(FileList::default())
        });
        screen.block_on(async {
            let (told, _news) = mpsc::channel(4);
            let finder = Finder::new(list, told);
            finder.find(query(1, ""));
            // It has begun.
            assert_eq!(seen.recv(), Ok(false));
        });
        let (left, leaving) = channel();
        thread::spawn(move || {
            drop(screen);
            left.send(()).unwrap();
        });
        let wait = std::time::Duration::from_secs(30);
        leaving.recv_timeout(wait).expect("the screen is left");
        go.send(()).unwrap();
        assert_eq!(seen.recv_timeout(wait), Ok(true));
    }

    #[test]
    fn few_are_told_of_many_and_how_many_there_were() {
        let files = FileList {
            paths: (0..10_000).map(|at| format!("f{at}")).collect(),
            stopped_after: Some(10_000),
        };
        let rows = fitting(&files, "f", || false).unwrap();
        assert_eq!((rows.paths.len(), rows.fits), (FILES_SHOWN_MAX, 10_000));
        assert_eq!((rows.of, rows.stopped_after), (10_000, Some(10_000)));
        assert_eq!(fitting(&files, "f", || true), None);
        let whole = fitting(&files, "", || false).unwrap();
        assert_eq!(whole.paths[..2], ["f0", "f1"]);
    }

    #[tokio::test]
    async fn why_there_are_no_files_is_told() {
        let (told, mut news) = mpsc::channel(4);
        let finder = Finder::new(Arc::new(|_, _| Err("it is gone".to_owned())), told);
        finder.find(query(1, ""));
        assert_eq!(
            news.recv().await,
            Some(Event::Files(1, Err("it is gone".into())))
        );
    }
}
