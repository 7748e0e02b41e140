//! Things printed from the program's own definitions.

use clap::CommandFactory;
use voxproof_spec::{CODES, SCHEMAS, schema_json};

use crate::args::{Cli, CompletionsArgs, ExplainArgs, SchemaArgs};
use crate::exit::Exit;
use crate::terminal::say;
use crate::{Failure, Outcome, terminal};

pub(crate) fn schema(args: &SchemaArgs) -> Outcome {
    let schema = match args.name.as_str() {
        "report" => Some(voxproof_report::report_schema()),
        "measure" => Some(voxproof_analysis::measure_schema().to_value()),
        "analyze" => Some(voxproof_analysis::analyze_schema().to_value()),
        name => schema_json(name),
    };
    let Some(schema) = schema else {
        return Err(Failure::new(
            Exit::Usage,
            format!(
                "there is no schema `{}`; there are: {}, report, measure, analyze",
                args.name,
                SCHEMAS.join(", ")
            ),
        ));
    };
    say!("{}", serde_json::to_string_pretty(&schema).unwrap_or_default());
    Ok(Exit::Pass)
}

pub(crate) fn explain(args: &ExplainArgs) -> Outcome {
    let Some(code) = &args.code else {
        for entry in CODES {
            say!("{}  {}", entry.code, entry.title);
        }
        return Ok(Exit::Pass);
    };
    match voxproof_spec::explain(code) {
        Some(entry) => {
            say!("{}: {}\n\n{}", entry.code, entry.title, entry.explanation);
            Ok(Exit::Pass)
        }
        None => Err(Failure::new(
            Exit::Usage,
            format!("there is no code `{code}`; `voxproof explain` lists all of them"),
        )),
    }
}

pub(crate) fn completions(args: &CompletionsArgs) -> Outcome {
    let mut text = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "voxproof", &mut text);
    terminal::write(&text);
    Ok(Exit::Pass)
}

pub(crate) fn man() -> Outcome {
    let mut text = Vec::new();
    clap_mangen::Man::new(Cli::command())
        .render(&mut text)
        .map_err(|error| Failure::new(Exit::Internal, error))?;
    terminal::write(&text);
    Ok(Exit::Pass)
}
