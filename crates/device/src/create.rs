//! From a device file to a driver.

use std::path::PathBuf;
use std::sync::Arc;

use voxproof_net::Net;
use voxproof_record::Wav;
use voxproof_simphone::Fault;
use voxproof_spec::{DeviceFile, Driver, Located};

use crate::baresip::Baresip;
use crate::command::CommandDevice;
use crate::linphone::Linphone;
use crate::manual::Manual;
use crate::sim::Sim;
use crate::web::Web;
use crate::{Device, DeviceError, Operator};

/// The driver of a device file. `speech` is what the device's microphone is to hear, where that can be chosen;
/// `scratch` a folder the driver may fill.
///
/// # Errors
/// [`DeviceError::Unreachable`] when the file asks for something that does not exist.
pub fn create(
    file: &DeviceFile,
    net: &Net,
    speech: Wav,
    operator: Arc<dyn Operator>,
    scratch: PathBuf,
) -> Result<Box<dyn Device>, DeviceError> {
    Ok(match &file.driver {
        Driver::Sim(driver) => {
            let faults = faults(&driver.faults)?.into_iter().collect();
            let sim = Sim::new(net, faults, speech, 1).with_settings(driver);
            Box::new(sim.with_media(&file.media)?)
        }
        Driver::Baresip(driver) => {
            Box::new(Baresip::new(driver.clone(), file.media.clone(), speech, scratch))
        }
        Driver::Linphone(driver) => {
            Box::new(Linphone::new(driver.clone(), file.media.clone(), speech, scratch))
        }
        Driver::Command(driver) => Box::new(CommandDevice::new(driver.clone(), scratch)),
        Driver::Web(driver) => Box::new(Web::new(driver.clone(), &file.media, operator)),
        Driver::Manual(driver) => Box::new(Manual::new(driver.clone(), operator).with_media(&file.media)),
    })
}

/// The simulated phone with these faults. The seed decides its tags, branches and RTP numbers.
pub fn sim(net: &Net, faults: &[Fault], speech: Wav, seed: u64) -> Box<dyn Device> {
    Box::new(Sim::new(net, faults.iter().copied().collect(), speech, seed))
}

/// The faults of these names.
pub(crate) fn faults(names: &[Located<String>]) -> Result<Vec<Fault>, DeviceError> {
    names
        .iter()
        .map(|name| {
            name.parse::<Fault>().map_err(|error| {
                DeviceError::unreachable(
                    "the simulated phone",
                    error.to_string(),
                    "correct `faults` in the device file",
                )
            })
        })
        .collect()
}
