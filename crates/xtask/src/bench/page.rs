//! The page `docs/benchmarks.md`.

use std::fmt::Write as _;
use std::fs;
use std::process::Command;

use super::{Extent, Measured, Series};

/// Writes everything as a page, with the ratio wherever two things were measured in the same run.
pub(crate) fn page(measured: &Measured, extent: Extent) -> String {
    let mut page = String::new();
    let Extent {
        rounds,
        calls,
        rate,
        streams,
        stream_seconds,
    } = extent;
    let _ = write!(
        page,
        "# Benchmarks\n\nWritten by `cargo xtask bench`; do not edit. Everything is measured in one run, our program and SIPp in turns.\n\n\
         - Date: {}\n- Machine: {}, load average at the end {}\n- {}\n- SIPp: {}\n- Rounds: {rounds}; the least and the median are given. Times are user and system time of the measured process alone.\n\n\
         The machine is shared with other work, so absolute figures are high and vary; the ratios are what counts.\n\n",
        first_line("date", &["-u", "+%Y-%m-%d %H:%M UTC"]),
        machine(),
        load_average(),
        first_line("rustc", &["--version"]),
        sipp_version(),
    );
    let _ = write!(
        page,
        "## Processor time of a call, in microseconds\n\nINVITE, 180, 200, ACK, BYE, 200 over UDP loopback as caller, {calls} calls at {rate} a second. The callee is SIPp's `uas` unless said otherwise. From 1,000 events a second on our loop looks at SIP every 2 ms, which saves wake-ups and delays our own answers by up to as much; receptions are timed by the kernel.\n\n\
         | caller | least | median | least, to SIPp's | rounds with failed calls |\n|---|---|---|---|---|\n"
    );
    for (name, series) in [
        ("voxproof", &measured.call_ours),
        ("SIPp `-sn uac`", &measured.call_sipp),
        ("voxproof, callee voxproof", &measured.call_ours_ours),
        ("voxproof with rule engine and capture", &measured.call_inspected),
    ] {
        row(&mut page, name, series, &measured.call_sipp);
    }
    let _ = write!(
        page,
        "\nTarget: at most 60, and at most 0.9 of SIPp's: **{}**; with every message held against the rules and captured in memory as pcapng at most 150: **{}**.\n\n",
        verdict(
            measured.call_ours.min().is_some_and(|ours| ours <= 60.0)
                && ratio(&measured.call_ours, &measured.call_sipp).is_some_and(|ratio| ratio <= 0.9)
        ),
        verdict(measured.call_inspected.min().is_some_and(|ours| ours <= 150.0))
    );
    let _ = write!(
        page,
        "## Processor time of a stream for a second, in microseconds\n\nG.711, 20 ms. Ours: {streams} streams both ways for {stream_seconds} s with receive statistics, callee voxproof. SIPp: `rtp_stream`, {} streams, one way, nothing received.\n\n\
         | caller | least | median | least, to SIPp's | spoilt rounds |\n|---|---|---|---|---|\n",
        streams.min(200)
    );
    for (name, series) in [
        ("voxproof both ways, a port pair a call", &measured.stream_pairs),
        ("voxproof both ways, one shared port", &measured.stream_shared),
        ("SIPp one way", &measured.stream_sipp),
    ] {
        row(&mut page, name, series, &measured.stream_sipp);
    }
    let per_core = |series: &Series| series.min().map(|micros| 1e6 / micros);
    let _ = write!(
        page,
        "\nStreams a core by processor time: {} with a port pair a call, {} with a shared port, SIPp {} one way. Target: at least 3,000 and more than SIPp's: **{}** (pairs), **{}** (shared).\n\n",
        text(per_core(&measured.stream_pairs), 0),
        text(per_core(&measured.stream_shared), 0),
        text(per_core(&measured.stream_sipp), 0),
        verdict(enough(
            per_core(&measured.stream_pairs),
            per_core(&measured.stream_sipp)
        )),
        verdict(enough(
            per_core(&measured.stream_shared),
            per_core(&measured.stream_sipp)
        )),
    );
    let _ = write!(
        page,
        "## Lateness of RTP, in milliseconds\n\nFrom the due time of a packet to its sending.\n\n\
         | path | p99 least | p99 median | sd least | sd median |\n|---|---|---|---|---|\n"
    );
    for (name, p99, deviation) in [
        (
            "single call (`net`), one stream of 10 s",
            &measured.pacing_p99,
            &measured.pacing_deviation,
        ),
        (
            "load mode, all streams of above",
            &measured.load_p99,
            &measured.load_deviation,
        ),
    ] {
        let _ = writeln!(
            page,
            "| {name} | {} | {} | {} | {} |",
            text(p99.min(), 3),
            text(p99.median(), 3),
            text(deviation.min(), 3),
            text(deviation.median(), 3)
        );
    }
    let quiet = measured.pacing_p99.min().is_some_and(|p99| p99 < 0.3)
        && measured
            .pacing_deviation
            .min()
            .is_some_and(|deviation| deviation < 0.2);
    let _ = write!(
        page,
        "\nTarget on a quiet core: p99 < 0.3, sd < 0.2: **{}** (single call).\n\n",
        verdict(quiet)
    );
    let kib = |octets: f64| octets / 1024.0;
    let _ = write!(
        page,
        "## Memory and parsing\n\n| what | measured | target | |\n|---|---|---|---|\n\
         | growth of the caller by an idle dialog (5,000) | {:.2} KiB | 8 KiB | {} |\n\
         | growth of the caller by a stream with its call (1,000) | {:.2} KiB | 32 KiB | {} |\n\
         | an INVITE of 420 octets to an indexed message | {} ns | 1,000 ns | {} |\n\
         | a message held against all rules (a call of six messages) | {} ns | 15,000 ns | {} |\n",
        kib(measured.octets_a_dialog),
        verdict(kib(measured.octets_a_dialog) < 8.0),
        kib(measured.octets_a_stream),
        verdict(kib(measured.octets_a_stream) < 32.0),
        text(measured.parse_ns.min(), 0),
        verdict(measured.parse_ns.min().is_some_and(|nanos| nanos < 1000.0)),
        text(measured.rules_ns.min(), 0),
        verdict(measured.rules_ns.min().is_some_and(|nanos| nanos < 15_000.0)),
    );
    if let Some(suite) = &measured.suite {
        let times = suite.wall_s / suite.waiting_s;
        let _ = write!(
            page,
            "\n## A whole suite\n\nThe IP-phone suite against the simulated phone in real time: {} cases passed in {:.1} s. The steps of its cases have to wait {:.1} s (spread over the phones that are\n\
             tested at the same time, or the longest case alone); the run took {times:.2} times that. Target: at most 1.2: **{}**.\n",
            suite.passed,
            suite.wall_s,
            suite.waiting_s,
            verdict(times <= 1.2)
        );
    }
    page
}

