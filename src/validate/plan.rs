//! Recipe + validator catalog → the plan of a run: which checks, in which order, and every object to create.
//!
//! A plan leaves nothing to decide, so that it can be shown before anything happens. Rights are as small as each check
//! allows: one ServiceAccount per check, with a role made from the reads that the check declares.

pub use super::select::PlanError;
use super::{
    beforehand::Beforehand,
    checks::{self, Check, Rule},
    event::{PlannedCheck, Status, Way, Why},
    input::{Input, Place},
    reference::{self, Validators},
    select::{CONFIG_MAP_BYTES, select},
};
use crate::{
    catalog::validator::{Phase, Validator},
    recipe::Recipe,
};
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// Labels that everything of a run carries.
pub const NAME_LABEL: (&str, &str) = ("app.kubernetes.io/name", "aicr");
pub const RUN_LABEL: &str = "aicr.run/run-id";
pub const CHECK_LABEL: &str = "aicr.run/validator";
pub const PHASE_LABEL: &str = "aicr.run/phase";
/// On the first ConfigMap of a run: the names of its checks, separated by commas.
pub const CHECKS_ANNOTATION: &str = "aicr.run/checks";
/// On the same: when the program that ran it ended without removing anything. No check starts after that.
pub const LEFT_ANNOTATION: &str = "aicr.run/left";
/// The namespace of the run, also on objects outside it: a clean-up must not take the rights of a run next door.
pub const NAMESPACE_LABEL: &str = "aicr.run/namespace";

/// Seconds by which a Job outlives the limit of its check: evidence must not be deleted before it was read.
pub const JOB_MARGIN_SECONDS: u64 = 60;
/// Seconds after its end at which Kubernetes removes a Job.
pub const JOB_TTL_SECONDS: u64 = 3600;
/// Seconds by which a check's own budget is smaller than its limit, so that it can still say what it waited for.
const BUDGET_MARGIN_SECONDS: u64 = 30;
const RBAC: &str = "rbac.authorization.k8s.io";
/// Seconds after its limit at which a check that goes on is given up: enough for its last words to arrive.
pub const GIVE_UP_SECONDS: u64 = 5;
/// Checks that only read, at the same time.
pub const PARALLEL: usize = 8;
/// Images under this prefix are the catalog's own; only those are resolved and redirected.
const BUILT_IN_IMAGES: &str = "ghcr.io/nvidia/aicr-validators/";

/// How to run.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PlanOptions {
    pub run_id: String,
    pub namespace: String,
    /// In the order given; empty for all, in default order.
    pub phases: Vec<Phase>,
    /// Only these checks; empty for all that the recipe selects.
    pub only: Vec<String>,
    /// Checks that are not to run, and are reported as that.
    pub skip: Vec<String>,
    /// Checks that only read run in this process instead of in a pod.
    pub in_process: bool,
    /// Whose images run the checks of the catalog.
    pub validators: Validators,
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
    /// The commit of a build between releases, 7 to 40 lower-case hex digits; catalog images follow it then.
    pub commit: Option<String>,
}

/// What will happen.
#[derive(Clone, Debug, PartialEq)]
pub struct ValidationPlan {
    pub run_id: String,
    pub namespace: String,
    /// Created first, in this order: namespace, validation input, snapshot. The first ConfigMap owns the rest of the run.
    /// The snapshot is absent where it fits no ConfigMap and no check needs it.
    pub shared: Vec<Value>,
    pub checks: Vec<CheckPlan>,
    /// What a person should know before: checks that cannot run, phases without checks.
    pub notices: Vec<String>,
    /// What the cluster says about it; empty until it was asked.
    pub found: Beforehand,
}

impl ValidationPlan {
    /// Whether a role of the plan lets a check create a resource: `resourceclaims.resource.k8s.io`.
    pub fn lets_create(&self, resource: &str) -> bool {
        let (plural, group) = resource.split_once('.').unwrap_or((resource, ""));
        let has = |list: &Value, text: &str| {
            list.as_array().is_some_and(|list| list.iter().any(|known| known == "*" || known == text))
        };
        let rules = self.checks.iter().flat_map(|check| &check.objects).filter_map(|object| object["rules"].as_array());
        rules.flatten().any(|rule| {
            has(&rule["verbs"], "create") && has(&rule["resources"], plural) && has(&rule["apiGroups"], group)
        })
    }
}

/// One check of a plan.
#[derive(Clone, Debug, PartialEq)]
pub struct CheckPlan {
    pub check: PlannedCheck,
    pub job_name: String,
    /// ServiceAccount, roles and bindings, then the Job. Empty when the check is decided, or runs in this process.
    pub objects: Vec<Value>,
    /// Its result is known before the run; then nothing is created for it.
    pub decided: Option<Decided>,
    /// Only reads, so it may run together with others.
    pub read_only: bool,
}

