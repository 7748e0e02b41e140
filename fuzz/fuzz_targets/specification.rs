//! Any text as a case, as a sweep of cases, as limits, as an expression.
#![no_main]

use std::path::Path;
use std::sync::Arc;

use libfuzzer_sys::fuzz_target;
use voxproof_spec::{Expression, parse_case, parse_limits, sweep_points};

fuzz_target!(|text: &str| {
    let source: Arc<str> = Arc::from(text);
    match sweep_points(Path::new("case.toml"), &source) {
        Ok(points) => {
            for point in points {
                let _ = parse_case(Path::new("case.toml"), &point);
            }
        }
        Err(problems) => drop(problems.render(false)),
    }
    if let Err(problems) = parse_case(Path::new("case.toml"), &source) {
        // the caret has to find its place in any text
        let _ = problems.render(false);
    }
    let _ = parse_limits(Path::new("limits.toml"), &source);
    if text.len() < 400 {
        let _ = Expression::parse(text);
    }
});
