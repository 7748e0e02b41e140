//! The phone's RTCP.

use crate::lab::{Lab, ms};
use voxproof_net::Endpoint;
use voxproof_rtp::is_rtcp;
use voxproof_rtp::rtcp::{Report, parse};
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
