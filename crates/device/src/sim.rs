//! The simulated phone, in this process.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use voxproof_net::tls::{
    CertificateRequest, IdentityName, Roots, TestAuthority, TlsClient, TlsServer, TlsVersions, Verification,
};
use voxproof_net::{ClientSecurity, Net};
use voxproof_record::Wav;
use voxproof_simphone::{
    AudioCodec, CheckSync, DialOptions, Fault, Lookup, MediaSecurity, PhoneError, Provisioning,
    ReliableProvisionals, SessionTimers, SimPhone, SimPhoneConfig,
};
use voxproof_spec::{
    Capability, DeviceAction, MediaProfile, MediaSecurity as Wanted, SignallingTransport, SimDriver,
};

use crate::{Device, DeviceError, DeviceHealth, LabAddress, sound};

/// How long it rings when it answers by itself.
const RINGING: Duration = Duration::from_millis(100);

/// The registration interval it asks for, in seconds; as the other drivers set it.
const REGISTER_EXPIRES: u32 = 60;

pub(crate) struct Sim {
    net: Net,
    faults: BTreeSet<Fault>,
    speech: Wav,
    samples: Arc<[i16]>,
    codecs: Vec<AudioCodec>,
    security: MediaSecurity,
    settings: SimDriver,
    seed: u64,
    lab: Option<LabAddress>,
    phone: Option<SimPhone>,
    /// A case shut it down; the next one needs it again.
    shut_down: bool,
    answering: bool,
    looping: bool,
}

impl Sim {
    pub(crate) fn new(net: &Net, faults: BTreeSet<Fault>, speech: Wav, seed: u64) -> Self {
        let speech = sound::to_8khz(speech);
        let samples = Arc::from(speech.samples.as_slice());
        Self {
            net: net.clone(),
            faults,
            speech,
            samples,
            codecs: vec![AudioCodec::Pcmu, AudioCodec::Pcma],
            security: MediaSecurity::None,
            settings: SimDriver::default(),
            seed,
            lab: None,
            phone: None,
            shut_down: false,
            answering: true,
            looping: false,
        }
    }

    /// The same, set as the device file says; its faults are those it was made with.
    pub(crate) fn with_settings(mut self, settings: &SimDriver) -> Self {
        self.settings = settings.clone();
        self
    }

    /// The same with other media.
    pub(crate) fn with_media(mut self, media: &MediaProfile) -> Result<Self, DeviceError> {
        self.codecs = media
            .codecs
            .iter()
            .map(|name| {
                AudioCodec::named(name).ok_or_else(|| {
                    DeviceError::unreachable(
                        "the simulated phone",
                        format!("it has no codec {name}"),
                        "list PCMU, PCMA, G722 or opus in [media]",
                    )
                })
            })
            .collect::<Result<_, _>>()?;
        self.security = match media.security {
            Wanted::None => MediaSecurity::None,
            Wanted::Sdes => MediaSecurity::SdesRequired,
            Wanted::Dtls => MediaSecurity::Dtls,
        };
        Ok(self)
    }

    fn lookup(&self, lab: &LabAddress) -> Option<Lookup> {
        Some(Lookup {
            name_server: lab.dns?,
            domain: self.settings.domain.clone()?,
        })
    }

    fn provisioning(&self, lab: &LabAddress) -> Result<Option<Provisioning>, DeviceError> {
        let Some(path) = self.settings.provisioning.clone() else {
            return Ok(None);
        };
        let secure = self.settings.provisioning_secure;
        let server = if secure { lab.https } else { lab.http };
        Ok(match server {
            Some(server) if secure => Some(Provisioning {
                server,
                path,
                security: trusting(lab, server)?,
            }),
            Some(server) => Some(Provisioning {
                server,
                path,
                security: ClientSecurity::Plain,
            }),
            None => None,
        })
    }

