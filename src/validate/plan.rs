//! Recipe + validator catalog → the plan of a run: which checks, in which order, and every object to create.
//!
//! A plan leaves nothing to decide, so that it can be shown before anything happens. Rights are as small as each check
//! allows: one ServiceAccount per check, with a role made from the reads that the check declares.

use super::{
    checks::{self, Check},
    event::PlannedCheck,
    input::Input,
};
use crate::{
    catalog::validator::{Phase, Validator},
    criteria::near_matches,
    recipe::Recipe,
};
use serde_json::{Map, Value, json};
use std::{collections::BTreeMap, fmt};

/// Labels that everything of a run carries.
pub const NAME_LABEL: (&str, &str) = ("app.kubernetes.io/name", "aicr");
pub const RUN_LABEL: &str = "aicr.run/run-id";
pub const CHECK_LABEL: &str = "aicr.run/validator";

/// Seconds by which a Job outlives the limit of its check: evidence must not be deleted before it was read.
const JOB_MARGIN_SECONDS: u64 = 60;
/// Seconds by which a check's own budget is smaller than its limit, so that it can still say what it waited for.
const BUDGET_MARGIN_SECONDS: u64 = 30;
/// What the API server accepts as data of one ConfigMap.
const CONFIG_MAP_BYTES: usize = 1 << 20;
/// Images under this prefix are the catalog's own; only those are resolved and redirected.
const BUILT_IN_IMAGES: &str = "ghcr.io/nvidia/aicr-validators/";

/// How to run.
#[derive(Clone, Debug, Default)]
pub struct PlanOptions {
    pub run_id: String,
    pub namespace: String,
    /// In the order given; empty for all, in default order.
    pub phases: Vec<Phase>,
    /// Only these checks; empty for all that the recipe selects.
    pub only: Vec<String>,
    /// The image that holds this program; runs every check that it implements.
    pub image: String,
    /// `AICR_VALIDATOR_IMAGE_TAG` and `AICR_VALIDATOR_IMAGE_REGISTRY`, for catalog images.
    pub image_tag: Option<String>,
    pub image_registry: Option<String>,
    pub pull_secrets: Vec<String>,
    /// Overrides of the catalog's timeouts, for all checks.
    pub timeout_seconds: Option<u64>,
    pub node_selector: BTreeMap<String, String>,
    /// As `AICR_TOLERATIONS` carries them.
    pub tolerations: Vec<String>,
    pub version: String,
}

/// What will happen.
#[derive(Clone, Debug, PartialEq)]
pub struct ValidationPlan {
    pub run_id: String,
    pub namespace: String,
    /// Created first, in this order: namespace, then the two documents. The first ConfigMap owns the rest of the run.
    pub shared: Vec<Value>,
    pub checks: Vec<CheckPlan>,
    /// What a person should know before: checks that cannot run, phases without checks.
    pub notices: Vec<String>,
}

/// One check of a plan.
#[derive(Clone, Debug, PartialEq)]
pub struct CheckPlan {
    pub check: PlannedCheck,
    pub job_name: String,
    /// ServiceAccount, roles and bindings, then the Job. Empty when the check cannot run.
    pub objects: Vec<Value>,
    /// Why it cannot run; then nothing is created for it.
    pub cannot_run: Option<String>,
    /// Only reads, so it may run beside others.
    pub read_only: bool,
}

/// Why there is no plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PlanError {
    /// Checks that the recipe or a person names and the catalog lacks.
    UnknownChecks(Vec<(String, Vec<String>)>),
    /// The check belongs to another phase than the one that lists it.
    OtherPhase {
        check: String,
        listed: Phase,
        belongs: Phase,
    },
    TooLarge {
        what: &'static str,
        bytes: usize,
    },
}

impl fmt::Display for PlanError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PlanError::UnknownChecks(checks) => {
                let names: Vec<String> = checks.iter().map(|(name, _)| format!("`{name}`")).collect();
                write!(f, "no validator of the catalog is called {}", names.join(", "))
            }
            PlanError::OtherPhase { check, listed, belongs } => {
                write!(f, "the {} phase lists `{check}`, which is a {} check", listed.name(), belongs.name())
            }
            PlanError::TooLarge { what, bytes } => {
                write!(f, "the {what} has {bytes} bytes, and a ConfigMap holds {CONFIG_MAP_BYTES}")
            }
        }
    }
}

