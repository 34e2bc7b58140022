//! How far something is whose end is known: a bar, the numbers, and how fast it goes.

/// Before so much of it is done, or so long has passed, nothing is said of the rest.
const PART: usize = 10;
const LONG_MS: u64 = 5_000;

/// Filled and empty cells.
pub fn cells((done, total): (usize, usize), cells: usize) -> String {
    let filled = (done.min(total) * cells).checked_div(total).unwrap_or(0);
    format!("{}{}", "█".repeat(filled), "░".repeat(cells - filled))
}

/// `4/9 kinds ████░░░░ about 2 s left`; nothing of what is left where that would be a guess.
pub fn words((done, total): (usize, usize), columns: usize, took_ms: u64, unit: &str) -> String {
    if total == 0 {
        return String::new();
    }
    let is_known = done > 0 && done < total && (took_ms >= LONG_MS || done * PART >= total) && took_ms > 0;
    let left = is_known.then(|| took_ms * (total - done) as u64 / done as u64);
    let left = left.map_or_else(String::new, |ms| format!(" about {} left", crate::text::seconds(ms.div_ceil(1000))));
    // A bar that is cut would be another one.
    format!("{done}/{total} {unit} {}{left}", cells((done, total), columns))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_is_as_full_as_the_numbers_say_and_an_estimate_is_no_guess() {
        assert_eq!(cells((0, 9), 6), "░░░░░░");
        assert_eq!(cells((9, 9), 6), "██████");
        assert_eq!(cells((3, 0), 2), "░░");
        assert_eq!(words((3, 9), 3, 4_000, "kinds"), "3/9 kinds █░░ about 8 s left");
        assert_eq!(words((1, 50), 2, 1_000, "nodes"), "1/50 nodes ░░", "too early");
        assert_eq!(words((1, 50), 2, 6_000, "nodes"), "1/50 nodes ░░ about 4 min 54 s left");
        assert_eq!(words((9, 9), 1, 9_000, "kinds"), "9/9 kinds █");
        assert_eq!(words((0, 0), 1, 0, "kinds"), "");
    }
}
