//! The ICS proforma: what a device may claim, what it has to claim, and how a claim shows in what it sends.
//!
//! Status and support are those of an implementation conformance statement (ISO/IEC 9646-7): an item is mandatory,
//! optional, or mandatory on a condition; the device file answers whether the device supports it.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{EvaluationError, Expression, Located, ServiceName, Tier};

/// A feature a device may claim.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct IcsItem {
    /// The question asked of the vendor.
    pub question: String,
    /// What holds when a device file says nothing.
    #[serde(default)]
    pub default: bool,
    /// Designations for which a device has to have it; optional where there is none.
    #[serde(default)]
    pub mandatory: Vec<Located<Tier>>,
    /// The item is mandatory only where this holds of the claims (a conditional item): an expression over `ics`.
    #[serde(default)]
    pub mandatory_if: Option<Located<String>>,
    /// Why it is mandatory, in words that the vendor is told.
    #[serde(default)]
    pub because: Option<String>,
    /// What has to hold of the other items for this one to be claimed: an expression over `ics`.
    #[serde(default)]
    pub requires: Option<Located<String>>,
    /// What the device file has to tell beside the claim.
    #[serde(default)]
    pub ixit: Option<IxitPart>,
    /// How it shows in what the device sends; absent where it cannot be seen.
    #[serde(default)]
    pub observed: Option<Located<Observed>>,
}

/// A part of `[ixit]` that a device may leave out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum IxitPart {
    /// `[ixit.settings]`.
    Settings,
}

/// How a feature shows in what the device sends. Each key is a sign, and one sign is enough.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Observed {
    /// Option tag in Supported or Require (RFC 3261 20.37).
    #[serde(default)]
    pub supported: Option<String>,
    /// Method in Allow (RFC 3261 20.5).
    #[serde(default)]
    pub allow: Option<String>,
    /// Method of a request that the device answers with 2xx.
    #[serde(default)]
    pub accepts: Option<String>,
    /// Method of a request that the device sends.
    #[serde(default)]
    pub sends: Option<String>,
    /// Event package of a SUBSCRIBE or PUBLISH that the device sends (RFC 6665, RFC 3903).
    #[serde(default)]
    pub event: Option<String>,
    /// Header field of a message of the device.
    #[serde(default)]
    pub header: Option<HeaderSign>,
    /// Parameter of the Contact of a REGISTER.
    #[serde(default)]
    pub contact: Option<String>,
    /// Parameter of the topmost Via of a request.
    #[serde(default)]
    pub via: Option<String>,
    /// Transports by which a REGISTER comes: `UDP`, `TCP`, `TLS`, `WS`, `WSS`.
    #[serde(default)]
    pub registers_by: Vec<String>,
    /// Algorithm of digest credentials (RFC 8760).
    #[serde(default)]
    pub digest: Option<String>,
    /// Quality of protection of digest credentials.
    #[serde(default)]
    pub qop: Option<String>,
    /// Encoding name of a format in the audio of an offer or answer (RFC 4855).
    #[serde(default)]
    pub offers: Option<String>,
    /// Attribute of the audio, or of the session, in an offer or answer.
    #[serde(default)]
    pub attribute: Option<String>,
    /// Suite of an `a=crypto` line (RFC 4568).
    #[serde(default)]
    pub crypto: Option<String>,
    /// Code point of the device's RTP packets (RFC 2474).
    #[serde(default)]
    pub dscp: Option<u8>,
    /// A service of the lab that the device uses.
    #[serde(default)]
    pub asks: Option<ServiceName>,
    /// What it does, where no single field shows it.
    #[serde(default)]
    pub does: Option<Behaviour>,
}

impl Observed {
    /// Whether no sign is named.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// A header field that shows a feature.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HeaderSign {
    /// Its name.
    pub name: String,
    /// Method of the requests in which it counts; any message where there is none.
    #[serde(default)]
    pub of: Option<String>,
}

/// What a device does that shows a feature.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Behaviour {
    /// An INVITE outside a dialog that no REFER asked for.
    PlaceCall,
    /// An INVITE or UPDATE in a dialog that offers `sendonly`, or `inactive` to a peer that was not on hold itself (RFC 3264 8.4).
    Hold,
    /// A REFER whose Refer-To names no call (RFC 5589 6).
    BlindTransfer,
    /// A REFER whose Refer-To carries Replaces (RFC 5589 7).
    AttendedTransfer,
    /// An INVITE to a Contact of a 3xx that the device received (RFC 3261 8.1.3.4).
    FollowRedirection,
    /// A request with credentials for two realms (RFC 3261 22.3).
    AnswerTwoRealms,
    /// A REGISTER that ends its own registration (RFC 3261 10.2.2).
    Unregister,
    /// Sender or receiver reports (RFC 3550 6.4).
    Rtcp,
    /// Extended reports with VoIP metrics (RFC 3611 4.7).
    VoipMetrics,
}

/// An item of the proforma with what the device's vendor answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct IcsDeclaration {
    /// Name of the item.
    pub item: String,
    /// The question.
    pub question: String,
    /// Designations for which the proforma makes it mandatory; none: optional.
    pub mandatory: Vec<Tier>,
    /// The condition on which it is mandatory.
    pub condition: Option<String>,
    /// That condition holds of this device, or there is none.
    pub asked: bool,
    /// Why it is mandatory.
    pub because: Option<String>,
    /// The device has it, by its file or by the suite's default.
    pub declared: bool,
    /// The device file says nothing.
    pub by_default: bool,
    /// The suite says how it shows in what the device sends.
    pub observable: bool,
}

