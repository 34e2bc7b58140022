//! Criteria as toggles: each change resolves again beside the current recipe.

use super::{prelude::*, values};
use crate::{
    constraint::Verdict,
    criteria::{Criteria, Dimension, ProfileChoice},
    diff::{ChangeKind, effects::Effect, flips::Flip},
    resolve::{
        configuration::{self, Offered},
        profile,
    },
    settings,
    workbench::model::With,
};

pub static PANE: Pane = Pane {
    name: "what-if",
    screen: Screen::Recipe,
    place: Place::NONE
        .detail(10)
        .short(column(1, 0).row(1).part(1, 2).at_most(10))
        .four(column(1, 0).row(1).lines(13))
        .all(strip(12)),
    presence: |model, _| if model.what_if.is_some() { Presence::Shown } else { Presence::Hidden },
    needs: &[Need::Recipe, Need::WhatIf],
    hints: &[Action::Left, Action::Right, Action::Adopt, Action::Enter, Action::KeepColumn, Action::Back],
    words: &[
        (Action::Left, "previous"),
        (Action::Right, "next value"),
        (Action::Enter, "diff"),
        (Action::KeepColumn, "column"),
        (Action::Back, "revert"),
    ],
    build,
    on: |view, action| match action {
        Action::Left | Action::Right => next(view, action == Action::Right),
        Action::Enter => Some(compare(view)),
        Action::Adopt => Some(adopt(view)),
        Action::Back if view.table().filter.is_empty() => Some(Step::CloseWhatIf),
        Action::GoDefinition => Some(values::definition(view, values::path_of(view)?)),
        _ => None,
    },
    ..Pane::BASE
};

fn build(view: &View<'_>) -> Content {
    let data = view.model;
    let Some(what_if) = &data.what_if else {
        return Content {
            title: "what-if".to_owned(),
            says: Blank::NotAsked
                .says(format!("{} changes a criterion and shows what would change", view.keys.key(Action::WhatIf))),
            ..Content::default()
        };
    };
    let key = |action| view.keys.key(action);
    let mut rows: Vec<Row> = Dimension::ALL
        .into_iter()
        .map(|dimension| {
            let now = data.criteria().get(dimension);
            let then = what_if.criteria.get(dimension);
            let changed = now != then;
            let legal = data.catalog.value.as_ref().map(|catalog| catalog.criteria_values(dimension));
            let mut choices = legal_values(&legal.unwrap_or_default(), then.as_deref());
            if dimension == Dimension::Nodes {
                choices = Cell::new(
                    Role::Muted,
                    format!("{} and {} halve and double", key(Action::Left), key(Action::Right)),
                );
            }
            let word = |value: Option<String>| value.unwrap_or_else(|| "any".to_owned());
            Row {
                marker: changed.then_some((Role::Change, "~")),
                matters: changed,
                ..Row::new(
                    RowId::Criterion(dimension),
                    vec![
                        Cell::new(Role::Muted, dimension.name()),
                        Cell::new(if changed { Role::Change } else { Role::Text }, word(then)),
                        Cell::new(Role::Muted, if changed { format!("was {}", word(now)) } else { String::new() }),
                        choices,
                    ],
                )
            }
        })
        .collect();
    rows.extend(profile_row(view));
    rows.extend(setting_rows(view));
    if what_if.criteria != *data.criteria() && !what_if.changes.loading {
        rows.extend(what_if.flips.iter().enumerate().map(flip_row));
    }
    Content {
        title: "what-if".to_owned(),
        note: summary(view),
        columns: vec![
            Column::new("CRITERION", 11, 21),
            Column::new("VALUE", 10, 18),
            Column::new("", 8, 22).priority(1),
            Column::new("LEGAL VALUES", 10, 20).grows(),
        ],
        rows,
        says: failure_line(view).into_iter().chain(not_honored(view)).collect(),
        headers: true,
        ordered: true,
        goes_on: true,
        ..Content::default()
    }
}

