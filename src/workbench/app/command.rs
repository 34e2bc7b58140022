//! Lines of the palette: the same words as the command line.

use super::State;
use crate::{
    bundle::deployer,
    criteria::Criteria,
    deploy::event::Way,
    ops::{self, Failure, Kind, run::record},
    workbench::{
        Screen, arguments, desk,
        effect::Effect,
        export::Form,
        keymap::Action,
        model::{self, Severity, Topic, With},
        msg::SnapshotSlot,
        overlay::COMMANDS,
        palette,
        panes::{LOG, NODES, Need, Pane, RECIPE_COMPONENTS, RowId, UPGRADES, VALUES},
        preferences::THEME,
        widgets::text,
    },
};
use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

/// The cluster as it is now, among snapshots.
const CLUSTER: &str = "cluster";

impl State {
    pub(super) fn command(&mut self, line: &str) -> Vec<Effect> {
        let line = line.trim();
        desk::remember(&mut self.desk.history, line);
        self.command_of(line)
    }

    /// The same, without a place in the history.
    pub(super) fn command_of(&mut self, line: &str) -> Vec<Effect> {
        self.keeping.given(line);
        let (word, rest) = line.split_once(' ').map_or((line, ""), |(word, rest)| (word, rest.trim()));
        // The same command again: what was wrong with it is said again if it still is.
        let topic = Topic::Command(word.to_owned());
        self.model.answered(&topic);
        self.model.topic = Some(topic);
        let needs = COMMANDS.iter().find(|(name, arguments, _)| *name == word && palette::needs_argument(arguments));
        if let (true, Some((_, arguments, help))) = (rest.is_empty(), needs) {
            let usage = self.desk.keys.command(&format!("{word} {arguments}"));
            self.say(Severity::Info, format!("{usage}: {help}"));
            return Vec::new();
        }
        let arguments = arguments::read(if palette::FILES.contains(&word) { rest } else { "" });
        if let Some((_, said)) = palette::unended(line) {
            self.say(Severity::Warn, format!("{said}: {line}"));
            return Vec::new();
        }
        // Of a command that takes one file, it is the name of that.
        let rest = if palette::FILES.contains(&word) { &arguments.whole } else { rest };
        match word {
            "quit" | "q" => return self.ask_quit(),
            "messages" => return vec![Effect::ReadLog],
            "storage" => return vec![Effect::ReadStorage],
            "ops" => self.operations_command(),
            "forward" => self.walk(false),
            "set" => return self.set_command(rest),
            "theme" => self.change_theme(rest),
            "filter" => self.filter_command(rest),
            "filters" => self.filters_command(),
            "save-filter" => return self.save_filter_command(rest),
            "delete-filter" => return self.delete_filter_command(rest),
            "node" => self.go(&NODES, &rest.into()),
            "component" => self.go(&RECIPE_COMPONENTS, &rest.into()),
            "value" => self.go(&VALUES, &rest.into()),
            "recipe" => return self.recipe_command(rest),
            "diff" => return self.diff_command(rest, &arguments.texts()),
            "upgrade" => return self.upgrade_command(rest),
            "inherit" => return self.inherit_command(rest),
            "compare" => return self.compare_command(&arguments.texts()),
            "sort" => self.sort_command(rest),
            "columns" => self.columns_command(rest),
            "noise" => self.noise_command(rest),
            "past" => return self.past_command(rest),
            "open" => return vec![self.read(SnapshotSlot::Cluster, PathBuf::from(rest))],
            "context" => return self.context_command(rest),
            "live" => return self.live_command(),
            "source" => return self.source_command(rest),
            "save-report" => return self.save_report(rest),
            "save" => return self.save_command(rest),
            "merge" => self.merge_command(rest),
            "since" | "level" | "sources" | "around" => self.log_option(word, rest),
            "label" => self.label_command(rest),
            "previous" => return self.read_previous(),
            "save-log" => return self.save_log(rest),
            "runs" => return self.runs_command(),
            "attach" => return self.attach_command(rest),
            "report" => self.report_command(rest),
            "speed" => self.speed_command(rest),
            "step" => return self.step_command(rest),
            "skip" => self.skip_command(rest),
            "retry" => return self.retry_command(rest),
            "bundle" => return self.bundle_command(rest),
            "deploy" => return self.deploy_command(rest, Way::Install),
            "undeploy" => return self.deploy_command(rest, Way::Remove),
            "in-process" => self.in_process_command(rest),
            "edit" => return self.edit_command(),
            "patch" => return self.patch_command(rest),
            "export" => return self.export_command(rest),
            "link" if self.say_unable(self.unable_command(word)) => {}
            "link" => return vec![Effect::Copy(self.link())],
            _ if line.parse::<usize>().is_ok() => {
                let (pane, place) = (self.desk.focused(), line.parse::<usize>().unwrap_or(1).saturating_sub(1));
                if pane == &LOG {
                    return self.go_to_line(place);
                } else {
                    self.jumped(pane.screen);
                    self.desk.table_mut(pane).move_to(place);
                    self.desk.mark(Need::Cursor(pane));
                }
            }
            _ => {
                let key = self.desk.keys.key(Action::Palette);
                self.say(Severity::Warn, format!("unknown command `{word}`; press {key} for the list"));
            }
        }
        Vec::new()
    }

