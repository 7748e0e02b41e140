//! Steps that order the lab's DNS and HTTP services.

use std::time::Duration;

use voxproof_call::{CallError, Station};
use voxproof_record::{StepOutcome, TimelineEvent};
use voxproof_services::dns::{DnsFailure, DnsRecord, Selection};
use voxproof_services::http::{Authentication, DigestAlgorithm, HttpFault, Route};
use voxproof_services::{DnsOrder, HttpOrder, ServiceEvent, Services};
use voxproof_spec::{
    AwaitService, DeviceSettings, DnsSelection, DnsStep, HttpAuthentication, HttpStep, HttpsStep, ServiceName,
};

use crate::drive::Drive;
use crate::steps;

/// The account of the device, for credentials and contents.
#[derive(Debug, Clone)]
pub(crate) struct Account {
    pub(crate) username: String,
    pub(crate) password: String,
    /// What the device fetches.
    pub(crate) settings: Option<DeviceSettings>,
}

fn selection(written: &DnsSelection) -> Result<Selection, String> {
    Selection::new(written.name.as_deref(), written.kind.as_deref()).map_err(|error| error.to_string())
}

fn dns_order(step: &DnsStep, station: &Station) -> Result<DnsOrder, String> {
    let server = station.server();
    let filled = |text: &str| {
        text.replace("{address}", &server.ip().to_string())
            .replace("{port}", &server.port().to_string())
    };
    let now = station.now();
    let record = |written: &voxproof_spec::DnsRecordStep| {
        let record = DnsRecord::parse(&written.name, &written.kind, &filled(&written.value), written.ttl)
            .map_err(|error| error.to_string())?;
        Ok(match written.withdrawn_after {
            Some(after) => record.until(now + after.0),
            None => record,
        })
    };
    Ok(DnsOrder {
        replace: step.replace,
        withdraw: step.withdraw.iter().map(selection).collect::<Result<_, _>>()?,
        records: step.records.iter().map(record).collect::<Result<_, String>>()?,
        failure: match step.fail {
            voxproof_spec::DnsFailure::None => DnsFailure::None,
            voxproof_spec::DnsFailure::Servfail => DnsFailure::ServFail,
            voxproof_spec::DnsFailure::Nxdomain => DnsFailure::NxDomain,
            voxproof_spec::DnsFailure::Refused => DnsFailure::Refused,
            voxproof_spec::DnsFailure::NotImplemented => DnsFailure::NotImplemented,
            voxproof_spec::DnsFailure::FormatError => DnsFailure::FormatError,
            voxproof_spec::DnsFailure::NoData => DnsFailure::NoData,
            voxproof_spec::DnsFailure::Truncate => DnsFailure::Truncate,
            voxproof_spec::DnsFailure::Drop => DnsFailure::Drop,
        },
        delay: step.delay.map_or(Duration::ZERO, |span| span.0),
        scope: selection(&step.only)?,
        times: step.times,
    })
}

/// Path, content type and content of what is served.
fn content(step: &HttpStep, account: &Account) -> Result<(String, String, String), String> {
    let Some(values) = &step.settings else {
        let path = step
            .path
            .as_ref()
            .map(|path| path.to_string())
            .unwrap_or_default();
        return Ok((path, step.content_type.clone(), step.body.clone()));
    };
    let settings = account
        .settings
        .as_ref()
        .ok_or("the device file has no [ixit.settings]")?;
    let mut text = settings.text.clone();
    for (name, value) in values {
        let place = format!("{{{name}}}");
        if !text.contains(&place) {
            return Err(format!("`text` of [ixit.settings] has no {place}"));
        }
        text = text.replace(&place, value);
    }
    Ok((settings.path.to_string(), settings.content_type.clone(), text))
}

fn route(step: &HttpStep, station: &Station, account: &Account) -> Result<Route, String> {
    let (path, content_type, text) = content(step, account)?;
    let username = step.username.clone().unwrap_or_else(|| account.username.clone());
    let password = step.password.clone().unwrap_or_else(|| account.password.clone());
    let body = text
        .replace("{server}", &station.server().to_string())
        .replace("{username}", &account.username)
        .replace("{password}", &account.password);
    let digest = |algorithm| Authentication::Digest {
        username: username.clone(),
        password: password.clone(),
        algorithm,
    };
    Ok(Route {
        status: step.status,
        headers: step
            .headers
            .iter()
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect(),
        delay: step.delay.map_or(Duration::ZERO, |span| span.0),
        authentication: match step.authentication {
            HttpAuthentication::None => Authentication::None,
            HttpAuthentication::Basic => Authentication::Basic {
                username: username.clone(),
                password: password.clone(),
            },
            HttpAuthentication::Digest => digest(DigestAlgorithm::Md5),
            HttpAuthentication::DigestSha256 => digest(DigestAlgorithm::Sha256),
        },
        client_certificate: step.client_certificate,
        tls: step.tls,
        times: step.times,
        fault: match step.fail {
            voxproof_spec::HttpFailure::None => HttpFault::None,
            voxproof_spec::HttpFailure::Close => HttpFault::Close,
            voxproof_spec::HttpFailure::Reset => HttpFault::Reset,
            voxproof_spec::HttpFailure::Drop => HttpFault::Silent,
            voxproof_spec::HttpFailure::Truncate => HttpFault::Truncate,
        },
        ..Route::new(&path, &content_type, body)
    })
}

