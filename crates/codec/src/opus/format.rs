//! The format parameters of Opus in a media description (RFC 7587 6.1).

use super::{OpusBandwidth, OpusOptions};
use crate::CodecError;
use crate::error::excerpt;

/// What an `a=fmtp` of Opus says about what its sender wants to receive, or announces to send. Every field has the
/// value that holds without the parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OpusFormat {
    /// Highest sample rate that the receiver can play, Hz: 8000 to 48000 (default 48000).
    pub maximum_playback_rate: u32,
    /// Highest sample rate that the sender captures, Hz: 8000 to 48000 (default 48000).
    pub maximum_capture_rate: u32,
    /// Highest average bit rate that is wanted, bit/s: 6000 to 510000; without the parameter the codec's limit.
    pub maximum_average_bit_rate: Option<u32>,
    /// Whether stereo is preferred for reception (default no).
    pub stereo: bool,
    /// Whether stereo is likely to be sent (default no).
    pub sends_stereo: bool,
    /// Whether a constant bit rate is wanted (default variable).
    pub constant_bit_rate: bool,
    /// Whether in-band forward error correction is of use to the receiver (default no).
    pub in_band_fec: bool,
    /// Whether discontinuous transmission is wanted (default no).
    pub discontinuous: bool,
    /// Preferred duration of a packet, ms, if it stands among the format parameters; SDP has an attribute for it.
    pub packet_time: Option<u32>,
    /// Longest duration of a packet, ms, likewise (default 120).
    pub maximum_packet_time: u32,
}

impl Default for OpusFormat {
    fn default() -> Self {
        Self {
            maximum_playback_rate: 48_000,
            maximum_capture_rate: 48_000,
            maximum_average_bit_rate: None,
            stereo: false,
            sends_stereo: false,
            constant_bit_rate: false,
            in_band_fec: false,
            discontinuous: false,
            packet_time: None,
            maximum_packet_time: 120,
        }
    }
}

impl OpusFormat {
    /// Reads the parameters after the payload type of an `a=fmtp`: `name=value` separated by semicolons, in any
    /// order, spaces around them ignored. Unknown parameters are ignored (RFC 7587 7.1). A value that is not
    /// allowed leaves the default in place and is reported, one [`CodecError::Parameter`] each, at most 32 of them.
    #[must_use]
    pub fn parse(text: &str) -> (Self, Vec<CodecError>) {
        let mut format = Self::default();
        let mut violations = Vec::new();
        for part in text.split(';') {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            if let Err(violation) = format.set(name.trim(), value.trim()) {
                if violations.len() == 32 {
                    break;
                }
                violations.push(violation);
            }
        }
        (format, violations)
    }

    fn set(&mut self, name: &str, value: &str) -> Result<(), CodecError> {
        match name.to_ascii_lowercase().as_str() {
            "maxplaybackrate" => self.maximum_playback_rate = rate("maxplaybackrate", value)?,
            "sprop-maxcapturerate" => self.maximum_capture_rate = rate("sprop-maxcapturerate", value)?,
            "maxaveragebitrate" => {
                let rule = "6000 to 510000 bit/s (RFC 7587 6.1)";
                self.maximum_average_bit_rate = Some(number("maxaveragebitrate", value, rule, |rate| {
                    (6000..=510_000).contains(&rate)
                })?);
            }
            "stereo" => self.stereo = flag("stereo", value)?,
            "sprop-stereo" => self.sends_stereo = flag("sprop-stereo", value)?,
            "cbr" => self.constant_bit_rate = flag("cbr", value)?,
            "useinbandfec" => self.in_band_fec = flag("useinbandfec", value)?,
            "usedtx" => self.discontinuous = flag("usedtx", value)?,
            "ptime" => {
                self.packet_time = Some(number("ptime", value, PACKET_TIME, Self::allows_packet_time)?);
            }
            "maxptime" => {
                self.maximum_packet_time = number("maxptime", value, PACKET_TIME, Self::allows_packet_time)?;
            }
            _ => {}
        }
        Ok(())
    }

    /// Whether `ptime` or `maxptime` may have this value, in ms: a multiple of a frame duration of 2.5 ms or more,
    /// rounded up to a whole millisecond, up to 120 (RFC 7587 6.1).
    #[must_use]
    pub const fn allows_packet_time(milliseconds: u32) -> bool {
        // 2.5 n rounded up ends in 0, 3, 5 or 8
        milliseconds > 0 && milliseconds <= 120 && matches!(milliseconds % 10, 0 | 3 | 5 | 8)
    }

