//! The report of a call's quality (RFC 6035).

use crate::lab::{Lab, media_of, ms, speech};
use voxproof_simphone::Fault;
use voxproof_sip::event::QualityReport;

#[tokio::test(start_paused = true)]
async fn the_collector_gets_a_report_of_each_call() {
    for (faults, reports) in [(&[][..], true), (&[Fault::QualityReportMissing][..], false)] {
        let lab = Lab::switched_on(faults, |config| {
            config.quality_collector = Some("collector".to_owned());
        })
        .await;
        lab.accept_registration().await;
        let mut dialogue = lab.call().await;
        lab.talk(media_of(&dialogue.ok), speech(3));
        lab.sleep(ms(3000)).await;
        lab.send(&dialogue.request("BYE").build());
        let heard = lab.collect(ms(100)).await;
        let publish = heard
            .iter()
            .find(|(_, message)| message.method() == Some("PUBLISH"));
        assert_eq!(publish.is_some(), reports);
        let Some((_, publish)) = publish else { continue };
        assert_eq!(publish.header("event"), Some("vq-rtcpxr"));
        assert_eq!(publish.request_uri(), Some("sip:collector@10.0.0.1:5060"));
        assert_eq!(publish.content_type(), Some("application/vq-rtcpxr"));
        let (report, findings) = QualityReport::parse(publish.body()).unwrap();
        assert!(findings.is_empty(), "{findings:?}");
        assert_eq!(report.header("CallID"), Some(dialogue.call_id.as_str()));
        assert_eq!(report.local.loss_rate(), Some(0.0));
        assert!(report.local.mos_lq().unwrap() > 4.0);
    }
}
