//! What the recipe becomes for Helm: releases by level beside what the cluster runs, what bundling adds to their values, every
//! file with its content, and the same recipe in every other dialect.
//!
//! It is `aicr bundle --plan` without flags, and like it writes nothing; with a bundle on disk it is `--against` as well, in
//! the dialect of that bundle.

use super::{prelude::*, stack};
use crate::{
    bundle::{
        compare::{self, Change, There},
        deployer::{self, Deployer},
        flags::{Flags, path_text},
        plan::{BundlePlan, Options},
        release::Release,
        values::Added,
    },
    ops::{self, Failure, Kind, bundle::Line},
    workbench::widgets::table,
    yaml,
};

pub static PANE: Pane = Pane {
    name: "bundle",
    screen: Screen::Recipe,
    // Nothing of the recipe's other panes is needed beside it.
    presence: |_, focus| if *focus == PANE { Presence::Alone } else { Presence::Hidden },
    jump: Some(Action::GoBundle),
    needs: &[Need::Recipe, Need::Bundle, Need::Look],
    hints: &[Action::MoveDown, Action::Enter, Action::FoldToggle, Action::Filter, Action::Copy, Action::Back],
    build,
    on: |view, action| {
        let row = view.row(&PANE);
        match (action, row) {
            (Action::Back, _) => Some(Step::Focus(&stack::PANE)),
            (Action::Enter, Some(row)) if row.branch.is_some() => Some(Step::Fold),
            (Action::Enter, Some(row)) => read(view, row.id.named()?),
            (Action::Copy, Some(row)) => Some(Step::Copy(label(row.id.named()?).to_owned())),
            _ => None,
        }
    },
    ..Pane::BASE
};

/// What begins the identity of a row that is a file.
const FILE: &str = "file ";
/// And one that is a dialect.
const DIALECT: &str = "dialect ";
/// And one that is a file which differs from the bundle on disk.
const CHANGE: &str = "change ";
/// And one that is a note, before its number.
const NOTE: &str = "note ";
/// Columns before a row below a heading.
const INDENT: usize = 2;

fn label(name: &str) -> &str {
    [FILE, DIALECT, CHANGE].iter().find_map(|kind| name.strip_prefix(kind)).unwrap_or(name)
}

/// The plan of the recipe that is shown; none without a recipe.
fn plan(view: &View<'_>) -> Option<Result<BundlePlan, Failure>> {
    plan_for(view, deployer::ALL[0])
}

/// The same in a dialect.
fn plan_for(view: &View<'_>, deployer: &'static dyn Deployer) -> Option<Result<BundlePlan, Failure>> {
    plan_as(view, deployer, deployer::Settings::default())
}

fn plan_as(
    view: &View<'_>,
    deployer: &'static dyn Deployer,
    settings: deployer::Settings,
) -> Option<Result<BundlePlan, Failure>> {
    let (catalog, resolution) = (view.model.catalog.value.as_ref()?, view.model.recipe.value.as_ref()?);
    let options = Options {
        flags: Flags::default(),
        deployer: deployer::formed(deployer, &settings),
        settings,
        serial: false,
        readiness_hooks: false,
        tool: env!("CARGO_PKG_VERSION").to_owned(),
        vendored: None,
        supplied: Default::default(),
    };
    Some(ops::bundle::plan(catalog, &resolution.recipe, options))
}

