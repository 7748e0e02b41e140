//! A person who does what the terminal asks.

use std::collections::BTreeSet;
use std::sync::Arc;

use async_trait::async_trait;
use voxproof_record::Wav;
use voxproof_spec::{Capability, DeviceAction, ManualDriver, MediaProfile, MediaSecurity};

use crate::secret::masked;
use crate::{Device, DeviceError, DeviceHealth, LabAddress, Operator};

/// What a person can do at any phone.
const ANY_PHONE: [Capability; 10] = [
    Capability::Answer,
    Capability::ManualAnswer,
    Capability::Reject,
    Capability::Dial,
    Capability::Hangup,
    Capability::Hold,
    Capability::Dtmf,
    Capability::Transfer,
    Capability::AttendedTransfer,
    Capability::Restart,
];

const DONE: &str = "Press Enter when that is done; type `no` if the phone cannot do it.";

pub(crate) struct Manual {
    can: BTreeSet<Capability>,
    /// What the operator was last told about answering, or what the device does from the start.
    answering: Option<bool>,
    /// The phone answers by itself, so the setting is the phone's and not the person's.
    automatic: bool,
    off: bool,
    media: MediaProfile,
    lab: Option<LabAddress>,
    operator: Arc<dyn Operator>,
    prompts: Vec<(String, String)>,
}

impl Manual {
    pub(crate) fn new(driver: ManualDriver, operator: Arc<dyn Operator>) -> Self {
        let mut can: BTreeSet<Capability> = driver.can.map_or_else(
            || ANY_PHONE.into_iter().collect(),
            |can| can.into_iter().collect(),
        );
        if driver.answers_by_itself {
            can.insert(Capability::Answer);
        }
        Self {
            can,
            answering: driver.answers_by_itself.then_some(true),
            automatic: driver.answers_by_itself,
            off: false,
            media: MediaProfile::default(),
            lab: None,
            operator,
            prompts: Vec::new(),
        }
    }

    /// The same with other media.
    pub(crate) fn with_media(mut self, media: &MediaProfile) -> Self {
        self.media = media.clone();
        self
    }

    async fn ask(&mut self, question: &str) -> Result<String, DeviceError> {
        let answer = self.operator.ask(question).await?;
        // what is recorded goes into the evidence, and that never holds a password
        let lab = self.lab.as_ref();
        self.prompts.push((masked(question, lab), masked(&answer, lab)));
        Ok(answer)
    }

    /// Asks for an action; `no` means the phone has no such function.
    async fn order(&mut self, action: &str, words: &str) -> Result<String, DeviceError> {
        let answer = self.ask(&format!("{words} {DONE}")).await?;
        match answer.to_lowercase().as_str() {
            "no" | "n" => Err(DeviceError::not_supported(action)),
            "" => Ok("done".to_owned()),
            _ => Ok(answer),
        }
    }

    async fn set_answering(&mut self, action: &str, on: bool) -> Result<String, DeviceError> {
        let words = match (self.automatic, on) {
            (true, true) => "Switch automatic answering on on the phone.",
            (true, false) => {
                "Switch automatic answering off on the phone, and let calls ring until you are asked."
            }
            (false, true) => "From now on answer every call as soon as the phone rings.",
            (false, false) => "From now on let calls ring until you are asked to answer.",
        };
        let answer = self.order(action, words).await?;
        self.answering = Some(on);
        Ok(answer)
    }
}

/// `12#` as `1 2 #`, easier to read off a screen.
fn spaced(digits: &str) -> String {
    digits.chars().map(String::from).collect::<Vec<_>>().join(" ")
}

#[async_trait]
impl Device for Manual {
    fn capabilities(&self) -> BTreeSet<Capability> {
        self.can.clone()
    }

    async fn firmware(&mut self) -> String {
        let question = "Which firmware version does the phone show? (Enter when it shows none)";
        self.ask(question)
            .await
            .ok()
            .filter(|answer| !answer.is_empty())
            .unwrap_or_else(|| "unknown".to_owned())
    }

