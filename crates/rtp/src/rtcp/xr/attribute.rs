//! The SDP attribute `a=rtcp-xr` (RFC 3611 5.1).

use std::fmt;
use std::str::FromStr;

/// Why the value of `a=rtcp-xr` is not one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AttributeError {
    /// A size or mode that does not follow the grammar.
    #[error("{0:?} does not follow the grammar of a=rtcp-xr (RFC 3611 5.1)")]
    Format(String),
    /// A format that is given twice.
    #[error("{0:?} is given twice in a=rtcp-xr")]
    Repeated(String),
}

/// Who reports reference times for a round trip (RFC 3611 5.1, `rcvr-rtt`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReceiverRoundTrip {
    /// Any receiver, senders included.
    All,
    /// Only who also sends.
    Sender,
}

/// Parts of the statistics summary (RFC 3611 5.1, `stat-summary`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct StatisticsFlags {
    /// Loss.
    pub loss: bool,
    /// Duplicates.
    pub duplicates: bool,
    /// Jitter.
    pub jitter: bool,
    /// TTL of IPv4.
    pub ttl: bool,
    /// Hop limit of IPv6.
    pub hop_limit: bool,
}

/// The value of `a=rtcp-xr` (RFC 3611 5.1): which blocks a participant wants to receive. A size is the largest block
/// in octets, when one is given. An empty value agrees on the attribute and on no block.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ExtendedReportAttribute {
    /// `pkt-loss-rle`.
    pub loss_run_lengths: Option<Option<u32>>,
    /// `pkt-dup-rle`.
    pub duplicate_run_lengths: Option<Option<u32>>,
    /// `pkt-rcpt-times`.
    pub receipt_times: Option<Option<u32>>,
    /// `rcvr-rtt`.
    pub receiver_round_trip: Option<(ReceiverRoundTrip, Option<u32>)>,
    /// `stat-summary`; without flags nothing in particular is asked for.
    pub statistics_summary: Option<StatisticsFlags>,
    /// `voip-metrics`.
    pub voip_metrics: bool,
    /// Formats of other documents, as they are written.
    pub others: Vec<String>,
}

impl FromStr for ExtendedReportAttribute {
    type Err = AttributeError;

    fn from_str(value: &str) -> Result<Self, AttributeError> {
        let mut attribute = Self::default();
        for format in value.split(' ').filter(|format| !format.is_empty()) {
            let broken = || AttributeError::Format(format.to_owned());
            let size = |text: &str| {
                let digits = !text.is_empty() && text.bytes().all(|octet| octet.is_ascii_digit());
                // the grammar has no largest number of digits; what does not fit is as good as no limit
                digits
                    .then(|| text.parse().unwrap_or(u32::MAX))
                    .ok_or_else(broken)
            };
            let (name, parameter) = match format.split_once('=') {
                Some((name, parameter)) => (name, Some(parameter)),
                None => (format, None),
            };
            let optional_size = || parameter.map(size).transpose();
            let repeated = match name {
                "pkt-loss-rle" => attribute.loss_run_lengths.replace(optional_size()?).is_some(),
                "pkt-dup-rle" => attribute
                    .duplicate_run_lengths
                    .replace(optional_size()?)
                    .is_some(),
                "pkt-rcpt-times" => attribute.receipt_times.replace(optional_size()?).is_some(),
                "rcvr-rtt" => {
                    let parameter = parameter.ok_or_else(broken)?;
                    let (mode, limit) = match parameter.split_once(':') {
                        Some((mode, limit)) => (mode, Some(size(limit)?)),
                        None => (parameter, None),
                    };
                    let mode = match mode {
                        "all" => ReceiverRoundTrip::All,
                        "sender" => ReceiverRoundTrip::Sender,
                        _ => return Err(broken()),
                    };
                    attribute.receiver_round_trip.replace((mode, limit)).is_some()
                }
                "stat-summary" => {
                    let flags = parameter.map_or_else(|| Some(StatisticsFlags::default()), flags);
                    attribute
                        .statistics_summary
                        .replace(flags.ok_or_else(broken)?)
                        .is_some()
                }
                "voip-metrics" if parameter.is_none() => std::mem::replace(&mut attribute.voip_metrics, true),
                "voip-metrics" => return Err(broken()),
                _ => {
                    attribute.others.push(format.to_owned());
                    false
                }
            };
            if repeated {
                return Err(AttributeError::Repeated(name.to_owned()));
            }
        }
        Ok(attribute)
    }
}

