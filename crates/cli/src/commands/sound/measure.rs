//! `measure`: recordings by themselves.

use std::path::Path;

use voxproof_analysis::{
    DrawnFile, FileRecord, MeasureOptions, MeasureRecord, RawFormat, ReadError, Subject, file_table, measure,
    measure_and_draw, measure_page,
};

use super::output::{self, Fate};
use super::{files, jobs};
use crate::Outcome;
use crate::args::MeasureArgs;

pub(crate) fn run(args: &MeasureArgs) -> Outcome {
    let raw = files::raw_format(&args.raw)?;
    let options = MeasureOptions {
        selection: output::selection(Subject::File, &args.output)?,
        plane: output::plane(&args.output),
        weighting: output::weighting(&args.output)?,
    };
    let paths = files::collect(&args.files)?;
    let draw = args.output.html.is_some();
    let measured = jobs::each(&paths, args.output.jobs, |path| one(path, raw, &options, draw));
    let (drawn, fates): (Vec<DrawnFile>, Vec<Fate>) = measured.into_iter().unzip();
    let record = MeasureRecord::new(drawn.iter().map(|file| file.record.clone()).collect());
    output::deliver(
        &args.output,
        &record,
        || measure_page(&drawn, record.analyzer),
        || record.csv(),
        || record.files.iter().map(file_table).collect(),
    )?;
    output::exit(fates.into_iter())
}

fn one(path: &Path, raw: Option<RawFormat>, options: &MeasureOptions, draw: bool) -> (DrawnFile, Fate) {
    let name = path.to_string_lossy();
    match read(path, &name, raw, options, draw) {
        Ok(file) => {
            let results = file.record.channels.iter().flat_map(|channel| &channel.results);
            let fate = Fate::of_results(&file.record.notes, results);
            (file, fate)
        }
        Err(error) => (
            DrawnFile::undrawn(FileRecord::unreadable(&name, error.to_string())),
            Fate::of_error(&error),
        ),
    }
}

fn read(
    path: &Path,
    name: &str,
    raw: Option<RawFormat>,
    options: &MeasureOptions,
    draw: bool,
) -> Result<DrawnFile, ReadError> {
    let reader = files::open(path, raw)?;
    if !draw {
        return measure(name, reader, options).map(DrawnFile::undrawn);
    }
    let frames = match reader.format().frames {
        Some(frames) => frames,
        None => {
            // the columns of the figures need the length, which only reading tells
            let mut counting = files::open(path, raw)?;
            let mut block = Vec::new();
            while counting.next_block(&mut block)? {}
            counting.frames_read()
        }
    };
    measure_and_draw(name, reader, options, frames)
}
