//! `README.md` of a bundle: what is in it, why, and how to deploy and remove it.

use super::plan::Bundle;
use crate::criteria::Dimension;

/// The file. Names and versions were checked by the plan; texts of a recipe are escaped for tables.
pub fn text(bundle: &Bundle, has_upgrading: bool) -> String {
    let (recipe, options) = (&bundle.recipe, &bundle.options);
    let deployer = options.deployer;
    let mut text = format!(
        "# GPU stack for {}\n\nMade by aicr {} from recipe {} for the deployer `{}`: {}. `recipe.yaml` is the recipe, \
         `bundle-info.yaml` says how the bundle was made, and `aicr verify .` checks every file.\n\n",
        cell(&recipe.criteria.to_string()),
        options.tool,
        cell(&recipe.version),
        deployer.name(),
        super::info::summary(bundle),
    );
    if has_upgrading {
        text += "> **Note:** upgrades to some of these versions need steps by hand. Read `UPGRADING.md` first.\n\n";
    }
    text += "| Criterion | Value |\n| --- | --- |\n";
    for dimension in Dimension::ALL {
        let value = recipe.criteria.get(dimension);
        text += &format!("| {} | {} |\n", dimension.name(), cell(value.as_deref().unwrap_or("any")));
    }
    text += "\n## What is deployed\n\nReleases of one level do not need each other.\n\n\
             | Level | Release | Chart | Version | Namespace |\n| --- | --- | --- | --- | --- |\n";
    for release in &bundle.releases {
        let (chart, version) = match release.chart.upstream() {
            Some((name, url, version)) => (format!("{name} ({url})"), version.to_owned()),
            None => (release.chart.to_string(), "in this bundle".to_owned()),
        };
        let path = deployer.folder(release);
        text += &format!(
            "| {} | [{}]({path}) | {} | {} | {} |\n",
            release.level,
            release.name,
            cell(&chart),
            cell(&version),
            release.namespace
        );
    }
    if !recipe.constraints.is_empty() {
        text += "\n## What the cluster must be\n\n`aicr validate -r recipe.yaml` checks it.\n\n| Constraint | Expected |\n| --- | --- |\n";
        for constraint in &recipe.constraints {
            text += &format!("| {} | {} |\n", cell(&constraint.name), cell(&constraint.value));
        }
    }
    let warnings: Vec<String> = bundle
        .notes
        .iter()
        .filter(|note| note.is_warning())
        .map(|note| format!("- {}\n", cell(&note.to_string())))
        .collect();
    if !warnings.is_empty() {
        text += &format!("\n## Before you deploy\n\n{}", warnings.concat());
    }
    if let Some(published) = &options.settings.published
        && deployer.repository(&options.settings).is_none()
        && !deployer.is_chart()
    {
        let place = format!("{}:{}", published.url, published.tag).replace("oci://", "");
        text += &format!(
            "\n## Get the files\n\nThis bundle is an artifact of a registry:\n\n```sh\noras pull {place}\n```\n"
        );
    }
    text + "\n" + &deployer.guide(bundle)
}

/// A text in one line of Markdown.
fn cell(text: &str) -> String {
    let line: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    line.replace('\\', "\\\\").replace('|', "\\|").replace('<', "&lt;")
}
