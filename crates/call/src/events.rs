//! Event packages that the lab serves (RFC 6665).

use std::time::Duration;

use voxproof_sip::{Builder, Dialog, Hop, Message, TransactionId};

use crate::CallError;
use crate::outgoing::Requested;
use crate::registrar::response;
use crate::station::Station;

/// One event package.
#[derive(Debug, Clone, Default)]
pub struct NotifierOptions {
    /// Its name.
    pub package: String,
    /// Interval granted at most, seconds.
    pub expires: Option<u32>,
    /// Content type and body of the first NOTIFY.
    pub state: Option<(String, String)>,
}

/// A package and its subscription, when the device has one.
#[derive(Debug)]
pub(crate) struct Notifier {
    options: NotifierOptions,
    subscription: Option<Subscription>,
}

#[derive(Debug)]
struct Subscription {
    dialog: Dialog,
    hop: Hop,
    until: Duration,
}

impl Station {
    /// Serves a package from now on.
    pub fn serve(&mut self, options: NotifierOptions) {
        self.notifiers
            .retain(|notifier| notifier.options.package != options.package);
        self.notifiers.push(Notifier {
            options,
            subscription: None,
        });
    }

    /// Takes a SUBSCRIBE outside or inside its dialog; returns whether the package is served.
    pub(crate) fn on_subscribe(&mut self, id: TransactionId, message: &Message, source: Hop) -> bool {
        let now = self.now();
        let package = message
            .header("event")
            .map(|event| event.split(';').next().unwrap_or_default().trim().to_owned())
            .unwrap_or_default();
        let contact = format!("<{}>", self.contact_of("server", source));
        let via = self.wire.local(source.transport).to_string();
        let Some(position) = self
            .notifiers
            .iter()
            .position(|notifier| notifier.options.package == package)
        else {
            return false;
        };
        let tag = self.ids.tag();
        let Some(notifier) = self.notifiers.get_mut(position) else {
            return false;
        };
        let asked = message.expires().unwrap_or(3600);
        let granted = notifier.options.expires.map_or(asked, |most| most.min(asked));
        let known = notifier
            .subscription
            .as_mut()
            .filter(|subscription| subscription.dialog.matches(message));
        match known {
            Some(subscription) => {
                let _ = subscription.dialog.accept(message);
                subscription.until = now + Duration::from_secs(u64::from(granted));
            }
            None => {
                notifier.subscription =
                    Dialog::from_uas(message, &tag, &contact, &via).map(|dialog| Subscription {
                        dialog,
                        hop: source,
                        until: now + Duration::from_secs(u64::from(granted)),
                    });
            }
        }
        let bytes = Builder::response_to(message, 200, "OK")
            .to_tag(&tag)
            .header("Contact", contact)
            .header("Expires", granted.to_string())
            .build();
        let state = notifier.options.state.clone();
        self.transactions.respond(now, id, bytes);
        // the state at once, also to a refresh and to an end (RFC 6665 4.2.1.2)
        let ended = (granted == 0).then(|| "terminated;reason=timeout".to_owned());
        let _ = self.notify(&package, state, ended);
        true
    }

    /// Sends a NOTIFY in the subscription of a package; without one outside of any dialog.
    pub fn notify(
        &mut self,
        package: &str,
        body: Option<(String, String)>,
        subscription_state: Option<String>,
    ) -> Result<Requested, CallError> {
        let now = self.now();
        let subscription = self
            .notifiers
            .iter_mut()
            .find(|notifier| notifier.options.package == package)
            .and_then(|notifier| notifier.subscription.as_mut());
        let (builder, hop, left) = match subscription {
            Some(subscription) => {
                let builder = subscription.dialog.request("NOTIFY", &mut self.ids);
                let left = subscription.until.saturating_sub(now).as_secs();
                (builder, subscription.hop, left)
            }
            None => {
                let (uri, hop) = self.device()?;
                (self.fresh_request("server", "NOTIFY", &uri, hop, None), hop, 3600)
            }
        };
        let state = subscription_state.unwrap_or_else(|| format!("active;expires={left}"));
        let mut builder = builder
            .header("Event", package)
            .header("Subscription-State", state);
        if let Some((content_type, text)) = body {
            builder = builder.body(&content_type, text);
        }
        Ok(self.launch("server", builder.build(), hop, false))
    }

    /// Answers a SUBSCRIBE to a package that is not served (RFC 6665 4.2.1.1).
    pub(crate) fn refuse_package(&mut self, id: TransactionId, message: &Message) {
        let served: Vec<&str> = self
            .notifiers
            .iter()
            .map(|notifier| notifier.options.package.as_str())
            .collect();
        let bytes = response(message, 489, &mut self.ids)
            .header("Allow-Events", served.join(", "))
            .build();
        let now = self.now();
        self.transactions.respond(now, id, bytes);
    }
}
