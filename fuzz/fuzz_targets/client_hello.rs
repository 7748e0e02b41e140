//! Any first bytes of a TLS client, as they come and put into a record.
#![no_main]

use libfuzzer_sys::fuzz_target;
use voxproof_net::tls::ClientHello;

fuzz_target!(|bytes: &[u8]| {
    let _ = ClientHello::parse(bytes);
    let part = &bytes[..bytes.len().min(16_000)];
    let mut record = vec![22, 3, 1];
    record.extend((part.len() as u16 + 4).to_be_bytes());
    record.extend([1, 0]);
    record.extend((part.len() as u16).to_be_bytes());
    record.extend(part);
    if let Some(hello) = ClientHello::parse(&record) {
        assert!(!hello.versions.is_empty());
    }
});
