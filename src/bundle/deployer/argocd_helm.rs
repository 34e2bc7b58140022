//! Argo CD with Helm: one chart whose templates are the applications, so that where it is published and what is dynamic is
//! said when it is installed.
//!
//! Values of the bundle are files beside the templates, never in them: a template holds names that the plan has checked.

use super::{Argo, Deployer, DeployerError, Setting, Settings, argo, helm, unset_lines, values_file};
use crate::{
    bundle::{
        flags::ValuePath,
        plan::{Bundle, Component, File},
        release::{Chart, Release, Role},
    },
    recipe::locks::Locks,
    yaml,
};
use serde_json::{Map, Value, json};

pub struct ArgoCdHelm;

/// The chart and its release, where nothing else names the chart.
const CHART: &str = "aicr-bundle";

impl Deployer for ArgoCdHelm {
    fn name(&self) -> &'static str {
        "argocd-helm"
    }

    fn about(&self) -> &'static str {
        "A Helm chart that makes applications of Argo CD"
    }

    fn entrypoint(&self) -> &'static str {
        "Chart.yaml"
    }

    fn is_argo(&self) -> bool {
        true
    }

    fn is_chart(&self) -> bool {
        true
    }

    fn app_name<'s>(&self, settings: &'s Settings) -> Option<&'s str> {
        Some(settings.app_name.as_deref().unwrap_or("aicr-stack"))
    }

    fn takes(&self, setting: Setting) -> bool {
        matches!(
            setting,
            Setting::AppName | Setting::ReadinessHooks | Setting::Serial | Setting::Dynamic | Setting::Argo
        )
    }

    fn check(&self, bundle: &Bundle) -> Result<(), DeployerError> {
        if bundle.options.settings.published.is_some() && !is_semver(version_of(bundle)) {
            let what = "the tag, which is the version of the chart,".to_owned();
            let problem = "it is not a version like 1.2.3".to_owned();
            return Err(DeployerError::Value { what, found: version_of(bundle).to_owned(), problem });
        }
        argo::check(self, bundle)
    }

    fn files(&self, bundle: &Bundle) -> Vec<File> {
        let settings = &bundle.options.settings;
        let mut files = vec![
            File::text("Chart.yaml", chart(bundle)),
            File::text("values.yaml", values(bundle)),
            File::text("values.schema.json", schema()),
            File::text(
                "templates/aicr-stack.yaml",
                parent(self.app_name(settings).unwrap_or_default(), &settings.argo),
            ),
        ];
        for release in &bundle.releases {
            let folder = release.folder();
            files.extend(helm::chart_files(bundle, release, &folder));
            files.push(File::text(format!("{folder}/values.yaml"), values_file(&release.values)));
            let child = child(bundle, release, self.app_name(settings).unwrap_or_default());
            files.push(File::text(format!("templates/{}.yaml", release.name), child));
            if release.role == Role::Primary && !release.chart.is_local() {
                files.push(File::text(format!("static/{}.yaml", release.name), values_file(&release.values)));
            }
        }
        files.extend(lock(bundle).map(|text| File::text("templates/aicr-profile-lock.yaml", text)));
        files
    }

    fn guide(&self, bundle: &Bundle) -> String {
        let local = bundle.releases.iter().any(|release| release.chart.is_local());
        let publish = "Publish the chart where Argo CD can read it, and say where:";
        let needs =
            if local { " Charts inside this one are read from an OCI registry: Argo CD 2.13 or later." } else { "" };
        let deploy = match &bundle.options.settings.published {
            Some(published) => format!(
                "This chart is published as `{}:{}`, and its `values.yaml` says so to Argo CD:\n\n\
                 ```sh\nhelm install {CHART} {} --version {} --namespace argocd\n```\n\n{}",
                published.url,
                published.tag,
                published.url,
                version_of(bundle),
                needs.trim_start()
            ),
            None => format!(
                "{publish}\n\n\
                 ```sh\nhelm package .\nhelm push {CHART}-*.tgz oci://REGISTRY/PROJECT\n\
                 helm install {CHART} . --namespace argocd --set repoURL=oci://REGISTRY/PROJECT --set targetRevision={}\n\
                 ```\n\n`repoURL` is the folder above the chart.{needs}",
                version_of(bundle)
            ),
        };
        format!(
            "## Deploy\n\n{}\n\n\
             ## Change\n\nValues that were left to the installation are in `values.yaml` under the short name of their \
             component; others are laid over those in `static/` in the same way.\n\n\
             ## Remove\n\n```sh\nhelm uninstall {CHART} --namespace argocd\n```\n",
            deploy.trim_end()
        )
    }

    fn steps(&self, folder: &str, _: &Settings) -> Vec<String> {
        vec![
            format!("helm package {folder} && helm push {CHART}-*.tgz oci://REGISTRY/PROJECT"),
            format!("helm install {CHART} {folder} --namespace argocd --set repoURL=oci://REGISTRY/PROJECT"),
        ]
    }
}

