//! Any bytes as header fields, bodies and templates of everything beyond the plain message: nothing panics, what is read
//! prints again, a mutation changes only what it names, and a fuzz case can be made twice.
#![no_main]

use libfuzzer_sys::fuzz_target;
use voxproof_sip::headers::{Event, RAck, ReferTo, Replaces, RetryAfter, SessionExpires, SubscriptionState};
use voxproof_sip::mutate::{self, BranchMistake, LengthMistake, LineEnding, Mutation};
use voxproof_sip::{Challenge, Credentials, DialogSet, IdSource, Message, RackTracker, event, fuzzing};

fuzz_target!(|bytes: &[u8]| {
    bodies(bytes);
    let message = Message::parse(bytes);
    for line in message.header_lines() {
        values(&line.value);
    }
    for (_, credentials) in Credentials::all(&message) {
        let again = Credentials::parse(&credentials.to_header()).expect("what we print can be read");
        assert_eq!(again, credentials);
    }
    let _ = (Challenge::all(&message), message.validate());
    let _ = (message.reasons(), message.alert_infos(), message.call_infos());
    let _ = (message.diversions(), message.history(), message.addresses("path"));
    for part in message.body_parts() {
        bodies(part.body);
    }
    let _ = RackTracker::new().response(&message);
    let mut dialogs = DialogSet::new(message.clone());
    let _ = dialogs.response(&message);
    assert_eq!(mutate::apply(bytes, &[], &mut IdSource::new(1)).as_deref(), Ok(bytes));
    for name in ["via", "from", "x"] {
        let name = || name.to_owned();
        for mutation in [
            Mutation::FoldHeader(name()),
            Mutation::DuplicateHeader(name()),
            Mutation::NonUtf8(name()),
            Mutation::WrongBranch(BranchMistake::Missing),
            Mutation::ContentLength(LengthMistake::Delta(3)),
            Mutation::LineEnding(LineEnding::Lf),
            Mutation::Method(name()),
        ] {
            let _ = mutate::apply(bytes, &[mutation], &mut IdSource::new(1));
        }
    }
    let case = fuzzing::case(7, bytes.len() as u64, bytes);
    assert_eq!(case, fuzzing::case(7, bytes.len() as u64, bytes));
});

fn values(value: &str) {
    if let Ok(read) = SessionExpires::parse(value) {
        assert_eq!(SessionExpires::parse(&read.to_string()), Ok(read));
    }
    if let Ok(read) = RAck::parse(value) {
        assert_eq!(RAck::parse(&read.to_string()), Ok(read));
    }
    if let Ok(read) = Replaces::parse(value) {
        assert_eq!(Replaces::parse_escaped(&read.to_escaped()), Ok(read));
    }
    if let Ok(read) = ReferTo::parse(value) {
        let _ = (read.replaces(), read.headers(), read.request_uri());
    }
    let _ = (Event::parse(value), SubscriptionState::parse(value), RetryAfter::parse(value));
}

fn bodies(bytes: &[u8]) {
    let _ = (event::MessageSummary::parse(bytes), event::Sipfrag::parse(bytes));
    let _ = (event::Presence::parse(bytes), event::QualityReport::parse(bytes));
    if let Ok((read, _)) = event::DialogInfo::parse(bytes) {
        event::DialogInfo::parse(read.to_string().as_bytes()).expect("what we print can be read");
    }
}
