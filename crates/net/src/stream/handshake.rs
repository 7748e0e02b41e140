//! TLS handshakes of both roles, with what was seen of failed ones.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{ClientConfig, ServerConfig};
use tokio_rustls::{TlsAcceptor, TlsConnector};

use super::ClientSecurity;
use super::line::AnyStream;
use super::recorder::{Recorder, Recording};
use crate::tls::{ClientHello, KeyLogLines, TlsError, TlsFault, TlsInfo, TlsServer};

/// Why a connection was made but its handshakes were not completed.
#[derive(Debug, thiserror::Error)]
pub enum HandshakeError {
    /// TLS failed.
    #[error(transparent)]
    Tls(TlsFault),
    /// The WebSocket upgrade failed.
    #[error("{reason}")]
    WebSocket {
        /// What happened.
        reason: String,
    },
    /// It took too long.
    #[error("no end of the handshake within {timeout:?}")]
    TimedOut {
        /// How long it was given.
        timeout: Duration,
    },
    /// The peer closed the connection in the middle.
    #[error("the peer closed the connection in the handshake")]
    Closed,
    /// The connection broke.
    #[error("the connection broke in the handshake: {0}")]
    Io(io::Error),
}

impl From<io::Error> for HandshakeError {
    fn from(error: io::Error) -> Self {
        if let Some(fault) = TlsFault::within(&error) {
            return Self::Tls(fault);
        }
        match error.kind() {
            io::ErrorKind::UnexpectedEof => Self::Closed,
            _ => Self::Io(error),
        }
    }
}

impl HandshakeError {
    /// A hello of an old version fails on what it cannot have, such as the extension for signature algorithms that TLS 1.2
    /// brought: the version is the reason.
    pub(super) fn explained(self, hello: Option<&ClientHello>) -> Self {
        match (self, hello) {
            (Self::Tls(TlsFault::Incompatible { .. }), Some(hello)) if hello.is_outdated() => {
                Self::Tls(TlsFault::Incompatible {
                    reason: format!("the client offers {} at most", hello.versions.join(", ")),
                })
            }
            (error, _) => error,
        }
    }
}

/// A handshake that failed, and the stream if it is still there.
pub(super) struct Failure {
    pub(super) error: HandshakeError,
    pub(super) stream: Option<AnyStream>,
}

/// What a handshake has shown so far; kept outside of it, because it outlives a timeout.
#[derive(Default)]
pub(super) struct Seen {
    recording: Recording,
    key_log: Arc<KeyLogLines>,
}

impl Seen {
    /// What the client asked for, and the secrets. Ends the recording.
    pub(super) fn evidence(&self) -> (Option<ClientHello>, Vec<String>) {
        (ClientHello::parse(&self.recording.take()), self.key_log.lines())
    }
}

/// A server's configuration, made once a listener.
#[derive(Clone, Debug)]
pub(super) struct ServerTls {
    config: Arc<ServerConfig>,
    expected_sni: Option<String>,
    #[cfg(feature = "old-tls")]
    server: TlsServer,
}

impl ServerTls {
    pub(super) fn new(server: &TlsServer) -> Result<Self, TlsError> {
        #[cfg(feature = "old-tls")]
        crate::tls::check_old(server)?;
        Ok(Self {
            config: Arc::new(server.config()?),
            expected_sni: server.expected_sni.clone(),
            #[cfg(feature = "old-tls")]
            server: server.clone(),
        })
    }

    pub(super) async fn accept(
        &self,
        stream: AnyStream,
        seen: &Seen,
    ) -> Result<(AnyStream, TlsInfo), Failure> {
        #[cfg(feature = "old-tls")]
        let stream = match self.greeted(stream, seen).await? {
            Greeted::Old(tls, info) => return Ok((tls, *info)),
            Greeted::New(stream) => stream,
        };
        let recorder = Recorder {
            stream,
            recording: seen.recording.clone(),
        };
        let mut config = ServerConfig::clone(&self.config);
        config.key_log = seen.key_log.clone();
        let tls = TlsAcceptor::from(Arc::new(config))
            .accept(recorder)
            .into_fallible()
            .await
            .map_err(|(error, recorder)| Failure {
                error: error.into(),
                stream: Some(recorder.stream),
            })?;
        let (_, state) = tls.get_ref();
        let (client_hello, key_log) = seen.evidence();
        let mut info = TlsInfo::of(state, key_log);
        info.client_hello = client_hello;
        info.sni = state.server_name().map(str::to_owned);
        info.sni_as_expected = self.is_expected(&info);
        Ok((Box::new(tls), info))
    }

