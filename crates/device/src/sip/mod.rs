//! A device that does what its server tells it by SIP: the lab is that server.

mod answer;
mod csta;
mod link;
#[cfg(test)]
mod tests;
mod xml;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use voxproof_record::Wav;
use voxproof_spec::{Capability, DeviceAction, SipDriver};

pub use csta::{Connection, CstaAnswer, CstaError, LocalConnection, parse_csta};
pub use link::{NoLink, SipAnswer, SipLink, SipOrder};
pub use xml::XmlError;

use crate::{Device, DeviceError, DeviceHealth, LabAddress};

/// A device that takes a REFER says at once what it makes of it (RFC 3515 2.4.4).
const FIRST_NOTIFY: Duration = Duration::from_millis(500);

/// A way of telling the device something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Way {
    Refer,
    Csta,
    CheckSync,
}

/// Which of its calls an order is about, by the state it is in, the first one that there is.
type States = &'static [&'static str];

const RINGING: States = &["alerting"];
const UP: States = &["connected"];
const HELD: States = &["hold"];
/// What a user would end: the call he is in, else the one he is placing, else one that rings.
const CURRENT: States = &["connected", "initiated", "alerting", "hold"];

pub(crate) struct Sip {
    driver: SipDriver,
    link: Arc<dyn SipLink>,
    lab: Option<LabAddress>,
    /// Calls of the lab ask to be answered.
    asking: bool,
    /// What the device has said that it does not do.
    refused: BTreeSet<Way>,
    log: Vec<u8>,
}

/// Whether a status says that the device has no such function: the method, the event, the body is not known to it, or it lets
/// nobody do that. Others are about the state it is in.
const fn says_not_supported(status: u16) -> bool {
    matches!(
        status,
        400..=407 | 415 | 416 | 420 | 469 | 481 | 488 | 489 | 501 | 505 | 603 | 606
    )
}

impl Sip {
    pub(crate) fn new(driver: SipDriver, link: Arc<dyn SipLink>) -> Self {
        Self {
            driver,
            link,
            lab: None,
            asking: false,
            refused: BTreeSet::new(),
            log: Vec::new(),
        }
    }

    fn has(&self, way: Way) -> bool {
        let on = match way {
            Way::Refer => self.driver.refer,
            Way::Csta => self.driver.csta,
            Way::CheckSync => self.driver.check_sync,
        };
        on && !self.refused.contains(&way)
    }

    /// The device's address of record, which is also its name in CSTA.
    fn address_of_record(&self) -> Result<String, DeviceError> {
        let lab = self
            .lab
            .as_ref()
            .ok_or_else(|| DeviceError::control("start", "it was never started"))?;
        Ok(format!("sip:{}@{}", lab.username, lab.server))
    }

    /// Sends a request; an answer of failure is an error.
    async fn send(&mut self, way: Way, action: &str, order: SipOrder) -> Result<SipAnswer, DeviceError> {
        let what = match &order.body {
            Some((_, body)) => format!("{}\n{body}", order.method),
            None => order.method.to_owned(),
        };
        let answer = self.link.send(order).await;
        let said = match &answer {
            Ok(answer) => {
                let body = String::from_utf8_lossy(&answer.body);
                format!("{} {}\n{body}", answer.status, answer.reason)
            }
            Err(error) => error.to_string(),
        };
        let line = format!("{action}: {}\n  {}\n", what.trim_end(), said.trim_end());
        self.log.extend_from_slice(line.as_bytes());
        let answer = answer?;
        match answer.status {
            200..300 => Ok(answer),
            status if says_not_supported(status) => {
                self.refused.insert(way);
                Err(DeviceError::not_supported(action))
            }
            status => Err(DeviceError::control(
                action,
                format!("it answered {status} {}", answer.reason),
            )),
        }
    }

    /// Has it call somebody (RFC 3515 2.4, RFC 5589 6.1 outside of a dialog).
    async fn refer(&mut self, action: &str, to: &str) -> Result<String, DeviceError> {
        let order = SipOrder {
            method: "REFER",
            headers: vec![("Refer-To", format!("<{to}>"))],
            notified_within: Some(FIRST_NOTIFY),
            ..SipOrder::default()
        };
        let answer = self.send(Way::Refer, action, order).await?;
        match answer.notified.as_deref().and_then(fragment_status) {
            Some(status) if says_not_supported(status) => Err(DeviceError::not_supported(action)),
            Some(status) if status >= 300 => Err(DeviceError::control(
                action,
                format!("it reports {status} of the call"),
            )),
            _ => Ok(format!("{} {}", answer.status, answer.reason)),
        }
    }

