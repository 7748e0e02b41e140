//! The test vectors of RFC 5769.

use stun_types::message::{LongTermKeyCredentials, Message};
use voxproof_ice::{Class, Context, Integrity, Role, StunMessage, examine};

const PASSWORD: &str = "VOkJxbRl1RmTxUk/WvJxBt";

fn bytes(hex: &str) -> Vec<u8> {
    let digits: Vec<u8> = hex.bytes().filter(u8::is_ascii_hexdigit).collect();
    let text = |pair: &[u8]| String::from_utf8_lossy(pair).into_owned();
    digits
        .chunks(2)
        .map(|pair| u8::from_str_radix(&text(pair), 16).expect("hexadecimal"))
        .collect()
}

const REQUEST: &str = "00010058 2112a442 b7e7a701 bc34d686 fa87dfae
    80220010 5354554e 20746573 7420636c 69656e74 00240004 6e0001ff 80290008 932ff9b1 51263b36
    00060009 6576746a 3a683676 59202020 00080014 9aeaa70c bfd8cb56 781ef2b5 b2d3f249 c1b571a2 80280004 e57a3bcf";
const RESPONSE_V4: &str = "0101003c 2112a442 b7e7a701 bc34d686 fa87dfae
    8022000b 74657374 20766563 746f7220 00200008 0001a147 e112a643
    00080014 2b91f599 fd9e90c3 8c7489f9 2af9ba53 f06be7d7 80280004 c07d4c96";
const RESPONSE_V6: &str = "01010048 2112a442 b7e7a701 bc34d686 fa87dfae
    8022000b 74657374 20766563 746f7220 00200014 0002a147 0113a9fa a5d3f179 bc25f4b5 bed2b9d9
    00080014 a382954e 4be67bf1 1784c97c 8292c275 bfe3ed41 80280004 c8fb0b4c";
const LONG_TERM: &str = "00010060 2112a442 78ad3433 c6ad72c0 29da412e
    00060012 e3839ee3 8388e383 aae38383 e382afe3 82b90000
    0015001c 662f2f34 39396b39 35346436 4f4c3334 6f4c3946 53547679 36347341
    0014000b 6578616d 706c652e 6f726700 00080014 f6702465 6dd64a3e 02b8e071 2e85c9a2 8ca89666";

#[test]
fn sample_request() {
    let bytes = bytes(REQUEST);
    let read = StunMessage::parse(&bytes).expect("a message");
    assert_eq!((read.class(), read.is_binding()), (Class::Request, true));
    assert_eq!(read.transaction(), 0xb7e7_a701_bc34_d686_fa87_dfae);
    assert_eq!(read.username().as_deref(), Some("evtj:h6vY"));
    assert_eq!(read.priority(), Some(0x6e00_01ff));
    assert_eq!(read.role(), Some((Role::Controlled, 0x932f_f9b1_5126_3b36)));
    assert_eq!(read.integrity(PASSWORD), Integrity::Valid);
    let context = Context {
        lab_fragment: Some("evtj"),
        device_fragment: Some("h6vY"),
        lab_password: Some(PASSWORD),
        device_password: None,
    };
    assert_eq!(examine(&bytes, context), []);
}

#[test]
fn any_changed_byte_is_noticed() {
    let whole = bytes(REQUEST);
    for at in 0..whole.len() {
        let mut changed = whole.clone();
        changed[at] ^= 0x10;
        let context = Context {
            lab_password: Some(PASSWORD),
            ..Context::default()
        };
        let found = !examine(&changed, context).is_empty();
        // the first byte and the magic cookie make it something else than STUN
        assert!(found || StunMessage::parse(&changed).is_err(), "byte {at}");
    }
}

#[test]
fn sample_responses() {
    for (hex, mapped) in [
        (RESPONSE_V4, "192.0.2.1:32853"),
        (RESPONSE_V6, "[2001:db8:1234:5678:11:2233:4455:6677]:32853"),
    ] {
        let bytes = bytes(hex);
        let read = StunMessage::parse(&bytes).expect("a message");
        assert_eq!(read.class(), Class::Success);
        assert_eq!(read.mapped_address(), mapped.parse().ok());
        assert_eq!(read.integrity(PASSWORD), Integrity::Valid);
        assert_eq!(read.integrity("VOkJxbRl1RmTxUk/WvJxBT"), Integrity::Wrong);
        let context = Context {
            device_password: Some(PASSWORD),
            ..Context::default()
        };
        assert_eq!(examine(&bytes, context), []);
    }
}

#[test]
fn sample_request_with_long_term_credentials() {
    let bytes = bytes(LONG_TERM);
    // after SASLprep, U+00AD is gone, U+00AA is a and U+2168 is IX
    let user = "\u{30de}\u{30c8}\u{30ea}\u{30c3}\u{30af}\u{30b9}".to_owned();
    let key = LongTermKeyCredentials::new(user, "TheMatrIX".to_owned(), "example.org".to_owned());
    let read = Message::from_bytes(&bytes).expect("a message");
    assert!(read.validate_integrity(&key.into()).is_ok());
    // the vector has no FINGERPRINT and is no check
    let codes: Vec<_> = examine(&bytes, Context::default())
        .into_iter()
        .map(|finding| finding.code)
        .collect();
    assert_eq!(
        codes,
        [
            "stun-fingerprint-missing",
            "stun-username-format",
            "ice-priority-missing",
            "ice-role-missing"
        ]
    );
}
