//! The audio part of `docs/benchmarks.md`.

use std::fmt::Write as _;

use super::audio::{AudioMeasured, Goal};
use super::page::{first_line, load_average, machine, text, verdict};

/// Most that the peak memory of `analyze` may be, in sizes of the decoded pair.
const MEMORY_GOAL: f64 = 10.0;
/// Least that two jobs must be faster than one.
const JOBS_GOAL: f64 = 1.8;
/// Most that an hour may need more than a minute, octets.
const GROWTH_GOAL: f64 = 4.0 * 1024.0 * 1024.0;

/// Writes the rows as a table with the ratio to the peer of the same run.
pub(crate) fn page(measured: &AudioMeasured, rounds: usize) -> String {
    let mut page = format!(
        "# Audio\n\nWritten by `cargo xtask bench --only audio`; do not edit. Every row is measured in one run, our program and its peer in turns; \
         the least of {rounds} rounds counts. Times are user and system time of one thread; ours and those of sox and ffmpeg contain the \
         start of the program and the reading of the file, those of Python's packages neither.\n\n\
         - Date: {}\n- Machine: {}, load average at the end {}\n- {}, {}\n\n\
         Speed is seconds of sound a processor second; on a machine shared with other work the ratio is what counts.\n\n\
         | what | speed | peer | its speed | ratio | goal | |\n|---|---|---|---|---|---|---|\n",
        first_line("date", &["-u", "+%Y-%m-%d %H:%M UTC"]),
        machine(),
        load_average(),
        first_line("ffmpeg", &["-version"]),
        first_line("sox", &["--version"]),
    );
    for row in &measured.rows {
        let (peer, theirs) = row.peer.as_ref().map_or(("", None), |(peer, series)| {
            (*peer, series.min().map(|least| row.sound_s / least))
        });
        let goal = match row.goal {
            Goal::OfPeer(times) => format!("ratio {times}"),
            Goal::Speed(speed) => format!("speed {speed:.0}"),
        };
        let met = row.met().map_or("not measured", verdict);
        let or_nothing = |figure: String| if row.peer.is_some() { figure } else { String::new() };
        let _ = writeln!(
            page,
            "| {} | {} | {peer} | {} | {} | {goal} | {met} |",
            row.what,
            text(row.speed(), 0),
            or_nothing(text(theirs, 0)),
            or_nothing(text(row.ratio(), 2)),
        );
    }
    let megabytes = |octets: f64| octets / 1024.0 / 1024.0;
    let growth = measured.hour_octets - measured.minute_octets;
    let jobs = measured.two_jobs.max();
    let _ = write!(
        page,
        "\n| what | measured | goal | |\n|---|---|---|---|\n\
         | `measure --jobs 2` against `--jobs 1`, eight files, by the clock, the best round | {} | {JOBS_GOAL} on two idle processors | {} |\n\
         | peak memory of `analyze` without quality models, two recordings of 10 minutes, in sizes of the decoded pair | {:.1} | {MEMORY_GOAL:.0} | {} |\n\
         | peak memory of `measure`: an hour at 48 kHz less a minute | {:.1} MiB of {:.1} MiB | {:.0} MiB | {} |\n",
        text(jobs, 2),
        jobs.map_or("not measured", |jobs| verdict(jobs >= JOBS_GOAL)),
        measured.analyze_memory,
        verdict(measured.analyze_memory < MEMORY_GOAL),
        megabytes(growth),
        megabytes(measured.hour_octets),
        megabytes(GROWTH_GOAL),
        verdict(growth <= GROWTH_GOAL),
    );
    page
}

#[cfg(test)]
mod tests {
    use super::super::Series;
    use super::super::audio::AudioRow;
    use super::*;

    #[test]
    fn speeds_ratios_and_goals_are_told() {
        let series = |value| {
            let mut series = Series::default();
            series.add(Some(value));
            series
        };
        let measured = AudioMeasured {
            rows: vec![AudioRow {
                what: "x",
                sound_s: 1000.0,
                ours: series(0.5),
                peer: Some(("y", series(1.0))),
                goal: Goal::OfPeer(2.0),
            }],
            two_jobs: series(1.7),
            analyze_memory: 5.0,
            hour_octets: 3e7,
            minute_octets: 2e7,
        };
        let page = page(&measured, 1);
        assert!(
            page.contains("| x | 2000 | y | 1000 | 2.00 | ratio 2 | met |"),
            "{page}"
        );
        assert!(
            page.contains("| 1.70 | 1.8 on two idle processors | not met |"),
            "{page}"
        );
        assert!(
            page.contains("| 5.0 | 10 | met |") && page.contains("| 9.5 MiB of 28.6 MiB | 4 MiB | not met |"),
            "{page}"
        );
    }
}
