//! Figures out of what `sox` and `ffmpeg` print for people.

use std::collections::BTreeMap;

/// Figures by the name that the tool prints.
pub(crate) type Figures = BTreeMap<String, f64>;

/// `sox FILE -n stats`: the name, two or more spaces, the figure. Of `12/16` the last is taken, the word length.
pub(crate) fn sox_stats(text: &str) -> Figures {
    let figures = text.lines().filter_map(|line| {
        let (name, figure) = line.trim_end().rsplit_once(' ')?;
        let figure = figure.rsplit_once('/').map_or(figure, |(_, last)| last);
        Some((name.trim().to_owned(), with_thousands(figure)?))
    });
    figures.collect()
}

/// ffmpeg's `astats`: `[Parsed_astats_0 @ ...] Name: figure`, of the first channel.
pub(crate) fn astats(text: &str) -> Figures {
    let lines = text.lines().filter_map(|line| line.split_once("] "));
    let mut figures = Figures::new();
    for (name, figure) in lines.filter_map(|(_, line)| line.split_once(": ")) {
        if let Ok(figure) = figure.trim().parse() {
            // those of the whole come after those of the channels
            figures.entry(name.trim().to_owned()).or_insert(figure);
        }
    }
    figures
}

/// The summary of ffmpeg's `ebur128`.
pub(crate) fn ebur128(text: &str) -> Figures {
    let summary = text.rsplit_once("Summary:").map_or("", |(_, summary)| summary);
    let mut figures = Figures::new();
    for (name, figure) in summary.lines().filter_map(|line| line.split_once(':')) {
        let name = match name.trim() {
            "Peak" => "true peak",
            name => name,
        };
        let number = figure
            .split_whitespace()
            .next()
            .and_then(|figure| figure.parse().ok());
        if let Some(number) = number {
            figures.entry(name.to_owned()).or_insert(number);
        }
    }
    figures
}

/// sox shortens large numbers: 96.0k.
fn with_thousands(figure: &str) -> Option<f64> {
    if let Some(thousands) = figure.strip_suffix('k') {
        return Some(thousands.parse::<f64>().ok()? * 1e3);
    }
    if let Some(millions) = figure.strip_suffix('M') {
        return Some(millions.parse::<f64>().ok()? * 1e6);
    }
    figure.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sox_prints_in_columns() {
        let figures = sox_stats(
            "DC offset  -0.000012\nPk lev dB      -7.86\nBit-depth      14/16\nNum samples     480k\n",
        );
        assert_eq!(figures["DC offset"], -0.000_012);
        assert_eq!((figures["Pk lev dB"], figures["Bit-depth"]), (-7.86, 16.0));
        assert_eq!(figures["Num samples"], 480_000.0);
    }

    #[test]
    fn ffmpeg_prints_channels_before_the_whole() {
        let text = "[Parsed_astats_0 @ 0x55] Channel: 1\n[Parsed_astats_0 @ 0x55] Peak level dB: -7.5\n\
                    [Parsed_astats_0 @ 0x55] Overall\n[Parsed_astats_0 @ 0x55] Peak level dB: -1.0\n";
        assert_eq!(astats(text)["Peak level dB"], -7.5);
    }

    #[test]
    fn loudness_comes_from_the_summary() {
        let text = "[Parsed_ebur128_0 @ 0x1] t: 1 I: -70.0 LUFS\n[Parsed_ebur128_0 @ 0x1] Summary:\n\n  Integrated loudness:\n    \
                    I:         -27.8 LUFS\n    Threshold: -38.0 LUFS\n\n  Loudness range:\n    LRA:         2.8 LU\n    Threshold: -48.0 LUFS\n\
                    \n  True peak:\n    Peak:       -6.7 dBFS\n";
        let figures = ebur128(text);
        assert_eq!(
            (figures["I"], figures["LRA"], figures["true peak"]),
            (-27.8, 2.8, -6.7)
        );
    }
}
