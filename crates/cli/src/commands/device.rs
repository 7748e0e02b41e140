//! `--device`: a file, or the simulated phone with faults. And suites.

use std::path::Path;

use voxproof_runner::DeviceChoice;
use voxproof_simphone::Fault;
use voxproof_spec::{LoadedSuite, Suite, load_device, load_suite};

use crate::Failure;
use crate::exit::Exit;

pub(crate) fn suite(path: &Path, colour: bool) -> Result<LoadedSuite, Failure> {
    load_suite(path).map_err(|problems| {
        eprint!("{}", problems.render(colour));
        Failure::new(
            Exit::Specification,
            format!(
                "the suite {} is invalid: {} mistakes",
                path.display(),
                problems.0.len()
            ),
        )
    })
}

pub(crate) fn device(argument: &str, suite: Option<&Suite>, colour: bool) -> Result<DeviceChoice, Failure> {
    if argument == "sim" {
        return Ok(DeviceChoice::Sim(vec![]));
    }
    if let Some(names) = argument.strip_prefix("sim:") {
        let faults = names
            .split(',')
            .filter(|name| !name.is_empty())
            .map(|name| {
                name.trim()
                    .parse::<Fault>()
                    .map_err(|error| Failure::new(Exit::Specification, error))
            })
            .collect::<Result<_, _>>()?;
        return Ok(DeviceChoice::Sim(faults));
    }
    let path = Path::new(argument);
    let file = load_device(path, suite).map_err(|problems| {
        eprint!("{}", problems.render(colour));
        Failure::new(
            Exit::Specification,
            format!("the device file {argument} is invalid"),
        )
    })?;
    Ok(DeviceChoice::File(path.to_owned(), Box::new(file)))
}
