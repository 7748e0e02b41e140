//! Snom's `command.htm` (Snom service wiki, "Can I control my snom phone remotely").

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use voxproof_spec::DeviceAction;

use crate::web::Order;

pub(super) fn orders(action: &DeviceAction, number: &str) -> Vec<Order> {
    let command = |what: &str| vec![Order::Get(format!("/command.htm?{what}"))];
    let encoded = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
    match action {
        DeviceAction::Answer(_) => command("key=ENTER"),
        DeviceAction::Reject(_) => command("key=CANCEL"),
        DeviceAction::Hangup(_) => command("RELEASE_ALL_CALLS"),
        DeviceAction::Dial(_) => command(&format!("number={}", encoded(number))),
        // the key both holds and resumes
        DeviceAction::Hold(_) | DeviceAction::Resume(_) => command("key=F_HOLD"),
        DeviceAction::Dtmf(dtmf) => dtmf
            .digits
            .chars()
            .flat_map(|digit| command(&format!("key_dtmf={}", encoded(&digit.to_string()))))
            .collect(),
        DeviceAction::Restart(_) => vec![Order::Get("/advanced_update.htm?reboot=Reboot".to_owned())],
        DeviceAction::Transfer(_)
        | DeviceAction::Consult(_)
        | DeviceAction::CompleteTransfer(_)
        | DeviceAction::Stop(_)
        | DeviceAction::AutoAnswer(_)
        | DeviceAction::Loopback(_) => vec![],
    }
}
