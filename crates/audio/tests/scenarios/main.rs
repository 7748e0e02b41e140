//! Behaviour of the analyzer over whole signals.

mod any_input;
mod delay_estimation;
mod e_model;
mod intact_speech;
mod p56_corpus;
