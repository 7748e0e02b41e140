//! What the whole-program tests share.
#![allow(dead_code, unreachable_pub)] // each test uses a part

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use voxproof_device::ScriptedOperator;
use voxproof_guest::{Guest, Kernel};
use voxproof_record::Run;
use voxproof_runner::{DeviceChoice, Interrupt, Profile, RunOptions, Runner};
use voxproof_simphone::Fault;
use voxproof_spec::{LoadedSuite, Tier, load_suite};

/// The repository.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .ancestors()
        .nth(2)
        .expect("crates/cli lies two folders deep")
        .to_owned()
}

/// The IP-phone suite.
pub fn suite() -> Arc<LoadedSuite> {
    Arc::new(load_suite(&root().join("test-specs/ip-phone")).unwrap_or_else(|problems| panic!("{problems}")))
}

/// Why guests with a virtual clock cannot run here, if they cannot.
pub fn no_guests() -> Option<String> {
    let found = Kernel::find().map_err(|error| error.to_string());
    found.and_then(|kernel| Guest::trial(&kernel)).err()
}

/// A scratch folder, in memory where there is one: thousands of small synced writes.
pub fn scratch() -> tempfile::TempDir {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() {
        tempfile::tempdir_in(memory)
    } else {
        tempfile::tempdir()
    }
    .expect("a temporary folder")
}

/// Runs the suite against the simulated phone in virtual time, inside this process.
pub fn run_sim(suite: &Arc<LoadedSuite>, faults: &[Fault], seed: u64) -> Run {
    let out = scratch();
    run_sim_in(suite, faults, seed, out.path(), None)
}

/// The same, into a folder that stays.
pub fn run_sim_in(
    suite: &Arc<LoadedSuite>,
    faults: &[Fault],
    seed: u64,
    out: &Path,
    only: Option<&str>,
) -> Run {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .start_paused(true)
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        let options = RunOptions {
            suite: Arc::clone(suite),
            device: DeviceChoice::Sim(faults.to_vec()),
            out: out.to_owned(),
            profile: Profile::Precert,
            only: only.map(str::to_owned),
            jobs: 1,
            virtual_time: true,
            guests: None,
            target: Tier::Certified,
            seed,
        };
        let operator = Arc::new(ScriptedOperator::default());
        let runner = Runner::new(options, operator, Arc::new(|_| {}), Interrupt::default());
        runner
            .run()
            .await
            .unwrap_or_else(|error| panic!("{faults:?}: {error}"))
    })
}

/// The program as its users call it.
pub fn voxproof() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_voxproof"));
    command.current_dir(root());
    command
}

/// A generated file is what it would be now; with VOXPROOF_GENERATE set it is written.
pub fn same_or_generate(path: &str, content: &str) {
    let file = root().join(path);
    if std::env::var_os("VOXPROOF_GENERATE").is_some() {
        std::fs::write(&file, content).expect("the file can be written");
    }
    let found = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(
        found == content,
        "{path} is out of date: run `cargo xtask generate`"
    );
}

/// The run folder that a command wrote into `out`.
pub fn only_run(out: &Path) -> PathBuf {
    let mut entries: Vec<PathBuf> = std::fs::read_dir(out)
        .expect("the folder exists")
        .flatten()
        .map(|e| e.path())
        .collect();
    assert_eq!(entries.len(), 1, "{entries:?}");
    entries.remove(0)
}
