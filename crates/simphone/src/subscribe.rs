//! Subscriptions of the phone by RFC 6665: its mailbox (RFC 3842), the calls of others on its keys (RFC 4235), and whether
//! others are there (RFC 3856).

use std::collections::BTreeMap;
use std::time::Duration;

use voxproof_sip::event::{DialogInfo, DialogState, MessageSummary, Presence, Subscriber, SubscriberEvent};
use voxproof_sip::headers::Event;
use voxproof_sip::{Builder, Dialog, Message, TransactionId};

use crate::Fault;
use crate::messages::package;
use crate::phone::{Phone, Purpose, USER_AGENT};

/// The interval the phone asks for, in seconds.
const EXPIRES: u32 = 3600;

/// A subscription that has ended without a word about when to come back.
const RETRY: Duration = Duration::from_secs(60);

/// Names a subscription of the phone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct WatchKey(u64);

/// What a subscription is about.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Subject {
    Mailbox,
    /// The calls of this number or address, as the user wrote it.
    Calls(String),
    /// Whether whoever has this number or address is there.
    Presence(String),
}

impl Subject {
    const fn package(&self) -> &'static str {
        match self {
            Self::Mailbox => "message-summary",
            Self::Calls(_) => "dialog",
            Self::Presence(_) => "presence",
        }
    }

    const fn media_type(&self) -> &'static str {
        match self {
            Self::Mailbox => MessageSummary::MEDIA_TYPE,
            Self::Calls(_) => DialogInfo::MEDIA_TYPE,
            Self::Presence(_) => Presence::MEDIA_TYPE,
        }
    }
}

/// One subscription.
#[derive(Debug)]
struct Watch {
    key: WatchKey,
    subject: Subject,
    /// `None` while it waits for another attempt.
    subscriber: Option<Subscriber>,
    /// The SUBSCRIBE that began it.
    request: Option<Message>,
    /// Made by the first NOTIFY or the 2xx, whichever comes first (RFC 6665 4.4.1).
    dialog: Option<Dialog>,
    expires: u32,
    again_at: Option<Duration>,
    /// Of the last document of a package that counts them.
    version: Option<u32>,
}

/// Every subscription and what they have told.
#[derive(Debug, Default)]
pub(crate) struct Watches {
    all: Vec<Watch>,
    started: u64,
    /// New and old voice messages.
    pub(crate) voice_messages: Option<(u32, u32)>,
    /// For each watched address, whether a call is there.
    pub(crate) busy: BTreeMap<String, bool>,
    /// For each watched address, whether somebody is there.
    pub(crate) present: BTreeMap<String, bool>,
}

impl Watches {
    pub(crate) fn deadline(&self) -> Option<Duration> {
        let timers = self
            .all
            .iter()
            .filter_map(|watch| watch.subscriber.as_ref()?.poll_timeout());
        timers
            .chain(self.all.iter().filter_map(|watch| watch.again_at))
            .min()
    }

    /// The dialog of a subscription that is up.
    pub(crate) fn dialog_of(&mut self, key: WatchKey) -> Option<&mut Dialog> {
        self.get(key)?.dialog.as_mut()
    }

    fn get(&mut self, key: WatchKey) -> Option<&mut Watch> {
        self.all.iter_mut().find(|watch| watch.key == key)
    }
}

impl Phone {
    /// Starts the subscriptions of the configuration, when the phone has just registered for the first time.
    pub(crate) fn subscribe_all(&mut self, now: Duration) {
        if self.watches.started > 0 {
            return;
        }
        let mailbox = (self.config.mwi && !self.has(Fault::MwiNoSubscribe)).then_some(Subject::Mailbox);
        let calls = self.config.watched.clone().into_iter().map(Subject::Calls);
        let presence = self.config.presence.clone().into_iter().map(Subject::Presence);
        for subject in mailbox
            .into_iter()
            .chain(calls)
            .chain(presence)
            .collect::<Vec<_>>()
        {
            self.watches.started += 1;
            let key = WatchKey(self.watches.started);
            self.watches.all.push(Watch {
                key,
                subject,
                subscriber: None,
                request: None,
                dialog: None,
                expires: EXPIRES,
                again_at: None,
                version: None,
            });
            self.subscribe(now, key);
        }
    }

