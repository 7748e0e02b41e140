//! Offers and answers of one call (RFC 3264).

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};

use voxproof_rtp::rtcp::ExtendedReports;
use voxproof_sip::sdp::{Description, Direction, Media, NoCommonCodec, OfferedCodec, SessionOffer};

use crate::keys::{Keys, Protection, is_protected};
use crate::media::MediaPlan;
use crate::reporting::{WANTED_REPORTS, asked_for};
use crate::shield::Keying;
use crate::{AudioCodec, Fault};

/// Our payload types for telephone-event in offers, at 8 kHz and at the 48 kHz of Opus.
const TELEPHONE_EVENT: u8 = 101;
const WIDE_TELEPHONE_EVENT: u8 = 102;

/// The payload type of comfort noise at 8 kHz (RFC 3389 4).
const COMFORT_NOISE: u8 = 13;

/// What the phone says about itself in every description.
#[derive(Debug, Clone)]
pub(crate) struct Capabilities {
    pub(crate) codecs: Vec<AudioCodec>,
    pub(crate) ptime: u32,
    pub(crate) protection: Protection,
    pub(crate) rtcp_mux: bool,
    pub(crate) extended_reports: bool,
    pub(crate) comfort_noise: bool,
    pub(crate) faults: BTreeSet<Fault>,
}

/// The state of one call's negotiation.
#[derive(Debug)]
pub(crate) struct Session {
    capabilities: Capabilities,
    address: IpAddr,
    port: u16,
    session_id: u64,
    version: u64,
    /// The last description we sent: another one needs a new version (RFC 3264 8).
    last: Option<Vec<u8>>,
    /// Direction of our last description that took effect.
    local: Direction,
    /// Direction of our offer that has no answer yet.
    offered: Option<Direction>,
    remote: Option<Remote>,
    /// A fault makes us send whatever the peer said.
    keeps_sending: bool,
    keys: Keys,
}

/// What the peer's last description says.
#[derive(Debug, Clone)]
struct Remote {
    /// `None` for no address, the address 0.0.0.0 or port 0.
    destination: Option<SocketAddr>,
    /// From the peer's view; the address 0.0.0.0 counts as "does not receive" (RFC 3264 8.4).
    direction: Direction,
    codec: (u8, AudioCodec),
    decoded: Vec<(u8, AudioCodec)>,
    telephone_event: Option<(u8, u32)>,
    ptime: Option<u32>,
    keying: Keying,
    rtcp: Option<SocketAddr>,
    rtcp_mux: bool,
    extended_reports: ExtendedReports,
    comfort_noise: Option<u8>,
}

impl Session {
    pub(crate) fn new(capabilities: Capabilities, address: SocketAddr, session_id: u64) -> Self {
        Self {
            keys: Keys::new(
                capabilities.protection.clone(),
                &capabilities.faults,
                session_id ^ 0x5e55,
            ),
            capabilities,
            address: address.ip(),
            port: address.port(),
            session_id,
            version: 1,
            last: None,
            local: Direction::SendRecv,
            offered: None,
            remote: None,
            keeps_sending: false,
        }
    }

    /// Whether an initial offer can be answered with audio.
    pub(crate) fn acceptable(capabilities: &Capabilities, offer: &Description) -> bool {
        capabilities.has(Fault::AcceptsNoCommonCodec)
            || offer.audio().is_some_and(|audio| {
                audio.port != 0
                    && capabilities.protection.takes(audio)
                    && !capabilities.common(audio).is_empty()
            })
    }

    /// Our offer. `ours` says whether we started this negotiation by a re-INVITE of our own.
    pub(crate) fn offer(&mut self, direction: Direction, ours: bool) -> Vec<u8> {
        self.offered = Some(direction);
        let bump = !(ours && self.capabilities.has(Fault::SdpVersionNotBumped));
        let mut lines = self.keys.offer();
        lines.extend(self.wanted_reports());
        let protocol = self.capabilities.protection.protocol();
        self.versioned(bump, |session| {
            let mut offer = session.describe(direction);
            offer.protocol = protocol.to_owned();
            offer.attributes = lines.clone();
            offer.to_bytes()
        })
    }

    /// Whether an offer of ours waits for its answer.
    pub(crate) fn awaits_answer(&self) -> bool {
        self.offered.is_some()
    }

    /// Our offer was refused: what was agreed before stays (RFC 3261 14.1).
    pub(crate) fn withdraw_offer(&mut self) {
        self.offered = None;
    }

