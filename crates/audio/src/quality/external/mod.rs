//! Models that are not part of this program, run as programs of their own: P.863, 3QUEST and whatever the lab has a licence for.
//!
//! A [`Description`] says how to run one; [`Description::score`] runs it on a pair of recordings and reads the scores from
//! the JSON it prints. What the program was (version, SHA-256) is part of the result, as a score without it proves nothing.

mod answer;
mod description;
mod run;

pub use description::{Description, DescriptionError};
pub use run::ExternalScores;
