//! The accessors of [`Message`] for the fields of this module.

use super::session::tokens;
use super::{
    AlertInfo, CallInfo, Diversion, Event, HistoryEntry, RAck, Reason, ReferTo, Replaces, RetryAfter,
    SessionExpires, SubscriptionState, number,
};
use crate::header::NameAddr;
use crate::message::Message;
use crate::view::{CombinedView, HeaderView};

impl Message {
    /// Session-Expires (RFC 4028 4).
    pub fn session_expires(&self) -> Option<SessionExpires> {
        SessionExpires::parse(self.header("session-expires")?).ok()
    }

    /// Min-SE in seconds (RFC 4028 5). Parameters are ignored.
    pub fn min_se(&self) -> Option<u32> {
        number(self.header("min-se")?.split(';').next().unwrap_or_default())
    }

    /// Min-Expires in seconds (RFC 3261 20.23).
    pub fn min_expires(&self) -> Option<u32> {
        number(self.header("min-expires")?)
    }

    /// Flow-Timer in seconds (RFC 5626 11).
    pub fn flow_timer(&self) -> Option<u32> {
        number(self.header("flow-timer")?)
    }

    /// Retry-After (RFC 3261 20.33).
    pub fn retry_after(&self) -> Option<RetryAfter> {
        RetryAfter::parse(self.header("retry-after")?).ok()
    }

    /// RSeq (RFC 3262 7.1).
    pub fn rseq(&self) -> Option<u32> {
        number(self.header("rseq")?)
    }

    /// RAck (RFC 3262 7.2).
    pub fn rack(&self) -> Option<RAck> {
        RAck::parse(self.header("rack")?).ok()
    }

    /// Replaces (RFC 3891).
    pub fn replaces(&self) -> Option<Replaces> {
        Replaces::parse(self.header("replaces")?).ok()
    }

    /// Refer-To (RFC 3515).
    pub fn refer_to(&self) -> Option<ReferTo> {
        ReferTo::parse(self.header("refer-to")?).ok()
    }

    /// Referred-By (RFC 3892).
    pub fn referred_by(&self) -> Option<NameAddr> {
        CombinedView.name_addr(self.header("referred-by")?).ok()
    }

    /// Event (RFC 6665).
    pub fn event(&self) -> Option<Event> {
        Event::parse(self.header("event")?).ok()
    }

    /// Subscription-State (RFC 6665).
    pub fn subscription_state(&self) -> Option<SubscriptionState> {
        SubscriptionState::parse(self.header("subscription-state")?).ok()
    }

    /// SIP-ETag of a response to PUBLISH (RFC 3903 11.3.1).
    pub fn entity_tag(&self) -> Option<&str> {
        self.header("sip-etag").filter(|tag| !tag.is_empty())
    }

    /// The tokens of a list field over all its fields (Supported, Require, Allow, Allow-Events, Unsupported, Accept).
    pub fn tokens(&self, name: &str) -> Vec<String> {
        self.headers(name).flat_map(tokens).collect()
    }

    /// Whether a list field names this token, in any case.
    pub fn has_token(&self, name: &str, token: &str) -> bool {
        self.tokens(name)
            .iter()
            .any(|known| known.eq_ignore_ascii_case(token))
    }

    /// Every address of an address list field that can be read (Path, Service-Route, Route, P-Asserted-Identity,
    /// P-Preferred-Identity), in wire order.
    pub fn addresses(&self, name: &str) -> Vec<NameAddr> {
        self.header_values(name)
            .iter()
            .filter_map(|value| CombinedView.name_addr(value).ok())
            .collect()
    }

    /// Every Reason that can be read (RFC 3326).
    pub fn reasons(&self) -> Vec<Reason> {
        self.views("reason", |value| Reason::parse(value).ok())
    }

    /// Every Alert-Info that can be read (RFC 3261 20.4).
    pub fn alert_infos(&self) -> Vec<AlertInfo> {
        self.views("alert-info", |value| AlertInfo::parse(value).ok())
    }

    /// Every Call-Info that can be read (RFC 3261 20.9).
    pub fn call_infos(&self) -> Vec<CallInfo> {
        self.views("call-info", |value| CallInfo::parse(value).ok())
    }

    /// Every Diversion that can be read, the latest first (RFC 5806).
    pub fn diversions(&self) -> Vec<Diversion> {
        self.views("diversion", |value| Diversion::parse(value).ok())
    }

    /// Every History-Info entry that can be read (RFC 7044).
    pub fn history(&self) -> Vec<HistoryEntry> {
        self.views("history-info", |value| HistoryEntry::parse(value).ok())
    }

    fn views<T>(&self, name: &str, read: impl Fn(&str) -> Option<T>) -> Vec<T> {
        self.header_values(name)
            .iter()
            .filter_map(|value| read(value))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compact_names_lists_and_numbers() {
        let message = Message::parse(
            b"SIP/2.0 200 OK\r\nx: 1800;refresher=uac\r\nMin-SE: 90;x\r\no: dialog;id=1\r\nr: <sip:a@x>\r\n\
              b: <sip:c@x>\r\nk: timer, 100rel\r\nSupported: replaces\r\nu: presence,dialog\r\n\
              Path: <sip:p1;lr>, <sip:p2;lr>\r\nService-Route: <sip:s;lr>\r\nRSeq: 7\r\nFlow-Timer: 120\r\n\
              Min-Expires: x\r\nReason: SIP;cause=200, Q.850;cause=16\r\nSIP-ETag: dx200xyz\r\n\r\n",
        );
        assert_eq!(message.session_expires().map(|s| s.interval), Some(1800));
        assert_eq!((message.min_se(), message.rseq()), (Some(90), Some(7)));
        assert_eq!((message.flow_timer(), message.min_expires()), (Some(120), None));
        assert_eq!(
            message
                .event()
                .and_then(|event| event.id().map(str::to_owned))
                .as_deref(),
            Some("1")
        );
        assert_eq!(
            message.refer_to().map(|refer| refer.request_uri()).as_deref(),
            Some("sip:a@x")
        );
        assert_eq!(
            message.referred_by().map(|by| by.uri.to_string()).as_deref(),
            Some("sip:c@x")
        );
        assert_eq!(message.tokens("supported"), ["timer", "100rel", "replaces"]);
        assert!(message.has_token("allow-events", "DIALOG"));
        assert_eq!(message.addresses("path").len(), 2);
        assert_eq!(message.reasons()[1].cause, Some(16));
        assert_eq!(message.entity_tag(), Some("dx200xyz"));
    }
}
