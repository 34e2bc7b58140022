//! Deploy a bundle, or remove it: the person's Helm release by release, readiness from the objects themselves.
//!
//! In: a folder with a bundle. Out: a plan that touches nothing; then a run, whose events go to the same log as those of a
//! validation, so that lists, replays and screens read them. The machine of [`crate::deploy`] decides; here is what it
//! decides about: Helm, watches, the lock. State is in the cluster (Helm's own records, marked as `deploy.sh` marks them), so
//! a run that was killed is continued by the next one, of either.

mod aftermath;
mod awaiting;
mod dispatcher;
mod preflight;
mod stand_in;
mod work;

use super::{
    Failure, Kind, bundle,
    connect::Target,
    run,
    upgrade::{self, installed::Live},
};
use crate::{
    catalog::Catalog,
    cluster::{
        Connection,
        helm::{Helm, HelmError},
        helm_record,
    },
    deploy::{
        event::{Found, Way},
        machine::Options,
        plan::{self, Chart, DeployPlan, Files, PlanError},
    },
    inventory::Inventory,
    text,
};
pub use dispatcher::run;
use std::{
    fmt,
    path::{Path, PathBuf},
    sync::Arc,
};

/// What a person asks for.
#[derive(Clone, Debug, Default)]
pub struct Wish {
    /// Only these components; all where none is named.
    pub components: Vec<String>,
    /// One release after the other.
    pub serial: bool,
    /// Deploy although files are not as they were written.
    pub allow_changed: bool,
    pub options: Options,
    /// The program; else the one in `PATH`.
    pub helm: Option<PathBuf>,
    /// When removing: leave the namespaces that a deploy has made.
    pub keep_namespaces: bool,
    /// When removing: delete volume claims with their data.
    pub delete_pvcs: bool,
    /// When removing: do not look for objects that would be held.
    pub skip_preflight: bool,
    /// Keep a record.
    pub record: bool,
}

/// A deploy that was planned and not started.
#[derive(Clone, Debug)]
pub struct Prepared {
    pub run_id: String,
    /// As the person wrote it.
    pub name: String,
    content: Content,
    /// In the order in which it is done: the opposite one where a bundle is removed.
    pub plan: Arc<DeployPlan>,
    pub wish: Wish,
    /// What is not as it was written, where that is allowed.
    pub changed: Option<String>,
}

/// Plans a deploy; touches no cluster.
///
/// # Errors
/// A folder that is not a bundle, that is not as it was written, or that is for another tool.
pub fn prepare(folder: &Path, wish: Wish) -> Result<Prepared, Failure> {
    let doing = wish.options.way.doing();
    let at = folder.display().to_string();
    let read = bundle::read(folder).map_err(|failure| Failure { doing: doing.to_owned(), ..failure })?;
    let bundle::Read { checked, files, unread } = read;
    if !checked.is_intact() && !wish.allow_changed {
        let hint = "`aicr verify` lists every difference; --allow-changed deploys the files as they are";
        return Err(Failure::new(Kind::Forbidden, doing, checked.words()).at(at).hint(hint));
    }
    let planned = plan::plan(&files).and_then(|plan| plan.only(&wish.components));
    // What was not read cannot be deployed as it is either, and without it a release is another one.
    if let Some(unread) = unread.iter().find(|unread| is_needed(unread.path(), &planned, wish.options.way)) {
        let hint = "put a file there that can be read, or write the bundle again with `aicr bundle`";
        return Err(Failure::new(Kind::Usage, doing, unread.to_string()).at(at).hint(hint));
    }
    let planned = planned.map_err(|error| {
        let hint = error.hint();
        Failure { hint, ..Failure::from_error(Kind::Usage, doing, error).at(&at) }
    })?;
    let planned = if wish.serial { planned.one_by_one() } else { planned };
    let planned = if wish.options.way == Way::Remove { planned.reversed() } else { planned };
    Ok(Prepared {
        run_id: run::run_id(jiff::Timestamp::now())?,
        name: at.clone(),
        content: Content(Arc::new(files)),
        plan: Arc::new(planned),
        changed: (!checked.is_intact()).then(|| checked.words()),
        wish,
    })
}

