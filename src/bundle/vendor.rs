//! Charts that are put into a bundle, so that its installation needs no network.
//!
//! In: what a repository says it has, and the bytes of a chart as somebody fetched them. Out: which file to fetch, the chart
//! as the bundle has it, and where each came from. Bytes that are not the chart that was asked for are refused.

use super::{
    checksum::digest,
    plan::Bundle,
    release::Chart,
    tar::{self, Kind, TarError},
};
use crate::yaml::{self, Node};
use serde_json::{Value, json};
use std::{collections::BTreeMap, sync::Arc};

/// A chart that a recipe names.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Wanted {
    pub name: String,
    /// Of the repository; `oci://` for the folder above the chart in a registry.
    pub url: String,
    pub version: String,
}

/// A chart as it was fetched.
#[derive(Clone, PartialEq, Eq)]
pub struct Archive {
    /// As the chart itself says it.
    pub version: String,
    pub bytes: Arc<[u8]>,
    /// Whether the repository gave a digest, which is that of the bytes.
    pub is_compared: bool,
}

impl std::fmt::Debug for Archive {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} ({} bytes)", self.version, self.bytes.len())
    }
}

/// What was fetched.
pub type Vendored = BTreeMap<Wanted, Archive>;

/// Why a chart cannot be put into a bundle.
#[derive(Debug, thiserror::Error)]
pub enum VendorError {
    #[error("the index of the repository cannot be read")]
    Index(#[source] yaml::YamlError),
    #[error("the repository has no chart `{0}`")]
    NoChart(String),
    #[error("the repository has no version `{version}` of `{name}`{}", if near.is_empty() { String::new() } else { format!("; its newest are {near}") })]
    NoVersion { name: String, version: String, near: String },
    #[error("the repository names no file for `{0}`")]
    NoFile(String),
    #[error("the repository gives the digest `{0}` for it, which is not 64 hexadecimal digits of SHA-256")]
    NotADigest(String),
    #[error("it differs from the digest that the repository gives: sha256:{0}")]
    Digest(String),
    #[error("it is not a chart")]
    Archive(#[from] TarError),
    #[error("it is not a chart: it has no `{0}/Chart.yaml`")]
    NoChartFile(String),
    #[error("it has `{0}`, which is outside of the folder of the chart")]
    Outside(String),
    #[error("it is the chart `{name}` in version `{version}`")]
    Other { name: String, version: String },
}

/// Where the file of a chart is: perhaps relative to the repository, and with the digest that the index gives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picked {
    pub url: String,
    pub digest: Option<String>,
}

/// Two writings of one version.
fn is_same(left: &str, right: &str) -> bool {
    left.strip_prefix('v').unwrap_or(left) == right.strip_prefix('v').unwrap_or(right)
}

/// Finds a chart in the `index.yaml` of a repository.
///
/// # Errors
/// An index that cannot be read or does not have it.
pub fn pick(index: &str, wanted: &Wanted) -> Result<Picked, VendorError> {
    let index = yaml::parse(index).map_err(VendorError::Index)?;
    let versions = index.get("entries").and_then(|entries| entries.get(&wanted.name));
    let versions: Vec<Value> =
        versions.map(Node::to_value).and_then(|list| list.as_array().cloned()).unwrap_or_default();
    if versions.is_empty() {
        return Err(VendorError::NoChart(wanted.name.clone()));
    }
    let version = |entry: &Value| entry["version"].as_str().unwrap_or_default().to_owned();
    let exact = versions.iter().find(|entry| version(entry) == wanted.version);
    let Some(entry) = exact.or_else(|| versions.iter().find(|entry| is_same(&version(entry), &wanted.version))) else {
        let near: Vec<String> = versions.iter().take(3).map(version).collect();
        let (name, version) = (wanted.name.clone(), wanted.version.clone());
        return Err(VendorError::NoVersion { name, version, near: near.join(", ") });
    };
    let url = entry["urls"][0].as_str().ok_or_else(|| VendorError::NoFile(wanted.name.clone()))?.to_owned();
    let digest = match &entry["digest"] {
        Value::Null => None,
        Value::String(text) if text.is_empty() => None,
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    };
    let digest = digest.map(|text| {
        let digits = text.strip_prefix("sha256:").unwrap_or(&text).to_ascii_lowercase();
        let is_digest = digits.len() == 64 && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        if is_digest { Ok(digits) } else { Err(VendorError::NotADigest(text)) }
    });
    Ok(Picked { url, digest: digest.transpose()? })
}

/// A reference of an index as a URL: relative to the folder of the repository, as RFC 3986 has it.
pub fn resolve(base: &str, reference: &str) -> String {
    let base = base.trim_end_matches('/');
    let (scheme, rest) = base.split_once("://").unwrap_or(("https", base));
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    let is_absolute = reference.split_once("://").is_some_and(|(scheme, _)| !scheme.contains(['/', '?', '#']));
    if is_absolute {
        return reference.to_owned();
    }
    if let Some(other) = reference.strip_prefix("//") {
        return format!("{scheme}://{other}");
    }
    let (reference, query) = reference.split_at(reference.find(['?', '#']).unwrap_or(reference.len()));
    let mut parts: Vec<&str> = match reference.starts_with('/') {
        true => Vec::new(),
        false => path.split('/').filter(|part| !part.is_empty()).collect(),
    };
    for part in reference.trim_start_matches('/').split('/') {
        match part {
            "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    format!("{scheme}://{host}/{}{query}", parts.join("/"))
}

/// The bytes as the chart that was asked for.
///
/// # Errors
/// Another digest, another chart, no chart.
pub fn check(bytes: Vec<u8>, wanted: &Wanted, expected: Option<&str>) -> Result<Archive, VendorError> {
    if let Some(expected) = expected
        && digest(&bytes) != expected
    {
        return Err(VendorError::Digest(expected.to_owned()));
    }
    let entries = tar::read_gzipped(&bytes)?;
    let missing = || VendorError::NoChartFile(wanted.name.clone());
    // Helm takes the first folder of a name away, whatever it is called.
    let folder = format!("{}/", wanted.name);
    if let Some((path, _)) = entries
        .iter()
        .find(|(path, kind)| !path.starts_with(&folder) && (**path != wanted.name || **kind != Kind::Folder))
    {
        return Err(if entries.contains_key(&format!("{folder}Chart.yaml")) {
            VendorError::Outside(path.clone())
        } else {
            missing()
        });
    }
    let Some(Kind::File(chart)) = entries.get(&format!("{}/Chart.yaml", wanted.name)) else { return Err(missing()) };
    let chart = yaml::parse(&String::from_utf8_lossy(chart)).map_err(|_| missing())?.to_value();
    let word = |key: &str| chart[key].as_str().unwrap_or_default().to_owned();
    let (name, version) = (word("name"), word("version"));
    let is_plain = version.chars().all(|c| c.is_ascii_alphanumeric() || "-_.+".contains(c));
    if name != wanted.name || !is_same(&version, &wanted.version) || !is_plain {
        return Err(VendorError::Other { name, version });
    }
    Ok(Archive { version, bytes: bytes.into(), is_compared: expected.is_some() })
}

/// The file of a chart in a folder of the bundle.
pub(super) fn file_name(name: &str, archive: &Archive) -> String {
    format!("{name}-{}.tgz", archive.version)
}

/// `provenance.yaml`; none where no chart was put into the bundle.
pub(super) fn provenance(bundle: &Bundle) -> Option<String> {
    let mut charts: Vec<Value> = bundle
        .releases
        .iter()
        .filter_map(|release| match &release.chart {
            Chart::Vendored { name, url, archive, .. } => Some(json!({
                "name": release.name,
                "chart": name,
                "version": archive.version,
                "repository": url,
                "sha256": digest(&archive.bytes),
                "tarballName": file_name(name, archive),
                "pullerVersion": format!("aicr {}", bundle.options.tool),
            })),
            _ => None,
        })
        .collect();
    charts.sort_by_key(|chart| chart["name"].as_str().unwrap_or_default().to_owned());
    let document = json!({"apiVersion": "aicr.run/v1", "kind": "BundleProvenance", "vendoredCharts": charts});
    (!charts.is_empty()).then(|| yaml::to_string(&document))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(version: &str) -> Wanted {
        Wanted { name: "c".to_owned(), url: "https://example.org".to_owned(), version: version.to_owned() }
    }

    const INDEX: &str = "apiVersion: v1\nentries:\n  c:\n  - version: 1.3.0\n    urls: [c-1.3.0.tgz]\n  - version: 1.2.0\n    urls: \
                         ['https://example.org/x/c-1.2.0.tgz']\n    digest: sha256:DIGEST\n  empty:\n  - version: 1.0.0\n";

    #[test]
    fn a_chart_is_found_by_its_version_in_either_writing() {
        let index = INDEX.replace("DIGEST", &"AB".repeat(32));
        let picked = |version: &str| pick(&index, &wanted(version)).map(|picked| (picked.url, picked.digest));
        let there = ("https://example.org/x/c-1.2.0.tgz".to_owned(), Some("ab".repeat(32)));
        assert_eq!(picked("v1.2.0").expect("it is there"), there);
        assert_eq!(picked("1.3.0").expect("it is there"), ("c-1.3.0.tgz".to_owned(), None));
        let words = |wanted: &Wanted| pick(INDEX, wanted).expect_err("it is not there").to_string();
        assert_eq!(words(&wanted("9")), "the repository has no version `9` of `c`; its newest are 1.3.0, 1.2.0");
        assert_eq!(words(&Wanted { name: "d".to_owned(), ..wanted("1") }), "the repository has no chart `d`");
        assert_eq!(
            words(&Wanted { name: "empty".to_owned(), ..wanted("1.0.0") }),
            "the repository names no file for `empty`"
        );
        assert!(pick("a: [", &wanted("1")).is_err());
    }

    #[test]
    fn a_digest_that_is_none_is_refused_rather_than_passed_over() {
        for digest in ["00", "abc", "sha256:zz", "sha512:00", "[1]", "true", "1e3"] {
            let index = INDEX.replace("sha256:DIGEST", digest);
            let error = pick(&index, &wanted("1.2.0")).expect_err(digest);
            assert!(matches!(error, VendorError::NotADigest(_)), "{digest}: {error}");
        }
        for digest in ["''", "null", ""] {
            let index = INDEX.replace("sha256:DIGEST", digest);
            assert_eq!(pick(&index, &wanted("1.2.0")).expect(digest).digest, None);
        }
    }

    #[test]
    fn a_file_is_where_its_url_leads_from_the_repository() {
        let base = "https://h.test:8443/a/b/";
        for (reference, expected) in [
            ("c-1.tgz", "https://h.test:8443/a/b/c-1.tgz"),
            ("charts/c-1.tgz?x=/../y", "https://h.test:8443/a/b/charts/c-1.tgz?x=/../y"),
            ("./c-1.tgz", "https://h.test:8443/a/b/c-1.tgz"),
            ("../c-1.tgz", "https://h.test:8443/a/c-1.tgz"),
            ("../../../../c-1.tgz", "https://h.test:8443/c-1.tgz"),
            ("/abs/c-1.tgz", "https://h.test:8443/abs/c-1.tgz"),
            ("//other.test/c-1.tgz", "https://other.test/c-1.tgz"),
            ("http://other.test/c-1.tgz", "http://other.test/c-1.tgz"),
            ("c.tgz?from=https://x", "https://h.test:8443/a/b/c.tgz?from=https://x"),
        ] {
            assert_eq!(resolve(base, reference), expected, "{reference}");
        }
        assert_eq!(resolve("http://h.test", "/c.tgz"), "http://h.test/c.tgz");
        assert_eq!(resolve("http://h.test", "c.tgz"), "http://h.test/c.tgz");
    }

    #[test]
    fn bytes_that_are_not_the_chart_are_refused() {
        let packed = |file: &str, chart: &str| {
            let mut archive = tar::Archive::default();
            archive.file(file, 0o644, chart.as_bytes());
            tar::gzip(&archive.finish())
        };
        let good = packed("c/Chart.yaml", "name: c\nversion: 1.2.0\n");
        let sum = digest(&good);
        assert_eq!(check(good.clone(), &wanted("v1.2.0"), Some(&sum)).expect("it is the chart").version, "1.2.0");
        assert!(matches!(check(good.clone(), &wanted("1.2.0"), Some("00")), Err(VendorError::Digest(_))));
        assert!(matches!(check(good, &wanted("1.2.1"), None), Err(VendorError::Other { .. })));
        for (file, chart) in
            [("d/Chart.yaml", "name: c"), ("c/Chart.yaml", "name: d\nversion: 1.2.0"), ("c/Chart.yaml", "[")]
        {
            assert!(check(packed(file, chart), &wanted("1.2.0"), None).is_err(), "{file} {chart}");
        }
        let mut archive = tar::Archive::default();
        archive.folder("c/", 0o755);
        archive.file("c/Chart.yaml", 0o644, b"name: c\nversion: 1.2.0\n");
        assert!(check(tar::gzip(&archive.clone().finish()), &wanted("1.2.0"), None).is_ok());
        archive.file("d/Chart.yaml", 0o644, b"name: d\nversion: 1.2.0\n");
        let outside = check(tar::gzip(&archive.finish()), &wanted("1.2.0"), None);
        assert!(matches!(outside, Err(VendorError::Outside(ref path)) if path == "d/Chart.yaml"), "{outside:?}");
        let hostile = packed("c/Chart.yaml", "name: c\nversion: v1.2.0/../../x\n");
        assert!(check(hostile, &wanted("1.2.0/../../x"), None).is_err());
        assert!(matches!(check(b"x".to_vec(), &wanted("1"), None), Err(VendorError::Archive(_))));
    }
}