impl std::error::Error for PlanError {}

impl PlanError {
    pub fn hint(&self) -> Option<String> {
        match self {
            PlanError::UnknownChecks(checks) => {
                let near: Vec<String> = checks.iter().flat_map(|(_, near)| near.clone()).collect();
                (!near.is_empty()).then(|| format!("did you mean {}?", near.join(" or ")))
            }
            PlanError::OtherPhase { belongs, .. } => Some(format!("move it to `validation.{}`", belongs.name())),
            PlanError::TooLarge { .. } => {
                Some("take the snapshot with fewer label readings, or give a smaller one".into())
            }
        }
    }
}

/// The phases to run, in order: as given without repeats, or all.
pub fn phases(options: &PlanOptions) -> Vec<Phase> {
    if options.phases.is_empty() {
        return Phase::ALL.to_vec();
    }
    let mut phases = Vec::new();
    for phase in &options.phases {
        if !phases.contains(phase) {
            phases.push(*phase);
        }
    }
    phases
}

/// Plans a run. `snapshot` is the text that checks are given beside the recipe.
///
/// # Errors
/// Names that nobody knows, a check in the wrong phase, documents too large for the cluster. Nothing was created then.
pub fn plan(
    recipe: &Recipe,
    input: &Input,
    snapshot: &str,
    validators: &[Validator],
    options: &PlanOptions,
) -> Result<ValidationPlan, PlanError> {
    let selected = select(recipe, validators, options)?;
    let document = crate::yaml::to_string(&input.to_value());
    for (what, text) in [("validation input", document.as_str()), ("snapshot", snapshot)] {
        if text.len() > CONFIG_MAP_BYTES {
            return Err(PlanError::TooLarge { what, bytes: text.len() });
        }
    }
    let mut notices = Vec::new();
    for phase in phases(options) {
        if !options.phases.is_empty() && !selected.iter().any(|validator| validator.phase == phase) {
            notices.push(format!("the recipe selects no check of the {} phase", phase.name()));
        }
    }
    let shared = vec![
        json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": options.namespace, "labels": base_labels()}}),
        config_map("snapshot", "snapshot.yaml", snapshot, options),
        config_map("validation", "validation.yaml", &document, options),
    ];
    let checks: Vec<CheckPlan> = selected.iter().map(|validator| check_plan(validator, input, options)).collect();
    notices.extend(
        checks.iter().filter_map(|check| Some(format!("{}: {}", check.check.name, check.cannot_run.as_ref()?))),
    );
    let (run_id, namespace) = (options.run_id.clone(), options.namespace.clone());
    Ok(ValidationPlan { run_id, namespace, shared, checks, notices })
}

/// The validators that the recipe names, phase by phase, in catalog order.
fn select<'v>(
    recipe: &Recipe,
    validators: &'v [Validator],
    options: &PlanOptions,
) -> Result<Vec<&'v Validator>, PlanError> {
    let known = |name: &str| validators.iter().find(|validator| validator.name == name);
    let near = |name: &String| (name.clone(), near_matches(name, validators.iter().map(|known| known.name.as_str())));
    let unknown: Vec<_> = options.only.iter().filter(|name| known(name).is_none()).map(near).collect();
    if !unknown.is_empty() {
        return Err(PlanError::UnknownChecks(unknown));
    }
    let mut selected = Vec::new();
    for phase in phases(options) {
        let spec = recipe.validation.as_ref().and_then(|validation| validation.phase(phase));
        let names = spec.map_or(&[][..], |spec| &spec.checks);
        let unknown: Vec<_> = names.iter().filter(|name| known(name).is_none()).map(near).collect();
        if !unknown.is_empty() {
            return Err(PlanError::UnknownChecks(unknown));
        }
        for name in names {
            if let Some(belongs) = known(name).map(|validator| validator.phase).filter(|belongs| *belongs != phase) {
                return Err(PlanError::OtherPhase { check: name.clone(), listed: phase, belongs });
            }
        }
        let wanted = |validator: &&Validator| {
            validator.phase == phase
                && names.contains(&validator.name)
                && (options.only.is_empty() || options.only.contains(&validator.name))
        };
        selected.extend(validators.iter().filter(wanted));
    }
    Ok(selected)
}