/// Whether what is at a path belongs to a release of the plan, or is what there is no plan without.
fn is_needed(path: &str, planned: &Result<DeployPlan, PlanError>, way: Way) -> bool {
    let is_in = |inner: &str, folder: &str| {
        inner.strip_prefix(folder).is_some_and(|rest| matches!(rest.bytes().next(), None | Some(b'/')))
    };
    match planned {
        // Of a release that is removed only its name and namespace are used.
        Ok(plan) => way == Way::Install && plan.releases.iter().any(|release| is_in(path, &release.folder)),
        Err(PlanError::Missing(missing)) => is_in(missing, path),
        Err(_) => false,
    }
}

/// The files as they were read, checked and planned from: what is done later is done with these.
#[derive(Clone)]
struct Content(Arc<Files>);

impl fmt::Debug for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&text::count(self.0.len(), "file"))
    }
}

impl Prepared {
    /// The plan for people.
    pub fn lines(&self, cluster: &str) -> Vec<String> {
        let DeployPlan { releases, .. } = &*self.plan;
        let way = self.wish.options.way;
        let mut lines = vec![format!(
            "{} {} {} {cluster}: {} in {}",
            way.verb(),
            self.name,
            way.to(),
            text::count(releases.len(), "release"),
            text::count(self.plan.levels(), "level")
        )];
        if let Some(changed) = &self.changed {
            lines.push(format!("the bundle is not as it was written: {changed}"));
        }
        let width = releases.iter().map(|release| release.name.len()).max().unwrap_or(0);
        let space = releases.iter().map(|release| release.namespace.len()).max().unwrap_or(0);
        let shown = releases.iter().map(|release| release.shown().len()).max().unwrap_or(0);
        for level in 0..self.plan.levels() {
            lines.push(format!("level {level}"));
            for release in releases.iter().filter(|release| release.level == level) {
                let needs: Vec<&str> = release.needs.iter().map(|need| &*releases[*need].name).collect();
                let behind = if needs.is_empty() { String::new() } else { format!("behind {}", needs.join(", ")) };
                let line = format!(
                    "  {:<width$}  {:<space$}  {:<shown$}  {behind}",
                    release.name,
                    release.namespace,
                    release.shown(),
                );
                lines.push(line.trim_end().to_owned());
                lines.extend(self.in_full(release).map(|line| format!("  {:<width$}  {line}", "")));
            }
        }
        if way == Way::Remove && !self.wish.keep_namespaces {
            let what = if self.wish.delete_pvcs { "release or workload" } else { "release, workload or volume claim" };
            lines.push("then the namespaces that deploying has made, with everything in them".to_owned());
            lines.push(format!("  {}", self.plan.namespaces().join(", ")));
            lines.push(format!("  kept where another {what} is in it"));
        }
        lines
    }

    /// Where a release comes from and what is awaited of it.
    fn in_full(&self, release: &plan::Release) -> impl Iterator<Item = String> {
        let is_install = self.wish.options.way == Way::Install;
        let from = match &release.chart {
            Chart::Remote { chart, repo, .. } if repo.is_empty() => format!("chart {chart}"),
            Chart::Remote { chart, repo, .. } => format!("chart {chart} of {repo}"),
            Chart::Local => format!("chart {}/{}", self.name.trim_end_matches('/'), release.folder),
        };
        let values = format!("values {}", release.values.join(", "));
        let manifests = match &*release.manifests {
            [] => None,
            names => Some(format!("manifests {}", names.join(", "))),
        };
        let seconds = self.wish.options.timeout_seconds.unwrap_or(release.timeout_seconds);
        let waits = match self.wish.options.wait && release.is_awaited {
            true => format!(
                "until its Deployments, DaemonSets, StatefulSets, Jobs, CRDs and webhooks are ready, {seconds} s at most"
            ),
            false => format!("not awaited; Helm has {seconds} s"),
        };
        let crds = release.owns_crds.then(|| "CRDs of its chart are applied first".to_owned());
        let all = [Some(from), Some(values), manifests, crds, Some(waits)];
        all.into_iter().flatten().filter(move |_| is_install)
    }
}

