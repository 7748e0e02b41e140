//! Values as people read them, and foreign text made harmless.

use std::borrow::Cow;
use std::fmt::Write as _;

use jiff::Timestamp;

/// Foreign text with nothing invisible left in it: control characters become control pictures, and characters that
/// turn the reading direction or cannot stand in XML become their code point. `CR LF` is one line end.
pub(crate) fn visible(text: &str) -> Cow<'_, str> {
    if !text.chars().any(needs_picture) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 16);
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '\r' if characters.peek() == Some(&'\n') => {}
            '\u{7f}' => shown.push('\u{2421}'),
            // the control pictures stand at U+2400 in the order of the control characters
            '\0'..='\u{1f}' if needs_picture(character) => {
                shown.push(char::from_u32(0x2400 + u32::from(character)).unwrap_or('\u{fffd}'));
            }
            character if needs_picture(character) => {
                // writing to a String has no way to fail
                let _ = write!(shown, "\u{27e8}U+{:04X}\u{27e9}", u32::from(character));
            }
            character => shown.push(character),
        }
    }
    Cow::Owned(shown)
}

fn needs_picture(character: char) -> bool {
    matches!(character,
        '\0'..='\u{8}' | '\u{b}'..='\u{1f}' | '\u{7f}'..='\u{9f}'
        | '\u{61c}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}'
        | '\u{feff}' | '\u{fdd0}'..='\u{fdef}')
        || u32::from(character) & 0xfffe == 0xfffe
}

/// Text for an element or a quoted attribute of HTML or SVG.
pub(crate) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len() + 8);
    for character in visible(text).chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            character => escaped.push(character),
        }
    }
    escaped
}

/// One line of at most `limit` characters; what is cut off ends in an ellipsis.
pub(crate) fn one_line(text: &str, limit: usize) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.chars().count() <= limit {
        return line;
    }
    let kept: String = line.chars().take(limit.saturating_sub(1)).collect();
    format!("{}\u{2026}", kept.trim_end())
}

/// A number in at most five significant digits with a true minus sign.
pub(crate) fn number(value: f64) -> String {
    if !value.is_finite() {
        return "not a number".to_owned();
    }
    let size = value.abs();
    if size != 0.0 && !(1e-3..1e9).contains(&size) {
        return format!("{value:.3e}").replace('-', "\u{2212}");
    }
    let decimals = match size {
        1000.0.. => 0,
        100.0.. => 1,
        10.0.. => 2,
        _ => 3,
    };
    let mut text = format!("{value:.decimals$}");
    if text.contains('.') {
        text.truncate(text.trim_end_matches('0').trim_end_matches('.').len());
    }
    if text == "-0" {
        "0".to_owned()
    } else {
        text.replace('-', "\u{2212}")
    }
}

/// A number that always shows its sign.
pub(crate) fn signed(value: f64) -> String {
    let text = number(value);
    if value > 0.0 && text != "0" {
        format!("+{text}")
    } else {
        text
    }
}

/// A unit behind its number; the unit 1 is not written.
pub(crate) fn unit(unit: &str) -> String {
    if unit.is_empty() || unit == "1" {
        String::new()
    } else {
        format!("\u{a0}{unit}")
    }
}

/// Bounds in words.
pub(crate) fn bounds(lower: Option<f64>, upper: Option<f64>, symbol: &str) -> String {
    let unit = unit(symbol);
    match (lower, upper) {
        (Some(lower), Some(upper)) => format!("{} to {}{unit}", number(lower), number(upper)),
        (Some(lower), None) => format!("at least {}{unit}", number(lower)),
        (None, Some(upper)) => format!("at most {}{unit}", number(upper)),
        (None, None) => "no bound".to_owned(),
    }
}

/// A length of time in seconds.
pub(crate) fn duration(seconds: f64) -> String {
    if !seconds.is_finite() || seconds < 0.0 {
        return "unknown".to_owned();
    }
    if seconds < 0.9995 {
        return format!("{:.0}\u{a0}ms", seconds * 1000.0);
    }
    if seconds < 59.95 {
        return format!("{seconds:.1}\u{a0}s");
    }
    // saturates for absurd input
    let whole = seconds.round() as u64;
    let (hours, minutes, rest) = (whole / 3600, whole / 60 % 60, whole % 60);
    if hours > 0 {
        format!("{hours}\u{a0}h {minutes:02}\u{a0}min {rest:02}\u{a0}s")
    } else {
        format!("{minutes}\u{a0}min {rest:02}\u{a0}s")
    }
}