fn base_labels() -> Map<String, Value> {
    [NAME_LABEL, ("app.kubernetes.io/component", "validation"), ("app.kubernetes.io/managed-by", "aicr")]
        .into_iter()
        .map(|(key, value)| (key.to_owned(), Value::from(value)))
        .collect()
}

fn run_labels(options: &PlanOptions) -> Map<String, Value> {
    let mut labels = base_labels();
    labels.insert(RUN_LABEL.to_owned(), options.run_id.as_str().into());
    labels
}

fn check_labels(validator: &Validator, options: &PlanOptions) -> Map<String, Value> {
    let mut labels = run_labels(options);
    labels.insert("aicr.run/job-type".to_owned(), "validation".into());
    labels.insert(CHECK_LABEL.to_owned(), validator.name.as_str().into());
    labels.insert("aicr.run/phase".to_owned(), validator.phase.name().into());
    labels
}

fn config_map(stem: &str, key: &str, text: &str, options: &PlanOptions) -> Value {
    json!({
        "apiVersion": "v1", "kind": "ConfigMap",
        "metadata": {
            "name": format!("aicr-{stem}-{}", options.run_id), "namespace": options.namespace, "labels": run_labels(options),
        },
        "data": { key: text },
    })
}

fn check_plan(validator: &Validator, input: &Input, options: &PlanOptions) -> CheckPlan {
    let ours = checks::find(&validator.name).filter(|_| validator.image.starts_with(BUILT_IN_IMAGES));
    let timeout_seconds = options.timeout_seconds.unwrap_or(validator.timeout_seconds);
    let image = match ours {
        Some(_) => options.image.clone(),
        None => catalog_image(&validator.image, options),
    };
    let check = PlannedCheck {
        name: validator.name.clone(),
        phase: validator.phase,
        description: validator.description.clone(),
        image: image.clone(),
        timeout_seconds,
    };
    // The last eight characters of a run id are random; they keep object names short and apart.
    let suffix = &options.run_id[options.run_id.len().saturating_sub(8)..];
    let name = format!("aicr-{}-{suffix}", validator.name);
    let cannot_run = (ours.is_none() && validator.image.starts_with(BUILT_IN_IMAGES)).then(|| {
        "this version does not implement the check; give it an image of its own in a --data catalog to run it"
            .to_owned()
    });
    let objects = match &cannot_run {
        Some(_) => Vec::new(),
        None => {
            let mut objects = rights(&name, validator, ours, input, options);
            objects.push(job(&name, validator, &image, timeout_seconds, options));
            objects
        }
    };
    CheckPlan { check, job_name: name, objects, cannot_run, read_only: ours.is_some() }
}

/// A ServiceAccount with the reads that the check declares; a catalog image of others gets none of ours.
fn rights(
    name: &str,
    validator: &Validator,
    ours: Option<&dyn Check>,
    input: &Input,
    options: &PlanOptions,
) -> Vec<Value> {
    let metadata = |namespaced: bool| {
        let mut metadata = json!({ "name": name, "labels": check_labels(validator, options) });
        if namespaced {
            metadata["namespace"] = options.namespace.as_str().into();
        }
        metadata
    };
    let mut objects = vec![json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata(true)})];
    let rules: Vec<Value> =
        ours.map_or_else(Vec::new, |check| check.rules(input).iter().map(checks::Rule::to_value).collect());
    if !rules.is_empty() {
        objects.push(json!({
            "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": metadata(false), "rules": rules,
        }));
        objects.push(json!({
            "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding", "metadata": metadata(false),
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": name},
            "subjects": [{"kind": "ServiceAccount", "name": name, "namespace": options.namespace}],
        }));
    }
    objects
}

