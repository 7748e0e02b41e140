//! A run of everything that can happen, written with the record's own writers.

use std::collections::BTreeMap;
use std::path::Path;

use voxproof_record::{
    BoundResult, CaseFinished, CheckResult, Counts, Designation, DesignationResults, DeviceSummary, Event,
    EvidenceObject, EvidenceStore, Exhibits, FindingResult, IcsSight, IcsSighting, JOURNAL_FORMAT,
    JournalWriter, Judgement, LadderRow, LevelPlot, MeasurementResult, PlannedCase, Run, RunFinished,
    RunStarted, Selection, SuiteSummary, Wav, write_wav,
};
use voxproof_spec::{DecisionRule, IcsDeclaration, Level, LimitSource, Severity, Tier, Verdict};

/// How a run is started.
pub(crate) fn started(plan: Vec<PlannedCase>) -> RunStarted {
    RunStarted {
        format: JOURNAL_FORMAT.into(),
        run_id: "20261121-131822-7f3a".into(),
        tool_version: "0.1.0".into(),
        analyzer_version: "1".into(),
        suite: SuiteSummary {
            id: "ip-phone".into(),
            title: "IP phone basic interoperability".into(),
            release: "2026-11-21".into(),
            sha256: "9b1f0c2d4e5a69788796a5b4c3d2e1f00f1e2d3c4b5a69788796a5b4c3d2e1f0".into(),
            derived_from: "RFC 3261, RFC 3264, RFC 3550, RFC 4733".into(),
            decision_rule: DecisionRule::Simple,
            path: "test-specs/ip-phone".into(),
        },
        device: DeviceSummary {
            manufacturer: "Example Telephones".into(),
            model: "EX-500".into(),
            firmware: "4.2.1".into(),
            driver: "sim".into(),
            capabilities: ["answer", "dial", "hangup", "hold", "loopback"]
                .map(String::from)
                .to_vec(),
            argument: "sim:hold-sendrecv".into(),
        },
        ics: BTreeMap::from([
            ("hold".into(), true),
            ("dtmf".into(), true),
            ("transfer".into(), false),
        ]),
        proforma: proforma(),
        profile: "precert".into(),
        official: false,
        target: Tier::Certified,
        virtual_time: true,
        guest_kernel: None,
        only: Some("id != 'IPP-DTM-002'".into()),
        host: "lab-7, Linux 6.1 x86_64".into(),
        evidence: vec![],
        plan,
    }
}

/// The items of the proforma and the vendor's answers: as seen, denied though seen, denied though mandatory, not observable.
fn proforma() -> Vec<IcsDeclaration> {
    let item = |name: &str, mandatory: &[Tier], declared, observable| IcsDeclaration {
        item: name.into(),
        question: format!("Does the phone have {name}?"),
        mandatory: mandatory.to_vec(),
        condition: None,
        asked: true,
        because: (!mandatory.is_empty()).then(|| "every office needs it".to_owned()),
        declared,
        by_default: false,
        observable,
    };
    vec![
        item("dtmf", &[Tier::Certified, Tier::WorksWith], true, false),
        IcsDeclaration {
            condition: Some("ics.dtmf".into()),
            ..item("hold", &[Tier::Certified], true, true)
        },
        item("transfer", &[Tier::Certified], false, true),
        item("update", &[], false, true),
    ]
}

/// A case of the plan.
pub(crate) fn planned(
    id: &str,
    title: &str,
    purpose: &str,
    requirement: &[&str],
    selection: Selection,
) -> PlannedCase {
    PlannedCase {
        id: id.into(),
        rev: 1,
        title: title.into(),
        purpose: purpose.into(),
        catalogue: Some("B2.4".into()),
        requirement: requirement.iter().map(ToString::to_string).collect(),
        level: if id.contains("TRF") || id.contains("DTM") {
            Level::Extended
        } else {
            Level::Core
        },
        severity: if id.contains("OPT") {
            Severity::Important
        } else {
            Severity::Ko
        },
        tiers: vec![Tier::Certified, Tier::WorksWith],
        duration_s: 8.0,
        selection,
    }
}

/// A SIP row.
pub(crate) fn sip(packet: u32, at_ms: f64, from_device: bool, actor: &str, label: &str) -> LadderRow {
    LadderRow {
        packet: Some(packet),
        at_ms,
        from_device,
        actor: actor.into(),
        label: label.into(),
        kind: "sip".into(),
        detail: message(packet, label),
        mark: None,
        retransmission: false,
        intercepted: None,
    }
}

