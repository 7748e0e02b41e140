//! Any stream of HTTP requests: read or refused, wherever it is cut.
#![no_main]

use libfuzzer_sys::fuzz_target;
use voxproof_services::http::{HttpRequest, Parser, Progress, RequestError};

fn read(pieces: &[&[u8]]) -> (Vec<HttpRequest>, Option<RequestError>) {
    let mut parser = Parser::new();
    let mut requests = Vec::new();
    for piece in pieces {
        parser.push(piece);
        loop {
            match parser.progress() {
                Ok(Progress::Request(request)) => requests.push(request),
                Ok(Progress::Continue) => {}
                Ok(Progress::More) => break,
                Err(error) => return (requests, Some(error)),
            }
        }
    }
    (requests, None)
}

fuzz_target!(|input: (usize, &[u8])| {
    let (cut, stream) = input;
    let (first, second) = stream.split_at(cut % (stream.len() + 1));
    assert_eq!(read(&[first, second]), read(&[stream]));
});
