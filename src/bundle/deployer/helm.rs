//! Helm: a folder for each release with its values and a script, and scripts that deploy and remove them all.
//!
//! The scripts are fixed texts; names, versions and URLs that reach them were checked by the plan, and are quoted all the
//! same. They list what they deploy instead of looking at the disk.

use super::{Deployer, DeployerError, Setting, Settings, chart_value, chart_yaml, dynamic_file, quoted, values_file};
use crate::bundle::{
    plan::{Bundle, File},
    release::{Chart, Release},
    vendor::{self, Archive},
};
use serde_json::json;

pub struct Helm;

const CONNECTION: &str = include_str!("scripts/connection.sh");
const SELECTION: &str = include_str!("scripts/selection.sh");
const OPTIONS: &str = include_str!("scripts/options.sh");
const INSTALL: &str = include_str!("scripts/install.sh");
const APPLY_CRDS: &str = include_str!("scripts/apply-crds.sh");
const DEPLOY: &str = include_str!("scripts/deploy.sh");
const UNDEPLOY: &str = include_str!("scripts/undeploy.sh");
const DRA: &str = include_str!("scripts/dra.sh");
const TAINTS: &str = include_str!("scripts/taints.sh");

impl Deployer for Helm {
    fn name(&self) -> &'static str {
        "helm"
    }

    fn about(&self) -> &'static str {
        "Scripts that install with helm, each release when what it needs is ready"
    }

    fn entrypoint(&self) -> &'static str {
        "deploy.sh"
    }

    fn takes(&self, setting: Setting) -> bool {
        matches!(setting, Setting::ReadinessHooks | Setting::Serial | Setting::Dynamic)
    }

    fn check(&self, _: &Bundle) -> Result<(), DeployerError> {
        Ok(())
    }

    fn files(&self, bundle: &Bundle) -> Vec<File> {
        let mut files: Vec<File> = bundle.releases.iter().flat_map(|release| folder(bundle, release)).collect();
        files.push(File::script("deploy.sh", deploy(bundle)));
        let table = table(bundle);
        let parts = [("RELEASES", &*table), ("VALUED", "--timeout"), ("SCRIPT", "undeploy.sh")];
        files.push(File::script("undeploy.sh", script(UNDEPLOY, &parts)));
        files
    }

    fn guide(&self, _: &Bundle) -> String {
        "## Deploy\n\n\
         ```sh\n./deploy.sh --dry-run   # what would be done, without a change\n./deploy.sh             # everything; a second run \
         continues where the first was interrupted\n```\n\n\
         `KUBECONFIG` and `KUBE_CONTEXT` choose the cluster. `./deploy.sh --help` lists the options. Needed: helm 3 or 4, \
         kubectl, a POSIX shell.\n\n\
         One release by itself: `NNN-NAME/install.sh`.\n\n\
         ## Change\n\n\
         Values for one cluster belong into `NNN-NAME/cluster-values.yaml`, which is laid over `values.yaml`; \
         `aicr verify` reports the file as changed then. Manifests in `templates/` are rendered already: values do not \
         change them.\n\n\
         ## Remove\n\n\
         ```sh\n./undeploy.sh --dry-run\n./undeploy.sh\n```\n\n\
         CRDs that charts bring in a folder of their own stay, with their objects.\n"
            .to_owned()
    }

    fn steps(&self, folder: &str, _: &Settings) -> Vec<String> {
        vec![format!("cd {folder}"), "./deploy.sh --dry-run".to_owned(), "./deploy.sh".to_owned()]
    }
}

