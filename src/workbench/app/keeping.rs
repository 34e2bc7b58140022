//! What is kept for the next session, and restored from the last one.

use super::State;
use crate::workbench::{
    model::Severity,
    session::{self, Place, Session},
};

/// Commands whose last use says what is open.
const DOCUMENTS: [&str; 3] = ["recipe", "diff", "compare"];

/// The part of the state that has to do with other sessions.
#[derive(Clone, Debug, Default)]
pub(super) struct Keeping {
    session: Session,
    /// Places are restored.
    restores: bool,
    /// The cluster that this is about, by its context; `None` while it is not known, and with files instead of a cluster.
    cluster: Option<String>,
    /// The screen was named at the start.
    is_screen_named: bool,
    /// A person has done something, so that nothing is moved under them.
    is_touched: bool,
    /// What is open, by the first word of its command.
    documents: Vec<(&'static str, String)>,
    /// What the last session had open, until the catalog is there to open it.
    pending: Vec<String>,
}

impl Keeping {
    pub(super) fn new(session: Session, restores: bool, cluster: Option<String>, is_screen_named: bool) -> Keeping {
        Keeping { session, restores, cluster, is_screen_named, ..Keeping::default() }
    }

    pub(super) fn session(&self) -> &Session {
        &self.session
    }

    /// A person pressed, clicked or pasted.
    pub(super) fn touch(&mut self) {
        self.is_touched = true;
    }

    /// A file was opened.
    pub(super) fn opened(&mut self, path: &str) {
        session::recent(&mut self.session.files, path);
    }

    /// What a command asked for could not be opened; the next session does not ask for it again.
    pub(super) fn failed(&mut self, word: &str) {
        self.documents.retain(|(known, _)| *known != word);
    }

    /// The command that opened what is open of a kind.
    pub(super) fn document(&self, word: &str) -> Option<&str> {
        self.documents.iter().find(|(known, _)| *known == word).map(|(_, line)| line.as_str())
    }

    /// A command was given that opens something.
    pub(super) fn given(&mut self, line: &str) {
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        let Some(word) = DOCUMENTS.into_iter().find(|known| *known == word) else { return };
        self.documents.retain(|(known, _)| *known != word);
        if !rest.trim().is_empty() {
            self.documents.push((word, line.to_owned()));
        }
    }
}

impl State {
    /// The cluster is known by name now; what was kept of it is restored, unless somebody has begun to work.
    pub(super) fn know_cluster(&mut self, name: &str) {
        if self.keeping.cluster.is_none() && self.start.snapshots.is_empty() {
            self.keeping.cluster = Some(name.to_owned());
            if !self.keeping.is_touched {
                self.restore();
            }
        }
    }

    /// Another cluster: where the person was in the old one is kept, where they were in the new one restored.
    pub(super) fn change_cluster(&mut self, name: &str) {
        self.keep_place();
        self.desk.unmark();
        self.keeping.documents.clear();
        self.keeping.cluster = Some(name.to_owned());
        session::recent(&mut self.keeping.session.contexts, name);
        self.restore();
    }

    /// Goes where the last session with this cluster ended.
    pub(super) fn restore(&mut self) {
        let Some(name) = self.keeping.cluster.clone() else { return };
        session::recent(&mut self.keeping.session.contexts, &name);
        let kept = self.keeping.session.clusters.get(&name).filter(|_| self.keeping.restores);
        let Some(place) = kept.cloned() else { return };
        self.desk.restore(&place, !self.keeping.is_screen_named);
        self.keeping.pending.clone_from(&place.documents);
        // What hides something, or changes what a key is about.
        let panels = || place.panels.iter().map(|(path, panel)| (path.rsplit('/').next().unwrap_or_default(), panel));
        let filtered = panels().filter(|(_, panel)| !panel.filter.is_empty());
        let filtered: Vec<String> = filtered.map(|(name, panel)| format!("`{}` on {name}", panel.filter)).collect();
        let chosen = panels().filter(|(_, panel)| !panel.columns.is_empty());
        let chosen: Vec<String> =
            chosen.map(|(name, panel)| format!("{} on {name}", panel.columns.join(" "))).collect();
        let marked: Vec<&str> = panels().filter(|(_, panel)| !panel.marks.is_empty()).map(|(name, _)| name).collect();
        let mut said = format!("as in the last session: the {} screen", self.desk.screen.name());
        let before = said.len();
        if !filtered.is_empty() {
            said.push_str(&format!(", filter {}", filtered.join(", ")));
        }
        if !chosen.is_empty() {
            said.push_str(&format!(", columns {}", chosen.join(", ")));
        }
        if !marked.is_empty() {
            said.push_str(&format!(", marks on {}", marked.join(", ")));
        }
        if !place.documents.is_empty() {
            said.push_str(&format!(", {}", place.documents.join(", ")));
        }
        // What is as at the start needs no words.
        if self.desk.screen.index() > 0 || said.len() > before {
            self.say(Severity::Info, format!("{said}; --fresh starts without it"));
        }
        self.restore_documents();
    }

    /// Opens what the last session had open, once there is a catalog.
    pub(super) fn restore_documents(&mut self) {
        if self.model.catalog.value.is_none() || self.keeping.pending.is_empty() {
            return;
        }
        let (screen, previous) = (self.desk.screen, self.desk.previous);
        for line in std::mem::take(&mut self.keeping.pending) {
            let effects = self.command_of(&line);
            self.restored.extend(effects);
        }
        self.desk.show(screen);
        self.desk.previous = previous;
    }

    fn keep_place(&mut self) {
        let Some(name) = self.keeping.cluster.clone() else { return };
        let place = Place {
            documents: self.keeping.documents.iter().map(|(_, line)| line.clone()).collect(),
            ..self.desk.place()
        };
        self.keeping.session.clusters.insert(name, place);
    }

    /// What the next session begins with.
    pub fn session(&mut self) -> Session {
        self.keep_place();
        let mut session = self.keeping.session.clone();
        session.commands.clone_from(&self.desk.history);
        session.filters.clone_from(&self.desk.filters);
        session.saved_filters.clone_from(&self.desk.saved_filters);
        session
    }

    /// Contexts and files that were used, newest first.
    pub(super) fn recent_files(&self) -> &[String] {
        &self.keeping.session().files
    }

    pub(super) fn recent_contexts(&self) -> &[String] {
        &self.keeping.session().contexts
    }
}
