//! SRTP with keys in the description (RFC 3711, RFC 4568).

use std::time::Duration;

use crate::lab::{Lab, coded, decoded, media_of, ms, speech, word};
use voxproof_rtp::g711::Law;
use voxproof_simphone::{Fault, MediaSecurity};
use voxproof_sip::Message;
use voxproof_srtp::sdes::CryptoAttribute;
use voxproof_srtp::{Profile, Protector, Unprotector};

fn own_key(tag: u32) -> CryptoAttribute {
    CryptoAttribute::generate(tag, Profile::Aes128CmHmacSha1_80, &[7; 46]).unwrap()
}

fn offer(lab: &Lab, protocol: &str) -> String {
    let line = format!(
        "a=crypto:9 UNKNOWN inline:x\r\na=crypto:{}\r\na=sendrecv",
        own_key(3)
    );
    lab.sdp("sendrecv", 1)
        .replace("RTP/AVP", protocol)
        .replace("a=sendrecv", &line)
}

async fn registered(faults: &[Fault], security: MediaSecurity) -> Lab {
    let lab = Lab::switched_on(faults, |config| config.media_security = security).await;
    lab.accept_registration().await;
    lab
}

fn key_of(message: &Message) -> Option<CryptoAttribute> {
    let sdp = message.sdp().unwrap().unwrap();
    let value = sdp
        .audio()
        .unwrap()
        .crypto()
        .first()
        .map(|value| (*value).to_owned())?;
    CryptoAttribute::parse(&value).attribute
}

fn unprotector(key: &CryptoAttribute) -> Unprotector {
    Unprotector::new(key.master_keys().unwrap().remove(0)).unwrap()
}

/// How many of the packets can be read with the key, and what they say.
fn opened(key: &CryptoAttribute, packets: &[(Duration, Vec<u8>)]) -> Vec<(Duration, Vec<u8>)> {
    let mut unprotector = unprotector(key);
    packets
        .iter()
        .filter_map(|(at, bytes)| Some((*at, unprotector.unprotect_rtp(bytes).ok()?)))
        .collect()
}

#[tokio::test(start_paused = true)]
async fn a_protected_call_both_ways() {
    let lab = registered(&[], MediaSecurity::Sdes).await;
    let mut dialogue = lab.call_with(&offer(&lab, "RTP/SAVP")).await;
    let ok = dialogue.ok.clone();
    assert_eq!(ok.sdp().unwrap().unwrap().audio().unwrap().protocol, "RTP/SAVP");
    let key = key_of(&ok).unwrap();
    assert_eq!((key.tag, key.suite.as_str()), (3, "AES_CM_128_HMAC_SHA1_80"));
    lab.ear.lock().unwrap().protector =
        Some(Protector::new(own_key(3).master_keys().unwrap().remove(0)).unwrap());
    lab.talk(media_of(&ok), speech(4));
    lab.sleep(ms(1000)).await;
    let packets = lab.heard();
    let plain = opened(&key, &packets);
    assert!(plain.len() >= 49 && plain.len() == packets.len());
    let heard = decoded(Law::Mu, &plain);
    assert!(heard.iter().zip(coded(Law::Mu, &speech(1))).all(|(a, b)| *a == b));
    let recording = lab.phone.recording().await;
    assert!(
        recording
            .iter()
            .filter(|sample| sample.unsigned_abs() > 100)
            .count()
            > 6000
    );
    // a change of the call keeps the keys
    let again = dialogue
        .reinvite(&lab, &offer(&lab, "RTP/SAVP").replace(" 1 1 IN", " 1 2 IN"))
        .await;
    assert_eq!(key_of(&again).unwrap(), key);
}

#[tokio::test(start_paused = true)]
async fn what_is_taken_is_configured() {
    for (security, protocol, expected) in [
        (MediaSecurity::None, "RTP/SAVP", "488"),
        (MediaSecurity::Sdes, "RTP/AVP", "180"),
        (MediaSecurity::SdesRequired, "RTP/AVP", "488"),
        (MediaSecurity::SdesRequired, "RTP/SAVP", "180"),
    ] {
        let lab = registered(&[], security).await;
        lab.send(lab.invite("x", Some(&offer(&lab, protocol))).bytes());
        assert_eq!(word(&lab.next().await.1), expected, "{security:?} {protocol}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_phone_offers_keys() {
    let lab = registered(&[], MediaSecurity::Sdes).await;
    lab.phone.dial("100").await.unwrap();
    let invite = lab.expect("INVITE").await;
    let sdp = invite.sdp().unwrap().unwrap();
    assert_eq!(sdp.audio().unwrap().protocol, "RTP/SAVP");
    assert_eq!(sdp.audio().unwrap().crypto().len(), 3);
    let answer = lab
        .sdp("sendrecv", 1)
        .replace("RTP/AVP", "RTP/SAVP")
        .replace("a=sendrecv", &format!("a=crypto:{}\r\na=sendrecv", own_key(1)));
    lab.reply(&invite, 200, |builder| {
        builder
            .header("Contact", "<sip:100@10.0.0.1:5060>")
            .body("application/sdp", answer)
    });
    lab.expect("ACK").await;
    lab.sleep(ms(500)).await;
    let packets = lab.heard();
    assert!(packets.len() >= 24);
    assert_eq!(opened(&key_of(&invite).unwrap(), &packets).len(), packets.len());
}

#[tokio::test(start_paused = true)]
async fn numbers_that_start_over_are_counted() {
    let lab = Lab::switched_on(&[], |config| {
        config.media_security = MediaSecurity::Sdes;
        config.first_sequence = Some(65_500);
    })
    .await;
    lab.accept_registration().await;
    let dialogue = lab.call_with(&offer(&lab, "RTP/SAVP")).await;
    lab.sleep(ms(2000)).await;
    let packets = lab.heard();
    assert_eq!(&packets[0].1[2..4], &65_500_u16.to_be_bytes());
    assert!(packets.len() >= 99);
    assert_eq!(
        opened(&key_of(&dialogue.ok).unwrap(), &packets).len(),
        packets.len()
    );
}

#[tokio::test(start_paused = true)]
async fn the_protection_faults() {
    for (fault, readable) in [
        (Fault::SrtpBadTag, 0..1),
        (Fault::SrtpSendsPlain, 0..1),
        // 65400 to 65535, and nothing after the roll-over
        (Fault::SrtpRocStuck, 130..140),
    ] {
        let lab = registered(&[fault], MediaSecurity::Sdes).await;
        let dialogue = lab.call_with(&offer(&lab, "RTP/SAVP")).await;
        lab.sleep(ms(5000)).await;
        let packets = lab.heard();
        assert!(packets.len() >= 249);
        let count = opened(&key_of(&dialogue.ok).unwrap(), &packets).len();
        assert!(readable.contains(&count), "{fault}: {count}");
    }
    let lab = registered(&[Fault::SrtpAnswerWrongTag], MediaSecurity::Sdes).await;
    assert_eq!(
        key_of(&lab.call_with(&offer(&lab, "RTP/SAVP")).await.ok)
            .unwrap()
            .tag,
        4
    );
    let lab = registered(&[Fault::SavpAnsweredWithAvp], MediaSecurity::Sdes).await;
    let ok = lab.call_with(&offer(&lab, "RTP/SAVP")).await.ok;
    assert_eq!(ok.sdp().unwrap().unwrap().audio().unwrap().protocol, "RTP/AVP");
    assert!(key_of(&ok).is_none());
    lab.sleep(ms(500)).await;
    assert!(decoded(Law::Mu, &lab.heard()).len() > 3800);
}
