//! What the phone answers to requests that are not calls, and to broken ones.

use crate::lab::{Lab, ms, word};
use voxproof_simphone::{CallState, Fault};
use voxproof_sip::Message;

async fn answered(faults: &[Fault], bytes: impl FnOnce(&Lab) -> Vec<u8>) -> Vec<Message> {
    let lab = Lab::registered(faults).await;
    lab.send(&bytes(&lab));
    lab.collect(ms(200))
        .await
        .into_iter()
        .map(|(_, message)| message)
        .collect()
}

fn statuses(messages: &[Message]) -> Vec<String> {
    messages.iter().map(word).collect()
}

#[tokio::test(start_paused = true)]
async fn options_says_what_the_phone_can_do() {
    let ok = answered(&[], |lab| lab.request("OPTIONS", "o").build()).await;
    assert_eq!(statuses(&ok), ["200"]);
    for name in ["allow", "accept", "supported", "contact"] {
        assert!(ok[0].header(name).is_some(), "{name}");
    }
    assert!(ok[0].to().unwrap().tag().is_some());
    let poor = answered(&[Fault::OptionsWithoutAllow], |lab| {
        lab.request("OPTIONS", "o").build()
    })
    .await;
    assert!(poor[0].status() == Some(200) && poor[0].header("allow").is_none());
    assert!(
        answered(&[Fault::OptionsUnanswered], |lab| lab
            .request("OPTIONS", "o")
            .build())
        .await
        .is_empty()
    );
}

#[tokio::test(start_paused = true)]
async fn an_unknown_method_is_501_and_a_known_one_405_both_with_allow() {
    for (method, status) in [
        ("FOO", "501"),
        ("REGISTER", "405"),
        ("SUBSCRIBE", "405"),
        ("PUBLISH", "405"),
    ] {
        let no = answered(&[], |lab| lab.request(method, "f").build()).await;
        assert_eq!(statuses(&no), [status], "{method}");
        assert!(no[0].header("allow").unwrap().contains("INVITE"));
    }
    assert_eq!(
        statuses(&answered(&[Fault::UnknownMethod200], |lab| lab.request("FOO", "f").build()).await),
        ["200"]
    );
}

#[tokio::test(start_paused = true)]
async fn a_caller_that_takes_no_description_is_406() {
    let bytes = |lab: &Lab| {
        let sdp = lab.sdp("sendrecv", 1);
        lab.request("INVITE", "a")
            .header("Accept", "text/plain")
            .body("application/sdp", sdp)
            .build()
    };
    assert_eq!(word(&answered(&[], bytes).await[0]), "406");
    assert_eq!(word(&answered(&[Fault::AcceptIgnored], bytes).await[0]), "180");
    let ranges = |lab: &Lab| {
        let sdp = lab.sdp("sendrecv", 1);
        let range = "text/plain, application/*;q=0.2";
        lab.request("INVITE", "a")
            .header("Accept", range)
            .body("application/sdp", sdp)
            .build()
    };
    assert_eq!(word(&answered(&[], ranges).await[0]), "180");
}

#[tokio::test(start_paused = true)]
async fn a_request_come_by_two_ways_is_482() {
    for (faults, expected) in [(&[][..], "482"), (&[Fault::MergedAccepted][..], "486")] {
        let lab = Lab::registered(faults).await;
        let sdp = lab.sdp("sendrecv", 1);
        let first = lab
            .request("INVITE", "m")
            .body("application/sdp", sdp.clone())
            .build();
        lab.send(&first);
        lab.expect_status(180).await;
        let other = String::from_utf8(first)
            .unwrap()
            .replace("z9hG4bKm", "z9hG4bKother");
        lab.send(other.as_bytes());
        assert_eq!(word(&lab.next().await.1), expected);
    }
}

#[tokio::test(start_paused = true)]
async fn a_request_for_another_host_that_may_not_go_on_is_483() {
    for (host, expected) in [("10.0.0.99", "483"), ("10.0.0.1", "200")] {
        let bytes = |lab: &Lab| {
            let bytes = lab.request("OPTIONS", "z").set("Max-Forwards", "0").build();
            let uri = format!("OPTIONS sip:bob@{}", lab.phone.contact());
            String::from_utf8(bytes)
                .unwrap()
                .replacen(&uri, &format!("OPTIONS sip:bob@{host}"), 1)
                .into_bytes()
        };
        assert_eq!(statuses(&answered(&[], bytes).await), [expected]);
    }
}

