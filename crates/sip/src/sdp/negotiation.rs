//! The offer/answer state of one dialog (RFC 3264, RFC 6337).

use super::Description;
use crate::finding::Finding;

/// Whose turn it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NegotiationState {
    /// Nothing is agreed on and nothing is on its way.
    Idle,
    /// Our offer waits for its answer.
    OfferSent,
    /// The peer's offer waits for our answer.
    OfferReceived,
    /// Both sides agree.
    Stable,
}

/// Why an offer or answer does not fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NegotiationError {
    /// Both sides offered: an INVITE or UPDATE with the peer's offer is answered with 491 (RFC 3261 14.2, RFC 3311 5.2).
    #[error("our own offer is pending")]
    Glare,
    /// The peer offers again before its first offer is answered: 500 with Retry-After (RFC 3261 14.2, RFC 3311 5.2).
    #[error("an offer of the peer is not answered yet")]
    Unanswered,
    /// There is no offer this could be the answer to.
    #[error("there is no offer to answer")]
    NoOffer,
}

/// Offer and answer of one dialog: what is pending, what is agreed on, which versions were seen.
#[derive(Debug, Clone, Default)]
pub struct Negotiation {
    local: Option<Vec<u8>>,
    remote: Option<Description>,
    sent_offer: Option<Vec<u8>>,
    received_offer: Option<Description>,
}

impl Negotiation {
    /// Nothing is agreed on.
    pub fn new() -> Self {
        Self::default()
    }

    /// Whose turn it is.
    pub const fn state(&self) -> NegotiationState {
        match (&self.sent_offer, &self.received_offer, &self.local) {
            (Some(_), ..) => NegotiationState::OfferSent,
            (_, Some(_), _) => NegotiationState::OfferReceived,
            (_, _, Some(_)) => NegotiationState::Stable,
            _ => NegotiationState::Idle,
        }
    }

    /// Our description that is agreed on.
    pub fn local(&self) -> Option<&[u8]> {
        self.local.as_deref()
    }

    /// The peer's description that is agreed on.
    pub const fn remote(&self) -> Option<&Description> {
        self.remote.as_ref()
    }

    /// The peer's offer that waits for our answer.
    pub const fn received_offer(&self) -> Option<&Description> {
        self.received_offer.as_ref()
    }

    /// We sent an offer.
    ///
    /// # Errors
    /// When another one is pending; nothing has changed then.
    pub fn offer_sent(&mut self, offer: &[u8]) -> Result<(), NegotiationError> {
        self.free()?;
        self.sent_offer = Some(offer.to_vec());
        Ok(())
    }

    /// The peer sent an offer. The findings say what it does wrong as a successor of its last description.
    ///
    /// # Errors
    /// When another one is pending; nothing has changed then.
    pub fn offer_received(&mut self, offer: Description) -> Result<Vec<Finding>, NegotiationError> {
        self.free()?;
        let findings = self.successor(&offer);
        self.received_offer = Some(offer);
        Ok(findings)
    }

    /// We answered the peer's offer.
    ///
    /// # Errors
    /// When there is none.
    pub fn answer_sent(&mut self, answer: &[u8]) -> Result<(), NegotiationError> {
        let offer = self.received_offer.take().ok_or(NegotiationError::NoOffer)?;
        self.remote = Some(offer);
        self.local = Some(answer.to_vec());
        Ok(())
    }

    /// The peer answered our offer. The findings compare it with our offer and its last description. Repetitions of
    /// an answer (in a 183 and then in the 200, RFC 3261 13.2.1) are to be left out by the caller.
    ///
    /// # Errors
    /// When there is no offer of ours.
    pub fn answer_received(&mut self, answer: Description) -> Result<Vec<Finding>, NegotiationError> {
        let offer = self.sent_offer.take().ok_or(NegotiationError::NoOffer)?;
        let mut findings = self.successor(&answer);
        if let Ok(offer) = Description::parse(&offer) {
            findings.extend(against_offer(&offer, &answer));
        }
        self.local = Some(offer);
        self.remote = Some(answer);
        Ok(findings)
    }