fn flags(list: &str) -> Option<StatisticsFlags> {
    let mut flags = StatisticsFlags::default();
    for flag in list.split(',') {
        // string literals of RFC 2234 are case-insensitive, so "ttl" is as good as "TTL"
        let place = match flag.to_ascii_lowercase().as_str() {
            "loss" => &mut flags.loss,
            "dup" => &mut flags.duplicates,
            "jitt" => &mut flags.jitter,
            "ttl" => &mut flags.ttl,
            "hl" => &mut flags.hop_limit,
            _ => return None,
        };
        *place = true;
    }
    Some(flags)
}

impl fmt::Display for ExtendedReportAttribute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut formats: Vec<String> = Vec::new();
        let sized = [
            ("pkt-loss-rle", self.loss_run_lengths),
            ("pkt-dup-rle", self.duplicate_run_lengths),
            ("pkt-rcpt-times", self.receipt_times),
        ];
        for (name, wanted) in sized {
            match wanted {
                Some(Some(size)) => formats.push(format!("{name}={size}")),
                Some(None) => formats.push(name.to_owned()),
                None => {}
            }
        }
        if let Some((mode, size)) = self.receiver_round_trip {
            let mode = match mode {
                ReceiverRoundTrip::All => "all",
                ReceiverRoundTrip::Sender => "sender",
            };
            let size = size.map_or_else(String::new, |size| format!(":{size}"));
            formats.push(format!("rcvr-rtt={mode}{size}"));
        }
        if let Some(flags) = self.statistics_summary {
            let names = [
                (flags.loss, "loss"),
                (flags.duplicates, "dup"),
                (flags.jitter, "jitt"),
                (flags.ttl, "TTL"),
                (flags.hop_limit, "HL"),
            ];
            let names: Vec<&str> = names
                .iter()
                .filter(|(set, _)| *set)
                .map(|(_, name)| *name)
                .collect();
            formats.push(match names.as_slice() {
                [] => "stat-summary".to_owned(),
                names => format!("stat-summary={}", names.join(",")),
            });
        }
        if self.voip_metrics {
            formats.push("voip-metrics".to_owned());
        }
        formats.extend(self.others.iter().cloned());
        f.write_str(&formats.join(" "))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn all_formats_are_read() {
        let text = "pkt-loss-rle=40 pkt-dup-rle pkt-rcpt-times=100 rcvr-rtt=sender:10 \
                    stat-summary=loss,dup,jitt,TTL voip-metrics x-own=1";
        let attribute: ExtendedReportAttribute = text.parse().expect("follows the grammar");
        assert_eq!(attribute.loss_run_lengths, Some(Some(40)));
        assert_eq!(attribute.duplicate_run_lengths, Some(None));
        assert_eq!(
            attribute.receiver_round_trip,
            Some((ReceiverRoundTrip::Sender, Some(10)))
        );
        let flags = attribute.statistics_summary.expect("given");
        assert!(flags.loss && flags.duplicates && flags.jitter && flags.ttl && !flags.hop_limit);
        assert!(attribute.voip_metrics);
        assert_eq!(attribute.others, ["x-own=1"]);
        assert_eq!(attribute.to_string(), text);
        assert_eq!("".parse(), Ok(ExtendedReportAttribute::default()));
    }

    #[test]
    fn what_breaks_the_grammar_is_refused() {
        for text in [
            "rcvr-rtt",
            "rcvr-rtt=none",
            "pkt-loss-rle=",
            "pkt-loss-rle=-1",
            "stat-summary=",
            "stat-summary=loss,",
            "voip-metrics=1",
        ] {
            let read = text.parse::<ExtendedReportAttribute>();
            assert_eq!(read, Err(AttributeError::Format(text.to_owned())), "{text}");
        }
        assert_eq!(
            "voip-metrics voip-metrics".parse::<ExtendedReportAttribute>(),
            Err(AttributeError::Repeated("voip-metrics".to_owned()))
        );
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]
        #[test]
        fn what_is_read_is_written_again(text in "((pkt-loss-rle|rcvr-rtt|stat-summary|voip-metrics|[a-z-]{1,9})(=[a-zA-Z0-9:,]{0,9})? ?){0,5}") {
            if let Ok(attribute) = text.parse::<ExtendedReportAttribute>() {
                prop_assert_eq!(attribute.to_string().parse(), Ok(attribute));
            }
        }
    }
}
