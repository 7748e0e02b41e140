//! The REST API of Polycom UC Software (REST API reference manual 5.9): JSON both ways, success is `"Status": "2000"`.

use serde_json::{Value, json};
use voxproof_spec::DeviceAction;

use crate::web::Order;

/// Which calls there are.
pub(super) const STATUS: &str = "/api/v1/webCallControl/callStatus";
/// What the phone is.
pub(super) const DEVICE: &str = "/api/v1/mgmt/device/info";
/// Stands in an order for the handle of the call.
pub(super) const CALL: &str = "{call}";

const SUCCESS: &str = "2000";

pub(super) fn orders(action: &DeviceAction, number: &str, line: u8) -> Vec<Order> {
    let on_call = |path: &'static str, further: Option<(&str, &str)>| {
        let mut data = json!({ "Ref": CALL });
        if let Some((key, value)) = further {
            data[key] = value.into();
        }
        vec![Order::Post(path, json!({ "data": data }).to_string())]
    };
    match action {
        DeviceAction::Answer(_) => on_call("/api/v1/callctrl/answerCall", None),
        DeviceAction::Reject(_) => on_call("/api/v1/callctrl/rejectCall", None),
        DeviceAction::Hangup(_) => on_call("/api/v1/callctrl/endCall", None),
        DeviceAction::Hold(_) => on_call("/api/v1/callctrl/holdCall", None),
        DeviceAction::Resume(_) => on_call("/api/v1/callctrl/resumeCall", None),
        DeviceAction::Transfer(_) => on_call("/api/v1/callctrl/transferCall", Some(("TransferDest", number))),
        DeviceAction::Dial(_) => {
            let kind = if number.contains('@') { "SIP" } else { "TEL" };
            let data = json!({ "data": { "Dest": number, "Line": line.to_string(), "Type": kind } });
            vec![Order::Post("/api/v1/callctrl/dial", data.to_string())]
        }
        DeviceAction::Dtmf(dtmf) => {
            let data = json!({ "data": { "Digits": dtmf.digits } });
            vec![Order::Post("/api/v1/callctrl/sendDTMF", data.to_string())]
        }
        DeviceAction::Restart(_) => vec![Order::Post("/api/v1/mgmt/safeRestart", "{}".to_owned())],
        DeviceAction::Consult(_)
        | DeviceAction::CompleteTransfer(_)
        | DeviceAction::Stop(_)
        | DeviceAction::AutoAnswer(_)
        | DeviceAction::Loopback(_) => vec![],
    }
}

/// The handle of the first call; phones answer with one or with a list.
pub(super) fn call(answer: &str) -> Option<String> {
    let answer: Value = serde_json::from_str(answer).ok()?;
    let data = &answer["data"];
    let first = data.get(0).unwrap_or(data);
    first["CallHandle"].as_str().map(str::to_owned)
}

/// Whether the phone has taken the order.
pub(super) fn accepted(answer: &str) -> Result<(), String> {
    let parsed: Option<Value> = serde_json::from_str(answer).ok();
    let status = parsed.as_ref().and_then(|answer| answer["Status"].as_str());
    match status {
        Some(SUCCESS) => Ok(()),
        Some("4001") => Err("the phone is busy (4001)".to_owned()),
        Some("4002") => Err("the line is not registered (4002)".to_owned()),
        Some("4003" | "4004") => Err("the phone does not allow it now (4003)".to_owned()),
        Some("4005") => Err("there is no such line (4005); correct `line` in the device file".to_owned()),
        Some("4007") => Err("there is no such call (4007)".to_owned()),
        Some(status) => Err(format!("the phone answered status {status}")),
        None => Err(format!(
            "its answer is not understood: {}",
            answer.chars().take(200).collect::<String>()
        )),
    }
}

/// The version of the application.
pub(super) fn firmware(answer: &str) -> Option<String> {
    let answer: Value = serde_json::from_str(answer).ok()?;
    let data = &answer["data"];
    let release = data["FirmwareRelease"].as_str();
    release
        .or_else(|| data["Firmware"]["Application"].as_str())
        .map(str::to_owned)
}
