//! `report`: derived files, again, from the record.

use voxproof_record::Run;
use voxproof_report::{Format, render};

use crate::args::ReportArgs;
use crate::exit::Exit;
use crate::terminal::say;
use crate::{Failure, Outcome, terminal};

pub(crate) fn report(args: &ReportArgs) -> Outcome {
    let run = Run::read(&args.run).map_err(|error| Failure::new(Exit::Record, error))?;
    let formats = args
        .format
        .iter()
        .map(|name| {
            name.parse::<Format>()
                .map_err(|error| Failure::new(Exit::Usage, error))
        })
        .collect::<Result<Vec<_>, _>>()?;
    if args.stdout && formats.len() != 1 {
        return Err(Failure::new(Exit::Usage, "--stdout takes exactly one --format"));
    }
    for format in formats {
        let bytes = render(&run, format).map_err(|error| Failure::new(Exit::Record, error))?;
        if args.stdout {
            terminal::write(&bytes);
        } else {
            let path = run.path.join(format.file_name());
            std::fs::write(&path, bytes).map_err(|error| {
                Failure::new(Exit::Record, format!("cannot write {}: {error}", path.display()))
            })?;
            say!("{}", path.display());
        }
    }
    Ok(Exit::Pass)
}
