//! Header fields by which a call asks to be answered without a hand.

use std::net::SocketAddr;

use voxproof_spec::AnswerRequest;

/// The field of an INVITE; `server` is what its URIs name.
pub(super) fn header(request: AnswerRequest, server: SocketAddr) -> (&'static str, String) {
    match request {
        // RFC 5373 4.1
        AnswerRequest::AnswerMode => ("Answer-Mode", "Auto".to_owned()),
        // RFC 5373 4.2
        AnswerRequest::PrivAnswerMode => ("Priv-Answer-Mode", "Auto".to_owned()),
        // a parameter of vendors to RFC 3261 20.9
        AnswerRequest::CallInfo => ("Call-Info", format!("<sip:{server}>;answer-after=0")),
        // a parameter of vendors to RFC 3261 20.4
        AnswerRequest::AlertInfo => (
            "Alert-Info",
            format!("<http://{server}>;info=alert-autoanswer;delay=0"),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_request_is_one_field() {
        let server = SocketAddr::from(([192, 0, 2, 1], 5060));
        for (request, name, value) in [
            (AnswerRequest::AnswerMode, "Answer-Mode", "Auto"),
            (AnswerRequest::PrivAnswerMode, "Priv-Answer-Mode", "Auto"),
            (
                AnswerRequest::CallInfo,
                "Call-Info",
                "<sip:192.0.2.1:5060>;answer-after=0",
            ),
            (
                AnswerRequest::AlertInfo,
                "Alert-Info",
                "<http://192.0.2.1:5060>;info=alert-autoanswer;delay=0",
            ),
        ] {
            assert_eq!(header(request, server), (name, value.to_owned()));
        }
    }
}
