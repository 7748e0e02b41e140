//! Any bytes as a session description; what can be read can be answered and the answer can be read.
#![no_main]

use libfuzzer_sys::fuzz_target;
use voxproof_sip::sdp::{
    AudioOffer, Codec, Description, Direction, Negotiation, SessionOffer, against_offer, answer_bytes, check,
};

fuzz_target!(|bytes: &[u8]| {
    let _ = check(bytes);
    let Ok(offer) = Description::parse(bytes) else {
        return;
    };
    assert_eq!(offer.raw(), bytes);
    for media in &offer.media {
        let _ = (media.rtcp(), media.candidates(), media.crypto(), media.mid(), media.rtp_protocol());
        let _ = (offer.fingerprints(media), offer.setup(media), offer.ice_credentials(media));
        let _ = (offer.ice_options(media), offer.rtcp_xr(media));
    }
    let _ = (offer.groups(), against_offer(&offer, &offer));
    let mut state = Negotiation::new();
    let _ = state.offer_received(offer.clone());
    let _ = state.answer_sent(b"");
    let _ = state.offer_received(offer.clone());
    let local = AudioOffer {
        address: [192, 0, 2, 1].into(),
        port: 5004,
        codecs: vec![Codec {
            payload_type: 0,
            encoding: "PCMU".into(),
            clock_rate: 8000,
        }],
        telephone_event: Some(101),
        direction: Direction::SendRecv,
        ptime: Some(20),
        session_id: 1,
        session_version: 1,
        username: "voxproof".into(),
    };
    if let Ok(answer) = SessionOffer::from(&local).answer_bytes(&offer) {
        let read = Description::parse(&answer).expect("our answer is a session description");
        assert_eq!(read.media.len(), offer.media.len());
    }
    if let Ok(answer) = answer_bytes(&offer, &local) {
        let read = Description::parse(&answer).expect("our answer is a session description");
        assert_eq!(read.media.len(), offer.media.len());
    }
});
