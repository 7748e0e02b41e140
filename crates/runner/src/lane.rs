//! A lane: one station and one device that take cases one after the other.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use voxproof_call::{CaseCapture, RegistrarBehaviour, Station, StationConfig};
use voxproof_device::{Device, DeviceError, DeviceHealth, LabAddress};
use voxproof_net::Net;
use voxproof_record::TimelineEvent;
use voxproof_services::{Services, ServicesOptions};
use voxproof_sip::Transport;
use voxproof_spec::{Capability, DeviceSettings, Ixit, LoadedCase, MediaProfile, SignallingTransport};

use crate::RunError;
use crate::control::{Requests, serve};
use crate::drive::{Drive, Driven, StepListener};
use crate::evidence::Left;
use crate::interrupt::Interrupt;
use crate::services::{self, Account};
use crate::signals::Signals;

/// A device that was started gets this long to register.
const REGISTRATION: Duration = Duration::from_secs(15);
/// A device that was there before gets this long to register again between two cases.
const REREGISTRATION: Duration = Duration::from_secs(6);

/// So many recoveries in a row that failed end the lane; its remaining cases are not run.
const LOST: u32 = 3;

fn transport(of: SignallingTransport) -> Transport {
    match of {
        SignallingTransport::Udp => Transport::Udp,
        SignallingTransport::Tcp => Transport::Tcp,
        SignallingTransport::Tls => Transport::Tls,
        SignallingTransport::Ws => Transport::Ws,
        SignallingTransport::Wss => Transport::Wss,
    }
}

/// What cases play and send.
#[derive(Debug, Clone)]
pub(crate) struct Stock {
    pub(crate) signals: Arc<Signals>,
    pub(crate) files: Arc<BTreeMap<String, Arc<[u8]>>>,
}

pub(crate) struct Lane {
    station: Station,
    device: Box<dyn Device>,
    /// What the device's drivers want sent to it.
    requests: Requests,
    lab: LabAddress,
    media: MediaProfile,
    settings: Option<DeviceSettings>,
    has_address: bool,
    stock: Stock,
    services: Services,
    /// Why the device has to be recovered before the next case.
    unfit: Option<String>,
    /// The device was shut down by a case and has to be started again.
    stopped: bool,
    failed_recoveries: u32,
}

impl Lane {
    /// Opens the station, starts the device and waits until it can be called.
    pub(crate) async fn open(
        net: Net,
        ixit: &Ixit,
        media: MediaProfile,
        (mut device, mut requests): (Box<dyn Device>, Requests),
        stock: Stock,
        seed: u64,
    ) -> Result<Self, RunError> {
        let address = |text: &str, what: &str| {
            text.parse()
                .map_err(|_| RunError::Unreachable(format!("`{text}` is not an address for {what}")))
        };
        let server: std::net::SocketAddr = address(&ixit.server, "the lab's server")?;
        let server_port = server.port();
        let device_address = ixit
            .address
            .as_ref()
            .map(|text| address(text, "the device"))
            .transpose()?;
        let proxy = ixit
            .proxy
            .as_ref()
            .map(|text| address(text, "the device's proxy"))
            .transpose()?;
        let config = StationConfig {
            server,
            username: ixit.username.clone(),
            password: ixit.password.clone(),
            realm: "voxproof".to_owned(),
            device_address,
            seed,
        };
        let mut station = Station::open(net.clone(), config)
            .await
            .map_err(|error| RunError::Unreachable(error.to_string()))?;
        let mut lab = LabAddress {
            server: proxy.unwrap_or_else(|| station.address(transport(ixit.transport))),
            transport: ixit.transport,
            proxied: proxy.is_some(),
            dns: None,
            http: None,
            https: None,
            authority_pem: station.authority_pem(),
            username: ixit.username.clone(),
            password: ixit.password.clone(),
            realm: "voxproof".to_owned(),
            device_ip: device_address.map_or_else(|| station.server().ip(), |address| address.ip()),
        };
        // beside a fixed server port the services have the ports after those of its transports
        let fixed = |offset: u16| {
            if server_port == 0 {
                0
            } else {
                server_port.saturating_add(offset)
            }
        };
        let options = ServicesOptions {
            dns_port: fixed(4),
            http_port: fixed(5),
            https_port: fixed(6),
            ..ServicesOptions::default()
        };
        let services = Services::open_with(&net, station.server().ip(), Some(station.authority()), &options)
            .await
            .map_err(|error| RunError::Unreachable(error.to_string()))?;
        lab.dns = Some(services.dns_address());
        lab.http = Some(services.http_address());
        lab.https = services.https_address();
        station.begin_case();
        serve(&mut station, &mut requests, device.start(&lab)).await?;
        let mut lane = Self {
            station,
            device,
            requests,
            lab,
            media,
            settings: ixit.settings.clone(),
            has_address: device_address.is_some(),
            stock,
            services,
            unfit: None,
            stopped: false,
            failed_recoveries: 0,
        };
        lane.reach().await?;
        Ok(lane)
    }