/// Helm and Argo CD find a chart in a registry at the address of its folder and its own name, so one that is pushed is called
/// as the last part of where it is.
fn chart_name(bundle: &Bundle) -> &str {
    bundle.options.settings.published.as_ref().map_or(CHART, |published| published.parts().0)
}

fn chart(bundle: &Bundle) -> String {
    let version = bundle.recipe.version.trim_start_matches('v');
    yaml::to_string(&json!({
        "apiVersion": "v2",
        "name": chart_name(bundle),
        "description": "The GPU stack as applications of Argo CD",
        "type": "application",
        "version": version_of(bundle),
        "appVersion": if version.is_empty() { &bundle.options.tool } else { version },
        "annotations": {"aicr.run/generated-by": "aicr"},
    }))
}

/// Three numbers, and what may come behind them.
fn is_semver(text: &str) -> bool {
    let numbers = text.split(['-', '+', '_']).next().unwrap_or_default();
    let is_number =
        |part: &str| part.parse::<u64>().is_ok() && (part == "0" || !part.starts_with('0')) && !part.starts_with('+');
    numbers.split('.').count() == 3 && numbers.split('.').all(is_number)
}

/// Of the chart: that under which it is published.
fn version_of(bundle: &Bundle) -> &str {
    let published = bundle.options.settings.published.as_ref();
    published.map_or(&*bundle.options.tool, |published| published.tag.strip_prefix('v').unwrap_or(&published.tag))
}

/// The name of a component in the values of the installation.
fn alias(component: &Component) -> &str {
    component.alias.as_deref().unwrap_or(&component.used.name)
}

fn values(bundle: &Bundle) -> String {
    let settings = &bundle.options.settings;
    let published = settings.published.as_ref();
    let mut values = json!({
        "deployer": {
            "namePrefix": settings.argo.name_prefix,
            "destinationServer": settings.argo.destination_server.as_deref().unwrap_or(argo::SERVER),
            "project": settings.argo.project.as_deref().unwrap_or("default"),
        },
        "repoURL": published.map_or("", |published| published.parts().1),
        "targetRevision": published.map_or("", |_| version_of(bundle)),
    });
    if let Some(name) = &settings.app_name {
        values["appName"] = name.as_str().into();
    }
    let mut unset = Vec::new();
    for release in bundle.releases.iter().filter(|release| release.role == Role::Primary && release.is_dynamic()) {
        // Its template puts it below the name of the chart again.
        let dynamic = match &release.chart {
            Chart::Vendored { name, .. } => release.dynamic.get(name).unwrap_or(&release.dynamic),
            _ => &release.dynamic,
        };
        let alias = alias(bundle.component(release));
        values[alias] = dynamic.clone();
        let paths = release.unset.iter().map(|path| match &release.chart {
            Chart::Vendored { .. } => &path.0[1..],
            _ => &path.0,
        });
        unset.extend(paths.map(|path| ValuePath([&[alias.to_owned()], path].concat())));
    }
    format!(
        "# What the installation decides. `repoURL` is where the chart is published (for oci:// the folder above it) and\n\
         # `targetRevision` its version, else that of the chart. Below the short name of a component: values over its own.\n\
         ---\n{}{}",
        yaml::to_string(&values),
        unset_lines(&unset)
    )
}

fn schema() -> String {
    let schema = json!({
        "$schema": "http://json-schema.org/draft-07/schema#",
        "type": "object",
        "properties": {
            "deployer": {
                "type": "object",
                "additionalProperties": false,
                "properties": {
                    "namePrefix": {"type": "string", "pattern": "^([a-z0-9][a-z0-9-]*)?$"},
                    "destinationServer": {"type": "string", "pattern": "^https://[^@'\"\\s]+$"},
                    "project": {"type": "string", "pattern": "^[a-z0-9]([-.a-z0-9]*[a-z0-9])?$", "maxLength": 253},
                    "includeRootApp": {"type": "boolean"},
                },
            },
        },
    });
    crate::recipe::format::json_text(&schema)
}

/// A text as a string of Go's templates.
fn string(text: &str) -> String {
    Value::from(text).to_string()
}

const FINALIZERS: &str = "  finalizers:\n    - resources-finalizer.argocd.argoproj.io\n";