fn row(page: &mut String, name: &str, series: &Series, reference: &Series) {
    let _ = writeln!(
        page,
        "| {name} | {} | {} | {} | {} |",
        text(series.min(), 1),
        text(series.median(), 1),
        text(ratio(series, reference), 2),
        series.spoilt
    );
}

fn ratio(series: &Series, reference: &Series) -> Option<f64> {
    Some(series.min()? / reference.min()?)
}

fn enough(ours: Option<f64>, theirs: Option<f64>) -> bool {
    ours.is_some_and(|ours| ours >= 3000.0 && theirs.is_some_and(|theirs| ours > theirs))
}

pub(crate) const fn verdict(met: bool) -> &'static str {
    if met { "met" } else { "not met" }
}

pub(crate) fn text(value: Option<f64>, decimals: usize) -> String {
    value.map_or_else(
        || "no clean round".to_owned(),
        |value| format!("{value:.decimals$}"),
    )
}

pub(crate) fn first_line(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output();
    output.map_or_else(
        |_| format!("{program} unknown"),
        |output| {
            String::from_utf8_lossy(&output.stdout)
                .lines()
                .find(|line| !line.trim().is_empty())
                .unwrap_or("unknown")
                .trim()
                .to_owned()
        },
    )
}

fn sipp_version() -> String {
    first_line("sipp", &["-v"]).trim_end_matches('.').to_owned()
}

pub(crate) fn machine() -> String {
    let information = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let models: Vec<&str> = information
        .lines()
        .filter_map(|line| line.strip_prefix("model name")?.split_once(':'))
        .map(|(_, model)| model.trim())
        .collect();
    let kernel = first_line("uname", &["-sr"]);
    format!(
        "{} x {}, {kernel}",
        models.len(),
        models.first().unwrap_or(&"unknown processor")
    )
}

pub(crate) fn load_average() -> String {
    let text = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split(' ').next().unwrap_or("unknown").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::SuiteRun;

    #[test]
    fn ratios_and_missing_figures_are_told_apart() {
        let extent = Extent {
            rounds: 1,
            calls: 1,
            rate: 1,
            streams: 1,
            stream_seconds: 1,
        };
        let mut measured = Measured::default();
        measured.call_ours.add(Some(40.0));
        measured.call_sipp.add(Some(50.0));
        measured.call_sipp.add(None);
        measured.suite = Some(SuiteRun {
            passed: 3,
            wall_s: 13.0,
            waiting_s: 10.0,
        });
        let page = page(&measured, extent);
        assert!(page.contains("| voxproof | 40.0 | 40.0 | 0.80 | 0 |"), "{page}");
        assert!(
            page.contains("| SIPp `-sn uac` | 50.0 | 50.0 | 1.00 | 1 |"),
            "{page}"
        );
        assert!(
            page.contains("0.9 of SIPp's: **met**") && page.contains("no clean round"),
            "{page}"
        );
        assert!(
            page.contains("1.30 times that. Target: at most 1.2: **not met**"),
            "{page}"
        );
    }
}