impl IcsDeclaration {
    /// `m`, `o` or `c`: mandatory, optional or conditional (ISO/IEC 9646-7).
    pub fn status(&self) -> &'static str {
        match (self.mandatory.is_empty(), &self.condition) {
            (true, _) => "o",
            (false, None) => "m",
            (false, Some(_)) => "c",
        }
    }

    /// Whether a device has to have it for this designation, with what else it claims.
    pub fn is_mandatory_for(&self, tier: Tier) -> bool {
        self.asked && self.mandatory.contains(&tier)
    }

    /// Whether it is asked of the device for this designation and denied.
    pub fn is_missing_for(&self, tier: Tier) -> bool {
        !self.declared && self.is_mandatory_for(tier)
    }

    /// What is said of a mandatory item that is denied.
    pub fn denial(&self) -> Option<String> {
        if self.declared || !self.asked || self.mandatory.is_empty() {
            return None;
        }
        let tiers: Vec<&str> = self.mandatory.iter().map(|tier| tier.title()).collect();
        let condition = self
            .condition
            .as_ref()
            .map(|condition| format!(" where {condition}"))
            .unwrap_or_default();
        let answer = if self.by_default {
            "its file says nothing of it, which counts as no"
        } else {
            "its file denies it"
        };
        let because = self
            .because
            .as_ref()
            .map(|because| format!(": {because}"))
            .unwrap_or_default();
        Some(format!(
            "ICS item {} is mandatory for {}{condition}, and {answer}{because}",
            self.item,
            tiers.join(" and ")
        ))
    }
}

/// The proforma filled in with a device's claims, in order of the items' names.
pub fn declarations(
    proforma: &BTreeMap<String, IcsItem>,
    claimed: &BTreeMap<Located<String>, bool>,
) -> Result<Vec<IcsDeclaration>, EvaluationError> {
    let claim = |item: &str| {
        claimed
            .iter()
            .find(|(name, _)| name.as_str() == item)
            .map(|(_, claimed)| *claimed)
    };
    let answers: Map<String, Value> = proforma
        .iter()
        .map(|(item, about)| (item.clone(), claim(item).unwrap_or(about.default).into()))
        .collect();
    let answers = Value::Object(answers);
    proforma
        .iter()
        .map(|(item, about)| {
            let asked = match &about.mandatory_if {
                None => true,
                Some(condition) => Expression::parse(condition)?.evaluate(&[("ics", &answers)])?,
            };
            Ok(IcsDeclaration {
                item: item.clone(),
                question: about.question.clone(),
                mandatory: about.mandatory.iter().map(|tier| **tier).collect(),
                condition: about.mandatory_if.as_ref().map(|text| text.to_string()),
                asked,
                because: about.because.clone(),
                declared: claim(item).unwrap_or(about.default),
                by_default: claim(item).is_none(),
                observable: about.observed.is_some(),
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PROFORMA: &str = r#"
        [outgoing]
        question = "q"
        default = true
        mandatory = ["certified", "works-with"]
        because = "a phone that cannot call is none"
        [redirect]
        question = "q"
        mandatory = ["certified"]
        mandatory_if = "ics.outgoing"
        because = "calls of people who moved are lost"
        observed = { does = "follow-redirection" }
        [message]
        question = "q"
    "#;

    fn filled_in(claims: &[(&str, bool)]) -> Vec<IcsDeclaration> {
        let proforma = toml::from_str(PROFORMA).unwrap();
        let claimed = claims
            .iter()
            .map(|(item, claimed)| (Located::synthetic((*item).to_owned()), *claimed))
            .collect();
        declarations(&proforma, &claimed).unwrap()
    }

    fn missing(all: &[IcsDeclaration], tier: Tier) -> Vec<&str> {
        let missing = all.iter().filter(|one| one.is_missing_for(tier));
        missing.map(|one| one.item.as_str()).collect()
    }

    #[test]
    fn status_and_support() {
        let all = filled_in(&[("redirect", true)]);
        let found: Vec<_> = all
            .iter()
            .map(|one| (one.item.as_str(), one.status(), one.declared, one.by_default))
            .collect();
        assert_eq!(
            found,
            [
                ("message", "o", false, true),
                ("outgoing", "m", true, true),
                ("redirect", "c", true, false)
            ]
        );
        assert!(all.iter().all(|one| one.denial().is_none()));
    }

    #[test]
    fn an_item_that_nothing_is_said_of_is_denied_where_its_default_is_no() {
        let all = filled_in(&[]);
        assert_eq!(missing(&all, Tier::Certified), ["redirect"]);
        assert!(missing(&all, Tier::WorksWith).is_empty());
        let denial = all[2].denial().unwrap();
        assert_eq!(
            denial,
            "ICS item redirect is mandatory for Certified where ics.outgoing, and its file says nothing of it, which counts as no: \
             calls of people who moved are lost"
        );
    }

    #[test]
    fn a_condition_that_does_not_hold_asks_for_nothing() {
        let all = filled_in(&[("outgoing", false)]);
        assert_eq!(missing(&all, Tier::Certified), ["outgoing"]);
        assert_eq!(missing(&all, Tier::WorksWith), ["outgoing"]);
        assert!(all[2].denial().is_none());
    }
}
