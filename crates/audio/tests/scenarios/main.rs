//! Behaviour of the analyzer over whole signals.

mod any_input;
mod coded_glitches;
mod delay_accuracy;
mod delay_estimation;
mod delay_tracking;
mod dtmf_measurement;
mod e_model;
mod echo_signals;
mod electroacoustic_any_input;
mod external_model;
mod intact_speech;
mod known_devices;
mod levels;
mod loss_concealment;
mod network_tones;
mod p56_corpus;
#[cfg(feature = "pesq")]
mod pesq;
mod resampling;
mod signals;
mod speech_glitches;
mod visqol;
