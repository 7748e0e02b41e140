//! Sound files measured alone and in pairs, for people and for machines.
//!
//! * [`SoundReader`]: WAV, FLAC, Ogg Opus and raw G.711 or G.722, block by block; what is wrong with a file is said.
//! * [`measure`], [`measure_and_draw`]: one file, in memory that does not grow with it.
//! * [`Loaded`], [`analyze`], [`DrawnPair`]: a recording against its reference.
//! * [`MeasureRecord`], [`AnalyzeRecord`]: the results as JSON and CSV; [`file_table`], [`pair_table`]: for a terminal;
//!   [`measure_page`], [`analyze_page`]: one offline page with figures.
//!
//! What a quantity is, is in `voxproof-audio`; here is which of them a file or a pair gets, and how they are told. A
//! quantity that cannot be measured has a reason in place of a value.

mod channel;
mod digits;
mod error;
mod event;
mod format;
mod glitches;
mod group;
mod measure;
mod page;
mod pair;
mod pause;
mod picture;
mod plane;
mod plot;
mod quantity;
mod reader;
mod record;
mod result;
mod spectral;
mod steady;
mod table;
mod tone;
mod whole;

pub use error::ReadError;
pub use event::{Event, EventFigure};
pub use format::{Coding, Container, Note, NoteKind, SoundFormat};
pub use group::{Group, Selection, Subject, UnknownGroup};
pub use measure::{DrawnFile, MeasureOptions, measure, measure_and_draw};
pub use page::{PageError, measure_page};
pub use pair::{DrawnPair, Loaded, PairOptions, Rating, Stimulus, analyze, analyze_page};
pub use quantity::{QUANTITIES, Quantity};
pub use reader::{RawCoding, RawFormat, ReadOptions, SoundReader, UnknownRawCoding, pick_channel};
pub use record::{
    AnalyzeRecord, ChannelRecord, FileRecord, MeasureRecord, ModelRecord, PairRecord, analyze_schema,
    measure_schema,
};
pub use result::{Curve, ExpandedUncertainty, NotMeasured, QuantityResult};
pub use table::{file_table, pair_table};
