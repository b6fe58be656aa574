//! Builders and checks shared by the cage's tests.

use std::ffi::OsString;
use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use thymos_sandbox::{
    CageError, CageProbe, CageReport, CageSpec, Exit, Limits, Network, ReadScope, Rung, probe, run,
};
use tokio_util::sync::CancellationToken;

pub(crate) const LIMITS: Limits = Limits {
    wall_clock_ms: 20_000,
    output_bytes_max: 64 * 1024,
    memory_bytes_max: 256 * 1024 * 1024,
    processes_max: 64,
    open_files_max: 256,
    file_size_bytes_max: 16 * 1024 * 1024,
};

/// What the machine offers, asked once for all tests.
pub(crate) fn machine() -> &'static CageProbe {
    static MACHINE: OnceLock<CageProbe> = OnceLock::new();
    MACHINE.get_or_init(probe)
}

/// The rungs from `least` up that this machine offers; says aloud which are missing.
pub(crate) fn rungs(least: Rung) -> Vec<Rung> {
    let best = machine().best;
    let (offered, missing): (Vec<Rung>, Vec<Rung>) = [Rung::L1, Rung::L2, Rung::L3]
        .into_iter()
        .filter(|rung| *rung >= least)
        .partition(|rung| *rung <= best);
    for rung in missing {
        eprintln!("skipped: {rung} is not offered here: {:?}", machine().notes);
    }
    offered
}

/// A workspace that may be written, beside a folder that may not.
pub(crate) struct Place {
    _folder: tempfile::TempDir,
    pub(crate) inside: PathBuf,
    pub(crate) outside: PathBuf,
}

pub(crate) fn place() -> Place {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let top = folder.path().canonicalize().expect("it is there");
    let (inside, outside) = (top.join("inside"), top.join("outside"));
    fs::create_dir(&inside).expect("made");
    fs::create_dir(&outside).expect("made");
    fs::write(outside.join("precious"), "untouched").expect("written");
    Place {
        _folder: folder,
        inside,
        outside,
    }
}

impl Place {
    pub(crate) fn precious(&self) -> String {
        fs::read_to_string(self.outside.join("precious")).unwrap_or_default()
    }
}

pub(crate) fn spec(rung: Rung, place: &Place, argv: &[&str]) -> CageSpec {
    CageSpec {
        argv: argv.iter().map(OsString::from).collect(),
        cwd: place.inside.clone(),
        env: vec![("PATH".into(), "/usr/bin:/bin".into())],
        stdin: Vec::new(),
        read: ReadScope::Everything,
        write_roots: vec![place.inside.clone()],
        protected: Vec::new(),
        network: Network::None,
        limits: LIMITS,
        rung,
        rung_min: Rung::L1,
    }
}

pub(crate) fn shell(rung: Rung, place: &Place, script: &str) -> CageSpec {
    spec(rung, place, &["/bin/sh", "-c", script])
}

/// Asks this very test binary to try something; see [`crate::attempts`].
pub(crate) fn attempt(rung: Rung, place: &Place, what: &str) -> CageSpec {
    let binary = std::env::current_exe().expect("this binary");
    let binary = binary.to_str().expect("a plain path");
    let argv = [
        binary,
        "--exact",
        "attempts::attempt",
        "--nocapture",
        "--test-threads=1",
    ];
    let mut spec = spec(rung, place, &argv);
    spec.env
        .push((crate::attempts::VARIABLE.into(), what.into()));
    spec
}

pub(crate) fn try_run(spec: CageSpec, cancel: CancellationToken) -> Result<CageReport, CageError> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime")
        .block_on(run(spec, cancel, &mut |_, _| {}))
}

pub(crate) fn finish(spec: CageSpec) -> CageReport {
    try_run(spec, CancellationToken::new()).expect("the cage can be built")
}

pub(crate) fn out(report: &CageReport) -> String {
    String::from_utf8_lossy(&report.stdout.bytes).into_owned()
}

pub(crate) fn told(report: &CageReport) -> String {
    format!(
        "{} {:?} {:?}\n{}{}",
        report.rung,
        report.exit,
        report.notes,
        out(report),
        String::from_utf8_lossy(&report.stderr.bytes)
    )
}

pub(crate) fn check_fails(report: &CageReport) {
    assert!(
        !matches!(report.exit, Exit::Code(0)),
        "it should have been refused: {}",
        told(report)
    );
}

pub(crate) fn check_succeeds(report: &CageReport) {
    assert_eq!(report.exit, Exit::Code(0), "{}", told(report));
}

pub(crate) fn listener() -> (TcpListener, u16) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = listener.local_addr().expect("bound").port();
    (listener, port)
}

pub(crate) fn is_there(path: &str) -> bool {
    let there = Path::new(path).exists();
    if !there {
        eprintln!("skipped: `{path}` is not on this machine");
    }
    there
}

/// Whether a process with this id is still alive, seen from the host.
pub(crate) fn is_alive(pid: &str) -> bool {
    let stat = fs::read_to_string(format!("/proc/{}/stat", pid.trim())).unwrap_or_default();
    let state = stat
        .rsplit(')')
        .next()
        .unwrap_or_default()
        .trim_start()
        .chars()
        .next();
    !matches!(state, None | Some('Z' | 'X'))
}
