//! Several ways of telling one device what to do, asked in turn.

use std::collections::BTreeSet;
use std::time::Duration;

use async_trait::async_trait;
use voxproof_record::Wav;
use voxproof_spec::{Capability, DeviceAction};

use crate::{Device, DeviceError, DeviceHealth, LabAddress};

/// A driver and its name in device files.
pub(crate) type Named = (&'static str, Box<dyn Device>);

/// Drivers in order: an order that one does not support goes to the next.
pub(crate) struct Chain {
    drivers: Vec<Named>,
    /// Who carried out the last order, or failed at it.
    by: Option<&'static str>,
    /// Who shut the device down: whoever did that can start it again.
    stopped_by: Option<usize>,
}

impl Chain {
    pub(crate) fn new(drivers: Vec<Named>) -> Self {
        Self {
            drivers,
            by: None,
            stopped_by: None,
        }
    }
}

#[async_trait]
impl Device for Chain {
    fn capabilities(&self) -> BTreeSet<Capability> {
        let all = self.drivers.iter().map(|(_, driver)| driver.capabilities());
        all.flatten().collect()
    }

    async fn firmware(&mut self) -> String {
        for (_, driver) in &mut self.drivers {
            let firmware = driver.firmware().await;
            if firmware != "unknown" {
                return firmware;
            }
        }
        "unknown".to_owned()
    }

    async fn start(&mut self, lab: &LabAddress) -> Result<(), DeviceError> {
        self.stopped_by = None;
        for (_, driver) in &mut self.drivers {
            driver.start(lab).await?;
        }
        Ok(())
    }

    async fn perform(
        &mut self,
        action: &DeviceAction,
        uri: &(dyn for<'a> Fn(&'a str) -> String + Sync),
    ) -> Result<String, DeviceError> {
        self.by = None;
        let first = match action {
            DeviceAction::Restart(_) => self.stopped_by.unwrap_or(0),
            _ => 0,
        };
        let mut cannot = Vec::new();
        for (index, (name, driver)) in self.drivers.iter_mut().enumerate().skip(first) {
            let done = driver.perform(action, uri).await;
            if matches!(done, Err(DeviceError::NotSupported { .. })) {
                cannot.push(*name);
                continue;
            }
            self.by = Some(name);
            let reply = done?;
            match action {
                DeviceAction::Stop(_) => self.stopped_by = Some(index),
                DeviceAction::Restart(_) => self.stopped_by = None,
                _ => {}
            }
            return Ok(if cannot.is_empty() {
                reply
            } else {
                format!("{reply} (not supported by {})", cannot.join(", "))
            });
        }
        Err(DeviceError::not_supported(action.name()))
    }

    async fn prepare(&mut self, answer_by_itself: bool) -> Result<(), DeviceError> {
        let mut by_itself = answer_by_itself;
        for (_, driver) in &mut self.drivers {
            driver.prepare(by_itself).await?;
            // where calls ask to be answered, nobody behind has to see to it
            by_itself &= driver.call_headers().is_empty();
        }
        self.stopped_by = None;
        Ok(())
    }

    async fn recording(&mut self) -> Option<Wav> {
        for (_, driver) in &mut self.drivers {
            if let Some(recording) = driver.recording().await {
                return Some(recording);
            }
        }
        None
    }

    fn speech(&self) -> Option<Wav> {
        self.drivers.iter().find_map(|(_, driver)| driver.speech())
    }

    fn log(&mut self) -> Option<Vec<u8>> {
        let logs: Vec<Vec<u8>> = self
            .drivers
            .iter_mut()
            .filter_map(|(_, driver)| driver.log())
            .collect();
        (!logs.is_empty()).then(|| logs.concat())
    }

    fn kept_waiting(&mut self) -> Option<Duration> {
        self.drivers
            .iter_mut()
            .filter_map(|(_, driver)| driver.kept_waiting())
            .max()
    }

    async fn health(&mut self) -> DeviceHealth {
        for (_, driver) in &mut self.drivers {
            let health = driver.health().await;
            if health != DeviceHealth::Running {
                return health;
            }
        }
        DeviceHealth::Running
    }

    async fn recover(&mut self, lab: &LabAddress) -> Result<(), DeviceError> {
        let mut last = DeviceError::not_supported("recover");
        for (_, driver) in &mut self.drivers {
            match driver.recover(lab).await {
                Ok(()) => {
                    self.stopped_by = None;
                    return Ok(());
                }
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    async fn stop(&mut self) {
        for (_, driver) in &mut self.drivers {
            driver.stop().await;
        }
    }

    fn call_headers(&self) -> Vec<(&'static str, String)> {
        let all = self.drivers.iter().map(|(_, driver)| driver.call_headers());
        all.flatten().collect()
    }

    fn carried_out_by(&self) -> Option<&'static str> {
        self.by
    }

    fn prompts(&mut self) -> Vec<(String, String)> {
        let all = self.drivers.iter_mut().map(|(_, driver)| driver.prompts());
        all.flatten().collect()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use voxproof_spec::{ManualDriver, NoParameters};

    use super::*;
    use crate::ScriptedOperator;
    use crate::manual::Manual;

    const HOLD: DeviceAction = DeviceAction::Hold(NoParameters {});
    const STOP: DeviceAction = DeviceAction::Stop(NoParameters {});
    const RESTART: DeviceAction = DeviceAction::Restart(NoParameters {});

    fn person(can: &[Capability], answers: &[&str]) -> (Box<dyn Device>, Arc<ScriptedOperator>) {
        let operator = Arc::new(ScriptedOperator::new(answers.iter().copied()));
        let driver = ManualDriver {
            can: Some(can.to_vec()),
            answers_by_itself: false,
        };
        let asked = Arc::<ScriptedOperator>::clone(&operator);
        (Box::new(Manual::new(driver, asked)), operator)
    }

    fn uri(actor: &str) -> String {
        format!("sip:{actor}@192.0.2.1:5060")
    }

    #[tokio::test]
    async fn an_order_goes_to_the_first_that_supports_it() {
        use Capability as C;
        let (first, asked_first) = person(&[C::Hold, C::Restart], &["no", "held"]);
        let (second, asked_second) = person(&[C::Hold, C::Stop, C::Restart], &["", "", ""]);
        let mut chain = Chain::new(vec![("first", first), ("second", second)]);
        assert_eq!(
            chain.capabilities(),
            BTreeSet::from([C::Hold, C::Stop, C::Restart])
        );
        // it says that it cannot
        let reply = chain.perform(&HOLD, &uri).await.unwrap();
        assert_eq!(
            (reply.as_str(), chain.carried_out_by()),
            ("done (not supported by first)", Some("second"))
        );
        assert_eq!(chain.perform(&HOLD, &uri).await.unwrap(), "held");
        assert_eq!(chain.carried_out_by(), Some("first"));
        // it is not even asked
        chain.perform(&STOP, &uri).await.unwrap();
        assert_eq!(chain.carried_out_by(), Some("second"));
        // whoever shut it down starts it
        chain.perform(&RESTART, &uri).await.unwrap();
        assert_eq!(chain.carried_out_by(), Some("second"));
        assert_eq!((asked_first.asked().len(), asked_second.asked().len()), (2, 3));
        assert_eq!(chain.prompts().len(), 5);
    }

    #[tokio::test]
    async fn what_nobody_supports_and_what_fails_is_told() {
        let (first, _) = person(&[Capability::Hold], &[]);
        let (second, asked) = person(&[Capability::Hold], &[""]);
        let mut chain = Chain::new(vec![("first", first), ("second", second)]);
        assert_eq!(
            chain.perform(&STOP, &uri).await,
            Err(DeviceError::not_supported("stop"))
        );
        assert_eq!(chain.carried_out_by(), None);
        // somebody who has left is no reason to have it done by another: it may have been done
        assert!(matches!(
            chain.perform(&HOLD, &uri).await,
            Err(DeviceError::Unreachable { .. })
        ));
        assert_eq!(chain.carried_out_by(), Some("first"));
        assert!(asked.asked().is_empty());
    }
}
