//! The page says everything a reader needs, and asks nothing of the network.

use crate::markup::{page, skeleton};
use crate::synthetic::full_run;

#[test]
fn everything_is_on_the_page() {
    let folder = tempfile::tempdir().unwrap();
    let run = full_run(folder.path());
    let page = page(&run);
    skeleton(&page);
    for text in [
        "Example Telephones EX-500",
        "4.2.1",
        "20261121-131822-7f3a",
        "Unofficial results; not a certification or endorsement",
        "does not meet the requirements of Certified",
        "meets the requirements of Works with",
        "9b1f0c2d4e5a69788796a5b4c3d2e1f00f1e2d3c4b5a69788796a5b4c3d2e1f0",
        "simple acceptance",
        "virtual time",
        "lab-7, Linux 6.1 x86_64",
        "voxproof 0.1.0, analyzer 1",
        "the device does not claim ics.transfer",
        "left out by --only id != &#39;IPP-DTM-002&#39;",
        "Attempt 1 of 2",
        "Attempt 2 of 2",
        "the attempts disagree",
        "it was still in a call after the case before",
        "\u{2212}24 to \u{2212}14\u{a0}dBm0",
        "at most 150\u{a0}ms",
        "<span class=\"source s-secondary\">secondary</span>",
        "<span class=\"source s-proposal\">proposal</span>",
        "u = 0.12\u{a0}dBm0",
        "n = 5920",
        "not measured",
        "the device answered the MD5 challenge",
        "REGISTER (again)",
        "The same text as packet",
        "End of report <code>20261121-131822-7f3a</code>",
    ] {
        assert!(page.contains(text), "{text} is missing");
    }
    for word in ["PASS", "FAIL", "INCONC", "ERROR", "NOT APPLICABLE", "NOT RUN"] {
        assert!(page.contains(&format!(">{word}</span>")), "{word}");
    }
    for case in &run.cases {
        let id = &case.planned.id;
        assert!(
            page.contains(&format!("<section class=\"case\" id=\"{id}\"")),
            "section of {id}"
        );
        assert!(
            page.contains(&format!("<th scope=\"row\"><a href=\"#{id}\">")),
            "row of {id}"
        );
    }
}

#[test]
fn the_page_is_one_file() {
    let folder = tempfile::tempdir().unwrap();
    let page = page(&full_run(folder.path()));
    for outside in [
        "http:", "https:", "src=", "url(", "@import", "<link", "<iframe", "<object", "<base",
    ] {
        assert!(!page.contains(outside), "{outside}");
    }
    assert!(page.contains("default-src 'none'"));
}

#[test]
fn every_inner_link_has_its_target_and_every_target_is_one() {
    let folder = tempfile::tempdir().unwrap();
    let page = page(&full_run(folder.path()));
    let values = |key: &str| -> Vec<String> {
        page.split(key)
            .skip(1)
            .map(|rest| rest.split('"').next().unwrap_or_default().to_owned())
            .collect()
    };
    let mut ids = values(" id=\"");
    let links = values("href=\"#");
    assert!(links.len() > 40, "{}", links.len());
    for link in links {
        assert!(ids.contains(&link), "#{link} leads nowhere");
    }
    let count = ids.len();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), count);
    // a packet of a check that is no SIP message has nothing to link to and is named all the same
    assert!(page.contains(">306</a>, 999<"));
}

#[test]
fn evidence_is_linked_relative_to_the_run() {
    let folder = tempfile::tempdir().unwrap();
    let run = full_run(folder.path());
    let page = page(&run);
    let object = run.cases[2].attempts[0]
        .evidence
        .iter()
        .find(|object| object.name == "received-peer_a.wav")
        .unwrap();
    assert!(page.contains(&format!("<a href=\"{}\">received-peer_a.wav</a>", object.path)));
    assert!(page.contains(&object.sha256[..16]));
    assert!(
        !page.contains(&folder.path().display().to_string()),
        "no path of the lab's host"
    );
}

#[test]
fn a_verdict_that_changed_between_attempts_is_traced_with_both() {
    let folder = tempfile::tempdir().unwrap();
    let page = page(&full_run(folder.path()));
    assert!(page.contains(
        "<code>offers-hold</code> <span class=\"v v-fail\">FAIL</span> <span class=\"v v-pass\">PASS</span></span>"
    ));
}