/// A result without a run.
#[derive(Clone, Debug, PartialEq)]
pub struct Decided {
    pub status: Status,
    pub why: Why,
    pub reason: String,
}

/// Plans a run. `snapshot` is the text that checks receive with the recipe.
///
/// # Errors
/// Unknown names, a check in the wrong phase, documents too large for the cluster. Nothing was created then.
pub fn plan(
    recipe: &Recipe,
    input: &Input,
    snapshot: &str,
    validators: &[Validator],
    options: &PlanOptions,
) -> Result<ValidationPlan, PlanError> {
    if options.in_process && options.validators != Validators::Own {
        return Err(PlanError::NotInProcess);
    }
    let (selected, mut notices) = select(recipe, validators, options)?;
    notices.extend(options.validators.notice());
    let input = &Input { place: place_of(options), ..input.clone() };
    let document = crate::yaml::to_string(&input.to_value());
    if document.len() > CONFIG_MAP_BYTES {
        return Err(PlanError::TooLarge { what: "validation input", bytes: document.len() });
    }
    let has_snapshot = snapshot.len() <= CONFIG_MAP_BYTES;
    if !has_snapshot {
        // Our checks read the cluster itself; what others put into their images is promised the document.
        if selected.iter().any(|validator| !is_built_in(validator) || options.validators != Validators::Own) {
            return Err(PlanError::TooLarge { what: "snapshot", bytes: snapshot.len() });
        }
        let bytes = snapshot.len();
        notices.push(format!(
            "the snapshot ({bytes} bytes) is too large for a ConfigMap; the checks run without it, and do not need it"
        ));
    }
    let mut shared = vec![
        json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": options.namespace, "labels": base_labels()}}),
        config_map("validation", "validation.yaml", &document, options),
    ];
    if has_snapshot {
        shared.push(config_map("snapshot", "snapshot.yaml", snapshot, options));
    }
    let job = |validator: &&Validator| check_plan(validator, input, has_snapshot, options);
    let checks = grouped(selected.iter().map(job).collect());
    // Whoever follows the run by its objects knows by this which results there will be, beside skips.
    let has_result = |check: &&CheckPlan| check.decided.as_ref().is_none_or(|decided| decided.why == Why::CannotRun);
    let names: Vec<&str> = checks.iter().filter(has_result).map(|check| check.check.name.as_str()).collect();
    shared[1]["metadata"]["annotations"][CHECKS_ANNOTATION] = names.join(",").into();
    let unable = checks.iter().filter_map(|check| {
        let decided = check.decided.as_ref().filter(|decided| decided.why == Why::CannotRun)?;
        Some(format!("{}: {}", check.check.name, decided.reason))
    });
    notices.extend(unable);
    if checks.iter().all(|check| check.objects.is_empty()) {
        shared.clear();
    }
    let (run_id, namespace) = (options.run_id.clone(), options.namespace.clone());
    Ok(ValidationPlan { run_id, namespace, shared, checks, notices, found: Beforehand::default() })
}

/// Where the checks of a run are.
fn place_of(options: &PlanOptions) -> Place {
    Place {
        namespace: options.namespace.clone(),
        run_id: options.run_id.clone(),
        image: options.image.clone(),
        pull_policy: pull_policy(&options.image, options).to_owned(),
        pull_secrets: options.pull_secrets.clone(),
        ..Place::default()
    }
}

/// Checks phase by phase: in each, those that only read come first, up to [`PARALLEL`] at the same time, then the others one
/// by one, each in catalog order. What is decided is in nobody's way.
fn grouped(checks: Vec<CheckPlan>) -> Vec<CheckPlan> {
    let mut phases: Vec<Phase> = Vec::new();
    for check in &checks {
        if !phases.contains(&check.check.phase) {
            phases.push(check.check.phase);
        }
    }
    let mut group = 0;
    let mut sorted = Vec::with_capacity(checks.len());
    for phase in phases {
        let of_phase = checks.iter().filter(|check| check.check.phase == phase);
        let (together, alone): (Vec<_>, Vec<_>) =
            of_phase.cloned().partition(|check| check.read_only || check.decided.is_some());
        for set in std::iter::once(together).chain(alone.into_iter().map(|check| vec![check])) {
            group += usize::from(!set.is_empty());
            sorted.extend(set.into_iter().map(|mut check| {
                check.check.group = group;
                check
            }));
        }
    }
    sorted
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
    labels.insert(NAMESPACE_LABEL.to_owned(), options.namespace.as_str().into());
    labels
}

fn check_labels(validator: &Validator, options: &PlanOptions) -> Map<String, Value> {
    let mut labels = run_labels(options);
    labels.insert("aicr.run/job-type".to_owned(), "validation".into());
    labels.insert(CHECK_LABEL.to_owned(), validator.name.as_str().into());
    labels.insert(PHASE_LABEL.to_owned(), validator.phase.name().into());
    labels
}

/// The command that removes what a run left, as messages name it.
pub fn cleanup_command(namespace: &str, run_id: &str) -> String {
    format!("aicr cleanup --namespace {namespace} --run-id {run_id}")
}

