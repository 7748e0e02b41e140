//! The VoIP metrics block (RFC 3611 4.7).

use super::super::frame::Fields;

/// The value that says a metric is not available (RFC 3611 4.7.4, 4.7.5).
pub(super) const UNAVAILABLE: u8 = 127;

/// Packet loss concealment of the receiver (RFC 3611 4.7.6).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Concealment {
    /// Not said.
    #[default]
    Unspecified,
    /// Silence is played for a lost packet.
    Disabled,
    /// An enhanced interpolation.
    Enhanced,
    /// A simple replay or interpolation.
    Standard,
}

/// Kind of jitter buffer (RFC 3611 4.7.6).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum JitterBufferKind {
    /// Not known.
    #[default]
    Unknown,
    /// The code that the standard reserves.
    Reserved,
    /// A fixed size.
    NonAdaptive,
    /// A size that follows the network.
    Adaptive,
}

/// VoIP metrics of one source (RFC 3611 4.7). Values are those of the wire; `None` is the code 127 of a metric that is
/// not available.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct VoipMetrics {
    /// The source reported on.
    pub ssrc: u32,
    /// Share of packets lost since the beginning of reception, in 256ths.
    pub loss_rate: u8,
    /// Share of packets discarded by the jitter buffer, in 256ths.
    pub discard_rate: u8,
    /// Share of lost or discarded packets within bursts, in 256ths.
    pub burst_density: u8,
    /// Share of lost or discarded packets within gaps, in 256ths.
    pub gap_density: u8,
    /// Mean duration of bursts in ms.
    pub burst_duration: u16,
    /// Mean duration of gaps in ms.
    pub gap_duration: u16,
    /// Round trip delay in ms, 0 when it is not known.
    pub round_trip_delay: u16,
    /// Delay of the end system in ms: encoding, playout and decoding.
    pub end_system_delay: u16,
    /// Signal level in dBm0.
    pub signal_level: Option<i8>,
    /// Noise level in dBm0.
    pub noise_level: Option<i8>,
    /// Residual echo return loss in dB.
    pub residual_echo_return_loss: Option<u8>,
    /// Received packets in a row that end a burst; 16 is recommended.
    pub gap_threshold: u8,
    /// Transmission rating of the RTP segment, 0..=100.
    pub r_factor: Option<u8>,
    /// Transmission rating of a segment beyond this one, 0..=100.
    pub external_r_factor: Option<u8>,
    /// Listening quality, tenths, 10..=50.
    pub mos_lq: Option<u8>,
    /// Conversational quality, tenths, 10..=50.
    pub mos_cq: Option<u8>,
    /// Packet loss concealment.
    pub concealment: Concealment,
    /// Kind of jitter buffer.
    pub jitter_buffer: JitterBufferKind,
    /// Adjustment rate of an adaptive jitter buffer, 0..=15.
    pub jitter_buffer_rate: u8,
    /// Nominal delay of the jitter buffer in ms.
    pub jitter_buffer_nominal: u16,
    /// Current maximum delay of the jitter buffer in ms.
    pub jitter_buffer_maximum: u16,
    /// Maximum delay that the jitter buffer can reach in ms.
    pub jitter_buffer_absolute_maximum: u16,
}

impl VoipMetrics {
    pub(super) fn read(mut fields: Fields<'_>) -> Option<Self> {
        let available = |value: u8| (value != UNAVAILABLE).then_some(value);
        let level = |value: u8| available(value).map(u8::cast_signed);
        let mut metrics = Self {
            ssrc: fields.u32()?,
            loss_rate: fields.u8()?,
            discard_rate: fields.u8()?,
            burst_density: fields.u8()?,
            gap_density: fields.u8()?,
            burst_duration: fields.u16()?,
            gap_duration: fields.u16()?,
            round_trip_delay: fields.u16()?,
            end_system_delay: fields.u16()?,
            signal_level: level(fields.u8()?),
            noise_level: level(fields.u8()?),
            residual_echo_return_loss: available(fields.u8()?),
            gap_threshold: fields.u8()?,
            r_factor: available(fields.u8()?),
            external_r_factor: available(fields.u8()?),
            mos_lq: available(fields.u8()?),
            mos_cq: available(fields.u8()?),
            ..Self::default()
        };
        let [configuration, _reserved] = fields.take()?;
        metrics.concealment = match configuration >> 6 {
            0 => Concealment::Unspecified,
            1 => Concealment::Disabled,
            2 => Concealment::Enhanced,
            _ => Concealment::Standard,
        };
        metrics.jitter_buffer = match configuration >> 4 & 3 {
            0 => JitterBufferKind::Unknown,
            1 => JitterBufferKind::Reserved,
            2 => JitterBufferKind::NonAdaptive,
            _ => JitterBufferKind::Adaptive,
        };
        metrics.jitter_buffer_rate = configuration & 15;
        metrics.jitter_buffer_nominal = fields.u16()?;
        metrics.jitter_buffer_maximum = fields.u16()?;
        metrics.jitter_buffer_absolute_maximum = fields.u16()?;
        Some(metrics)
    }

    pub(super) fn write(&self, content: &mut Vec<u8>) {
        let level = |value: Option<i8>| value.map_or(UNAVAILABLE, i8::cast_unsigned);
        let or_unavailable = |value: Option<u8>| value.unwrap_or(UNAVAILABLE);
        content.extend(self.ssrc.to_be_bytes());
        content.extend([
            self.loss_rate,
            self.discard_rate,
            self.burst_density,
            self.gap_density,
        ]);
        for field in [
            self.burst_duration,
            self.gap_duration,
            self.round_trip_delay,
            self.end_system_delay,
        ] {
            content.extend(field.to_be_bytes());
        }
        let configuration =
            (self.concealment as u8) << 6 | (self.jitter_buffer as u8) << 4 | (self.jitter_buffer_rate & 15);
        content.extend([
            level(self.signal_level),
            level(self.noise_level),
            or_unavailable(self.residual_echo_return_loss),
            self.gap_threshold,
            or_unavailable(self.r_factor),
            or_unavailable(self.external_r_factor),
            or_unavailable(self.mos_lq),
            or_unavailable(self.mos_cq),
            configuration,
            0,
        ]);
        for field in [
            self.jitter_buffer_nominal,
            self.jitter_buffer_maximum,
            self.jitter_buffer_absolute_maximum,
        ] {
            content.extend(field.to_be_bytes());
        }
    }
}
