//! Digest authentication of the phone's requests (RFC 3261 22, RFC 8760).

use std::collections::HashMap;

use voxproof_sip::{Builder, Challenge, Credentials, IdSource, Message};

/// So many challenges to one request are answered at most: a server that is never satisfied must not make a loop.
const MOST_ATTEMPTS: u8 = 4;

/// The phone's name and password and how often each nonce was used.
#[derive(Debug)]
pub(crate) struct Authentication {
    username: String,
    password: String,
    counts: HashMap<String, u32>,
}

/// A challenge with the header that answers it.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) header: &'static str,
    pub(crate) value: String,
    pub(crate) challenge: Challenge,
}

impl Authentication {
    pub(crate) fn new(username: &str, password: &str) -> Self {
        Self {
            username: username.to_owned(),
            password: password.to_owned(),
            counts: HashMap::new(),
        }
    }

    /// Credentials for one challenge; `None` when its algorithm is not known.
    pub(crate) fn credentials(
        &mut self,
        challenge: &Challenge,
        method: &str,
        uri: &str,
        body: &[u8],
        ids: &mut IdSource,
    ) -> Option<String> {
        // the count says how often this nonce was used, hexadecimal on the wire (RFC 7616 3.4)
        let known = self.counts.get(&challenge.nonce).copied().unwrap_or(0);
        let cnonce = ids.token(16);
        let credentials = Credentials::answer(
            challenge,
            &self.username,
            &self.password,
            method,
            uri,
            known + 1,
            &cnonce,
            body,
        )
        .ok()?;
        if self.counts.len() > 1000 {
            self.counts.clear();
        }
        self.counts.insert(challenge.nonce.clone(), known + 1);
        Some(credentials.to_header())
    }

    /// Credentials for a refused request, one for each realm, or `None` when another attempt makes no sense: no
    /// challenge can be answered, or name and password were refused.
    pub(crate) fn answer(
        &mut self,
        request: &Message,
        refusal: &Message,
        attempts: u8,
        ids: &mut IdSource,
    ) -> Option<Vec<Answer>> {
        let challenges = challenges(refusal);
        let stale = challenges.iter().any(|(_, challenge)| challenge.stale);
        let carried =
            request.header("authorization").is_some() || request.header("proxy-authorization").is_some();
        // a first attempt may carry credentials for an old nonce; later ones were made for this very challenge,
        // unless another server on the path asks now
        let other_server = challenges
            .first()
            .is_some_and(|(name, _)| request.header(name).is_none());
        if attempts >= MOST_ATTEMPTS || (attempts > 0 && carried && !stale && !other_server) {
            return None;
        }
        let (method, uri) = (request.method()?, request.request_uri()?);
        let mut answers: Vec<Answer> = Vec::new();
        for (header, challenge) in challenges {
            // the topmost challenge of a realm that can be answered counts (RFC 8760 2.4)
            if answers
                .iter()
                .any(|answer| answer.challenge.realm == challenge.realm)
            {
                continue;
            }
            if let Some(value) = self.credentials(&challenge, method, uri, request.body(), ids) {
                answers.push(Answer {
                    header,
                    value,
                    challenge,
                });
            }
        }
        (!answers.is_empty()).then_some(answers)
    }
}

/// The Digest challenges of a 401 or 407 with the header that answers them.
pub(crate) fn challenges(refusal: &Message) -> Vec<(&'static str, Challenge)> {
    let (asked, answered) = match refusal.status() {
        Some(401) => ("www-authenticate", "Authorization"),
        Some(407) => ("proxy-authenticate", "Proxy-Authorization"),
        _ => return Vec::new(),
    };
    refusal
        .headers(asked)
        .filter_map(|value| Some((answered, Challenge::parse(value).ok()?)))
        .collect()
}

/// The request once more, as a new transaction: new branch and CSeq number, with credentials (RFC 3261 22.2). Credentials
/// for another server stay.
pub(crate) fn with_credentials(request: &Message, cseq: u32, branch: &str, answers: &[Answer]) -> Vec<u8> {
    let method = request.method().unwrap_or_default();
    let mut builder = Builder::request(method, request.request_uri().unwrap_or_default());
    for line in request.header_lines() {
        let replaced = answers
            .iter()
            .any(|answer| answer.header.eq_ignore_ascii_case(&line.name));
        builder = match line.name.as_str() {
            "via" => match request.top_via() {
                Some(mut via) => {
                    via.params.set("branch", Some(branch));
                    builder.header("Via", via.to_string())
                }
                None => builder,
            },
            "cseq" => builder.header("CSeq", format!("{cseq} {method}")),
            "content-length" | "content-type" => builder,
            _ if replaced => builder,
            _ => builder.header(&line.raw_name, &line.value),
        };
    }
    for answer in answers {
        builder = builder.header(answer.header, &answer.value);
    }
    match request.content_type() {
        Some(content_type) if !request.body().is_empty() => {
            builder.body(content_type, request.body()).build()
        }
        _ => builder.build(),
    }
}