/// The command that follows a run by its objects, as messages name it.
pub fn follow_command(namespace: &str, run_id: &str) -> String {
    format!("aicr runs follow {run_id} --cluster={namespace}")
}

/// The name of a run's first ConfigMap, which owns the rest.
pub fn input_name(run_id: &str) -> String {
    format!("aicr-validation-{run_id}")
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

fn check_plan(validator: &Validator, input: &Input, has_snapshot: bool, options: &PlanOptions) -> CheckPlan {
    let ours = ours(validator, options);
    let mut place = input.place.clone();
    place.said(|name| validator.env.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone()));
    let input = &Input { place, ..input.clone() };
    let timeout_seconds = options.timeout_seconds.unwrap_or(validator.timeout_seconds);
    let image = image_of(validator, options);
    let read_only = ours.map_or(validator.read_only, |check| checks::only_reads(check, input));
    let way = if options.in_process && read_only && ours.is_some() { Way::InProcess } else { Way::Job };
    let check = PlannedCheck {
        name: validator.name.clone(),
        phase: validator.phase,
        description: validator.description.clone(),
        image: image.clone(),
        timeout_seconds,
        grace_seconds: GIVE_UP_SECONDS,
        group: 0,
        way,
    };
    let name = format!("aicr-{}-{}", validator.name, input.place.suffix());
    let decided = decided(validator, ours, input, options);
    let objects = match (&decided, way) {
        (Some(_), _) | (None, Way::InProcess) => Vec::new(),
        (None, Way::Job) => {
            let mut objects = rights(&name, validator, ours, input, options);
            objects.push(job(&name, validator, (&check, has_snapshot), input, options));
            objects
        }
    };
    CheckPlan { check, job_name: name, objects, decided, read_only }
}

/// The check of this program that a validator stands for.
fn ours(validator: &Validator, options: &PlanOptions) -> Option<&'static dyn Check> {
    checks::find(&validator.name).filter(|_| is_built_in(validator) && options.validators == Validators::Own)
}

fn is_built_in(validator: &Validator) -> bool {
    validator.image.starts_with(BUILT_IN_IMAGES)
}

/// The tag of the reference's image that runs a validator; `None` where another image does.
fn tag_of_reference<'o>(validator: &Validator, options: &'o PlanOptions) -> Option<&'o str> {
    options.validators.tag().filter(|_| is_built_in(validator))
}

/// A result that is known before anything is created.
fn decided(validator: &Validator, ours: Option<&dyn Check>, input: &Input, options: &PlanOptions) -> Option<Decided> {
    if options.skip.contains(&validator.name) {
        let reason = "named in skipChecks, so the caller declared this check out of scope for this run".to_owned();
        return Some(Decided { status: Status::Skipped, why: Why::NamedInSkipChecks, reason });
    }
    let reason = obstacle(validator, ours, input, options)?;
    Some(Decided { status: Status::Other, why: Why::CannotRun, reason })
}

/// Why a check cannot run, known before anything is created.
fn obstacle(validator: &Validator, ours: Option<&dyn Check>, input: &Input, options: &PlanOptions) -> Option<String> {
    if tag_of_reference(validator, options).is_some() {
        if let Some(reason) = options.validators.obstacle(validator) {
            return Some(reason);
        }
    } else if ours.is_none() && is_built_in(validator) {
        let hint = "give it an image of its own in a --data catalog to run it";
        return Some(format!("this version does not implement the check; {hint}"));
    }
    let required = validator.dependency_affinity.iter().filter(|dependency| dependency.required);
    let absent = required.map(|dependency| &*dependency.component).find(|name| place(name, input).is_none())?;
    Some(format!("it must run next to pods of {absent}, which the recipe does not deploy"))
}

/// The namespace of an enabled component; `None` for one that is not deployed.
fn place<'i>(component: &str, input: &'i Input) -> Option<&'i str> {
    input.enabled(component).map(|component| &*component.namespace).filter(|namespace| !namespace.is_empty())
}

/// A ServiceAccount with the reads that the check declares, in the namespaces where it needs them. The reference's images have
/// all rights, by their contract; an image of others gets none of ours.
fn rights(
    name: &str,
    validator: &Validator,
    ours: Option<&dyn Check>,
    input: &Input,
    options: &PlanOptions,
) -> Vec<Value> {
    let metadata = |namespace: &str| {
        let mut metadata = json!({ "name": name, "labels": check_labels(validator, options) });
        if !namespace.is_empty() {
            metadata["namespace"] = namespace.into();
        }
        metadata
    };
    let mut objects =
        vec![json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata(&options.namespace)})];
    let subject = json!({"kind": "ServiceAccount", "name": name, "namespace": options.namespace});
    let rules = match (ours, tag_of_reference(validator, options)) {
        (Some(check), _) => check.rules(input),
        (None, Some(_)) => reference::rules(),
        (None, None) => Vec::new(),
    };
    for (namespace, rules) in by_namespace(rules) {
        let (role, binding) =
            if namespace.is_empty() { ("ClusterRole", "ClusterRoleBinding") } else { ("Role", "RoleBinding") };
        objects.push(json!({
            "apiVersion": format!("{RBAC}/v1"), "kind": role, "metadata": metadata(&namespace), "rules": rules,
        }));
        objects.push(json!({
            "apiVersion": format!("{RBAC}/v1"), "kind": binding, "metadata": metadata(&namespace),
            "roleRef": {"apiGroup": RBAC, "kind": role, "name": name},
            "subjects": [subject],
        }));
    }
    objects
}

