//! How much of a cluster a check looked at, in lines of its output that reports read back: how many nodes, and why none.
//!
//! Words and limits are those of the reference's report.

use std::fmt;

/// How many of the GPU nodes were judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Nodes {
    pub validated: usize,
    pub total: usize,
}

impl fmt::Display for Nodes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "validated {} of {} GPU nodes", self.validated, self.total)
    }
}

impl Nodes {
    /// The count in a line of output; `None` for any other line.
    pub fn of_line(line: &str) -> Option<Nodes> {
        let (validated, rest) = line.strip_prefix("validated ")?.split_once(" of ")?;
        let nodes = Nodes { validated: validated.parse().ok()?, total: rest.strip_suffix(" GPU nodes")?.parse().ok()? };
        (nodes.validated <= nodes.total && nodes.total <= 99_999).then_some(nodes)
    }
}

/// Why a check of GPU nodes looked at none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SkipReason {
    /// No node offers a GPU as `nvidia.com/gpu`.
    NoGpuNodes,
    /// Those that do are cordoned.
    NoSchedulableGpuNodes,
    /// All of their GPUs are in use.
    NodesBusy,
}

impl SkipReason {
    pub const ALL: [SkipReason; 3] = [SkipReason::NoGpuNodes, SkipReason::NoSchedulableGpuNodes, SkipReason::NodesBusy];

    pub fn name(self) -> &'static str {
        match self {
            SkipReason::NoGpuNodes => "no-gpu-nodes",
            SkipReason::NoSchedulableGpuNodes => "no-schedulable-gpu-nodes",
            SkipReason::NodesBusy => "nodes-busy",
        }
    }

    /// The line of output that tells it.
    pub fn line(self) -> String {
        format!("{MARK}{}", self.name())
    }

    /// The reason in a line of output; `None` for any other line.
    pub fn of_line(line: &str) -> Option<SkipReason> {
        let name = line.strip_prefix(MARK)?;
        SkipReason::ALL.into_iter().find(|reason| reason.name() == name)
    }
}

const MARK: &str = "skip reason: ";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_read_back_and_others_say_nothing() {
        let nodes = Nodes { validated: 3, total: 5 };
        assert_eq!(Nodes::of_line(&nodes.to_string()), Some(nodes));
        for line in
            ["validated 5 of 3 GPU nodes", "validated 1 of 100000 GPU nodes", "validated many of 5 GPU nodes", ""]
        {
            assert_eq!(Nodes::of_line(line), None, "{line}");
        }
        for reason in SkipReason::ALL {
            assert_eq!(SkipReason::of_line(&reason.line()), Some(reason));
        }
        assert_eq!(SkipReason::of_line("skip reason: weather"), None);
    }
}