    /// How to code for a receiver that announced this format, starting from `wanted`: bandwidth, bit rate and kind
    /// of bit rate stay within what it asked for; forward error correction and discontinuous transmission are on
    /// only where they are wanted on both sides.
    #[must_use]
    pub fn encoder_options(&self, wanted: &OpusOptions) -> OpusOptions {
        OpusOptions {
            bandwidth: wanted
                .bandwidth
                .min(OpusBandwidth::within(self.maximum_playback_rate)),
            bit_rate: self
                .maximum_average_bit_rate
                .map_or(wanted.bit_rate, |most| wanted.bit_rate.min(most)),
            constant_bit_rate: wanted.constant_bit_rate || self.constant_bit_rate,
            in_band_fec: wanted.in_band_fec && self.in_band_fec,
            discontinuous: wanted.discontinuous && self.discontinuous,
            ..*wanted
        }
    }
}

const PACKET_TIME: &str = "a multiple of 2.5 ms rounded up to a whole millisecond, up to 120 (RFC 7587 6.1)";

fn rate(parameter: &'static str, value: &str) -> Result<u32, CodecError> {
    number(parameter, value, "8000 to 48000 Hz (RFC 7587 6.1)", |rate| {
        (8000..=48_000).contains(&rate)
    })
}

fn flag(parameter: &'static str, value: &str) -> Result<bool, CodecError> {
    Ok(number(parameter, value, "0 or 1 (RFC 7587 6.1)", |value| value <= 1)? == 1)
}

fn number(
    parameter: &'static str,
    value: &str,
    rule: &'static str,
    allowed: impl Fn(u32) -> bool,
) -> Result<u32, CodecError> {
    let digits = !value.is_empty() && value.bytes().all(|b| b.is_ascii_digit());
    let number = digits.then(|| value.parse().ok()).flatten();
    number
        .filter(|&n| allowed(n))
        .ok_or_else(|| CodecError::Parameter {
            parameter,
            value: excerpt(value),
            rule,
        })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn everything_the_registration_names_is_read() {
        let (format, violations) = OpusFormat::parse(
            "maxplaybackrate=16000; sprop-maxcapturerate=24000;maxaveragebitrate=20000; stereo=1;sprop-stereo=1;\
             cbr=1;useinbandfec=1;usedtx=1;ptime=40;maxptime=60;minptime=10;x-own=y",
        );
        assert_eq!(violations, []);
        let expected = OpusFormat {
            maximum_playback_rate: 16_000,
            maximum_capture_rate: 24_000,
            maximum_average_bit_rate: Some(20_000),
            stereo: true,
            sends_stereo: true,
            constant_bit_rate: true,
            in_band_fec: true,
            discontinuous: true,
            packet_time: Some(40),
            maximum_packet_time: 60,
        };
        assert_eq!(format, expected);
    }

    #[test]
    fn nothing_said_is_the_default() {
        assert_eq!(OpusFormat::parse(""), (OpusFormat::default(), Vec::new()));
        assert_eq!(OpusFormat::parse(" ; ;").1, []);
    }

    #[test]
    fn forbidden_values_are_reported_and_leave_the_default() {
        let (format, violations) = OpusFormat::parse(
            "maxplaybackrate=4000;stereo=2;maxaveragebitrate=5999;useinbandfec=;cbr=yes;maxptime=121;ptime=4;usedtx=+1",
        );
        assert_eq!(format, OpusFormat::default());
        assert_eq!(violations.len(), 8);
        assert!(
            violations[0].to_string().contains("maxplaybackrate=4000"),
            "{}",
            violations[0]
        );
    }

    #[test]
    fn packet_times_are_whole_frames_rounded_up() {
        let allowed: Vec<u32> = (0..25).filter(|&ms| OpusFormat::allows_packet_time(ms)).collect();
        assert_eq!(allowed, [3, 5, 8, 10, 13, 15, 18, 20, 23]);
        assert!(OpusFormat::allows_packet_time(120) && !OpusFormat::allows_packet_time(123));
    }

    #[test]
    fn an_encoder_keeps_to_what_the_receiver_asked_for() {
        let (format, _) = OpusFormat::parse("maxplaybackrate=16000;maxaveragebitrate=20000;cbr=1");
        let wanted = OpusOptions {
            bit_rate: 64_000,
            in_band_fec: true,
            ..OpusOptions::default()
        };
        let options = format.encoder_options(&wanted);
        assert_eq!(options.bandwidth, OpusBandwidth::Wideband);
        assert_eq!(options.bit_rate, 20_000);
        assert!(options.constant_bit_rate && !options.in_band_fec);
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]
        #[test]
        fn any_text_is_read(text in "\\PC*", pairs in proptest::collection::vec("(stereo|ptime|cbr)=[0-9]{0,12}", 0..50)) {
            let _ = OpusFormat::parse(&text);
            let (_, violations) = OpusFormat::parse(&pairs.join(";"));
            prop_assert!(violations.len() <= 32);
        }
    }
}