#[tokio::test(start_paused = true)]
async fn an_unknown_extension_is_420() {
    let bytes = |lab: &Lab| {
        lab.request("OPTIONS", "r")
            .header("Require", "norefersub, nothing, such")
            .build()
    };
    let no = answered(&[], bytes).await;
    assert_eq!(statuses(&no), ["420"]);
    assert_eq!(no[0].header("unsupported"), Some("nothing, such"));
    assert_eq!(
        statuses(&answered(&[Fault::RequireIgnored], bytes).await),
        ["200"]
    );
    let call = |lab: &Lab| lab.request("INVITE", "r").header("Require", "nothing").build();
    assert_eq!(word(&answered(&[], call).await[0]), "420");
}

#[tokio::test(start_paused = true)]
async fn a_request_for_no_dialog_is_481() {
    for (method, tag) in [
        ("BYE", ";tag=x"),
        ("BYE", ""),
        ("INVITE", ";tag=x"),
        ("NOTIFY", ""),
        ("OPTIONS", ";tag=x"),
    ] {
        let bytes = |lab: &Lab| {
            lab.request(method, "s")
                .set("To", format!("<sip:bob@10.0.0.1>{tag}"))
                .build()
        };
        assert_eq!(word(&answered(&[], bytes).await[0]), "481", "{method}");
    }
    let bye = |lab: &Lab| {
        lab.request("BYE", "s")
            .set("To", "<sip:bob@10.0.0.1>;tag=x")
            .build()
    };
    assert_eq!(statuses(&answered(&[Fault::StrayBye200], bye).await), ["200"]);
}

#[tokio::test(start_paused = true)]
async fn an_outdated_request_is_500() {
    for (faults, expected) in [(&[][..], 500), (&[Fault::LowCseqAccepted][..], 200)] {
        let lab = Lab::registered(faults).await;
        let mut dialogue = lab.call().await;
        for _ in 0..3 {
            lab.send(&dialogue.request("OPTIONS").build());
            lab.expect_status(200).await;
        }
        lab.send(&dialogue.with_cseq("OPTIONS", 2).build());
        lab.expect_status(expected).await;
        assert_eq!(lab.phone.call_state().await, CallState::Established);
    }
}

#[tokio::test(start_paused = true)]
async fn broken_requests_get_the_status_they_earn() {
    let cases: [(&str, &str, &str); 8] = [
        ("SIP/2.0\r\n", "SIP/7.0\r\n", "505"),
        ("Call-ID: call-b\r\n", "", "400"),
        ("1 OPTIONS", "1 INVITE", "400"),
        (";tag=alice", "", "400"),
        ("OPTIONS sip:bob@", "OPTIONS unknown:bob@", "416"),
        ("OPTIONS sip:bob@", "OPTIONS bob@", "400"),
        ("1 OPTIONS", "4294967295 OPTIONS", "400"),
        ("Call-ID: call-b", "Call-ID: call-b\r\nCall-ID: call-c", "400"),
    ];
    for (from, to, expected) in cases {
        let bytes = |lab: &Lab| {
            String::from_utf8(lab.request("OPTIONS", "b").build())
                .unwrap()
                .replacen(from, to, 1)
                .into_bytes()
        };
        assert_eq!(
            statuses(&answered(&[], bytes).await),
            [expected],
            "{from:?} -> {to:?}"
        );
    }
    let body = |lab: &Lab| lab.request("INVITE", "b").body("text/plain", "hello").build();
    let no = answered(&[], body).await;
    assert_eq!(
        (word(&no[0]).as_str(), no[0].header("accept")),
        ("415", Some("application/sdp"))
    );
    let bad = |lab: &Lab| {
        lab.request("INVITE", "b")
            .body("application/sdp", "v=0\r\nnonsense")
            .build()
    };
    assert_eq!(word(&answered(&[], bad).await[0]), "400");
}

#[tokio::test(start_paused = true)]
async fn junk_does_no_harm() {
    let lab = Lab::registered(&[]).await;
    for junk in [
        &b""[..],
        b"\r\n\r\n",
        b"\0\0\0\0",
        b"INVITE",
        b"SIP/2.0 200 OK\r\n\r\n",
        &[0xff; 2000],
    ] {
        lab.send(junk);
    }
    lab.collect(ms(200)).await;
    lab.send(&lab.request("OPTIONS", "after").build());
    lab.expect_status(200).await;
}