    /// `driver -kernel`: by driver, and those that are alike by kernel, descending. Without a name, in the order of the panel.
    fn sort_command(&mut self, rest: &str) {
        let pane = self.desk.focused();
        if self.says_unable(Action::Sort) {
            return;
        }
        let mut keys = Vec::new();
        for word in rest.split_whitespace() {
            let (name, descending) = word.strip_prefix('-').map_or((word, false), |name| (name, true));
            match self.column(pane, name) {
                Ok(at) => keys.push((at, descending)),
                Err(said) => return self.say(Severity::Warn, said),
            }
        }
        self.desk.table_mut(pane).sort_by_columns(&keys);
        self.desk.mark(Need::Cursor(pane));
        let said = if keys.is_empty() { "in the order of the panel".to_owned() } else { format!("sorted by {rest}") };
        self.say(Severity::Info, said);
    }

    /// Which columns are shown; without a name, those that there is room for.
    fn columns_command(&mut self, rest: &str) {
        let pane = self.desk.focused();
        let mut chosen = Vec::new();
        for name in rest.split_whitespace() {
            match self.column(pane, name) {
                Ok(at) => chosen.push(self.desk.table(pane).content.columns[at].name.to_owned()),
                Err(said) => return self.say(Severity::Warn, said),
            }
        }
        let said = if chosen.is_empty() {
            "columns as there is room".to_owned()
        } else {
            format!("columns: {}", chosen.join(", "))
        };
        self.desk.table_mut(pane).chosen = chosen;
        self.desk.mark(Need::Look);
        self.say(Severity::Info, said);
    }

    /// A column of a panel by its name.
    fn column(&self, pane: &'static Pane, name: &str) -> Result<usize, String> {
        let columns = &self.desk.table(pane).content.columns;
        let found = columns.iter().position(|column| column.name.eq_ignore_ascii_case(name));
        let names = || columns.iter().map(|column| column.name.to_lowercase()).collect::<Vec<_>>().join(", ");
        found.ok_or_else(|| format!("unknown column `{name}`; there are {}", names()))
    }

    fn change_theme(&mut self, name: &str) {
        match self.desk.themes.load(name, self.desk.level) {
            Ok(theme) => {
                (self.desk.theme, self.desk.is_theme_chosen) = (theme, true);
                self.desk.preferences.set(&THEME, name.to_owned());
                self.say(Severity::Ok, format!("theme {name}"));
                for warning in self.desk.themes.warnings(name) {
                    self.say(Severity::Warn, warning);
                }
            }
            Err(error) => self.say(Severity::Warn, error.to_string()),
        }
    }

    fn recipe_command(&mut self, rest: &str) -> Vec<Effect> {
        if rest.is_empty() {
            self.model.stated = None;
            self.forget_configured_criteria();
            self.say(Severity::Info, "the recipe follows the cluster");
        } else {
            let criteria = self.criteria(rest);
            return self.good(criteria).map_or_else(Vec::new, |criteria| self.state_criteria(criteria));
        }
        self.desk.show(Screen::Recipe);
        self.resolve()
    }

    /// The recipe is for these criteria from now on.
    pub(super) fn state_criteria(&mut self, criteria: Criteria) -> Vec<Effect> {
        self.model.stated = Some(criteria);
        self.forget_configured_criteria();
        self.desk.show(Screen::Recipe);
        self.resolve()
    }