    async fn start(&mut self, lab: &LabAddress) -> Result<(), DeviceError> {
        self.lab = Some(lab.clone());
        self.off = false;
        let LabAddress {
            server,
            username,
            password,
            realm,
            transport,
            ..
        } = lab;
        let transport = transport.parameter().to_ascii_uppercase();
        let authority = if lab.transport.is_secure() {
            format!(" It has to trust this authority:\n{}", lab.authority_pem)
        } else {
            String::new()
        };
        let media = match self.media.security {
            MediaSecurity::None => "no encryption of media",
            MediaSecurity::Sdes => "media always encrypted (SRTP, keys by SDES)",
            MediaSecurity::Dtls => "media always encrypted (SRTP, keys by DTLS)",
        };
        let codecs = self.media.codecs.join(", ");
        let words = format!(
            "Set up an account on the phone: registrar and outbound proxy {server} over {transport}, user name {username}, \
             password {password}, realm {realm} (if it asks for one), registration every 60 s. No STUN, {media}, codecs \
             {codecs}.{authority} Press Enter when it is saved."
        );
        self.ask(&words).await.map(drop)
    }

    async fn perform(
        &mut self,
        action: &DeviceAction,
        uri: &(dyn for<'a> Fn(&'a str) -> String + Sync),
    ) -> Result<String, DeviceError> {
        let name = action.name();
        if !self.can.contains(&action.capability()) {
            return Err(DeviceError::not_supported(name));
        }
        let words = match action {
            DeviceAction::Answer(_) => "The phone rings: answer the call.".to_owned(),
            DeviceAction::Reject(_) => "The phone rings: reject the call.".to_owned(),
            DeviceAction::Hangup(_) => "Hang up.".to_owned(),
            DeviceAction::Dial(dial) => {
                format!(
                    "Call `{}` on the phone, the whole address is {}.",
                    *dial.to,
                    uri(&dial.to)
                )
            }
            DeviceAction::Hold(_) => "Put the call on hold.".to_owned(),
            DeviceAction::Resume(_) => "Take the call off hold.".to_owned(),
            DeviceAction::Dtmf(dtmf) => {
                format!(
                    "During the call press these keys one after the other: {}",
                    spaced(&dtmf.digits)
                )
            }
            DeviceAction::Transfer(transfer) => format!(
                "Transfer the call blind (without announcing it) to `{}`, the whole address is {}.",
                *transfer.to,
                uri(&transfer.to)
            ),
            DeviceAction::Consult(dial) => format!(
                "The call is on hold: call `{}` beside it, the whole address is {}.",
                *dial.to,
                uri(&dial.to)
            ),
            DeviceAction::CompleteTransfer(_) => {
                "Complete the transfer: connect the call on hold with the one that is up.".to_owned()
            }
            DeviceAction::Restart(_) => "Restart the phone, and wait until it has started.".to_owned(),
            DeviceAction::Stop(_) => "Shut the phone down in its menu, so that it logs off.".to_owned(),
            DeviceAction::AutoAnswer(answer) => return self.set_answering(name, answer.on).await,
            DeviceAction::Loopback(looping) if looping.on => "Switch the phone's audio loop on.".to_owned(),
            DeviceAction::Loopback(_) => "Switch the phone's audio loop off.".to_owned(),
        };
        let answer = self.order(name, &words).await?;
        if matches!(action, DeviceAction::Stop(_)) {
            self.off = true;
        }
        Ok(answer)
    }

    async fn prepare(&mut self, answer_by_itself: bool) -> Result<(), DeviceError> {
        if self.off {
            self.ask("Switch the phone on again, and press Enter when it has started.")
                .await?;
            self.off = false;
        }
        let needed = if answer_by_itself {
            Capability::Answer
        } else {
            Capability::ManualAnswer
        };
        if self.answering != Some(answer_by_itself) && self.can.contains(&needed) {
            self.set_answering("auto_answer", answer_by_itself).await?;
        }
        Ok(())
    }

    async fn recording(&mut self) -> Option<Wav> {
        None
    }

    fn speech(&self) -> Option<Wav> {
        None
    }

    fn log(&mut self) -> Option<Vec<u8>> {
        None
    }

    async fn health(&mut self) -> DeviceHealth {
        // nobody is asked after every case; a phone that is gone shows on the network
        DeviceHealth::Running
    }

    async fn recover(&mut self, lab: &LabAddress) -> Result<(), DeviceError> {
        self.lab = Some(lab.clone());
        self.off = false;
        self.ask(
            "The phone does not behave as it should when idle. End its calls, restart it if it still does not work, and \
             press Enter when it is ready.",
        )
        .await
        .map(drop)
    }

    async fn stop(&mut self) {}

    fn prompts(&mut self) -> Vec<(String, String)> {
        std::mem::take(&mut self.prompts)
    }
}

