//! Dialogs: tags, routes, targets, ACK, CANCEL, BYE and overlapping INVITEs (RFC 3261 9, 12 to 15).

use std::time::Duration;

use voxproof_sip::{NameAddr, Uri};

use crate::catalogue::Id;
use crate::facts::{Context, Facts};
use crate::text::{self, same_place};
use crate::transaction::{TIMEOUT, Transaction};

#[derive(Debug)]
pub(crate) struct Dialog {
    /// The INVITE (or other request) that made it came from the device.
    device_is_caller: bool,
    by_invite: bool,
    confirmed: bool,
    /// When the device's 2xx went out and whether it was acknowledged; only for a called device.
    answered_at: Option<Duration>,
    acknowledged: bool,
    /// When a BYE was sent or accepted by the device.
    pub(crate) ended: Option<Duration>,
    pub(crate) device_number: Option<u32>,
    route_set: Vec<NameAddr>,
    /// Where the device's requests go, the newest first; the one before counts while a refresh is on its way.
    targets: [Option<Uri>; 2],
    /// Keys of the INVITE transactions under way.
    pub(crate) device_invite: Option<u64>,
    pub(crate) lab_invite: Option<u64>,
}

pub(crate) fn key(call_id: &str, device_tag: &str, lab_tag: &str) -> u64 {
    text::hash(&(call_id, device_tag, lab_tag))
}

/// Whether a response makes or confirms a dialog (RFC 3261 12.1, RFC 6665 4.4.1, RFC 3515 2.4.4).
pub(crate) fn is_made_by(facts: &Facts<'_>) -> bool {
    match facts.method {
        "INVITE" => (101..300).contains(&facts.status) && facts.tag_of_to().is_some(),
        "SUBSCRIBE" | "REFER" => facts.is_success() && facts.tag_of_to().is_some(),
        _ => false,
    }
}

impl Dialog {
    /// From the response that makes it and its request.
    pub(crate) fn new(facts: &Facts<'_>, request: &Transaction) -> Self {
        let mut dialog = Self {
            device_is_caller: request.device_is_client,
            by_invite: request.is_invite(),
            confirmed: false,
            answered_at: None,
            acknowledged: false,
            ended: None,
            device_number: request.device_is_client.then_some(request.number),
            route_set: Vec::new(),
            targets: [None, None],
            device_invite: None,
            lab_invite: None,
        };
        if !request.device_is_client {
            dialog.route_set.clone_from(&request.record_routes);
            dialog.targets = [request.contact.as_ref().map(|contact| contact.uri.clone()), None];
        }
        dialog.take_response(facts, request, true);
        dialog
    }

    /// A 1xx or 2xx of either side to an INVITE, SUBSCRIBE or REFER of this dialog.
    pub(crate) fn take_response(&mut self, facts: &Facts<'_>, request: &Transaction, initial: bool) {
        if !facts.from_device {
            // 12.1.2; a 2xx sets the route set anew (13.2.2.4)
            if initial || (!self.confirmed && request.tag_of_to().is_none()) {
                self.route_set = text::addresses(facts.message, "record-route");
                self.route_set.reverse();
            }
            self.refresh(facts);
        }
        if facts.is_success() && request.is_invite() {
            if facts.from_device && !self.confirmed {
                self.answered_at = Some(facts.spot.at);
            }
            self.confirmed = true;
        }
        if facts.is_success() && !self.by_invite {
            self.confirmed = true;
        }
    }

    /// A Contact of the lab becomes the target (RFC 3261 12.2.1.2, 12.2.2).
    pub(crate) fn refresh(&mut self, facts: &Facts<'_>) {
        if !matches!(
            facts.method,
            "INVITE" | "UPDATE" | "SUBSCRIBE" | "NOTIFY" | "REFER"
        ) {
            return;
        }
        let Some(contact) = facts.message.contacts().iter().flatten().next() else {
            return;
        };
        let [current, before] = &mut self.targets;
        if current.as_ref() != Some(&contact.uri) {
            *before = current.replace(contact.uri.clone());
        }
    }

    pub(crate) fn take_ack(&mut self) {
        self.acknowledged = true;
    }

    /// A request of the device in this dialog. `pending` tells whether an INVITE transaction still runs, and for the
    /// lab's whether the device has shown that it knows it.
    pub(crate) fn check_request(&mut self, cx: &mut Context<'_, '_>, own_pending: bool, lab_pending: bool) {
        let facts = cx.facts;
        self.routes(cx);
        if facts.method == "ACK" {
            return;
        }
        if facts.method == "INVITE" {
            cx.check(Id::OneInvite, !own_pending && !lab_pending, || {
                let whose = if own_pending { "its own" } else { "the peer's" };
                format!("INVITE while {whose} earlier INVITE of the dialog is not finished")
            });
        }
        if facts.method == "BYE" && self.by_invite {
            let early = !self.confirmed && !self.device_is_caller;
            cx.check(Id::ByeEarly, !early, || {
                "BYE of the called side before it answered the call".to_owned()
            });
            if let Some(answered) = self.answered_at {
                let late = facts.spot.at.saturating_sub(answered) > TIMEOUT - Duration::from_secs(1);
                cx.check(Id::ByeBeforeAck, self.acknowledged || late, || {
                    "BYE of the called side before the ACK for its 2xx".to_owned()
                });
            }
        }
        if self.by_invite && matches!(facts.method, "INVITE" | "UPDATE" | "INFO" | "PRACK" | "MESSAGE") {
            cx.check(Id::AfterBye, self.ended.is_none(), || {
                format!("{} in a dialog that a BYE has ended", facts.method)
            });
        }
        crate::cseq::in_dialog(cx, &mut self.device_number);
    }