/// A row between messages.
pub(crate) fn note(kind: &str, at_ms: f64, from_device: bool, actor: &str, label: &str) -> LadderRow {
    LadderRow {
        packet: None,
        kind: kind.into(),
        detail: String::new(),
        ..sip(0, at_ms, from_device, actor, label)
    }
}

fn message(packet: u32, label: &str) -> String {
    let method = label.split(' ').next().unwrap_or_default();
    let first = if method.chars().all(|c| c.is_ascii_digit()) {
        format!("SIP/2.0 {method} OK")
    } else {
        format!("{method} sip:dut@127.0.0.1:5070 SIP/2.0")
    };
    let body = if ["INVITE", "200"].contains(&method) && !label.contains("REGISTER") && !label.contains("BYE")
    {
        "v=0\r\no=- 3973 3973 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 40000 RTP/AVP 0 8 101\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\na=sendrecv\r\n"
    } else {
        ""
    };
    format!(
        "{first}\r\nVia: SIP/2.0/UDP 127.0.0.1:5070;branch=z9hG4bK-{packet};rport\r\nMax-Forwards: 70\r\nFrom: \"Device\" <sip:dut@voxproof.test>;tag=a73kszlfl\r\nTo: <sip:peer_a@voxproof.test>\r\nCall-ID: 3848276298220188511@127.0.0.1\r\nCSeq: {packet} {method}\r\nContact: <sip:dut@127.0.0.1:5070>\r\nUser-Agent: Example EX-500/4.2.1\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

/// A check.
pub(crate) fn check(
    id: &str,
    title: &str,
    verdict: Verdict,
    expected: &str,
    actual: &str,
    clause: &str,
    evidence: &[u32],
) -> CheckResult {
    CheckResult {
        id: id.into(),
        title: title.into(),
        verdict,
        expected: expected.into(),
        actual: actual.into(),
        clause: clause.into(),
        evidence: evidence.to_vec(),
    }
}

/// A judgement with its verdict and first reason.
pub(crate) fn judgement(verdict: Verdict, reason: &str) -> Judgement {
    Judgement {
        verdict,
        reason: reason.into(),
        tiers: BTreeMap::from([(Tier::Certified, verdict), (Tier::WorksWith, verdict)]),
        checks: vec![],
        measurements: vec![],
        findings: vec![],
        rules: vec![],
        ics: vec![],
    }
}

fn measurements() -> Vec<MeasurementResult> {
    let bound = |tier, lower, upper, margin, verdict| BoundResult {
        tier,
        lower,
        upper,
        margin,
        verdict,
    };
    vec![
        MeasurementResult {
            quantity: "active_speech_level".into(),
            stream: "device -> peer_a".into(),
            value: Some(-26.31),
            unit: "dBm0".into(),
            note: "ITU-T P.56 method B, activity 71 %".into(),
            n: 5920,
            uncertainty: Some(0.12),
            limit: "send-level".into(),
            clause: "TIA-920.110 5.3".into(),
            source: LimitSource::Secondary,
            verdict: Verdict::Fail,
            bounds: vec![
                bound(
                    Tier::Certified,
                    Some(-24.0),
                    Some(-14.0),
                    Some(-2.31),
                    Verdict::Fail,
                ),
                bound(
                    Tier::WorksWith,
                    Some(-30.0),
                    Some(-10.0),
                    Some(3.69),
                    Verdict::Pass,
                ),
            ],
        },
        MeasurementResult {
            quantity: "round_trip_delay".into(),
            stream: "peer_a -> device".into(),
            value: Some(87.5),
            unit: "ms".into(),
            note: String::new(),
            n: 1,
            uncertainty: None,
            limit: "round-trip".into(),
            clause: "project proposal".into(),
            source: LimitSource::Proposal,
            verdict: Verdict::Pass,
            bounds: vec![bound(
                Tier::Certified,
                None,
                Some(150.0),
                Some(62.5),
                Verdict::Pass,
            )],
        },
        MeasurementResult {
            quantity: "delay_slips".into(),
            stream: "device -> peer_a".into(),
            value: None,
            unit: "1".into(),
            note: "less than 2 s of active speech".into(),
            n: 0,
            uncertainty: None,
            limit: "delay-slips".into(),
            clause: "RFC 3550 6.4.1".into(),
            source: LimitSource::Verified,
            verdict: Verdict::Inconc,
            bounds: vec![],
        },
    ]
}

/// Speech-like bursts, without a random number.
pub(crate) fn level_plot(stream: &str, wav: Option<&str>) -> LevelPlot {
    let columns = 600;
    let loudness = |at: usize| {
        let t = at as f32 / columns as f32;
        let talk = if (0.08..0.92).contains(&t) {
            ((t * 41.0).sin() * 0.5 + 0.5).powf(0.7)
        } else {
            0.0
        };
        talk * (0.35 + 0.25 * (t * 173.0).sin().abs())
    };
    let envelope = (0..columns)
        .map(|at| (-loudness(at) * 0.93, loudness(at)))
        .collect();
    let level_dbov = (0..columns)
        .map(|at| (20.0 * (loudness(at) * 0.3).max(1e-5).log10()).max(-100.0))
        .collect();
    LevelPlot {
        stream: stream.into(),
        start_s: 1.42,
        duration_s: 6.0,
        envelope,
        level_dbov,
        wav: wav.map(Into::into),
    }
}

fn register_exhibits() -> Exhibits {
    let mut ladder = vec![
        note("action", 0.0, false, "", "restart the device"),
        sip(1, 12.4, true, "registrar", "REGISTER"),
        sip(2, 512.9, true, "registrar", "REGISTER"),
        sip(3, 513.3, false, "registrar", "401 Unauthorized (REGISTER)"),
        sip(4, 515.0, true, "registrar", "REGISTER with credentials"),
        sip(5, 515.8, false, "registrar", "200 OK (REGISTER) expires 60"),
    ];
    ladder[2].retransmission = true;
    ladder[2].detail = ladder[1].detail.clone();
    ladder[1].mark = Some("first".into());
    ladder[5].mark = Some("registered".into());
    Exhibits {
        ladder,
        levels: vec![],
    }
}

fn hold_exhibits() -> Exhibits {
    let mut ladder = vec![
        sip(1, 3.1, false, "peer_a", "INVITE sendrecv"),
        sip(2, 4.0, true, "peer_a", "100 Trying (INVITE)"),
        sip(3, 22.7, true, "peer_a", "180 Ringing (INVITE)"),
        sip(4, 1204.2, true, "peer_a", "200 OK (INVITE) sendrecv"),
        sip(5, 1205.0, false, "peer_a", "ACK"),
        note("rtp", 1224.0, true, "peer_a", "RTP PCMU both ways, 150 packets"),
        note("action", 4230.0, true, "", "device: hold"),
        sip(306, 4251.8, true, "peer_a", "INVITE sendrecv"),
        sip(307, 4252.6, false, "peer_a", "200 OK (INVITE) sendrecv"),
        sip(308, 4254.0, true, "peer_a", "ACK"),
        sip(
            309,
            4400.0,
            true,
            "vq-collector",
            "PUBLISH vq-rtcpxr, a report of the quality of the call so far",
        ),
        sip(310, 4401.0, false, "vq-collector", "200 OK (PUBLISH)"),
        sip(311, 9300.1, false, "peer_a", "BYE"),
        sip(312, 9301.9, true, "peer_a", "200 OK (BYE)"),
    ];
    ladder[7].mark = Some("hold".into());
    Exhibits {
        ladder,
        levels: vec![
            level_plot("device -> peer_a", Some("received-peer_a.wav")),
            level_plot("peer_a -> device", None),
        ],
    }
}

/// Builds a run folder event by event.
pub(crate) struct Builder<'a> {
    folder: &'a Path,
    store: EvidenceStore,
    journal: JournalWriter,
}

impl<'a> Builder<'a> {
    /// Begins the journal.
    pub(crate) fn new(folder: &'a Path, started: RunStarted) -> Self {
        let mut journal = JournalWriter::create(&folder.join("journal.jsonl")).unwrap();
        journal.append(Event::RunStarted(Box::new(started))).unwrap();
        Self {
            folder,
            store: EvidenceStore::new(folder),
            journal,
        }
    }

    /// Stores an evidence object.
    pub(crate) fn put(&self, name: &str, bytes: &[u8]) -> EvidenceObject {
        self.store.put(name, bytes).unwrap()
    }

    /// An attempt at a case; returns what was recorded.
    pub(crate) fn attempt(
        &mut self,
        case: &str,
        attempt: u32,
        judgement: Judgement,
        exhibits: Option<&Exhibits>,
        recovered: Option<&str>,
    ) {
        let mut evidence = vec![self.put("timeline.jsonl", format!("{case} {attempt}\n").as_bytes())];
        if let Some(wav) =
            exhibits.and_then(|exhibits| exhibits.levels.iter().find_map(|plot| plot.wav.as_deref()))
        {
            let wave = Wav {
                sample_rate: 8000,
                samples: vec![0; 48_000],
            };
            evidence.push(self.put(wav, &write_wav(&wave).unwrap()));
        }
        let exhibits =
            exhibits.map(|exhibits| self.put("exhibits.json", &serde_json::to_vec(exhibits).unwrap()));
        self.journal
            .append(Event::CaseStarted {
                case: case.into(),
                attempt,
            })
            .unwrap();
        let finished = CaseFinished {
            case: case.into(),
            rev: 1,
            attempt,
            judgement,
            evidence,
            exhibits,
            recovered: recovered.map(Into::into),
            wall_s: 9.31,
        };
        self.journal
            .append(Event::CaseFinished(Box::new(finished)))
            .unwrap();
    }

    /// Ends the run.
    pub(crate) fn finish(mut self, counts: Counts, designation: DesignationResults) -> Run {
        self.journal
            .append(Event::RunFinished(Box::new(RunFinished {
                counts,
                designation,
                wall_s: 74.2,
                waiting_s: Some(70.1),
            })))
            .unwrap();
        Run::read(self.folder).unwrap()
    }

    /// Leaves the run without an end.
    pub(crate) fn leave(self) -> Run {
        Run::read(self.folder).unwrap()
    }

    /// Somebody stops the run.
    pub(crate) fn interrupt(&mut self) {
        self.journal.append(Event::Interrupted { presses: 1 }).unwrap();
    }
}

/// The cases of the full run.
pub(crate) fn plan() -> Vec<PlannedCase> {
    let run = || Selection::Run;
    vec![
        planned(
            "IPP-REG-001",
            "Phone registers with digest credentials",
            "A phone that does not register cannot be called.",
            &["RFC 3261 10.2", "RFC 3261 22.1", "RFC 8760 2.6"],
            run(),
        ),
        planned(
            "IPP-REG-004",
            "Phone refreshes its registration before it expires",
            "A phone whose registration lapses is out of reach until somebody notices.",
            &["RFC 3261 10.2.4"],
            run(),
        ),
        planned(
            "IPP-CAL-002",
            "Phone answers a call and both sides hear each other",
            "A call without speech in both directions is no call.",
            &["RFC 3261 13.3", "RFC 3264 6"],
            run(),
        ),
        planned(
            "IPP-HLD-003",
            "Phone puts the call on hold and resumes it",
            "The other side of a held call hears silence or music, and never what is said in the room.",
            &["RFC 3264 8.4", "RFC 3261 14.1"],
            run(),
        ),
        planned(
            "IPP-DTM-001",
            "Phone sends digits as telephone events",
            "Voice menus cannot be used by a phone whose digits do not arrive.",
            &["RFC 4733 2.5"],
            run(),
        ),
        planned(
            "IPP-DTM-002",
            "Phone sends the end of a telephone event three times",
            "A digit whose only end is lost becomes a long digit.",
            &["RFC 4733 2.5.1.4"],
            Selection::NotSelected,
        ),
        planned(
            "IPP-TRF-001",
            "Phone transfers a call without asking first",
            "Callers cannot be handed on.",
            &["RFC 5589 6.1"],
            Selection::NotApplicable {
                reason: "the device does not claim ics.transfer".into(),
            },
        ),
        planned(
            "IPP-OPT-001",
            "Phone answers OPTIONS outside of a dialog",
            "Servers that watch phones take a silent phone for a dead one.",
            &["RFC 3261 11.2"],
            run(),
        ),
    ]
}

/// A run with every outcome, two attempts at one case, and evidence.
pub(crate) fn full_run(folder: &Path) -> Run {
    let mut started = started(plan());
    let store = EvidenceStore::new(folder);
    started.evidence = vec![
        store.put("suite.toml", b"id = \"ip-phone\"\n").unwrap(),
        store.put("limits/audio.toml", b"# limits\n").unwrap(),
    ];
    let mut builder = Builder::new(folder, started);

    let mut passed = judgement(Verdict::Pass, "");
    passed.checks = vec![
        check(
            "registers",
            "The device sends REGISTER within 10 s",
            Verdict::Pass,
            "count(REGISTER) >= 1",
            "3",
            "RFC 3261 10.2",
            &[1, 2, 4],
        ),
        check(
            "credentials",
            "Its credentials are right",
            Verdict::Pass,
            "msg.credentials_valid",
            "true",
            "RFC 3261 22.4",
            &[4],
        ),
    ];
    passed.findings = vec![FindingResult {
        rule: "digest-md5-only".into(),
        severity: Severity::Optional,
        clause: "RFC 8760 2.4".into(),
        message: "the device answered the MD5 challenge and left the SHA-256 challenge above it aside".into(),
        evidence: vec![4],
    }];
    builder.attempt("IPP-REG-001", 1, passed, Some(&register_exhibits()), None);

    builder.attempt(
        "IPP-REG-004",
        1,
        judgement(
            Verdict::Inconc,
            "the lab sent a packet 41 ms late; the suite allows 20 ms",
        ),
        None,
        None,
    );

    let mut both = judgement(
        Verdict::Fail,
        "active speech level −26.3 dBm0 is below −24 dBm0 (Certified), margin −2.3 dBm0",
    );
    both.tiers.insert(Tier::WorksWith, Verdict::Pass);
    both.checks = vec![check(
        "answered",
        "The call is answered",
        Verdict::Pass,
        "msg.status == 200",
        "200",
        "RFC 3261 13.3",
        &[4],
    )];
    both.measurements = measurements();
    builder.attempt("IPP-CAL-002", 1, both, Some(&hold_exhibits()), None);

    let mut held = judgement(
        Verdict::Fail,
        "the offer at hold has direction sendrecv, expected sendonly or inactive",
    );
    held.checks = vec![
        check(
            "offers-hold",
            "The new offer stops the other side",
            Verdict::Fail,
            "msg.sdp.audio.direction in [\"sendonly\", \"inactive\"]",
            "msg.sdp.audio.direction = \"sendrecv\"",
            "RFC 3264 8.4",
            &[306],
        ),
        check(
            "same-dialog",
            "It is sent inside the dialog",
            Verdict::Pass,
            "msg.to.tag == marks.answer.to.tag",
            "same tag",
            "RFC 3261 14.1",
            &[306, 999],
        ),
    ];
    builder.attempt("IPP-HLD-003", 1, held, Some(&hold_exhibits()), None);
    let mut again = judgement(Verdict::Pass, "");
    again.checks = vec![check(
        "offers-hold",
        "The new offer stops the other side",
        Verdict::Pass,
        "msg.sdp.audio.direction in [\"sendonly\", \"inactive\"]",
        "msg.sdp.audio.direction = \"sendonly\"",
        "RFC 3264 8.4",
        &[306],
    )];
    builder.attempt(
        "IPP-HLD-003",
        2,
        again,
        Some(&hold_exhibits()),
        Some("it was still in a call after the case before"),
    );

    builder.attempt(
        "IPP-DTM-001",
        1,
        judgement(
            Verdict::Error,
            "the device driver could not press a digit: connection refused",
        ),
        None,
        None,
    );

    let mut options = judgement(Verdict::Pass, "");
    options.ics = vec![
        IcsSighting {
            item: "hold".into(),
            chances: 1,
            seen: 0,
            first: None,
        },
        IcsSighting {
            item: "update".into(),
            chances: 3,
            seen: 2,
            first: Some(IcsSight {
                packet: Some(2),
                what: "UPDATE in Allow in 200 (OPTIONS)".into(),
            }),
        },
    ];
    options.checks = vec![check(
        "allow",
        "The answer lists the methods",
        Verdict::Pass,
        "msg.allow.size() >= 6",
        "9",
        "RFC 3261 11.2",
        &[2],
    )];
    builder.attempt(
        "IPP-OPT-001",
        1,
        options,
        Some(&Exhibits {
            ladder: vec![
                sip(1, 0.9, false, "peer_a", "OPTIONS"),
                sip(2, 3.3, true, "peer_a", "200 OK (OPTIONS)"),
            ],
            levels: vec![],
        }),
        None,
    );

    let reasons = vec![
        "ICS item transfer is mandatory for Certified, and its file denies it: every office needs it"
            .to_owned(),
        "IPP-CAL-002 failed (knock-out)".to_owned(),
        "IPP-HLD-003 is inconclusive: its attempts disagree".to_owned(),
        "IPP-REG-004 is inconclusive".to_owned(),
        "IPP-DTM-001 ended in error".to_owned(),
    ];
    builder.finish(
        Counts {
            pass: 2,
            fail: 1,
            inconc: 2,
            error: 1,
            not_applicable: 1,
            not_run: 1,
        },
        DesignationResults {
            certified: Designation {
                meets: false,
                granted: false,
                reasons,
            },
            works_with: Designation {
                meets: true,
                granted: true,
                reasons: vec![],
            },
        },
    )
}
