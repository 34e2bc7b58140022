//! What the cluster runs beside what the recipe wants.

use super::{no_cluster, prelude::*};
use crate::{inventory::Inventory, resolve::Resolution};

pub static PANE: Pane = Pane {
    name: "components",
    screen: Screen::Cluster,
    place: Place::NONE.short(column(0, 44).row(1).on_focus()).four(column(0, 50).row(1)).all(column(0, 50).row(1)),
    jump: Some(Action::GoComponents),
    needs: &[Need::Cluster, Need::Recipe],
    live: Live::Recipe,
    hints: &[Action::MoveDown, Action::Filter, Action::NextThing, Action::NextPanel],
    build,
    count: |view| {
        let standing = standing(view.model.recipe.value.as_ref()?, view.model.cluster.snapshot.as_ref()?);
        let parts = [(standing.differ, "~"), (standing.missing, "-")];
        let parts = parts.into_iter().filter(|(count, _)| *count > 0).map(|(count, sign)| format!("{count}{sign}"));
        Some(parts.collect::<Vec<_>>().join(" ")).filter(|parts| !parts.is_empty())
    },
    ..Pane::BASE
};

/// How the components of a recipe stand in a cluster.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::workbench) struct Standing {
    /// In another version than the recipe wants.
    pub differ: usize,
    /// Not there, where everything could be looked at.
    pub missing: usize,
    /// Not seen, and not everything could be looked at.
    pub unknown: usize,
}

pub(in crate::workbench) fn standing(resolution: &Resolution, snapshot: &Inventory) -> Standing {
    let is_partial = !gaps(snapshot).is_empty();
    let mut standing = Standing::default();
    for component in resolution.recipe.components.iter().filter(|component| component.is_enabled()) {
        let wanted = if component.version.is_empty() { &component.tag } else { &component.version };
        match observed(snapshot, &component.name).map(|found| found.is(wanted)) {
            Some(Some(true)) => {}
            Some(Some(false)) => standing.differ += 1,
            Some(None) => standing.unknown += 1,
            None if is_partial => standing.unknown += 1,
            None => standing.missing += 1,
        }
    }
    standing
}

/// What a cluster shows of the version of a component.
enum Observed<'s> {
    /// The version of the chart of its release.
    Chart(&'s str),
    /// The tag of each version of the image of its name that runs. Charts have versions of their own, so that another one says
    /// nothing.
    Images(Vec<&'s str>),
}

impl Observed<'_> {
    /// Whether it is the version that is wanted; `None` where that is not known.
    fn is(&self, wanted: &str) -> Option<bool> {
        match self {
            Observed::Chart(found) => Some(plain(found) == plain(wanted)),
            Observed::Images(tags) => tags.iter().all(|tag| plain(tag) == plain(wanted)).then_some(true),
        }
    }

    fn words(&self) -> String {
        match self {
            Observed::Chart(found) => (*found).to_owned(),
            Observed::Images(tags) => format!("image {}", tags.join(", ")),
        }
    }
}

fn observed<'s>(snapshot: &'s Inventory, name: &str) -> Option<Observed<'s>> {
    let release = snapshot.releases.value().into_iter().flatten().find(|release| release.name == name);
    let chart = release.and_then(|release| release.version.as_deref()).map(Observed::Chart);
    let tags: Vec<&str> = snapshot.tags(name).collect();
    chart.or_else(|| (!tags.is_empty()).then_some(Observed::Images(tags)))
}

/// What nobody was allowed to look at is not missing.
fn gaps(snapshot: &Inventory) -> Vec<String> {
    ["pods", "workloads", "helm"].iter().filter_map(|source| snapshot.gap(source)).collect()
}

fn build(view: &View<'_>) -> Content {
    let Some(snapshot) = &view.model.cluster.snapshot else {
        return content(Vec::new(), no_cluster(view), String::new());
    };
    let releases = snapshot.releases.value();
    let gaps = gaps(snapshot);
    let is_partial = !gaps.is_empty();
    let mut rows = Vec::new();
    let mut there = 0;
    if let Some(resolution) = &view.model.recipe.value {
        for component in resolution.recipe.components.iter().filter(|component| component.is_enabled()) {
            let found = observed(snapshot, &component.name);
            there += usize::from(found.is_some());
            let wanted = if component.version.is_empty() { &component.tag } else { &component.version };
            let same = found.as_ref().map(|found| found.is(wanted));
            let (role, glyph) = match same {
                Some(Some(true)) => (Role::Ok, "✓"),
                Some(Some(false)) => (Role::Change, "~"),
                Some(None) => (Role::Muted, "?"),
                None if is_partial => (Role::Muted, "?"),
                None => (Role::Muted, "·"),
            };
            rows.push(Row {
                marker: Some((role, glyph)),
                matters: same == Some(Some(false)),
                ..Row::new(
                    &component.name,
                    vec![
                        Cell::text(&component.name).leading_to(page_of(view, &component.name)),
                        or_dash((!wanted.is_empty()).then_some(wanted)),
                        or_dash(found.map(|found| found.words())),
                    ],
                )
            });
        }
    }
    let wanted = rows.len();
    let blind = snapshot.images.is_empty() && releases.is_none() && is_partial;
    let seen = (wanted > 0 && !blind).then(|| format!("{there} of {wanted} seen"));
    let note = seen.into_iter().chain(gaps.clone()).collect::<Vec<_>>().join(", ");
    for name in snapshot.images.keys() {
        if rows.iter().all(|row| row.id.name() != name) {
            let versions = snapshot.tags(name).collect::<Vec<_>>().join(", ");
            let cells = vec![Cell::new(Role::Muted, name), Cell::new(Role::Muted, "-"), versions.into()];
            rows.push(Row::new(name, cells));
        }
    }
    let says = match is_partial {
        false => Blank::Empty.says("no components were found in this cluster"),
        true => gaps.iter().map(|gap| (Role::Fail, format!("✗ {gap}"))).collect(),
    };
    content(rows, says, note)
}

fn content(rows: Vec<Row>, says: Vec<(Role, String)>, note: String) -> Content {
    Content {
        title: "components".to_owned(),
        note,
        columns: vec![
            Column::new("COMPONENT", 10, 24).grows().name_like(),
            Column::new("RECIPE", 7, 10).side(),
            Column::new("CLUSTER", 7, 10).side(),
        ],
        says: if rows.is_empty() { says } else { Vec::new() },
        rows,
        headers: true,
        ..Content::default()
    }
}

fn plain(version: &str) -> &str {
    version.strip_prefix('v').unwrap_or(version)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tag_of_an_image_is_no_other_version_of_a_chart() {
        assert_eq!(Observed::Chart("v1.2.3").is("1.2.3"), Some(true));
        assert_eq!(Observed::Chart("1.2.2").is("1.2.3"), Some(false));
        assert_eq!(Observed::Images(vec!["v1.2.3"]).is("1.2.3"), Some(true));
        assert_eq!(Observed::Images(vec!["v1.2.2", "v1.2.3"]).is("1.2.3"), None);
        assert_eq!(Observed::Images(vec!["v0.82.0"]).is("75.1.0"), None);
    }
}
