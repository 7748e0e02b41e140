//! The faults of the phone: for every test case of the lab, something that makes it fail.

use std::fmt;
use std::str::FromStr;

/// One wrong behaviour. The others stay right, except where [`Fault::is_broad`] says that many cases notice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Fault {
    /// Each registration attempt after a challenge looks like a new phone to the registrar, because its Call-ID changes (RFC 3261 10.2).
    RegisterCallIdChanged,
    /// The phone stays unregistered when the registrar asks for a longer expiry (RFC 3261 10.2.8).
    RegisterIgnores423,
    /// The phone loses its registration when the server renews its nonce, although name and password are right (RFC 3261 22.2).
    RegisterIgnoresStale,
    /// A phone that was switched off still seems registered, and calls to it ring into nothing (RFC 3261 10.2.2).
    NoUnregister,
    /// The phone keeps sending speech for three seconds after the other side has hung up (RFC 3261 15).
    RtpAfterBye,
    /// The other side's hang-up stays unanswered and is repeated for half a minute (RFC 3261 15.1.2).
    NoByeAnswer,
    /// Hanging up a received call does not end it at the other side, because the BYE names no dialog (RFC 3261 12.2.1.1).
    CalleeByeLacksToTag,
    /// The ACK of a placed call is addressed to the dialled number instead of the answering device (RFC 3261 13.2.2.4).
    AckToRequestUri,
    /// A call that was given up keeps ringing at the other side, because the CANCEL matches no call (RFC 3261 9.1).
    CancelNewBranch,
    /// A caller that gives up never sees its call end, because only the CANCEL is answered (RFC 3261 9.2).
    No487OnCancel,
    /// A rejected caller hears an error announcement instead of the busy tone (RFC 3261 21.4.24).
    RejectWith500,
    /// The server repeats its refusal of a call for half a minute (RFC 3261 17.1.1.3).
    NoAckToFailure,
    /// The listener hears drop-outs each second, because the stream claims a new source (RFC 3550 8).
    SsrcChanges,
    /// Speech is heard at half speed or with gaps, because RTP timestamps advance twice too fast (RFC 3550 5.1).
    TimestampStepWrong,
    /// Nothing is heard, because the packets carry a payload type that was never negotiated (RFC 3264 5.1).
    WrongPayloadType,
    /// Speech is loud and distorted, because it is coded in the other companding law (RFC 3551 4.5.14).
    WrongLaw,
    /// Speech is distorted in A-law calls only, because mu-law is sent in them (RFC 3551 4.5.14).
    PcmaEncodedAsPcmu,
    /// The call is up, but the phone never sends a packet of speech (RFC 3264 5.1).
    NoAudio,
    /// The speech of the phone's user is much too quiet.
    LevelMinus20Db,
    /// Talking is awkward, because the phone plays everything 200 ms later than it need.
    ExtraDelay200Ms,
    /// The answer lists G.729, which nobody offered (RFC 3264 6.1).
    AnswerAddsUnofferedCodec,
    /// A call without a codec in common is answered and stays silent instead of being refused with 488 (RFC 3261 13.3.1.3).
    AcceptsNoCommonCodec,
    /// Calls that leave the offer to the phone are refused (RFC 3261 13.2.1).
    RejectsDelayedOffer,
    /// Putting the phone on hold does nothing: it keeps talking (RFC 3264 8.4).
    HoldIgnored,
    /// The phone agrees to be put on hold by sendonly, but keeps sending speech (RFC 3264 8.4).
    HoldSendonlyKeepsSending,
    /// Putting the phone on hold by inactive fails with 488 (RFC 3264 8.4).
    HoldInactiveRejected,
    /// A held call that is taken back without an offer stays silent, because the phone offers its held state (RFC 3261 14.2).
    OfferlessReinviteKeepsHold,
    /// The other side may miss hold and resume, because the session version stays the same (RFC 3264 8).
    SdpVersionNotBumped,
    /// Menus hear keys that never end, because no telephone-event packet has the end bit (RFC 4733 2.5.1.3).
    DtmfNoEndPackets,
    /// Menus that negotiate another payload type than 101 hear no keys (RFC 3264 5.1).
    DtmfFixedPayloadType,
    /// Every key is heard twice.
    DtmfDuplicatedDigit,
    /// The caller hears no ringing tone, because no provisional response is sent (RFC 3261 13.3.1.1).
    No180,
    /// The server cannot tell what the phone is able to do, because Allow is missing from its answer (RFC 3261 11.2).
    OptionsWithoutAllow,
    /// The server takes the phone for dead, because it does not answer OPTIONS (RFC 3261 11.2).
    OptionsUnanswered,
    /// The phone claims to have done what it does not know (RFC 3261 8.2.1).
    UnknownMethod200,
    /// The phone accepts requests that require an extension it does not have (RFC 3261 8.2.2.3).
    RequireIgnored,
    /// The phone confirms the end of a call that never was (RFC 3261 15.1.2).
    StrayBye200,
    /// An answered call is lost when one packet is, because the 200 is sent only once (RFC 3261 13.3.1.4).
    OkNotRetransmitted,
    /// The phone repeats its 200 although the caller has acknowledged it (RFC 3261 13.3.1.4).
    AckIgnored,
    /// A call whose caller vanished while it was answered stays up for ever (RFC 3261 13.3.1.4).
    NoByeWithoutAck,
    /// The caller of a refused call waits for nothing when one packet is lost (RFC 3261 17.2.1).
    FailureNotRetransmitted,
    /// A repeated INVITE is taken for a second call and refused as busy (RFC 3261 17.2.3).
    DuplicateInviteSecondAnswer,
    /// Whoever transfers the phone never learns how it went (RFC 3515 2.4.4).
    ReferNoNotify,
    /// A transferred phone calls somebody else (RFC 3515 2.4.2).
    ReferWrongTarget,
    /// A transferring phone sends the other side to somebody else (RFC 3515 2.4.1).
    TransferWrongTarget,
    /// Speech is lost after the other side moves its media, because the phone keeps sending to the old port (RFC 3264 8.3.1).
    IgnoresNewRtpAddress,
    /// The user hears chopped speech, because every third packet is not played.
    ReceiveDropsEveryThirdPacket,
    /// The user hears nothing.
    ReceiveSilent,
    /// The phone acts on an outdated request in a call (RFC 3261 12.2.2).
    LowCseqAccepted,
    /// A caller that gives up is told that there is no such call (RFC 3261 9.2).
    CancelAnswered481,
    /// Calls to the phone get no answer at all.
    NeverAnswers,
    /// Calls to the phone are answered with bytes that are not SIP.
    AnswersGarbage,
    /// The phone crashes one second after it answers, without a BYE.
    DiesInCall,
}