/// A constraint that would be another one, and how the cluster meets it.
fn flip_row((at, flip): (usize, &Flip)) -> Row {
    let Effect { name, phase, left, right, .. } = &flip.effect;
    let met = |verdict: &Option<Verdict>| match verdict {
        Some(Verdict::Pass { actual, .. }) => (Role::Ok, format!("✓ met by {actual}")),
        Some(Verdict::Fail { actual, .. }) => (Role::Fail, format!("✗ not met by {actual}")),
        Some(Verdict::Unknown { reason, .. }) => (Role::Muted, format!("not known: {reason}")),
        None => (Role::Muted, String::new()),
    };
    let (role, after) = met(&flip.after);
    let (_, before) = met(&flip.before);
    let said = match (&flip.after, flip.is_flipped()) {
        (Some(_), _) if flip.left_out.is_some() => {
            let overlay = flip.left_out.as_deref().unwrap_or_default();
            Cell::new(role, after).and(Role::Muted, format!(", so overlay {overlay} is left out"))
        }
        (None, _) if right.is_some() && !name.contains('.') => Cell::new(Role::Muted, "measured in a run"),
        (None, _) if right.is_some() => Cell::new(Role::Muted, "no snapshot to judge it on"),
        (None, _) if before.is_empty() => Cell::new(Role::Muted, "no longer asked for"),
        (None, _) => Cell::new(Role::Muted, format!("no longer asked for; {before}")),
        (Some(_), true) if flip.before.is_some() => {
            Cell::new(role, after).and(Role::Muted, format!("; now {}", before.trim_start_matches(['✓', '✗', ' '])))
        }
        (Some(_), _) => Cell::new(role, after),
    };
    let (marker, expected) = match (left, right) {
        (None, right) => ((Role::Add, "+"), right.clone().unwrap_or_default()),
        (Some(left), Some(right)) => ((Role::Change, "~"), format!("{right} (was {left})")),
        (Some(left), None) => ((Role::Remove, "-"), left.clone()),
    };
    let of = phase.as_ref().map_or_else(String::new, |phase| format!(" ({phase})"));
    // One cell over all columns: what is in it belongs to none of them.
    let rule = Cell::new(Role::Muted, format!("constraint {name}{of}  ")).and(Role::Change, format!("{expected}  "));
    let cells = vec![rule.with(&said)];
    Row { marker: Some(marker), matters: flip.is_flipped(), ..Row::new(RowId::Line("constraint", at), cells) }
}

/// Legal values, the chosen one in the color of the focus.
fn legal_values(legal: &[String], chosen: Option<&str>) -> Cell {
    // What goes on below begins where the first value does.
    legal.iter().fold(Cell::new(Role::Muted, ""), |cell, value| {
        let role = if chosen == Some(value.as_str()) { Role::Focus } else { Role::Muted };
        cell.and(role, format!("{value} "))
    })
}

/// The profile that these criteria have a choice of, as one more criterion.
fn profile_row(view: &View<'_>) -> Option<Row> {
    let what_if = view.model.what_if.as_ref()?;
    let profile = profile::offered(view.model.catalog.value.as_ref()?, &what_if.criteria)?;
    let value = |choice: &Option<ProfileChoice>| {
        let chosen = choice.as_ref().filter(|choice| choice.name == profile.name);
        chosen.map_or(&profile.default, |choice| &choice.value).clone()
    };
    let (now, then) = (value(&view.model.criteria().profile), value(&what_if.criteria.profile));
    let changed = now != then;
    let choices = profile.names().fold(Cell::new(Role::Muted, ""), |cell, name| {
        let role = if name == then { Role::Focus } else { Role::Muted };
        let default = if name == profile.default { " (default) " } else { " " };
        cell.and(role, format!("{name}{default}"))
    });
    let was = if changed { format!("was {now}") } else { String::new() };
    Some(Row {
        marker: changed.then_some((Role::Change, "~")),
        matters: changed,
        ..Row::new(
            RowId::Profile,
            vec![
                Cell::new(Role::Muted, &profile.name),
                Cell::new(if changed { Role::Change } else { Role::Text }, then),
                Cell::new(Role::Muted, was),
                choices,
            ],
        )
    })
}

/// The next or previous value of the profile; the default is nobody's choice.
fn next_profile(view: &View<'_>, forward: bool) -> Option<Step> {
    let what_if = view.model.what_if.as_ref()?;
    let profile = profile::offered(view.model.catalog.value.as_ref()?, &what_if.criteria)?;
    let now = what_if.criteria.profile.as_ref().map_or(&profile.default, |choice| &choice.value);
    let count = profile.values.len();
    let at = profile.names().position(|name| name == now).unwrap_or(0);
    let value = profile.names().nth((at + if forward { 1 } else { count - 1 }) % count)?;
    let choice = || ProfileChoice { name: profile.name.clone(), value: value.to_owned() };
    Some(Step::Profile((value != profile.default).then(choice)))
}

