//! Opening, using and closing the media of calls.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use voxproof_net::NetError;
use voxproof_rtp::dtmf::digit_event;
use voxproof_rtp::rtcp::ntp_from_unix;

use crate::Fault;
use crate::call::{CallKey, OpenMedia, Stage};
use crate::handle::PhoneError;
use crate::media::{CallMedia, MediaSettings, lock};
use crate::phone::{Phone, Purpose};
use crate::session::Session;

/// How long a port stays open for the last RTCP packet: two ticks.
const GOODBYE: Duration = Duration::from_millis(40);

const DEATH_AFTER_ANSWER: Duration = Duration::from_secs(1);

impl Phone {
    /// Opens an RTP port; nothing is sent or played on it yet.
    pub(crate) fn open_media(&mut self) -> Result<OpenMedia, NetError> {
        let rtcp = self.config.rtcp || self.shares_rtcp_port();
        let settings = MediaSettings {
            faults: self.config.faults.clone(),
            seed: self.ids.next_u64(),
            speech: Arc::clone(&self.config.speech),
            loopback: self.loopback,
            ptime: self.config.ptime,
            cname: rtcp.then(|| format!("{}@{}", self.config.username, self.contact.ip())),
            ntp_epoch: ntp_from_unix(self.wall_epoch()),
            first_sequence: self.config.first_sequence,
        };
        let media = Arc::new(Mutex::new(CallMedia::new(settings)));
        let session: Arc<Mutex<CallMedia>> = Arc::clone(&media);
        let port = if rtcp {
            self.net.open_media_pair(self.config.local, session)?
        } else {
            self.net.open_media(self.config.local, session)?
        };
        if let Some(dscp) = self.config.voice_dscp.filter(|_| !self.has(Fault::VoiceUnmarked)) {
            port.set_dscp(dscp)?;
        }
        Ok(OpenMedia { port, media })
    }

    /// The wall clock at the lab's time zero; in virtual time one that is always the same.
    fn wall_epoch(&self) -> Duration {
        if self.net.is_virtual() {
            return Duration::from_secs(1_800_000_000);
        }
        let wall = SystemTime::now()
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap_or_default();
        wall.saturating_sub(self.clock.now())
    }

    /// A negotiation for this port.
    pub(crate) fn new_session(&mut self, open: &OpenMedia) -> Session {
        let number = self.ids.next_u64() >> 33;
        Session::new(self.capabilities(), open.port.local_addr(), number)
    }

    /// Early media: the user hears it, but does not talk yet.
    pub(crate) fn listen(&self, key: CallKey) {
        if let Some(open) = self.call(key).and_then(|call| call.media.as_ref()) {
            lock(&open.media).listen();
            let media = Arc::clone(&open.media);
            self.remember(media);
        }
    }

    /// The call is answered: both ways are open from now on.
    pub(crate) fn go_live(&mut self, now: Duration, key: CallKey) {
        let Some(call) = self.call_mut(key) else { return };
        call.stage = Stage::Established;
        call.apply_session();
        if let Some(open) = &call.media {
            lock(&open.media).open();
            let media = Arc::clone(&open.media);
            self.remember(media);
        }
        if self.has(Fault::DiesInCall) {
            self.dies_at = Some(now + DEATH_AFTER_ANSWER);
        }
    }

    /// Ends the media of a call that is over; its recording stays. The port stays for its goodbye.
    pub(crate) fn close_media(&mut self, open: OpenMedia) {
        let now = self.clock.now();
        let says_goodbye = lock(&open.media).close(now);
        if says_goodbye {
            self.afterglow.push((now + GOODBYE, open));
        } else {
            self.stop_media(open);
        }
    }

    /// What is due of media that outlive their calls.
    pub(crate) fn afterglow_due(&mut self, now: Duration) {
        let (over, still) = std::mem::take(&mut self.afterglow)
            .into_iter()
            .partition(|(until, _)| *until <= now);
        self.afterglow = still;
        let over: Vec<_> = over;
        for (_, media) in over {
            self.close_media(media);
        }
    }

    fn stop_media(&self, mut open: OpenMedia) {
        if self.net.is_virtual() {
            open.port.stop();
        } else {
            // joining the RTP threads takes up to one packet time, which the SIP side does not have
            std::thread::spawn(move || open.port.stop());
        }
    }

    /// Keys by telephone-events.
    pub(crate) fn user_presses(&self, digits: &str) -> Result<(), PhoneError> {
        let key = self.established()?;
        let events: Vec<u8> = digits
            .chars()
            .map(|digit| digit_event(digit).ok_or(PhoneError::InvalidDigit(digit)))
            .collect::<Result<_, _>>()?;
        let open = self
            .call(key)
            .and_then(|call| call.media.as_ref())
            .ok_or(PhoneError::NotEstablished)?;
        let mut media = lock(&open.media);
        if media.telephone_event().is_none() {
            return Err(PhoneError::NoTelephoneEvent);
        }
        if !media.is_sending() {
            return Err(PhoneError::NotSending);
        }
        media.press(&events);
        Ok(())
    }

    /// Keys by INFO, each a request of its own (application/dtmf-relay).
    pub(crate) fn user_presses_by_info(&mut self, now: Duration, digits: &str) -> Result<(), PhoneError> {
        let key = self.established()?;
        if let Some(digit) = digits.chars().find(|digit| digit_event(*digit).is_none()) {
            return Err(PhoneError::InvalidDigit(digit));
        }
        for digit in digits.chars() {
            let body = format!("Signal={}\r\nDuration=100\r\n", digit.to_ascii_uppercase());
            self.request_in_dialog(now, key, "INFO", Purpose::Info(key), |builder| {
                builder.body("application/dtmf-relay", body)
            });
        }
        Ok(())
    }

    fn remember(&self, media: Arc<Mutex<CallMedia>>) {
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Some(media);
    }
}
