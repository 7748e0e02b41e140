//! Whatever text somebody wrote: a value or a diagnostic with its place, never a panic.

use std::path::Path;
use std::sync::Arc;

use proptest::prelude::*;
use voxproof_spec::{Expression, Span, parse_case, parse_limits};

const CASE: &str = include_str!("../../../test-specs/ip-phone/cases/IPP-HLD-001.toml");

proptest! {
    #[test]
    fn spoilt_cases_are_diagnosed(at in 0..CASE.len(), junk in "\\PC{0,12}", cut in 0..40_usize) {
        let mut text = CASE.to_owned();
        let at = (0..=at).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
        let end = (at..=(at + cut).min(text.len())).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(at);
        text.replace_range(at..end, &junk);
        let source: Arc<str> = Arc::from(text);
        if let Err(problems) = parse_case(Path::new("case.toml"), &source) {
            let shown = problems.render(false);
            prop_assert!(shown.contains("case.toml"), "{shown}");
        }
    }

    #[test]
    fn any_text(text in "\\PC{0,200}") {
        let source: Arc<str> = Arc::from(text.as_str());
        let _ = parse_case(Path::new("x"), &source);
        let _ = parse_limits(Path::new("x"), &source);
        let _ = text.parse::<Span>();
    }

    #[test]
    fn any_expression(text in "[a-z0-9.()\\[\\]'\"&|!=<>+* ]{0,40}") {
        let _ = Expression::parse(&text);
    }
}
