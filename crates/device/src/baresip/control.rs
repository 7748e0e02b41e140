//! baresip's control socket (module ctrl_tcp): JSON objects framed as netstrings, `length:bytes,`.

use std::io;
use std::net::SocketAddr;

use serde::{Deserialize, Serialize};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::process::without_colours;

/// The longest frame taken; baresip's longest answer, its help, has some 4 kB.
const LONGEST: usize = 1 << 20;

/// Something that is no netstring.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("its control socket sent something that is no netstring")]
pub(crate) struct NotNetstring;

/// Frames one payload.
pub(crate) fn encode(payload: &[u8]) -> Vec<u8> {
    let mut frame = format!("{}:", payload.len()).into_bytes();
    frame.extend_from_slice(payload);
    frame.push(b',');
    frame
}

/// Takes the first whole frame off the buffer; `None` when more bytes are needed.
pub(crate) fn decode(buffer: &mut Vec<u8>) -> Result<Option<Vec<u8>>, NotNetstring> {
    let digits = buffer.iter().take_while(|byte| byte.is_ascii_digit()).count();
    if digits > 7 {
        return Err(NotNetstring);
    }
    match buffer.get(digits) {
        None => return Ok(None),
        Some(b':') if digits > 0 => {}
        Some(_) => return Err(NotNetstring),
    }
    let length = buffer
        .get(..digits)
        .and_then(|digits| std::str::from_utf8(digits).ok())
        .and_then(|digits| digits.parse::<usize>().ok())
        .filter(|length| *length <= LONGEST)
        .ok_or(NotNetstring)?;
    let end = digits + 1 + length;
    match buffer.get(end) {
        None => Ok(None),
        Some(b',') => {
            let payload = buffer.get(digits + 1..end).map(<[u8]>::to_vec);
            buffer.drain(..=end);
            Ok(payload)
        }
        Some(_) => Err(NotNetstring),
    }
}

#[derive(Serialize)]
struct Order<'a> {
    command: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    params: &'a str,
    token: &'a str,
}

/// One object from baresip: the reply to an order, or an event.
#[derive(Debug, Deserialize)]
struct Incoming {
    #[serde(default)]
    response: bool,
    #[serde(default)]
    ok: bool,
    #[serde(default)]
    data: String,
    #[serde(default)]
    token: String,
}

/// baresip's answer to an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Reply {
    /// It was carried out.
    pub(crate) ok: bool,
    /// What it would have printed.
    pub(crate) data: String,
}

/// The connection.
#[derive(Debug)]
pub(crate) struct Control {
    stream: TcpStream,
    buffer: Vec<u8>,
    orders: u64,
}

impl Control {
    pub(crate) async fn connect(addr: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(addr).await?;
        stream.set_nodelay(true)?;
        Ok(Self {
            stream,
            buffer: Vec::new(),
            orders: 0,
        })
    }

    /// Gives an order and waits for its reply. When it is given up half-way the late reply is skipped by the next one.
    pub(crate) async fn order(&mut self, command: &str, params: &str) -> io::Result<Reply> {
        self.orders += 1;
        let token = format!("voxproof-{}", self.orders);
        let order = serde_json::to_vec(&Order {
            command,
            params,
            token: &token,
        })?;
        self.stream.write_all(&encode(&order)).await?;
        loop {
            while let Some(payload) = decode(&mut self.buffer).map_err(io::Error::other)? {
                // events come in between; the lab reads what a phone does on the wire and not here
                let Ok(incoming) = serde_json::from_slice::<Incoming>(&payload) else {
                    continue;
                };
                if incoming.response && incoming.token == token {
                    let plain = without_colours(incoming.data.as_bytes());
                    return Ok(Reply {
                        ok: incoming.ok,
                        data: String::from_utf8_lossy(&plain).trim().to_owned(),
                    });
                }
            }
            if self.stream.read_buf(&mut self.buffer).await? == 0 {
                return Err(io::Error::new(
                    io::ErrorKind::UnexpectedEof,
                    "its control socket was closed",
                ));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use tokio::net::TcpListener;

    use super::*;

    #[test]
    fn frames_come_whole_and_in_order() {
        let mut buffer = b"5:hello,0:,3:a,".to_vec();
        assert_eq!(decode(&mut buffer), Ok(Some(b"hello".to_vec())));
        assert_eq!(decode(&mut buffer), Ok(Some(Vec::new())));
        assert_eq!(decode(&mut buffer), Ok(None));
        buffer.extend_from_slice(b"b,");
        assert_eq!(decode(&mut buffer), Ok(Some(b"a,b".to_vec())));
        assert_eq!(decode(&mut buffer), Ok(None));
    }

    #[test]
    fn what_is_no_netstring_is_refused() {
        for junk in ["x", ":", "-1:a,", "3:abcd", "99999999:", "2000000:", " 1:a,"] {
            assert_eq!(decode(&mut junk.as_bytes().to_vec()), Err(NotNetstring), "{junk}");
        }
        for partial in ["", "1", "12:", "3:abc"] {
            assert_eq!(decode(&mut partial.as_bytes().to_vec()), Ok(None), "{partial}");
        }
    }

    #[tokio::test]
    async fn the_reply_is_found_among_events_and_late_replies() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let phone = async {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut buffer = Vec::new();
            let order = loop {
                stream.read_buf(&mut buffer).await.unwrap();
                if let Some(order) = decode(&mut buffer).unwrap() {
                    break String::from_utf8(order).unwrap();
                }
            };
            for payload in [
                r#"{"event":true,"type":"CALL_RINGING"}"#,
                r#"{"response":true,"ok":true,"data":"old","token":"voxproof-0"}"#,
                "not json",
                r#"{"response":true,"ok":false,"data":"\u001b[31mno call\u001b[;m\n","token":"voxproof-1"}"#,
            ] {
                for half in encode(payload.as_bytes()).chunks(7) {
                    stream.write_all(half).await.unwrap();
                }
            }
            order
        };
        let lab = async {
            let mut control = Control::connect(addr).await.unwrap();
            let reply = control.order("hold", "").await.unwrap();
            let closed = control.order("hold", "1").await;
            (reply, closed.is_err())
        };
        let (order, (reply, closed)) = tokio::join!(phone, lab);
        assert_eq!(order, r#"{"command":"hold","token":"voxproof-1"}"#);
        assert_eq!(
            reply,
            Reply {
                ok: false,
                data: "no call".to_owned()
            }
        );
        assert!(closed);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]
        #[test]
        fn any_payload_goes_through(payload in proptest::collection::vec(any::<u8>(), 0..300), cut in 0usize..310) {
            let frame = encode(&payload);
            let cut = cut.min(frame.len());
            let mut buffer = frame[..cut].to_vec();
            if cut < frame.len() {
                prop_assert_eq!(decode(&mut buffer), Ok(None));
                buffer.extend_from_slice(&frame[cut..]);
            }
            prop_assert_eq!(decode(&mut buffer), Ok(Some(payload)));
            prop_assert!(buffer.is_empty());
        }

        #[test]
        fn any_bytes_are_survived(mut bytes in proptest::collection::vec(any::<u8>(), 0..40)) {
            let _ = decode(&mut bytes);
        }
    }
}
