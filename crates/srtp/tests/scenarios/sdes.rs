//! `a=crypto`: what is read, written, chosen and found wrong (RFC 4568).

use voxproof_srtp::sdes::{
    CryptoAttribute, FecOrder, Lifetime, Mki, SdesError, SessionParameter, check_answer, negotiate,
};
use voxproof_srtp::{Profile, Protector, Unprotector};

use super::packets::rtp;

/// 30 bytes.
const KEY: &str = "WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz";

fn read(value: &str) -> CryptoAttribute {
    let read = CryptoAttribute::parse(value);
    assert_eq!(read.findings, [], "{value}");
    read.attribute.unwrap()
}

fn codes(value: &str) -> Vec<&'static str> {
    CryptoAttribute::parse(value)
        .findings
        .iter()
        .map(|finding| finding.code)
        .collect()
}

#[test]
fn a_line_with_everything_is_read_and_written_back() {
    let line = format!(
        "1 AES_CM_128_HMAC_SHA1_80 inline:{KEY}|2^20|1:4;inline:{}|1048576|258:4 FEC_ORDER=FEC_SRTP KDR=3 WSH=128 -x=1",
        KEY.replace("WVN", "QUF")
    );
    let attribute = read(&line);
    assert_eq!(attribute.to_string(), line);
    assert_eq!(attribute.tag, 1);
    assert_eq!(attribute.profile(), Some(Profile::Aes128CmHmacSha1_80));
    assert_eq!(attribute.keys[0].key_salt.len(), 30);
    assert_eq!(attribute.keys[0].lifetime, Some(Lifetime::PowerOfTwo(20)));
    assert_eq!(attribute.keys[1].lifetime, Some(Lifetime::Decimal(1 << 20)));
    assert_eq!(attribute.keys[1].mki, Mki::new(&[0, 0, 1, 2]));
    assert_eq!(
        attribute.session,
        [
            SessionParameter::FecOrder(FecOrder::FecFirst),
            SessionParameter::KeyDerivationRate(3),
            SessionParameter::WindowSizeHint(128),
            SessionParameter::Extension("-x=1".into()),
        ]
    );
    assert_eq!(
        attribute.policy(),
        Err(SdesError::UnsupportedParameter("FEC_ORDER=FEC_SRTP".into()))
    );
}

#[test]
fn the_line_of_lync_is_understood() {
    let attribute = read(&format!("2 AES_CM_128_HMAC_SHA1_80 inline:{KEY}|2^31|1:1"));
    let keys = attribute.master_keys().unwrap();
    assert_eq!((keys[0].mki(), keys[0].lifetime()), (&[1_u8][..], Some(1 << 31)));
    let mut sender = Protector::new(keys[0].clone()).unwrap();
    let mut receiver = Unprotector::new(keys[0].clone()).unwrap();
    let packet = sender.protect_rtp(&rtp(1)).unwrap();
    assert_eq!(packet[172], 1);
    assert_eq!(receiver.unprotect_rtp(&packet).unwrap(), rtp(1));
}

#[test]
fn lifetime_and_mki_are_each_optional() {
    let only_mki = read(&format!("1 AES_CM_128_HMAC_SHA1_32 inline:{KEY}|7:2"));
    assert_eq!(
        (only_mki.keys[0].lifetime, only_mki.keys[0].mki.as_ref()),
        (None, Mki::new(&[0, 7]).as_ref())
    );
    let only_lifetime = read(&format!("1 AES_CM_128_HMAC_SHA1_32 inline:{KEY}|2^48"));
    assert_eq!(
        only_lifetime.keys[0].lifetime.map(Lifetime::packets),
        Some(1 << 48)
    );
}

#[test]
fn a_generated_line_is_read_back_for_every_profile() {
    let random: Vec<u8> = (0..64_u8).map(|byte| byte.wrapping_mul(5)).collect();
    for profile in Profile::ALL {
        let attribute = CryptoAttribute::generate(7, profile, &random)
            .unwrap()
            .with_key_options(Some(Lifetime::PowerOfTwo(31)), Mki::from_value(1, 1).as_ref());
        let line = attribute.to_string();
        assert_eq!(read(&line), attribute, "{line}");
        assert_eq!(
            attribute.keys[0].key_salt,
            random[..profile.key_salt_length()],
            "{line}"
        );
        assert_eq!(
            CryptoAttribute::generate(7, profile, &random[..27]),
            Err(SdesError::RandomTooShort {
                given: 27,
                needed: profile.key_salt_length(),
            })
        );
    }
}