fn build(view: &View<'_>) -> Content {
    let plan = match plan(view) {
        None => return content(view, Vec::new(), String::new(), stack::no_recipe(view)),
        Some(Err(failure)) => return content(view, Vec::new(), String::new(), failed(view, &failure)),
        Some(Ok(plan)) => plan,
    };
    let bundle = &plan.bundle;
    let mut rows: Vec<Row> = against(view, &plan);
    for level in 0..bundle.levels() {
        let releases: Vec<&Release> = bundle.releases.iter().filter(|release| release.level == level).collect();
        rows.push(heading("level", level, format!("level {level}: {}", text::count(releases.len(), "release")), true));
        rows.extend(releases.iter().map(|release| row(view, &plan, release)));
    }
    let bytes: usize = plan.files.iter().map(|file| file.bytes.len()).sum();
    let files = text::count(plan.files.len(), "file");
    rows.push(heading("files", 0, format!("{files}, {} bytes", crate::text::thousands(bytes)), false));
    let mut folder = "";
    for file in &plan.files {
        let (above, name) = file.path.split_once('/').unwrap_or(("", &file.path));
        if above != folder && !above.is_empty() {
            rows.push(Row {
                depth: 1,
                branch: Some(false),
                ..Row::new(format!("folder {above}"), vec![Cell::new(Role::Text, format!("{above}/"))])
            });
        }
        folder = above;
        let size = crate::text::thousands(file.bytes.len());
        rows.push(Row {
            depth: if above.is_empty() { 1 } else { 2 },
            ..Row::new(format!("{FILE}{}", file.path), vec![Cell::new(Role::Text, name), Cell::new(Role::Muted, size)])
        });
    }
    rows.push(heading(
        "dialects",
        0,
        format!("{} in other dialects", text::count(deployer::ALL.len() - 1, "plan")),
        true,
    ));
    rows.extend(deployer::ALL[1..].iter().map(|deployer| {
        let name = Deployer::name(*deployer);
        let cell = Cell::new(Role::Text, format!("{name}: {}", deployer.about()));
        Row { depth: 1, ..Row::new(format!("{DIALECT}{name}"), vec![cell]) }
    }));
    if !bundle.notes.is_empty() {
        rows.push(heading("notes", 0, text::count(bundle.notes.len(), "note"), false));
        // One cell has the whole line, and what has no room in it goes on below.
        let columns = table::text_columns(view.width).saturating_sub(INDENT).max(1);
        rows.extend(bundle.notes.iter().enumerate().flat_map(|(at, note)| {
            let role = if note.is_warning() { Role::Warn } else { Role::Muted };
            let whole = if note.component.is_empty() { "all" } else { &note.component };
            let said = Cell::new(role, format!("{whole}  ")).and(role, note.to_string());
            let line = move |(part, cell): (usize, &Cell)| match part {
                0 => Row { depth: 1, matters: true, ..Row::new(format!("{NOTE}{at}"), vec![cell.clone()]) },
                _ => Row { depth: 1, continues: true, ..Row::new(format!("{NOTE}{at} {part}"), vec![cell.clone()]) },
            };
            said.lines(columns).iter().enumerate().map(line).collect::<Vec<_>>()
        }));
    }
    let line = view.keys.command("recipe service=kind accelerator=a100");
    let says = vec![(Role::Muted, format!("the recipe has no components; {line} resolves another"))];
    content(view, rows, crate::bundle::info::summary(bundle), says)
}

/// What writing the bundle would change in the one on disk that a person named; first, because it was asked for.
fn against(view: &View<'_>, plan: &BundlePlan) -> Vec<Row> {
    let slot = &view.model.bundle;
    let head = |role, text: String, is_open| {
        vec![Row { branch: Some(is_open), ..Row::new(RowId::Line("against", 0), vec![Cell::new(role, text)]) }]
    };
    let Some(asked) = slot.asked() else { return Vec::new() };
    let asked = asked.display();
    if let Some(failure) = &slot.failure {
        return head(Role::Fail, format!("not compared with {asked}: {}", text::clean(&failure.because)), false);
    }
    let Some((folder, there)) = slot.answer().filter(|_| !slot.loading) else {
        return head(Role::Muted, format!("reading {asked} …"), false);
    };
    let other = other_plan(view, there);
    let plan = match &other {
        None => plan,
        Some(Ok(other)) => other,
        Some(Err(failure)) => {
            return head(Role::Fail, format!("not compared with {asked}: {}", text::clean(&failure.because)), false);
        }
    };
    let changes = compare::files(plan, &there.files);
    let name = Deployer::name(plan.bundle.options.deployer);
    let folder = format!("the {name} bundle in {}", folder.display());
    let mut rows = match changes.len() {
        0 => head(Role::Ok, format!("no file of {folder} would change"), false),
        count => head(Role::Change, format!("{} of {folder} would change", text::count(count, "file")), true),
    };
    rows.extend(changes.iter().map(|change| {
        let role = match change {
            Change::New(_) => Role::Ok,
            Change::Gone(_) => Role::Fail,
            Change::Changed(..) => Role::Change,
        };
        let cell = Cell::new(role, format!("{} {}", change.word(), text::clean(change.path())));
        Row { depth: 1, ..Row::new(format!("{CHANGE}{}", change.path()), vec![cell]) }
    }));
    rows
}