/// A moment, to the second; text that is no RFC 3339 time stays as it is.
pub(crate) fn moment(time: &str) -> String {
    time.parse::<Timestamp>()
        .map(|at| at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string())
        .unwrap_or_else(|_| time.to_owned())
}

/// A size in bytes.
pub(crate) fn size(bytes: u64) -> String {
    let amount = bytes as f64;
    match bytes {
        0..1_000 => format!("{bytes}\u{a0}B"),
        1_000..1_000_000 => format!("{:.1}\u{a0}kB", amount / 1e3),
        1_000_000..1_000_000_000 => format!("{:.1}\u{a0}MB", amount / 1e6),
        _ => format!("{:.1}\u{a0}GB", amount / 1e9),
    }
}

/// A snake-case name in words: `active_speech_level` is "Active speech level".
pub(crate) fn words(name: &str) -> String {
    let text = name.replace('_', " ");
    let mut characters = text.chars();
    characters.next().map_or_else(String::new, |first| {
        first.to_uppercase().chain(characters).collect()
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn numbers_read_well() {
        assert_eq!(number(-20.126), "\u{2212}20.13");
        assert_eq!(number(0.0), "0");
        assert_eq!(number(-0.0001), "\u{2212}1.000e\u{2212}4");
        assert_eq!(number(99.5), "99.5");
        assert_eq!(number(1234.5), "1234");
        assert_eq!(number(f64::INFINITY), "not a number");
        assert_eq!(signed(3.0), "+3");
        assert_eq!(signed(-0.3), "\u{2212}0.3");
        assert_eq!(bounds(Some(95.0), None, "%"), "at least 95\u{a0}%");
        assert_eq!(
            bounds(Some(-24.0), Some(-14.0), "dBm0"),
            "\u{2212}24 to \u{2212}14\u{a0}dBm0"
        );
        assert_eq!(bounds(None, Some(0.0), "1"), "at most 0");
    }

    #[test]
    fn times_and_sizes_read_well() {
        assert_eq!(duration(0.0321), "32\u{a0}ms");
        assert_eq!(duration(4.25), "4.2\u{a0}s");
        assert_eq!(duration(59.99), "1\u{a0}min 00\u{a0}s");
        assert_eq!(duration(3723.0), "1\u{a0}h 02\u{a0}min 03\u{a0}s");
        assert_eq!(duration(-1.0), "unknown");
        assert_eq!(
            moment("2026-11-21T13:18:22.123456789Z"),
            "2026-11-21 13:18:22 UTC"
        );
        assert_eq!(moment("yesterday"), "yesterday");
        assert_eq!(size(999), "999\u{a0}B");
        assert_eq!(size(48_044), "48.0\u{a0}kB");
        assert_eq!(words("active_speech_level"), "Active speech level");
        assert_eq!(words(""), "");
        assert_eq!(one_line("a  b\nc", 10), "a b c");
        assert_eq!(one_line("abcdef", 4), "abc\u{2026}");
    }

    #[test]
    fn what_hides_is_shown() {
        assert_eq!(visible("a\r\nb\tc"), "a\nb\tc");
        assert_eq!(
            visible("a\rb\0\u{1b}[31m\u{7f}"),
            "a\u{240d}b\u{2400}\u{241b}[31m\u{2421}"
        );
        assert_eq!(visible("x\u{202e}y"), "x\u{27e8}U+202E\u{27e9}y");
        assert_eq!(
            escape("<a href='x'>&\"\u{ffff}"),
            "&lt;a href=&#39;x&#39;&gt;&amp;&quot;\u{27e8}U+FFFF\u{27e9}"
        );
    }

    proptest! {
        #[test]
        fn escaped_text_holds_no_markup_and_no_control(text in any::<String>()) {
            let escaped = escape(&text);
            prop_assert!(!escaped.contains(['<', '>', '"', '\'']));
            prop_assert!(!escaped.chars().any(needs_picture));
        }

        #[test]
        fn every_number_has_a_text(value in any::<f64>()) {
            prop_assert!(!number(value).is_empty());
            prop_assert!(!signed(value).is_empty());
            prop_assert!(!duration(value).is_empty());
        }
    }
}
