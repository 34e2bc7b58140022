//! How the Diff screen shows what differs: as a list, by cause or by component, or as texts.

/// How the Diff screen shows its changes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DiffView {
    #[default]
    Changes,
    SideBySide,
    Unified,
    /// As changes, by component.
    Components,
}

impl DiffView {
    pub fn next(self) -> DiffView {
        match self {
            DiffView::Changes => DiffView::SideBySide,
            DiffView::SideBySide => DiffView::Unified,
            DiffView::Unified => DiffView::Components,
            DiffView::Components => DiffView::Changes,
        }
    }

    /// Whether it lists changes, and not texts.
    pub fn is_list(self) -> bool {
        matches!(self, DiffView::Changes | DiffView::Components)
    }

    pub fn word(self) -> &'static str {
        match self {
            DiffView::Changes => "changes",
            DiffView::Components => "changes by component",
            DiffView::SideBySide => "side by side",
            DiffView::Unified => "unified",
        }
    }
}
