//! RTP, RTCP, telephone-event, stream statistics and G.711; sans-IO.