    /// What it is set to, but for its way to the lab.
    fn configuration(&self, lab: &LabAddress) -> SimPhoneConfig {
        let settings = &self.settings;
        let default = SimPhoneConfig::new(lab.device_ip, lab.server, &lab.username, &lab.password);
        SimPhoneConfig {
            speech: Arc::clone(&self.samples),
            auto_answer: self.answering.then_some(RINGING),
            faults: self.faults.clone(),
            seed: self.seed,
            codecs: self.codecs.clone(),
            media_security: self.security,
            register_expires: REGISTER_EXPIRES,
            server_only: true,
            ptime: settings.ptime.map_or(default.ptime, u32::from),
            rtcp_mux: settings.rtcp_mux,
            extended_reports: settings.extended_reports,
            comfort_noise: settings.comfort_noise,
            first_sequence: settings.first_sequence,
            voice_dscp: settings.voice_dscp,
            answers_on_request: true,
            dtls_passive: settings.dtls_passive,
            outbound: settings.outbound,
            keep_alive: settings.keep_alive.map(|every| every.0),
            mwi: settings.mailbox,
            unsolicited_mwi: settings.unsolicited_mailbox,
            watched: settings.watch.clone(),
            presence: settings.presence.clone(),
            quality_collector: settings.quality_collector.clone(),
            remote_control: settings.remote_control,
            check_sync: if settings.check_sync_from_server {
                CheckSync::FromServer
            } else {
                default.check_sync
            },
            reliable_provisionals: if settings.prefers_reliable {
                ReliableProvisionals::WhenSupported
            } else {
                default.reliable_provisionals
            },
            session_timers: SessionTimers {
                ask: settings.session_interval,
                ..default.session_timers
            },
            ..default
        }
    }

    fn phone(&self) -> Result<&SimPhone, DeviceError> {
        self.phone.as_ref().ok_or_else(|| DeviceError::Gone {
            status: self.absence().to_owned(),
        })
    }

    fn absence(&self) -> &'static str {
        if self.shut_down {
            "the lab shut it down"
        } else {
            "it was not started"
        }
    }

    /// Ends the phone; the phone itself bounds how long it waits for its answers.
    async fn shut(&mut self) {
        if let Some(phone) = self.phone.take() {
            // one that has ended already is what is wanted
            let _ = phone.stop().await;
        }
    }

    async fn set_answering(&mut self, on: bool) -> Result<(), DeviceError> {
        let after = on.then_some(RINGING);
        self.phone()?
            .set_auto_answer(after)
            .await
            .map_err(refused("auto_answer"))?;
        self.answering = on;
        Ok(())
    }

    async fn set_looping(&mut self, on: bool) -> Result<(), DeviceError> {
        self.phone()?
            .set_loopback(on)
            .await
            .map_err(refused("loopback"))?;
        self.looping = on;
        Ok(())
    }
}

/// It trusts the lab's authority and no other (RFC 5922 7.3).
fn trust(lab: &LabAddress, faults: &BTreeSet<Fault>) -> Result<ClientSecurity, DeviceError> {
    if !lab.transport.is_secure() {
        return Ok(ClientSecurity::Plain);
    }
    let mut security = trusting(lab, lab.server)?;
    if let ClientSecurity::Tls(client) = &mut security {
        if faults.contains(&Fault::CertificateNameIgnored) {
            client.verify = Verification::ChainOnly;
        }
        if faults.contains(&Fault::Tls12Refused) {
            client.versions = TlsVersions::Tls13;
        }
        if faults.contains(&Fault::AnyCertificateAccepted) {
            client.verify = Verification::None;
        }
    }
    Ok(security)
}

fn trusting(lab: &LabAddress, server: SocketAddr) -> Result<ClientSecurity, DeviceError> {
    let roots = Roots::from_pem(&lab.authority_pem).map_err(|error| {
        DeviceError::unreachable(
            "the simulated phone",
            error.to_string(),
            "give it the certificate of the lab's authority",
        )
    })?;
    Ok(ClientSecurity::Tls(TlsClient::new(
        server.ip().to_string(),
        roots,
    )))
}

/// What it shows to those who connect to it over TLS: a certificate of an authority that nobody knows, like most phones.
fn identity(lab: &LabAddress) -> Result<Option<TlsServer>, DeviceError> {
    if lab.transport != SignallingTransport::Tls {
        return Ok(None);
    }
    let request = CertificateRequest::new([IdentityName::Ip(lab.device_ip)]);
    TestAuthority::generate(SystemTime::now())
        .and_then(|authority| authority.issue(&request))
        .map(|identity| Some(TlsServer::new(identity)))
        .map_err(|error| {
            DeviceError::unreachable(
                "the simulated phone",
                error.to_string(),
                "set `transport` in [ixit] to another one",
            )
        })
}

fn refused(action: &str) -> impl Fn(PhoneError) -> DeviceError {
    move |error| match error {
        PhoneError::Stopped => DeviceError::Gone {
            status: error.to_string(),
        },
        error => DeviceError::control(action, error.to_string()),
    }
}

#[async_trait]
impl Device for Sim {
    fn capabilities(&self) -> BTreeSet<Capability> {
        use Capability as C;
        BTreeSet::from([
            C::Answer,
            C::ManualAnswer,
            C::Reject,
            C::Dial,
            C::Hangup,
            C::Hold,
            C::Dtmf,
            C::Transfer,
            C::AttendedTransfer,
            C::Restart,
            C::Stop,
            C::Loopback,
            C::KnownSpeech,
            C::Recording,
        ])
    }

