//! Requests to a phone's web interface, with Basic or Digest authentication (RFC 7617, RFC 7616).

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use digest_auth::{AuthContext, HttpMethod};
use ureq::Agent;
use ureq::http::Request;
use ureq::tls::TlsConfig;
use voxproof_spec::WebDriver;

use crate::DeviceError;

/// How long a phone may take for an answer.
const TIME: Duration = Duration::from_secs(10);
/// An answer of a phone's interface is short; more of it is not read.
const LONGEST: u64 = 256 * 1024;

/// What the phone said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) body: String,
}

/// Where a phone's interface is, and who may use it.
#[derive(Debug, Clone)]
pub(super) struct Access {
    agent: Agent,
    address: String,
    username: String,
    password: String,
}

impl Access {
    pub(super) fn new(driver: &WebDriver) -> Self {
        // phones have certificates of their own making, and the lab's network is the lab's
        let tls = TlsConfig::builder().disable_verification(true).build();
        let agent = Agent::config_builder()
            .timeout_global(Some(TIME))
            .http_status_as_error(false)
            .tls_config(tls)
            .build()
            .into();
        Self {
            agent,
            address: driver.address.trim_end_matches('/').to_owned(),
            username: driver.username.clone(),
            password: driver.password.clone(),
        }
    }

    /// GET without a body, POST with one.
    pub(super) async fn exchange(
        &self,
        action: &str,
        path: &str,
        body: Option<String>,
    ) -> Result<Reply, DeviceError> {
        let (access, action, path) = (self.clone(), action.to_owned(), path.to_owned());
        tokio::task::spawn_blocking(move || access.at_once(&action, &path, body.as_deref()))
            .await
            .unwrap_or_else(|error| Err(DeviceError::control("exchange", error.to_string())))
    }

    /// The same, keeping the caller waiting.
    pub(super) fn at_once(&self, action: &str, path: &str, body: Option<&str>) -> Result<Reply, DeviceError> {
        let (reply, challenge) = self.once(action, path, body, None)?;
        if reply.status != 401 || self.username.is_empty() {
            return Ok(reply);
        }
        let credentials =
            match challenge.filter(|challenge| challenge.to_ascii_lowercase().starts_with("digest")) {
                Some(challenge) => self.digest(action, path, body, &challenge)?,
                None => format!(
                    "Basic {}",
                    STANDARD.encode(format!("{}:{}", self.username, self.password))
                ),
            };
        self.once(action, path, body, Some(&credentials))
            .map(|(reply, _)| reply)
    }

    fn digest(
        &self,
        action: &str,
        path: &str,
        body: Option<&str>,
        challenge: &str,
    ) -> Result<String, DeviceError> {
        let method = if body.is_some() {
            HttpMethod::POST
        } else {
            HttpMethod::GET
        };
        let context = AuthContext::new_with_method(
            &self.username,
            &self.password,
            path,
            body.map(str::as_bytes),
            method,
        );
        let answer = digest_auth::parse(challenge).and_then(|mut prompt| prompt.respond(&context));
        answer.map(|header| header.to_string()).map_err(|error| {
            DeviceError::control(action, format!("its challenge cannot be answered: {error}"))
        })
    }

    fn once(
        &self,
        action: &str,
        path: &str,
        body: Option<&str>,
        credentials: Option<&str>,
    ) -> Result<(Reply, Option<String>), DeviceError> {
        let wrong = |error: &dyn std::fmt::Display| {
            DeviceError::unreachable(
                &self.address,
                error.to_string(),
                "check `address` in the device file and that the phone's web interface is on",
            )
        };
        let mut request = Request::builder().uri(format!("{}{path}", self.address));
        if let Some(credentials) = credentials {
            request = request.header("Authorization", credentials);
        }
        let sent = match body {
            Some(body) => {
                let request = request.method("POST").header("Content-Type", "application/json");
                let request = request.body(body.to_owned()).map_err(|error| wrong(&error))?;
                self.agent.run(request)
            }
            None => {
                let request = request.method("GET").body(()).map_err(|error| wrong(&error))?;
                self.agent.run(request)
            }
        };
        let mut response = match sent {
            Ok(response) => response,
            Err(ureq::Error::Timeout(_)) => {
                return Err(DeviceError::Timeout {
                    action: action.to_owned(),
                    after: TIME,
                });
            }
            Err(error) => return Err(wrong(&error)),
        };
        let challenge = response.headers().get("www-authenticate");
        let challenge = challenge.and_then(|value| value.to_str().ok()).map(str::to_owned);
        let status = response.status().as_u16();
        let bytes = response
            .body_mut()
            .with_config()
            .limit(LONGEST)
            .read_to_vec()
            .map_err(|error| wrong(&error))?;
        let body = String::from_utf8_lossy(&bytes).into_owned();
        Ok((Reply { status, body }, challenge))
    }
}
