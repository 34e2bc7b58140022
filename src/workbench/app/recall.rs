//! Old filters and commands, found again from the field that they are typed into.

use super::State;
use crate::workbench::{
    keymap::Action,
    model::Severity,
    overlay::{Field, Kind, Overlay},
    recall::{self, Source},
};

impl State {
    /// Opens the list of what was typed into the field before; the field of the filter stays below it.
    pub(super) fn recall_filter(&mut self) {
        let typed = self.desk.filter.as_ref().map(|field| field.text.clone()).unwrap_or_default();
        if recall::is_empty(&Source::Filter, &self.reads()) {
            let key = self.desk.keys.key(Action::Enter);
            let line = self.desk.keys.command("save-filter NAME");
            self.say(Severity::Info, format!("no filter to find yet: {key} keeps one, {line} saves one"));
            return;
        }
        self.desk.overlay = Some(self.recall_overlay(Source::Filter, &typed));
    }

    /// Whether the field of a filter has anything to find.
    pub(in crate::workbench) fn has_old_filters(&self) -> bool {
        !recall::is_empty(&Source::Filter, &self.reads())
    }

    /// The same of commands, from the palette.
    pub(super) fn recall_command(&mut self, palette: Overlay) {
        let field = palette.field.clone().unwrap_or_default();
        let typed = field.text.clone();
        let source = Source::Palette(field);
        if recall::is_empty(&source, &self.reads()) {
            self.say(Severity::Info, "no command to find yet");
            self.desk.overlay = Some(palette);
            return;
        }
        self.desk.overlay = Some(self.recall_overlay(source, &typed));
    }

    /// Begins with what is typed, where that finds something.
    fn recall_overlay(&self, source: Source, typed: &str) -> Overlay {
        let reads = self.reads();
        let start = if recall::finds(&source, &reads, typed) { typed } else { "" };
        Overlay::recall(&reads, source, start)
    }

    /// Takes the selected line into its field.
    pub(super) fn recalled(&mut self, source: Source, line: &str) {
        match source {
            Source::Filter => {
                self.desk.recalled_filter = None;
                self.edit(|field| *field = Field::with(line));
            }
            Source::Palette(_) => self.desk.overlay = Some(self.palette(line)),
        }
    }

    /// Back to the field as it was.
    pub(super) fn end_recall(&mut self, overlay: Overlay) {
        if let Kind::Recall(Source::Palette(field)) = overlay.kind {
            let mut palette = self.palette(&field.text);
            palette.field = Some(field);
            self.desk.overlay = Some(palette);
        }
    }
}
