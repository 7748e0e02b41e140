//! The torture messages of RFC 4475, when the shared corpus is there.

use std::path::Path;

use voxproof_sip::{Message, Severity, StartLine};

/// Each message with the violations it is known for; those of section 3.1.1 come from RFC 2543 times at most.
const EXPECTED: [(&str, &[&str]); 49] = [
    // 3.1.1: valid messages
    ("wsinv", &["branch-cookie-missing"]),
    ("intmeth", &[]),
    ("esc01", &[]),
    ("escnull", &[]),
    ("esc02", &[]),
    ("lwsdisp", &[]),
    ("longreq", &["branch-cookie-missing"]),
    ("dblreq", &[]),
    ("semiuri", &[]),
    ("transports", &[]),
    ("mpart01", &[]),
    ("unreason", &[]),
    ("noreason", &[]),
    // 3.1.2: invalid messages
    ("badinv01", &["branch-cookie-missing", "via-invalid"]),
    ("clerr", &["content-length-too-large"]),
    ("ncl", &["content-length-invalid"]),
    (
        "scalar02",
        &["cseq-out-of-range", "max-forwards-invalid", "expires-invalid"],
    ),
    (
        "scalarlg",
        &["to-tag-missing", "cseq-out-of-range", "retry-after-invalid"],
    ),
    ("quotbal", &["uri-invalid"]),
    (
        "ltgtruri",
        &["request-uri-in-brackets", "branch-cookie-missing", "uri-invalid"],
    ),
    ("lwsruri", &["start-line-whitespace", "uri-invalid"]),
    ("lwsstart", &["start-line-whitespace"]),
    ("trws", &["start-line-whitespace"]),
    ("escruri", &["request-uri-headers"]),
    ("baddate", &["date-invalid"]),
    ("regbadct", &["brackets-missing"]),
    ("badaspec", &["address-spaces"]),
    ("baddn", &["display-name-unquoted", "display-name-unquoted"]),
    ("badvers", &["version-unsupported", "via-protocol"]),
    ("mismatch01", &["cseq-method-mismatch"]),
    ("mismatch02", &["cseq-method-mismatch"]),
    ("bigcode", &["status-code-invalid"]),
    // 3.2 to 3.4: for the layers above
    ("badbranch", &["branch-cookie-missing"]),
    (
        "insuf",
        &[
            "header-missing",
            "header-missing",
            "header-missing",
            "header-missing",
            "contact-count",
        ],
    ),
    ("unkscm", &[]),
    ("novelsc", &[]),
    ("unksm2", &[]),
    ("bext01", &[]),
    ("invut", &[]),
    ("regaut01", &[]),
    (
        "multi01",
        &[
            "header-repeated",
            "header-repeated",
            "header-repeated",
            "header-repeated",
            "header-repeated",
            "contact-count",
        ],
    ),
    ("mcl01", &["content-length-conflict", "content-length-repeated"]),
    ("bcast", &[]),
    ("zeromf", &[]),
    ("cparam01", &[]),
    ("cparam02", &[]),
    ("regescrt", &[]),
    ("sdp01", &[]),
    (
        "inv2543",
        &[
            "header-missing",
            "from-tag-missing",
            "branch-cookie-missing",
            "contact-count",
        ],
    ),
];

type Entry = (&'static str, &'static [&'static str], Vec<u8>);

fn corpus() -> Option<Vec<Entry>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpus/rfc4475");
    if !folder.is_dir() {
        println!("skipped: {} is not there", folder.display());
        return None;
    }
    let read = |name: &str| std::fs::read(folder.join(format!("{name}.dat"))).expect("a file of the corpus");
    Some(
        EXPECTED
            .iter()
            .map(|(name, codes)| (*name, *codes, read(name)))
            .collect(),
    )
}

#[test]
fn every_message_keeps_its_bytes() {
    for (name, _, bytes) in corpus().unwrap_or_default() {
        let message = Message::parse(&bytes);
        assert_eq!(message.bytes(), bytes, "{name}");
        // start line, header fields, body and trailing bytes lie next to each other without a gap
        let lines = message.header_lines();
        assert!(
            lines.windows(2).all(|pair| pair[0].raw.end == pair[1].raw.start),
            "{name}"
        );
        let last = lines.last().expect("header fields").raw.end;
        let tail = bytes.len() - message.body().len() - message.trailing().len();
        assert!(matches!(&bytes[last..tail], b"\r\n" | b""), "{name}");
    }
}

#[test]
fn every_message_has_the_findings_it_is_known_for() {
    for (name, expected, bytes) in corpus().unwrap_or_default() {
        let findings = Message::parse(&bytes).validate();
        let violations = findings
            .iter()
            .filter(|finding| finding.severity() == Severity::Violation);
        assert_eq!(
            violations.map(|finding| finding.code).collect::<Vec<_>>(),
            expected,
            "{name}"
        );
    }
}

#[test]
fn hard_values_are_read() {
    let Some(corpus) = corpus() else { return };
    let message = |wanted: &str| {
        let (_, _, bytes) = corpus
            .iter()
            .find(|(name, ..)| *name == wanted)
            .expect("a message of the corpus");
        Message::parse(bytes)
    };
    let wsinv = message("wsinv");
    assert_eq!(wsinv.from().unwrap().display.as_deref(), Some("J Rosenberg \\\""));
    assert_eq!(wsinv.to().unwrap().tag(), Some("1918181833n"));
    let hops: Vec<_> = wsinv
        .vias()
        .into_iter()
        .map(|via| (via.transport, via.host))
        .collect();
    let expected = [
        ("UDP", "192.0.2.2"),
        ("TCP", "spindle.example.com"),
        ("UDP", "192.168.255.111"),
    ];
    assert_eq!(
        hops,
        expected.map(|(transport, host)| (transport.to_owned(), host.to_owned()))
    );
    assert_eq!(wsinv.contacts()[0].params.value("q"), Some("0.33"));
    assert_eq!(wsinv.sdp().unwrap().unwrap().media.len(), 2);

    let intmeth = message("intmeth");
    assert_eq!(
        intmeth.method(),
        Some("!interesting-Method0123456789_*+`.%indeed'~")
    );
    assert_eq!(intmeth.cseq().unwrap().method, intmeth.method().unwrap());
    assert_eq!(intmeth.from().unwrap().tag(), Some("_token~1'+`*%!-."));

    assert_eq!(message("longreq").vias().len(), 34);
    let dblreq = message("dblreq");
    assert!(
        dblreq
            .trailing()
            .starts_with(b"\r\nINVITE sip:joe@example.com SIP/2.0")
    );
    assert_eq!(message("mcl01").body().len(), 13);
    let transports: Vec<_> = message("transports")
        .vias()
        .into_iter()
        .map(|via| via.transport)
        .collect();
    assert_eq!(transports, ["UDP", "SCTP", "TLS", "UNKNOWN", "TCP"]);
    assert!(
        matches!(message("bigcode").start_line(), StartLine::Malformed(line) if line.starts_with(b"SIP/2.0 42949"))
    );
    assert_eq!(message("noreason").reason(), Some(""));
}