    /// Takes the peer's answer to our offer.
    ///
    /// # Errors
    /// When it leaves no audio.
    pub(crate) fn accept(&mut self, answer: &Description) -> Result<(), NoCommonCodec> {
        let audio = answer
            .audio()
            .filter(|audio| audio.port != 0)
            .ok_or_else(nothing)?;
        let common = self.capabilities.common(audio);
        let Some(codec) = common.first().copied() else {
            return Err(nothing());
        };
        let decoded = self
            .capabilities
            .codecs
            .iter()
            .map(|codec| (codec.payload_type(), *codec))
            .collect();
        let keying = self.keys.accept(answer, audio).ok_or_else(nothing)?;
        self.local = self.offered.take().unwrap_or(self.local);
        self.follow(answer, audio, codec, decoded, keying);
        Ok(())
    }

    /// Takes the peer's offer and answers it; `held` when our user has put the peer on hold.
    ///
    /// # Errors
    /// When there is no audio stream or no codec in common: nothing has changed then.
    pub(crate) fn answer(&mut self, offer: &Description, held: bool) -> Result<Vec<u8>, NoCommonCodec> {
        let audio = offer
            .audio()
            .filter(|audio| self.capabilities.protection.takes(audio))
            .ok_or_else(nothing)?
            .clone();
        let audio = &audio;
        let plain = !is_protected(audio) || self.capabilities.has(Fault::SavpAnsweredWithAvp);
        let (keying, mut lines) = if plain {
            (Keying::None, Vec::new())
        } else {
            self.keys.answer(offer, audio).ok_or_else(nothing)?
        };
        if offer.rtcp_xr(audio).is_some() {
            lines.extend(self.wanted_reports());
        }
        let mut common = self.capabilities.common(audio);
        let pretends = common.is_empty() && self.capabilities.has(Fault::AcceptsNoCommonCodec);
        if pretends {
            common.push((AudioCodec::Pcmu.payload_type(), AudioCodec::Pcmu));
        }
        let Some(codec) = common.first().copied() else {
            return Err(NoCommonCodec {
                offered: audio.codecs().map(|codec| codec.encoding).collect(),
            });
        };
        let peer = direction_of(offer, audio);
        let own = if held {
            Direction::SendOnly
        } else {
            Direction::SendRecv
        };
        let ignores = !peer.receives() && self.capabilities.has(Fault::HoldIgnored);
        let direction = if ignores {
            Direction::SendRecv
        } else {
            peer.answer_to().narrowed_to(own)
        };
        self.keeps_sending = ignores
            || (audio.direction == Direction::SendOnly
                && self.capabilities.has(Fault::HoldSendonlyKeepsSending));

        let wanted = self.sent_ptime(audio.ptime, codec.1);
        let (offer_seen, extra) = self.rewritten(offer, direction, plain);
        let bytes = self.versioned(true, |session| {
            let mut local = session.describe(if pretends { direction } else { Direction::SendRecv });
            if pretends {
                local.codecs = vec![codec_line(AudioCodec::Pcmu)];
                return local.to_bytes();
            }
            local.protocol = if plain {
                "RTP/AVP".to_owned()
            } else {
                audio.protocol.clone()
            };
            local.attributes = lines.clone();
            local.ptime = Some(wanted);
            local.codecs.extend(extra.clone());
            let bytes = local.answer_bytes(&offer_seen).unwrap_or_default();
            if session.capabilities.has(Fault::G722Rtpmap16000) {
                return String::from_utf8_lossy(&bytes)
                    .replace("G722/8000", "G722/16000")
                    .into_bytes();
            }
            bytes
        });
        if bytes.is_empty() {
            return Err(nothing());
        }
        self.local = direction;
        self.offered = None;
        let decoded = common.clone();
        self.follow(offer, audio, codec, decoded, keying);
        Ok(bytes)
    }

    /// Where the peer wants its media.
    pub(crate) fn peer(&self) -> Option<SocketAddr> {
        self.remote.as_ref().and_then(|remote| remote.destination)
    }

    /// Whether the peer has put us on hold.
    pub(crate) fn is_held_by_peer(&self) -> bool {
        self.remote
            .as_ref()
            .is_some_and(|remote| !remote.direction.receives())
    }