    /// An order by uaCSTA in a session of its own (TR/87 7), so that nothing of it is left in the device.
    async fn csta(
        &mut self,
        action: &DeviceAction,
        uri: &(dyn for<'a> Fn(&'a str) -> String + Sync),
    ) -> Result<String, DeviceError> {
        let name = action.name();
        let open = SipOrder {
            method: "INVITE",
            headers: vec![
                ("Accept", csta::CONTENT_TYPE.to_owned()),
                ("Content-Disposition", "signal;handling=required".to_owned()),
            ],
            body: Some((csta::CONTENT_TYPE, csta::request_system_status())),
            ..SipOrder::default()
        };
        let opened = match self.send(Way::Csta, name, open).await {
            // a device that lets a call ring for it has not understood, and nothing was ordered yet
            Err(DeviceError::Timeout { .. }) => {
                self.refused.insert(Way::Csta);
                return Err(DeviceError::not_supported(name));
            }
            opened => opened?,
        };
        let session = opened.session;
        let done = if parse_csta(&opened.body).is_ok() {
            self.csta_in(&session, action, uri).await
        } else {
            self.refused.insert(Way::Csta);
            Err(DeviceError::not_supported(name))
        };
        let close = SipOrder {
            method: "BYE",
            session: Some(session),
            ..SipOrder::default()
        };
        // the order is carried out, or not, however the session ends
        let _ = self.link.send(close).await;
        done
    }

    async fn csta_in(
        &mut self,
        session: &str,
        action: &DeviceAction,
        uri: &(dyn for<'a> Fn(&'a str) -> String + Sync),
    ) -> Result<String, DeviceError> {
        let name = action.name();
        let own = self.address_of_record()?;
        let calls = match action {
            DeviceAction::Dial(_) | DeviceAction::Consult(_) => Vec::new(),
            _ => {
                let snapshot = csta::snapshot_device(&own);
                match self.csta_request(session, name, snapshot).await? {
                    CstaAnswer::Calls(calls) => calls,
                    _ => Vec::new(),
                }
            }
        };
        let one = |states: States| {
            let call = states
                .iter()
                .find_map(|state| calls.iter().rev().find(|call| call.state == *state));
            call.map(|call| &call.connection).ok_or_else(|| {
                DeviceError::control(name, format!("it names no call that is {}", states.join(" or ")))
            })
        };
        let request = match action {
            DeviceAction::Dial(dial) | DeviceAction::Consult(dial) => csta::make_call(&own, &uri(&dial.to)),
            DeviceAction::Answer(_) => csta::answer_call(one(RINGING)?),
            DeviceAction::Reject(_) => csta::clear_connection(one(RINGING)?),
            DeviceAction::Hangup(_) => csta::clear_connection(one(CURRENT)?),
            DeviceAction::Hold(_) => csta::hold_call(one(UP)?),
            DeviceAction::Resume(_) => csta::retrieve_call(one(HELD)?),
            DeviceAction::Dtmf(dtmf) => csta::generate_digits(one(UP)?, &dtmf.digits),
            DeviceAction::Transfer(transfer) => csta::single_step_transfer_call(one(UP)?, &uri(&transfer.to)),
            DeviceAction::CompleteTransfer(_) => csta::transfer_call(one(HELD)?, one(UP)?),
            DeviceAction::Restart(_)
            | DeviceAction::Stop(_)
            | DeviceAction::AutoAnswer(_)
            | DeviceAction::Loopback(_) => return Err(DeviceError::not_supported(name)),
        };
        self.csta_request(session, name, request).await?;
        Ok("done".to_owned())
    }

    /// A request in a session and its answer (TR/87 7.2).
    async fn csta_request(
        &mut self,
        session: &str,
        action: &str,
        request: String,
    ) -> Result<CstaAnswer, DeviceError> {
        let order = SipOrder {
            method: "INFO",
            headers: vec![("Content-Disposition", "signal;handling=required".to_owned())],
            body: Some((csta::CONTENT_TYPE, request)),
            session: Some(session.to_owned()),
            ..SipOrder::default()
        };
        let answer = self.send(Way::Csta, action, order).await?;
        match parse_csta(&answer.body) {
            Ok(CstaAnswer::Refused { value, .. }) if value.to_ascii_lowercase().contains("notsupported") => {
                Err(DeviceError::not_supported(action))
            }
            Ok(CstaAnswer::Refused { kind, value }) => Err(DeviceError::control(
                action,
                format!("it answered {kind}: {value}"),
            )),
            Ok(answer) => Ok(answer),
            Err(error) => Err(DeviceError::control(action, error.to_string())),
        }
    }

    /// Has it restart (a convention of phones; the event package is not registered).
    async fn check_sync(&mut self, action: &str) -> Result<String, DeviceError> {
        let order = SipOrder {
            method: "NOTIFY",
            headers: vec![
                ("Event", "check-sync;reboot=true".to_owned()),
                // no subscription is behind it, and none begins
                ("Subscription-State", "terminated".to_owned()),
            ],
            ..SipOrder::default()
        };
        let answer = self.send(Way::CheckSync, action, order).await?;
        Ok(format!("{} {}", answer.status, answer.reason))
    }
}

