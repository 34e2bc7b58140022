//! Lines of the palette: the same words as the command line.

use super::{Severity, State};
use crate::{
    criteria::{Criteria, Dimension, Query},
    ops::{self, Failure, Kind},
    workbench::{Screen, data::With, effect::Effect, msg::SnapshotSlot, overlay::Overlay, panes::PaneId, theme},
};
use std::path::PathBuf;

impl State {
    pub(super) fn command(&mut self, line: &str) -> Vec<Effect> {
        let line = line.trim();
        let (word, rest) = line.split_once(' ').map_or((line, ""), |(word, rest)| (word, rest.trim()));
        match word {
            "quit" | "q" => return self.ask_quit(),
            "messages" => self.overlay = Some(Overlay::messages(self)),
            "theme" => self.change_theme(rest),
            "filter" => self.set_filter(rest.to_owned()),
            "node" => self.go(PaneId::Nodes, rest),
            "value" => self.go(PaneId::Values, rest),
            "recipe" => return self.recipe_command(rest),
            "diff" => return self.diff_command(rest),
            "compare" => return self.compare_command(rest),
            "open" if rest.is_empty() => self.say(Severity::Info, "`:open FILE` shows a saved snapshot"),
            "open" => return vec![Effect::ReadSnapshot { slot: SnapshotSlot::Cluster, path: PathBuf::from(rest) }],
            "live" => return vec![self.watch()],
            "save" => return self.save_command(rest),
            _ => self.say(Severity::Warn, format!("`{word}` is no command; : lists them")),
        }
        Vec::new()
    }

    fn change_theme(&mut self, name: &str) {
        match theme::load(name, self.level) {
            Ok(theme) => {
                self.theme = theme;
                self.say(Severity::Ok, format!("theme {name}"));
            }
            Err(error) => self.say(Severity::Warn, error.to_string()),
        }
    }

    fn recipe_command(&mut self, rest: &str) -> Vec<Effect> {
        if rest.is_empty() {
            self.data.stated = None;
            self.say(Severity::Info, "the recipe follows the cluster");
        } else {
            match self.criteria(rest) {
                Ok(criteria) => self.data.stated = Some(criteria),
                Err(failure) => {
                    self.say_failure(failure);
                    return Vec::new();
                }
            }
        }
        self.show(Screen::Recipe);
        self.resolve()
    }

    /// `cluster`, an overlay's name, criteria, or else a recipe's file.
    fn diff_command(&mut self, rest: &str) -> Vec<Effect> {
        let overlay = self.data.catalog.value.as_ref().and_then(|catalog| catalog.overlay(rest));
        let with = match overlay {
            _ if rest == "cluster" => Ok(With::Cluster),
            Some(overlay) => overlay.criteria.clone().map(With::Criteria).ok_or_else(|| {
                Failure::new(Kind::Usage, "compare with an overlay", format!("`{rest}` has no criteria of its own"))
            }),
            None if rest.is_empty() || rest.contains('=') => self.criteria(rest).map(With::Criteria),
            None => Ok(With::File(PathBuf::from(rest))),
        };
        match with {
            Ok(with) => self.compare_recipe_with(with),
            Err(failure) => {
                self.say_failure(failure);
                Vec::new()
            }
        }
    }

    fn compare_command(&mut self, rest: &str) -> Vec<Effect> {
        let files: Vec<&str> = rest.split_whitespace().collect();
        self.show(Screen::Compare);
        let read = |slot, path: &str| Effect::ReadSnapshot { slot, path: PathBuf::from(path) };
        match files[..] {
            [] => {
                self.say(Severity::Info, "`:compare A.yaml` with the cluster, `:compare A.yaml B.yaml` two files");
                Vec::new()
            }
            [a] => {
                self.data.compare.b = None;
                vec![read(SnapshotSlot::A, a)]
            }
            [a, b, ..] => vec![read(SnapshotSlot::A, a), read(SnapshotSlot::B, b)],
        }
    }

    fn save_command(&mut self, rest: &str) -> Vec<Effect> {
        match (&self.data.cluster.snapshot, rest) {
            (_, "") => self.say(Severity::Info, "`:save FILE` writes the shown snapshot"),
            (None, _) => self.say(Severity::Info, "there is no snapshot yet"),
            (Some(snapshot), path) => {
                return vec![Effect::Save { snapshot: snapshot.clone(), path: PathBuf::from(path) }];
            }
        }
        Vec::new()
    }

    /// `service=eks accelerator=h100` against the catalog's legal values.
    fn criteria(&self, text: &str) -> Result<Criteria, Failure> {
        let Some(catalog) = &self.data.catalog.value else {
            return Err(Failure::new(Kind::Usage, "read the criteria", "the catalog is not read yet"));
        };
        let mut stated = Vec::new();
        for word in text.split_whitespace() {
            let (name, value) = word.split_once('=').unwrap_or((word, ""));
            let Some(dimension) = Dimension::ALL.into_iter().find(|dimension| dimension.name() == name) else {
                let names: Vec<&str> = Dimension::ALL.into_iter().map(Dimension::name).collect();
                return Err(Failure::new(Kind::Usage, "read the criteria", format!("`{name}` is no criterion"))
                    .hint(format!("write NAME=VALUE with one of {}", names.join(", "))));
            };
            stated.push((dimension, value.to_owned()));
        }
        ops::recipe::criteria(catalog, Query::default(), &stated, false).map(|query| query.criteria().clone())
    }
}
