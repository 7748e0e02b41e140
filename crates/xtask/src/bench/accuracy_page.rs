//! The page `docs/accuracy.md`.

use std::fmt::Write as _;

use super::accuracy::Row;

/// The rows as tables, one a peer.
pub(crate) fn page(rows: &[Row], versions: &[String]) -> String {
    let beyond = rows.iter().filter(|row| !row.holds()).count();
    let mut page = format!(
        "# Accuracy\n\nWritten by `cargo xtask bench --accuracy`; do not edit. The analyzer's figures beside those of other people's programs \
         over the same sounds; these programs are oracles of this comparison and part of nothing else. The sounds are made from the fixtures and \
         from seeded noise by `crates/xtask/src/bench/oracle.py`. A bound is half of the last digit that the other program prints, or \
         what the two methods may differ by.\n\n- Compared with: {}\n- {} figures, **{}** within their bounds\n",
        versions.join(", "),
        rows.len(),
        rows.len() - beyond
    );
    let mut peers: Vec<&str> = Vec::new();
    for row in rows {
        if !peers.contains(&row.peer) {
            peers.push(row.peer);
        }
    }
    for peer in peers {
        let _ = write!(
            page,
            "\n## Against {peer}\n\n| quantity | sound | ours | theirs | difference | bound | |\n|---|---|---|---|---|---|---|\n"
        );
        for row in rows.iter().filter(|row| row.peer == peer) {
            let (ours, theirs) = row
                .figures
                .map_or_else(Default::default, |(ours, theirs)| (number(ours), number(theirs)));
            let _ = writeln!(
                page,
                "| {}{} | {} | {ours} | {theirs} | {} | {} | {} |",
                row.quantity.replace('_', " "),
                if row.unit.is_empty() {
                    String::new()
                } else {
                    format!(", {}", row.unit)
                },
                row.sound,
                number(row.difference),
                number(row.bound),
                if row.holds() { "within" } else { "**beyond**" },
            );
        }
    }
    page
}

/// With as many decimals as a figure of its size needs.
fn number(value: f64) -> String {
    let size = value.abs();
    if size == 0.0 {
        "0".to_owned()
    } else if size < 1e-3 {
        format!("{value:.1e}")
    } else if size < 10.0 {
        format!("{value:.5}")
    } else {
        format!("{value:.4}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_beyond_its_bound_is_seen() {
        let row = |difference| Row {
            quantity: "rms_level".to_owned(),
            sound: "a tone".to_owned(),
            peer: "sox stats",
            unit: "dB",
            figures: Some((-23.0 + difference, -23.0)),
            difference,
            bound: 0.01,
        };
        let page = page(&[row(0.001), row(0.5)], &["sox 14".to_owned()]);
        assert!(page.contains("2 figures, **1** within"), "{page}");
        assert!(
            page.contains("| rms level, dB | a tone | -22.9990 | -23.0000 | 0.00100 | 0.01000 | within |"),
            "{page}"
        );
        assert!(page.contains("| **beyond** |"), "{page}");
    }
}
