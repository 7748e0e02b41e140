//! A SIP phone with switchable faults.