    /// Ends every subscription (RFC 6665 4.1.2.3).
    pub(crate) fn unsubscribe_all(&mut self, now: Duration) {
        if self.has(Fault::NoUnsubscribe) {
            return;
        }
        for key in self.watches.all.iter().map(|watch| watch.key).collect::<Vec<_>>() {
            self.resubscribe(now, key, 0);
        }
    }

    pub(crate) fn subscriptions_due(&mut self, now: Duration) {
        let lazy = self.has(Fault::SubscriptionNotRefreshed);
        for key in self.watches.all.iter().map(|watch| watch.key).collect::<Vec<_>>() {
            let Some(watch) = self.watches.get(key) else {
                continue;
            };
            if watch.again_at.is_some_and(|at| at <= now) {
                watch.again_at = None;
                self.subscribe(now, key);
                continue;
            }
            match watch
                .subscriber
                .as_mut()
                .and_then(|subscriber| subscriber.handle_timeout(now))
            {
                Some(SubscriberEvent::RefreshDue) if lazy => {}
                Some(SubscriberEvent::RefreshDue) => {
                    let expires = watch.expires;
                    self.resubscribe(now, key, expires);
                }
                Some(event) => self.subscription_over(now, key, &event),
                None => {}
            }
        }
    }

    pub(crate) fn on_subscribe_response(
        &mut self,
        now: Duration,
        key: WatchKey,
        sent: &Message,
        response: &Message,
    ) {
        let Some(watch) = self.watches.get(key) else {
            return;
        };
        if response.status() == Some(423)
            && let Some(longer) = response.min_expires().filter(|longer| *longer > watch.expires)
        {
            watch.expires = longer;
            return self.subscribe(now, key);
        }
        if response
            .status()
            .is_some_and(|status| (200..300).contains(&status))
            && watch.dialog.is_none()
        {
            watch.dialog = Dialog::from_uac(sent, response);
        }
        let event = watch
            .subscriber
            .as_mut()
            .and_then(|subscriber| subscriber.response(now, response));
        if let Some(event) = event {
            self.subscription_over(now, key, &event);
        }
    }

    pub(crate) fn on_subscribe_timeout(&mut self, now: Duration, key: WatchKey) {
        self.subscription_over(now, key, &SubscriberEvent::NoNotify);
    }