#[test]
fn an_mki_may_be_a_number_of_128_bytes() {
    let largest = Mki::new(&[0xff; 128]).unwrap();
    let text = largest.to_string();
    assert!(
        text.starts_with("179769313486231590772930519078902473361797697894230657273430081157732675805500")
    );
    let line = format!("1 AES_CM_128_HMAC_SHA1_80 inline:{KEY}|{text}");
    assert_eq!(read(&line).keys[0].mki, Some(largest));
    // one more does not fit
    let beyond = line.replace("137215:128", "137216:128");
    assert_ne!(beyond, line);
    assert_eq!(codes(&beyond), ["crypto-mki"]);
    assert_eq!(Mki::from_value(256, 1), None);
    assert_eq!(Mki::from_value(0, 3).unwrap().to_string(), "0:3");
}

#[test]
fn each_violation_has_a_finding() {
    let suite = "AES_CM_128_HMAC_SHA1_80";
    for (line, expected) in [
        (String::new(), "crypto-form"),
        (format!("1 {suite}"), "crypto-form"),
        (format!(" 1 {suite} inline:{KEY}"), "crypto-form"),
        (format!("x {suite} inline:{KEY}"), "crypto-tag"),
        (format!("1234567890 {suite} inline:{KEY}"), "crypto-tag"),
        (format!("1 AES-CM inline:{KEY}"), "crypto-suite"),
        (format!("1 {suite} {KEY}"), "crypto-key-method"),
        (format!("1 {suite} uri:http://example.com"), "crypto-key-method"),
        (format!("1 {suite} inline:{}", &KEY[..36]), "crypto-key-length"),
        (
            format!("1 AES_256_CM_HMAC_SHA1_80 inline:{KEY}"),
            "crypto-key-length",
        ),
        (format!("1 {suite} inline:{}*", &KEY[..39]), "crypto-key-base64"),
        (
            format!("1 {suite} inline:{}", "A".repeat(5_000)),
            "crypto-key-base64",
        ),
        (format!("1 {suite} inline:{KEY}|2^64"), "crypto-lifetime"),
        (format!("1 {suite} inline:{KEY}|2^49"), "crypto-lifetime"),
        (format!("1 {suite} inline:{KEY}|0"), "crypto-lifetime"),
        (format!("1 {suite} inline:{KEY}|forever"), "crypto-lifetime"),
        (format!("1 {suite} inline:{KEY}|2^31|1"), "crypto-mki"),
        (format!("1 {suite} inline:{KEY}|2^31|1:0"), "crypto-mki"),
        (format!("1 {suite} inline:{KEY}|2^31|1:129"), "crypto-mki"),
        (format!("1 {suite} inline:{KEY}|2^31|256:1"), "crypto-mki"),
        (format!("1 {suite} inline:{KEY}|2^31|a:1"), "crypto-mki"),
        (format!("1 {suite} inline:{KEY}|2^31|1:1|2"), "crypto-key-form"),
        (
            format!("1 {suite} inline:{KEY} KDR=25"),
            "crypto-session-parameter",
        ),
        (
            format!("1 {suite} inline:{KEY} WSH=63"),
            "crypto-session-parameter",
        ),
        (
            format!("1 {suite} inline:{KEY} UNENCRYPTED_SRTP=1"),
            "crypto-session-parameter",
        ),
        (
            format!("1 {suite} inline:{KEY} FEC_ORDER=NONE"),
            "crypto-session-parameter",
        ),
        (
            format!("1 {suite} inline:{KEY} WSH=64 WSH=128"),
            "crypto-session-parameter",
        ),
    ] {
        assert_eq!(codes(&line), [expected], "{line:.90}");
    }
    let two_without_mki = format!("1 {suite} inline:{KEY};inline:{}", KEY.replace("WVN", "QUF"));
    assert_eq!(codes(&two_without_mki), ["crypto-mki"]);
    let same_mki = format!(
        "1 {suite} inline:{KEY}|1:1;inline:{}|1:1",
        KEY.replace("WVN", "QUF")
    );
    assert_eq!(codes(&same_mki), ["crypto-mki"]);
    let lengths = format!(
        "1 {suite} inline:{KEY}|1:1;inline:{}|2:2",
        KEY.replace("WVN", "QUF")
    );
    assert_eq!(codes(&lengths), ["crypto-mki"]);
    let same_key = format!("1 {suite} inline:{KEY}|1:1;inline:{KEY}|2:1");
    assert_eq!(codes(&same_key), ["crypto-mki"]);
}