/// Rules by the namespace in which they hold, the whole cluster (an empty name) first.
///
/// Who has rights in a namespace may also read the namespace itself: to an account without rights there, a namespace that
/// does not exist looks like one that is forbidden.
fn by_namespace(mut rules: Vec<Rule>) -> BTreeMap<String, Vec<Value>> {
    let namespaces: BTreeSet<&str> =
        rules.iter().map(|rule| &*rule.namespace).filter(|name| !name.is_empty()).collect();
    if !namespaces.is_empty() {
        let names = namespaces.into_iter().map(str::to_owned).collect();
        rules.push(Rule::get("", "namespaces", names));
    }
    let mut sorted: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for rule in rules {
        sorted.entry(rule.namespace.clone()).or_default().push(rule.to_value());
    }
    sorted
}

fn job(
    name: &str,
    validator: &Validator,
    (check, has_snapshot): (&PlannedCheck, bool),
    input: &Input,
    options: &PlanOptions,
) -> Value {
    let labels = check_labels(validator, options);
    let documents: &[&str] = if has_snapshot { &["snapshot", "validation"] } else { &["validation"] };
    let is_reference = tag_of_reference(validator, options).is_some();
    let resources = match (&validator.resources, is_reference) {
        (Some((cpu, memory)), _) => json!({"requests": {"cpu": cpu, "memory": memory}, "limits": {"memory": memory}}),
        // As the reference runs them.
        (None, true) => {
            json!({"requests": {"cpu": "1", "memory": "1Gi"}, "limits": {"cpu": "1", "memory": "1Gi"}})
        }
        (None, false) => json!({"requests": {"cpu": "50m", "memory": "64Mi"}, "limits": {"memory": "256Mi"}}),
    };
    let volume = |stem: &&str| json!({"name": stem, "configMap": {"name": format!("aicr-{stem}-{}", options.run_id)}});
    let mount = |stem: &&str| json!({"name": stem, "mountPath": format!("/data/{stem}"), "readOnly": true});
    let secrets: Vec<Value> = options.pull_secrets.iter().map(|secret| json!({ "name": secret })).collect();
    let mut pod = json!({
        "restartPolicy": "Never",
        "serviceAccountName": name,
        "terminationGracePeriodSeconds": 30,
        "tolerations": [{"operator": "Exists"}],
        "securityContext": {"runAsNonRoot": true, "runAsUser": 65532, "seccompProfile": {"type": "RuntimeDefault"}},
        "affinity": affinity(validator, input),
        "volumes": documents.iter().map(volume).collect::<Vec<_>>(),
        "containers": [{
            "name": "validator",
            "image": check.image,
            "imagePullPolicy": pull_policy(&check.image, options),
            "args": validator.args,
            "env": env(validator, (check.timeout_seconds, has_snapshot), options),
            "resources": resources,
            "volumeMounts": documents.iter().map(mount).collect::<Vec<_>>(),
            "terminationMessagePath": "/dev/termination-log",
            "terminationMessagePolicy": "File",
            "securityContext": {
                "allowPrivilegeEscalation": false, "readOnlyRootFilesystem": true, "capabilities": {"drop": ["ALL"]},
            },
        }],
    });
    if is_reference {
        // Their contract does not say that they write nothing.
        pod["containers"][0]["securityContext"]["readOnlyRootFilesystem"] = false.into();
    }
    if !secrets.is_empty() {
        pod["imagePullSecrets"] = secrets.into();
    }
    json!({
        "apiVersion": "batch/v1", "kind": "Job",
        "metadata": {"name": name, "namespace": options.namespace, "labels": labels},
        "spec": {
            "activeDeadlineSeconds": check.timeout_seconds + JOB_MARGIN_SECONDS,
            "backoffLimit": 0,
            "ttlSecondsAfterFinished": JOB_TTL_SECONDS,
            "template": {"metadata": {"labels": labels}, "spec": pod},
        },
    })
}

