//! Desk phones that take orders over their web interface.

mod http;
mod poly;
mod snom;
mod yealink;

use std::collections::BTreeSet;

use async_trait::async_trait;
use voxproof_record::Wav;
use voxproof_spec::{Capability, DeviceAction, WebDriver, WebInterface};

use crate::web::http::{Access, Reply};
use crate::{Device, DeviceError, DeviceHealth, LabAddress};

/// An order as a vendor's interface takes it.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Order {
    /// GET of a path.
    Get(String),
    /// POST of a JSON text to a path; `CALL` in it stands for the call that is up or rings.
    Post(&'static str, String),
}

pub(crate) struct Web {
    driver: WebDriver,
    access: Access,
    lab: Option<LabAddress>,
    log: Vec<u8>,
}

/// What the interface can do by itself.
fn interface_can(driver: &WebDriver) -> BTreeSet<Capability> {
    use Capability as C;
    let mut can = BTreeSet::from([C::Reject, C::Dial, C::Hangup, C::Hold, C::Dtmf, C::Restart]);
    can.insert(if driver.answers_by_itself {
        C::Answer
    } else {
        C::ManualAnswer
    });
    match driver.interface {
        WebInterface::Yealink => can.extend([C::Transfer, C::AttendedTransfer]),
        WebInterface::Poly => can.extend([C::Transfer]),
        // its keys do it, but which ones depends on the model and its settings
        WebInterface::Snom => {}
    }
    can
}

/// What to dial: the user part when the address is one of the phone's own server, as a user would, else the whole address.
fn number(address: &str, lab: Option<&LabAddress>) -> String {
    let address = address.strip_prefix("sip:").unwrap_or(address);
    match (address.split_once('@'), lab) {
        (Some((user, host)), Some(lab)) if host == lab.server.to_string() => user.to_owned(),
        _ => address.to_owned(),
    }
}

impl Web {
    pub(crate) fn new(driver: WebDriver) -> Self {
        Self {
            access: Access::new(&driver),
            driver,
            lab: None,
            log: Vec::new(),
        }
    }

    fn orders(&self, action: &DeviceAction, uri: &(dyn for<'a> Fn(&'a str) -> String + Sync)) -> Vec<Order> {
        let target = match action {
            DeviceAction::Dial(dial) | DeviceAction::Consult(dial) => Some(&dial.to),
            DeviceAction::Transfer(transfer) => Some(&transfer.to),
            _ => None,
        };
        let number = target
            .map(|to| number(&uri(to), self.lab.as_ref()))
            .unwrap_or_default();
        match self.driver.interface {
            WebInterface::Yealink => yealink::orders(action, &number),
            WebInterface::Snom => snom::orders(action, &number),
            WebInterface::Poly => poly::orders(action, &number, self.driver.line),
        }
    }

    /// Sends an order and takes the phone's answer for what it means.
    async fn send(&mut self, action: &str, order: Order) -> Result<String, DeviceError> {
        let (path, body) = match order {
            Order::Get(path) => (path, None),
            Order::Post(path, body) if body.contains(poly::CALL) => {
                let status = self.exchange(action, poly::STATUS, None).await?;
                let call = poly::call(&status.body)
                    .ok_or_else(|| DeviceError::control(action, "the phone knows of no call"))?;
                (path.to_owned(), Some(body.replace(poly::CALL, &call)))
            }
            Order::Post(path, body) => (path.to_owned(), Some(body)),
        };
        let reply = self.exchange(action, &path, body).await?;
        if self.driver.interface == WebInterface::Poly {
            poly::accepted(&reply.body).map_err(|reason| DeviceError::control(action, reason))?;
        }
        Ok(format!("{}", reply.status))
    }

    async fn exchange(
        &mut self,
        action: &str,
        path: &str,
        body: Option<String>,
    ) -> Result<Reply, DeviceError> {
        let reply = self.access.exchange(action, path, body.clone()).await;
        let said = match &reply {
            Ok(reply) => format!("{} {}", reply.status, reply.body),
            Err(error) => error.to_string(),
        };
        let sent = body.map(|body| format!(" {body}")).unwrap_or_default();
        self.log
            .extend_from_slice(format!("{path}{sent}\n  {said}\n").as_bytes());
        let reply = reply?;
        match reply.status {
            200..300 => Ok(reply),
            401 => Err(DeviceError::control(
                action,
                "user or password of the web interface are wrong (401)",
            )),
            403 => Err(DeviceError::control(
                action,
                "the phone takes no orders from this machine (403): allow its address in the phone's settings for remote control",
            )),
            status => Err(DeviceError::control(
                action,
                format!("the web interface answered {status}"),
            )),
        }
    }
}

