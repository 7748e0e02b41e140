//! Storing what a case left, and judging what was stored.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use voxproof_call::CaseCapture;
use voxproof_judge::{judge, sip_log, tracks};
use voxproof_record::{
    CaseEvidence, CaseFinished, EvidenceObject, EvidenceStore, TimelineEvent, Wav, write_capture, write_wav,
};
use voxproof_spec::Tier;

use crate::RunError;

/// What a driven case left, before it is stored.
pub(crate) struct Left {
    pub(crate) case: String,
    pub(crate) rev: u32,
    pub(crate) attempt: u32,
    pub(crate) case_source: Arc<str>,
    pub(crate) capture: CaseCapture,
    pub(crate) speech: Option<Wav>,
    pub(crate) recording: Option<Wav>,
    pub(crate) log: Option<Vec<u8>>,
    pub(crate) recovered: Option<String>,
    pub(crate) wall_s: f64,
    /// Time spent in the steps of the case.
    pub(crate) in_steps: Duration,
}

/// Stores everything, reads it back, and judges what was read.
pub(crate) fn store_and_judge(
    run: &Path,
    run_evidence: &[EvidenceObject],
    left: Left,
    target: Tier,
) -> Result<CaseFinished, RunError> {
    let store = EvidenceStore::new(run);
    let mut objects = vec![store.put("case.toml", left.case_source.as_bytes())?];
    let epoch = left
        .capture
        .timeline
        .entries
        .iter()
        .find_map(|entry| match entry.event {
            TimelineEvent::Epoch { unix_ns, .. } => Some(std::time::Duration::from_nanos(unix_ns)),
            _ => None,
        });
    let capture = write_capture(&left.capture.packets, epoch.unwrap_or_default())?;
    objects.push(store.put("capture.pcapng", &capture)?);
    objects.push(store.put("timeline.jsonl", &left.capture.timeline.to_json_lines())?);
    for (name, wav) in [
        ("device-speech.wav", &left.speech),
        ("device-recording.wav", &left.recording),
    ] {
        if let Some(wav) = wav {
            objects.push(store.put(name, &write_wav(wav)?)?);
        }
    }
    if let Some(log) = left.log.filter(|log| !log.is_empty()) {
        objects.push(store.put("device.log", &log)?);
    }
    // judged is what is on disk, not what is in memory: the later judgement sees the same
    let evidence = CaseEvidence::load(&store, run_evidence, &objects)?;
    let judged = judge(&evidence, target, None)?;
    for (name, wav) in tracks(&evidence)? {
        objects.push(store.put(&name, &write_wav(&wav)?)?);
    }
    objects.push(store.put("sip.log", sip_log(&evidence)?.as_bytes())?);
    let pictures = serde_json::to_vec(&judged.exhibits).unwrap_or_default();
    let exhibits = store.put("exhibits.json", &pictures)?;
    Ok(CaseFinished {
        case: left.case,
        rev: left.rev,
        attempt: left.attempt,
        judgement: judged.judgement,
        evidence: objects,
        exhibits: Some(exhibits),
        recovered: left.recovered,
        wall_s: left.wall_s,
    })
}