fn job(name: &str, validator: &Validator, image: &str, timeout_seconds: u64, options: &PlanOptions) -> Value {
    let labels = check_labels(validator, options);
    let (cpu, memory) = validator.resources.clone().unwrap_or_else(|| ("50m".into(), "64Mi".into()));
    let resources = json!({
        "requests": {"cpu": cpu, "memory": memory},
        "limits": {"memory": if validator.resources.is_some() { memory.clone() } else { "256Mi".to_owned() }},
    });
    let volume = |stem: &str| json!({"name": stem, "configMap": {"name": format!("aicr-{stem}-{}", options.run_id)}});
    let mount = |stem: &str| json!({"name": stem, "mountPath": format!("/data/{stem}"), "readOnly": true});
    let secrets: Vec<Value> = options.pull_secrets.iter().map(|secret| json!({ "name": secret })).collect();
    let mut pod = json!({
        "restartPolicy": "Never",
        "serviceAccountName": name,
        "terminationGracePeriodSeconds": 30,
        "tolerations": [{"operator": "Exists"}],
        "securityContext": {"runAsNonRoot": true, "runAsUser": 65532, "seccompProfile": {"type": "RuntimeDefault"}},
        "affinity": affinity(validator),
        "volumes": [volume("snapshot"), volume("validation")],
        "containers": [{
            "name": "validator",
            "image": image,
            "imagePullPolicy": pull_policy(image, options),
            "args": validator.args,
            "env": env(validator, timeout_seconds, options),
            "resources": resources,
            "volumeMounts": [mount("snapshot"), mount("validation")],
            "terminationMessagePath": "/dev/termination-log",
            "terminationMessagePolicy": "File",
            "securityContext": {
                "allowPrivilegeEscalation": false, "readOnlyRootFilesystem": true, "capabilities": {"drop": ["ALL"]},
            },
        }],
    });
    if !secrets.is_empty() {
        pod["imagePullSecrets"] = secrets.into();
    }
    json!({
        "apiVersion": "batch/v1", "kind": "Job",
        "metadata": {"name": name, "namespace": options.namespace, "labels": labels},
        "spec": {
            "activeDeadlineSeconds": timeout_seconds + JOB_MARGIN_SECONDS,
            "backoffLimit": 0,
            "ttlSecondsAfterFinished": 3600,
            "template": {"metadata": {"labels": labels}, "spec": pod},
        },
    })
}

fn affinity(validator: &Validator) -> Value {
    let mut affinity = json!({"nodeAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": [{
        "weight": 100,
        "preference": {"matchExpressions": [{"key": "nvidia.com/gpu.present", "operator": "DoesNotExist"}]},
    }]}});
    let term = |dependency: &crate::catalog::validator::DependencyAffinity| {
        json!({
            "labelSelector": {"matchLabels": dependency.pod_labels},
            "namespaceSelector": {},
            "topologyKey": dependency.topology_key,
        })
    };
    let (required, preferred): (Vec<_>, Vec<_>) =
        validator.dependency_affinity.iter().partition(|dependency| dependency.required);
    if !required.is_empty() {
        affinity["podAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"] =
            required.into_iter().map(term).collect();
    }
    if !preferred.is_empty() {
        let weighted = |dependency| json!({"weight": 100, "podAffinityTerm": term(dependency)});
        affinity["podAffinity"]["preferredDuringSchedulingIgnoredDuringExecution"] =
            preferred.into_iter().map(weighted).collect();
    }
    affinity
}

fn env(validator: &Validator, timeout_seconds: u64, options: &PlanOptions) -> Vec<Value> {
    let budget = timeout_seconds.saturating_sub(BUDGET_MARGIN_SECONDS).max(timeout_seconds.min(BUDGET_MARGIN_SECONDS));
    let selector: Vec<String> = options.node_selector.iter().map(|(key, value)| format!("{key}={value}")).collect();
    let stated = [
        ("AICR_SNAPSHOT_PATH", Some("/data/snapshot/snapshot.yaml".to_owned())),
        ("AICR_VALIDATION_PATH", Some("/data/validation/validation.yaml".to_owned())),
        ("AICR_VALIDATOR_NAME", Some(validator.name.clone())),
        ("AICR_VALIDATOR_PHASE", Some(validator.phase.name().to_owned())),
        ("AICR_RUN_ID", Some(options.run_id.clone())),
        ("AICR_CHECK_TIMEOUT", Some(format!("{budget}s"))),
        ("AICR_NODE_SELECTOR", Some(selector.join(",")).filter(|text| !text.is_empty())),
        ("AICR_TOLERATIONS", Some(options.tolerations.join(",")).filter(|text| !text.is_empty())),
        ("AICR_CLI_VERSION", Some(options.version.clone()).filter(|text| !text.is_empty())),
    ];
    let mut env: Vec<Value> =
        stated.into_iter().filter_map(|(name, value)| Some(json!({"name": name, "value": value?}))).collect();
    env.push(json!({"name": "AICR_NAMESPACE", "valueFrom": {"fieldRef": {"fieldPath": "metadata.namespace"}}}));
    env.extend(validator.env.iter().map(|(name, value)| json!({"name": name, "value": value})));
    env
}

