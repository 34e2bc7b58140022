//! Marks of rows: what is done with all of them instead of with the row under the cursor.

use super::State;
use crate::workbench::{
    effect::Effect,
    keymap::Action,
    model::Severity,
    panes::{self, CHECKS, LOG, MOMENTS, NODES, Need, Pane, RUNS, RowId, SHAPES},
    widgets::{table::Identity, text},
};

/// Panels whose marked rows are compared with each other.
const COMPARED: [&Pane; 4] = [&RUNS, &MOMENTS, &NODES, &SHAPES];

/// How many of them at once.
fn most(pane: &Pane) -> usize {
    if *pane == RUNS { 2 } else { 3 }
}

impl State {
    /// What an action does with marks, or to them; `None` where it has nothing to do with marks.
    pub(super) fn act_on_marks(&mut self, pane: &'static Pane, action: Action) -> Option<Vec<Effect>> {
        match action {
            Action::MarkRow | Action::MarkRange | Action::MarkDown | Action::MarkUp => Some(self.mark(pane, action)),
            // Also where all marked rows are gone.
            _ if self.desk.table(pane).marked_rows().next().is_none() => None,
            Action::Copy | Action::CopyRow => {
                let rows = self.desk.table(pane).marked_rows();
                let text = rows.map(|row| match row.id.name() {
                    name if action == Action::Copy && !name.is_empty() => name.to_owned(),
                    _ => row.plain().trim().to_owned(),
                });
                let lines: Vec<String> = text.collect();
                (!lines.is_empty()).then(|| vec![Effect::Copy(lines.join("\n"))])
            }
            Action::CompareWith if COMPARED.contains(&pane) => Some(self.compare_marked(pane)),
            Action::CompareWith => {
                let clear = self.desk.keys.key(Action::Back);
                let said = format!(
                    "marked rows of {} are not compared with each other, but nodes, shapes, runs and kept snapshots are; \
                     {clear} takes the marks away",
                    pane.name
                );
                self.say(Severity::Info, said);
                Some(Vec::new())
            }
            _ => None,
        }
    }

    /// The marks of a panel go; whether it had any.
    pub(super) fn unmark(&mut self, pane: &'static Pane) -> bool {
        let table = self.desk.table_mut(pane);
        let had = table.marked_rows().next().is_some();
        table.marks.clear();
        had
    }

    fn mark(&mut self, pane: &'static Pane, action: Action) -> Vec<Effect> {
        let table = self.desk.table(pane);
        // A check with pods is marked all the same: several share a log.
        let is_branch = table.row().is_some_and(|row| row.branch.is_some() && !matches!(row.id, RowId::Check(_)));
        let folds = || (pane.on)(&self.desk.view(&self.model, pane), Action::FoldToggle).is_some();
        if action == Action::MarkRow && (is_branch || folds()) {
            return self.act(Action::FoldToggle);
        }
        if pane == &LOG {
            // Its marks are of lines, which may not be rows now; nobody asks what these are called.
            let under_cursor = panes::line_under_cursor(&self.desk.view(&self.model, pane));
            if let Some((check, line)) = under_cursor {
                let is_marked = self.model.run.check(&check).is_some_and(|view| view.marks.contains_key(&line));
                self.mark_line(&check, line, (!is_marked).then(String::new));
            }
            return Vec::new();
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
        let [copy, merge, end, clear, compare] =
            [Action::Copy, Action::Merge, Action::MarkRange, Action::Back, Action::CompareWith]
                .map(|action| self.desk.keys.key(action));
        let said = match (count, is_open) {
            (0, _) => "no row is marked".to_owned(),
            (_, true) => format!("a range begins here; {end} on another row marks all between them"),
            _ if pane == &CHECKS => {
                format!("{rows} marked; {merge} shows their logs as one, {clear} takes the marks away")
            }
            _ => {
                let is_compared = COMPARED.contains(&pane) && (2..=most(pane)).contains(&count);
                match is_compared {
                    true => format!("{rows} marked; {compare} compares them, {copy} copies them, {clear} unmarks"),
                    false => format!("{rows} marked; {copy} copies all of them, {clear} takes the marks away"),
                }
            }
        };
        self.say(Severity::Info, said);
        self.desk.mark(Need::Cursor(pane));
        Vec::new()
    }

    /// Two or three marked nodes, shapes, runs or kept snapshots beside each other; what has a time, the oldest first.
    fn compare_marked(&mut self, pane: &'static Pane) -> Vec<Effect> {
        let count = self.desk.table(pane).marked_rows().count();
        let most = most(pane);
        if !(2..=most).contains(&count) {
            let wanted = if most == 2 { "two" } else { "two or three" };
            let said = format!("{} marked; {wanted} can be compared", text::count(count, "row"));
            self.say(Severity::Info, said);
            return Vec::new();
        }
        if [&NODES, &SHAPES].contains(&pane) {
            self.compare_marked_nodes(pane);
            return Vec::new();
        }
        let names = self.desk.table(pane).marked_rows().map(|row| row.id.name().to_owned());
        let mut names: Vec<String> = names.filter(|name| !name.is_empty()).collect();
        // They are listed with the newest first.
        names.reverse();
        if pane == &RUNS {
            return self.compare_command(&names);
        }
        let name = |name: &String| match name.as_str() {
            "now" => "cluster".to_owned(),
            id => format!("@{id}"),
        };
        self.compare_command(&names.iter().map(name).collect::<Vec<_>>())
    }
}
