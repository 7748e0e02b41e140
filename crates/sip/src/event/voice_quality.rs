//! `application/vq-rtcpxr` (RFC 6035): voice quality reports.

use std::fmt::{self, Write as _};

use crate::finding::Finding;

/// So many lines and parameters a line are read at most.
const MOST_LINES: usize = 500;
const MOST_PARAMETERS: usize = 64;

/// Kind of a report (RFC 6035 4.6).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum QualityReportKind {
    /// `VQSessionReport`, at the end of the call or between.
    Session,
    /// `VQSessionReport: CallTerm`: the call is over.
    CallTerm,
    /// `VQIntervalReport`.
    Interval,
    /// `VQAlertReport` with what it is about (`Type=NLR ...`).
    Alert(String),
}

/// Metrics lines of one direction, as pairs (`JitterBuffer` with `JBA=3 JBR=2`).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct QualityMetrics {
    /// Line name without its colon and its parameters in order, values unquoted.
    pub lines: Vec<(String, Vec<(String, String)>)>,
}

impl QualityMetrics {
    /// The raw text of a parameter: line and name ignore case.
    pub fn text(&self, line: &str, name: &str) -> Option<&str> {
        self.lines
            .iter()
            .filter(|(known, _)| known.eq_ignore_ascii_case(line))
            .flat_map(|(_, parameters)| parameters)
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    /// A parameter as a number.
    pub fn number(&self, line: &str, name: &str) -> Option<f64> {
        self.text(line, name)?
            .trim()
            .parse()
            .ok()
            .filter(|number: &f64| number.is_finite())
    }

    /// Adds a parameter to a line, which is made when it is not there.
    pub fn set(&mut self, line: &str, name: &str, value: impl fmt::Display) {
        let entry = (name.to_owned(), value.to_string());
        match self.lines.iter_mut().find(|(known, _)| known == line) {
            Some((_, parameters)) => parameters.push(entry),
            None => self.lines.push((line.to_owned(), vec![entry])),
        }
    }

    /// Network packet loss rate in percent (RFC 6035 4.6.2.4.1, `PacketLoss: NLR`).
    pub fn loss_rate(&self) -> Option<f64> {
        self.number("PacketLoss", "NLR")
    }

    /// Packets thrown away by the jitter buffer, in percent.
    pub fn discard_rate(&self) -> Option<f64> {
        self.number("PacketLoss", "JDR")
    }

    /// Round-trip delay in milliseconds.
    pub fn round_trip(&self) -> Option<f64> {
        self.number("Delay", "RTD")
    }

    /// Inter-arrival jitter in milliseconds.
    pub fn jitter(&self) -> Option<f64> {
        self.number("Delay", "IAJ")
    }

    /// Listening quality estimate, 1.0 to 5.0 (`QualityEst: MOSLQ`).
    pub fn mos_lq(&self) -> Option<f64> {
        self.number("QualityEst", "MOSLQ")
    }

    /// Conversational quality estimate, 1.0 to 5.0.
    pub fn mos_cq(&self) -> Option<f64> {
        self.number("QualityEst", "MOSCQ")
    }

    /// Conversational R factor, 0 to 120.
    pub fn r_factor(&self) -> Option<f64> {
        self.number("QualityEst", "RCQ")
    }
}

/// A voice quality report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QualityReport {
    /// Kind.
    pub kind: QualityReportKind,
    /// Header lines: `CallID`, `LocalID`, `RemoteID`, `OrigID`, `LocalAddr` ..., in order.
    pub headers: Vec<(String, String)>,
    /// Metrics of the reporting end.
    pub local: QualityMetrics,
    /// Metrics of the other end, when they are told.
    pub remote: Option<QualityMetrics>,
    /// Dialog the report is about (`DialogID`), when it is told.
    pub dialog_id: Option<String>,
}

impl QualityReport {
    /// Media type of the body.
    pub const MEDIA_TYPE: &'static str = "application/vq-rtcpxr";

    /// An empty report of a call that is over.
    pub fn call_term(call_id: &str, local_id: &str, remote_id: &str) -> Self {
        let header = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        Self {
            kind: QualityReportKind::CallTerm,
            headers: vec![
                header("CallID", call_id),
                header("LocalID", local_id),
                header("RemoteID", remote_id),
            ],
            local: QualityMetrics::default(),
            remote: None,
            dialog_id: None,
        }
    }

