//! Signs that no single field shows: what the device does, and its media.

use std::collections::BTreeSet;
use std::time::Duration;

use voxproof_record::TimelineEvent;
use voxproof_rtp::rtcp::{self, Report, xr};
use voxproof_sip::sdp::Direction;
use voxproof_sip::{Challenge, Credentials, Message};
use voxproof_spec::{Behaviour, Observed, ServiceName};

use super::signs::{Line, Said};
use super::tally::{Tally, short};
use crate::view::{MediaPacket, View};

/// A stream this long is an occasion for reports: twice the largest first interval (RFC 3550 6.2, 6.3.1: half of 5 s, times 1.5).
const TIME_FOR_A_REPORT: Duration = Duration::from_secs(8);

pub(super) struct Conduct<'a, 'v, 'e> {
    pub(super) view: &'v View<'e>,
    pub(super) said: &'a Said<'v>,
}

impl<'v, 'e> Conduct<'_, 'v, 'e> {
    pub(super) fn look(&self, observed: &Observed, tally: &mut Tally) {
        if let Some(dscp) = observed.dscp {
            for packet in self.sent_media().filter(|packet| packet.dscp.is_some()) {
                if packet.dscp == Some(dscp) {
                    tally.saw(Some(packet.packet), || format!("RTP with code point {dscp}"));
                } else {
                    tally.missed();
                }
            }
        }
        if let Some(service) = observed.asks {
            let before = tally.seen();
            self.services(service, tally);
            tally.case(before);
        }
        match observed.does {
            None => {}
            Some(Behaviour::PlaceCall) => {
                self.requests("INVITE", "a call of its own", tally, |line| {
                    self.is_own_call(line)
                });
            }
            Some(Behaviour::Hold) => {
                let before = tally.seen();
                for line in self.said.requests("INVITE").chain(self.said.requests("UPDATE")) {
                    if self.is_hold(line) {
                        tally.message(line.record, true, || "the other side put on hold".to_owned());
                    }
                }
                tally.case(before);
            }
            Some(Behaviour::BlindTransfer) => {
                self.requests("REFER", "a transfer without a call", tally, |line| {
                    !names_a_call(line.message())
                });
            }
            Some(Behaviour::AttendedTransfer) => {
                self.requests("REFER", "a transfer to a call", tally, |line| {
                    names_a_call(line.message())
                });
            }
            Some(Behaviour::FollowRedirection) => self.redirections(tally),
            Some(Behaviour::AnswerTwoRealms) => self.realms(tally),
            Some(Behaviour::Unregister) => {
                self.requests("REGISTER", "its registration ended", tally, |line| {
                    ends_itself(line.message())
                });
            }
            Some(Behaviour::Rtcp) => self.reports(tally, "a report", |report| {
                matches!(
                    report,
                    Report::SenderReport { .. } | Report::ReceiverReport { .. }
                )
            }),
            Some(Behaviour::VoipMetrics) => self.reports(tally, "VoIP metrics", |report| {
                matches!(report, Report::ExtendedReport { blocks, .. }
                    if blocks.iter().any(|block| matches!(block, xr::Block::VoipMetrics(_))))
            }),
        }
    }

    /// Requests of the device that are a sign; the case is the occasion.
    fn requests(&self, method: &str, what: &str, tally: &mut Tally, shows: impl Fn(&Line<'v>) -> bool) {
        let before = tally.seen();
        for line in self.said.requests(method).filter(|line| shows(line)) {
            tally.message(line.record, true, || what.to_owned());
        }
        tally.case(before);
    }

    fn sent_media(&self) -> impl Iterator<Item = &'v MediaPacket<'e>> {
        self.view
            .media_packets
            .iter()
            .filter(|packet| packet.from_device && packet.is_media())
    }

    /// A call that the device's user placed: outside a dialog, and no consequence of a REFER that the device was sent.
    fn is_own_call(&self, line: &Line<'_>) -> bool {
        let referred = |packet: u32| {
            let mut lab = self.said.lab.iter();
            lab.any(|record| record.packet < packet && record.message.method() == Some("REFER"))
        };
        !is_in_dialog(line.message()) && !referred(line.record.packet)
    }

    fn is_hold(&self, line: &Line<'_>) -> bool {
        let audio = line
            .description
            .as_ref()
            .and_then(|description| description.audio());
        let direction = audio.map(|audio| audio.direction);
        is_in_dialog(line.message())
            && match direction {
                Some(Direction::SendOnly) => true,
                // a refresh while the peer holds the call says inactive as well
                Some(Direction::Inactive) => !self.holds(line),
                _ => false,
            }
    }

    /// Whether the lab itself had put this call on hold before.
    fn holds(&self, line: &Line<'_>) -> bool {
        let earlier = self.said.lab.iter().rev().filter(|record| {
            record.packet < line.record.packet && record.message.call_id() == line.message().call_id()
        });
        let last = earlier
            .filter_map(|record| record.message.sdp()?.ok()?.audio().map(|audio| audio.direction))
            .next();
        matches!(last, Some(Direction::SendOnly | Direction::Inactive))
    }

    /// Calls to a contact that the lab named in a redirection; each redirection is an occasion.
    fn redirections(&self, tally: &mut Tally) {
        for record in &self.said.lab {
            let message = &record.message;
            if message.cseq_method() != Some("INVITE") || !matches!(message.status(), Some(300..=399)) {
                continue;
            }
            let targets: BTreeSet<String> = message
                .contacts()
                .iter()
                .map(|contact| contact.uri.to_string())
                .collect();
            let followed = self.said.requests("INVITE").find(|line| {
                line.record.packet > record.packet
                    && line
                        .message()
                        .request_uri()
                        .is_some_and(|uri| targets.contains(uri))
            });
            match followed {
                Some(line) => tally.message(line.record, true, || "a redirection followed".to_owned()),
                None => tally.missed(),
            }
        }
    }

    fn realms(&self, tally: &mut Tally) {
        for record in &self.said.lab {
            let challenges = Challenge::all(&record.message);
            let realms: BTreeSet<&str> = challenges
                .iter()
                .map(|received| received.challenge.realm.as_str())
                .collect();
            if realms.len() > 1 {
                tally.missed();
            }
        }
        for line in &self.said.own {
            let answers = Credentials::all(line.message());
            let realms: BTreeSet<&str> = answers.iter().map(|(_, one)| one.realm.as_str()).collect();
            if realms.len() > 1 {
                tally.message(line.record, true, || "credentials for two realms".to_owned());
            }
        }
    }

    fn reports(&self, tally: &mut Tally, what: &str, wanted: impl Fn(&Report) -> bool) {
        let before = tally.seen();
        let control = self
            .view
            .media_packets
            .iter()
            .filter(|packet| packet.from_device && packet.is_control() && packet.protection.is_taken());
        for packet in control {
            if rtcp::parse(&packet.bytes).is_ok_and(|reports| reports.iter().any(&wanted)) {
                tally.saw(Some(packet.packet), || format!("{what} in an RTCP packet"));
            }
        }
        let times = || self.sent_media().map(|packet| packet.at);
        if let (Some(first), Some(last)) = (times().min(), times().max())
            && last.saturating_sub(first) >= TIME_FOR_A_REPORT
        {
            tally.case(before);
        }
    }

    fn services(&self, wanted: ServiceName, tally: &mut Tally) {
        let (name, kind, key) = match wanted {
            ServiceName::Dns => ("dns", "a DNS query for", "name"),
            ServiceName::Http => ("http", "an HTTP request for", "target"),
        };
        for entry in &self.view.evidence.timeline.entries {
            if let TimelineEvent::Service { service, fields } = &entry.event
                && service == name
            {
                let asked = fields.iter().find(|(known, _)| known == key);
                let asked = asked.map_or("?", |(_, value)| value.as_str());
                tally.saw(None, || format!("{kind} {}", short(asked)));
            }
        }
    }
}

fn is_in_dialog(message: &Message) -> bool {
    message.to().is_some_and(|to| to.tag().is_some())
}

/// Refer-To with Replaces among the header fields of its URI (RFC 3891 3, RFC 5589 7).
fn names_a_call(refer: &Message) -> bool {
    let target = refer.header("refer-to").unwrap_or_default().to_ascii_lowercase();
    target
        .split_once('?')
        .is_some_and(|(_, headers)| headers.split('&').any(|field| field.starts_with("replaces=")))
}

/// A REGISTER that takes a binding of its own away; `Contact: *` clears what others left (RFC 3261 10.2.2).
fn ends_itself(register: &Message) -> bool {
    if register
        .header("contact")
        .is_none_or(|contact| contact.trim() == "*")
    {
        return false;
    }
    let contacts = register.contacts();
    let of_contact = contacts
        .first()
        .and_then(|contact| contact.params.value("expires")?.parse::<u32>().ok());
    of_contact.or_else(|| register.expires()) == Some(0)
}