    /// A NOTIFY of one of the subscriptions. `false` when it belongs to none.
    pub(crate) fn on_notify_of_subscription(
        &mut self,
        now: Duration,
        id: TransactionId,
        notify: &Message,
    ) -> bool {
        let tag = |address: Option<voxproof_sip::NameAddr>| {
            address
                .and_then(|address| address.tag().map(str::to_owned))
                .unwrap_or_default()
        };
        let (local, remote) = (tag(notify.to()), tag(notify.from()));
        let (contact, sent_by) = (self.contact_header(), self.contact.to_string());
        let (dialogs_unread, presence_unread) =
            (self.has(Fault::DialogInfoUnread), self.has(Fault::PresenceUnread));
        let Some(watch) = self.watches.all.iter_mut().find(|watch| {
            let request = watch.request.as_ref();
            request.is_some_and(|request| {
                request.call_id() == notify.call_id() && tag(request.from()) == local && !local.is_empty()
            })
        }) else {
            return false;
        };
        let made = watch.dialog.is_none();
        if made && let Some(mut dialog) = Dialog::from_uas(notify, &local, &contact, &sent_by) {
            let cseq = watch.request.as_ref().and_then(|request| request.cseq());
            dialog.local_cseq = cseq.map(|cseq| cseq.number).unwrap_or(1);
            watch.dialog = Some(dialog);
        }
        // another branch of a forked SUBSCRIBE: one notifier is enough (RFC 6665 4.1.2.4)
        let known = watch
            .dialog
            .as_ref()
            .is_some_and(|dialog| dialog.remote_tag == remote);
        let in_order = known
            && watch
                .dialog
                .as_mut()
                .is_some_and(|dialog| dialog.accept(notify).is_ok());
        let unread = match watch.subject {
            Subject::Mailbox => false,
            Subject::Calls(_) => dialogs_unread,
            Subject::Presence(_) => presence_unread,
        };
        let wanted = watch.subject.media_type();
        let readable = notify.body().is_empty()
            || !unread
                && notify.content_type().is_some_and(|known| {
                    known
                        .split(';')
                        .next()
                        .unwrap_or_default()
                        .trim()
                        .eq_ignore_ascii_case(wanted)
                });
        let (status, event) = match &mut watch.subscriber {
            _ if !known => (481, None),
            _ if !in_order => (500, None),
            _ if !readable => (415, None),
            Some(subscriber) => subscriber.notify(now, notify),
            None => (481, None),
        };
        let (key, subject) = (watch.key, watch.subject.clone());
        let mut missed = false;
        if status == 200 && !notify.body().is_empty() {
            missed = matches!(subject, Subject::Calls(_)) && self.has_missed(key, notify.body());
            self.take_state(&subject, notify.body());
        }
        self.respond(now, id, notify, status, |builder| match status {
            415 => builder.header("Accept", wanted),
            _ => builder,
        });
        if let Some(event) = event {
            self.subscription_over(now, key, &event);
        } else if missed && !self.has(Fault::DialogVersionGapIgnored) {
            // the refresh brings the whole state
            let expires = self.watches.get(key).map_or(EXPIRES, |watch| watch.expires);
            self.resubscribe(now, key, expires);
        }
        true
    }

    /// Whether a document is not the one after the last, so that changes were missed (RFC 4235 4.3).
    fn has_missed(&mut self, key: WatchKey, body: &[u8]) -> bool {
        let Ok((info, _)) = DialogInfo::parse(body) else {
            return false;
        };
        let Some(watch) = self.watches.get(key) else {
            return false;
        };
        let last = watch.version.replace(info.version);
        !info.full && last.is_some_and(|last| info.version > last.saturating_add(1))
    }

    /// The state of the mailbox that nobody asked for (RFC 3842 has it in subscriptions only; many servers do it).
    pub(crate) fn on_unsolicited_mwi(&mut self, now: Duration, id: TransactionId, notify: &Message) {
        self.take_state(&Subject::Mailbox, notify.body());
        self.respond(now, id, notify, 200, |builder| builder);
    }

    fn take_state(&mut self, subject: &Subject, body: &[u8]) {
        match subject {
            Subject::Mailbox => {
                if let Ok((summary, _)) = MessageSummary::parse(body) {
                    let counts = summary.voice_messages();
                    self.watches.voice_messages = counts.map(|counts| (counts.new, counts.old));
                }
            }
            Subject::Calls(watched) => {
                if let Ok((info, _)) = DialogInfo::parse(body) {
                    let busy = info
                        .dialogs
                        .iter()
                        .any(|dialog| dialog.state != DialogState::Terminated);
                    self.watches.busy.insert(watched.clone(), busy);
                }
            }
            Subject::Presence(watched) => {
                if let Ok((presence, _)) = Presence::parse(body) {
                    // one way that is open is enough (RFC 3863 4.1.4)
                    let open = presence.tuples.iter().any(|tuple| tuple.open == Some(true));
                    self.watches.present.insert(watched.clone(), open);
                }
            }
        }
    }