/// The typed settings that these criteria have a choice of, each as one more criterion.
fn setting_rows(view: &View<'_>) -> Vec<Row> {
    let (Some(what_if), Some(catalog)) = (&view.model.what_if, view.model.catalog.value.as_ref()) else {
        return Vec::new();
    };
    let row = |offered: Offered| {
        let value = |criteria: &Criteria| match offered.flag {
            settings::INTERFACES_FLAG => {
                criteria.configuration.gke.as_ref().map_or("not given", |_| "given").to_owned()
            }
            flag => {
                let decided = criteria.configuration.mode(flag).or(offered.default);
                decided.unwrap_or(AS_THE_RECIPE).to_owned()
            }
        };
        let (now, then) = (value(view.model.criteria()), value(&what_if.criteria));
        let changed = now != then;
        let mut choices = Cell::new(Role::Muted, "");
        if offered.default.is_none() && !offered.modes.is_empty() {
            let role = if then == AS_THE_RECIPE { Role::Focus } else { Role::Muted };
            choices = choices.and(role, format!("{AS_THE_RECIPE} "));
        }
        for mode in offered.modes {
            let role = if then == *mode { Role::Focus } else { Role::Muted };
            let default = if offered.default == Some(*mode) { " (default) " } else { " " };
            choices = choices.and(role, format!("{mode}{default}"));
        }
        if offered.modes.is_empty() {
            let line = view.keys.command(&format!("recipe … {}=eth1=NETWORK,…,eth8=NETWORK", offered.flag));
            choices = Cell::new(Role::Muted, line);
        }
        let was = if changed { format!("was {now}") } else { String::new() };
        Row {
            marker: changed.then_some((Role::Change, "~")),
            matters: changed,
            ..Row::new(
                RowId::Setting(offered.flag),
                vec![
                    Cell::new(Role::Muted, offered.flag),
                    Cell::new(if changed { Role::Change } else { Role::Text }, then),
                    Cell::new(Role::Muted, was),
                    choices,
                ],
            )
        }
    };
    configuration::offered(catalog, &what_if.criteria).into_iter().map(row).collect()
}

/// What a setting is that nobody decided and that has no default.
const AS_THE_RECIPE: &str = "as is";

/// The next or previous mode of a setting; the default, or the recipe's own, is nobody's choice.
fn next_setting(view: &View<'_>, flag: &str, forward: bool) -> Option<Step> {
    let what_if = view.model.what_if.as_ref()?;
    let offered = configuration::offered(view.model.catalog.value.as_ref()?, &what_if.criteria);
    let offered = offered.into_iter().find(|offered| offered.flag == flag)?;
    if offered.modes.is_empty() {
        let line = view.keys.command(&format!("recipe … {flag}=eth1=NETWORK,…,eth8=NETWORK"));
        return Some(Step::Say(format!("only their owner knows the networks; {line} gives them")));
    }
    let mut choices: Vec<Option<&'static str>> = offered.modes.iter().copied().map(Some).collect();
    if offered.default.is_none() {
        choices.insert(0, None);
    }
    let now = what_if.criteria.configuration.mode(flag).or(offered.default);
    let at = choices.iter().position(|choice| *choice == now).unwrap_or(0);
    let chosen = choices[(at + if forward { 1 } else { choices.len() - 1 }) % choices.len()];
    Some(Step::Setting(offered.flag, chosen.filter(|_| chosen != offered.default)))
}

fn failure_line(view: &View<'_>) -> Vec<(Role, String)> {
    let failure = view.model.what_if.as_ref().and_then(|what_if| what_if.resolution.failure.as_ref());
    failure.map_or_else(Vec::new, |failure| vec![(Role::Fail, format!("✗ {}", text::clean(&failure.why())))])
}