    /// The first header line of that name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    /// Reads a body. What is missing, unknown or out of range is a finding (RFC 6035 4.6).
    ///
    /// # Errors
    /// When the first line names no report.
    pub fn parse(body: &[u8]) -> Result<(Self, Vec<Finding>), Finding> {
        let text = String::from_utf8_lossy(body);
        let mut lines = text
            .lines()
            .filter(|line| !line.trim().is_empty())
            .take(MOST_LINES);
        let first = lines.next().unwrap_or_default();
        let kind = kind(first).ok_or_else(|| {
            let shown: String = first.chars().take(80).collect();
            Finding::new(
                "vq-report-invalid",
                "RFC 6035 4.6.1",
                format!("{shown:?} names no report"),
            )
        })?;
        let mut report = Self {
            kind,
            headers: Vec::new(),
            local: QualityMetrics::default(),
            remote: None,
            dialog_id: None,
        };
        let mut findings = Vec::new();
        let mut seen_local = false;
        let mut section = Section::Headers;
        for line in lines {
            let Some((name, value)) = line.split_once(':') else {
                let shown: String = line.chars().take(80).collect();
                findings.push(Finding::new(
                    "vq-report-line",
                    "RFC 6035 4.6.1",
                    format!("{shown:?} has no colon"),
                ));
                continue;
            };
            let (name, value) = (name.trim(), value.trim());
            match name.to_ascii_lowercase().as_str() {
                "localmetrics" => {
                    section = Section::Local;
                    seen_local = true;
                }
                "remotemetrics" => {
                    section = Section::Remote;
                    report.remote = Some(QualityMetrics::default());
                }
                "dialogid" => report.dialog_id = Some(value.to_owned()),
                _ => match (&section, &mut report.remote) {
                    (Section::Local, _) => report.local.lines.push((name.to_owned(), parameters(value))),
                    (Section::Remote, Some(remote)) => {
                        remote.lines.push((name.to_owned(), parameters(value)));
                    }
                    _ => report.headers.push((name.to_owned(), value.to_owned())),
                },
            }
        }
        report.check(seen_local, &mut findings);
        Ok((report, findings))
    }

    fn check(&self, seen_local: bool, findings: &mut Vec<Finding>) {
        let mut push = |code, message: String| findings.push(Finding::new(code, "RFC 6035 4.6.1", message));
        for name in [
            "CallID",
            "LocalID",
            "RemoteID",
            "OrigID",
            "LocalAddr",
            "RemoteAddr",
        ] {
            if self.header(name).is_none_or(str::is_empty) {
                push("vq-report-field-missing", format!("{name} is missing"));
            }
        }
        if !seen_local {
            push("vq-report-field-missing", "LocalMetrics is missing".to_owned());
        }
        let ranges: [(&str, &str, f64, f64); 13] = [
            ("PacketLoss", "NLR", 0.0, 100.0),
            ("PacketLoss", "JDR", 0.0, 100.0),
            ("BurstGapLoss", "BLD", 0.0, 100.0),
            ("BurstGapLoss", "GLD", 0.0, 100.0),
            ("Delay", "RTD", 0.0, 65535.0),
            ("Delay", "ESD", 0.0, 65535.0),
            ("Delay", "IAJ", 0.0, 65535.0),
            ("QualityEst", "RLQ", 0.0, 120.0),
            ("QualityEst", "RCQ", 0.0, 120.0),
            ("QualityEst", "MOSLQ", 1.0, 5.0),
            ("QualityEst", "MOSCQ", 1.0, 5.0),
            // dBm0 with a sign, whatever devices mean by it
            ("Signal", "SL", -128.0, 127.0),
            ("Signal", "NL", -128.0, 127.0),
        ];
        for metrics in std::iter::once(&self.local).chain(&self.remote) {
            for (line, name, least, most) in ranges {
                let Some(text) = metrics.text(line, name) else {
                    continue;
                };
                // 127 stands for "not available" in the fields taken from RFC 3611
                let good = metrics
                    .number(line, name)
                    .is_some_and(|number| (least..=most).contains(&number) || (number - 127.0).abs() < 0.5);
                if !good {
                    let message = format!("{line} {name}={text} is not of {least} to {most}");
                    push("vq-report-out-of-range", message);
                }
            }
        }
    }
}

enum Section {
    Headers,
    Local,
    Remote,
}

fn kind(line: &str) -> Option<QualityReportKind> {
    let (name, rest) = line.split_once(':').unwrap_or((line, ""));
    let rest = rest.trim();
    match name.trim().to_ascii_lowercase().as_str() {
        "vqsessionreport" if rest.eq_ignore_ascii_case("callterm") => Some(QualityReportKind::CallTerm),
        "vqsessionreport" => Some(QualityReportKind::Session),
        "vqintervalreport" => Some(QualityReportKind::Interval),
        "vqalertreport" => Some(QualityReportKind::Alert(rest.to_owned())),
        _ => None,
    }
}

/// `A=1 B="x y" C=3`.
fn parameters(value: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut rest = value.trim_start();
    while let Some((name, after)) = rest.split_once('=') {
        if found.len() >= MOST_PARAMETERS {
            break;
        }
        let after = after.trim_start();
        let (value, next) = match after.strip_prefix('"') {
            Some(quoted) => quoted.split_once('"').unwrap_or((quoted, "")),
            None => after
                .split_once(|c: char| c.is_ascii_whitespace())
                .unwrap_or((after, "")),
        };
        // what stands before the last white space of a name is a stray word
        let name = name.split_ascii_whitespace().last().unwrap_or_default();
        found.push((name.to_owned(), value.to_owned()));
        rest = next.trim_start();
    }
    found
}

