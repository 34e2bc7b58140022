//! Terraform: one module call for each release, with the provider of Helm and the exact graph of what needs what. As a child
//! module it leaves the provider to whoever calls it; with a rollover its releases are replaced when the cluster is.

use super::{Deployer, DeployerError, Setting, Settings, Terraform as Form, dynamic_file, helm, values_file};
use crate::bundle::{
    plan::{Bundle, File},
    release::{Chart, Release, Role},
};

pub struct Terraform;

impl Deployer for Terraform {
    fn name(&self) -> &'static str {
        "terraform"
    }

    fn about(&self) -> &'static str {
        "A Terraform configuration with the Helm provider"
    }

    fn entrypoint(&self) -> &'static str {
        "main.tf"
    }

    fn takes(&self, setting: Setting) -> bool {
        let taken = [
            Setting::ReadinessHooks,
            Setting::Serial,
            Setting::Dynamic,
            Setting::TerraformChildModule,
            Setting::TerraformClusterRollover,
        ];
        taken.contains(&setting)
    }

    fn check(&self, bundle: &Bundle) -> Result<(), DeployerError> {
        super::check_homes(bundle)
    }

    fn files(&self, bundle: &Bundle) -> Vec<File> {
        let Form { child_module, cluster_rollover } = bundle.options.settings.terraform;
        let only = |is_wanted: bool, text: &'static str| if is_wanted { text } else { "" };
        let modules: Vec<String> = bundle.releases.iter().map(|release| module(bundle, release)).collect();
        let endpoint = only(cluster_rollover, ENDPOINT);
        let mut files = vec![
            File::text("main.tf", modules.join("\n")),
            File::text("versions.tf", format!("{VERSIONS}{}", only(!child_module, PROVIDER))),
            File::text("variables.tf", format!("{}{endpoint}{VARIABLES}", only(!child_module, CONNECTION))),
            File::text("outputs.tf", outputs(bundle)),
            File::text(
                "modules/component/main.tf",
                format!("{MODULE}{}}}\n{}", only(cluster_rollover, REPLACED), only(cluster_rollover, CLUSTER)),
            ),
            File::text("modules/component/variables.tf", format!("{endpoint}{MODULE_VARIABLES}")),
            File::text("modules/component/outputs.tf", MODULE_OUTPUTS),
        ];
        if !child_module {
            let example = only(cluster_rollover, "cluster_endpoint = \"https://cluster.example.com\"\n");
            files.push(File::text("terraform.tfvars.example", format!("{EXAMPLE}{example}")));
        }
        for release in &bundle.releases {
            let folder = release.folder();
            files.extend(helm::chart_files(bundle, release, &folder));
            files.push(File::text(format!("{folder}/values.yaml"), values_file(&release.values)));
            files.push(File::text(format!("{folder}/cluster-values.yaml"), dynamic_file(release)));
        }
        files
    }

    fn guide(&self, bundle: &Bundle) -> String {
        let Form { child_module, cluster_rollover } = bundle.options.settings.terraform;
        let deploy = match child_module {
            true => {
                "Call this folder as a module of a configuration that has a `helm` provider for the cluster:\n\n\
                 ```hcl\nmodule \"gpu_stack\" {\n  source = \"./bundle\"\n}\n```\n\nThen `terraform init` and `terraform apply` \
                 there. "
            }
            false => {
                "```sh\nterraform init\nterraform plan\nterraform apply\n```\n\n`variables.tf` lists how to reach the \
                 cluster; `terraform.tfvars.example` is a start. "
            }
        };
        let rollover = match cluster_rollover {
            true => " When `cluster_endpoint` changes, every release is replaced.",
            false => "",
        };
        let remove = match child_module {
            true => "Take the module out of the configuration, and `terraform apply`.\n",
            false => "```sh\nterraform destroy\n```\n",
        };
        format!(
            "## Deploy\n\n{deploy}Releases that do not need each other are installed at the same time.{rollover}\n\n\
             ## Change\n\nValues that were left to the installation are in `NNN-NAME/cluster-values.yaml`.\n\n\
             ## Remove\n\n{remove}"
        )
    }

    fn steps(&self, folder: &str, _: &Settings) -> Vec<String> {
        vec![format!("cd {folder}"), "terraform init".to_owned(), "terraform apply".to_owned()]
    }
}

/// A text as a string of HCL.
fn string(text: &str) -> String {
    let escaped = serde_json::Value::from(text).to_string();
    escaped.replace("${", "$${").replace("%{", "%%{")
}

/// The name of a module: identifiers may have dashes, and begin with a letter. No release has `_` in its name.
fn identifier(release: &Release) -> String {
    match release.name.starts_with(|c: char| c.is_ascii_digit()) {
        true => format!("r_{}", release.name),
        false => release.name.clone(),
    }
}

