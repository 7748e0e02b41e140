//! Digest authentication: the vectors of the RFCs and values computed independently (Python hashlib).

use proptest::prelude::*;
use voxproof_sip::{Algorithm, Challenge, Credentials, DigestError};

fn challenge(algorithm: Algorithm, qop: &[&str]) -> Challenge {
    Challenge {
        realm: "voxproof".into(),
        nonce: "n0nce".into(),
        algorithm,
        qop: qop.iter().map(|qop| (*qop).to_owned()).collect(),
        opaque: None,
        stale: false,
    }
}

#[test]
fn rfc_2617_3_5() {
    let challenge = Challenge::parse(
        "Digest realm=\"testrealm@host.com\", qop=\"auth,auth-int\", \
         nonce=\"dcd98b7102dd2f0e8b11d0f600bfb0c093\", opaque=\"5ccc069c403ebaf9f0171e9517f40e41\"",
    )
    .unwrap();
    assert_eq!((challenge.qop.len(), &challenge.algorithm), (2, &Algorithm::Md5));
    let answer = Credentials::answer(
        &challenge,
        "Mufasa",
        "Circle Of Life",
        "GET",
        "/dir/index.html",
        1,
        "0a4f113b",
        b"",
    )
    .unwrap();
    assert_eq!(answer.response, "6629fae49393a05397450978507c4ef1");
    assert_eq!(answer.opaque.as_deref(), Some("5ccc069c403ebaf9f0171e9517f40e41"));
}

#[test]
fn rfc_7616_3_9_1() {
    for (algorithm, expected) in [
        ("MD5", "8ca523f5e9506fed4657c9700eebdbec"),
        (
            "SHA-256",
            "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1",
        ),
    ] {
        let challenge = Challenge::parse(&format!(
            "Digest realm=\"http-auth@example.org\", qop=\"auth, auth-int\", algorithm={algorithm}, \
             nonce=\"7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v\", \
             opaque=\"FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS\""
        ))
        .unwrap();
        let cnonce = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ";
        let answer = Credentials::answer(
            &challenge,
            "Mufasa",
            "Circle of Life",
            "GET",
            "/dir/index.html",
            1,
            cnonce,
            b"",
        )
        .unwrap();
        assert_eq!(answer.response, expected);
    }
}

#[test]
fn nonce_count_is_hexadecimal_and_sess_and_auth_int_are_computed() {
    type Case = (
        Algorithm,
        &'static [&'static str],
        &'static str,
        &'static str,
        u32,
        &'static [u8],
        &'static str,
    );
    let cases: [Case; 5] = [
        (
            Algorithm::Md5,
            &["auth"],
            "REGISTER",
            "sip:example.com",
            10,
            b"",
            "8792de40d9e973049e77d850dd43a926",
        ),
        (
            Algorithm::Md5Sess,
            &["auth"],
            "REGISTER",
            "sip:example.com",
            1,
            b"",
            "fc6adf14afaa873dc5953815c3d0fb82",
        ),
        (
            Algorithm::Sha256Sess,
            &["auth"],
            "REGISTER",
            "sip:example.com",
            1,
            b"",
            "4bc1644f5a88daf8b628cced5c85515745e8887c10e3e09ca4081ca8f0dec5cf",
        ),
        (
            Algorithm::Md5,
            &["auth-int"],
            "INVITE",
            "sip:b@example.com",
            1,
            b"v=0\r\n",
            "17248fc5b6b6bb8c3d0c055b27b3ddc4",
        ),
        (
            Algorithm::Md5,
            &[],
            "REGISTER",
            "sip:example.com",
            1,
            b"",
            "22c007c3cfa542f9acf1f2f146ebd206",
        ),
    ];
    for (algorithm, qop, method, uri, nc, body, expected) in cases {
        let answer = Credentials::answer(
            &challenge(algorithm, qop),
            "alice",
            "secret",
            method,
            uri,
            nc,
            "c",
            body,
        )
        .unwrap();
        assert_eq!(answer.response, expected, "{qop:?}");
        let header = answer.to_header();
        let read = Credentials::parse(&header).unwrap();
        assert_eq!(read, answer, "{header}");
        assert!(read.verify("secret", method, body));
        assert!(!read.verify("wrong", method, body));
        assert!(!read.verify("secret", "BYE", body));
    }
}

#[test]
fn header_forms() {
    let mut asked = challenge(Algorithm::Sha256, &["auth"]);
    asked.opaque = Some("o\"q".into());
    asked.stale = true;
    assert_eq!(
        asked.to_header(),
        "Digest realm=\"voxproof\", nonce=\"n0nce\", opaque=\"o\\\"q\", stale=true, algorithm=SHA-256, qop=\"auth\""
    );
    assert_eq!(Challenge::parse(&asked.to_header()).unwrap(), asked);
    let answer = Credentials::answer(&asked, "a", "b", "INVITE", "sip:x", 26, "c", b"").unwrap();
    assert!(
        answer
            .to_header()
            .ends_with(", cnonce=\"c\", qop=auth, nc=0000001a, opaque=\"o\\\"q\"")
    );
}

#[test]
fn what_cannot_be_answered_says_why() {
    assert_eq!(
        Challenge::parse("NTLM abc").unwrap_err(),
        DigestError::Scheme("NTLM".into())
    );
    assert_eq!(
        Challenge::parse("Digest realm=\"x\"").unwrap_err(),
        DigestError::Missing("nonce")
    );
    assert_eq!(
        Challenge::parse("Digest realm").unwrap_err(),
        DigestError::Malformed("realm".into())
    );
    let answer =
        |challenge: &Challenge| Credentials::answer(challenge, "a", "b", "INVITE", "sip:x", 1, "c", b"");
    let unknown = challenge(Algorithm::Other("SHA-512-256".into()), &[]);
    assert_eq!(
        answer(&unknown).unwrap_err(),
        DigestError::Algorithm("SHA-512-256".into())
    );
    assert_eq!(
        answer(&challenge(Algorithm::Md5, &["auth-conf"])).unwrap_err(),
        DigestError::Qop(vec!["auth-conf".into()])
    );
    let header = "Digest username=\"a\", realm=\"r\", nonce=\"n\", uri=\"u\", response=\"x\", nc=+1";
    assert_eq!(
        Credentials::parse(header).unwrap_err(),
        DigestError::Malformed("nc=+1".into())
    );
    let without_nc = Credentials::parse(&header.replace("nc=+1", "qop=auth")).unwrap();
    assert!(!without_nc.verify("b", "INVITE", b""));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn any_text_is_read_or_refused(text in "(Digest )?[ -~\\u{80}-\\u{ff}]{0,80}") {
        let _ = Challenge::parse(&text).map(|challenge| challenge.to_header());
        let _ = Credentials::parse(&text).map(|credentials| credentials.verify("x", "INVITE", b""));
    }

    #[test]
    fn challenges_round_trip(realm in "[ -~]{0,20}", nonce in "[!-~]{1,20}", stale: bool) {
        let asked = Challenge { realm, nonce, stale, ..challenge(Algorithm::Md5Sess, &["auth", "auth-int"]) };
        prop_assert_eq!(Challenge::parse(&asked.to_header()).unwrap(), asked);
    }
}