    /// What a configuration says of criteria no longer holds.
    fn forget_configured_criteria(&mut self) {
        if let Some(applied) = &mut self.model.configuration {
            *applied = Arc::new(applied.without_criteria());
        }
    }

    /// Keeps what identifies the objects of a recipe, a bundle or the cluster; without a word, no more.
    fn inherit_command(&mut self, place: &str) -> Vec<Effect> {
        self.model.inherit = (!place.is_empty()).then(|| place.to_owned());
        self.model.inherit_said = false;
        if place.is_empty() {
            self.say(Severity::Info, "the recipe keeps nothing of an earlier installation");
        }
        self.desk.show(Screen::Recipe);
        self.resolve()
    }

    /// `cluster`, an overlay's name, criteria, or else a recipe's file; two of them as on the command line.
    fn diff_command(&mut self, rest: &str, words: &[&str]) -> Vec<Effect> {
        if let [left, right] = words[..] {
            // Criteria of two words are those of one recipe, unless each has several; also where one is misspelled.
            let is_criteria = |text: &str| text.contains('=');
            let are_both = is_criteria(left) && is_criteria(right) && !(left.contains(',') && right.contains(','));
            let catalog = self.model.catalog.value.as_ref();
            let is_overlay = |name: &str| catalog.is_some_and(|catalog| catalog.overlay(name).is_some());
            match (left, right) {
                (CLUSTER, CLUSTER) => {}
                _ if is_overlay(left) || is_overlay(right) => {
                    let line = self.desk.keys.command("diff OVERLAY");
                    self.say(
                        Severity::Warn,
                        format!("an overlay is compared with the recipe, by {line}; two sides are files or criteria"),
                    );
                    return Vec::new();
                }
                (one, CLUSTER) | (CLUSTER, one) => return self.compare_recipe_with(With::OnCluster(one.to_owned())),
                _ if are_both => {}
                _ => return self.compare_recipe_with(With::Each(left.to_owned(), right.to_owned())),
            }
        }
        if words.len() > 1 && !rest.contains('=') {
            let line = self.desk.keys.command("diff A.yaml B.yaml");
            self.say(
                Severity::Warn,
                format!("{} cannot be compared; {line} compares two", text::count(words.len(), "recipe")),
            );
            return Vec::new();
        }
        let is_overlay = self.model.catalog.value.as_ref().is_some_and(|catalog| catalog.overlay(rest).is_some());
        if rest == "cluster" {
            return self.compare_recipe_with(With::Cluster);
        } else if is_overlay {
            return self.diff_overlay(rest);
        } else if !rest.is_empty() && !rest.contains('=') {
            return self.compare_recipe_with(With::File(PathBuf::from(rest)));
        }
        let criteria = self.criteria(rest).map(With::Criteria);
        self.diff_with(criteria)
    }

    /// Goes to the upgrades; with a name, for that deployer.
    pub(super) fn upgrade_command(&mut self, name: &str) -> Vec<Effect> {
        if self.say_unable(self.unable_command("upgrade")) {
            return Vec::new();
        }
        let known = deployer::names();
        if !name.is_empty() && !known.contains(&name) {
            self.say(Severity::Warn, format!("unknown deployer `{name}`; there are {}", known.join(", ")));
            return Vec::new();
        }
        let upgrade = &mut self.model.upgrade;
        upgrade.asked = true;
        if !name.is_empty() {
            upgrade.deployer = Some(name.to_owned());
        }
        self.desk.focus_on(&UPGRADES);
        self.check_upgrade()
    }

    pub(super) fn diff_overlay(&mut self, name: &str) -> Vec<Effect> {
        let overlay = self.model.catalog.value.as_ref().and_then(|catalog| catalog.overlay(name));
        let criteria = overlay.and_then(|overlay| overlay.criteria.clone()).map(With::Criteria);
        let without =
            || Failure::new(Kind::Usage, "compare with an overlay", format!("`{name}` has no criteria of its own"));
        self.diff_with(criteria.ok_or_else(without))
    }

    fn diff_with(&mut self, with: Result<With, Failure>) -> Vec<Effect> {
        self.good(with).map_or_else(Vec::new, |with| self.compare_recipe_with(with))
    }

