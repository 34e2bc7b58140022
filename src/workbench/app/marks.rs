//! Marks of rows: what is done with all of them instead of with the row under the cursor.

use super::State;
use crate::workbench::{
    effect::Effect,
    keymap::Action,
    model::Severity,
    panes::{CHECKS, LOG, MOMENTS, Need, Pane, RUNS},
    widgets::{table::Identity, text},
};

impl State {
    /// What an action does with marks, or to them; `None` where it has nothing to do with marks.
    pub(super) fn act_on_marks(&mut self, pane: &'static Pane, action: Action) -> Option<Vec<Effect>> {
        match action {
            Action::MarkRow | Action::MarkRange | Action::MarkDown | Action::MarkUp => Some(self.mark(pane, action)),
            _ if self.desk.table(pane).marks.is_empty() => None,
            Action::Copy | Action::CopyRow => {
                let rows = self.desk.table(pane).marked_rows();
                let text = rows.map(|row| match row.id.name() {
                    name if action == Action::Copy && !name.is_empty() => name.to_owned(),
                    _ => row.plain().trim().to_owned(),
                });
                let lines: Vec<String> = text.collect();
                (!lines.is_empty()).then(|| vec![Effect::Copy(lines.join("\n"))])
            }
            Action::CompareWith if [&RUNS, &MOMENTS].contains(&pane) => Some(self.compare_marked(pane)),
            _ => None,
        }
    }

    /// The marks of a panel go; whether it had any.
    pub(super) fn unmark(&mut self, pane: &'static Pane) -> bool {
        let marks = &mut self.desk.table_mut(pane).marks;
        let had = !marks.is_empty();
        marks.clear();
        had
    }

    fn mark(&mut self, pane: &'static Pane, action: Action) -> Vec<Effect> {
        let table = self.desk.table(pane);
        let is_branch = table.row().is_some_and(|row| row.branch.is_some());
        let folds = || (pane.on)(&self.desk.view(&self.model, pane), Action::FoldToggle).is_some();
        if action == Action::MarkRow && (is_branch || folds()) {
            return self.act(Action::FoldToggle);
        }
        if pane == &LOG {
            // Its marks are of lines, which may not be rows now.
            return self.act(Action::Mark);
        }
        if self.says_unable(action) {
            return Vec::new();
        }
        let table = self.desk.table_mut(pane);
        match action {
            Action::MarkRange => table.mark_range(),
            Action::MarkDown | Action::MarkUp => {
                table.mark();
                table.move_by(if action == Action::MarkDown { 1 } else { -1 });
                table.mark();
            }
            _ => table.toggle_mark(),
        }
        let (count, is_open) = (table.marked_rows().count(), table.marks.from.is_some());
        let rows = text::count(count, "row");
        let [copy, merge, end, clear] =
            [Action::Copy, Action::Merge, Action::MarkRange, Action::Back].map(|action| self.desk.keys.key(action));
        let said = match (count, is_open) {
            (0, _) => "no row is marked".to_owned(),
            (_, true) => format!("a range begins here; {end} on another row marks all between them"),
            _ if pane == &CHECKS => {
                format!("{rows} marked; {merge} shows their logs as one, {clear} takes the marks away")
            }
            _ => format!("{rows} marked; {copy} copies all of them, {clear} takes the marks away"),
        };
        self.say(Severity::Info, said);
        self.desk.mark(Need::Cursor(pane));
        Vec::new()
    }

    /// Two or three marked runs or kept snapshots beside each other, the oldest first.
    fn compare_marked(&mut self, pane: &'static Pane) -> Vec<Effect> {
        let names = self.desk.table(pane).marked_rows().map(|row| row.id.name().to_owned());
        let mut names: Vec<String> = names.filter(|name| !name.is_empty()).collect();
        // They are listed with the newest first.
        names.reverse();
        let most = if pane == &RUNS { 2 } else { 3 };
        if !(2..=most).contains(&names.len()) {
            let wanted = if most == 2 { "two" } else { "two or three" };
            let said = format!("{} marked; {wanted} can be compared", text::count(names.len(), "row"));
            self.say(Severity::Info, said);
            return Vec::new();
        }
        if pane == &RUNS {
            return self.compare_command(&names.join(" "));
        }
        let name = |name: &String| match name.as_str() {
            "now" => "cluster".to_owned(),
            id => format!("@{id}"),
        };
        self.compare_command(&names.iter().map(name).collect::<Vec<_>>().join(" "))
    }
}