/// The plan in the dialect of a bundle on disk, where that is not the shown one.
fn other_plan(view: &View<'_>, there: &There) -> Option<Result<BundlePlan, Failure>> {
    let Some((deployer, fleet_mode)) = deployer::of(there) else {
        let because = "it names no deployer that this version knows";
        return Some(Err(Failure::new(Kind::Usage, "compare the bundle", because)));
    };
    let is_shown = Deployer::name(deployer) == Deployer::name(deployer::ALL[0]);
    let settings = deployer::Settings { fleet_mode, ..Default::default() };
    if is_shown { None } else { plan_as(view, deployer, settings) }
}

/// A file that would change: its lines on both sides, or what there is to say of it.
fn change(view: &View<'_>, plan: &BundlePlan, path: &str) -> Option<Step> {
    let (_, there) = view.model.bundle.answer()?;
    let other = other_plan(view, there).transpose().ok()?;
    let changes = compare::files(other.as_ref().unwrap_or(plan), &there.files);
    let change = changes.iter().find(|change| change.path() == path)?;
    let body = match (change, ops::bundle::lines(change)) {
        (Change::New(file), _) => file.shown().into_owned(),
        (Change::Gone(_), _) => "the plan does not have this file".to_owned(),
        (_, Err(binary)) => binary.to_string(),
        (_, Ok(lines)) if lines.is_empty() => "the digests of the files that differ".to_owned(),
        (_, Ok(lines)) => {
            lines.into_iter().map(|Line { sign, number, text }| format!("{sign} line {number:<4}  {text}\n")).collect()
        }
    };
    Some(Step::Text { title: format!("{} {path}", change.word()), body })
}

/// The version that the cluster runs of a release; unknown where nobody could look.
fn runs(view: &View<'_>, release: &Release) -> (Role, String) {
    let releases = view.model.cluster.snapshot.as_ref().and_then(|snapshot| snapshot.releases.value());
    let Some(releases) = releases else { return (Role::Muted, "unknown".to_owned()) };
    // Flux calls a release by its namespace, too.
    let long = format!("{}-{}", release.namespace, release.name);
    let found = releases.iter().find(|found| found.name == release.name || found.name == long);
    let Some(found) = found else { return (Role::Muted, "none".to_owned()) };
    let version = found.version.clone().unwrap_or_else(|| "unknown".to_owned());
    let planned = release.chart.upstream().map(|(_, _, version)| version.trim_start_matches('v'));
    let is_other = planned.is_some_and(|planned| planned != version.trim_start_matches('v'));
    (if is_other { Role::Change } else { Role::Ok }, version)
}

/// Whether charts have a column. Most are called as their release is, and what a release waits for is worth more.
fn has_charts(view: &View<'_>) -> bool {
    view.width >= 150
}

fn row(view: &View<'_>, plan: &BundlePlan, release: &Release) -> Row {
    let (runs_role, runs) = runs(view, release);
    let bundle = &plan.bundle;
    let (chart, version) = match release.chart.upstream() {
        Some((name, _, version)) => (name.to_owned(), version.to_owned()),
        None => (release.chart.to_string(), "in bundle".to_owned()),
    };
    let chart = has_charts(view).then(|| Cell::new(Role::Muted, &chart));
    let needs: Vec<&str> = release.needs.iter().map(|need| &*bundle.releases[*need].name).collect();
    let mut cells = vec![
        Cell::new(Role::Text, &release.name),
        Cell::new(Role::Muted, &version),
        Cell::new(runs_role, &runs),
        Cell::new(Role::Muted, &release.namespace),
    ];
    cells.extend(chart);
    cells.push(or_dash((!needs.is_empty()).then(|| needs.join(", ")).as_ref()));
    Row { depth: 1, ..Row::new(&release.name, cells) }
}

