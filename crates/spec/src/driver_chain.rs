//! The drivers of a device, first to last, and the driver that has SIP itself for its way.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::value::MapAccessDeserializer;
use serde::de::{Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use toml::Spanned;

use crate::{Driver, Located};

/// The drivers of a device in the order in which they are asked: an order that one does not support goes to the next.
/// Written `[driver.NAME]` for one, and for several `[[driver]]` once each, with `[driver.NAME]` below it. Never empty.
#[derive(Debug, Clone, PartialEq)]
pub struct DriverChain(Vec<Located<Driver>>);

impl DriverChain {
    /// The drivers, first to last.
    pub fn iter(&self) -> impl Iterator<Item = &Located<Driver>> {
        self.0.iter()
    }

    /// The drivers, to be changed.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = &mut Driver> {
        self.0.iter_mut().map(Located::value_mut)
    }

    /// The driver, when there is no other.
    pub fn only(&self) -> Option<&Driver> {
        match self.0.as_slice() {
            [one] => Some(one),
            _ => None,
        }
    }

    /// The names of the drivers for reports: `sip, manual`.
    pub fn name(&self) -> String {
        let names: Vec<&str> = self.0.iter().map(|driver| driver.name()).collect();
        names.join(", ")
    }

    /// Whether a person does in the end what no driver can, although the file does not name one: a device under remote
    /// control has a user, unless the file says that nobody is there.
    pub fn ends_with_a_person(&self) -> bool {
        self.0.iter().all(|driver| match &**driver {
            Driver::Web(web) => !web.unattended,
            Driver::Sip(sip) => !sip.unattended,
            _ => false,
        })
    }
}

impl From<Driver> for DriverChain {
    fn from(driver: Driver) -> Self {
        Self(vec![Located::synthetic(driver)])
    }
}

impl Serialize for DriverChain {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.only() {
            Some(driver) => driver.serialize(serializer),
            None => self.0.serialize(serializer),
        }
    }
}

/// What stands under `driver`.
enum Written {
    One(Driver),
    Several(Vec<Located<Driver>>),
}

impl<'de> Deserialize<'de> for Written {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;
        impl<'de> Visitor<'de> for Reader {
            type Value = Written;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("[driver.NAME], or [[driver]] once for each of several")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Written, A::Error> {
                let driver = Driver::deserialize(MapAccessDeserializer::new(&mut map))?;
                match map.next_key::<IgnoredAny>()? {
                    None => Ok(Written::One(driver)),
                    // a table has no order
                    Some(_) => Err(A::Error::custom(
                        "two drivers in one table; write [[driver]] before each, in the order in which they are to be asked",
                    )),
                }
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Written, A::Error> {
                let mut drivers = Vec::new();
                while let Some(driver) = list.next_element()? {
                    drivers.push(driver);
                }
                Ok(Written::Several(drivers))
            }
        }
        deserializer.deserialize_any(Reader)
    }
}

impl<'de> Deserialize<'de> for DriverChain {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let written = Spanned::<Written>::deserialize(deserializer)?;
        let span = written.span();
        match written.into_inner() {
            Written::One(driver) => Ok(Self(vec![Located::at(driver, span)])),
            Written::Several(drivers) if drivers.is_empty() => {
                Err(D::Error::custom("a device without a driver; write [driver.NAME]"))
            }
            Written::Several(drivers) => Ok(Self(drivers)),
        }
    }
}

impl JsonSchema for DriverChain {
    fn schema_name() -> Cow<'static, str> {
        "DriverChain".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let driver = generator.subschema_for::<Driver>();
        schemars::json_schema!({
            "description": "How the device is driven: one driver, or several in the order in which they are asked.",
            "anyOf": [driver.clone(), { "type": "array", "items": driver, "minItems": 1 }],
        })
    }
}

