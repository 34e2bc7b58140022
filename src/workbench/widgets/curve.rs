//! A curve of bus bandwidth by message size, as bars: one line for each size, the longest bar for the fastest.

use crate::validate::curve::Measured;

/// Of every line: the size, the bandwidth and the bar, in at most `columns`.
pub fn lines(rows: &[Measured], columns: usize) -> Vec<(String, String)> {
    let fastest = rows.iter().map(|row| row.gb_per_s).fold(0.0, f64::max);
    let labels: Vec<(String, String)> =
        rows.iter().map(|row| (size(row.bytes), format!("{:.2} GB/s", row.gb_per_s))).collect();
    let widest =
        |part: fn(&(String, String)) -> &String| labels.iter().map(|label| part(label).len()).max().unwrap_or(0);
    let (sizes, speeds) = (widest(|label| &label.0), widest(|label| &label.1));
    let room = columns.saturating_sub(sizes + speeds + 4);
    let bar = |row: &Measured| {
        let share = if fastest > 0.0 { row.gb_per_s / fastest } else { 0.0 };
        // At least something for what is not nothing.
        let cells = ((share * room as f64).round() as usize).max(usize::from(row.gb_per_s > 0.0 && room > 0));
        "█".repeat(cells.min(room))
    };
    rows.iter()
        .zip(&labels)
        .map(|(row, (size, speed))| (format!("{size:>sizes$}  {speed:>speeds$}  "), bar(row)))
        .collect()
}

/// `fastest: 366.00 GB/s at 16 GiB, of 25 sizes`; `None` where nothing was measured.
pub fn fastest(rows: &[Measured]) -> Option<String> {
    let fastest = rows.iter().max_by(|one, other| one.gb_per_s.total_cmp(&other.gb_per_s))?;
    let of = if rows.len() > 1 { format!(", of {} sizes", rows.len()) } else { String::new() };
    Some(format!("fastest: {:.2} GB/s at {}{of}", fastest.gb_per_s, size(fastest.bytes)))
}

/// `16 GiB`: sizes of messages are powers of two.
fn size(bytes: u64) -> String {
    const UNITS: [&str; 4] = ["B", "KiB", "MiB", "GiB"];
    let mut unit = 0;
    let mut rest = bytes;
    while rest >= 1024 && rest.is_multiple_of(1024) && unit + 1 < UNITS.len() {
        rest /= 1024;
        unit += 1;
    }
    format!("{rest} {}", UNITS[unit])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_are_as_long_as_sizes_are_fast() {
        let row = |bytes, gb_per_s| Measured { bytes, gb_per_s };
        let rows = [row(1024, 0.05), row(1_048_576, 40.0), row(17_179_869_184, 160.0), row(1000, 0.0)];
        let shown: Vec<String> =
            lines(&rows, 40).into_iter().map(|(label, bar)| format!("{label}{bar}").trim_end().to_owned()).collect();
        assert_eq!(
            shown,
            [
                " 1 KiB    0.05 GB/s  █",
                " 1 MiB   40.00 GB/s  █████",
                "16 GiB  160.00 GB/s  ███████████████████",
                "1000 B    0.00 GB/s",
            ]
        );
        assert_eq!(fastest(&rows).as_deref(), Some("fastest: 160.00 GB/s at 16 GiB, of 4 sizes"));
        assert_eq!(fastest(&[]), None);
        // Where there is no room for bars, the figures stay.
        assert!(lines(&rows, 10).iter().all(|(label, bar)| label.contains("GB/s") && bar.is_empty()));
    }
}
