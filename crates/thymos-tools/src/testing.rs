//! What the unit tests of the bodies share: a real folder, an inert blob store, a still clock.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use serde_json::Value;
use thymos_core::Timestamp;
use thymos_core::id::Digest;
use thymos_core::isolation::Rung;
use thymos_core::outcome::Outcome;
use thymos_core::resolved::Resolved;
use thymos_core::world::World;
use thymos_ports::Clock;
use thymos_ports::memory::{MemoryView, Origin, SharedNote};
use thymos_ports::tool::{BlobSink, Look, ToolFault, ToolIo, Unresolvable};
use tokio_util::sync::CancellationToken;

use crate::body::{Body, Call};
use crate::process::Runner;
use crate::workspace::Workspace;

/// A workspace in a temporary folder, with a world and blobs of its own.
pub(crate) struct Bench {
    pub(crate) folder: tempfile::TempDir,
    pub(crate) workspace: Arc<Workspace>,
    pub(crate) world: World,
    pub(crate) memory: Remembered,
    pub(crate) blobs: Blobs,
    pub(crate) cancel: CancellationToken,
    pub(crate) rung: Rung,
    pub(crate) live: Vec<u8>,
}

/// Notes of other trajectories, and where own ones come from.
#[derive(Default)]
pub(crate) struct Remembered {
    pub(crate) shared: Vec<SharedNote>,
    pub(crate) own: BTreeMap<String, Origin>,
}

impl MemoryView for Remembered {
    fn shared(&self) -> Vec<SharedNote> {
        self.shared.clone()
    }

    fn origin(&self, key: &str) -> Option<Origin> {
        self.own.get(key).cloned()
    }
}

/// What is kept, whether there is no room for more, and what of it is sealed.
#[derive(Default)]
pub(crate) struct Blobs(
    pub(crate) Mutex<BTreeMap<Digest, Vec<u8>>>,
    pub(crate) Full,
    pub(crate) Mutex<BTreeSet<Digest>>,
);

/// Whether there is no room for another blob.
#[derive(Default)]
pub(crate) struct Full(std::sync::atomic::AtomicBool);

impl Full {
    pub(crate) fn set(&self) {
        self.0.store(true, std::sync::atomic::Ordering::SeqCst);
    }
}

impl BlobSink for Blobs {
    fn keep(&self, bytes: &[u8]) -> Result<Digest, String> {
        if self.1.0.load(std::sync::atomic::Ordering::SeqCst) {
            return Err("there is no room".to_owned());
        }
        let digest = Digest::of(bytes);
        self.0.lock().unwrap().insert(digest, bytes.to_vec());
        Ok(digest)
    }

    fn keep_sealed(&self, bytes: &[u8]) -> Result<Digest, String> {
        let digest = self.keep(bytes)?;
        self.2.lock().unwrap().insert(digest);
        Ok(digest)
    }

    fn read(&self, digest: &Digest) -> Result<Option<Vec<u8>>, String> {
        Ok(self.0.lock().unwrap().get(digest).cloned())
    }
}

struct Still;

impl Clock for Still {
    fn now(&self) -> Timestamp {
        Timestamp(1_000)
    }
}

impl Bench {
    pub(crate) fn new() -> Self {
        Self::protecting(Vec::new())
    }

    pub(crate) fn protecting(protected: Vec<PathBuf>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("ws");
        std::fs::create_dir(&root).unwrap();
        Self {
            workspace: Arc::new(Workspace::open(&root, protected).unwrap()),
            folder,
            world: World::default(),
            memory: Remembered::default(),
            blobs: Blobs::default(),
            cancel: CancellationToken::new(),
            rung: Rung::L3,
            live: Vec::new(),
        }
    }

    pub(crate) fn path(&self, path: &str) -> PathBuf {
        self.workspace.root().join(path)
    }

    pub(crate) fn put(&self, path: &str, content: impl AsRef<[u8]>) {
        let path = self.path(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    }

    pub(crate) fn get(&self, path: &str) -> String {
        String::from_utf8(std::fs::read(self.path(path)).unwrap()).unwrap()
    }

    pub(crate) fn blob(&self, digest: Digest) -> Vec<u8> {
        self.blobs.read(&digest).unwrap().unwrap()
    }

    pub(crate) fn look(&self, body: &impl Body, args: &Value) -> Result<Resolved, Unresolvable> {
        let kept = |digest: &Digest| self.blobs.read(digest);
        let look = Look {
            world: &self.world,
            memory: &self.memory,
            now: Timestamp(1_000),
            rung: self.rung,
            limits: thymos_core::budget::Budget::unlimited(),
            kept: &kept,
        };
        body.look(args, &look)
    }

    /// The refusal's sentence.
    pub(crate) fn refused(&self, body: &impl Body, args: Value) -> String {
        self.look(body, &args).unwrap_err().message
    }

    pub(crate) fn io<'a>(&'a self, live: &'a mut (dyn FnMut(&[u8]) + Send)) -> ToolIo<'a> {
        ToolIo {
            cancel: self.cancel.clone(),
            live,
            blobs: &self.blobs,
            world: &self.world,
            memory: &self.memory,
            clock: &Still,
        }
    }

    pub(crate) async fn act(
        &mut self,
        body: &impl Body,
        args: &Value,
        resolved: &Resolved,
    ) -> Result<Outcome, ToolFault> {
        let call = Call {
            args,
            resolved,
            rung: self.rung,
        };
        let mut heard = Vec::new();
        let mut hear = |bytes: &[u8]| heard.extend_from_slice(bytes);
        let done = body.act(call, &mut self.io(&mut hear)).await;
        self.live.extend(heard);
        done
    }

    /// Looks, acts, and applies the deltas to the world.
    pub(crate) async fn run(&mut self, body: &impl Body, args: Value) -> Outcome {
        let resolved = self.look(body, &args).unwrap();
        let outcome = self.act(body, &args, &resolved).await.unwrap();
        let seq = self.world.len() as u64 + 1;
        self.world.apply(&outcome.deltas, seq).unwrap();
        outcome
    }
}

impl Bench {
    /// A runner on the best rung of this machine.
    pub(crate) fn runner(&self) -> Runner {
        let tmp = self.folder.path().join("tmp");
        std::fs::create_dir_all(&tmp).unwrap();
        Runner {
            workspace: Arc::clone(&self.workspace),
            search_path: ["/usr/local/bin", "/usr/bin", "/bin"]
                .map(PathBuf::from)
                .to_vec(),
            env: vec![("LANG".to_owned(), "C.UTF-8".to_owned())],
            tmp: tmp.canonicalize().unwrap(),
            extra_read: Vec::new(),
            best: thymos_sandbox::probe().best,
        }
    }

    /// Sets the bench to the machine's best rung; no promise is made that it is any.
    pub(crate) fn best_rung(&mut self) -> Rung {
        self.rung = match thymos_sandbox::probe().best {
            thymos_sandbox::Rung::L0 => Rung::L0,
            thymos_sandbox::Rung::L1 => Rung::L1,
            thymos_sandbox::Rung::L2 => Rung::L2,
            thymos_sandbox::Rung::L3 | thymos_sandbox::Rung::L4 => Rung::L3,
        };
        self.rung
    }
}
