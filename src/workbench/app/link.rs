//! Links: a command line that opens the view that is shown, and what such a line may ask for.
//!
//! In it are the source, the criteria with profile and settings, whose names are kept, the screen, what is selected on it, the
//! filter of that panel, and the run that is shown. Not in it: what is folded, sorted or hidden, the sizes of panels.

use super::State;
use crate::{
    criteria::Dimension,
    ops::demo::FLEET,
    text::shell_word,
    workbench::{
        Screen, arguments,
        effect::Effect,
        model::{Severity, Source, With},
        panes::{CHECKS, NODES, Pane, RECIPE_COMPONENTS, VALUES},
        widgets::table::Identity,
    },
};

/// What a link may ask for: to look at something.
const FOLLOWED: [&str; 8] = ["node", "component", "value", "diff", "compare", "filter", "upgrade", "source"];

impl State {
    /// Goes where the command line says, once cluster and recipe are there.
    pub(super) fn go_there(&mut self) -> Vec<Effect> {
        if self.model.recipe.value.is_none() || self.model.cluster.snapshot.is_none() {
            return Vec::new();
        }
        let mut effects = Vec::new();
        for line in std::mem::take(&mut self.start.go) {
            let followed = self.follow(&line);
            effects.extend(self.sent(followed));
        }
        effects
    }

    /// Does what a link asks for: it goes somewhere, and changes nothing.
    fn follow(&mut self, line: &str) -> Vec<Effect> {
        let word = line.split(' ').next().unwrap_or_default();
        if !FOLLOWED.contains(&word) {
            let known = FOLLOWED.join(", ");
            self.say(Severity::Warn, format!("`{word}` is not for links; there are {known}"));
            return Vec::new();
        }
        self.command(line)
    }

    /// A command line that opens this view.
    pub fn link(&self) -> String {
        let mut words = vec!["aicr".to_owned()];
        words.extend(self.linked_source());
        words.extend(self.linked_criteria());
        if let Some(place) = &self.model.inherit {
            words.extend(["--inherit-from".to_owned(), shell_word(place)]);
        }
        words.extend(["--screen".to_owned(), self.desk.screen.name().to_lowercase()]);
        let (pane, line) = self.linked_place();
        let filter = Some(&self.desk.table(pane).filter).filter(|filter| !filter.is_empty());
        let lines = line.into_iter().chain(filter.map(|filter| format!("filter {filter}")));
        words.extend(lines.flat_map(|line| ["--go".to_owned(), shell_word(&line)]));
        words.join(" ")
    }

    fn linked_source(&self) -> Vec<String> {
        let cluster = &self.model.cluster;
        match cluster.source {
            Source::Demo if cluster.context == FLEET => ["--demo", "--context", FLEET, "tui"].map(str::to_owned).into(),
            Source::Demo => ["--demo", "tui"].map(str::to_owned).into(),
            Source::Saved => vec!["tui".to_owned(), shell_word(&cluster.name)],
            Source::Live if !cluster.name.is_empty() => {
                vec!["--context".to_owned(), shell_word(&cluster.name), "tui".to_owned()]
            }
            Source::Past => {
                let demo = self.start.demo.then(|| "--demo".to_owned());
                let moment = self.model.time.past.as_ref().map(|past| format!("@{}", past.moment.id));
                demo.into_iter().chain(["tui".to_owned()]).chain(moment).collect()
            }
            Source::Live | Source::None => vec!["tui".to_owned()],
        }
    }

    /// Stated dimensions; a profile and settings also where the cluster decides the dimensions.
    fn linked_criteria(&self) -> Vec<String> {
        let criteria = self.model.criteria();
        let dimensions = Dimension::ALL.into_iter().filter(|_| self.model.is_stated());
        let stated = dimensions.filter_map(|dimension| Some((dimension.name(), criteria.get(dimension)?)));
        let profile = criteria.profile.iter().map(|choice| ("profile", choice.to_string()));
        let named = stated.chain(profile).flat_map(|(flag, value)| [format!("--{flag}"), shell_word(&value)]);
        let settings = criteria.configuration.decided().into_iter().map(|set| shell_word(&format!("--{}", set.name)));
        named.chain(settings).collect()
    }

    /// The panel that a link goes to, and the line that does.
    fn linked_place(&self) -> (&'static Pane, Option<String>) {
        let selected = |pane| self.desk.table(pane).selected.as_ref().map(|row| row.name().to_owned());
        let focused = self.desk.focused();
        match self.desk.screen {
            Screen::Cluster => (&NODES, selected(&NODES).map(|name| format!("node {name}"))),
            Screen::Recipe if focused == &RECIPE_COMPONENTS => {
                (focused, selected(focused).map(|name| format!("component {name}")))
            }
            Screen::Recipe => (&VALUES, selected(&VALUES).map(|path| format!("value {path}"))),
            Screen::Diff => (
                focused,
                self.model.diff.with.as_ref().map(|with| match with {
                    With::Criteria(criteria) => format!("diff {criteria}"),
                    With::File(path) => format!("diff {}", arguments::typed(&path.display().to_string())),
                    With::Cluster => "diff cluster".to_owned(),
                    With::Each(left, right) => format!("diff {} {}", arguments::typed(left), arguments::typed(right)),
                    With::OnCluster(left) => format!("diff {} cluster", arguments::typed(left)),
                }),
            ),
            Screen::Compare => (focused, self.keeping.document("compare").map(str::to_owned)),
            // One that goes on in this program is in its records as well.
            Screen::Validate => {
                let id = Some(&self.model.run.id).filter(|id| !id.is_empty());
                (&CHECKS, id.map(|id| format!("source {id}")))
            }
        }
    }
}