    async fn firmware(&mut self) -> String {
        env!("CARGO_PKG_VERSION").to_owned()
    }

    async fn start(&mut self, lab: &LabAddress) -> Result<(), DeviceError> {
        let transport = lab.transport.parameter().parse().map_err(|_| {
            DeviceError::unreachable(
                "the simulated phone",
                format!("it has no SIP over {}", lab.transport.parameter()),
                "set `transport` in [ixit] to another one",
            )
        })?;
        let stream_security = trust(lab, &self.faults)?;
        self.shut().await;
        self.lab = Some(lab.clone());
        self.shut_down = false;
        self.looping = false;
        let config = SimPhoneConfig {
            transport,
            stream_security,
            stream_identity: identity(lab)?,
            lookup: self.lookup(lab),
            provisioning: self.provisioning(lab)?,
            ..self.configuration(lab)
        };
        let phone = SimPhone::start(&self.net, config).await.map_err(|error| {
            DeviceError::unreachable(
                "the simulated phone",
                error.to_string(),
                "free a UDP port on that address",
            )
        })?;
        self.phone = Some(phone);
        Ok(())
    }

    async fn perform(
        &mut self,
        action: &DeviceAction,
        uri: &(dyn for<'a> Fn(&'a str) -> String + Sync),
    ) -> Result<String, DeviceError> {
        let name = action.name();
        let done = match action {
            DeviceAction::Answer(_) => self.phone()?.answer().await,
            DeviceAction::Reject(_) => self.phone()?.reject().await,
            DeviceAction::Hangup(_) => self.phone()?.hangup().await,
            DeviceAction::Dial(dial) => self.phone()?.dial(&uri(&dial.to)).await,
            DeviceAction::Hold(_) => self.phone()?.hold().await,
            DeviceAction::Resume(_) => self.phone()?.resume().await,
            DeviceAction::Dtmf(dtmf) => match self.phone()?.dtmf(&dtmf.digits).await {
                Err(PhoneError::NoTelephoneEvent) => self.phone()?.dtmf_by_info(&dtmf.digits).await,
                done => done,
            },
            DeviceAction::Transfer(transfer) => self.phone()?.transfer(&uri(&transfer.to)).await,
            DeviceAction::Consult(dial) => {
                let options = DialOptions {
                    consultation: true,
                    ..DialOptions::default()
                };
                self.phone()?.dial_with(&uri(&dial.to), options).await
            }
            DeviceAction::CompleteTransfer(_) => self.phone()?.complete_transfer().await,
            DeviceAction::Restart(_) => {
                let lab = self
                    .lab
                    .clone()
                    .ok_or_else(|| DeviceError::control(name, "it was never started"))?;
                self.start(&lab).await?;
                Ok(())
            }
            DeviceAction::Stop(_) => {
                self.phone()?;
                self.stop().await;
                Ok(())
            }
            DeviceAction::AutoAnswer(answer) => {
                return self.set_answering(answer.on).await.map(|()| "done".to_owned());
            }
            DeviceAction::Loopback(looping) => {
                return self.set_looping(looping.on).await.map(|()| "done".to_owned());
            }
        };
        done.map(|()| "done".to_owned()).map_err(refused(name))
    }

    async fn prepare(&mut self, answer_by_itself: bool) -> Result<(), DeviceError> {
        if self.shut_down && self.phone.is_none() {
            self.answering = answer_by_itself;
            if let Some(lab) = self.lab.clone() {
                self.start(&lab).await?;
            }
        }
        match self.phone()?.hangup().await {
            Ok(()) | Err(PhoneError::NoCall) => {}
            Err(error) => return Err(refused("hangup")(error)),
        }
        if self.looping {
            self.set_looping(false).await?;
        }
        if self.answering != answer_by_itself {
            self.set_answering(answer_by_itself).await?;
        }
        Ok(())
    }

    async fn recording(&mut self) -> Option<Wav> {
        let samples = self.phone.as_ref()?.recording().await;
        (!samples.is_empty()).then_some(Wav {
            sample_rate: sound::RATE,
            samples,
        })
    }

    fn speech(&self) -> Option<Wav> {
        Some(self.speech.clone())
    }

    fn log(&mut self) -> Option<Vec<u8>> {
        None
    }

    async fn health(&mut self) -> DeviceHealth {
        let Some(phone) = &self.phone else {
            return DeviceHealth::Gone {
                status: self.absence().to_owned(),
                own_fault: false,
            };
        };
        // a question that changes nothing: only a phone that is there answers it
        match phone.set_loopback(self.looping).await {
            Err(PhoneError::Stopped) => DeviceHealth::Gone {
                status: "the simulated phone has ended".to_owned(),
                own_fault: true,
            },
            _ => DeviceHealth::Running,
        }
    }

    async fn recover(&mut self, lab: &LabAddress) -> Result<(), DeviceError> {
        self.answering = true;
        // no orderly end, which would wait for answers to a phone that may be in no state to take them
        self.phone = None;
        self.start(lab).await
    }

    async fn stop(&mut self) {
        self.shut().await;
        self.shut_down = true;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_media_of_the_file_are_the_phones() {
        let sim = || {
            let wav = Wav {
                sample_rate: 8000,
                samples: vec![],
            };
            Sim::new(&Net::virtual_network(), BTreeSet::new(), wav, 1)
        };
        let profile = |codec: &str, security| MediaProfile {
            codecs: vec![codec.to_owned()],
            security,
        };
        let phone = sim().with_media(&profile("g722", Wanted::Sdes));
        assert!(matches!(
            phone,
            Ok(Sim { codecs, security: MediaSecurity::SdesRequired, .. }) if codecs == [AudioCodec::G722]
        ));
        assert!(sim().with_media(&profile("G729", Wanted::None)).is_err());
    }

    #[test]
    fn what_the_file_sets_reaches_the_phone() {
        let wav = Wav {
            sample_rate: 8000,
            samples: vec![],
        };
        let settings = SimDriver {
            mailbox: true,
            watch: vec!["peer_b".to_owned()],
            keep_alive: Some(voxproof_spec::Span(Duration::from_secs(25))),
            ptime: Some(30),
            prefers_reliable: true,
            session_interval: Some(120),
            first_sequence: Some(65_300),
            ..SimDriver::default()
        };
        let sim = Sim::new(&Net::virtual_network(), BTreeSet::new(), wav, 1).with_settings(&settings);
        let config = sim.configuration(&lab());
        assert!(config.mwi && !config.outbound && config.faults.is_empty());
        assert_eq!(config.watched, ["peer_b"]);
        assert_eq!(
            (config.keep_alive, config.ptime, config.first_sequence),
            (Some(Duration::from_secs(25)), 30, Some(65_300))
        );
        assert_eq!(config.reliable_provisionals, ReliableProvisionals::WhenSupported);
        assert_eq!(config.session_timers.ask, Some(120));
    }

    fn lab() -> LabAddress {
        LabAddress {
            server: "127.0.0.1:5060".parse().unwrap(),
            username: "dut".to_owned(),
            password: "x".to_owned(),
            realm: "voxproof".to_owned(),
            device_ip: "127.0.0.1".parse().unwrap(),
            transport: voxproof_spec::SignallingTransport::Udp,
            proxied: false,
            dns: None,
            http: None,
            https: None,
            authority_pem: String::new(),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn it_starts_again_after_a_case_has_stopped_it() {
        let net = Net::virtual_network();
        let mut device = Sim::new(
            &net,
            BTreeSet::new(),
            Wav {
                sample_rate: 8000,
                samples: vec![1; 80],
            },
            1,
        );
        let lab = lab();
        let not_started = DeviceHealth::Gone {
            status: "it was not started".to_owned(),
            own_fault: false,
        };
        assert_eq!(device.health().await, not_started);
        let untrusted = LabAddress {
            transport: voxproof_spec::SignallingTransport::Tls,
            ..lab.clone()
        };
        assert!(matches!(
            device.start(&untrusted).await,
            Err(DeviceError::Unreachable { .. })
        ));
        device.start(&lab).await.unwrap();
        assert_eq!(device.health().await, DeviceHealth::Running);
        let uri = |actor: &str| format!("sip:{actor}@127.0.0.1:5060");
        let hold = DeviceAction::Hold(voxproof_spec::NoParameters {});
        assert!(matches!(
            device.perform(&hold, &uri).await,
            Err(DeviceError::Control { .. })
        ));
        let stop = DeviceAction::Stop(voxproof_spec::NoParameters {});
        device.perform(&stop, &uri).await.unwrap();
        let stopped = DeviceHealth::Gone {
            status: "the lab shut it down".to_owned(),
            own_fault: false,
        };
        assert_eq!(device.health().await, stopped);
        device.prepare(true).await.unwrap();
        assert_eq!(device.health().await, DeviceHealth::Running);
        assert_eq!(device.recording().await, None);
    }
}
