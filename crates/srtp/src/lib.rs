//! SRTP and SRTCP with SDES and DTLS keys; sans-IO.