    /// The pending offer was refused or its request failed: what was agreed on before stays (RFC 3261 14.1).
    pub fn rolled_back(&mut self) {
        self.sent_offer = None;
        self.received_offer = None;
    }

    const fn free(&self) -> Result<(), NegotiationError> {
        match self.state() {
            NegotiationState::OfferSent => Err(NegotiationError::Glare),
            NegotiationState::OfferReceived => Err(NegotiationError::Unanswered),
            NegotiationState::Idle | NegotiationState::Stable => Ok(()),
        }
    }

    /// What RFC 3264 8 says about a description that follows another of the same sender.
    fn successor(&self, next: &Description) -> Vec<Finding> {
        let mut findings = Vec::new();
        let Some(last) = &self.remote else {
            return findings;
        };
        let mut push = |code, message: String| findings.push(Finding::new(code, "RFC 3264 8", message));
        let (was, is) = (&last.origin, &next.origin);
        if (&was.username, &was.session_id, &was.address) != (&is.username, &is.session_id, &is.address) {
            let message = format!("the o= line is of another session: {:?} after {:?}", is, was);
            push("sdp-origin-changed", message);
        }
        let changed = last.raw() != next.raw();
        let step = is.session_version.checked_sub(was.session_version);
        match step {
            Some(0) if changed => {
                let message = format!(
                    "the description changed, its version {} did not",
                    is.session_version
                );
                push("sdp-version-not-increased", message);
            }
            Some(0 | 1) => {}
            _ => push(
                "sdp-version-step",
                format!(
                    "the version went from {} to {}",
                    was.session_version, is.session_version
                ),
            ),
        }
        if next.media.len() < last.media.len() {
            let message = format!("{} sections after {}", next.media.len(), last.media.len());
            push("sdp-section-removed", message);
        }
        findings
    }
}

