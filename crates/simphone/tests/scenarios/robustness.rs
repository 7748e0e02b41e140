//! Whatever arrives, the phone neither panics nor stops answering; and one seed gives one run.

use std::time::Duration;

use crate::lab::{Lab, media_of, ms, speech};
use proptest::prelude::*;
use voxproof_sip::Message;

/// One change of a message's bytes.
#[derive(Debug, Clone)]
enum Damage {
    Replace(prop::sample::Index, u8),
    Cut(prop::sample::Index),
    Repeat(prop::sample::Index, prop::sample::Index),
    Remove(prop::sample::Index, u8),
    Number(prop::sample::Index, u64),
}

impl Damage {
    fn apply(&self, bytes: &mut Vec<u8>) {
        if bytes.is_empty() {
            return;
        }
        match self {
            Self::Replace(at, byte) => *at.get_mut(bytes) = *byte,
            Self::Cut(at) => bytes.truncate(at.index(bytes.len())),
            Self::Repeat(from, to) => {
                let (from, to) = (from.index(bytes.len()), to.index(bytes.len()));
                let piece = bytes[from.min(to)..from.max(to)].to_vec();
                bytes.extend(piece);
            }
            Self::Remove(at, length) => {
                let at = at.index(bytes.len());
                let end = (at + usize::from(*length)).min(bytes.len());
                bytes.drain(at..end);
            }
            Self::Number(at, number) => {
                let digits: Vec<_> = (0..bytes.len()).filter(|n| bytes[*n].is_ascii_digit()).collect();
                if !digits.is_empty() {
                    let at = digits[at.index(digits.len())];
                    bytes.splice(at..=at, number.to_string().into_bytes());
                }
            }
        }
    }
}

fn damage() -> impl Strategy<Value = Damage> {
    let index = any::<prop::sample::Index>;
    prop_oneof![
        (index(), any::<u8>()).prop_map(|(at, byte)| Damage::Replace(at, byte)),
        index().prop_map(Damage::Cut),
        (index(), index()).prop_map(|(from, to)| Damage::Repeat(from, to)),
        (index(), any::<u8>()).prop_map(|(at, length)| Damage::Remove(at, length)),
        (index(), any::<u64>()).prop_map(|(at, number)| Damage::Number(at, number)),
    ]
}

fn in_virtual_time<T>(run: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .start_paused(true)
        .build()
        .unwrap()
        .block_on(run)
}

/// Sends damaged messages of every kind in a call, and then asks whether the phone is still there.
async fn survives(damages: Vec<(usize, Vec<Damage>)>) -> bool {
    let lab = Lab::registered(&[]).await;
    let mut dialogue = lab.call().await;
    lab.phone.hold().await.unwrap();
    let change = lab.expect("INVITE").await;
    let answer = voxproof_sip::Builder::response_to(&change, 200, "OK")
        .to_tag("x")
        .header("Contact", "<sip:alice@10.0.0.1:5060>")
        .body("application/sdp", lab.sdp("recvonly", 2));
    let kinds = [
        lab.invite("fuzz", Some(&lab.sdp("sendrecv", 1))).bytes().to_vec(),
        dialogue
            .request("INVITE")
            .body("application/sdp", lab.sdp("sendonly", 2))
            .build(),
        dialogue.ack(Some(&lab.sdp("sendrecv", 3))),
        dialogue
            .request("REFER")
            .header("Refer-To", "<sip:carol@10.0.0.1:5060?Replaces=a%40b>")
            .build(),
        dialogue
            .request("NOTIFY")
            .header("Event", "refer")
            .header("Subscription-State", "active")
            .body("message/sipfrag", "SIP/2.0 200 OK")
            .build(),
        answer.build(),
        voxproof_sip::Builder::response_to(&change, 401, "No")
            .header("WWW-Authenticate", crate::lab::challenge("f", true))
            .build(),
        lab.request("OPTIONS", "fuzz").header("Require", "a, b").build(),
        voxproof_rtp::build(0, false, 1, 2, 3, &[0; 160]),
    ];
    let rtp = media_of(&dialogue.ok);
    for (kind, changes) in damages {
        let mut bytes = kinds[kind % kinds.len()].clone();
        for change in changes {
            change.apply(&mut bytes);
        }
        lab.send(&bytes);
        lab.sip.send(rtp, &bytes).unwrap();
        lab.settle().await;
    }
    lab.collect(Duration::from_secs(1)).await;
    lab.send(&lab.request("OPTIONS", "after").build());
    let answers = lab.collect(ms(100)).await;
    answers
        .iter()
        .any(|(_, message)| message.status() == Some(200) && message.call_id() == Some("call-after"))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn damaged_messages_do_not_stop_it(
        damages in prop::collection::vec((0usize..9, prop::collection::vec(damage(), 1..4)), 1..12)
    ) {
        prop_assert!(in_virtual_time(survives(damages)));
    }
}

/// Every byte the phone sends in a call with hold and keys.
async fn everything_said() -> Vec<(Duration, Vec<u8>)> {
    let lab = Lab::registered(&[]).await;
    let mut dialogue = lab.call().await;
    lab.talk(media_of(&dialogue.ok), speech(4));
    lab.phone.dtmf("159").await.unwrap();
    lab.sleep(ms(800)).await;
    let held = dialogue.reinvite(&lab, &lab.sdp("sendonly", 2)).await;
    lab.phone.hangup().await.unwrap();
    let mut said: Vec<_> = lab
        .collect(ms(3000))
        .await
        .iter()
        .map(|(at, m)| (*at, m.bytes().to_vec()))
        .collect();
    said.push((lab.now(), held.bytes().to_vec()));
    said.push((lab.now(), dialogue.ok.bytes().to_vec()));
    said.extend(lab.heard());
    said
}

#[test]
fn one_seed_gives_one_run() {
    let (first, second) = (
        in_virtual_time(everything_said()),
        in_virtual_time(everything_said()),
    );
    assert!(first.len() > 40);
    assert!(first == second);
    assert!(
        first
            .iter()
            .any(|(_, bytes)| Message::parse(bytes).method() == Some("BYE"))
    );
}
