//! Yealink's action URI: `GET /servlet?key=VALUE` (administrator's guides of the T2, T4 and T5 series, "Action URI").

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use voxproof_spec::DeviceAction;

use crate::web::Order;

/// The phone's firmware and no more.
pub(super) const FIRMWARE: &str = "/servlet?phonecfg=get&accounts=0&dnd=0&fw=1";

pub(super) fn orders(action: &DeviceAction, number: &str) -> Vec<Order> {
    let key = |value: &str| vec![Order::Get(format!("/servlet?key={value}"))];
    let number = || utf8_percent_encode(number, NON_ALPHANUMERIC);
    match action {
        DeviceAction::Answer(_) => key("ASW"),
        DeviceAction::Reject(_) => key("X"),
        DeviceAction::Hangup(_) => key("CALLEND"),
        DeviceAction::Dial(_) => key(&format!("number={}", number())),
        // the key both holds and resumes
        DeviceAction::Hold(_) | DeviceAction::Resume(_) => key("F_HOLD"),
        DeviceAction::Dtmf(dtmf) => dtmf
            .digits
            .chars()
            .flat_map(|digit| match digit {
                '#' => key("POUND"),
                '*' => key("*"),
                digit => key(&digit.to_string()),
            })
            .collect(),
        DeviceAction::Transfer(_) => key(&format!("BTrans={}", number())),
        DeviceAction::Consult(_) => key(&format!("ATrans={}", number())),
        DeviceAction::CompleteTransfer(_) => key("F_TRANSFER"),
        DeviceAction::Restart(_) => key("Reboot"),
        DeviceAction::Stop(_) | DeviceAction::AutoAnswer(_) | DeviceAction::Loopback(_) => vec![],
    }
}

/// The first thing in the answer that looks like a version: three numbers with dots, or more.
pub(super) fn firmware(answer: &str) -> Option<String> {
    answer
        .split(|letter: char| !letter.is_ascii_digit() && letter != '.')
        .map(|word| word.trim_matches('.'))
        .find(|word| word.split('.').filter(|part| !part.is_empty()).count() >= 3)
        .map(str::to_owned)
}