#[cfg(test)]
mod tests {
    use voxproof_spec::{AutoAnswerAction, DialAction, DtmfAction, Located, NoParameters};

    use super::*;
    use crate::ScriptedOperator;

    fn lab() -> LabAddress {
        LabAddress {
            server: "192.0.2.1:5060".parse().unwrap(),
            username: "dut".to_owned(),
            password: "s3cret".to_owned(),
            realm: "voxproof".to_owned(),
            device_ip: "192.0.2.7".parse().unwrap(),
            transport: voxproof_spec::SignallingTransport::Udp,
            proxied: false,
            dns: None,
            http: None,
            https: None,
            authority_pem: String::new(),
        }
    }

    fn uri(actor: &str) -> String {
        format!("sip:{actor}@192.0.2.1:5060")
    }

    fn phone(driver: ManualDriver, answers: &[&str]) -> (Manual, Arc<ScriptedOperator>) {
        let operator = Arc::new(ScriptedOperator::new(answers.iter().copied()));
        (
            Manual::new(driver, Arc::<ScriptedOperator>::clone(&operator)),
            operator,
        )
    }

    #[tokio::test]
    async fn the_operator_is_told_everything_and_the_record_no_password() {
        let (mut phone, operator) = phone(ManualDriver::default(), &["", "s3cret", "took long", "no"]);
        phone.start(&lab()).await.unwrap();
        assert!(operator.asked()[0].contains("s3cret"));
        let dial = DeviceAction::Dial(DialAction {
            to: Located::synthetic("peer_a".to_owned()),
        });
        phone.perform(&dial, &uri).await.unwrap();
        assert!(operator.asked()[1].contains("sip:peer_a@192.0.2.1:5060"));
        let dtmf = DeviceAction::Dtmf(DtmfAction {
            digits: "12#".to_owned(),
        });
        assert_eq!(phone.perform(&dtmf, &uri).await.unwrap(), "took long");
        assert!(operator.asked()[2].contains("1 2 #"));
        let hold = DeviceAction::Hold(NoParameters {});
        assert_eq!(
            phone.perform(&hold, &uri).await,
            Err(DeviceError::not_supported("hold"))
        );

        let prompts = phone.prompts();
        assert_eq!(prompts.len(), 4);
        assert!(
            prompts
                .iter()
                .all(|(question, answer)| !question.contains("s3cret") && !answer.contains("s3cret"))
        );
        assert_eq!(prompts[3].1, "no");
        assert_eq!(phone.prompts(), []);
    }

    #[tokio::test]
    async fn answering_is_asked_for_only_when_it_changes() {
        let (mut phone, operator) = phone(ManualDriver::default(), &["", ""]);
        for on in [true, true, false, false] {
            phone.prepare(on).await.unwrap();
        }
        let asked = operator.asked();
        assert_eq!(asked.len(), 2);
        assert!(asked[0].contains("answer every call") && asked[1].contains("let calls ring"));

        let driver = ManualDriver {
            answers_by_itself: true,
            ..Default::default()
        };
        let (mut phone, operator) = self::phone(driver, &[""]);
        phone.prepare(true).await.unwrap();
        assert!(operator.asked().is_empty());
        let off = DeviceAction::AutoAnswer(AutoAnswerAction { on: false });
        phone.perform(&off, &uri).await.unwrap();
        assert!(operator.asked()[0].contains("Switch automatic answering off"));
    }

    #[tokio::test]
    async fn what_the_phone_cannot_do_is_not_asked_for() {
        let driver = ManualDriver {
            can: Some(vec![Capability::Dial]),
            answers_by_itself: false,
        };
        let (mut phone, operator) = phone(driver, &[]);
        phone.prepare(true).await.unwrap();
        let hold = DeviceAction::Hold(NoParameters {});
        assert_eq!(
            phone.perform(&hold, &uri).await,
            Err(DeviceError::not_supported("hold"))
        );
        assert!(operator.asked().is_empty());
        assert_eq!(phone.capabilities(), BTreeSet::from([Capability::Dial]));
    }

    #[tokio::test]
    async fn an_operator_who_has_left_is_an_error() {
        let (mut phone, _) = phone(ManualDriver::default(), &[]);
        assert!(matches!(
            phone.start(&lab()).await,
            Err(DeviceError::Unreachable { .. })
        ));
        assert_eq!(phone.firmware().await, "unknown");
    }
}
