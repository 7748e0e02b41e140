//! The phone's RTCP.

use crate::lab::{Lab, media_of, ms};
use voxproof_net::Endpoint;
use voxproof_rtp::rtcp::xr::Block;
use voxproof_rtp::rtcp::{Report, parse};
use voxproof_rtp::{Packetizer, is_rtcp};
use voxproof_simphone::Fault;

/// A call of 40 seconds with a listener on the lab's odd port; the reports it gets, in order.
async fn reports(faults: &[Fault], mux: bool) -> (Vec<Report>, usize) {
    let lab = Lab::switched_on(faults, |config| config.rtcp_mux = true).await;
    lab.accept_registration().await;
    let mut odd = lab.rtp.local_addr();
    odd.set_port(odd.port() + 1);
    let ears: Endpoint = lab.net.bind(odd).await.unwrap();
    let sdp = if mux {
        lab.sdp("sendrecv", 1)
            .replace("a=sendrecv", "a=rtcp-mux\r\na=sendrecv")
    } else {
        lab.sdp("sendrecv", 1)
    };
    let mut dialogue = lab.call_with(&sdp).await;
    lab.sleep(ms(40_000)).await;
    dialogue.bye(&lab).await;
    lab.sleep(ms(100)).await;
    let mut reports = Vec::new();
    while let Ok(Ok(datagram)) = tokio::time::timeout(ms(1), ears.recv()).await {
        reports.extend(parse(&datagram.bytes).unwrap());
    }
    let shared = lab.heard().iter().filter(|(_, bytes)| is_rtcp(bytes)).count();
    (reports, shared)
}

fn names(reports: &[Report]) -> Vec<String> {
    let mut names: Vec<String> = reports
        .iter()
        .filter_map(|report| match report {
            Report::Sdes { cname, .. } => cname.clone(),
            _ => None,
        })
        .collect();
    names.dedup();
    names
}

#[tokio::test(start_paused = true)]
async fn sender_reports_with_one_name_and_a_goodbye() {
    let (heard, shared) = reports(&[], false).await;
    assert_eq!(shared, 0);
    let sent: Vec<u32> = heard
        .iter()
        .filter_map(|report| match report {
            Report::SenderReport { packets, .. } => Some(*packets),
            _ => None,
        })
        .collect();
    assert!(sent.len() >= 5 && sent.is_sorted() && sent[0] > 50, "{sent:?}");
    assert_eq!(names(&heard), ["bob@10.0.0.2"]);
    assert!(
        matches!(heard.last(), Some(Report::Bye { .. })),
        "{:?}",
        heard.last()
    );
}

#[tokio::test(start_paused = true)]
async fn reports_share_the_port_when_both_want_it() {
    let (separate, shared) = reports(&[], true).await;
    assert!(separate.is_empty() && shared >= 5);
    let (separate, shared) = reports(&[Fault::RtcpMuxIgnored], true).await;
    assert!(!separate.is_empty() && shared == 0);
}

#[tokio::test(start_paused = true)]
async fn the_report_faults() {
    assert!(reports(&[Fault::RtcpNone], false).await.0.is_empty());
    assert!(names(&reports(&[Fault::RtcpCnameChanges], false).await.0).len() > 3);
    let (heard, _) = reports(&[Fault::RtcpNoBye], false).await;
    assert!(!heard.is_empty() && !heard.iter().any(|report| matches!(report, Report::Bye { .. })));
}

/// The extended reports of a call in which every fourth packet of ours is lost, and the answer's `a=rtcp-xr`.
async fn extended(faults: &[Fault], able: bool, asked: &str) -> (Vec<Block>, Option<String>) {
    let lab = Lab::switched_on(faults, |config| config.extended_reports = able).await;
    lab.accept_registration().await;
    let mut odd = lab.rtp.local_addr();
    odd.set_port(odd.port() + 1);
    let ears = lab.net.bind(odd).await.unwrap();
    let mouth = lab.net.bind("10.0.0.1:7000".parse().unwrap()).await.unwrap();
    let sdp = lab
        .sdp("sendrecv", 1)
        .replace("a=sendrecv", &format!("{asked}a=sendrecv"));
    let dialogue = lab.call_with(&sdp).await;
    let answered = dialogue.ok.sdp().unwrap().unwrap();
    let attribute = answered.rtcp_xr(answered.audio().unwrap()).map(str::to_owned);
    let to = media_of(&dialogue.ok);
    let mut stream = Packetizer::new(0, 77, 1, 1);
    for number in 0..500 {
        let packet = stream.next(&[0xff; 160], 160, number == 0);
        if number % 4 != 3 {
            mouth.send(to, &packet).unwrap();
        }
        lab.sleep(ms(20)).await;
    }
    let mut blocks = Vec::new();
    while let Ok(Ok(datagram)) = tokio::time::timeout(ms(1), ears.recv()).await {
        for report in parse(&datagram.bytes).unwrap() {
            if let Report::ExtendedReport { blocks: more, .. } = report {
                blocks.extend(more);
            }
        }
    }
    (blocks, attribute)
}

#[tokio::test(start_paused = true)]
async fn extended_reports_for_those_who_ask() {
    let asked = "a=rtcp-xr:voip-metrics stat-summary=loss\r\n";
    let loss = |blocks: &[Block]| {
        blocks.iter().rev().find_map(|block| match block {
            Block::VoipMetrics(metrics) => Some(metrics.loss_rate),
            _ => None,
        })
    };
    let (blocks, attribute) = extended(&[], true, asked).await;
    assert!(attribute.is_some_and(|value| value.contains("voip-metrics")));
    assert!(
        blocks
            .iter()
            .any(|block| matches!(block, Block::StatisticsSummary(_)))
    );
    // a quarter, in 256ths
    assert!((56..=68).contains(&loss(&blocks).unwrap()), "{blocks:?}");
    for (faults, able, asked) in [
        (&[][..], true, ""),
        (&[][..], false, asked),
        (&[Fault::XrMissing][..], true, asked),
    ] {
        let (blocks, attribute) = extended(faults, able, asked).await;
        assert!(blocks.is_empty(), "{faults:?} {able} {asked}");
        assert_eq!(attribute.is_some(), able && !asked.is_empty());
    }
    let (blocks, _) = extended(&[Fault::XrLossUnreported], true, asked).await;
    assert_eq!(loss(&blocks), Some(0));
}