fn parent(name: &str, settings: &Argo) -> String {
    let finalizers = if settings.cascade_delete { FINALIZERS } else { "" };
    format!(
        r#"{{{{- if ne (toString .Values.deployer.includeRootApp) "false" }}}}
{{{{- $repo := required "repoURL is needed: where this chart is published" .Values.repoURL | trimSuffix "/" }}}}
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata:
  name: {{{{ .Values.appName | default {name} | quote }}}}
  namespace: argocd
{finalizers}spec:
  project: {{{{ .Values.deployer.project | quote }}}}
  destination:
    namespace: argocd
    server: {server}
  source:
    {{{{- if hasPrefix "oci://" $repo }}}}
    repoURL: {{{{ printf "%s/%s" $repo .Chart.Name | quote }}}}
    path: .
    {{{{- else }}}}
    repoURL: {{{{ $repo | quote }}}}
    chart: {{{{ .Chart.Name | quote }}}}
    {{{{- end }}}}
    targetRevision: {{{{ .Values.targetRevision | default .Chart.Version | quote }}}}
    helm:
      {{{{- $values := deepCopy .Values | mergeOverwrite (dict) }}}}
      {{{{- $_ := set $values.deployer "includeRootApp" false }}}}
      valuesObject:
        {{{{- toYaml $values | nindent 8 }}}}
  syncPolicy:
    automated:
      prune: true
      selfHeal: true
    syncOptions:
      - CreateNamespace=true
      - ServerSideApply=true
{{{{- end }}}}
"#,
        name = string(name),
        server = argo::SERVER,
    )
}

fn child(bundle: &Bundle, release: &Release, parent: &str) -> String {
    let component = bundle.component(release);
    let finalizers = if bundle.options.settings.argo.cascade_delete { FINALIZERS } else { "" };
    let head = format!(
        r#"{{{{- $name := printf "%s%s" .Values.deployer.namePrefix {name} }}}}
{{{{- if gt (len $name) 53 }}}}{{{{ fail (printf "the name %s has more than 53 characters" $name) }}}}{{{{ end }}}}
{{{{- if eq $name (.Values.appName | default {parent}) }}}}{{{{ fail (printf "the name %s is that of the parent" $name) }}}}{{{{ end }}}}
{{{{- $given := index .Values {alias} | default dict }}}}
"#,
        name = string(&release.name),
        parent = string(parent),
        alias = string(alias(component)),
    );
    let source = match argo::source(&release.chart) {
        Some((url, chart, version)) => format!(
            r#"    repoURL: {url}
    chart: {chart}
    targetRevision: {version}
    helm:
      values: |
        {{{{- mergeOverwrite ($.Files.Get {file} | fromYaml) $given | toYaml | nindent 8 }}}}
"#,
            url = string(&url),
            chart = string(&chart),
            version = string(&version),
            file = string(&format!("static/{}.yaml", release.name)),
        ),
        None => format!(
            r#"    {{{{- $repo := required "repoURL is needed: where this chart is published" .Values.repoURL | trimSuffix "/" }}}}
    repoURL: {{{{ printf "%s/%s" $repo .Chart.Name | quote }}}}
    path: {folder}
    targetRevision: {{{{ .Values.targetRevision | default .Chart.Version | quote }}}}
    helm:
      values: |
        {{{{- {given} | nindent 8 }}}}
"#,
            given = match &release.chart {
                Chart::Vendored { name, .. } => format!("dict {} $given | toYaml", string(name)),
                _ => "toYaml $given".to_owned(),
            },
            folder = release.folder(),
        ),
    };
    let mut policy = Map::new();
    policy.insert("syncPolicy".to_owned(), argo::sync_policy(release));
    policy.extend(argo::ignored(release).map(|ignored| ("ignoreDifferences".to_owned(), ignored)));
    let policy: String = yaml::to_string(&policy.into()).lines().map(|line| format!("  {line}\n")).collect();
    format!(
        r#"{head}apiVersion: argoproj.io/v1alpha1
kind: Application
metadata:
  name: {{{{ $name | quote }}}}
  namespace: argocd
  annotations:
    argocd.argoproj.io/sync-wave: "{wave}"
{finalizers}spec:
  project: {{{{ .Values.deployer.project | quote }}}}
  destination:
    namespace: {namespace}
    server: {{{{ .Values.deployer.destinationServer | quote }}}}
  source:
{source}{policy}"#,
        wave = argo::wave(bundle, release),
        namespace = string(&release.namespace),
    )
}

/// A template that fails where the installation sets what a profile or a setting owns.
fn lock(bundle: &Bundle) -> Option<String> {
    let locks = Locks::of(&bundle.recipe)?;
    let mut text = String::new();
    for component in &bundle.components {
        let name = alias(component);
        for path in locks.paths(&component.used.name) {
            let keys: Vec<String> = path.split('.').map(string).collect();
            let message = string(&format!("{name}.{path} belongs to the recipe's profile and cannot be set here"));
            text += &format!(
                "{{{{- if ne (toString (dig {} \"(absent)\" (index .Values {} | default dict))) \"(absent)\" }}}}{{{{ fail {message} }}}}{{{{ end }}}}\n",
                keys.join(" "),
                string(name),
            );
        }
    }
    (!text.is_empty()).then_some(text)
}
