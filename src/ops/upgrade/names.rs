//! Object names of a release in a bundle, from where its deployer keeps the values.
//!
//! Values that are not in the bundle may name objects too: then the names are not known, which is not the same as none.

use crate::{
    ops::{
        Failure, Kind,
        place::{self, Place},
    },
    upgrade::identity::{self, ObjectNames},
    yaml,
};
use serde_json::Value;
use std::path::{Component, Path, PathBuf};

/// Files with values below a release's folder, lowest first: what a bundle fixes, and what is set on the cluster.
const VALUES: [&str; 2] = ["values.yaml", "cluster-values.yaml"];

/// The object names of a release of `bundle-info.yaml`, which is at `at`, and the file that has them; `None` where they are
/// not known.
///
/// # Errors
/// A path outside the bundle, a file that cannot be read.
pub fn of_release(folder: &Path, release: &Value, at: &str) -> Result<Option<(ObjectNames, PathBuf)>, Failure> {
    let text = |key: &str| release[key].as_str().filter(|text| !text.is_empty());
    let Some(path) = text("path") else { return Ok(None) };
    let path = inside(folder, path, at)?;
    let files: Vec<PathBuf> = VALUES.iter().map(|name| path.join(name)).filter(|file| file.is_file()).collect();
    if let Some(first) = files.first().cloned() {
        let mut names = ObjectNames::new();
        for file in files {
            for values in read(&file)? {
                names.extend(identity::object_names(&values));
            }
        }
        return Ok(Some((names, first)));
    }
    let Some(manifest) = text("manifest") else { return Ok(None) };
    // As the reference writes it: from the bundle's folder, or from the release's.
    let manifest =
        [inside(folder, manifest, at)?, inside(&path, manifest, at)?].into_iter().find(|file| file.is_file());
    let Some(manifest) = manifest else { return Ok(None) };
    let documents = read(&manifest)?;
    let Some(release) = documents.iter().find(|document| document["kind"] == "HelmRelease") else { return Ok(None) };
    let is_elsewhere = release["spec"]["valuesFrom"].as_array().is_some_and(|from| !from.is_empty());
    Ok((!is_elsewhere).then(|| (identity::object_names(&release["spec"]["values"]), manifest)))
}

fn inside(folder: &Path, path: &str, at: &str) -> Result<PathBuf, Failure> {
    let relative = PathBuf::from(path);
    if !relative.components().all(|part| matches!(part, Component::Normal(_))) {
        let because = format!("`{path}` is outside the bundle");
        return Err(Failure::new(Kind::Usage, "read the bundle information", because).at(at.to_owned()));
    }
    Ok(folder.join(relative))
}

fn read(file: &Path) -> Result<Vec<Value>, Failure> {
    let shown = file.display().to_string();
    let text = place::read_local(&Place::File(file.to_owned()), "values")?;
    let documents = yaml::parse_all(&text).map_err(|error| {
        Failure::from_error(Kind::Usage, "read the values", error.clone()).at(format!("{shown}:{}", error.at))
    })?;
    Ok(documents.iter().map(yaml::Node::to_value).collect())
}
