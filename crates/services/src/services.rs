//! All services of a lab on one address.

use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};

use voxproof_net::tls::{
    CertificateRequest, ClientCertificates, IdentityName, Roots, TestAuthority, TlsServer, TlsVersions,
};
use voxproof_net::{Net, NetError, StreamSecurity};

use crate::dns::{DnsServer, Zone};
use crate::event::EventLog;
use crate::http::{HttpServer, Site};
use crate::{DnsOrder, HttpOrder, ServiceEvent};

/// DNS, HTTP and HTTPS on one address. Dropping it ends them.
#[derive(Debug)]
pub struct Services {
    dns: DnsServer,
    http: HttpServer,
    https: Option<HttpServer>,
    mutual: Option<HttpServer>,
    site: Arc<Mutex<Site>>,
    log: EventLog,
    net: Net,
    versions: TlsVersions,
}

/// Where and how the services are opened. Port 0 picks a free one.
#[derive(Clone, Debug, Default)]
pub struct ServicesOptions {
    /// Port of DNS. Devices that cannot be told a port ask 53.
    pub dns_port: u16,
    /// Port of HTTP.
    pub http_port: u16,
    /// Port of HTTPS.
    pub https_port: u16,
    /// Names in the certificate of HTTPS, beside the address.
    pub names: Vec<IdentityName>,
    /// Versions of TLS.
    pub versions: TlsVersions,
}

/// An order to one of the services.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ServiceOrder {
    /// To DNS.
    Dns(DnsOrder),
    /// To HTTP and HTTPS.
    Http(HttpOrder),
}

impl From<DnsOrder> for ServiceOrder {
    fn from(order: DnsOrder) -> Self {
        Self::Dns(order)
    }
}

impl From<HttpOrder> for ServiceOrder {
    fn from(order: HttpOrder) -> Self {
        Self::Http(order)
    }
}

impl Services {
    /// Opens the services on free ports, HTTPS if there is an authority to issue its certificate. They run in tasks of the
    /// tokio runtime around this call.
    ///
    /// # Errors
    /// [`NetError`] when a port cannot be had or the certificate cannot be issued.
    pub async fn open(net: &Net, ip: IpAddr, authority: Option<&TestAuthority>) -> Result<Self, NetError> {
        Self::open_with(net, ip, authority, &ServicesOptions::default()).await
    }

    /// Like [`Services::open`], with ports and names.
    ///
    /// # Errors
    /// As [`Services::open`].
    pub async fn open_with(
        net: &Net,
        ip: IpAddr,
        authority: Option<&TestAuthority>,
        options: &ServicesOptions,
    ) -> Result<Self, NetError> {
        let log = EventLog::default();
        let site = Arc::new(Mutex::new(Site::new()));
        let dns = DnsServer::open(
            net,
            SocketAddr::new(ip, options.dns_port),
            Zone::new(),
            log.clone(),
        )
        .await?;
        let http_server = |port, security| {
            let (site, log) = (Arc::clone(&site), log.clone());
            HttpServer::open(net, SocketAddr::new(ip, port), security, site, log)
        };
        let http = http_server(options.http_port, StreamSecurity::Plain).await?;
        let (mut https, mut mutual) = (None, None);
        if let Some(authority) = authority {
            let names = std::iter::once(IdentityName::Ip(ip)).chain(options.names.iter().cloned());
            let mut server = TlsServer::new(authority.issue(&CertificateRequest::new(names))?);
            server.versions = options.versions;
            server.client_certificates = ClientCertificates::Request;
            https = Some(http_server(options.https_port, StreamSecurity::Tls(server.clone())).await?);
            server.client_certificates = ClientCertificates::Require(Roots::from(authority));
            mutual = Some(http_server(0, StreamSecurity::Tls(server)).await?);
        }
        Ok(Self {
            dns,
            http,
            https,
            mutual,
            site,
            log,
            net: net.clone(),
            versions: options.versions,
        })
    }

    /// Presents another certificate at the address of HTTPS from now on, as with a fault that a device has to notice.
    /// Connections there are broken. The names are those of the request alone: the address is not added. Does nothing
    /// without HTTPS.
    ///
    /// # Errors
    /// [`NetError`] when the certificate cannot be issued or the port was taken meanwhile; there is no HTTPS then.
    pub async fn present(
        &mut self,
        authority: &TestAuthority,
        request: &CertificateRequest,
    ) -> Result<(), NetError> {
        let Some(https) = self.https.take() else {
            return Ok(());
        };
        let local = https.address();
        https.close().await;
        let mut server = TlsServer::new(authority.issue(request)?);
        server.versions = self.versions;
        server.client_certificates = ClientCertificates::Request;
        let (site, log) = (Arc::clone(&self.site), self.log.clone());
        self.https = Some(HttpServer::open(&self.net, local, StreamSecurity::Tls(server), site, log).await?);
        Ok(())
    }

    /// Where DNS is served, over UDP and TCP.
    pub fn dns_address(&self) -> SocketAddr {
        self.dns.address()
    }

    /// Where HTTP is served.
    pub fn http_address(&self) -> SocketAddr {
        self.http.address()
    }

    /// Where HTTPS is served. It asks for a client certificate, takes any, and goes on without one.
    pub fn https_address(&self) -> Option<SocketAddr> {
        self.https.as_ref().map(HttpServer::address)
    }

    /// Where HTTPS is served to clients with a certificate of the lab's authority only (mutual TLS).
    pub fn mutual_address(&self) -> Option<SocketAddr> {
        self.mutual.as_ref().map(HttpServer::address)
    }

    /// Carries out an order: it holds for the next query or request.
    pub fn apply(&self, order: impl Into<ServiceOrder>) {
        match order.into() {
            ServiceOrder::Dns(order) => self.dns.apply(order),
            ServiceOrder::Http(order) => self
                .site
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .apply(order),
        }
    }

    /// Forgets all records, routes, failures and events: for the next case.
    pub fn clear(&self) {
        self.apply(DnsOrder {
            replace: true,
            ..DnsOrder::default()
        });
        self.apply(HttpOrder {
            replace: true,
            ..HttpOrder::default()
        });
        self.log.drain();
    }

    /// What has happened since the last call, in the order in which it was answered.
    pub fn drain_events(&self) -> Vec<ServiceEvent> {
        self.log.drain()
    }

    /// Waits until something has happened since the last wait. It may return once more than necessary; one waits at a time.
    pub async fn event_arrived(&self) {
        self.log.arrived().await;
    }
}