fn module(bundle: &Bundle, release: &Release) -> String {
    let folder = release.folder();
    let mut lines = vec![
        ("source", string("./modules/component")),
        ("name", string(&release.name)),
        ("namespace", string(release.home())),
    ];
    match &release.chart {
        Chart::Repository { name, url, version } => {
            lines.push(("chart", string(name)));
            lines.push(("repository", string(url)));
            lines.push(("chart_version", string(version)));
        }
        Chart::Oci { name, url, version } => {
            lines.push(("chart", string(name)));
            lines.push(("repository", string(url)));
            lines.push(("chart_version", string(version)));
        }
        Chart::Local { .. } | Chart::Vendored { .. } => lines.push(("chart", format!("\"${{path.module}}/{folder}\""))),
    }
    let file = |name: &str| format!("file(\"${{path.module}}/{folder}/{name}\")");
    lines.push(("values", format!("[{}, {}]", file("values.yaml"), file("cluster-values.yaml"))));
    lines.push(("create_namespace", (!release.owns_namespace).to_string()));
    lines.push(("wait", if release.is_awaited() { "var.wait".to_owned() } else { "false".to_owned() }));
    if release.role == Role::Readiness {
        // A gate is a Job, and Helm waits for those only where it is told to.
        lines.push(("wait_for_jobs", "true".to_owned()));
    }
    let timeout = release.timeout();
    lines.push(("timeout", format!("max(var.timeout, {timeout})")));
    lines.push(("atomic", "var.atomic".to_owned()));
    if bundle.options.settings.terraform.cluster_rollover {
        lines.push(("cluster_endpoint", "var.cluster_endpoint".to_owned()));
    }
    let needs: Vec<String> =
        release.needs.iter().map(|need| format!("module.{}", identifier(&bundle.releases[*need]))).collect();
    if !needs.is_empty() {
        lines.push(("depends_on", format!("[{}]", needs.join(", "))));
    }
    let width = lines.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    let lines: String = lines.iter().map(|(name, value)| format!("  {name:<width$} = {value}\n")).collect();
    format!("module \"{}\" {{\n{lines}}}\n", identifier(release))
}

fn outputs(bundle: &Bundle) -> String {
    // As `terraform fmt` aligns them.
    let width = bundle.releases.iter().map(|release| string(&release.name).len()).max().unwrap_or(0);
    let names: String = bundle
        .releases
        .iter()
        .map(|release| format!("    {:<width$} = module.{}.status\n", string(&release.name), identifier(release)))
        .collect();
    format!("output \"releases\" {{\n  description = \"The state of each release\"\n  value = {{\n{names}  }}\n}}\n")
}

const VERSIONS: &str = r#"terraform {
  required_version = ">= 1.5"
  required_providers {
    helm = {
      source  = "hashicorp/helm"
      version = "~> 3.0"
    }
  }
}
"#;

const PROVIDER: &str = r#"
provider "helm" {
  kubernetes = {
    config_path            = var.cluster_host == null ? pathexpand(var.kubeconfig_path) : null
    config_context         = var.kube_context
    host                   = var.cluster_host
    cluster_ca_certificate = var.cluster_ca_certificate
    client_certificate     = var.cluster_client_certificate
    client_key             = var.cluster_client_key
    token                  = var.cluster_token
  }
}
"#;

const CONNECTION: &str = r#"variable "kubeconfig_path" {
  type    = string
  default = "~/.kube/config"
}

variable "kube_context" {
  type    = string
  default = null
}

variable "cluster_host" {
  type    = string
  default = null
}

variable "cluster_ca_certificate" {
  type    = string
  default = null
}

variable "cluster_client_certificate" {
  type    = string
  default = null
}

variable "cluster_client_key" {
  type      = string
  default   = null
  sensitive = true
}

variable "cluster_token" {
  type      = string
  default   = null
  sensitive = true
}

"#;

/// What changes with the cluster.
const ENDPOINT: &str = r#"variable "cluster_endpoint" {
  type = string
}

"#;

const VARIABLES: &str = r#"variable "wait" {
  type    = bool
  default = true
}

variable "timeout" {
  type    = number
  default = 900
}

variable "atomic" {
  type    = bool
  default = false
}
"#;

const EXAMPLE: &str = "kubeconfig_path = \"~/.kube/config\"\n# kube_context  = \"my-cluster\"\n";

const MODULE: &str = r#"terraform {
  required_providers {
    helm = {
      source  = "hashicorp/helm"
      version = "~> 3.0"
    }
  }
}

resource "helm_release" "this" {
  name             = var.name
  namespace        = var.namespace
  chart            = var.chart
  repository       = var.repository
  version          = var.chart_version
  values           = var.values
  create_namespace = var.create_namespace
  wait             = var.wait
  wait_for_jobs    = var.wait_for_jobs
  timeout          = var.timeout
  atomic           = var.atomic
"#;

/// In a release: what replaces it.
const REPLACED: &str = r#"
  lifecycle {
    replace_triggered_by = [terraform_data.cluster]
  }
"#;

/// Beside it: what changes when the cluster is another one.
const CLUSTER: &str = r#"
resource "terraform_data" "cluster" {
  input = var.cluster_endpoint
}
"#;

const MODULE_VARIABLES: &str = r#"variable "name" {
  type = string
}

variable "namespace" {
  type = string
}

variable "chart" {
  type = string
}

variable "repository" {
  type    = string
  default = null
}

variable "chart_version" {
  type    = string
  default = null
}

variable "values" {
  type = list(string)
}

variable "create_namespace" {
  type = bool
}

variable "wait" {
  type = bool
}

variable "wait_for_jobs" {
  type    = bool
  default = false
}

variable "timeout" {
  type = number
}

variable "atomic" {
  type = bool
}
"#;

const MODULE_OUTPUTS: &str = r#"output "status" {
  value = helm_release.this.status
}
"#;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_string_stays_one() {
        assert_eq!(string("a\"${x}%{y}\n"), "\"a\\\"$${x}%%{y}\\n\"");
    }
}
