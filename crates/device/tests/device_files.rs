//! The device files of the repository load, and make the driver they name.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use voxproof_device::{DeviceError, NoLink, ScriptedOperator, Workplace, create, probe};
use voxproof_net::Net;
use voxproof_record::Wav;
use voxproof_spec::{Capability, DeviceFile, Driver, Located, SimDriver, load_device};

fn files() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../devices");
    let mut files: Vec<PathBuf> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    files
}

fn device_of(file: &DeviceFile) -> Result<Box<dyn voxproof_device::Device>, DeviceError> {
    let speech = Wav {
        sample_rate: 8000,
        samples: vec![100; 8000],
    };
    let place = Workplace {
        net: Net::os(),
        speech,
        operator: Arc::new(ScriptedOperator::default()),
        link: Arc::new(NoLink),
        scratch: std::env::temp_dir().join("voxproof-never-written"),
    };
    create(file, &place)
}

#[test]
fn every_file_makes_a_device() {
    let mut seen = Vec::new();
    for path in files() {
        let file = load_device(&path, None).unwrap_or_else(|problems| panic!("{}", problems.render(false)));
        let can = device_of(&file).unwrap().capabilities();
        let claims = |item: &str| file.ics.iter().any(|(name, claimed)| **name == item && *claimed);
        for (item, capability) in [
            ("outgoing", Capability::Dial),
            ("hold", Capability::Hold),
            ("dtmf", Capability::Dtmf),
            ("transfer", Capability::Transfer),
            ("reject", Capability::Reject),
            ("unregister", Capability::Stop),
            ("loopback", Capability::Loopback),
            ("audio_quality", Capability::KnownSpeech),
            ("audio_quality", Capability::Recording),
        ] {
            assert!(
                !claims(item) || can.contains(&capability),
                "{}: {item}",
                path.display()
            );
        }
        seen.extend(file.driver.iter().map(|driver| driver.name()));
    }
    seen.sort_unstable();
    seen.dedup();
    assert_eq!(
        seen,
        ["baresip", "command", "linphone", "manual", "sim", "sip", "web"]
    );
}

#[test]
fn a_misspelt_fault_is_found_before_the_run() {
    let path = files()
        .into_iter()
        .find(|path| path.ends_with("sim.toml"))
        .unwrap();
    let mut file = load_device(&path, None).unwrap_or_else(|problems| panic!("{}", problems.render(false)));
    assert!(probe(&file).iter().all(|line| line.ok));
    let driver = Driver::Sim(SimDriver {
        faults: vec![Located::synthetic("no-bye-answr".to_owned())],
        ..SimDriver::default()
    });
    file.driver = driver.into();
    let line = probe(&file).into_iter().find(|line| !line.ok).unwrap();
    assert!(line.detail.contains("no-bye-answer"), "{line:?}");
    assert!(matches!(device_of(&file), Err(DeviceError::Unreachable { .. })));
}
