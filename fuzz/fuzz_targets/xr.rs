//! Any blocks of an extended report, and any value of its SDP attribute.
#![no_main]

use libfuzzer_sys::fuzz_target;
use voxproof_rtp::rtcp::xr::ExtendedReportAttribute;
use voxproof_rtp::rtcp::{Profile, build, inspect, parse};

fuzz_target!(|input: (Vec<u8>, String)| {
    let (mut blocks, attribute) = input;
    // a sound frame around it, so that the blocks are reached
    blocks.truncate(4 * 1000);
    blocks.resize(blocks.len().next_multiple_of(4), 0);
    let words = u16::try_from(blocks.len() / 4 + 1).expect("at most 1001");
    let mut bytes = vec![0x80, 207];
    bytes.extend(words.to_be_bytes());
    bytes.extend([0, 0, 0, 1]);
    bytes.extend(blocks);
    let _ = inspect(&bytes, Profile::ReducedSize);
    let reports = parse(&bytes).expect("the frame is sound");
    if let Ok(written) = build(&reports) {
        assert_eq!(parse(&written), Ok(reports));
    }
    if let Ok(read) = attribute.parse::<ExtendedReportAttribute>() {
        assert_eq!(read.to_string().parse(), Ok(read));
    }
});
