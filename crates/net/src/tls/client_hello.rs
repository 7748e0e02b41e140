//! What a client asks for, read from the bytes themselves: a TLS implementation that refuses a hello does not say what was
//! in it, and the hello of a device that knows only old versions is the one a lab wants to see.

use tokio_rustls::rustls::CipherSuite;

use super::info::suite_name;

/// A handshake record (RFC 8446 5.1) and the message type of a client hello (RFC 8446 4).
const HANDSHAKE_RECORD: u8 = 22;
const CLIENT_HELLO: u8 = 1;
/// Extension numbers: RFC 6066 3, RFC 7301 3.1, RFC 8446 4.2.1.
const SERVER_NAME: u16 = 0;
const APPLICATION_PROTOCOLS: u16 = 16;
const SUPPORTED_VERSIONS: u16 = 43;
const TLS_1_2: u16 = 0x0303;

/// What a client asked for, before anything was agreed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClientHello {
    /// The versions offered, such as `TLS 1.2`, in the client's order; without the extension of TLS 1.3 the highest only.
    /// Numbers that stand for no version are in hexadecimal (RFC 8701 has clients send some).
    pub versions: Vec<String>,
    /// The cipher suites offered, by their registered names, or as hexadecimal numbers.
    pub cipher_suites: Vec<String>,
    /// The server name indication (RFC 6066 3).
    pub sni: Option<String>,
    /// The application protocols offered (RFC 7301).
    pub alpn: Vec<Vec<u8>>,
    highest: u16,
}

impl ClientHello {
    /// Reads the first message of a client from the bytes of the connection. `None` when they are something else, are not
    /// complete, or are malformed before the extensions; extensions that cannot be read are left out.
    pub fn parse(stream: &[u8]) -> Option<Self> {
        let message = handshake_bytes(stream);
        let mut message = Reader(&message);
        if message.u8()? != CLIENT_HELLO {
            return None;
        }
        let length = message.u24()?;
        let mut body = Reader(message.take(length)?);
        let legacy_version = body.u16()?;
        body.take(32)?; // random
        body.vector8()?; // session id
        let mut suites = Reader(body.vector16()?);
        body.vector8()?; // compression methods
        let mut hello = Self {
            highest: legacy_version,
            ..Self::default()
        };
        while let Some(suite) = suites.u16() {
            hello.cipher_suites.push(suite_name(CipherSuite::from(suite)));
        }
        let mut extensions = Reader(body.vector16().unwrap_or_default());
        while let Some((number, content)) = extensions.extension() {
            hello.extension(number, Reader(content));
        }
        if hello.versions.is_empty() {
            hello.versions.push(version_name(legacy_version));
        }
        Some(hello)
    }

    /// Whether no version from TLS 1.2 on is offered.
    pub(crate) fn is_outdated(&self) -> bool {
        self.highest < TLS_1_2
    }

    fn extension(&mut self, number: u16, mut content: Reader<'_>) {
        match number {
            SERVER_NAME => self.sni = content.server_name(),
            APPLICATION_PROTOCOLS => {
                let mut names = Reader(content.vector16().unwrap_or_default());
                while let Some(name) = names.vector8() {
                    self.alpn.push(name.to_vec());
                }
            }
            SUPPORTED_VERSIONS => {
                let mut versions = Reader(content.vector8().unwrap_or_default());
                while let Some(version) = versions.u16() {
                    self.highest = self.highest.max(version);
                    self.versions.push(version_name(version));
                }
            }
            _ => {}
        }
    }
}

/// The contents of the handshake records at the start of a stream, put together: a hello may span several.
fn handshake_bytes(stream: &[u8]) -> Vec<u8> {
    let mut reader = Reader(stream);
    let mut message = Vec::new();
    while reader.u8() == Some(HANDSHAKE_RECORD) && reader.u16().is_some() {
        match reader.vector16() {
            Some(fragment) => message.extend_from_slice(fragment),
            None => break,
        }
    }
    message
}