/// The folder of a release, with its script.
pub(super) fn folder(bundle: &Bundle, release: &Release) -> Vec<File> {
    let folder = release.folder();
    let at = |name: &str| format!("{folder}/{name}");
    let mut files = chart_files(bundle, release, &folder);
    files.push(File::text(at("values.yaml"), values_file(&release.values)));
    files.push(File::text(at("cluster-values.yaml"), dynamic_file(release)));
    files.push(File::script(at("install.sh"), install(release)));
    if let Some((_, _, version)) = release.chart.upstream() {
        let (chart, repo) = release.chart.reference();
        let text = format!("CHART={}\nREPO={}\nVERSION={}\n", quoted(&chart), quoted(repo), quoted(version));
        files.push(File::text(at("upstream.env"), text));
    }
    if release.owns_crds {
        let chart = read_chart(release);
        let fetch = if release.chart.is_local() { CRDS_HERE } else { CRDS_FETCHED };
        let parts = [("RELEASE", &*release.name), ("CHART", &*chart), ("FETCH", fetch)];
        files.push(File::script(at("apply-crds.sh"), script(APPLY_CRDS, &parts)));
    }
    files
}

/// The chart of a release that is in the bundle; nothing for one that is elsewhere.
pub(super) fn chart_files(bundle: &Bundle, release: &Release, folder: &str) -> Vec<File> {
    let manifests = match &release.chart {
        Chart::Local { manifests } => manifests,
        Chart::Vendored { name, archive, .. } => return wrapped(bundle, release, folder, name, archive),
        Chart::Repository { .. } | Chart::Oci { .. } => return Vec::new(),
    };
    let description = format!("Manifests of {} as AICR rendered them", bundle.component(release).used.name);
    let chart = File::chart(format!("{folder}/Chart.yaml"), chart_yaml(bundle, release, &description));
    let templates = manifests.iter().filter(|manifest| !manifest.objects.is_empty());
    let templates = templates
        .map(|manifest| File::chart(format!("{folder}/templates/{}", manifest.file_name()), manifest.template()));
    [chart].into_iter().chain(templates).collect()
}

/// A chart of ours around one that was fetched.
fn wrapped(bundle: &Bundle, release: &Release, folder: &str, name: &str, archive: &Archive) -> Vec<File> {
    let mut chart = chart_value(bundle, release, &format!("{name} {} as it was fetched", archive.version));
    // Without a repository Helm takes what is in `charts/`.
    chart["dependencies"] = json!([{"name": name, "version": archive.version, "repository": ""}]);
    let path = format!("{folder}/charts/{}", vendor::file_name(name, archive));
    vec![
        File::chart(format!("{folder}/Chart.yaml"), crate::yaml::to_string(&chart)),
        File { path, bytes: archive.bytes.clone(), mode: 0o644 },
    ]
}

/// Puts texts in the place of `@NAME@`, those of others' making last.
fn script(text: &str, parts: &[(&str, &str)]) -> String {
    let text = text.replace("@SELECTION@\n", SELECTION).replace("@OPTIONS@\n", OPTIONS);
    let text = text.replace("@CONNECTION@\n", CONNECTION);
    parts.iter().fold(text, |text, (name, part)| text.replace(&format!("@{name}@"), part))
}

const CRDS_FETCHED: &str = "set -- pull \"$chart\" --version \"$chart_version\" --destination \"$folder\"\n\
                            [ -z \"$repo\" ] || set -- \"$@\" --repo \"$repo\"\nhelm \"$@\"";
const CRDS_HERE: &str = "cp charts/*.tgz \"$folder\"";

/// The lines that say where the chart is.
fn read_chart(release: &Release) -> String {
    match release.chart.is_local() {
        true => "chart=. repo='' chart_version=''".to_owned(),
        false => "# shellcheck source=/dev/null\n. ./upstream.env\n# shellcheck disable=SC2153 # Set there.\nchart=$CHART repo=$REPO chart_version=$VERSION".to_owned(),
    }
}

