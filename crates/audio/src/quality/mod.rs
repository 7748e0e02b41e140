//! Speech quality: what a listener or a caller would say, predicted.
//!
//! A mean opinion score is only comparable with others of its kind (ITU-T P.800.1), so each kind is a type:
//! [`MosCqe`] is estimated from a network's parameters ([`e_model`]), [`MosLqo`] is predicted from a pair of recordings
//! ([`visqol`], PESQ with the cargo feature `pesq`, or a licensed model that the
//! lab has as a program, [`external`]). [`loss`] compares such scores with those of an undisturbed call.

pub mod e_model;
pub mod external;
pub mod loss;
mod mos;
pub mod p862;
#[cfg(feature = "pesq")]
pub mod pesq;
pub mod visqol;

pub use mos::{MosCqe, MosLqo};
