//! Whatever text somebody wrote: a value or a diagnostic with its place, never a panic.

use std::path::Path;
use std::sync::Arc;

use proptest::prelude::*;
use voxproof_spec::{Expression, Span, parse_case, parse_limits, sweep_points};

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
    fn any_sweep(axis in "[a-z{\"]{1,4}", key in "[a-z{\"]{1,4}", value in "\\PC{0,8}", number in proptest::num::f64::ANY) {
        let text = format!(
            "id = 'A'\ntitle = '{{{axis}}}{{{key}}}'\n[[sweep]]\naxis = {axis:?}\npoints = [{{ {key:?} = {value:?} }}, {{ {key:?} = {number:?} }}]\n"
        );
        let source: Arc<str> = Arc::from(text);
        match sweep_points(Path::new("case.toml"), &source) {
            Err(problems) => prop_assert!(problems.render(false).contains("case.toml")),
            // a point is as sound a text as the whole was
            Ok(points) => {
                let sound = |text: &str| toml::from_str::<toml::Table>(text).is_ok();
                prop_assert!(points.iter().all(|point| sound(point) == sound(&source)), "{points:?}");
            }
        }
    }

    #[test]
    fn any_expression(text in "[a-z0-9.()\\[\\]'\"&|!=<>+* ]{0,40}") {
        let _ = Expression::parse(&text);
    }
}
