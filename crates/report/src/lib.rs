//! HTML, JSON and JUnit reports, derived from the record alone.
//!
//! A report states what the journal of a run holds and nothing else: it can be deleted and made again at any time.
//! Every format names every case of the plan, every attempt, and whether the run was official.

mod designation;
mod display;
mod error;
mod format;
mod from_run;
mod html;
mod junit;
mod ladder;
mod level_plot;
mod model;
mod render;
mod traceability;

pub use designation::{NOT_FINISHED, UNOFFICIAL_NOTICE, designation_text};
pub use error::ReportError;
pub use format::{Format, UnknownFormat};
pub use model::{
    AttemptReport, CaseReport, DesignationReport, DesignationReports, DeviceReport, MeasurementReport,
    Outcome, Report, SCHEMA_VERSION, State, SuiteReport, report_schema, report_schema_text,
};
pub use render::{render, write_all};
