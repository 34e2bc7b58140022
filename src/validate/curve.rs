//! The curve of a benchmark: bus bandwidth by message size, one row at a time.
//!
//! A check prints a row as soon as it knows it, as `measured: 1024 bytes: 0.05 GB/s`; who follows its output reads it back.

use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// One size that was measured.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Measured {
    /// Of one message.
    pub bytes: u64,
    /// Bus bandwidth in GB/s.
    pub gb_per_s: f64,
}

impl fmt::Display for Measured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes: {:.2} GB/s", self.bytes, self.gb_per_s)
    }
}

const MARK: &str = "measured: ";

impl Measured {
    /// The line of output that tells it.
    pub fn line(&self) -> String {
        format!("{MARK}{self}")
    }

    /// A row in a line of output; `None` for any other line.
    pub fn of_line(line: &str) -> Option<Measured> {
        line.strip_prefix(MARK)?.parse().ok()
    }
}

impl FromStr for Measured {
    type Err = String;

    fn from_str(text: &str) -> Result<Measured, String> {
        let parsed = || {
            let (bytes, rest) = text.split_once(" bytes: ")?;
            let gb_per_s: f64 = rest.strip_suffix(" GB/s")?.parse().ok()?;
            let is_sound = gb_per_s.is_finite() && gb_per_s >= 0.0;
            is_sound.then_some(Measured { bytes: bytes.parse().ok()?, gb_per_s })
        };
        parsed().ok_or_else(|| format!("`{text}` is not a row of a curve; write for example `1024 bytes: 0.05 GB/s`"))
    }
}

/// The rows of a run of nccl-tests, out of place, in the order of its output.
pub fn of_nccl(output: &str) -> Vec<Measured> {
    let row = |line: &str| {
        let columns: Vec<&str> = line.split_whitespace().collect();
        // size count type redop root, then time, algbw, busbw and errors, twice.
        if columns.len() < 12 || columns[2].parse::<f64>().is_ok() {
            return None;
        }
        Some(Measured { bytes: columns[0].parse().ok()?, gb_per_s: columns[7].parse().ok()? })
    };
    output.lines().filter_map(row).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_read_from_nccl_tests_and_from_lines_of_output() {
        let output = "# nThread 1\n#       size   count\n        1024   256   float   sum   -1   39.9   0.03   0.05   0   38.1   0.03   0.05   0\n\
                      worker-0:23:45 [0] NCCL INFO Using network Libfabric\n\
                      17179869184  4294967296  float  sum  -1  88000  195.2  366.0  0  88000  195.2  366.0  N/A\n\
                      # Avg bus bandwidth    : 101.5\n";
        let rows = of_nccl(output);
        assert_eq!(
            rows.iter().map(ToString::to_string).collect::<Vec<_>>(),
            ["1024 bytes: 0.05 GB/s", "17179869184 bytes: 366.00 GB/s"]
        );
        assert_eq!(of_nccl("1024 256 float sum"), []);
        assert_eq!(Measured::of_line(&rows[1].line()), Some(rows[1]));
        for other in ["measured: x bytes: 1.0 GB/s", "1024 bytes: 0.05 GB/s", "measured: 1024 bytes: NaN GB/s"] {
            assert_eq!(Measured::of_line(other), None, "{other}");
        }
    }
}