fn version_name(version: u16) -> String {
    match version {
        0x0300 => "SSL 3.0".to_owned(),
        0x0301 => "TLS 1.0".to_owned(),
        0x0302 => "TLS 1.1".to_owned(),
        TLS_1_2 => "TLS 1.2".to_owned(),
        0x0304 => "TLS 1.3".to_owned(),
        other => format!("0x{other:04x}"),
    }
}

/// Bytes yet to be read (RFC 8446 3).
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    fn number(&mut self, bytes: usize) -> Option<usize> {
        let taken = self.take(bytes)?;
        Some(
            taken
                .iter()
                .fold(0, |number, byte| number << 8 | usize::from(*byte)),
        )
    }

    fn u8(&mut self) -> Option<u8> {
        u8::try_from(self.number(1)?).ok()
    }

    fn u16(&mut self) -> Option<u16> {
        u16::try_from(self.number(2)?).ok()
    }

    fn u24(&mut self) -> Option<usize> {
        self.number(3)
    }

    fn vector8(&mut self) -> Option<&'a [u8]> {
        let length = self.number(1)?;
        self.take(length)
    }

    fn vector16(&mut self) -> Option<&'a [u8]> {
        let length = self.number(2)?;
        self.take(length)
    }

    fn extension(&mut self) -> Option<(u16, &'a [u8])> {
        Some((self.u16()?, self.vector16()?))
    }

    /// The first host name of the list (RFC 6066 3: there is at most one).
    fn server_name(&mut self) -> Option<String> {
        let mut names = Reader(self.vector16()?);
        while let (Some(kind), Some(name)) = (names.u8(), names.vector16()) {
            if kind == 0 {
                return Some(String::from_utf8_lossy(name).into_owned());
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A hello of TLS 1.1 with two suites and a server name, in records of at most `size` bytes.
    fn old_hello(size: usize) -> Vec<u8> {
        let mut body = vec![3, 2];
        body.extend([7; 32]);
        body.extend([0, 0, 4, 0x00, 0x2f, 0xfd, 0xfd, 1, 0]);
        let name = b"example.com";
        let mut extension = vec![
            0,
            0,
            0,
            name.len() as u8 + 5,
            0,
            name.len() as u8 + 3,
            0,
            0,
            name.len() as u8,
        ];
        extension.extend(name);
        body.extend((extension.len() as u16).to_be_bytes());
        body.extend(extension);
        let mut message = vec![1, 0, 0, body.len() as u8];
        message.extend(body);
        message
            .chunks(size)
            .flat_map(|part| [&[22, 3, 1, 0, part.len() as u8], part].concat())
            .collect()
    }

    #[test]
    fn an_old_hello_is_read_whole_or_in_parts() {
        for size in [5, 200] {
            let hello = ClientHello::parse(&old_hello(size)).unwrap();
            assert_eq!(hello.versions, ["TLS 1.1"]);
            assert_eq!(hello.cipher_suites, ["TLS_RSA_WITH_AES_128_CBC_SHA", "0xfdfd"]);
            assert_eq!(hello.sni.as_deref(), Some("example.com"));
            assert!(hello.is_outdated());
        }
    }

    #[test]
    fn what_is_cut_off_or_no_hello_is_nothing() {
        let whole = old_hello(200);
        for length in 0..whole.len() {
            assert_eq!(ClientHello::parse(&whole[..length]), None, "{length}");
        }
        assert_eq!(ClientHello::parse(b"REGISTER sip:example.com SIP/2.0\r\n"), None);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]

        #[test]
        fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            let _ = ClientHello::parse(&bytes);
        }

        #[test]
        fn a_damaged_hello_is_read_or_refused(place in 0_usize..90, byte in any::<u8>(), size in 1_usize..100) {
            let mut stream = old_hello(size);
            if let Some(old) = stream.get_mut(place) {
                *old = byte;
            }
            if let Some(hello) = ClientHello::parse(&stream) {
                prop_assert!(!hello.versions.is_empty());
            }
        }
    }
}