    pub(super) fn compare_command<N: AsRef<str>>(&mut self, files: &[N]) -> Vec<Effect> {
        let files: Vec<&str> = files.iter().map(AsRef::as_ref).collect();
        self.desk.show(Screen::Compare);
        match files[..] {
            [] => {
                let (one, two) = (self.desk.keys.command("compare A.yaml"), self.desk.keys.command("compare @-1 @"));
                self.say(
                    Severity::Info,
                    format!("{one} compares a file with the cluster, {two} two kept snapshots; a third is possible"),
                );
                Vec::new()
            }
            // The cluster as it is now is what one snapshot, or two, are compared with.
            [a, b] if b == CLUSTER && a != CLUSTER => self.compare_command(&[a]),
            [a, b] if a == CLUSTER && b != CLUSTER => self.compare_command(&[b]),
            [a, b, c] if [a, b, c].iter().filter(|name| **name == CLUSTER).count() == 1 => {
                let files: Vec<&str> = [a, b, c].into_iter().filter(|name| *name != CLUSTER).collect();
                self.model.compare.b = None;
                vec![
                    self.read(SnapshotSlot::A, PathBuf::from(files[0])),
                    self.read(SnapshotSlot::C, PathBuf::from(files[1])),
                ]
            }
            [a] => {
                (self.model.compare.b, self.model.compare.c) = (None, None);
                vec![self.read(SnapshotSlot::A, PathBuf::from(a))]
            }
            [a, b] if record::are_names(a, b) => {
                self.asked.run += 1;
                let (left, right) = (a.to_owned(), b.to_owned());
                vec![Effect::CompareRuns { generation: self.asked.run, left, right }]
            }
            [a, b, ref rest @ ..] => {
                self.model.compare.c = None;
                let mut effects =
                    vec![self.read(SnapshotSlot::A, PathBuf::from(a)), self.read(SnapshotSlot::B, PathBuf::from(b))];
                effects.extend(rest.first().map(|c| self.read(SnapshotSlot::C, PathBuf::from(c))));
                effects
            }
        }
    }

    /// Writes this frame; without a name, under one of its own.
    pub(super) fn export_command(&mut self, rest: &str) -> Vec<Effect> {
        let path = if rest.is_empty() { self.file_name("svg") } else { rest.to_owned() };
        if !self.is_file(&path) {
            return Vec::new();
        }
        // The frame is what is seen; a document is of lines that may not be.
        if let (true, Some(form)) =
            (self.desk.focused() == &LOG, Form::of(Path::new(&path)).filter(|form| form.is_document()))
        {
            return self.export_log(&path, form);
        }
        vec![Effect::Export { path: PathBuf::from(path), replace: false }]
    }

    /// A name for a file that has what is shown: the cluster, the screen, on Validate the check, and the time.
    pub(super) fn file_name(&self, suffix: &str) -> String {
        let check = match self.steered() {
            Some(RowId::Check(name) | RowId::Pod { check: name, .. }) if self.desk.screen == Screen::Validate => {
                name.as_str()
            }
            _ => "",
        };
        self.file_named(check, suffix)
    }

    /// The same, of what is in it rather than what is selected.
    pub(super) fn file_named(&self, check: &str, suffix: &str) -> String {
        let (day, time) = (model::date(self.model.now_ms), model::clock(self.model.now_ms).replace(':', ""));
        let screen = self.desk.screen.name().to_lowercase();
        let parts = ["aicr", &self.model.cluster.name, &screen, check, &day, &time];
        // What file systems and shells take as it is.
        let plain = |c: char| if c.is_ascii_alphanumeric() || "-_.".contains(c) { c } else { '-' };
        let parts =
            parts.iter().filter(|part| !part.is_empty()).map(|part| part.chars().map(plain).collect::<String>());
        format!("{}.{suffix}", parts.collect::<Vec<_>>().join("-"))
    }

    /// `service=eks accelerator=h100` against the catalog's legal values.
    fn criteria(&self, text: &str) -> Result<Criteria, Failure> {
        let Some(catalog) = &self.model.catalog.value else {
            return Err(Failure::new(Kind::Usage, "read the criteria", "the catalog is not read yet"));
        };
        Ok(ops::recipe::criteria_of_text(catalog, text)?.criteria().clone())
    }
}
