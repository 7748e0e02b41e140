//! WebSocket as a transport of SIP (RFC 7118).

use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request, Response};
use tokio_tungstenite::tungstenite::http::{HeaderMap, HeaderValue, StatusCode, header};
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{WebSocketStream, accept_hdr_async_with_config, client_async_with_config};

use super::HandshakeError;
use super::connection::MAX_SEGMENT;
use super::line::AnyStream;

/// The name of the sub-protocol (RFC 7118 4.1).
const SUB_PROTOCOL: &str = "sip";
/// Memory of an idle connection rather than the fewest reads: messages have a few kilobytes at most.
const BUFFER: usize = 4096;

/// What the peer said in the HTTP part of the handshake.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebSocketInfo {
    /// The resource that was asked for.
    pub target: String,
    /// The header fields of the request, or, as client, of the response, in their order. Bytes beyond UTF-8 are replaced.
    pub headers: Vec<(String, String)>,
}

pub(super) type Connection = WebSocketStream<AnyStream>;

fn config() -> WebSocketConfig {
    WebSocketConfig::default()
        .read_buffer_size(BUFFER)
        .write_buffer_size(0)
        .max_write_buffer_size(2 * MAX_SEGMENT)
        .max_message_size(Some(MAX_SEGMENT))
        .max_frame_size(Some(MAX_SEGMENT))
}

/// The server's side of the handshake. A client that does not offer the sub-protocol is refused with 400.
pub(super) async fn accept(stream: AnyStream) -> Result<(Connection, WebSocketInfo), HandshakeError> {
    let mut info = None;
    let callback = |request: &Request, mut response: Response| {
        info = Some(WebSocketInfo {
            target: request.uri().to_string(),
            headers: lines(request.headers()),
        });
        if !offers_sip(request.headers()) {
            let mut refusal =
                ErrorResponse::new(Some("the sub-protocol sip is not offered (RFC 7118 4.1)".into()));
            *refusal.status_mut() = StatusCode::BAD_REQUEST;
            return Err(refusal);
        }
        response.headers_mut().insert(
            header::SEC_WEBSOCKET_PROTOCOL,
            HeaderValue::from_static(SUB_PROTOCOL),
        );
        Ok(response)
    };
    let accepted = accept_hdr_async_with_config(stream, callback, Some(config())).await;
    let offered = info.as_ref().is_none_or(|info| {
        info.headers
            .iter()
            .any(|(name, value)| name == "sec-websocket-protocol" && names_sip(value))
    });
    match (accepted, info) {
        (Ok(connection), Some(info)) => Ok((connection, info)),
        (Err(Error::Http(_)), _) if !offered => Err(HandshakeError::WebSocket {
            reason: "the client does not offer the sub-protocol sip (RFC 7118 4.1)".to_owned(),
        }),
        (Err(error), _) => Err(failure(error)),
        (Ok(_), None) => Err(HandshakeError::WebSocket {
            reason: "no request was seen".to_owned(),
        }),
    }
}

/// The client's side of the handshake.
pub(super) async fn connect(
    stream: AnyStream,
    secure: bool,
    host: &str,
    target: &str,
) -> Result<(Connection, WebSocketInfo), HandshakeError> {
    let scheme = if secure { "wss" } else { "ws" };
    let mut request = format!("{scheme}://{host}{target}")
        .into_client_request()
        .map_err(failure)?;
    request.headers_mut().insert(
        header::SEC_WEBSOCKET_PROTOCOL,
        HeaderValue::from_static(SUB_PROTOCOL),
    );
    let (connection, response) = client_async_with_config(request, stream, Some(config()))
        .await
        .map_err(failure)?;
    let info = WebSocketInfo {
        target: target.to_owned(),
        headers: lines(response.headers()),
    };
    Ok((connection, info))
}

fn failure(error: Error) -> HandshakeError {
    match error {
        Error::Io(error) => error.into(),
        Error::Http(response) => HandshakeError::WebSocket {
            reason: format!(
                "the upgrade was answered with HTTP status {}",
                response.status().as_u16()
            ),
        },
        other => HandshakeError::WebSocket {
            reason: other.to_string(),
        },
    }
}

fn lines(headers: &HeaderMap) -> Vec<(String, String)> {
    headers
        .iter()
        .map(|(name, value)| {
            (
                name.as_str().to_owned(),
                String::from_utf8_lossy(value.as_bytes()).into_owned(),
            )
        })
        .collect()
}

fn offers_sip(headers: &HeaderMap) -> bool {
    headers
        .get_all(header::SEC_WEBSOCKET_PROTOCOL)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .any(names_sip)
}

/// RFC 7118 4.1 compares the sub-protocol as a token of HTTP, which has case.
fn names_sip(list: &str) -> bool {
    list.split(',').any(|name| name.trim() == SUB_PROTOCOL)
}

/// A SIP message is text (RFC 3261 7) unless its body is not; RFC 7118 4.2 has a frame type for each.
pub(super) fn message(bytes: &[u8]) -> Message {
    match std::str::from_utf8(bytes) {
        Ok(text) => Message::text(text),
        Err(_) => Message::binary(bytes.to_vec()),
    }
}