#[test]
fn a_missing_padding_is_noticed_and_forgiven() {
    let padded = CryptoAttribute::generate(1, Profile::Aes256CmHmacSha1_80, &[9; 46])
        .unwrap()
        .to_string();
    assert!(padded.ends_with("=="));
    let bare = padded.trim_end_matches('=');
    assert_eq!(codes(bare), ["crypto-key-padding"]);
    let attribute = CryptoAttribute::parse(bare).attribute.unwrap();
    assert_eq!(attribute.keys[0].key_salt, [9; 46]);
    assert_eq!(attribute.to_string(), bare);
}

#[test]
fn the_first_usable_line_of_the_offer_is_taken() {
    let offer: Vec<CryptoAttribute> = [
        format!("1 F8_128_HMAC_SHA1_80 inline:{KEY}"),
        format!("2 AES_CM_128_HMAC_SHA1_80 inline:{}", &KEY[..36]),
        format!("3 AES_CM_128_HMAC_SHA1_80 inline:{KEY} FEC_ORDER=FEC_SRTP"),
        format!("4 AES_CM_128_HMAC_SHA1_80 inline:{KEY} must=1"),
        format!("5 AES_CM_128_HMAC_SHA1_80 inline:{KEY} -may=1 UNENCRYPTED_SRTCP KDR=4"),
        format!("6 AES_CM_128_HMAC_SHA1_32 inline:{KEY}"),
    ]
    .iter()
    .map(|line| CryptoAttribute::parse(line).attribute.unwrap())
    .collect();
    let choice = negotiate(&offer, &Profile::ALL).unwrap();
    assert_eq!((choice.position, choice.tag), (4, 5));
    assert!(!choice.policy.encrypt_rtcp && choice.policy.encrypt_rtp);
    assert_eq!(choice.policy.key_derivation_rate, 16);
    let choice = negotiate(&offer, &[Profile::Aes128CmHmacSha1_32]).unwrap();
    assert_eq!((choice.tag, choice.profile), (6, Profile::Aes128CmHmacSha1_32));
    assert!(negotiate(&offer, &[Profile::AeadAes128Gcm]).is_none());
    assert!(negotiate(&[], &Profile::ALL).is_none());
}

#[test]
fn an_answer_is_held_against_its_offer() {
    let other = KEY.replace("WVN", "QUF");
    let offer = [
        read(&format!("1 AES_CM_128_HMAC_SHA1_80 inline:{KEY}")),
        read(&format!("2 AES_CM_128_HMAC_SHA1_32 inline:{KEY}")),
    ];
    let codes = |answer: &[CryptoAttribute]| -> Vec<&'static str> {
        check_answer(&offer, answer)
            .iter()
            .map(|finding| finding.code)
            .collect()
    };
    let answer = |tag: u32, suite: &str, key: &str, rest: &str| {
        read(format!("{tag} {suite} inline:{key} {rest}").trim_end())
    };
    let good = answer(2, "AES_CM_128_HMAC_SHA1_32", &other, "");
    assert_eq!(codes(std::slice::from_ref(&good)), [""; 0]);
    assert_eq!(codes(&[]), ["crypto-answer-count"]);
    assert_eq!(codes(&[good.clone(), good]), ["crypto-answer-count"]);
    assert_eq!(
        codes(&[answer(3, "AES_CM_128_HMAC_SHA1_32", &other, "")]),
        ["crypto-answer-tag"]
    );
    assert_eq!(
        codes(&[answer(1, "AES_CM_128_HMAC_SHA1_32", &other, "")]),
        ["crypto-answer-suite"]
    );
    assert_eq!(
        codes(&[answer(1, "AES_CM_128_HMAC_SHA1_80", KEY, "")]),
        ["crypto-answer-key"]
    );
    assert_eq!(
        codes(&[answer(1, "AES_CM_128_HMAC_SHA1_80", &other, "UNENCRYPTED_SRTP")]),
        ["crypto-answer-parameters"]
    );
}