impl Fault {
    /// Every fault.
    pub const ALL: &[Self] = &[
        Self::RegisterCallIdChanged,
        Self::RegisterIgnores423,
        Self::RegisterIgnoresStale,
        Self::NoUnregister,
        Self::RtpAfterBye,
        Self::NoByeAnswer,
        Self::CalleeByeLacksToTag,
        Self::AckToRequestUri,
        Self::CancelNewBranch,
        Self::No487OnCancel,
        Self::RejectWith500,
        Self::NoAckToFailure,
        Self::SsrcChanges,
        Self::TimestampStepWrong,
        Self::WrongPayloadType,
        Self::WrongLaw,
        Self::PcmaEncodedAsPcmu,
        Self::NoAudio,
        Self::LevelMinus20Db,
        Self::ExtraDelay200Ms,
        Self::AnswerAddsUnofferedCodec,
        Self::AcceptsNoCommonCodec,
        Self::RejectsDelayedOffer,
        Self::HoldIgnored,
        Self::HoldSendonlyKeepsSending,
        Self::HoldInactiveRejected,
        Self::OfferlessReinviteKeepsHold,
        Self::SdpVersionNotBumped,
        Self::DtmfNoEndPackets,
        Self::DtmfFixedPayloadType,
        Self::DtmfDuplicatedDigit,
        Self::No180,
        Self::OptionsWithoutAllow,
        Self::OptionsUnanswered,
        Self::UnknownMethod200,
        Self::RequireIgnored,
        Self::StrayBye200,
        Self::OkNotRetransmitted,
        Self::AckIgnored,
        Self::NoByeWithoutAck,
        Self::FailureNotRetransmitted,
        Self::DuplicateInviteSecondAnswer,
        Self::ReferNoNotify,
        Self::ReferWrongTarget,
        Self::TransferWrongTarget,
        Self::IgnoresNewRtpAddress,
        Self::ReceiveDropsEveryThirdPacket,
        Self::ReceiveSilent,
        Self::LowCseqAccepted,
        Self::CancelAnswered481,
        Self::NeverAnswers,
        Self::AnswersGarbage,
        Self::DiesInCall,
    ];

