use crate::finding::Finding;
use crate::policy::Policy;
use crate::sdes::attribute::CryptoAttribute;
use crate::{MasterKey, Profile};

/// The offered attribute an answerer takes.
#[derive(Debug, Clone)]
pub struct Choice {
    /// Position in the offer.
    pub position: usize,
    /// Tag the answer has to repeat.
    pub tag: u32,
    /// Its suite.
    pub profile: Profile,
    /// Keys of the offerer: what arrives is protected with them.
    pub keys: Vec<MasterKey>,
    /// What the session parameters ask for; all of them are declarative or were agreed to (RFC 4568 5.1.2).
    pub policy: Policy,
}

/// The first offered attribute that can be used: known to `able`, keys valid, parameters understood. The offerer's order
/// is the preference (RFC 4568 5.1.1, 5.1.2).
#[must_use]
pub fn negotiate(offer: &[CryptoAttribute], able: &[Profile]) -> Option<Choice> {
    offer.iter().enumerate().find_map(|(position, attribute)| {
        let profile = attribute.profile().filter(|profile| able.contains(profile))?;
        let (keys, policy) = (attribute.master_keys().ok()?, attribute.policy().ok()?);
        // also refuses keys that cannot be told apart
        crate::Unprotector::with_policy(keys.clone(), policy.clone()).ok()?;
        Some(Choice {
            position,
            tag: attribute.tag,
            profile,
            keys,
            policy,
        })
    })
}

/// Holds the attributes of an answer against those of its offer (RFC 4568 5.1.2, 5.1.3).
#[must_use]
pub fn check_answer(offer: &[CryptoAttribute], answer: &[CryptoAttribute]) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut push = |code, clause, message: String| findings.push(Finding::new(code, clause, message));
    let [chosen] = answer else {
        push(
            "crypto-answer-count",
            "RFC 4568 5.1.2",
            format!("{} crypto attributes in the answer instead of one", answer.len()),
        );
        return findings;
    };
    let Some(offered) = offer.iter().find(|offered| offered.tag == chosen.tag) else {
        push(
            "crypto-answer-tag",
            "RFC 4568 5.1.2",
            format!("tag {} was not offered", chosen.tag),
        );
        return findings;
    };
    if !offered.suite.eq_ignore_ascii_case(&chosen.suite) {
        push(
            "crypto-answer-suite",
            "RFC 4568 5.1.2",
            format!(
                "tag {} was offered with {}, not {}",
                chosen.tag, offered.suite, chosen.suite
            ),
        );
    }
    let repeated = chosen.keys.iter().any(|key| {
        !key.key_salt.is_empty()
            && offer
                .iter()
                .flat_map(|offered| &offered.keys)
                .any(|theirs| theirs.key_salt == key.key_salt)
    });
    if repeated {
        // one key for both directions means one key stream for two payloads when SSRCs meet
        push(
            "crypto-answer-key",
            "RFC 4568 6.1",
            "the answer repeats a key of the offer".to_owned(),
        );
    }
    // RFC 4568 6.3: these hold for both directions and may not be added by an answer
    let negotiated = |attribute: &CryptoAttribute| {
        let mut names: Vec<String> = attribute
            .session
            .iter()
            .map(ToString::to_string)
            .filter(|text| text.starts_with("UN"))
            .collect();
        names.sort_unstable();
        names
    };
    if negotiated(offered) != negotiated(chosen) {
        push(
            "crypto-answer-parameters",
            "RFC 4568 6.3.2, 6.3.3",
            "encryption or authentication was turned off on one side only".to_owned(),
        );
    }
    findings
}