    fn routes(&self, cx: &mut Context<'_, '_>) {
        let facts = cx.facts;
        // a strict router turns Request-URI and Route around (RFC 3261 12.2.1.1): not judged
        if self
            .route_set
            .first()
            .is_some_and(|route| !route.uri.params.has("lr"))
        {
            return;
        }
        let sent = text::addresses(facts.message, "route");
        let same = sent.len() == self.route_set.len()
            && sent
                .iter()
                .zip(&self.route_set)
                .all(|(one, other)| same_place(&one.uri, &other.uri));
        cx.check(Id::RouteSet, same, || {
            let print = |list: &[NameAddr]| {
                list.iter()
                    .map(|route| route.uri.to_string())
                    .collect::<Vec<_>>()
                    .join(", ")
            };
            format!(
                "Route [{}], the route set is [{}]",
                print(&sent),
                print(&self.route_set)
            )
        });
        if let ([Some(current), before], Ok(uri)) = (&self.targets, Uri::parse(facts.uri)) {
            let right =
                same_place(&uri, current) || before.as_ref().is_some_and(|before| same_place(&uri, before));
            cx.check(Id::RemoteTarget, right, || {
                format!("Request-URI {uri}, the remote target is {current}")
            });
        }
    }
}

/// The ACK of the device to a final response of the lab.
pub(crate) fn check_ack(cx: &mut Context<'_, '_>, invite: &Transaction) {
    let facts = cx.facts;
    let Some(last) = invite.last else { return };
    let vias = facts.message.vias();
    let same_branch = facts.branch() == invite.branch;
    if last.status < 300 {
        cx.check(Id::AckOwnBranch, !same_branch, || {
            "the ACK for a 2xx has the branch of its INVITE".to_owned()
        });
        cx.check(Id::AckSuccess, true, String::new);
        let mut own = crate::transaction::credentials(facts);
        let mut sent = invite.credentials.clone();
        own.sort_unstable();
        sent.sort_unstable();
        if !sent.is_empty() {
            cx.check(Id::AckCredentials, own == sent, || {
                "the ACK has not the credentials of its INVITE".to_owned()
            });
        }
        if let Some(tag) = &invite.response_tag {
            // with several 2xx of a fork each has its own tag
            if !invite.merged {
                cx.check(Id::AckTag, facts.tag_of_to() == Some(tag), || {
                    format!(
                        "To tag {:?} in ACK, the response had {tag:?}",
                        facts.tag_of_to().unwrap_or_default()
                    )
                });
            }
        }
        return;
    }
    cx.check(Id::AckFailure, true, String::new);
    cx.check(Id::AckSameBranch, same_branch && vias.len() == 1, || {
        format!(
            "the ACK for {} has branch {:?} and {} Via values, the INVITE had {:?}",
            last.status,
            facts.branch(),
            vias.len(),
            invite.branch
        )
    });
    cx.check(Id::AckUri, facts.uri == invite.uri, || {
        format!("Request-URI {} in ACK, the INVITE had {}", facts.uri, invite.uri)
    });
    if let Some(tag) = &invite.response_tag {
        cx.check(Id::AckTag, facts.tag_of_to() == Some(tag), || {
            format!(
                "To tag {:?} in ACK, the response had {tag:?}",
                facts.tag_of_to().unwrap_or_default()
            )
        });
    }
    let routes = text::addresses(facts.message, "route");
    cx.check(Id::AckRoute, same_routes(&routes, &invite.routes), || {
        format!(
            "{} Route values in ACK, the INVITE had {} or others",
            routes.len(),
            invite.routes.len()
        )
    });
}

fn same_routes(one: &[NameAddr], other: &[NameAddr]) -> bool {
    one.len() == other.len() && one.iter().zip(other).all(|(a, b)| a.uri.raw == b.uri.raw)
}

/// A CANCEL of the device for a request of its own.
pub(crate) fn check_cancel(cx: &mut Context<'_, '_>, request: &Transaction) {
    let facts = cx.facts;
    let vias = facts.message.vias();
    cx.check(
        Id::CancelBranch,
        facts.branch() == request.branch && vias.len() == 1,
        || {
            format!(
                "CANCEL has branch {:?} and {} Via values, its request had {:?}",
                facts.branch(),
                vias.len(),
                request.branch
            )
        },
    );
    let same = facts.uri == request.uri
        && facts.tag_of_from() == request.tag_of_from()
        && facts.tag_of_to() == request.tag_of_to()
        && facts.call_id == request.call_id;
    cx.check(Id::CancelCopies, same, || {
        "Request-URI, From or To of CANCEL are not those of its request".to_owned()
    });
    let routes = text::addresses(facts.message, "route");
    cx.check(Id::CancelRoute, same_routes(&routes, &request.routes), || {
        format!(
            "{} Route values in CANCEL, its request had {} or others",
            routes.len(),
            request.routes.len()
        )
    });
    cx.check(
        Id::CancelAfterProvisional,
        request.first_response_at.is_some(),
        || "CANCEL before any provisional response".to_owned(),
    );
}