    fn is_expected(&self, info: &TlsInfo) -> Option<bool> {
        self.expected_sni.as_ref().map(|expected| {
            info.sni
                .as_ref()
                .is_some_and(|sni| sni.eq_ignore_ascii_case(expected))
        })
    }

    /// Reads the client's hello, and serves it when it offers old versions only.
    #[cfg(feature = "old-tls")]
    async fn greeted(&self, mut stream: AnyStream, seen: &Seen) -> Result<Greeted, Failure> {
        let mut hello = Vec::new();
        let greeting = loop {
            let mut bytes = [0; 2048];
            let length = tokio::io::AsyncReadExt::read(&mut stream, &mut bytes)
                .await
                .map_err(|error| Failure {
                    error: error.into(),
                    stream: None,
                })?;
            hello.extend(bytes.iter().take(length));
            let greeting = ClientHello::parse(&hello);
            // what is no hello at all, or too long for one, is left to the newer versions to refuse
            if length == 0 || greeting.is_some() || hello.first() != Some(&22) || hello.len() > 16 * 1024 {
                break greeting;
            }
        };
        let greeting = greeting.filter(ClientHello::is_outdated);
        if greeting.is_some() {
            seen.recording.hear(&hello);
        }
        let (read, write) = tokio::io::split(stream);
        let again = tokio::io::AsyncReadExt::chain(std::io::Cursor::new(hello), read);
        let stream: AnyStream = Box::new(tokio::io::join(again, write));
        let Some(greeting) = greeting else {
            return Ok(Greeted::New(stream));
        };
        let (tls, mut info) = crate::tls::accept_old(&self.server, stream, &seen.key_log)
            .await
            .map_err(|fault| Failure {
                error: HandshakeError::Tls(fault),
                stream: None,
            })?;
        info.client_hello = Some(greeting);
        info.sni_as_expected = self.is_expected(&info);
        Ok(Greeted::Old(Box::new(tls), Box::new(info)))
    }
}

/// A client that has said hello.
#[cfg(feature = "old-tls")]
enum Greeted {
    /// It offers old versions only, and its handshake is over.
    Old(AnyStream, Box<TlsInfo>),
    /// It offers a newer one; its hello is read again.
    New(AnyStream),
}

/// A client's configuration for one connection.
#[derive(Clone, Debug)]
pub(super) struct ClientTls {
    config: ClientConfig,
    name: ServerName<'static>,
}

impl ClientTls {
    pub(super) fn wanted(security: &ClientSecurity) -> Result<Option<Self>, TlsError> {
        match security {
            ClientSecurity::Plain => Ok(None),
            ClientSecurity::Tls(client) => Ok(Some(Self {
                config: client.config()?,
                name: client.name()?,
            })),
        }
    }

    /// The server's DNS name; with an address the peer's own serves as well.
    pub(super) fn host(&self) -> Option<String> {
        match &self.name {
            ServerName::DnsName(name) => Some(name.as_ref().to_owned()),
            _ => None,
        }
    }

    pub(super) async fn connect(self, stream: AnyStream) -> Result<(AnyStream, TlsInfo), Failure> {
        let key_log = Arc::new(KeyLogLines::default());
        let host = self.host();
        let mut config = self.config;
        config.key_log = key_log.clone();
        let tls = TlsConnector::from(Arc::new(config))
            .connect(self.name, stream)
            .into_fallible()
            .await
            .map_err(|(error, stream)| Failure {
                error: error.into(),
                stream: Some(stream),
            })?;
        let (_, state) = tls.get_ref();
        let mut info = TlsInfo::of(state, key_log.lines());
        info.sni = host;
        Ok((Box::new(tls), info))
    }
}