/// Away from GPU nodes, and near the pods of components that the check talks to, as far as they are deployed.
fn affinity(validator: &Validator, input: &Input) -> Value {
    let mut affinity = json!({"nodeAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": [{
        "weight": 100,
        "preference": {"matchExpressions": [{"key": "nvidia.com/gpu.present", "operator": "DoesNotExist"}]},
    }]}});
    let term = |dependency: &crate::catalog::validator::DependencyAffinity| {
        let namespace = place(&dependency.component, input)?;
        let term = json!({
            "labelSelector": {"matchLabels": dependency.pod_labels},
            "namespaces": [namespace],
            "topologyKey": dependency.topology_key,
        });
        Some((dependency.required, term))
    };
    let terms = validator.dependency_affinity.iter().filter_map(term);
    let (required, preferred): (Vec<_>, Vec<_>) = terms.partition(|(required, _)| *required);
    if !required.is_empty() {
        affinity["podAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"] =
            required.into_iter().map(|(_, term)| term).collect();
    }
    if !preferred.is_empty() {
        let weighted = |(_, term)| json!({"weight": 100, "podAffinityTerm": term});
        affinity["podAffinity"]["preferredDuringSchedulingIgnoredDuringExecution"] =
            preferred.into_iter().map(weighted).collect();
    }
    affinity
}

/// What a pod learns about itself; the others are for checks that create what their pod then owns.
const OWN_FIELDS: [(&str, &str); 3] =
    [("AICR_NAMESPACE", "metadata.namespace"), ("AICR_POD_NAME", "metadata.name"), ("AICR_POD_UID", "metadata.uid")];

fn env(validator: &Validator, (timeout_seconds, has_snapshot): (u64, bool), options: &PlanOptions) -> Vec<Value> {
    let (ours, of_reference) = (ours(validator, options).is_some(), tag_of_reference(validator, options));
    let budget = timeout_seconds.saturating_sub(BUDGET_MARGIN_SECONDS).max(timeout_seconds.min(BUDGET_MARGIN_SECONDS));
    let selector: Vec<String> = options.node_selector.iter().map(|(key, value)| format!("{key}={value}")).collect();
    let stated = [
        ("AICR_SNAPSHOT_PATH", has_snapshot.then(|| "/data/snapshot/snapshot.yaml".to_owned())),
        ("AICR_VALIDATION_PATH", Some("/data/validation/validation.yaml".to_owned())),
        ("AICR_VALIDATOR_NAME", Some(validator.name.clone())),
        ("AICR_VALIDATOR_PHASE", Some(validator.phase.name().to_owned())),
        ("AICR_RUN_ID", Some(options.run_id.clone())),
        ("AICR_CHECK_TIMEOUT", Some(format!("{budget}s"))),
        ("AICR_NODE_SELECTOR", Some(selector.join(",")).filter(|text| !text.is_empty())),
        ("AICR_TOLERATIONS", Some(options.tolerations.join(",")).filter(|text| !text.is_empty())),
        // By these, the reference's images choose the images of what they create.
        (
            "AICR_CLI_VERSION",
            Some(of_reference.unwrap_or(options.version.as_str()).to_owned()).filter(|text| !text.is_empty()),
        ),
        ("AICR_CLI_COMMIT", options.commit.clone().filter(|_| of_reference.is_none())),
        ("AICR_VALIDATOR_IMAGE_REGISTRY", options.image_registry.clone()),
        ("AICR_VALIDATOR_IMAGE_TAG", options.image_tag.clone()),
        ("AICR_CHECK_IMAGE", ours.then(|| options.image.clone())),
        ("AICR_CHECK_PULL_POLICY", ours.then(|| pull_policy(&options.image, options).to_owned())),
        ("AICR_CHECK_PULL_SECRETS", ours.then(|| options.pull_secrets.join(",")).filter(|text| !text.is_empty())),
    ];
    let mut env: Vec<Value> =
        stated.into_iter().filter_map(|(name, value)| Some(json!({"name": name, "value": value?}))).collect();
    let fields: &[(&str, &str)] = if ours { &OWN_FIELDS } else { &OWN_FIELDS[..1] };
    env.extend(fields.iter().map(|(name, path)| json!({"name": name, "valueFrom": {"fieldRef": {"fieldPath": path}}})));
    env.extend(validator.env.iter().map(|(name, value)| json!({"name": name, "value": value})));
    env
}

/// The image whose container runs a check.
pub fn image_of(validator: &Validator, options: &PlanOptions) -> String {
    match ours(validator, options) {
        Some(_) => options.image.clone(),
        None => catalog_image(&validator.image, options),
    }
}