/// What RFC 3264 6 says about an answer: sections as in the offer, formats out of it, a direction that fits.
pub fn against_offer(offer: &Description, answer: &Description) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut push = |code, clause, message: String| findings.push(Finding::new(code, clause, message));
    if offer.media.len() != answer.media.len() {
        let message = format!("{} sections answer {}", answer.media.len(), offer.media.len());
        push("sdp-answer-sections", "RFC 3264 6", message);
    }
    for (index, (asked, given)) in offer.media.iter().zip(&answer.media).enumerate() {
        let place = index + 1;
        if asked.kind != given.kind || !asked.protocol.eq_ignore_ascii_case(&given.protocol) {
            let message = format!(
                "section {place} is {} {}, offered was {} {}",
                given.kind, given.protocol, asked.kind, asked.protocol
            );
            push("sdp-answer-section-kind", "RFC 3264 6", message);
        }
        if given.port == 0 {
            continue;
        }
        if asked.port == 0 {
            push(
                "sdp-answer-revives",
                "RFC 3264 6",
                format!(
                    "section {place} was offered with port 0 and has port {}",
                    given.port
                ),
            );
        }
        let fits = asked.direction.answer_to().narrowed_to(given.direction) == given.direction;
        if !fits {
            let message = format!("section {place}: {} answers {}", given.direction, asked.direction);
            push("sdp-answer-direction", "RFC 3264 6.1", message);
        }
        let known = |encoding: &str, rate| {
            asked
                .codecs()
                .any(|codec| codec.encoding.eq_ignore_ascii_case(encoding) && codec.clock_rate == rate)
        };
        let offered: Vec<_> = given
            .codecs()
            .filter(|codec| known(&codec.encoding, codec.clock_rate))
            .collect();
        if offered.is_empty() && given.codecs().next().is_some() {
            push(
                "sdp-answer-formats",
                "RFC 3264 6.1",
                format!("section {place} has no format of the offer"),
            );
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    fn description(version: u64, media: &str) -> Description {
        Description::parse(
            format!("v=0\r\no=- 1 {version} IN IP4 h\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n{media}")
                .as_bytes(),
        )
        .unwrap()
    }

    fn codes(findings: &[Finding]) -> Vec<&'static str> {
        findings.iter().map(|finding| finding.code).collect()
    }

    const AUDIO: &str = "m=audio 4000 RTP/AVP 0\r\n";

    #[test]
    fn one_offer_at_a_time() {
        let mut state = Negotiation::new();
        assert_eq!(state.state(), NegotiationState::Idle);
        let offer = description(1, AUDIO);
        state.offer_sent(offer.raw()).unwrap();
        assert_eq!(state.offer_received(offer.clone()), Err(NegotiationError::Glare));
        assert_eq!(state.answer_sent(b""), Err(NegotiationError::NoOffer));
        assert_eq!(state.answer_received(description(1, AUDIO)), Ok(vec![]));
        assert_eq!(state.state(), NegotiationState::Stable);
        assert_eq!(
            state.answer_received(offer.clone()),
            Err(NegotiationError::NoOffer)
        );
        state.offer_received(description(1, AUDIO)).unwrap();
        assert_eq!(
            state.offer_received(offer.clone()),
            Err(NegotiationError::Unanswered)
        );
        assert_eq!(state.offer_sent(b""), Err(NegotiationError::Unanswered));
        state.rolled_back();
        assert_eq!(state.state(), NegotiationState::Stable);
        state.offer_received(offer).unwrap();
        state.answer_sent(b"x").unwrap();
        assert_eq!(state.local(), Some(&b"x"[..]));
    }

    #[test]
    fn versions_and_sections_of_a_successor() {
        let mut state = Negotiation::new();
        state
            .offer_received(description(
                5,
                "m=audio 4000 RTP/AVP 0\r\nm=video 0 RTP/AVP 99\r\n",
            ))
            .unwrap();
        state.answer_sent(b"x").unwrap();
        let findings = |next: Description| codes(&state.clone().offer_received(next).unwrap());
        assert_eq!(
            findings(description(6, "m=audio 0 RTP/AVP 0\r\nm=video 0 RTP/AVP 99\r\n")),
            [""; 0]
        );
        assert_eq!(
            findings(description(5, AUDIO)),
            ["sdp-version-not-increased", "sdp-section-removed"]
        );
        assert_eq!(
            findings(description(7, AUDIO)),
            ["sdp-version-step", "sdp-section-removed"]
        );
        assert_eq!(findings(description(4, AUDIO))[0], "sdp-version-step");
        let other = Description::parse(
            b"v=0\r\no=x 1 6 IN IP4 h\r\ns=-\r\nt=0 0\r\nm=audio 1 RTP/AVP 0\r\nm=video 0 RTP/AVP 9\r\n",
        );
        assert_eq!(findings(other.unwrap()), ["sdp-origin-changed"]);
    }

    #[test]
    fn answers_are_held_against_their_offer() {
        let offer = description(
            1,
            "m=audio 4000 RTP/AVP 0 8\r\na=sendonly\r\nm=video 0 RTP/AVP 99\r\n",
        );
        let findings = |media: &str| codes(&against_offer(&offer, &description(1, media)));
        assert_eq!(
            findings("m=audio 1 RTP/AVP 8\r\na=recvonly\r\nm=video 0 RTP/AVP 99\r\n"),
            [""; 0]
        );
        assert_eq!(
            findings("m=audio 1 RTP/AVP 8\r\na=recvonly\r\n"),
            ["sdp-answer-sections"]
        );
        assert_eq!(
            findings("m=audio 1 RTP/SAVP 18\r\na=sendrecv\r\nm=video 9 RTP/AVP 99\r\n"),
            [
                "sdp-answer-section-kind",
                "sdp-answer-direction",
                "sdp-answer-formats",
                "sdp-answer-revives"
            ]
        );
    }
}