    /// What the media has to do now; `None` before the first negotiation is complete.
    pub(crate) fn plan(&self) -> Option<MediaPlan> {
        let remote = self.remote.as_ref()?;
        let sends = self.keeps_sending || (self.local.sends() && remote.direction.receives());
        Some(MediaPlan {
            destination: remote.destination.filter(|_| sends),
            peer: remote.destination,
            receives: self.local.receives(),
            codec: remote.codec,
            telephone_event: remote.telephone_event,
            decoded: remote.decoded.clone(),
            ptime: self.sent_ptime(remote.ptime, remote.codec.1),
            keying: remote.keying.clone(),
            rtcp: remote.rtcp,
            rtcp_mux: remote.rtcp_mux,
            extended_reports: remote.extended_reports,
            comfort_noise: remote.comfort_noise,
        })
    }

    fn follow(
        &mut self,
        description: &Description,
        audio: &Media,
        codec: (u8, AudioCodec),
        decoded: Vec<(u8, AudioCodec)>,
        keying: Keying,
    ) {
        let codec = match &self.remote {
            Some(known) if self.capabilities.has(Fault::CodecChangeIgnored) => known.codec,
            _ => codec,
        };
        let destination = destination_of(description, audio);
        let old = self.remote.as_ref().and_then(|remote| remote.destination);
        let destination = match (old, destination) {
            (Some(old), Some(_)) if self.capabilities.has(Fault::IgnoresNewRtpAddress) => Some(old),
            (old, None) if self.keeps_sending => old,
            (_, new) => new,
        };
        self.remote = Some(Remote {
            destination,
            direction: direction_of(description, audio),
            codec,
            decoded,
            telephone_event: telephone_event_of(audio, codec.1).or_else(|| {
                let unasked = self.capabilities.has(Fault::DtmfUnnegotiated);
                unasked.then_some((TELEPHONE_EVENT, codec.1.clock_rate()))
            }),
            ptime: audio.ptime,
            keying,
            rtcp: rtcp_destination_of(description, audio),
            rtcp_mux: audio.rtcp_mux() && self.capabilities.rtcp_mux,
            extended_reports: if self.capabilities.extended_reports {
                asked_for(description.rtcp_xr(audio))
            } else {
                ExtendedReports::default()
            },
            comfort_noise: self.comfort_noise_of(audio, codec.1),
        });
    }

    /// The offer as [`SessionOffer::answer_bytes`] has to see it for the answer we want.
    fn rewritten(
        &self,
        offer: &Description,
        direction: Direction,
        plain: bool,
    ) -> (Description, Vec<OfferedCodec>) {
        let mut offer = offer.clone();
        if self.capabilities.has(Fault::ExtraSectionDropped) {
            offer.media.retain(|media| media.kind == "audio");
        }
        let mut extra = Vec::new();
        if let Some(audio) = offer.media.iter_mut().find(|media| media.kind == "audio") {
            audio.direction = direction.answer_to();
            if plain {
                audio.protocol = "RTP/AVP".to_owned();
            }
            if self.capabilities.has(Fault::AnswerAddsUnofferedCodec) {
                let unoffered = [(18, "G729"), (4, "G723")]
                    .into_iter()
                    .find(|(number, _)| !lists(audio, *number));
                if let Some((payload_type, encoding)) = unoffered {
                    audio.formats.push(payload_type.to_string());
                    extra.push(OfferedCodec::named(encoding, payload_type));
                }
            }
        }
        (offer, extra)
    }

    /// The packet duration we send with: the one the peer asks for, where the codec has it (RFC 8866 6.4).
    fn sent_ptime(&self, asked: Option<u32>, codec: AudioCodec) -> u32 {
        let fault = |asked| match asked {
            ..20 => Fault::ShortPacketsNotSent,
            30 => Fault::PacketsOf30MsNotSent,
            _ => Fault::LongPacketsNotSent,
        };
        let ignored =
            |asked: u32| self.capabilities.has(Fault::PtimeIgnored) || self.capabilities.has(fault(asked));
        // Opus has no frame of 30 or 50 ms (RFC 6716 2.1.4), and the phone puts one into a packet
        let codable = |asked: u32| codec != AudioCodec::Opus || !matches!(asked, 30 | 50);
        asked
            .filter(|asked| (10..=60).contains(asked) && asked.is_multiple_of(10) && codable(*asked))
            .filter(|asked| !ignored(*asked))
            .unwrap_or(self.capabilities.ptime)
    }

