//! Behaviour of the analyzer over whole signals.

mod any_input;
mod delay_estimation;
mod e_model;
mod electroacoustic_any_input;
mod intact_speech;
mod known_devices;
mod levels;
mod p56_corpus;
