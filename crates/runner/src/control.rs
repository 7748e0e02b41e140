//! The way of device drivers to the device by SIP: their requests go out from the lane's station while it waits for them.

use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::{mpsc, oneshot};
use voxproof_call::{CallError, ControlRequest, Requested, Station};
use voxproof_device::{DeviceError, SipAnswer, SipLink, SipOrder};

/// The device gets this long for its final response.
const PATIENCE: Duration = Duration::from_secs(4);

/// An order on its way and where its answer goes.
struct Request {
    order: SipOrder,
    reply: oneshot::Sender<Result<SipAnswer, DeviceError>>,
}

/// A driver's end.
struct Link(mpsc::UnboundedSender<Request>);

/// The lane's end.
pub(crate) struct Requests(mpsc::UnboundedReceiver<Request>);

/// Both ends of a way.
pub(crate) fn link() -> (impl SipLink, Requests) {
    let (sender, receiver) = mpsc::unbounded_channel();
    (Link(sender), Requests(receiver))
}

fn nowhere(reason: impl Into<String>) -> DeviceError {
    DeviceError::Unreachable {
        what: "the device".to_owned(),
        reason: reason.into(),
        help: "see that it is registered".to_owned(),
    }
}

#[async_trait]
impl SipLink for Link {
    async fn send(&self, order: SipOrder) -> Result<SipAnswer, DeviceError> {
        let (reply, answer) = oneshot::channel();
        self.0
            .send(Request { order, reply })
            .map_err(|_| nowhere("the lab has ended"))?;
        answer.await.unwrap_or_else(|_| Err(nowhere("the lab has ended")))
    }
}

/// Lets time pass at the station while a driver is at work, and sends what it wants sent.
pub(crate) async fn serve<F: Future>(station: &mut Station, requests: &mut Requests, work: F) -> F::Output {
    let mut work = std::pin::pin!(work);
    loop {
        let request = {
            let next = async {
                match requests.0.recv().await {
                    Some(request) => request,
                    // nobody has the other end: then nobody asks
                    None => std::future::pending().await,
                }
            };
            let either = async {
                tokio::select! {
                    biased;
                    output = &mut work => Err(output),
                    request = next => Ok(request),
                }
            };
            match station.pump_while(either).await {
                Ok(request) => request,
                Err(output) => return output,
            }
        };
        let answer = carry_out(station, &request.order).await;
        // the driver may have given up
        let _ = request.reply.send(answer);
    }
}

async fn carry_out(station: &mut Station, order: &SipOrder) -> Result<SipAnswer, DeviceError> {
    let request = ControlRequest {
        method: order.method.to_owned(),
        headers: order
            .headers
            .iter()
            .map(|(name, value)| ((*name).to_owned(), value.clone()))
            .collect(),
        body: order
            .body
            .as_ref()
            .map(|(content_type, body)| ((*content_type).to_owned(), body.clone())),
        session: order.session.clone(),
    };
    let failed = |error: CallError| match error {
        CallError::DeviceUnknown => nowhere(error.to_string()),
        other => DeviceError::Control {
            action: order.method.to_owned(),
            reason: other.to_string(),
        },
    };
    let mut sent = station.control(&request).map_err(failed)?;
    answered(station, sent, PATIENCE).await;
    if let Some(again) = station.control_with_credentials(sent) {
        sent = again;
        answered(station, sent, PATIENCE).await;
    }
    let session = station.control_session(sent).unwrap_or_default().to_owned();
    let answer = station.answer_to(sent).map(|seen| {
        let message = &seen.message;
        SipAnswer {
            status: message.status().unwrap_or_default(),
            reason: message.reason().unwrap_or_default().to_owned(),
            body: message.body().to_vec(),
            session: session.clone(),
            notified: None,
        }
    });
    let Some(mut answer) = answer else {
        if order.method == "INVITE" {
            let cancel = ControlRequest {
                method: "CANCEL".to_owned(),
                session: Some(session),
                ..ControlRequest::default()
            };
            if let Ok(cancelled) = station.control(&cancel) {
                answered(station, cancelled, PATIENCE).await;
            }
        }
        return Err(DeviceError::Timeout {
            action: order.method.to_owned(),
            after: PATIENCE,
        });
    };
    if let Some(within) = order.notified_within.filter(|_| answer.status < 300) {
        let until = station.now() + within;
        let any = |station: &Station| station.control_notifications(&answer.session).next().is_some();
        station.pump(until, any).await;
        let first = station.control_notifications(&answer.session).next();
        answer.notified = first.map(|seen| seen.message.body().to_vec());
    }
    Ok(answer)
}

/// Waits for the final response to a request.
async fn answered(station: &mut Station, sent: Requested, within: Duration) {
    let until = station.now() + within;
    station
        .pump(until, |station| station.answer_to(sent).is_some())
        .await;
}
