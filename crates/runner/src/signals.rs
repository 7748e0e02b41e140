//! The suite's signals, at the sample rates that calls turn out to need.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use voxproof_audio::resample::resample_i16;
use voxproof_call::Signal;
use voxproof_record::{Wav, read_wav};
use voxproof_spec::LoadedSuite;

use crate::RunError;

/// The signals as they are in their files, and those that were asked for at another rate.
#[derive(Debug)]
pub(crate) struct Signals {
    files: BTreeMap<String, Wav>,
    resampled: Mutex<BTreeMap<(String, u32), Signal>>,
}

impl Signals {
    pub(crate) fn of(suite: &LoadedSuite) -> Result<Self, RunError> {
        let mut files = BTreeMap::new();
        for (id, signal) in &suite.signals {
            files.insert(id.clone(), read_wav(id, &signal.bytes)?);
        }
        Ok(Self {
            files,
            resampled: Mutex::default(),
        })
    }

    /// A signal at a sample rate in Hz. The error says why there is none.
    pub(crate) fn at(&self, id: &str, rate: u32) -> Result<Signal, String> {
        let key = (id.to_owned(), rate);
        if let Some(signal) = self.lock().get(&key) {
            return Ok(signal.clone());
        }
        let wav = self
            .files
            .get(id)
            .ok_or_else(|| format!("the signal `{id}` is not loaded"))?;
        let samples = resample_i16(&wav.samples, wav.sample_rate, rate)
            .map_err(|error| format!("the signal `{id}`: {error}"))?;
        let signal = Signal::new(rate, samples.into());
        self.lock().insert(key, signal.clone());
        Ok(signal)
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<(String, u32), Signal>> {
        self.resampled.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