/// Looks whether the interface is there: its start page, with user and password.
pub(crate) fn examine(driver: &WebDriver) -> Result<String, DeviceError> {
    let reply = Access::new(driver).at_once("examine", "/", None)?;
    match reply.status {
        401 => Err(DeviceError::control(
            "examine",
            "user or password are wrong (401)",
        )),
        status => Ok(format!("{} answers with {status}", *driver.address)),
    }
}

#[async_trait]
impl Device for Web {
    fn capabilities(&self) -> BTreeSet<Capability> {
        interface_can(&self.driver)
    }

    async fn firmware(&mut self) -> String {
        let found = match self.driver.interface {
            WebInterface::Yealink => {
                let reply = self.exchange("firmware", yealink::FIRMWARE, None).await;
                reply.ok().and_then(|reply| yealink::firmware(&reply.body))
            }
            WebInterface::Poly => {
                let reply = self.exchange("firmware", poly::DEVICE, None).await;
                reply.ok().and_then(|reply| poly::firmware(&reply.body))
            }
            WebInterface::Snom => None,
        };
        found.unwrap_or_else(|| "unknown".to_owned())
    }

    async fn start(&mut self, lab: &LabAddress) -> Result<(), DeviceError> {
        // it has been set up, or a person does that, and registers when it sees the registrar
        self.lab = Some(lab.clone());
        Ok(())
    }

    async fn perform(
        &mut self,
        action: &DeviceAction,
        uri: &(dyn for<'a> Fn(&'a str) -> String + Sync),
    ) -> Result<String, DeviceError> {
        let name = action.name();
        let orders = self.orders(action, uri);
        if orders.is_empty() {
            return Err(DeviceError::not_supported(name));
        }
        let mut answer = String::new();
        for order in orders {
            answer = self.send(name, order).await?;
        }
        Ok(answer)
    }

    async fn prepare(&mut self, _: bool) -> Result<(), DeviceError> {
        Ok(())
    }

    async fn recording(&mut self) -> Option<Wav> {
        None
    }

    fn speech(&self) -> Option<Wav> {
        None
    }

    fn log(&mut self) -> Option<Vec<u8>> {
        Some(std::mem::take(&mut self.log))
    }

    async fn health(&mut self) -> DeviceHealth {
        // a phone that is gone shows on the network
        DeviceHealth::Running
    }

    async fn recover(&mut self, lab: &LabAddress) -> Result<(), DeviceError> {
        self.lab = Some(lab.clone());
        let nobody = |_: &str| String::new();
        let hang_up = DeviceAction::Hangup(voxproof_spec::NoParameters {});
        if self.perform(&hang_up, &nobody).await.is_ok() {
            return Ok(());
        }
        if !self.driver.unattended {
            // a person sees what is wrong before everything is restarted
            return Err(DeviceError::not_supported("recover"));
        }
        let restart = DeviceAction::Restart(voxproof_spec::NoParameters {});
        self.perform(&restart, &nobody).await.map(drop)
    }

    async fn stop(&mut self) {}
}

#[cfg(test)]
mod tests;
