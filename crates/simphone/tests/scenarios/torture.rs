//! The messages of RFC 4475, byte for byte: each is treated as the RFC allows, and the phone lives on.

use std::path::Path;

use crate::lab::{Lab, ms};
use voxproof_sip::Message;

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/corpus/rfc4475");

/// Valid, as far as parsing goes: whatever is answered, it is not that the message is broken.
const VALID: &[u16] = &[180, 200, 403, 404, 405, 415, 480, 481, 486, 488, 501];
/// Broken: 400, or not answered at all.
const BROKEN: &[u16] = &[400];
/// A response nobody waits for.
const STRAY: &[u16] = &[];

/// File, the statuses that the RFC allows, and whether it may stay unanswered.
const TREATMENT: &[(&str, &[u16], bool)] = &[
    ("wsinv", VALID, false),
    ("intmeth", &[405, 501], false),
    ("esc01", VALID, false),
    ("escnull", VALID, false),
    ("esc02", &[405, 501], false),
    ("lwsdisp", VALID, false),
    ("longreq", VALID, false),
    ("dblreq", VALID, false),
    ("semiuri", VALID, false),
    ("transports", VALID, false),
    ("mpart01", VALID, false),
    ("unreason", STRAY, true),
    ("noreason", STRAY, true),
    ("badinv01", BROKEN, true),
    ("clerr", BROKEN, true),
    ("ncl", BROKEN, true),
    ("scalar02", BROKEN, true),
    ("scalarlg", STRAY, true),
    ("quotbal", BROKEN, true),
    // may be repaired (3.1.2.7)
    ("ltgtruri", &[400, 180], true),
    ("lwsruri", BROKEN, true),
    ("lwsstart", BROKEN, true),
    ("trws", &[400, 200], true),
    ("escruri", &[400, 180, 481], true),
    // the date may be ignored (3.1.2.12)
    ("baddate", &[400, 180], true),
    ("regbadct", &[400, 405], true),
    // a liberal reader takes these two (3.1.2.14, 3.1.2.15)
    ("badaspec", &[400, 200], true),
    ("baddn", &[400, 200], true),
    ("badvers", &[505], false),
    ("mismatch01", BROKEN, true),
    ("mismatch02", &[400, 501], true),
    ("bigcode", STRAY, true),
    ("badbranch", VALID, false),
    ("insuf", BROKEN, true),
    ("unkscm", &[400, 416], false),
    ("novelsc", &[400, 416], false),
    ("unksm2", &[400, 405, 416], false),
    ("bext01", &[420], false),
    ("invut", &[415], false),
    ("regaut01", &[401, 405], false),
    ("multi01", BROKEN, true),
    ("mcl01", BROKEN, true),
    ("bcast", STRAY, true),
    ("zeromf", &[200, 483], false),
    ("cparam01", VALID, false),
    ("cparam02", VALID, false),
    ("regescrt", VALID, false),
    ("sdp01", &[406], false),
    ("inv2543", VALID, false),
];

#[tokio::test(start_paused = true)]
async fn each_message_is_treated_as_the_rfc_allows() {
    assert_eq!(TREATMENT.len(), 49);
    if !Path::new(FOLDER).is_dir() {
        eprintln!("skipped: {FOLDER} is not there");
        return;
    }
    let mut problems = Vec::new();
    for (name, allowed, silence) in TREATMENT {
        let bytes = std::fs::read(Path::new(FOLDER).join(format!("{name}.dat"))).unwrap();
        let lab = Lab::registered(&[]).await;
        // some ask for their answers at this port
        let other = lab.net.bind("10.0.0.1:5070".parse().unwrap()).await.unwrap();
        lab.send(&bytes);
        let mut statuses: Vec<u16> = lab
            .collect(ms(100))
            .await
            .iter()
            .filter_map(|(_, message)| message.status())
            .collect();
        while let Ok(Ok(datagram)) = tokio::time::timeout(ms(1), other.recv()).await {
            statuses.extend(Message::parse(&datagram.bytes).status());
        }
        match statuses.first() {
            None if *silence => {}
            Some(status) if allowed.contains(status) => {}
            found => problems.push(format!("{name}: {found:?} instead of {allowed:?}")),
        }
        lab.send(&lab.request("OPTIONS", "alive").build());
        let alive = lab.collect(ms(100)).await;
        if !alive.iter().any(|(_, message)| message.status() == Some(200)) {
            problems.push(format!("{name}: the phone is dead"));
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}
