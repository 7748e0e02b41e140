//! Behaviour of the codecs over vectors, speech and any bytes.

mod any_payload;
mod comfort_noise;
mod concealment;
mod g722_vectors;
mod opus_speech;
