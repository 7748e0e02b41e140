//! `lint`: mistakes in files, before a device is on the line.

use std::path::Path;

use voxproof_spec::lint_paths;

use crate::Outcome;
use crate::args::LintArgs;
use crate::exit::Exit;

pub(crate) fn lint(args: &LintArgs, colour: bool) -> Outcome {
    let paths: Vec<&Path> = args.paths.iter().map(std::path::PathBuf::as_path).collect();
    let (problems, files) = lint_paths(&paths);
    eprint!("{}", problems.render(colour));
    if problems.0.is_empty() {
        eprintln!("{files} files, no mistakes");
        return Ok(Exit::Pass);
    }
    eprintln!(
        "{} mistakes; `voxproof explain CODE` says more about each",
        problems.0.len()
    );
    Ok(if problems.has_errors() {
        Exit::Specification
    } else {
        Exit::Pass
    })
}
