//! Behaviour of streams, statistics and reports.

mod impairment_truth;
mod inband_digits;
mod playout_timeline;
mod received_events;
mod rtcp_extended;
mod rtcp_session;
mod running_statistics;
mod stream_statistics;
