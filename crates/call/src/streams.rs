//! Orders to the streams of the lab's peers.

use std::time::Duration;

use voxproof_record::{SignalPlayed, TimelineEvent};
use voxproof_rtp::dtmf::{self, EventPlan};
use voxproof_rtp::impairment::ImpairmentSpec;
use voxproof_rtp::inband::{self, ToneSpec};

use crate::CallError;
use crate::media::{PeerMedia, Signal};
use crate::station::Station;

/// Which way a network is bad.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ImpairedWay {
    /// What the device hears.
    ToDevice,
    /// What it says.
    FromDevice,
    /// Both.
    Both,
}

impl Station {
    fn stream(&self, actor: &str) -> Result<&PeerMedia, CallError> {
        self.calls
            .iter()
            .rev()
            .find(|call| call.actor == actor && call.media.is_some())
            .and_then(|call| call.media.as_ref())
            .ok_or_else(|| CallError::no(actor, "stream"))
    }

    fn sending(&self, actor: &str) -> Result<&PeerMedia, CallError> {
        let media = self.stream(actor)?;
        if media.is_sending() {
            Ok(media)
        } else {
            Err(CallError::no(actor, "stream that it may send into"))
        }
    }

    /// Samples a second, in Hz, of what is played into the actor's call: those of its codec.
    pub fn sample_rate(&self, actor: &str) -> Result<u32, CallError> {
        Ok(self.sending(actor)?.sample_rate())
    }

    /// Plays a signal into the actor's call, repeated or cut.
    pub fn play(
        &mut self,
        actor: &str,
        name: &str,
        signal: &Signal,
        length: Duration,
    ) -> Result<(), CallError> {
        let (rtp_timestamp, samples, sample_rate) = self.sending(actor)?.play(signal, length);
        self.note(TimelineEvent::Signal(SignalPlayed {
            actor: actor.to_owned(),
            signal: name.to_owned(),
            rtp_timestamp,
            samples,
            sample_rate,
        }));
        Ok(())
    }

    /// Sends digits as telephone-events; returns how long they take together.
    pub fn send_events(
        &mut self,
        actor: &str,
        digits: &str,
        duration: Duration,
        pause: Duration,
    ) -> Result<Duration, CallError> {
        let media = self.sending(actor)?;
        let Some(clock) = media.event_clock() else {
            return Err(CallError::no(actor, "telephone-event agreed on"));
        };
        let mut plans = vec![];
        let mut after = Duration::ZERO;
        for event in digits.chars().filter_map(dtmf::digit_event) {
            plans.push((
                after,
                EventPlan::new(event, duration.as_millis() as u32, 20, clock),
            ));
            after += duration + pause;
        }
        if media.send_events(plans) {
            Ok(after)
        } else {
            Err(CallError::no(actor, "telephone-event agreed on"))
        }
    }

    /// Plays digits as tones; returns how long they take together.
    pub fn play_tones(
        &mut self,
        actor: &str,
        digits: &str,
        duration: Duration,
        pause: Duration,
    ) -> Result<Duration, CallError> {
        let spec = ToneSpec {
            duration,
            pause,
            ..ToneSpec::default()
        };
        let mut tones = Signal::default();
        for rate in [8000, 16_000, 48_000] {
            tones
                .rates
                .insert(rate, inband::generate(digits, &spec, rate).into());
        }
        let length = (duration + pause) * digits.chars().count() as u32;
        self.sending(actor)?.play(&tones, length);
        Ok(length)
    }

    /// Sends the device's packets back to it, or no longer.
    pub fn echo(&mut self, actor: &str, on: bool) -> Result<(), CallError> {
        self.stream(actor)?.echo(on);
        Ok(())
    }

    /// A bad network at the actor's stream from now on; `None` ends it.
    pub fn impair(
        &mut self,
        actor: &str,
        way: ImpairedWay,
        spec: Option<&ImpairmentSpec>,
        seed: Option<u64>,
    ) -> Result<(), CallError> {
        let seed = seed.unwrap_or_else(|| self.seed());
        let media = self.stream(actor)?;
        for (to_device, meant) in [
            (true, way != ImpairedWay::FromDevice),
            (false, way != ImpairedWay::ToDevice),
        ] {
            if meant {
                // the two ways are two networks
                let seed = seed ^ u64::from(!to_device);
                media.impair(to_device, spec.map(|spec| (spec.clone(), seed)));
            }
        }
        Ok(())
    }

    /// Where the actor's latest call receives RTP.
    pub fn rtp_address(&self, actor: &str) -> Option<std::net::SocketAddr> {
        self.stream(actor).ok().map(PeerMedia::local)
    }

    /// Sends octets into the device's RTP port, as they are.
    pub fn send_rtp_bytes(&mut self, actor: &str, bytes: Vec<u8>) -> Result<(), CallError> {
        self.stream(actor)?.send_bytes(bytes);
        Ok(())
    }
}