fn install(release: &Release) -> String {
    let namespace = &release.namespace;
    // Helm keeps its record in the namespace, so it must be there before the chart that owns it.
    let owned = format!(
        "if [ -z \"${{DRY_RUN_FLAG:-}}\" ] && ! run_kubectl get namespace {namespace} >/dev/null 2>&1; then\n\
         \tprintf 'apiVersion: v1\\nkind: Namespace\\nmetadata:\\n  name: {namespace}\\n  labels: {{app.kubernetes.io/managed-by: \
         Helm}}\\n  annotations: {{meta.helm.sh/release-name: {name}, meta.helm.sh/release-namespace: {namespace}}}\\n' |\n\
         \t\trun_kubectl create -f -\n\
         fi",
        name = release.name,
    );
    let crds = "if [ -z \"${DRY_RUN_FLAG:-}\" ]; then\n\
                \twork=$(mktemp -d)\n\
                \ttrap 'rm -rf \"$work\"' EXIT\n\
                \ttrap 'kill -TERM \"${child:-}\" 2>/dev/null || :; wait; exit 143' INT TERM\n\
                \tsh ./apply-crds.sh \"$work\"\n\
                \tchart=$(echo \"$work\"/*.tgz) repo='' chart_version=''\n\
                fi";
    // A chart in the bundle is installed from there.
    let here = crds.replace("\tchart=$(echo \"$work\"/*.tgz) repo='' chart_version=''\n", "");
    let crds = if release.chart.is_local() { &*here } else { crds };
    let prepare = match (release.owns_namespace, release.owns_crds) {
        (true, _) => owned.as_str(),
        (_, true) => crds,
        _ => "",
    };
    let mut text = script(
        INSTALL,
        &[
            ("RELEASE", &release.name),
            ("NAMESPACE", namespace),
            ("CREATE", if release.owns_namespace { "" } else { "--create-namespace " }),
            ("CHART", &read_chart(release)),
            ("PREPARE", prepare),
            ("RUN", if release.owns_crds { "helm" } else { "exec helm" }),
        ],
    );
    if release.owns_crds {
        text = text.trim_end().to_owned() + " &\nchild=$!\nwait \"$child\"\n";
    }
    text
}

/// The lines of `releases` in the scripts.
fn table(bundle: &Bundle) -> String {
    let lines = bundle.releases.iter().map(|release| {
        let yes = |is: bool| if is { "yes" } else { "no" };
        let needs: Vec<&str> = release.needs.iter().map(|need| &*bundle.releases[*need].name).collect();
        format!(
            "{} {} {} {} {} {} {} {} {}",
            if needs.is_empty() { "-".to_owned() } else { needs.join(",") },
            release.folder(),
            release.name,
            bundle.component(release).used.name,
            release.namespace,
            release.timeout(),
            release.retries().map_or("-".to_owned(), |retries| retries.to_string()),
            yes(release.is_awaited()),
            yes(release.owns_namespace),
        )
    });
    lines.collect::<Vec<_>>().join("\n")
}

fn deploy(bundle: &Bundle) -> String {
    let has = |name: &str| bundle.components.iter().find(|component| component.used.name == name);
    let taints = has("nodewright-operator").map_or(String::new(), |operator| {
        let taint = operator.values.values.pointer("/controllerManager/manager/env/runtimeRequiredTaint");
        let taint =
            taint.and_then(|taint| taint.as_str()).unwrap_or("nodewright.nvidia.com=runtime-required:NoSchedule");
        let key = taint.split(['=', ':']).next().unwrap_or_default();
        let is_key = |c: char| c.is_ascii_alphanumeric() || "-._/".contains(c);
        match !key.is_empty() && key.chars().all(is_key) {
            true => TAINTS.replace("@TAINT@", key).replace("@OPERATOR_NAMESPACE@", &operator.used.namespace),
            false => String::new(),
        }
    });
    let dra = if has("nvidia-dra-driver-gpu").is_some() { DRA } else { "" };
    let serial = if bundle.options.serial { "1" } else { "''" };
    let table = table(bundle);
    let parts = [("SERIAL", serial), ("RELEASES", &*table), ("TAINTS", &taints), ("DRA", dra)];
    script(DEPLOY, &[&parts[..], &[("VALUED", "--retries"), ("SCRIPT", "deploy.sh")]].concat())
}