    /// The payload type to describe silence with; the format is for codecs with its clock (RFC 3389 4).
    fn comfort_noise_of(&self, audio: &Media, codec: AudioCodec) -> Option<u8> {
        let unasked = self.capabilities.has(Fault::ComfortNoiseUnasked);
        (self.capabilities.comfort_noise && codec.clock_rate() == 8000)
            .then(|| {
                audio
                    .payload_type_of("CN", 8000)
                    .or_else(|| unasked.then_some(COMFORT_NOISE))
            })
            .flatten()
    }

    fn wanted_reports(&self) -> Option<String> {
        (self.capabilities.extended_reports).then(|| format!("rtcp-xr:{WANTED_REPORTS}"))
    }

    fn versioned(&mut self, bump: bool, write: impl Fn(&Self) -> Vec<u8>) -> Vec<u8> {
        let mut bytes = write(self);
        if bump && self.last.as_ref().is_some_and(|last| *last != bytes) {
            self.version += 1;
            bytes = write(self);
        }
        self.last = Some(bytes.clone());
        bytes
    }

    fn describe(&self, direction: Direction) -> SessionOffer {
        let own = &self.capabilities.codecs;
        let mut codecs: Vec<OfferedCodec> = own.iter().map(|codec| codec_line(*codec)).collect();
        let clocked = |clock: u32| own.iter().any(|codec| codec.clock_rate() == clock);
        if self.capabilities.comfort_noise && clocked(8000) {
            codecs.push(OfferedCodec::named("CN", COMFORT_NOISE));
        }
        // events share the clock of the stream that they are part of (RFC 4733 2.1)
        let mut events = [(TELEPHONE_EVENT, 8000), (WIDE_TELEPHONE_EVENT, 48_000)]
            .into_iter()
            .filter(|(_, clock)| clocked(*clock));
        let first = events.next();
        let further = events.collect();
        let mut offer = SessionOffer::new(self.address, self.port, codecs);
        offer.telephone_event = first.map(|(payload_type, _)| payload_type);
        offer.telephone_event_clock = first.map_or(8000, |(_, clock)| clock);
        offer.further_telephone_events = further;
        offer.direction = direction;
        offer.ptime = Some(self.capabilities.ptime);
        offer.rtcp_mux = self.capabilities.rtcp_mux;
        offer.session_id = self.session_id;
        offer.session_version = self.version;
        offer
    }
}

impl Capabilities {
    pub(crate) fn has(&self, fault: Fault) -> bool {
        self.faults.contains(&fault)
    }

    /// Codecs of the peer's list that we have, in its order and with its payload types.
    fn common(&self, audio: &Media) -> Vec<(u8, AudioCodec)> {
        audio
            .codecs()
            .filter_map(|map| Some((map.payload_type, AudioCodec::of_map(&map)?)))
            .filter(|(_, codec)| self.codecs.contains(codec))
            .collect()
    }
}

fn codec_line(codec: AudioCodec) -> OfferedCodec {
    OfferedCodec::named(codec.encoding(), codec.payload_type())
}

/// The peer's payload type for telephone-events beside this codec, and its clock. Beside Opus many have one at 8 kHz
/// only, against RFC 4733 2.1: the durations in it are then of that clock.
fn telephone_event_of(audio: &Media, codec: AudioCodec) -> Option<(u8, u32)> {
    [codec.clock_rate(), 8000].into_iter().find_map(|clock| {
        let payload_type = audio.payload_type_of("telephone-event", clock)?;
        Some((payload_type, clock))
    })
}

/// Where RTCP is wanted: the port of `a=rtcp` (RFC 3605), else the next one.
fn rtcp_destination_of(description: &Description, audio: &Media) -> Option<SocketAddr> {
    let rtp = destination_of(description, audio)?;
    let port = audio
        .rtcp()
        .map_or_else(|| rtp.port().checked_add(1), |rtcp| Some(rtcp.port))?;
    Some(SocketAddr::new(rtp.ip(), port))
}

fn lists(audio: &Media, payload_type: u8) -> bool {
    let number = payload_type.to_string();
    audio.formats.contains(&number)
}

fn nothing() -> NoCommonCodec {
    NoCommonCodec { offered: Vec::new() }
}

fn address_of(description: &Description, audio: &Media) -> Option<IpAddr> {
    description.address_of(audio)?.parse().ok()
}