/// A catalog image with tag and registry resolved; images of others stay as they are written.
pub fn catalog_image(image: &str, options: &PlanOptions) -> String {
    if !image.starts_with(BUILT_IN_IMAGES) {
        return image.to_owned();
    }
    let mut image = image.to_owned();
    let tag_start = image.rfind(':').filter(|colon| !image[*colon..].contains('/') && !image.contains('@'));
    if let (Some(colon), Some(release)) = (tag_start, release(&options.version))
        && &image[colon..] == ":latest"
    {
        image = format!("{}:v{release}", &image[..colon]);
    }
    if let (Some(tag), false) = (&options.image_tag, image.contains('@')) {
        let bare = tag_start.map_or(image.as_str(), |colon| &image[..colon]);
        image = format!("{bare}:{tag}");
    }
    if let Some(registry) = &options.image_registry {
        let rest = image.splitn(3, '/').nth(2).unwrap_or(&image);
        image = format!("{}/{rest}", registry.trim_end_matches('/'));
    }
    image
}

/// `MAJOR.MINOR.PATCH` with an optional suffix, unless it is a build between releases.
fn release(version: &str) -> Option<&str> {
    let bare = version.strip_prefix('v').unwrap_or(version);
    let numbers = bare.split('-').next()?;
    let is_number = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    (numbers.split('.').count() == 3 && numbers.split('.').all(is_number) && !bare.ends_with("-next")).then_some(bare)
}

