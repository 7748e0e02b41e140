//! Verdicts from evidence.

mod ics;
mod lab;
mod lab_records;
mod protected_media;
mod reports;
mod rules;
mod services;
mod shapes;
mod streams;
mod verdicts;
mod wideband;
