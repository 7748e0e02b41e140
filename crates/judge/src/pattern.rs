//! Which message a step waits for or a check asks about.

use voxproof_sip::Message;
use voxproof_spec::Await;

/// `"486"`, `"2xx"`, `"final"` or `"any"`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StatusPattern {
    /// One code.
    Exact(u16),
    /// A class: 2 for 2xx.
    Class(u16),
    /// 200 and above.
    Final,
    /// Every response.
    Any,
}

impl StatusPattern {
    /// Reads a pattern; lint has refused anything else.
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "final" => Some(Self::Final),
            "any" => Some(Self::Any),
            _ => match text.strip_suffix("xx") {
                Some(class) => class.parse().ok().map(Self::Class),
                None => text.parse().ok().map(Self::Exact),
            },
        }
    }

    /// Whether a status fits.
    pub fn fits(self, status: u16) -> bool {
        match self {
            Self::Exact(code) => status == code,
            Self::Class(class) => status / 100 == class,
            Self::Final => status >= 200,
            Self::Any => true,
        }
    }
}

/// Whether a message of the device is what an await step waits for; `to` is the request that a response has to answer.
pub fn matches_await(step: &Await, message: &Message, to: Option<&Message>) -> bool {
    let kind = match (&step.request, &step.response) {
        (Some(method), _) => message.method() == Some(method.as_str()),
        (None, Some(status)) => fits_response(status, message, to),
        (None, None) => false,
    };
    kind && step
        .containing
        .as_ref()
        .is_none_or(|text| String::from_utf8_lossy(message.bytes()).contains(text.as_str()))
}

pub(crate) fn fits_response(status: &str, message: &Message, to: Option<&Message>) -> bool {
    let fits = StatusPattern::parse(status)
        .zip(message.status())
        .is_some_and(|(pattern, code)| pattern.fits(code));
    fits && to.is_none_or(|request| answers(message, request))
}

/// Whether a response answers a request: same Call-ID, same CSeq (RFC 3261 17.1.3 goes by branch as well, which a
/// faulty device may get wrong; that is a check's business).
pub(crate) fn answers(response: &Message, request: &Message) -> bool {
    response.is_response() && response.call_id() == request.call_id() && response.cseq() == request.cseq()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns() {
        assert!(StatusPattern::parse("2xx").is_some_and(|p| p.fits(202) && !p.fits(302)));
        assert!(StatusPattern::parse("final").is_some_and(|p| p.fits(603) && !p.fits(180)));
        assert!(StatusPattern::parse("486").is_some_and(|p| p.fits(486) && !p.fits(480)));
        assert_eq!(StatusPattern::parse("soon"), None);
    }
}