/// Criteria that were changed and that no overlay is for: what would change is not because of them.
fn not_honored(view: &View<'_>) -> Option<(Role, String)> {
    let what_if = view.model.what_if.as_ref()?;
    let then = what_if.resolution.value.as_ref().filter(|_| !what_if.resolution.loading)?;
    let criterion = |dimension: Dimension| {
        let value = what_if.criteria.get(dimension)?;
        Some(format!("{}={value}", dimension.name()))
    };
    let is_changed = |dimension: &Dimension| what_if.criteria.get(*dimension) != view.model.criteria().get(*dimension);
    let missing = then.coverage.iter().filter(|entry| entry.is_missing()).map(|entry| entry.dimension);
    let names: Vec<String> = missing.filter(is_changed).filter_map(criterion).collect();
    (!names.is_empty()).then(|| (Role::Warn, format!("! no overlay honors {}", names.join(", "))))
}

fn summary(view: &View<'_>) -> String {
    let Some(what_if) = &view.model.what_if else { return String::new() };
    let key = |action| view.keys.key(action);
    if what_if.criteria == *view.model.criteria() {
        return format!("{} {} change a value, {} reverts", key(Action::Left), key(Action::Right), key(Action::Back));
    }
    match &what_if.changes.value {
        Some(changes) if !what_if.changes.loading => {
            let components = changes.iter().filter(|change| {
                matches!(change.kind, ChangeKind::Added | ChangeKind::Removed)
                    && change.path.strip_prefix("components.").is_some_and(|rest| !rest.contains('.'))
            });
            let count = components.count();
            let components = if count > 0 { format!(", {}", text::count(count, "component")) } else { String::new() };
            let changes = text::count(changes.len(), "change");
            let flipped = what_if.flips.iter().filter(|flip| flip.is_flipped()).count();
            let flips = match flipped {
                0 => String::new(),
                1 => ", 1 constraint flips".to_owned(),
                several => format!(", {several} constraints flip"),
            };
            format!("{changes}{components}{flips}; {} adopts, {} compares", key(Action::Adopt), key(Action::Enter))
        }
        _ if what_if.resolution.failure.is_some() => "no recipe for these criteria".to_owned(),
        _ => "resolving …".to_owned(),
    }
}

/// The next or previous legal value of the criterion under the cursor.
fn next(view: &View<'_>, forward: bool) -> Option<Step> {
    match *view.selected(&PANE)? {
        RowId::Profile => return next_profile(view, forward),
        RowId::Setting(flag) => return next_setting(view, flag, forward),
        RowId::Line(..) => {
            let said = "a constraint follows from the criteria above it, and is not changed by itself";
            return Some(Step::Say(said.to_owned()));
        }
        _ => {}
    }
    let what_if = view.model.what_if.as_ref()?;
    let RowId::Criterion(dimension) = *view.selected(&PANE)? else { return None };
    let next = if dimension == Dimension::Nodes {
        let nodes = what_if.criteria.nodes;
        let next = if forward { nodes.saturating_mul(2).max(1) } else { nodes / 2 };
        (next > 0).then(|| next.min(65_536).to_string())
    } else {
        // `any` comes before the first value.
        let legal = view.model.catalog.value.as_ref()?.criteria_values(dimension);
        let now = what_if.criteria.get(dimension);
        let at = now.and_then(|now| legal.iter().position(|value| *value == now)).map_or(0, |at| at + 1);
        let count = legal.len() + 1;
        let next = (at + if forward { 1 } else { count - 1 }) % count;
        next.checked_sub(1).map(|index| legal[index].clone())
    };
    Some(Step::Criterion(dimension, next))
}

/// The criteria become those of the recipe.
fn adopt(view: &View<'_>) -> Step {
    match &view.model.what_if {
        Some(what_if) if what_if.resolution.failure.is_some() => {
            Step::Say("these criteria do not resolve to a recipe, so it stays as it is".to_owned())
        }
        Some(what_if) if what_if.criteria != *view.model.criteria() => Step::Adopt(what_if.criteria.clone()),
        _ => Step::Say(unchanged(view)),
    }
}

fn unchanged(view: &View<'_>) -> String {
    let (left, right) = (view.keys.key(Action::Left), view.keys.key(Action::Right));
    format!("no changes yet: {left} and {right} change the criterion")
}

/// The criteria become the other side of the Diff screen.
fn compare(view: &View<'_>) -> Step {
    match &view.model.what_if {
        Some(what_if) if what_if.criteria != *view.model.criteria() => {
            Step::Diff(With::Criteria(what_if.criteria.clone()))
        }
        _ => Step::Say(unchanged(view)),
    }
}
