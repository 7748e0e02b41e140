//! Digest authentication: the vectors of the RFCs and values computed independently (Python hashlib).

use proptest::prelude::*;
use std::time::Duration;

use voxproof_sip::digest::{DigestFault, DigestMistake, DigestUser, Verifier};
use voxproof_sip::{Algorithm, Builder, Challenge, Credentials, DigestError, Message, ReceivedChallenge};

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
    let unknown = challenge(Algorithm::Other("SHA-1".into()), &[]);
    assert_eq!(
        answer(&unknown).unwrap_err(),
        DigestError::Algorithm("SHA-1".into())
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

/// The printed example has SHA-512 cut short; erratum 4897 gives the values of SHA-512/256.
#[test]
fn rfc_7616_3_9_2_as_corrected() {
    let refusal = Message::parse(
        b"SIP/2.0 401 Unauthorized\r\nWWW-Authenticate: Digest realm=\"api@example.org\", qop=\"auth\", \
          algorithm=SHA-512-256, nonce=\"5TsQWLVdgBdmrQ0XsxbDODV+57QdFR34I9HAbC/RVvkK\", \
          opaque=\"HRPCssKJSGjCrkzDg8OhwpzCiGPChXYjwrI2QmXDnsOS\", charset=UTF-8, userhash=true\r\n\r\n",
    );
    let challenges = Challenge::all(&refusal);
    assert_eq!(challenges.len(), 1);
    assert!(challenges[0].userhash && challenges[0].utf8);
    assert_eq!(challenges[0].answered_in, "Authorization");
    let name = "J\u{e4}s\u{f8}n Doe";
    let cnonce = "NTg6RKcb9boFIAS3KrFK9BGeh+iDa/sm6jUMp2wds69v";
    let answer = Credentials::answer(
        &challenges[0].challenge,
        name,
        "Secret, or not?",
        "GET",
        "/doe.json",
        1,
        cnonce,
        b"",
    )
    .unwrap();
    assert_eq!(
        answer.response,
        "3798d4131c277846293534c3edc11bd8a5e4cdcbff78b05db9d95eeb1cec68a5"
    );
    let hashed = answer.clone().with_userhash();
    assert_eq!(
        hashed.username,
        "793263caabb707a56211940d90411ea4a575adeccb7e360aeb624ed06ece9b0b"
    );
    let read = Credentials::parse(&hashed.to_header()).unwrap();
    assert_eq!(read, hashed);
    assert!(read.verify_user(name, "Secret, or not?", "GET", b""));
    assert!(!read.verify_user("Jason Doe", "Secret, or not?", "GET", b""));
    let extended = Credentials::parse(
        "Digest username*=UTF-8''J%C3%A4s%C3%B8n%20Doe, realm=\"r\", nonce=\"n\", uri=\"u\", response=\"x\"",
    )
    .unwrap();
    assert_eq!(extended.username, name);
}

#[test]
fn the_topmost_known_challenge_of_each_realm_is_answered() {
    let refusal = Message::parse(
        b"SIP/2.0 401 Unauthorized\r\nWWW-Authenticate: Digest realm=\"a\", nonce=\"1\", algorithm=SHA-1\r\n\
          WWW-Authenticate: Digest realm=\"a\", nonce=\"2\", algorithm=SHA-256, qop=\"auth\", \
          Digest realm=\"b, c\", nonce=\"3\", qop=\"token\"\r\n\
          WWW-Authenticate: Digest realm=\"a\", nonce=\"4\", algorithm=MD5\r\n\
          Proxy-Authenticate: Digest realm=\"a\", nonce=\"5\"\r\nWWW-Authenticate: Basic realm=\"x\"\r\n\r\n",
    );
    let all = Challenge::all(&refusal);
    assert_eq!(
        all.iter()
            .map(|one| one.challenge.nonce.as_str())
            .collect::<Vec<_>>(),
        ["1", "2", "3", "4", "5"]
    );
    let chosen = ReceivedChallenge::to_answer(&all, &Algorithm::KNOWN);
    assert_eq!(
        chosen
            .iter()
            .map(|one| (one.challenge.nonce.as_str(), one.answered_in))
            .collect::<Vec<_>>(),
        [("2", "Authorization"), ("5", "Proxy-Authorization")]
    );
    let old_phone = ReceivedChallenge::to_answer(&all, &[Algorithm::Md5]);
    assert_eq!(old_phone[0].challenge.nonce, "4");
}

fn register(uri: &str) -> Message {
    Message::parse(&Builder::request("REGISTER", uri).build())
}

/// What the server says to these credentials; each call has a server of its own.
fn verdict(
    change: impl FnOnce(&Credentials) -> String,
    algorithms: &[Algorithm],
    at: Duration,
) -> Vec<DigestFault> {
    let user = DigestUser {
        username: "alice".into(),
        password: "secret".into(),
    };
    let mut server = Verifier::new("voxproof", vec![user])
        .with_algorithms(algorithms)
        .with_opaque("o");
    let challenge = server.challenge(Duration::ZERO, "n1", false).remove(0);
    let right = Credentials::answer(&challenge, "alice", "secret", "REGISTER", "sip:x", 1, "c", b"").unwrap();
    let credentials = Credentials::parse(&change(&right)).unwrap();
    server.check(at, &credentials, &register("sip:x"))
}

#[test]
fn the_server_says_why() {
    let md5 = [Algorithm::Md5];
    assert_eq!(
        verdict(Credentials::to_header, &md5, Duration::from_secs(300)),
        []
    );
    assert_eq!(
        verdict(Credentials::to_header, &md5, Duration::from_secs(301)),
        [DigestFault::NonceStale("n1".into())]
    );
    let wrong = |mistake: DigestMistake| {
        verdict(
            |right| right.with_mistake(&mistake, "alice", "secret", "REGISTER", b""),
            &md5,
            Duration::ZERO,
        )
    };
    assert_eq!(
        wrong(DigestMistake::Response),
        [DigestFault::WrongResponse { likely: None }]
    );
    assert_eq!(
        wrong(DigestMistake::Password(String::new())),
        [DigestFault::WrongResponse {
            likely: Some("computed with an empty password")
        }]
    );
    assert_eq!(
        wrong(DigestMistake::Nonce("old".into())),
        [DigestFault::NonceUnknown("old".into())]
    );
    assert_eq!(
        wrong(DigestMistake::Username("bob".into())),
        [DigestFault::UnknownUser("bob".into())]
    );
    assert!(matches!(
        wrong(DigestMistake::Realm("other".into()))[..],
        [DigestFault::WrongRealm { .. }]
    ));
    assert!(matches!(
        wrong(DigestMistake::Uri("sip:y".into()))[..],
        [DigestFault::WrongUri { .. }]
    ));
    assert!(matches!(
        wrong(DigestMistake::Algorithm(Algorithm::Sha256))[..],
        [DigestFault::WrongAlgorithm { .. }]
    ));
    assert_eq!(wrong(DigestMistake::Opaque(None)), [DigestFault::WrongOpaque]);
    assert!(matches!(
        wrong(DigestMistake::Qop("auth-int".into()))[..],
        [DigestFault::WrongQop { .. }]
    ));
    assert_eq!(
        wrong(DigestMistake::NonceCount(7)),
        [DigestFault::NonceCountNotFirst(7)]
    );
    assert!(wrong(DigestMistake::WithoutNonceCount).contains(&DigestFault::Missing("nc")));
    assert!(wrong(DigestMistake::WithoutCnonce).contains(&DigestFault::Missing("cnonce")));
    assert_eq!(wrong(DigestMistake::QuotedTokens), []);
    assert_eq!(wrong(DigestMistake::UpperCase), []);
}

#[test]
fn a_nonce_count_is_good_once() {
    let user = DigestUser {
        username: "alice".into(),
        password: "secret".into(),
    };
    let mut server = Verifier::new("voxproof", vec![user]);
    let challenge = server.challenge(Duration::ZERO, "n1", false).remove(0);
    let answer =
        |nc| Credentials::answer(&challenge, "alice", "secret", "REGISTER", "sip:x", nc, "c", b"").unwrap();
    assert_eq!(server.check(Duration::ZERO, &answer(1), &register("sip:x")), []);
    assert_eq!(
        server.check(Duration::ZERO, &answer(1), &register("sip:x")),
        [DigestFault::NonceCountReplayed { last: 1, found: 1 }]
    );
    assert_eq!(server.check(Duration::ZERO, &answer(3), &register("sip:x")), []);
    server.withdraw_nonces();
    assert_eq!(
        server.check(Duration::ZERO, &answer(4), &register("sip:x")),
        [DigestFault::NonceStale("n1".into())]
    );
}

#[test]
fn auth_int_covers_the_body() {
    let asked = challenge(Algorithm::Sha256, &["auth", "auth-int"]);
    let answer =
        Credentials::answer_with_integrity(&asked, "a", "b", "INVITE", "sip:x", 1, "c", b"body").unwrap();
    assert_eq!(answer.qop.as_deref(), Some("auth-int"));
    assert!(answer.verify("b", "INVITE", b"body"));
    assert!(!answer.verify("b", "INVITE", b"other"));
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