    /// Makes sure that the device is there before anything is claimed about it.
    async fn reach(&mut self) -> Result<(), RunError> {
        if self.has_address {
            return self.answers_options().await;
        }
        if self.registered(REGISTRATION).await {
            return Ok(());
        }
        let tried = self
            .station
            .log()
            .iter()
            .filter(|seen| seen.message.method() == Some("REGISTER"))
            .count();
        let server = self.lab.server;
        self.device.stop().await;
        Err(RunError::Unreachable(if tried > 0 {
            format!(
                "the device sent {tried} REGISTER requests to {server} but did not complete its registration; check user `{}` and password",
                self.lab.username
            )
        } else {
            format!(
                "the device did not register at {server} within {} s; check that it is running and that its registrar is set to that address",
                REGISTRATION.as_secs()
            )
        }))
    }

    /// Whether whoever is at the device's address answers OPTIONS. A proxy answers for a device that has not registered
    /// there yet, so it is asked again until it knows better.
    async fn answers_options(&mut self) -> Result<(), RunError> {
        const NOT_YET: [u16; 3] = [404, 480, 408];
        const AGAIN: Duration = Duration::from_millis(300);
        let give_up = self.station.now() + REGISTRATION;
        loop {
            let options = voxproof_call::RequestOptions {
                method: "OPTIONS".to_owned(),
                ..Default::default()
            };
            let probe = self
                .station
                .request("server", options)
                .map_err(|error| RunError::Unreachable(error.to_string()))?;
            let until = self.station.now() + Duration::from_secs(5);
            self.station
                .pump(until, |station| station.answer_to(probe).is_some())
                .await;
            let answer = self.station.answer_to(probe);
            let status = answer.and_then(|seen| seen.message.status());
            let absent = status.is_none_or(|status| self.lab.proxied && NOT_YET.contains(&status));
            if !absent {
                return Ok(());
            }
            if self.lab.proxied && self.station.now() < give_up {
                let until = self.station.now() + AGAIN;
                self.station.pump(until, |_| false).await;
                continue;
            }
            self.device.stop().await;
            return Err(RunError::Unreachable(
                "the device does not answer OPTIONS at the `address` of its file; check power, cable, address and firewall".to_owned(),
            ));
        }
    }

    async fn registered(&mut self, within: Duration) -> bool {
        let until = self.station.now() + within;
        self.station
            .pump(until, |station| station.binding().is_some())
            .await
    }

    pub(crate) async fn firmware(&mut self) -> String {
        serve(&mut self.station, &mut self.requests, self.device.firmware()).await
    }

    pub(crate) fn unfit(&self) -> Option<String> {
        self.unfit.clone()
    }