/// What the cluster has of each release, in the order of the plan. Needs no Helm.
///
/// # Errors
/// The first that cannot be read.
pub async fn look(connection: &Connection, prepared: &Prepared) -> Result<Vec<Found>, Failure> {
    let kept_in = helm_record::kept_in()?;
    let mut found = Vec::with_capacity(prepared.plan.releases.len());
    for release in &prepared.plan.releases {
        found.push(work::look(connection, kept_in, release).await?.0);
    }
    Ok(found)
}

/// Whether what the cluster has can be upgraded to the releases of the bundle, for the components among them that change.
///
/// # Errors
/// The bundle has no recipe; the cluster cannot be read.
pub async fn upgrades(
    catalog: &Catalog,
    connection: &Connection,
    prepared: &Prepared,
    inventory: &Inventory,
) -> Result<upgrade::Report, Failure> {
    let to = upgrade::from_bundle(catalog, Path::new(&prepared.name))?;
    let live = Live { connection: Some(connection), name: &connection.context, inventory };
    upgrade::cluster(catalog, live, &to, Some("helm"), true).await
}

/// What a dry run says of a release.
pub fn would(way: Way, found: &Found) -> &'static str {
    match (way, found) {
        (Way::Install, Found::Absent) => "would be installed",
        (Way::Install, Found::Same) => "already installed, would be left as it is",
        (Way::Install, Found::Other) => "would be upgraded",
        (Way::Install, Found::Half { .. }) => "was left half-way, would be continued",
        (Way::Remove, Found::Absent) => "is absent",
        (Way::Remove, _) => "would be uninstalled",
    }
}

/// What runs Helm: a program, or for the demo cluster something that stands in for it.
#[derive(Clone, Debug)]
enum Tool {
    Helm(Arc<Helm>),
    StandIn,
}

/// The tool for a cluster, and what messages call it.
///
/// # Errors
/// There is no Helm.
async fn tool(connection: &Connection, target: &Target, prepared: &Prepared) -> Result<(Tool, String), Failure> {
    let Target::Cluster(target) = target else {
        return Ok((Tool::StandIn, "a stand-in for Helm (the demo cluster has no charts)".to_owned()));
    };
    let helm = Helm::find(prepared.wish.helm.as_deref(), target, connection).await.map_err(|error| {
        let (kind, hint) = match &error {
            HelmError::NotInPath | HelmError::Missing(_) => (
                Kind::NotFound,
                "install Helm 3 or 4 (https://helm.sh/docs/intro/install), or name it with --helm FILE",
            ),
            HelmError::TooOld { .. } => (Kind::Usage, "install Helm 3 or 4, or name another one with --helm FILE"),
            HelmError::Start { .. } | HelmError::NotHelm { .. } => {
                (Kind::Usage, "name the program of Helm 3 or 4 with --helm FILE")
            }
        };
        Failure::from_error(kind, "find Helm", error).hint(hint)
    })?;
    let shown = format!("Helm {} ({})", helm.version.trim_start_matches('v'), helm.file.display());
    Ok((Tool::Helm(Arc::new(helm)), shown))
}

/// Why a deploy ended without its end.
pub fn abandoned(prepared: &Prepared) -> Failure {
    let verb = prepared.wish.options.way.command();
    Failure::new(Kind::Interrupted, "end the deploy", "interrupted twice")
        .at(format!("run {}", prepared.run_id))
        .hint(format!("continue with: aicr {verb} {}", prepared.name))
}