fn write_metrics(out: &mut String, name: &str, metrics: &QualityMetrics) -> fmt::Result {
    write!(out, "{name}:\r\n")?;
    for (line, parameters) in &metrics.lines {
        write!(out, "{line}:")?;
        for (name, value) in parameters {
            if value.contains(|c: char| c.is_ascii_whitespace()) {
                write!(out, " {name}=\"{value}\"")?;
            } else {
                write!(out, " {name}={value}")?;
            }
        }
        out.push_str("\r\n");
    }
    Ok(())
}

impl fmt::Display for QualityReport {
    /// The body.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = match &self.kind {
            QualityReportKind::Session => "VQSessionReport\r\n".to_owned(),
            QualityReportKind::CallTerm => "VQSessionReport: CallTerm\r\n".to_owned(),
            QualityReportKind::Interval => "VQIntervalReport\r\n".to_owned(),
            QualityReportKind::Alert(about) => format!("VQAlertReport: {about}\r\n"),
        };
        for (name, value) in &self.headers {
            write!(out, "{name}: {value}\r\n")?;
        }
        write_metrics(&mut out, "LocalMetrics", &self.local)?;
        if let Some(remote) = &self.remote {
            write_metrics(&mut out, "RemoteMetrics", remote)?;
        }
        if let Some(dialog) = &self.dialog_id {
            write!(out, "DialogID: {dialog}\r\n")?;
        }
        f.write_str(&out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const REPORT: &str = "VQSessionReport: CallTerm\r\nCallID: 1890463548@alice\r\nLocalID: Alice <sip:a@x>\r\n\
        RemoteID: <sip:b@x>\r\nOrigID: <sip:a@x>\r\nLocalAddr: IP=192.0.2.1 PORT=5000 SSRC=0x2468abcd\r\n\
        RemoteAddr: IP=192.0.2.2 PORT=5002 SSRC=0x1234abcd\r\nLocalMetrics:\r\n\
        Timestamps: START=2004-10-10T18:23:43Z STOP=2004-10-01T18:26:02Z\r\n\
        SessionDesc: PT=0 PD=PCMU SR=8000 FD=20 FO=\"x y\"\r\nPacketLoss: NLR=5.0 JDR=2.0\r\n\
        Delay: RTD=200 ESD=140 IAJ=2\r\nQualityEst: RCQ=85 MOSLQ=4.2 MOSCQ=4.3\r\nRemoteMetrics:\r\n\
        PacketLoss: NLR=0.0 JDR=127\r\nDialogID: 1890463548@alice;to-tag=8472761;from-tag=9123dh311\r\n";

    #[test]
    fn a_report_round_trips() {
        let (report, findings) = QualityReport::parse(REPORT.as_bytes()).unwrap();
        assert_eq!((report.to_string().as_str(), findings), (REPORT, vec![]));
        assert_eq!(report.kind, QualityReportKind::CallTerm);
        assert_eq!(report.header("callid"), Some("1890463548@alice"));
        let local = &report.local;
        assert_eq!((local.loss_rate(), local.discard_rate()), (Some(5.0), Some(2.0)));
        assert_eq!((local.round_trip(), local.jitter()), (Some(200.0), Some(2.0)));
        assert_eq!(
            (local.mos_lq(), local.mos_cq(), local.r_factor()),
            (Some(4.2), Some(4.3), Some(85.0))
        );
        assert_eq!(local.text("sessiondesc", "FO"), Some("x y"));
        assert_eq!(report.remote.unwrap().loss_rate(), Some(0.0));
    }

    #[test]
    fn what_is_wrong_is_found() {
        let body = "VQIntervalReport\nCallID: c\nnonsense\nLocalMetrics:\nQualityEst: MOSLQ=9.1 RLQ=x\n";
        let (report, findings) = QualityReport::parse(body.as_bytes()).unwrap();
        assert_eq!(report.kind, QualityReportKind::Interval);
        let count = |code| findings.iter().filter(|finding| finding.code == code).count();
        assert_eq!(count("vq-report-line"), 1);
        assert_eq!(count("vq-report-field-missing"), 5);
        assert_eq!(count("vq-report-out-of-range"), 2);
        assert!(QualityReport::parse(b"hello").is_err());
        assert!(QualityReport::parse(b"").is_err());
        let alert = QualityReport::parse(b"VQAlertReport: Type=NLR Severity=Critical Dir=local\r\n").unwrap();
        assert!(matches!(alert.0.kind, QualityReportKind::Alert(text) if text.contains("Critical")));
    }

    #[test]
    fn a_built_report_reads_back() {
        let mut report = QualityReport::call_term("c", "<sip:a@x>", "<sip:b@x>");
        report.local.set("PacketLoss", "NLR", 0.5);
        report.local.set("PacketLoss", "JDR", 0.0);
        let (read, _) = QualityReport::parse(report.to_string().as_bytes()).unwrap();
        assert_eq!(read, report);
    }
}