/// Whether an event is what a step waits for.
fn fits(step: &AwaitService, event: &ServiceEvent) -> bool {
    let wanted = match step.service {
        ServiceName::Dns => "dns",
        ServiceName::Http => "http",
    };
    let fields = event.fields();
    let field = |name: &str| {
        fields
            .iter()
            .find(|(field, _)| *field == name)
            .map_or("", |(_, value)| value.as_str())
    };
    let (named, kind) = match step.service {
        ServiceName::Dns => (field("name"), field("type")),
        ServiceName::Http => (
            field("target").split('?').next().unwrap_or_default(),
            field("method"),
        ),
    };
    let name_fits = step
        .name
        .as_ref()
        .is_none_or(|name| match name.strip_suffix('*') {
            Some(beginning) => named.starts_with(beginning),
            None => named
                .trim_end_matches('.')
                .eq_ignore_ascii_case(name.trim_end_matches('.')),
        });
    event.service() == wanted
        && name_fits
        && step
            .kind
            .as_ref()
            .is_none_or(|wanted| kind.eq_ignore_ascii_case(wanted))
}

/// Takes what happened at the services over into the timeline.
pub(crate) fn note(services: &Services, station: &mut Station) -> Vec<ServiceEvent> {
    let events = services.drain_events();
    for event in &events {
        let at = event.at().unwrap_or_else(|| station.now());
        let note = match event {
            ServiceEvent::Connection(connection) => TimelineEvent::Connection {
                transport: connection.transport.to_owned(),
                local: connection.local,
                remote: connection.peer,
                state: connection.state.to_owned(),
                detail: connection.detail.clone(),
                key_log: connection.key_log.clone(),
            },
            _ => TimelineEvent::Service {
                service: event.service().to_owned(),
                fields: event
                    .fields()
                    .into_iter()
                    .map(|(name, value)| (name.to_owned(), value))
                    .collect(),
            },
        };
        station.note_at(at, note);
    }
    events
}

impl Drive<'_> {
    pub(crate) fn dns(&self, step: &DnsStep) -> StepOutcome {
        match dns_order(step, self.station) {
            Ok(order) => {
                self.services.apply(order);
                StepOutcome::Done
            }
            Err(reason) => StepOutcome::Rig { reason },
        }
    }

    pub(crate) fn http(&self, step: &HttpStep) -> StepOutcome {
        match route(step, self.station, self.account) {
            Ok(route) => {
                self.services.apply(HttpOrder {
                    replace: false,
                    routes: vec![route],
                });
                StepOutcome::Done
            }
            Err(reason) => StepOutcome::Rig { reason },
        }
    }

    pub(crate) async fn https(&mut self, step: &HttpsStep) -> Result<StepOutcome, CallError> {
        let request = steps::certificate(step.certificate).request(self.station.server().ip());
        self.services.present(self.station.authority(), &request).await?;
        Ok(StepOutcome::Done)
    }

    pub(crate) async fn await_service(&mut self, step: &AwaitService) -> Result<StepOutcome, CallError> {
        let until = self.station.now() + step.within.0;
        loop {
            let events = note(self.services, self.station);
            if let Some(event) = events.iter().find(|event| fits(step, event)) {
                let at = event.at().unwrap_or_else(|| self.station.now());
                self.mark_moment(step.mark.as_ref(), at);
                return Ok(StepOutcome::Done);
            }
            if self.station.now() >= until {
                return Ok(StepOutcome::NotSeen {
                    awaited: match step.service {
                        ServiceName::Dns => "a DNS query of the device".to_owned(),
                        ServiceName::Http => "an HTTP request of the device".to_owned(),
                    },
                    within_ms: step.within.0.as_millis() as u64,
                });
            }
            self.station
                .pump_until(until, self.services.event_arrived())
                .await;
        }
    }
}
