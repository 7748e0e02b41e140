//! Any bytes as a CSTA answer of a phone: read or refused, and what it says of its calls is bounded by what came.
#![no_main]

use libfuzzer_sys::fuzz_target;
use voxproof_device::{CstaAnswer, parse_csta};

fuzz_target!(|bytes: &[u8]| match parse_csta(bytes) {
    Ok(CstaAnswer::Calls(calls)) => {
        for call in calls {
            assert!(call.connection.call.len() + call.connection.device.len() + call.state.len() <= bytes.len());
        }
    }
    Ok(CstaAnswer::Done(name)) => assert!(name.ends_with("Response")),
    Ok(CstaAnswer::Refused { kind, value }) => assert!(kind.len() + value.len() <= bytes.len()),
    Err(error) => assert!(!error.to_string().is_empty()),
});
