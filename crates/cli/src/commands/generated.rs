//! Things printed from the program's own definitions.

use std::io::stdout;

use clap::CommandFactory;
use voxproof_spec::{CODES, SCHEMAS, schema_json};

use crate::args::{Cli, CompletionsArgs, ExplainArgs, SchemaArgs};
use crate::exit::Exit;
use crate::{Failure, Outcome};

pub(crate) fn schema(args: &SchemaArgs) -> Outcome {
    let schema = if args.name == "report" {
        Some(voxproof_report::report_schema())
    } else {
        schema_json(&args.name)
    };
    let Some(schema) = schema else {
        return Err(Failure::new(
            Exit::Usage,
            format!(
                "there is no schema `{}`; there are: {}, report",
                args.name,
                SCHEMAS.join(", ")
            ),
        ));
    };
    println!("{}", serde_json::to_string_pretty(&schema).unwrap_or_default());
    Ok(Exit::Pass)
}

pub(crate) fn explain(args: &ExplainArgs) -> Outcome {
    let Some(code) = &args.code else {
        for entry in CODES {
            println!("{}  {}", entry.code, entry.title);
        }
        return Ok(Exit::Pass);
    };
    match voxproof_spec::explain(code) {
        Some(entry) => {
            println!("{}: {}\n\n{}", entry.code, entry.title, entry.explanation);
            Ok(Exit::Pass)
        }
        None => Err(Failure::new(
            Exit::Usage,
            format!("there is no code `{code}`; `voxproof explain` lists all of them"),
        )),
    }
}

pub(crate) fn completions(args: &CompletionsArgs) -> Outcome {
    clap_complete::generate(args.shell, &mut Cli::command(), "voxproof", &mut stdout());
    Ok(Exit::Pass)
}

pub(crate) fn man() -> Outcome {
    clap_mangen::Man::new(Cli::command())
        .render(&mut stdout())
        .map_err(|error| Failure::new(Exit::Internal, error))?;
    Ok(Exit::Pass)
}