    /// The name on the command line and in reports.
    pub const fn name(self) -> &'static str {
        self.entry().0
    }

    /// What the user of such a phone, or the other side, would notice; one sentence.
    pub const fn description(self) -> &'static str {
        self.entry().1
    }

    /// Whether it breaks so much that many test cases see it.
    pub const fn is_broad(self) -> bool {
        matches!(
            self,
            Self::WrongPayloadType
                | Self::WrongLaw
                | Self::NoAudio
                | Self::TimestampStepWrong
                | Self::HoldIgnored
                | Self::NeverAnswers
                | Self::AnswersGarbage
                | Self::DiesInCall
        )
    }

    const fn entry(self) -> (&'static str, &'static str) {
        match self {
            Self::RegisterCallIdChanged => (
                "register-call-id-changed",
                "Each registration attempt after a challenge looks like a new phone to the registrar, because its Call-ID changes (RFC 3261 10.2).",
            ),
            Self::RegisterIgnores423 => (
                "register-ignores-423",
                "The phone stays unregistered when the registrar asks for a longer expiry (RFC 3261 10.2.8).",
            ),
            Self::RegisterIgnoresStale => (
                "register-ignores-stale",
                "The phone loses its registration when the server renews its nonce, although name and password are right (RFC 3261 22.2).",
            ),
            Self::NoUnregister => (
                "no-unregister",
                "A phone that was switched off still seems registered, and calls to it ring into nothing (RFC 3261 10.2.2).",
            ),
            Self::RtpAfterBye => (
                "rtp-after-bye",
                "The phone keeps sending speech for three seconds after the other side has hung up (RFC 3261 15).",
            ),
            Self::NoByeAnswer => (
                "no-bye-answer",
                "The other side's hang-up stays unanswered and is repeated for half a minute (RFC 3261 15.1.2).",
            ),
            Self::CalleeByeLacksToTag => (
                "callee-bye-lacks-to-tag",
                "Hanging up a received call does not end it at the other side, because the BYE names no dialog (RFC 3261 12.2.1.1).",
            ),
            Self::AckToRequestUri => (
                "ack-to-request-uri",
                "The ACK of a placed call is addressed to the dialled number instead of the answering device (RFC 3261 13.2.2.4).",
            ),
            Self::CancelNewBranch => (
                "cancel-new-branch",
                "A call that was given up keeps ringing at the other side, because the CANCEL matches no call (RFC 3261 9.1).",
            ),
            Self::No487OnCancel => (
                "no-487-on-cancel",
                "A caller that gives up never sees its call end, because only the CANCEL is answered (RFC 3261 9.2).",
            ),
            Self::RejectWith500 => (
                "reject-with-500",
                "A rejected caller hears an error announcement instead of the busy tone (RFC 3261 21.4.24).",
            ),
            Self::NoAckToFailure => (
                "no-ack-to-failure",
                "The server repeats its refusal of a call for half a minute (RFC 3261 17.1.1.3).",
            ),
            Self::SsrcChanges => (
                "ssrc-changes",
                "The listener hears drop-outs each second, because the stream claims a new source (RFC 3550 8).",
            ),
            Self::TimestampStepWrong => (
                "timestamp-step-wrong",
                "Speech is heard at half speed or with gaps, because RTP timestamps advance twice too fast (RFC 3550 5.1).",
            ),
            Self::WrongPayloadType => (
                "wrong-payload-type",
                "Nothing is heard, because the packets carry a payload type that was never negotiated (RFC 3264 5.1).",
            ),
            Self::WrongLaw => (
                "wrong-law",
                "Speech is loud and distorted, because it is coded in the other companding law (RFC 3551 4.5.14).",
            ),
            Self::PcmaEncodedAsPcmu => (
                "pcma-encoded-as-pcmu",
                "Speech is distorted in A-law calls only, because mu-law is sent in them (RFC 3551 4.5.14).",
            ),
            Self::NoAudio => (
                "no-audio",
                "The call is up, but the phone never sends a packet of speech (RFC 3264 5.1).",
            ),
            Self::LevelMinus20Db => (
                "level-minus-20db",
                "The speech of the phone's user is much too quiet.",
            ),
            Self::ExtraDelay200Ms => (
                "extra-delay-200ms",
                "Talking is awkward, because the phone plays everything 200 ms later than it need.",
            ),
            Self::AnswerAddsUnofferedCodec => (
                "answer-adds-unoffered-codec",
                "The answer lists G.729, which nobody offered (RFC 3264 6.1).",
            ),
            Self::AcceptsNoCommonCodec => (
                "accepts-no-common-codec",
                "A call without a codec in common is answered and stays silent instead of being refused with 488 (RFC 3261 13.3.1.3).",
            ),
            Self::RejectsDelayedOffer => (
                "rejects-delayed-offer",
                "Calls that leave the offer to the phone are refused (RFC 3261 13.2.1).",
            ),
            Self::HoldIgnored => (
                "hold-ignored",
                "Putting the phone on hold does nothing: it keeps talking (RFC 3264 8.4).",
            ),
            Self::HoldSendonlyKeepsSending => (
                "hold-sendonly-keeps-sending",
                "The phone agrees to be put on hold by sendonly, but keeps sending speech (RFC 3264 8.4).",
            ),
            Self::HoldInactiveRejected => (
                "hold-inactive-rejected",
                "Putting the phone on hold by inactive fails with 488 (RFC 3264 8.4).",
            ),
            Self::OfferlessReinviteKeepsHold => (
                "offerless-reinvite-keeps-hold",
                "A held call that is taken back without an offer stays silent, because the phone offers its held state (RFC 3261 14.2).",
            ),
            Self::SdpVersionNotBumped => (
                "sdp-version-not-bumped",
                "The other side may miss hold and resume, because the session version stays the same (RFC 3264 8).",
            ),
            Self::DtmfNoEndPackets => (
                "dtmf-no-end-packets",
                "Menus hear keys that never end, because no telephone-event packet has the end bit (RFC 4733 2.5.1.3).",
            ),
            Self::DtmfFixedPayloadType => (
                "dtmf-fixed-payload-type",
                "Menus that negotiate another payload type than 101 hear no keys (RFC 3264 5.1).",
            ),
            Self::DtmfDuplicatedDigit => ("dtmf-duplicated-digit", "Every key is heard twice."),
            Self::No180 => (
                "no-180",
                "The caller hears no ringing tone, because no provisional response is sent (RFC 3261 13.3.1.1).",
            ),
            Self::OptionsWithoutAllow => (
                "options-without-allow",
                "The server cannot tell what the phone is able to do, because Allow is missing from its answer (RFC 3261 11.2).",
            ),
            Self::OptionsUnanswered => (
                "options-unanswered",
                "The server takes the phone for dead, because it does not answer OPTIONS (RFC 3261 11.2).",
            ),
            Self::UnknownMethod200 => (
                "unknown-method-200",
                "The phone claims to have done what it does not know (RFC 3261 8.2.1).",
            ),
            Self::RequireIgnored => (
                "require-ignored",
                "The phone accepts requests that require an extension it does not have (RFC 3261 8.2.2.3).",
            ),
            Self::StrayBye200 => (
                "stray-bye-200",
                "The phone confirms the end of a call that never was (RFC 3261 15.1.2).",
            ),
            Self::OkNotRetransmitted => (
                "ok-not-retransmitted",
                "An answered call is lost when one packet is, because the 200 is sent only once (RFC 3261 13.3.1.4).",
            ),
            Self::AckIgnored => (
                "ack-ignored",
                "The phone repeats its 200 although the caller has acknowledged it (RFC 3261 13.3.1.4).",
            ),
            Self::NoByeWithoutAck => (
                "no-bye-without-ack",
                "A call whose caller vanished while it was answered stays up for ever (RFC 3261 13.3.1.4).",
            ),
            Self::FailureNotRetransmitted => (
                "failure-not-retransmitted",
                "The caller of a refused call waits for nothing when one packet is lost (RFC 3261 17.2.1).",
            ),
            Self::DuplicateInviteSecondAnswer => (
                "duplicate-invite-second-answer",
                "A repeated INVITE is taken for a second call and refused as busy (RFC 3261 17.2.3).",
            ),
            Self::ReferNoNotify => (
                "refer-no-notify",
                "Whoever transfers the phone never learns how it went (RFC 3515 2.4.4).",
            ),
            Self::ReferWrongTarget => (
                "refer-wrong-target",
                "A transferred phone calls somebody else (RFC 3515 2.4.2).",
            ),
            Self::TransferWrongTarget => (
                "transfer-wrong-target",
                "A transferring phone sends the other side to somebody else (RFC 3515 2.4.1).",
            ),
            Self::IgnoresNewRtpAddress => (
                "ignores-new-rtp-address",
                "Speech is lost after the other side moves its media, because the phone keeps sending to the old port (RFC 3264 8.3.1).",
            ),
            Self::ReceiveDropsEveryThirdPacket => (
                "receive-drops-every-third-packet",
                "The user hears chopped speech, because every third packet is not played.",
            ),
            Self::ReceiveSilent => ("receive-silent", "The user hears nothing."),
            Self::LowCseqAccepted => (
                "low-cseq-accepted",
                "The phone acts on an outdated request in a call (RFC 3261 12.2.2).",
            ),
            Self::CancelAnswered481 => (
                "cancel-answered-481",
                "A caller that gives up is told that there is no such call (RFC 3261 9.2).",
            ),
            Self::NeverAnswers => ("never-answers", "Calls to the phone get no answer at all."),
            Self::AnswersGarbage => (
                "answers-garbage",
                "Calls to the phone are answered with bytes that are not SIP.",
            ),
            Self::DiesInCall => (
                "dies-in-call",
                "The phone crashes one second after it answers, without a BYE.",
            ),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// No fault has this name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the simulated phone has no fault `{name}`{}", .suggestion.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default())]
pub struct UnknownFault {
    /// What was asked for.
    pub name: String,
    /// The nearest fault, when one is near.
    pub suggestion: Option<Fault>,
}

impl FromStr for Fault {
    type Err = UnknownFault;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        if let Some(fault) = Self::ALL.iter().find(|fault| fault.name() == name) {
            return Ok(*fault);
        }
        let wanted = name.trim().to_ascii_lowercase().replace('_', "-");
        // comparing is quadratic in the length: a longer name is no misspelling of any of these
        let suggestion = (wanted.len() <= 64)
            .then(|| {
                Self::ALL
                    .iter()
                    .map(|fault| (distance(fault.name(), &wanted), *fault))
                    .min()
            })
            .flatten()
            .filter(|(distance, fault)| *distance <= fault.name().len() / 3)
            .map(|(_, fault)| fault);
        Err(UnknownFault {
            name: name.to_owned(),
            suggestion,
        })
    }
}

/// Levenshtein distance in bytes.
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.bytes().enumerate() {
        let mut diagonal = i;
        let mut left = i + 1;
        for (cell, y) in row.iter_mut().skip(1).zip(b.bytes()) {
            let substituted = diagonal + usize::from(x != y);
            diagonal = *cell;
            left = substituted.min(diagonal + 1).min(left + 1);
            *cell = left;
        }
        if let Some(first) = row.first_mut() {
            *first = i + 1;
        }
    }
    row.last().copied().unwrap_or(a.len())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn names_are_kebab_case_unique_and_parse_back() {
        let mut names = BTreeSet::new();
        for fault in Fault::ALL {
            let name = fault.name();
            assert!(
                name.bytes()
                    .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-'),
                "{name}"
            );
            assert!(names.insert(name), "{name}");
            assert_eq!(name.parse(), Ok(*fault));
            let description = fault.description();
            assert!(
                description.ends_with('.') && !description.contains(". "),
                "{name}: one sentence"
            );
        }
        assert_eq!(names.len(), 53);
    }

    #[test]
    fn a_near_miss_is_suggested() {
        let error = "rtp_after_by".parse::<Fault>().unwrap_err();
        assert_eq!(error.suggestion, Some(Fault::RtpAfterBye));
        assert_eq!(
            error.to_string(),
            "the simulated phone has no fault `rtp_after_by`; did you mean `rtp-after-bye`?"
        );
        let error = "xyz".parse::<Fault>().unwrap_err();
        assert_eq!(error.to_string(), "the simulated phone has no fault `xyz`");
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(distance("", "abc"), 3);
    }
}
