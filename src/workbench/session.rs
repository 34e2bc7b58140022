//! What stays from one session to the next: where a person was in each cluster, and what they typed.
//!
//! In: a desk, and the text of the file. Out: a [`Session`], and back. It holds no data of a cluster but the names of what
//! was selected; what is no longer there is passed over when it is restored.

use super::arguments;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// The name of the file in the folder for state.
pub const FILE: &str = crate::store::folders::SESSION;
/// Files of another version are not read.
const VERSION: u32 = 1;
/// Contexts and files that are remembered.
const RECENT: usize = 20;
/// Clusters whose place is remembered.
const CLUSTERS: usize = 50;
/// Commands and filters.
const TYPED: usize = 500;

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct Session {
    version: u32,
    /// Commands that were given, oldest first.
    pub commands: Vec<String>,
    /// Filters that were kept, oldest first.
    pub filters: Vec<String>,
    pub saved_filters: SavedFilters,
    /// Contexts, newest first.
    pub contexts: Vec<String>,
    /// Files that were opened, newest first.
    pub files: Vec<String>,
    /// By the name of the context.
    pub clusters: BTreeMap<String, Place>,
}

/// Filters that a person gave a name, which any panel takes as `@NAME`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SavedFilters {
    by_name: BTreeMap<String, String>,
    /// Those that were deleted here, so that another session does not bring them back.
    #[serde(skip)]
    deleted: BTreeSet<String>,
}

impl SavedFilters {
    pub fn get(&self, name: &str) -> Option<&str> {
        self.by_name.get(name).map(String::as_str)
    }

    /// By name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.by_name.iter().map(|(name, filter)| (name.as_str(), filter.as_str()))
    }

    pub fn is_empty(&self) -> bool {
        self.by_name.is_empty()
    }

    /// The filter that had the name before.
    pub fn save(&mut self, name: &str, filter: &str) -> Option<String> {
        self.deleted.remove(name);
        self.by_name.insert(name.to_owned(), filter.to_owned())
    }

    /// The filter that had the name.
    pub fn delete(&mut self, name: &str) -> Option<String> {
        let filter = self.by_name.remove(name)?;
        self.deleted.insert(name.to_owned());
        Some(filter)
    }

    fn over(&mut self, stored: SavedFilters) {
        for (name, filter) in stored.by_name {
            if !self.deleted.contains(&name) {
                self.by_name.entry(name).or_insert(filter);
            }
        }
    }
}

/// Where a person was.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct Place {
    /// The name of the screen.
    pub screen: String,
    /// The panel with the focus, of each screen, by its path.
    pub focus: Vec<String>,
    /// By the path of the panel; those that are as at the start are left out.
    pub panels: BTreeMap<String, Panel>,
    /// Borders that were moved, by screen, breakpoint and name, in cells.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub borders: BTreeMap<String, i32>,
    /// Commands that open what was open: `recipe …`, `diff …`, `compare …`.
    pub documents: Vec<String>,
}

/// Where a person was in a panel.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct Panel {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub selected: Option<String>,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub filter: String,
    /// Names of columns, with `-` for descending.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub sort_by: Vec<String>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub wide: bool,
    /// Branches that are folded or unfolded against their own wish.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub toggled: Vec<String>,
    /// Names of the columns that were chosen.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub columns: Vec<String>,
    /// Rows that were marked.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub marks: Vec<String>,
}

/// Adds the newest in front; mentioned twice, it is there once.
pub fn recent(list: &mut Vec<String>, newest: &str) {
    list.retain(|known| known != newest);
    list.insert(0, newest.to_owned());
    list.truncate(RECENT);
}

impl Session {
    /// Reads the text of the file.
    ///
    /// # Errors
    /// Why it cannot be used.
    pub fn parse(text: &str) -> Result<Session, String> {
        let session: Session = serde_json::from_str(text).map_err(|error| error.to_string())?;
        match session.version {
            VERSION => Ok(session),
            version => Err(format!("its version is {version}, not {VERSION}")),
        }
    }

    /// The text of the file.
    pub fn text(&self) -> String {
        let session = Session { version: VERSION, ..self.clone() };
        // Strings and numbers only, so that it cannot fail; empty is read as unusable, and said.
        serde_json::to_string_pretty(&session).unwrap_or_default()
    }

    /// This session over what another one has written meanwhile: what both have is as here.
    #[must_use]
    pub fn over(mut self, stored: Session) -> Session {
        let older = |ours: &mut Vec<String>, theirs: Vec<String>, newest_first: bool, most: usize| {
            let others: Vec<String> = theirs.into_iter().filter(|line| !ours.contains(line)).collect();
            match newest_first {
                true => ours.extend(others),
                false => drop(ours.splice(0..0, others)),
            }
            let over = ours.len().saturating_sub(most);
            if newest_first { ours.truncate(most) } else { drop(ours.drain(..over)) }
        };
        older(&mut self.commands, stored.commands, false, TYPED);
        older(&mut self.filters, stored.filters, false, TYPED);
        self.saved_filters.over(stored.saved_filters);
        older(&mut self.contexts, stored.contexts, true, RECENT);
        older(&mut self.files, stored.files, true, RECENT);
        for (name, place) in stored.clusters {
            self.clusters.entry(name).or_insert(place);
        }
        while self.clusters.len() > CLUSTERS {
            // Those that were used last stay.
            let old = self.clusters.keys().find(|name| !self.contexts.contains(name)).or(self.clusters.keys().next());
            let Some(old) = old.cloned() else { break };
            self.clusters.remove(&old);
        }
        self
    }