fn destination_of(description: &Description, audio: &Media) -> Option<SocketAddr> {
    let address = address_of(description, audio).filter(|address| !address.is_unspecified())?;
    (audio.port != 0).then(|| SocketAddr::new(address, audio.port))
}

/// The peer's direction; with the address 0.0.0.0 it receives nothing (RFC 3264 8.4, the hold of RFC 2543).
fn direction_of(description: &Description, audio: &Media) -> Direction {
    match address_of(description, audio) {
        Some(address) if address.is_unspecified() => audio.direction.narrowed_to(Direction::SendOnly),
        _ => audio.direction,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn session(faults: &[Fault]) -> Session {
        let capabilities = Capabilities {
            codecs: vec![AudioCodec::Pcmu, AudioCodec::Pcma],
            ptime: 20,
            protection: Protection {
                security: crate::MediaSecurity::None,
                certificate: None,
                passive: false,
            },
            rtcp_mux: false,
            extended_reports: false,
            comfort_noise: false,
            faults: faults.iter().copied().collect(),
        };
        Session::new(capabilities, "10.0.0.2:4000".parse().unwrap(), 77)
    }

    fn peer(address: &str, media: &str) -> Description {
        let text = format!("v=0\r\no=- 1 1 IN IP4 10.0.0.1\r\ns=-\r\nc=IN IP4 {address}\r\nt=0 0\r\n{media}");
        Description::parse(text.as_bytes()).unwrap()
    }

    fn parsed(bytes: &[u8]) -> Description {
        Description::parse(bytes).unwrap()
    }

    const TALK: &str = "m=audio 6000 RTP/AVP 8 0 96\r\na=rtpmap:96 telephone-event/8000\r\na=sendrecv\r\n";

    #[test]
    fn an_answer_sends_with_the_peers_first_codec_and_event_number() {
        let mut session = session(&[]);
        let answer = parsed(&session.answer(&peer("10.0.0.1", TALK), false).unwrap());
        assert_eq!(answer.audio().unwrap().formats, ["8", "0", "96"]);
        let plan = session.plan().unwrap();
        assert_eq!(plan.codec, (8, AudioCodec::Pcma));
        assert_eq!(plan.telephone_event, Some((96, 8000)));
        assert_eq!(plan.destination, Some("10.0.0.1:6000".parse().unwrap()));
    }

    #[test]
    fn every_form_of_hold_stops_sending_and_bumps_the_version() {
        let forms = [
            (
                "10.0.0.1",
                "m=audio 6000 RTP/AVP 0\r\na=sendonly\r\n",
                Direction::RecvOnly,
            ),
            (
                "10.0.0.1",
                "m=audio 6000 RTP/AVP 0\r\na=inactive\r\n",
                Direction::Inactive,
            ),
            ("0.0.0.0", "m=audio 6000 RTP/AVP 0\r\n", Direction::RecvOnly),
        ];
        for (address, media, expected) in forms {
            let mut session = session(&[]);
            let talk = parsed(&session.answer(&peer("10.0.0.1", TALK), false).unwrap());
            let held = parsed(&session.answer(&peer(address, media), false).unwrap());
            assert_eq!(held.audio().unwrap().direction, expected, "{media}");
            assert_eq!(held.origin.session_version, talk.origin.session_version + 1);
            assert_eq!(held.origin.session_id, talk.origin.session_id);
            assert!(session.is_held_by_peer());
            assert_eq!(session.plan().unwrap().destination, None);
            let again = parsed(&session.answer(&peer(address, media), false).unwrap());
            assert_eq!(again.origin.session_version, held.origin.session_version);
        }
    }

    #[test]
    fn the_hold_faults_differ() {
        let sendonly = peer("10.0.0.1", "m=audio 6000 RTP/AVP 0\r\na=sendonly\r\n");
        let inactive = peer("10.0.0.1", "m=audio 6000 RTP/AVP 0\r\na=inactive\r\n");
        let zero = peer("0.0.0.0", "m=audio 6000 RTP/AVP 0\r\n");
        let direction = |bytes: &[u8]| parsed(bytes).audio().unwrap().direction;

        let mut keeps = session(&[Fault::HoldSendonlyKeepsSending]);
        assert_eq!(
            direction(&keeps.answer(&sendonly, false).unwrap()),
            Direction::RecvOnly
        );
        assert!(keeps.plan().unwrap().destination.is_some());
        keeps.answer(&inactive, false).unwrap();
        assert!(keeps.plan().unwrap().destination.is_none());

        let mut ignores = session(&[Fault::HoldIgnored]);
        ignores.answer(&peer("10.0.0.1", TALK), false).unwrap();
        for offer in [&sendonly, &inactive, &zero] {
            assert_eq!(
                direction(&ignores.answer(offer, false).unwrap()),
                Direction::SendRecv
            );
            assert_eq!(
                ignores.plan().unwrap().destination,
                Some("10.0.0.1:6000".parse().unwrap())
            );
        }
    }

    #[test]
    fn our_own_hold_takes_effect_with_the_answer() {
        let mut session = session(&[]);
        session.offer(Direction::SendRecv, false);
        session.accept(&peer("10.0.0.1", TALK)).unwrap();
        let hold = parsed(&session.offer(Direction::SendOnly, true));
        assert_eq!(hold.origin.session_version, 2);
        assert!(session.plan().unwrap().receives);
        session
            .accept(&peer("10.0.0.1", "m=audio 6000 RTP/AVP 0\r\na=recvonly\r\n"))
            .unwrap();
        assert!(!session.plan().unwrap().receives);

        let mut stuck = super::tests::session(&[Fault::SdpVersionNotBumped]);
        let first = parsed(&stuck.offer(Direction::SendRecv, false));
        let second = parsed(&stuck.offer(Direction::SendOnly, true));
        assert_eq!(first.origin.session_version, second.origin.session_version);
    }

    #[test]
    fn no_common_codec_changes_nothing_unless_the_phone_pretends() {
        let g729 = peer("10.0.0.1", "m=audio 6000 RTP/AVP 18\r\n");
        let mut healthy = session(&[]);
        healthy.answer(&peer("10.0.0.1", TALK), false).unwrap();
        let plan = healthy.plan();
        assert!(healthy.answer(&g729, false).is_err());
        assert_eq!(healthy.plan(), plan);
        let mut pretends = session(&[Fault::AcceptsNoCommonCodec]);
        let answer = parsed(&pretends.answer(&g729, false).unwrap());
        assert_eq!(answer.audio().unwrap().payload_type_of("PCMU", 8000), Some(0));
    }

    #[test]
    fn an_unoffered_codec_is_added() {
        let mut session = session(&[Fault::AnswerAddsUnofferedCodec]);
        let answer = parsed(&session.answer(&peer("10.0.0.1", TALK), false).unwrap());
        assert!(answer.audio().unwrap().formats.contains(&"18".to_owned()));
    }

    #[test]
    fn the_packets_are_as_long_as_the_peer_asks() {
        let sent = |faults: &[Fault], asked: u32| {
            let mut session = session(faults);
            let offer = format!("m=audio 6000 RTP/AVP 0\r\na=ptime:{asked}\r\n");
            let answer = parsed(&session.answer(&peer("10.0.0.1", &offer), false).unwrap());
            let plan = session.plan().unwrap();
            assert_eq!(answer.audio().unwrap().ptime, Some(plan.ptime));
            plan.ptime
        };
        for (asked, fault) in [
            (10, Fault::ShortPacketsNotSent),
            (30, Fault::PacketsOf30MsNotSent),
            (40, Fault::LongPacketsNotSent),
            (60, Fault::LongPacketsNotSent),
        ] {
            assert_eq!(sent(&[], asked), asked);
            assert_eq!(sent(&[fault], asked), 20);
            assert_eq!(sent(&[Fault::PtimeIgnored], asked), 20);
        }
        // what nobody can send
        for asked in [0, 5, 15, 200] {
            assert_eq!(sent(&[], asked), 20);
        }
        let opus = session(&[]);
        assert_eq!(opus.sent_ptime(Some(30), AudioCodec::Opus), 20);
        assert_eq!(opus.sent_ptime(Some(40), AudioCodec::Opus), 40);
    }

    #[test]
    fn a_moved_peer_is_followed_or_not() {
        let moved = peer("10.0.0.9", "m=audio 7000 RTP/AVP 0\r\n");
        for (faults, expected) in [
            (&[][..], "10.0.0.9:7000"),
            (&[Fault::IgnoresNewRtpAddress][..], "10.0.0.1:6000"),
        ] {
            let mut session = session(faults);
            session.answer(&peer("10.0.0.1", TALK), false).unwrap();
            session.answer(&moved, false).unwrap();
            assert_eq!(
                session.plan().unwrap().destination,
                Some(expected.parse().unwrap())
            );
        }
    }
}