/// The status in the body of a NOTIFY about a REFER (RFC 3420).
fn fragment_status(body: &[u8]) -> Option<u16> {
    let text = String::from_utf8_lossy(body.get(..body.len().min(64))?).into_owned();
    let digits = text
        .strip_prefix("SIP/2.0 ")?
        .split(|c: char| !c.is_ascii_digit())
        .next()?;
    digits.parse().ok()
}

#[async_trait]
impl Device for Sip {
    fn capabilities(&self) -> BTreeSet<Capability> {
        use Capability as C;
        let mut can = BTreeSet::new();
        if !self.driver.answer.is_empty() {
            can.insert(C::Answer);
        }
        if self.driver.refer {
            can.insert(C::Dial);
        }
        if self.driver.csta {
            can.extend([C::ManualAnswer, C::Reject, C::Dial, C::Hangup, C::Hold, C::Dtmf]);
            can.extend([C::Transfer, C::AttendedTransfer]);
        }
        if self.driver.check_sync {
            can.insert(C::Restart);
        }
        can
    }

    async fn firmware(&mut self) -> String {
        "unknown".to_owned()
    }

    async fn start(&mut self, lab: &LabAddress) -> Result<(), DeviceError> {
        self.lab = Some(lab.clone());
        self.asking = false;
        self.refused.clear();
        Ok(())
    }

    async fn perform(
        &mut self,
        action: &DeviceAction,
        uri: &(dyn for<'a> Fn(&'a str) -> String + Sync),
    ) -> Result<String, DeviceError> {
        let name = action.name();
        match action {
            DeviceAction::AutoAnswer(answer) if !self.driver.answer.is_empty() => {
                self.asking = answer.on;
                let from_now_on = if answer.on {
                    "calls ask to be answered"
                } else {
                    "calls ring"
                };
                Ok(from_now_on.to_owned())
            }
            DeviceAction::Dial(dial) if self.has(Way::Refer) => {
                match self.refer(name, &uri(&dial.to)).await {
                    Err(DeviceError::NotSupported { .. }) if self.has(Way::Csta) => {
                        self.csta(action, uri).await
                    }
                    done => done,
                }
            }
            DeviceAction::Restart(_) if self.has(Way::CheckSync) => self.check_sync(name).await,
            DeviceAction::Restart(_)
            | DeviceAction::Stop(_)
            | DeviceAction::AutoAnswer(_)
            | DeviceAction::Loopback(_) => Err(DeviceError::not_supported(name)),
            _ if self.has(Way::Csta) => self.csta(action, uri).await,
            _ => Err(DeviceError::not_supported(name)),
        }
    }

    async fn prepare(&mut self, answer_by_itself: bool) -> Result<(), DeviceError> {
        self.asking = answer_by_itself && !self.driver.answer.is_empty();
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
        // a device that is gone shows on the network
        DeviceHealth::Running
    }

    async fn recover(&mut self, lab: &LabAddress) -> Result<(), DeviceError> {
        self.lab = Some(lab.clone());
        self.refused.clear();
        if self.driver.unattended && self.has(Way::CheckSync) {
            return self.check_sync("restart").await.map(drop);
        }
        Err(DeviceError::not_supported("recover"))
    }

    async fn stop(&mut self) {}

    fn call_headers(&self) -> Vec<(&'static str, String)> {
        match &self.lab {
            Some(lab) if self.asking => {
                let requests = self.driver.answer.iter();
                requests
                    .map(|request| answer::header(*request, lab.server))
                    .collect()
            }
            _ => Vec::new(),
        }
    }
}