/// A catalog image with tag and registry resolved; images of others stay as they are written.
pub fn catalog_image(image: &str, options: &PlanOptions) -> String {
    if !image.starts_with(BUILT_IN_IMAGES) {
        return image.to_owned();
    }
    let mut image = image.to_owned();
    let tag_start = image.rfind(':').filter(|colon| !image[*colon..].contains('/') && !image.contains('@'));
    let commit = options.commit.as_deref().filter(|commit| is_commit(commit)).map(|commit| format!("sha-{commit}"));
    let of_program = release(&options.version).map(|release| format!("v{release}")).or(commit);
    let built = options.validators.tag().map(str::to_owned).or(of_program);
    if let (Some(colon), Some(built)) = (tag_start.filter(|colon| &image[*colon..] == ":latest"), built) {
        image = format!("{}:{built}", &image[..colon]);
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

fn is_commit(text: &str) -> bool {
    (7..=40).contains(&text.len()) && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
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
            read_only: false,
        };
        vec![
            validator("operator-health", Phase::Deployment),
            validator("dra-support", Phase::Conformance),
            validator("platform-health", Phase::Conformance),
            validator("storage-throughput", Phase::Conformance),
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
    fn the_references_images_run_under_their_own_contract() {
        let options = PlanOptions {
            run_id: "20260714-073000-00000000c0ffee00".into(),
            namespace: "checks".into(),
            image: "aicr/check:0.1.0".into(),
            version: "0.1.0".into(),
            commit: Some("0123abc".into()),
            validators: Validators::Reference { tag: "v1.0.0".into() },
            ..PlanOptions::default()
        };
        let recipe = recipe(&["operator-health"], &["platform-health", "storage-throughput"]);
        let input = Input::of(&recipe, super::super::gpu::Policy::Unspecified);
        let planned = plan(&recipe, &input, "kind: Snapshot", &validators(), &options).unwrap();
        assert!(planned.notices[0].contains("every right on the cluster"), "{:?}", planned.notices);
        // Also the one that this program does not implement.
        assert!(planned.checks.iter().all(|check| check.decided.is_none() && !check.read_only));
        let first = &planned.checks[0];
        assert_eq!(first.check.image, "ghcr.io/nvidia/aicr-validators/conformance:v1.0.0");
        let job = first.objects.iter().find(|object| object["kind"] == "Job").unwrap();
        let container = &job["spec"]["template"]["spec"]["containers"][0];
        assert_eq!(container["args"], json!(["operator-health"]));
        assert_eq!(container["resources"]["limits"], json!({"cpu": "1", "memory": "1Gi"}));
        let env = |name: &str| {
            container["env"].as_array().unwrap().iter().find(|entry| entry["name"] == name).map(|entry| &entry["value"])
        };
        assert_eq!(env("AICR_CLI_VERSION"), Some(&json!("v1.0.0")));
        assert_eq!((env("AICR_CLI_COMMIT"), env("AICR_CHECK_IMAGE")), (None, None));
        let role = first.objects.iter().find(|object| object["kind"] == "ClusterRole").unwrap();
        assert_eq!(role["rules"], json!([{"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}]));
        // Another tag or registry of the environment counts as ever.
        let options = PlanOptions { image_registry: Some("mirror.example:5000".into()), ..options };
        let image = catalog_image("ghcr.io/nvidia/aicr-validators/deployment:latest", &options);
        assert_eq!(image, "mirror.example:5000/aicr-validators/deployment:v1.0.0");
        let refused = plan(&recipe, &input, "", &validators(), &PlanOptions { in_process: true, ..options });
        assert_eq!(refused, Err(PlanError::NotInProcess));
    }

    #[test]
    fn checks_run_in_catalog_order_and_phases_as_given() {
        // `dra-support` creates, so it comes after what only reads.
        let recipe = recipe(&["operator-health"], &["platform-health", "dra-support"]);
        check(&recipe, &options(), "operator-health platform-health dra-support");
        let phases = vec![Phase::Conformance, Phase::Deployment, Phase::Conformance];
        check(&recipe, &PlanOptions { phases, ..options() }, "platform-health dra-support operator-health");
        check(&recipe, &PlanOptions { only: vec!["platform-health".into()], ..options() }, "platform-health");
        check(&Recipe::default(), &options(), "");
    }

    #[test]
    fn a_check_that_the_recipe_does_not_select_cannot_be_asked_for() {
        let recipe = recipe(&[], &["platform-health"]);
        let only = ["platform-health", "dra-support"].map(str::to_owned).to_vec();
        check(
            &recipe,
            &PlanOptions { only, ..options() },
            "the recipe does not select check `dra-support`; `aicr validate --plan` lists the checks of a recipe",
        );
    }

    #[test]
    fn unknown_names_are_errors() {
        let typo = recipe(&[], &["dra-suport"]);
        check(&typo, &options(), "unknown check `dra-suport`; did you mean dra-support?");
        let wrong = recipe(&[], &["operator-health"]);
        check(
            &wrong,
            &options(),
            "the conformance phase lists `operator-health`, which is a deployment check; move `operator-health` to \
             `validation.deployment`",
        );
    }

    #[test]
    fn every_problem_with_declared_checks_is_in_one_error() {
        let recipe = recipe(&["operator-health", "operator-health"], &["typo", "operator-health", "dra-suport"]);
        let planned = plan(&recipe, &Input::default(), "", &validators(), &options());
        assert_eq!(
            planned.unwrap_err().to_string(),
            "the deployment phase lists `operator-health` more than once; unknown check `typo`; the conformance phase lists \
             `operator-health`, which is a deployment check; unknown check `dra-suport`"
        );
    }

    #[test]
    fn a_skipped_check_is_planned_as_skipped_and_bad_skips_are_one_error() {
        let recipe = recipe(&["operator-health"], &["dra-support", "platform-health"]);
        let skipping = |names: &[&str], phases: &[Phase]| {
            let skip = names.iter().map(|name| (*name).to_owned()).collect();
            let options = PlanOptions { skip, phases: phases.to_vec(), ..options() };
            plan(&recipe, &Input::default(), "", &validators(), &options)
        };
        let planned = skipping(&["dra-support", "storage-throughput"], &[]).unwrap();
        let decided = planned.checks.iter().find_map(|check| check.decided.clone()).unwrap();
        assert_eq!((decided.status, decided.why), (Status::Skipped, Why::NamedInSkipChecks));
        assert_eq!(planned.notices, ["1 check to skip that would not run anyway: storage-throughput"]);
        let refused = skipping(&["dra-suport", "operator-health"], &[Phase::Deployment]).unwrap_err();
        assert_eq!(
            refused.to_string(),
            "invalid skipChecks: cannot skip `dra-suport`: unknown check; cannot skip every check of the deployment phase, \
             which was asked for"
        );
    }

    #[test]
    fn checks_that_run_in_this_process_create_nothing() {
        let recipe = recipe(&["operator-health"], &[]);
        let options = PlanOptions { in_process: true, ..options() };
        let planned = plan(&recipe, &Input::default(), "", &validators(), &options).unwrap();
        assert!(planned.shared.is_empty() && planned.checks[0].objects.is_empty(), "{planned:?}");
        assert_eq!((planned.checks[0].check.way, &planned.checks[0].decided), (Way::InProcess, &None));
    }

    #[test]
    fn what_only_reads_comes_first_and_together_and_the_rest_alone() {
        let mut validators = validators();
        validators[1].image = "docker.io/me/exclusive:1".into();
        validators[2].image = "docker.io/me/exclusive:2".into();
        validators.push(Validator { name: "gpu-operator-health".into(), ..validators[3].clone() });
        let recipe = recipe(&["operator-health"], &["dra-support", "platform-health", "gpu-operator-health"]);
        let groups = |validators: &[Validator], options: &PlanOptions| -> Vec<(usize, String, Way)> {
            let planned = plan(&recipe, &Input::default(), "", validators, options).unwrap();
            planned.checks.into_iter().map(|plan| (plan.check.group, plan.check.name, plan.check.way)).collect()
        };
        let with = |expected: [(usize, &str); 4], ours: Way| {
            let way = |name: &str| if name.ends_with("operator-health") { ours } else { Way::Job };
            expected.map(|(group, name)| (group, name.to_owned(), way(name))).to_vec()
        };
        let expected = [(1, "operator-health"), (2, "gpu-operator-health"), (3, "dra-support"), (4, "platform-health")];
        assert_eq!(groups(&validators, &options()), with(expected, Way::Job));
        // An image of others that declares it joins those that only read, but runs in its own pod.
        validators[2].read_only = true;
        let expected = [(1, "operator-health"), (2, "platform-health"), (2, "gpu-operator-health"), (3, "dra-support")];
        assert_eq!(groups(&validators, &options()), with(expected, Way::Job));
        let in_process = PlanOptions { in_process: true, ..options() };
        assert_eq!(groups(&validators, &in_process), with(expected, Way::InProcess));
    }

    /// What the catalog says of a check's images and network can need other rights.
    #[test]
    fn rights_are_those_of_what_the_catalog_says_to_the_check() {
        let rights = |env: &[(&str, &str)]| {
            let mut validators = validators();
            validators[0].name = "nccl-all-reduce-bw-net".into();
            validators[0].phase = Phase::Performance;
            validators[0].env = env.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
            let mut recipe = recipe(&[], &[]);
            recipe.validation.as_mut().unwrap().performance.get_or_insert_default().checks =
                vec!["nccl-all-reduce-bw-net".into()];
            let mut input = Input::of(&recipe, super::super::gpu::Policy::Unspecified);
            input.criteria.service = Some("eks".into());
            input.criteria.accelerator = Some("gb300".into());
            let plan = plan(&recipe, &input, "", &validators, &options()).unwrap();
            plan.checks[0].objects.iter().map(ToString::to_string).collect::<String>()
        };
        assert!(!rights(&[]).contains("resourceclaimtemplates"));
        assert!(rights(&[("AICR_NCCL_FABRIC", "roce")]).contains("resourceclaimtemplates"));
    }

    #[test]
    fn a_check_that_is_not_implemented_is_planned_as_that() {
        let plan =
            plan(&recipe(&[], &["storage-throughput"]), &Input::default(), "", &validators(), &options()).unwrap();
        assert!(plan.checks[0].decided.is_some() && plan.checks[0].objects.is_empty());
        assert!(plan.notices[0].starts_with("storage-throughput: this version does not implement"));
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
        for object in &plan.checks[0].objects {
            let is_of_the_run = object["kind"] == "Role" && object["metadata"]["namespace"] == "aicr-validation";
            for rule in object["rules"].as_array().into_iter().flatten() {
                let verbs: Vec<_> = rule["verbs"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
                let only_reads = verbs.iter().all(|verb| ["get", "list"].contains(verb));
                assert!(only_reads || is_of_the_run, "{rule}");
                // What a check deletes, it made itself.
                assert!(!verbs.contains(&"delete") || rule["resourceNames"].is_array(), "{rule}");
            }
        }
    }

    #[test]
    fn a_snapshot_that_no_config_map_holds_is_left_out_unless_an_image_of_others_is_promised_it() {
        let snapshot = "x".repeat(CONFIG_MAP_BYTES + 1);
        let recipe = recipe(&[], &["dra-support"]);
        let mut validators = validators();
        let without = plan(&recipe, &Input::default(), &snapshot, &validators, &options()).unwrap();
        assert!(
            without.notices[0].starts_with("the snapshot (1048577 bytes) is too large for a ConfigMap"),
            "{:?}",
            without.notices
        );
        let all = [without.shared.as_slice(), &without.checks[0].objects].concat();
        assert!(!all.iter().any(|object| object.to_string().contains("snapshot")));
        validators[1].image = "docker.io/me/check:1".into();
        let planned = plan(&recipe, &Input::default(), &snapshot, &validators, &options());
        assert!(matches!(planned, Err(PlanError::TooLarge { what: "snapshot", .. })));
    }

    #[test]
    fn rights_end_at_the_namespaces_that_a_check_looks_at() {
        let component = |name: &str, namespace: &str| crate::recipe::ComponentRef {
            name: name.into(),
            namespace: namespace.into(),
            ..crate::recipe::ComponentRef::default()
        };
        let input = Input { components: vec![component("gpu-operator", "privileged-gpu")], ..Input::default() };
        let plan = plan(&recipe(&["operator-health"], &[]), &input, "", &validators(), &options()).unwrap();
        let told: Vec<String> = plan.checks[0]
            .objects
            .iter()
            .map(|object| format!("{} {} {}", object["kind"], object["metadata"]["namespace"], object["rules"]))
            .collect();
        assert_eq!(
            told,
            [
                r#""ServiceAccount" "aicr-validation" null"#,
                r#""ClusterRole" null [{"apiGroups":[""],"resourceNames":["privileged-gpu"],"resources":["namespaces"],"verbs":["get"]}]"#,
                r#""ClusterRoleBinding" null null"#,
                r#""Role" "privileged-gpu" [{"apiGroups":[""],"resources":["pods"],"verbs":["list"]}]"#,
                r#""RoleBinding" "privileged-gpu" null"#,
                r#""Job" "aicr-validation" null"#,
            ]
        );
    }

    #[test]
    fn a_required_neighbor_that_is_not_deployed_stops_that_check_only() {
        let mut validators = validators();
        validators[1].dependency_affinity = vec![crate::catalog::validator::DependencyAffinity {
            component: "kube-prometheus-stack".into(),
            pod_labels: [("app".to_owned(), "prometheus".to_owned())].into(),
            required: true,
            topology_key: "kubernetes.io/hostname".into(),
        }];
        let recipe = recipe(&[], &["dra-support", "platform-health"]);
        let plan_for = |input: &Input| plan(&recipe, input, "", &validators, &options()).unwrap();
        let without = plan_for(&Input::default());
        let reason = without.checks[0].decided.as_ref().map(|decided| decided.reason.as_str()).unwrap_or_default();
        assert!(reason.contains("pods of kube-prometheus-stack"), "{reason}");
        assert_eq!(without.checks[1].decided, None);
        let component = crate::recipe::ComponentRef {
            name: "kube-prometheus-stack".into(),
            namespace: "monitoring".into(),
            ..crate::recipe::ComponentRef::default()
        };
        let with = plan_for(&Input { components: vec![component], ..Input::default() });
        let dra = with.checks.iter().find(|check| check.check.name == "dra-support").unwrap();
        let affinity = &dra.objects.last().unwrap()["spec"]["template"]["spec"]["affinity"]["podAffinity"];
        let term = &affinity["requiredDuringSchedulingIgnoredDuringExecution"][0];
        assert_eq!(
            (&term["namespaces"][0], &term["labelSelector"]["matchLabels"]["app"]),
            (&"monitoring".into(), &"prometheus".into())
        );
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
        let between = PlanOptions { version: "0.14.0-next".into(), commit: Some("abc1234".into()), ..options() };
        assert_eq!(catalog_image(image, &between), "ghcr.io/nvidia/aicr-validators/deployment:sha-abc1234");
    }
}
