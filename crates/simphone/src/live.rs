//! Opening, using and closing the media of calls.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use voxproof_net::NetError;
use voxproof_rtp::dtmf::digit_event;

use crate::Fault;
use crate::call::{CallKey, OpenMedia, Stage};
use crate::handle::PhoneError;
use crate::media::{CallMedia, lock};
use crate::phone::{Phone, Purpose};
use crate::session::Session;

const DEATH_AFTER_ANSWER: Duration = Duration::from_secs(1);

impl Phone {
    /// Opens an RTP port; nothing is sent or played on it yet.
    pub(crate) fn open_media(&mut self) -> Result<OpenMedia, NetError> {
        let media = Arc::new(Mutex::new(CallMedia::new(
            self.config.faults.clone(),
            self.ids.next_u64(),
            Arc::clone(&self.config.speech),
            self.loopback,
        )));
        let session: Arc<Mutex<CallMedia>> = Arc::clone(&media);
        let port = self.net.open_media(self.config.local, session)?;
        Ok(OpenMedia { port, media })
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

    /// Stops the media of a call that is over; its recording stays.
    pub(crate) fn close_media(&self, mut open: OpenMedia) {
        lock(&open.media).close();
        if self.net.is_virtual() {
            open.port.stop();
        } else {
            // joining the RTP threads takes up to one packet time, which the SIP side does not have
            std::thread::spawn(move || open.port.stop());
        }
    }

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