    /// Drives one case. `None` when it was stopped from outside: such a case has no verdict.
    pub(crate) async fn drive(
        &mut self,
        loaded: &LoadedCase,
        attempt: u32,
        interrupt: &Interrupt,
        listener: &mut dyn StepListener,
    ) -> Result<Option<Left>, RunError> {
        let began = self.station.now();
        let case = &loaded.case;
        let recovered = match self.make_fit().await {
            Ok(recovered) => {
                self.failed_recoveries = 0;
                recovered
            }
            Err(error) => {
                self.failed_recoveries += 1;
                let reason = format!("the device could not be recovered: {error}");
                self.unfit = Some(reason.clone());
                self.station.begin_case();
                self.station.note(TimelineEvent::NotCarriedOut { reason });
                let capture = self.station.end_case(false).await;
                return Ok(Some(self.left(loaded, attempt, capture, began)));
            }
        };
        let answer = case.needs.iter().any(|need| **need == Capability::Answer);
        let prepared = serve(&mut self.station, &mut self.requests, self.device.prepare(answer)).await;
        let by_restart = prepared.is_ok() && self.station.binding().is_none() && !self.has_address;
        if by_restart {
            self.registered(REREGISTRATION).await;
        }
        self.station.begin_case();
        if let Some(reason) = &recovered {
            self.station.note(TimelineEvent::Recovered {
                reason: reason.clone(),
            });
        }
        if let Err(error) = prepared {
            self.station.note(TimelineEvent::DeviceAction {
                action: "prepare".to_owned(),
                reply: error.to_string(),
                done: false,
                driver: None,
            });
        }
        // nothing of the case before is served or told of any more
        self.services.clear();
        self.services.drain_events();
        let _before = self.device.kept_waiting();
        let account = Account {
            username: self.lab.username.clone(),
            password: self.lab.password.clone(),
            settings: self.settings.clone(),
        };
        let mut drive = Drive {
            station: &mut self.station,
            services: &mut self.services,
            account: &account,
            device: &mut *self.device,
            requests: &mut self.requests,
            signals: &self.stock.signals,
            files: &self.stock.files,
            media: &self.media,
            case,
            interrupt,
            marks: BTreeMap::new(),
            stopped_device: false,
        };
        let steps_began = drive.station.now();
        let driven = drive.run(listener).await;
        let in_steps = drive.station.now().saturating_sub(steps_began);
        self.stopped = drive.stopped_device;
        if driven == Driven::Aborted {
            self.station.end_case(false).await;
            return Ok(None);
        }
        if !self.stopped
            && let DeviceHealth::Gone { status, own_fault } =
                serve(&mut self.station, &mut self.requests, self.device.health()).await
        {
            self.unfit = Some(format!("it ended in {}: {status}", *case.id));
            self.station.note(TimelineEvent::DeviceGone { status, own_fault });
        }
        if let Some(longest) = self.device.kept_waiting() {
            self.station.note(TimelineEvent::DeviceKeptWaiting {
                longest: longest.as_nanos() as u64,
            });
        }
        services::note(&self.services, &mut self.station);
        let fitness = !self.stopped && self.unfit.is_none();
        let capture = self.station.end_case(fitness).await;
        if fitness && !capture.fit {
            self.unfit = Some(format!("it was not fit after {}", *case.id));
        }
        let recording = serve(&mut self.station, &mut self.requests, self.device.recording()).await;
        if driven == Driven::Stopped {
            return Ok(None);
        }
        Ok(Some(Left {
            recording,
            recovered,
            in_steps,
            ..self.left(loaded, attempt, capture, began)
        }))
    }

    fn left(&mut self, loaded: &LoadedCase, attempt: u32, capture: CaseCapture, began: Duration) -> Left {
        Left {
            case: loaded.case.id.to_string(),
            rev: loaded.case.rev,
            attempt,
            case_source: Arc::clone(&loaded.source),
            capture,
            speech: self.device.speech(),
            recording: None,
            log: self.device.log(),
            recovered: None,
            wall_s: self.station.now().saturating_sub(began).as_secs_f64(),
            in_steps: Duration::ZERO,
        }
    }

    /// The device cannot be brought back: going on would only repeat that.
    pub(crate) fn has_lost_its_device(&self) -> bool {
        self.failed_recoveries >= LOST
    }

    /// Recovers the device when the last case left it unfit; says why.
    async fn make_fit(&mut self) -> Result<Option<String>, DeviceError> {
        // what a case had the registrar do must not keep the device from coming back
        self.station.set_registrar(RegistrarBehaviour::default());
        let reason = self.unfit.take();
        if reason.is_some() || self.stopped {
            self.station.forget_binding();
            serve(
                &mut self.station,
                &mut self.requests,
                self.device.recover(&self.lab),
            )
            .await?;
            self.stopped = false;
        }
        if !self.has_address {
            self.registered(REREGISTRATION).await;
        }
        Ok(reason)
    }

    pub(crate) async fn close(&mut self) {
        serve(&mut self.station, &mut self.requests, self.device.stop()).await;
    }

    /// Lets the device's last messages be answered while something else is waited for.
    pub(crate) async fn idle_while<F: Future>(&mut self, work: F) -> F::Output {
        self.station.pump_while(work).await
    }
}