fn pull_policy(image: &str, options: &PlanOptions) -> &'static str {
    if image.starts_with("ko.local/") || image.starts_with("kind.local/") {
        "Never"
    } else if image.contains('@') {
        "IfNotPresent"
    } else if (options.image_tag.is_some() && image.contains("/aicr-validators/")) || image.ends_with(":latest") {
        "Always"
    } else {
        "IfNotPresent"
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recipe::{PhaseSpec, Validation};

    fn validators() -> Vec<Validator> {
        let validator = |name: &str, phase| Validator {
            name: name.into(),
            phase,
            description: String::new(),
            image: format!("{BUILT_IN_IMAGES}conformance:latest"),
            timeout_seconds: 300,
            args: vec![name.into()],
            env: Vec::new(),
            resources: None,
            dependency_affinity: Vec::new(),
        };
        vec![
            validator("operator-health", Phase::Deployment),
            validator("dra-support", Phase::Conformance),
            validator("platform-health", Phase::Conformance),
            validator("gang-scheduling", Phase::Conformance),
        ]
    }

    fn recipe(deployment: &[&str], conformance: &[&str]) -> Recipe {
        let spec = |checks: &[&str]| {
            let checks = checks.iter().map(|check| (*check).to_owned()).collect();
            Some(PhaseSpec { checks, ..PhaseSpec::default() })
        };
        let (deployment, conformance) = (spec(deployment), spec(conformance));
        Recipe {
            validation: Some(Validation { deployment, conformance, ..Validation::default() }),
            ..Recipe::default()
        }
    }

    fn options() -> PlanOptions {
        PlanOptions {
            run_id: "20260714-093005-3fa2b4c1d5e6f708".into(),
            namespace: "aicr-validation".into(),
            image: "aicr/check:1".into(),
            version: "0.13.0".into(),
            ..PlanOptions::default()
        }
    }

    #[track_caller]
    fn check(recipe: &Recipe, options: &PlanOptions, expected: &str) {
        let planned = plan(recipe, &Input::default(), "kind: Snapshot\n", &validators(), options);
        let told = match planned {
            Ok(plan) => plan.checks.iter().map(|check| check.check.name.clone()).collect::<Vec<_>>().join(" "),
            Err(error) => format!("{error}; {}", error.hint().unwrap_or_default()),
        };
        assert_eq!(told, expected);
    }

    #[test]
    fn checks_run_in_catalog_order_and_phases_as_given() {
        let recipe = recipe(&["operator-health"], &["platform-health", "dra-support"]);
        check(&recipe, &options(), "operator-health dra-support platform-health");
        let phases = vec![Phase::Conformance, Phase::Deployment, Phase::Conformance];
        check(&recipe, &PlanOptions { phases, ..options() }, "dra-support platform-health operator-health");
        check(&recipe, &PlanOptions { only: vec!["platform-health".into()], ..options() }, "platform-health");
        check(&Recipe::default(), &options(), "");
    }

    #[test]
    fn names_that_nobody_knows_are_errors() {
        let typo = recipe(&[], &["dra-suport"]);
        check(&typo, &options(), "no validator of the catalog is called `dra-suport`; did you mean dra-support?");
        let wrong = recipe(&[], &["operator-health"]);
        check(
            &wrong,
            &options(),
            "the conformance phase lists `operator-health`, which is a deployment check; move it to `validation.deployment`",
        );
    }

    #[test]
    fn a_check_that_is_not_implemented_is_planned_as_that() {
        let plan = plan(&recipe(&[], &["gang-scheduling"]), &Input::default(), "", &validators(), &options()).unwrap();
        assert!(plan.checks[0].cannot_run.is_some() && plan.checks[0].objects.is_empty());
        assert!(plan.notices[0].starts_with("gang-scheduling: this version does not implement"));
    }

    #[test]
    fn everything_carries_the_run_and_nothing_is_cluster_admin() {
        let plan = plan(&recipe(&[], &["dra-support"]), &Input::default(), "", &validators(), &options()).unwrap();
        let objects = plan.checks[0].objects.iter().chain(&plan.shared[1..]);
        for object in objects {
            assert_eq!(object["metadata"]["labels"][RUN_LABEL], "20260714-093005-3fa2b4c1d5e6f708", "{object}");
            assert!(!object.to_string().contains("cluster-admin"));
        }
        let job = plan.checks[0].objects.last().unwrap();
        assert_eq!(job["spec"]["template"]["metadata"]["labels"], job["metadata"]["labels"]);
        assert_eq!(job["spec"]["activeDeadlineSeconds"], 360);
        let verbs =
            plan.checks[0].objects.iter().flat_map(|object| object["rules"].as_array().cloned().unwrap_or_default());
        for rule in verbs {
            let verbs: Vec<_> = rule["verbs"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
            assert!(verbs.iter().all(|verb| ["get", "list"].contains(verb)), "{rule}");
        }
    }

    #[test]
    fn documents_that_no_config_map_holds_are_refused_before_any_write() {
        let snapshot = "x".repeat(CONFIG_MAP_BYTES + 1);
        let planned = plan(&Recipe::default(), &Input::default(), &snapshot, &validators(), &options());
        assert!(matches!(planned, Err(PlanError::TooLarge { what: "snapshot", .. })));
    }

    #[test]
    fn images_resolve_like_the_references() {
        let image = "ghcr.io/nvidia/aicr-validators/deployment:latest";
        let resolve = |image: &str, version: &str, tag: Option<&str>, registry: Option<&str>| {
            let options = PlanOptions {
                version: version.into(),
                image_tag: tag.map(str::to_owned),
                image_registry: registry.map(str::to_owned),
                ..options()
            };
            let resolved = catalog_image(image, &options);
            format!("{resolved} {}", pull_policy(&resolved, &options))
        };
        let local = Some("localhost:5001");
        assert_eq!(
            resolve(image, "0.13.0", None, local),
            "localhost:5001/aicr-validators/deployment:v0.13.0 IfNotPresent"
        );
        assert_eq!(
            resolve(image, "0.13.0", Some("dev"), local),
            "localhost:5001/aicr-validators/deployment:dev Always"
        );
        let digest = "ghcr.io/nvidia/aicr-validators/deployment@sha256:00";
        assert_eq!(
            resolve(digest, "0.13.0", Some("dev"), local),
            "localhost:5001/aicr-validators/deployment@sha256:00 IfNotPresent"
        );
        assert_eq!(resolve("docker.io/me/check:1", "0.13.0", Some("dev"), local), "docker.io/me/check:1 IfNotPresent");
        assert_eq!(
            resolve(image, "0.14.0-next", None, None),
            "ghcr.io/nvidia/aicr-validators/deployment:latest Always"
        );
    }
}