    fn subscribe(&mut self, now: Duration, key: WatchKey) {
        let Some(watch) = self.watches.get(key) else {
            return;
        };
        let (subject, expires) = (watch.subject.clone(), watch.expires);
        let uri = match &subject {
            Subject::Mailbox => self.address_of_record(),
            Subject::Calls(watched) | Subject::Presence(watched) => match self.target(watched) {
                Ok(target) => target.to_request_uri(),
                // an address that cannot be read is not watched
                Err(_) => return,
            },
        };
        let Ok(event) = Event::parse(subject.package()) else {
            return;
        };
        let (routes, destination) = self.way_out();
        let mut builder = Builder::request("SUBSCRIBE", &uri).header("Via", self.via());
        for route in &routes {
            builder = builder.header("Route", route);
        }
        let accepted = if subject.package() == "dialog" && self.has(Fault::DialogFormatUnnamed) {
            "application/xml"
        } else {
            subject.media_type()
        };
        let bytes = builder
            .header("Max-Forwards", "70")
            .header(
                "From",
                format!("<{}>;tag={}", self.address_of_record(), self.ids.tag()),
            )
            .header("To", format!("<{uri}>"))
            .header("Call-ID", self.ids.call_id(&self.contact.ip().to_string()))
            .header("CSeq", "1 SUBSCRIBE")
            .header("Contact", self.contact_header())
            .header("Event", subject.package())
            .header("Accept", accepted)
            .header("Expires", expires.to_string())
            .header("User-Agent", USER_AGENT)
            .build();
        let subscriber = Subscriber::new(now, event, self.timers.t1);
        if let Some(watch) = self.watches.get(key) {
            watch.request = Some(Message::parse(&bytes));
            watch.subscriber = Some(subscriber);
            watch.dialog = None;
        }
        self.request(now, bytes, destination, Purpose::Subscribe(key), Vec::new());
    }

    /// Refreshes a subscription, or ends it with 0 seconds.
    fn resubscribe(&mut self, now: Duration, key: WatchKey, expires: u32) {
        let Some(watch) = self.watches.all.iter_mut().find(|watch| watch.key == key) else {
            return;
        };
        let Some(dialog) = watch.dialog.as_mut() else {
            return;
        };
        let bytes = dialog
            .request("SUBSCRIBE", &mut self.ids)
            .header("Event", watch.subject.package())
            .header("Accept", watch.subject.media_type())
            .header("Expires", expires.to_string())
            .header("User-Agent", USER_AGENT)
            .build();
        let next_hop = dialog.next_hop();
        let destination = self.resolve(&next_hop);
        self.request(now, bytes, destination, Purpose::Subscribe(key), Vec::new());
    }

    /// Plans what comes after the end of a subscription (RFC 6665 4.1.3).
    fn subscription_over(&mut self, now: Duration, key: WatchKey, event: &SubscriberEvent) {
        let stopping = self.is_stopping();
        let gives_up = self.has(Fault::DeactivatedNotResubscribed);
        let Some(watch) = self.watches.get(key) else {
            return;
        };
        watch.subscriber = None;
        watch.dialog = None;
        if stopping {
            return;
        }
        watch.again_at = match event {
            SubscriberEvent::Terminated { reason, retry_after } => {
                let after = retry_after.map(|seconds| Duration::from_secs(u64::from(seconds.min(86_400))));
                match reason.as_deref() {
                    Some("deactivated") if gives_up => None,
                    Some("deactivated" | "timeout" | "481") => Some(now),
                    Some("rejected" | "noresource" | "invariant") => None,
                    // refused by a status: only a time to wait makes another attempt sensible
                    Some(reason) if reason.bytes().all(|byte| byte.is_ascii_digit()) => {
                        after.map(|after| now + after)
                    }
                    _ => Some(now + after.unwrap_or(RETRY)),
                }
            }
            _ => Some(now + RETRY),
        };
    }
}

/// Whether a NOTIFY is about a mailbox.
pub(crate) fn is_mwi(notify: &Message) -> bool {
    package(notify) == Subject::Mailbox.package()
}
