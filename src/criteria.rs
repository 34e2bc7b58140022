//! What a person asks for: service, accelerator, OS, intent, platform, nodes; `any` where they did not say.

use std::fmt;

/// The dimensions of a query, in the order in which they are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Dimension {
    Service,
    Accelerator,
    Os,
    Intent,
    Platform,
    Nodes,
}

impl Dimension {
    pub const ALL: [Dimension; 6] = [
        Dimension::Service,
        Dimension::Accelerator,
        Dimension::Os,
        Dimension::Intent,
        Dimension::Platform,
        Dimension::Nodes,
    ];

    /// The name in files and flags.
    pub fn name(self) -> &'static str {
        match self {
            Dimension::Service => "service",
            Dimension::Accelerator => "accelerator",
            Dimension::Os => "os",
            Dimension::Intent => "intent",
            Dimension::Platform => "platform",
            Dimension::Nodes => "nodes",
        }
    }
}

/// A query, or what an overlay applies to. `None` (and nodes 0) is `any`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Criteria {
    pub service: Option<String>,
    pub accelerator: Option<String>,
    pub os: Option<String>,
    pub intent: Option<String>,
    pub platform: Option<String>,
    pub nodes: u32,
}

impl Criteria {
    /// The stated value of a dimension as text; `None` when it is open.
    pub fn get(&self, dimension: Dimension) -> Option<String> {
        match dimension {
            Dimension::Service => self.service.clone(),
            Dimension::Accelerator => self.accelerator.clone(),
            Dimension::Os => self.os.clone(),
            Dimension::Intent => self.intent.clone(),
            Dimension::Platform => self.platform.clone(),
            Dimension::Nodes => (self.nodes > 0).then(|| self.nodes.to_string()),
        }
    }

    /// States a dimension as given (already normalised), or opens it with `None`. Nodes that are no number open it.
    pub fn set(&mut self, dimension: Dimension, value: Option<String>) {
        match dimension {
            Dimension::Service => self.service = value,
            Dimension::Accelerator => self.accelerator = value,
            Dimension::Os => self.os = value,
            Dimension::Intent => self.intent = value,
            Dimension::Platform => self.platform = value,
            Dimension::Nodes => self.nodes = value.and_then(|text| text.parse().ok()).unwrap_or(0),
        }
    }

    /// Number of stated dimensions, 0 to 6.
    pub fn specificity(&self) -> usize {
        Dimension::ALL.into_iter().filter(|dimension| self.get(*dimension).is_some()).count()
    }
}

impl fmt::Display for Criteria {
    /// `service=eks accelerator=h100`, or `any`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut first = true;
        for dimension in Dimension::ALL {
            if let Some(value) = self.get(dimension) {
                write!(f, "{}{}={value}", if first { "" } else { " " }, dimension.name())?;
                first = false;
            }
        }
        if first { f.write_str("any") } else { Ok(()) }
    }
}
