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
mod error;
mod format;
mod measure;
mod page;
mod pair;
mod pause;
mod picture;
mod plot;
mod quantity;
mod reader;
mod record;
mod result;
mod spectral;
mod table;
mod tone;

pub use error::ReadError;
pub use format::{Coding, Container, Note, NoteKind, SoundFormat};
pub use measure::{DrawnFile, measure, measure_and_draw};
pub use page::{PageError, measure_page};
pub use pair::{DrawnPair, Loaded, PairOptions, analyze, analyze_page};
pub use quantity::{Group, QUANTITIES, Quantity, Selection, UnknownGroup};
pub use reader::{RawCoding, RawFormat, ReadOptions, SoundReader, UnknownRawCoding, pick_channel};
pub use record::{
    AnalyzeRecord, ChannelRecord, FileRecord, MeasureRecord, PairRecord, analyze_schema, measure_schema,
};
pub use result::{Curve, ExpandedUncertainty, NotMeasured, QuantityResult};
pub use table::{file_table, pair_table};
