//! How far something is whose end is known: a bar, the numbers, and how fast it goes.

/// Before so much of it is done, or so long has passed, nothing is said of the rest.
const PART: usize = 10;
const LONG_MS: u64 = 5_000;

/// Filled and empty cells.
pub fn cells((done, total): (usize, usize), cells: usize) -> String {
    let filled = (done.min(total) * cells).checked_div(total).unwrap_or(0);
    format!("{}{}", "█".repeat(filled), "░".repeat(cells - filled))
}

/// `4/9 kinds ████░░░░ 2.1/s, about 3 s left`; nothing of how fast and how long where that would be a guess. Without cells there is
/// no bar.
pub fn words((done, total): (usize, usize), columns: usize, took_ms: u64, unit: &str) -> String {
    if total == 0 {
        return String::new();
    }
    let is_known = done > 0 && done < total && (took_ms >= LONG_MS || done * PART >= total) && took_ms > 0;
    let left = is_known.then(|| took_ms * (total - done) as u64 / done as u64);
    let left = left.map_or_else(String::new, |ms| {
        format!(" {}, about {} left", rate(done, took_ms), crate::text::seconds(ms.div_ceil(1000)))
    });
    // A bar that is cut would be another one.
    let bar = if columns == 0 { String::new() } else { format!(" {}", cells((done, total), columns)) };
    format!("{done}/{total} {unit}{bar}{left}")
}

/// How fast it goes, in the unit of time in which that is a number to read: `2.1/s`, `45/min`, `12/h`.
fn rate(done: usize, took_ms: u64) -> String {
    let in_ms = |ms: u64| done as u64 * ms / took_ms.max(1);
    match (in_ms(1_000), in_ms(60_000), in_ms(3_600_000)) {
        (0, 0, per_hour) => format!("{per_hour}/h"),
        (0, per_minute, _) => format!("{per_minute}/min"),
        (1..10, ..) => format!("{}.{}/s", in_ms(1_000), in_ms(10_000) % 10),
        (per_second, ..) => format!("{}/s", crate::text::thousands(per_second as usize)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_is_as_full_as_the_numbers_say_and_an_estimate_is_no_guess() {
        assert_eq!(cells((0, 9), 6), "░░░░░░");
        assert_eq!(cells((9, 9), 6), "██████");
        assert_eq!(cells((3, 0), 2), "░░");
        assert_eq!(words((3, 9), 3, 4_000, "kinds"), "3/9 kinds █░░ 45/min, about 8 s left");
        assert_eq!(words((1, 50), 2, 1_000, "nodes"), "1/50 nodes ░░", "too early");
        assert_eq!(words((1, 50), 2, 6_000, "nodes"), "1/50 nodes ░░ 10/min, about 4 min 54 s left");
        assert_eq!(words((9, 9), 1, 9_000, "kinds"), "9/9 kinds █");
        assert_eq!(words((0, 0), 1, 0, "kinds"), "");
        assert_eq!(words((2, 9), 0, 0, "checks"), "2/9 checks", "no room for a bar, and no time to measure");
        let fast = |done, took_ms| rate(done, took_ms);
        assert_eq!([fast(21, 10_000), fast(12_000, 4_000), fast(1, 300_000)], ["2.1/s", "3,000/s", "12/h"]);
    }
}
