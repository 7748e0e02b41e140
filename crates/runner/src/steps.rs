//! Steps of a case as orders to the station and to the device.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use voxproof_call::{InviteOptions, OfferSpec, RegistrarBehaviour, ReinviteOptions, RequestOptions};
use voxproof_spec::{CallStep, Direction, Offer, RegistrarStep, Reinvite, RequestStep, Step, Withhold};

/// A peer waits this long for the response to a BYE, a CANCEL or another request.
pub(crate) const RESPONSE: Duration = Duration::from_secs(2);
/// A peer waits this long for the answer to a re-INVITE.
pub(crate) const REINVITE: Duration = Duration::from_secs(4);

pub(crate) fn offer(offer: Option<&Offer>) -> OfferSpec {
    let Some(offer) = offer else {
        return OfferSpec::default();
    };
    OfferSpec {
        codecs: offer.codecs.iter().map(|name| name.to_string()).collect(),
        telephone_event: Some(offer.telephone_event).filter(|payload_type| *payload_type != 0),
        direction: match offer.direction {
            Direction::SendRecv => voxproof_sip::sdp::Direction::SendRecv,
            Direction::SendOnly => voxproof_sip::sdp::Direction::SendOnly,
            Direction::RecvOnly => voxproof_sip::sdp::Direction::RecvOnly,
            Direction::Inactive => voxproof_sip::sdp::Direction::Inactive,
        },
        connection: offer.connection.as_ref().and_then(|text| text.parse().ok()),
    }
}

pub(crate) fn registrar(step: &RegistrarStep) -> RegistrarBehaviour {
    RegistrarBehaviour {
        min_expires: step.min_expires,
        grant: step.grant,
        stale_once: step.stale_once,
    }
}

/// Header values may name the lab's server: `{server}` is its address and port.
fn headers(written: &BTreeMap<String, String>, server: SocketAddr) -> BTreeMap<String, String> {
    let server = server.to_string();
    written
        .iter()
        .map(|(name, value)| (name.clone(), value.replace("{server}", &server)))
        .collect()
}

pub(crate) fn invite(step: &CallStep, server: SocketAddr) -> InviteOptions {
    InviteOptions {
        offer: offer(step.offer.as_ref()),
        offerless: step.offerless,
        headers: headers(&step.headers, server),
        withhold_ack: step.withhold == Some(Withhold::Ack),
        withhold_failure_ack: step.withhold == Some(Withhold::FailureAck),
    }
}

pub(crate) fn reinvite(step: &Reinvite) -> ReinviteOptions {
    ReinviteOptions {
        offer: offer(step.offer.as_ref()),
        offerless: step.offerless,
        move_rtp: step.move_rtp,
    }
}

pub(crate) fn request(step: &RequestStep, server: SocketAddr) -> RequestOptions {
    let mut headers = headers(&step.headers, server);
    let to_tag = headers.remove("To-Tag");
    let cseq_offset = headers
        .remove("CSeq-Offset")
        .and_then(|text| text.parse().ok())
        .unwrap_or(0);
    RequestOptions {
        method: step.method.clone(),
        in_dialog: step.in_dialog,
        headers,
        body: step.body.clone(),
        to_tag,
        cseq_offset,
    }
}

/// A step in words, for progress and journal.
pub(crate) fn describe(step: &Step) -> String {
    match step {
        Step::Registrar(_) => "registrar changes its behaviour".to_owned(),
        Step::Call(call) => format!("{} calls the device", *call.from),
        Step::ReceiveCall(call) => format!("{} waits for a call", *call.at),
        Step::Await(wait) => match (&wait.request, &wait.response) {
            (Some(method), _) => format!("wait for {} from the device", **method),
            (None, status) => {
                format!(
                    "wait for response {}",
                    status.as_ref().map_or("", |status| status.as_str())
                )
            }
        },
        Step::Ack(ack) => format!("{} acknowledges", *ack.from),
        Step::Bye(bye) => format!("{} ends the call", *bye.from),
        Step::Cancel(cancel) => format!("{} cancels the call", *cancel.from),
        Step::Reinvite(change) => format!("{} changes the session", *change.from),
        Step::Request(request) => format!("{} sends {}", *request.from, request.method),
        Step::Resend(resend) => format!("`{}` is sent once more", *resend.message),
        Step::Play(play) => format!("{} plays {} for {}", *play.from, *play.signal, play.duration),
        Step::Wait(wait) => format!("wait {}", wait.duration),
        Step::Device(action) => format!("device: {}", action.name().replace('_', " ")),
    }
}