/// The files of two plans by release; those in the folder of the release without it, because there is little room for two.
fn side_by_side(left: &BundlePlan, right: &BundlePlan) -> String {
    let name = |plan: &BundlePlan| Deployer::name(plan.bundle.options.deployer);
    let column = |plan: &BundlePlan, release: &str, paths: &[String]| -> Vec<String> {
        let known = plan.bundle.releases.iter().find(|known| known.name == release);
        let folder = known.map(|release| format!("{}/", plan.bundle.options.deployer.folder(release)));
        let folder = folder.filter(|folder| paths.iter().any(|path| path.starts_with(folder)));
        let own = |path: &&String| folder.as_ref().is_some_and(|folder| path.starts_with(folder));
        let (inside, outside): (Vec<&String>, Vec<&String>) = paths.iter().partition(own);
        let short = |path: &String| format!("  {}", &path[folder.as_ref().map_or(0, String::len)..]);
        let rows = folder.iter().cloned().chain(inside.into_iter().map(short));
        rows.chain(outside.into_iter().cloned()).collect()
    };
    let rows: Vec<(String, Vec<String>, Vec<String>)> = compare::dialects(left, right)
        .into_iter()
        .map(|pair| {
            let (one, two) = (column(left, &pair.release, &pair.left), column(right, &pair.release, &pair.right));
            (pair.release, one, two)
        })
        .collect();
    let width = rows.iter().flat_map(|(_, left, _)| left).map(String::len).max().unwrap_or(0);
    let mut body = format!("  {:<width$}  {}\n", name(left), name(right));
    for (release, left, right) in rows {
        body += &format!("\n{release}\n");
        for at in 0..left.len().max(right.len()) {
            let side = |side: &[String]| side.get(at).cloned().unwrap_or_default();
            body += format!("  {:<width$}  {}", side(&left), side(&right)).trim_end();
            body.push('\n');
        }
    }
    body
}

/// A release in full, or a file.
fn read(view: &View<'_>, name: &str) -> Option<Step> {
    let plan = plan(view)?.ok()?;
    if let Some(path) = name.strip_prefix(FILE) {
        let file = plan.files.iter().find(|file| file.path == path)?;
        return Some(Step::Text { title: path.to_owned(), body: file.shown().into_owned() });
    }
    if let Some(path) = name.strip_prefix(CHANGE) {
        return change(view, &plan, path);
    }
    if let Some(name) = name.strip_prefix(DIALECT) {
        let deployer = deployer::named(name).ok()?;
        let title = format!("{} and {name} side by side", Deployer::name(deployer::ALL[0]));
        let body = match plan_for(view, deployer)? {
            Ok(other) => side_by_side(&plan, &other),
            Err(failure) => failure.because.clone(),
        };
        return Some(Step::Text { title, body });
    }
    if let Some(at) = name.strip_prefix(NOTE) {
        let at = at.split(' ').next()?;
        let note = plan.bundle.notes.get(at.parse::<usize>().ok()?)?;
        return Some(Step::Prose { title: note.component.clone(), body: note.to_string() });
    }
    let release = plan.bundle.releases.iter().find(|release| release.name == name)?;
    Some(Step::Text { title: release.name.clone(), body: in_full(&plan, release) })
}

fn in_full(plan: &BundlePlan, release: &Release) -> String {
    let component = plan.bundle.component(release);
    let folder = plan.bundle.options.deployer.folder(release);
    let needs: Vec<&str> = release.needs.iter().map(|need| &*plan.bundle.releases[*need].name).collect();
    let mut body = format!(
        "chart      {}\nnamespace  {}\nlevel      {}\nbehind     {}\nfolder     {folder}\nwaits      {}\n",
        release.chart,
        release.namespace,
        release.level,
        if needs.is_empty() { "nothing".to_owned() } else { needs.join(", ") },
        if release.is_awaited() {
            format!("until its workloads are ready, {} s at most", release.timeout())
        } else {
            "not".to_owned()
        },
    );
    if !component.values.added.is_empty() {
        body += "\nwhat bundling adds to the values of the recipe:\n";
    }
    for Added { path, value, rule } in &component.values.added {
        body += &format!("  {} = {value}\n      {}\n", path_text(path), rule.why());
    }
    body += &format!("\nvalues:\n{}", yaml::to_string(&release.values));
    body
}

fn heading(section: &'static str, at: usize, text: String, is_open: bool) -> Row {
    Row { branch: Some(is_open), ..Row::new(RowId::Line(section, at), vec![Cell::new(Role::Heading, text)]) }
}

fn content(view: &View<'_>, rows: Vec<Row>, note: String, says: Vec<(Role, String)>) -> Content {
    let mut columns = vec![
        Column::new("RELEASE", 14, 34).name_like(),
        Column::new("VERSION", 7, 14).priority(1),
        Column::new("RUNS", 7, 14).priority(1),
        Column::new("NAMESPACE", 8, 24).priority(2),
    ];
    columns.extend(has_charts(view).then(|| Column::new("CHART", 7, 32).priority(3)));
    columns.push(Column::new("BEHIND", 7, 20).grows().priority(3));
    Content {
        title: "bundle for helm".to_owned(),
        note,
        columns,
        says: if rows.is_empty() { says } else { Vec::new() },
        rows,
        headers: true,
        ordered: true,
        ..Content::default()
    }
}
