//! SIP messages that keep their bytes, transactions, dialogs, digest and SDP; sans-IO.
