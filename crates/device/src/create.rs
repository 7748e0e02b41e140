//! From a device file to a driver.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use voxproof_net::Net;
use voxproof_record::Wav;
use voxproof_simphone::Fault;
use voxproof_spec::{DeviceFile, Driver, Located, ManualDriver};

use crate::baresip::Baresip;
use crate::chain::{Chain, Named};
use crate::command::CommandDevice;
use crate::linphone::Linphone;
use crate::manual::Manual;
use crate::sim::Sim;
use crate::sip::Sip;
use crate::web::Web;
use crate::{Device, DeviceError, Operator, SipLink};

/// What drivers get from the laboratory.
#[derive(Clone)]
pub struct Workplace {
    /// The network of a simulated phone.
    pub net: Net,
    /// What the device's microphone is to hear, where that can be chosen.
    pub speech: Wav,
    /// The person at the device.
    pub operator: Arc<dyn Operator>,
    /// The way to the device by SIP.
    pub link: Arc<dyn SipLink>,
    /// A folder that a driver may fill.
    pub scratch: PathBuf,
}

/// The driver of a device file, or all its drivers as one.
///
/// # Errors
/// [`DeviceError::Unreachable`] when the file asks for something that does not exist.
pub fn create(file: &DeviceFile, place: &Workplace) -> Result<Box<dyn Device>, DeviceError> {
    let mut drivers: Vec<Named> = Vec::new();
    for (index, driver) in file.driver.iter().enumerate() {
        // programs do not write over each other's files
        let scratch = match file.driver.only() {
            Some(_) => place.scratch.clone(),
            None => place.scratch.join(index.to_string()),
        };
        drivers.push((driver.name(), one(driver, file, place, &scratch)?));
    }
    if file.driver.ends_with_a_person() {
        let by_itself = |driver: &Driver| matches!(driver, Driver::Web(web) if web.answers_by_itself);
        let person = ManualDriver {
            can: None,
            answers_by_itself: file.driver.iter().any(|driver| by_itself(driver)),
        };
        let manual = Manual::new(person, Arc::clone(&place.operator)).with_media(&file.media);
        drivers.push(("manual", Box::new(manual)));
    }
    let alone = drivers.len() == 1;
    match drivers.pop() {
        Some((_, only)) if alone => Ok(only),
        last => {
            drivers.extend(last);
            Ok(Box::new(Chain::new(drivers)))
        }
    }
}

fn one(
    driver: &Driver,
    file: &DeviceFile,
    place: &Workplace,
    scratch: &Path,
) -> Result<Box<dyn Device>, DeviceError> {
    let (speech, scratch) = (place.speech.clone(), scratch.to_owned());
    Ok(match driver {
        Driver::Sim(driver) => {
            let faults = faults(&driver.faults)?.into_iter().collect();
            let sim = Sim::new(&place.net, faults, speech, 1).with_settings(driver);
            Box::new(sim.with_media(&file.media)?)
        }
        Driver::Baresip(driver) => {
            Box::new(Baresip::new(driver.clone(), file.media.clone(), speech, scratch))
        }
        Driver::Linphone(driver) => {
            Box::new(Linphone::new(driver.clone(), file.media.clone(), speech, scratch))
        }
        Driver::Command(driver) => Box::new(CommandDevice::new(driver.clone(), scratch)),
        Driver::Web(driver) => Box::new(Web::new(driver.clone())),
        Driver::Sip(driver) => Box::new(Sip::new(driver.clone(), Arc::clone(&place.link))),
        Driver::Manual(driver) => {
            let manual = Manual::new(driver.clone(), Arc::clone(&place.operator));
            Box::new(manual.with_media(&file.media))
        }
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
