//! Texts that are no file of a person, in their editor: a private copy goes there, and what was changed comes back as a patch.
//!
//! Nothing is applied: what a recipe says follows from the catalog, and a snapshot from the cluster.

use super::State;
use crate::{
    diff::text::Patch,
    ops::Failure,
    workbench::{
        effect::Effect,
        keymap::Action,
        model::Severity,
        overlay::{Choice, Kind, Overlay},
        widgets::text,
    },
};

/// A patch, and the name of the copy that it is of.
#[derive(Clone, Debug)]
pub struct Edited {
    pub name: String,
    pub patch: Patch,
}

impl State {
    /// A text that is shown, at the line that is selected.
    pub(super) fn edit_copy(&mut self, overlay: &Overlay) -> Vec<Effect> {
        let line = match overlay.table.row().map(|row| &row.id) {
            Some(Choice::Line(line) | Choice::Piece(line, _)) => *line + 1,
            _ => 1,
        };
        let name = name_of_copy(&overlay.table.content.title, &overlay.copy);
        vec![Effect::EditCopy { name, text: overlay.copy.clone(), line: u32::try_from(line).unwrap_or(1) }]
    }

    /// `:edit`: the lines of a panel of text, else the document behind the screen.
    pub(super) fn edit_command(&mut self) -> Vec<Effect> {
        let pane = self.desk.focused();
        let title = self.desk.table(pane).content.title.clone();
        let title = if title.is_empty() { pane.name.to_owned() } else { title };
        match self.lines_of(pane) {
            Some(text) => vec![Effect::EditCopy { name: name_of_copy(&title, &text), text, line: 1 }],
            None => {
                self.raw();
                // What there is no document for was said.
                let overlay = self.desk.overlay.take();
                overlay.map(|overlay| self.edit_copy(&overlay)).unwrap_or_default()
            }
        }
    }

    /// What came back from the editor.
    pub(super) fn edited(&mut self, name: String, answer: Result<Option<Patch>, Failure>) -> Vec<Effect> {
        match answer {
            Err(failure) => self.say_failure(failure),
            Ok(None) => {
                self.say(Severity::Info, format!("the copy of {name} was not changed, and is removed"));
            }
            Ok(Some(patch)) => {
                let (copy, write) = (self.desk.keys.key(Action::Copy), self.desk.keys.command("patch FILE"));
                let counted = counted(&patch);
                self.desk.edited = Some(Edited { name, patch });
                // A question that has come meanwhile is answered first.
                if self.desk.overlay.as_ref().is_none_or(|overlay| overlay.kind == Kind::Text) {
                    self.show_patch();
                }
                let said = format!("nothing was applied: {counted}; {copy} copies the patch, {write} writes it");
                self.say(Severity::Info, said);
            }
        }
        Vec::new()
    }

    /// `:patch [FILE]`: what was changed in the last copy, over the screen or into a file.
    pub(super) fn patch_command(&mut self, path: &str) -> Vec<Effect> {
        if self.say_unable(self.unable_command("patch")) {
            return Vec::new();
        }
        if path.is_empty() {
            self.show_patch();
            return Vec::new();
        }
        let text = self.desk.edited.as_ref().map(|edited| edited.patch.text.clone()).unwrap_or_default();
        self.save_text("patch", text, path)
    }

    fn show_patch(&mut self) {
        let Some(edited) = &self.desk.edited else { return };
        let title = format!("changes to a copy of {}, not applied", edited.name);
        let mut overlay = Overlay::text(&title, &edited.patch.text, 1);
        overlay.table.content.note = counted(&edited.patch);
        self.desk.overlay = Some(overlay);
    }
}

fn counted(patch: &Patch) -> String {
    let of = |count: usize, what: &str| format!("{} {what}", text::count(count, "line"));
    format!("{}, {}", of(patch.added, "added"), of(patch.removed, "removed"))
}

/// The name of a file for a text by its title, so that an editor knows what it is: `kind.yaml` for `catalog/overlays/kind.yaml:31`.
fn name_of_copy(title: &str, text: &str) -> String {
    let title = title.rsplit('/').next().unwrap_or_default();
    let title = match title.rsplit_once(':') {
        Some((name, line)) if line.parse::<u32>().is_ok() => name,
        _ => title,
    };
    let plain = |letter: char| if letter.is_ascii_alphanumeric() || "._-".contains(letter) { letter } else { '-' };
    let name: String = title.trim().chars().map(plain).collect();
    // No option, no hidden file.
    let name = name.trim_matches(['-', '.']);
    let name = if name.is_empty() { "text" } else { name };
    let is_yaml = text.lines().take(20).any(|line| line.starts_with("apiVersion:") || line.starts_with("kind:"));
    match name.rsplit_once('.') {
        Some((_, "yaml" | "yml" | "json" | "md" | "txt" | "log" | "patch" | "sh")) => name.to_owned(),
        _ => format!("{name}.{}", if is_yaml { "yaml" } else { "txt" }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_is_called_as_what_it_is_of() {
        for (title, text, expected) in [
            ("catalog/overlays/kind.yaml:31", "", "kind.yaml"),
            ("recipe", "# coverage\nkind: RecipeResult\n", "recipe.yaml"),
            ("snapshot", "kind: Snapshot\napiVersion: x\n", "snapshot.yaml"),
            ("log dra-support", "a line\n", "log-dra-support.txt"),
            ("--../-x", "", "x.txt"),
            ("\u{1b}[2J", "", "2J.txt"),
            ("…", "", "text.txt"),
        ] {
            assert_eq!(name_of_copy(title, text), expected, "{title}");
        }
    }
}