    /// The same with files by names that hold from any folder.
    #[must_use]
    pub fn with_files(mut self, whole: impl Fn(&str) -> String) -> Session {
        for file in &mut self.files {
            *file = whole(file);
        }
        for line in self.clusters.values_mut().flat_map(|place| &mut place.documents) {
            let (first, rest) = line.split_once(' ').unwrap_or((line, ""));
            if ["compare", "diff"].contains(&first) {
                let name = |word: &str| if word.contains('=') { word.to_owned() } else { whole(word) };
                let words = arguments::read(rest).words.into_iter().map(|word| arguments::typed(&name(&word.text)));
                *line = [first.to_owned()].into_iter().chain(words).collect::<Vec<_>>().join(" ");
            }
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(lines: &[&str]) -> Vec<String> {
        lines.iter().map(|line| (*line).to_owned()).collect()
    }

    #[test]
    fn a_session_is_read_as_it_was_written() {
        let panel =
            Panel { selected: Some("name:worker".into()), sort_by: lines(&["-DRIVER", "NAME"]), ..Panel::default() };
        let panels = BTreeMap::from([("cluster/nodes".to_owned(), panel)]);
        let place = Place { screen: "Recipe".into(), focus: lines(&["cluster/nodes"]), panels, ..Place::default() };
        let clusters = BTreeMap::from([("lab".to_owned(), place)]);
        let session = Session { commands: lines(&["theme light"]), clusters, ..Session::default() };
        let read = Session::parse(&session.text()).unwrap();
        assert_eq!(Session { version: 0, ..read }, session);
    }

    #[test]
    fn what_is_no_session_is_refused() {
        for (text, why) in [("", "EOF"), ("{", "EOF"), ("{}", "version is 0"), ("{\"version\": 99}", "version is 99")] {
            assert!(Session::parse(text).unwrap_err().contains(why), "{text}");
        }
    }

    #[test]
    fn two_sessions_at_once_lose_nothing() {
        let place = |screen: &str| Place { screen: screen.into(), ..Place::default() };
        let of = |commands: &[&str], contexts: &[&str], clusters: &[(&str, &str)]| Session {
            commands: lines(commands),
            contexts: lines(contexts),
            clusters: clusters.iter().map(|(name, screen)| ((*name).to_owned(), place(screen))).collect(),
            ..Session::default()
        };
        let ours = of(&["b", "c"], &["lab"], &[("lab", "Recipe")]);
        let theirs = of(&["a", "b"], &["prod", "lab"], &[("lab", "Cluster"), ("prod", "Validate")]);
        let both = ours.over(theirs);
        assert_eq!(both.commands, ["a", "b", "c"]);
        assert_eq!(both.contexts, ["lab", "prod"]);
        assert_eq!((&*both.clusters["lab"].screen, &*both.clusters["prod"].screen), ("Recipe", "Validate"));
    }

    #[test]
    fn a_deleted_filter_is_not_brought_back_by_another_session() {
        let mut stored = Session::default();
        for (name, filter) in [("down", "!ready"), ("h100", "gpu=h100"), ("mine", "theirs")] {
            stored.saved_filters.save(name, filter);
        }
        let mut ours = stored.clone();
        assert_eq!(ours.saved_filters.delete("down").as_deref(), Some("!ready"));
        assert_eq!(ours.saved_filters.delete("down"), None);
        assert_eq!(ours.saved_filters.save("mine", "ours").as_deref(), Some("theirs"));
        stored.saved_filters.save("new", "kernel=6");
        let both = ours.over(stored).saved_filters;
        let expected = [("h100", "gpu=h100"), ("mine", "ours"), ("new", "kernel=6")];
        assert_eq!(both.iter().collect::<Vec<_>>(), expected);
        let read = Session::parse(&Session { saved_filters: both, ..Session::default() }.text()).unwrap();
        assert_eq!(read.saved_filters.iter().collect::<Vec<_>>(), expected);
    }

    #[test]
    fn files_of_documents_are_named_from_any_folder() {
        let documents = lines(&["compare a.yaml 'b c.yaml'", "diff service=eks", "recipe service=kind"]);
        let clusters = BTreeMap::from([("lab".to_owned(), Place { documents, ..Place::default() })]);
        let session = Session { files: lines(&["a.yaml"]), clusters, ..Session::default() };
        let whole = session.with_files(|file| format!("/here/{file}"));
        assert_eq!(whole.files, ["/here/a.yaml"]);
        let expected = [r"compare /here/a.yaml /here/b\ c.yaml", "diff service=eks", "recipe service=kind"];
        assert_eq!(whole.clusters["lab"].documents, expected);
    }
}