/// How a call of the lab asks the device to answer it without its user.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum AnswerRequest {
    /// `Answer-Mode: Auto` (RFC 5373).
    AnswerMode,
    /// `Priv-Answer-Mode: Auto`: also where the device would not do it for everybody (RFC 5373).
    PrivAnswerMode,
    /// `Call-Info: ...;answer-after=0`, a convention of Snom, Yealink and others.
    CallInfo,
    /// `Alert-Info: ...;info=alert-autoanswer`, a convention of Polycom and others.
    AlertInfo,
}

/// A device that does what the lab tells it by SIP, as its server. What it refuses, the next driver or a person does.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SipDriver {
    /// How the lab's calls ask to be answered by themselves, in the cases that want that.
    pub answer: Vec<AnswerRequest>,
    /// It calls whom a REFER outside of any dialog names (RFC 3515, RFC 5589).
    pub refer: bool,
    /// It takes orders by uaCSTA (ECMA TR/87): answer, reject, dial, hang up, hold, keys, transfer.
    pub csta: bool,
    /// It restarts by NOTIFY `check-sync;reboot=true`, a convention of most phones.
    pub check_sync: bool,
    /// Nobody is there: the device is set up already, and what no driver can tell it is not done.
    pub unattended: bool,
}

impl SipDriver {
    /// Whether there is anything that it can be told.
    pub const fn is_idle(&self) -> bool {
        self.answer.is_empty() && !self.refer && !self.csta && !self.check_sync
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Deserialize, Serialize)]
    struct File {
        driver: DriverChain,
    }

    fn read(text: &str) -> Result<File, String> {
        toml::from_str(text).map_err(|error| error.to_string())
    }

    #[test]
    fn one_driver_or_several_in_order() {
        let one = read("[driver.manual]\nanswers_by_itself = true\n")
            .unwrap()
            .driver;
        assert!(matches!(one.only(), Some(Driver::Manual(manual)) if manual.answers_by_itself));
        assert_eq!(one.name(), "manual");
        let several = read("[[driver]]\n[driver.sip]\nrefer = true\n[[driver]]\n[driver.manual]\n").unwrap();
        assert_eq!(several.driver.name(), "sip, manual");
        assert_eq!(several.driver.only(), None);
        let shown = serde_json::to_value(&several.driver).unwrap();
        assert_eq!(shown[0]["sip"]["refer"], true);
        let again: Vec<Driver> = serde_json::from_value(shown).unwrap();
        assert_eq!(again.len(), 2);
    }

    #[test]
    fn a_person_is_the_last_where_no_driver_is_the_device() {
        let person = |text: &str| read(text).unwrap().driver.ends_with_a_person();
        assert!(person("[driver.sip]\n"));
        assert!(person(
            "[[driver]]\nsip = {}\n[[driver]]\nweb = { interface = \"snom\", address = \"http://192.0.2.7\" }\n"
        ));
        assert!(!person("[[driver]]\nsip = {}\n[[driver]]\nmanual = {}\n"));
        assert!(!person("[[driver]]\nsip = {}\n[[driver]]\nsim = {}\n"));
        assert!(!person("[driver.sip]\nunattended = true\n"));
        assert!(!person("[driver.sim]\n"));
    }

    #[test]
    fn mistakes_are_shown_where_they_stand() {
        for (text, line, words) in [
            (
                "[driver.sip]\nrefer = true\n[driver.manual]\n",
                "line 1",
                "[[driver]]",
            ),
            ("driver = []\n", "line 1", "without a driver"),
            ("driver = 7\n", "line 1", "[driver.NAME]"),
            ("[driver.snom]\n", "line 1", "unknown variant `snom`"),
            (
                "[[driver]]\n[driver.sip]\nanswer = [\"at-once\"]\n",
                "line 3",
                "answer-mode",
            ),
            (
                "[[driver]]\n[driver.sip]\nrefer = true\n[driver.manual]\n",
                "line",
                "driver",
            ),
        ] {
            let error = read(text).unwrap_err();
            assert!(error.contains(line) && error.contains(words), "{text}: {error}");
        }
    }
}
