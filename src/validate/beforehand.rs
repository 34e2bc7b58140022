//! What is found out about a cluster before a run, for its plan: images that nodes have, what earlier runs left, what the
//! caller may not do, and which checks have nothing to look at.

use super::rights::Right;
use crate::text::count;

/// What was found, as far as it could be asked.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Beforehand {
    pub images: Vec<ImageFound>,
    /// Runs of the same namespace that left objects, or that go on.
    pub leftovers: Vec<Leftover>,
    /// What the caller may not do of what the run takes.
    pub missing: Vec<Right>,
    /// Checks that will be skipped as the cluster is now, each with its reason.
    pub skips: Vec<(String, String)>,
    /// What could not be found out, and why.
    pub gaps: Vec<String>,
}

/// An image of the plan, and on how many nodes it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageFound {
    pub image: String,
    pub on: usize,
    /// Nodes that were looked at; not all of a large cluster.
    pub of: usize,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leftover {
    pub run_id: String,
    pub objects: usize,
}

impl ImageFound {
    /// Whether the names of images that a node reports have this one, which may leave out what every kubelet adds.
    pub fn is_among<'n>(image: &str, mut names: impl Iterator<Item = &'n str>) -> bool {
        let full = full_name(image);
        names.any(|name| full_name(name) == full)
    }

    /// Why kubelets may not get it; `None` where nothing speaks against it. A node reports only its largest images, so
    /// that an image it does not report may be there all the same.
    pub fn doubt(&self) -> Option<String> {
        if self.on == self.of && self.of > 0 {
            return None;
        }
        let place = format!("on {} of {} that were asked", self.on, count(self.of, "node"));
        match registry(&self.image) {
            Some(_) => None,
            None => Some(format!(
                "image {} names no registry and was seen {place}: nodes without it would look for it on docker.io and fail; \
                 load it on every node (`aicr image build` writes it), or name one of a registry with `--check-image`",
                self.image
            )),
        }
    }

    /// Where it comes from, in a few words.
    pub fn source(&self) -> String {
        let place = format!("seen on {} of {}", self.on, count(self.of, "node"));
        match registry(&self.image) {
            Some(host) => format!("{place}, else pulled from {host}"),
            None => place,
        }
    }
}

/// The host of an image's registry, where its name has one.
fn registry(image: &str) -> Option<&str> {
    let (first, _) = image.split_once('/')?;
    (first.contains(['.', ':']) || first == "localhost").then_some(first)
}

/// With the registry and folder that a name without them means.
pub fn full_name(image: &str) -> String {
    match (registry(image), image.contains('/')) {
        (Some(_), _) => image.to_owned(),
        (None, true) => format!("docker.io/{image}"),
        (None, false) => format!("docker.io/library/{image}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_without_a_registry_is_found_under_its_full_name() {
        let names = ["docker.io/aicr/check:1", "registry.k8s.io/pause:3"];
        assert!(ImageFound::is_among("aicr/check:1", names.into_iter()));
        assert!(!ImageFound::is_among("aicr/check:2", names.into_iter()));
        assert!(ImageFound::is_among("registry.k8s.io/pause:3", names.into_iter()));
        assert!(ImageFound::is_among("busybox:1", ["docker.io/library/busybox:1"].into_iter()));
    }

    #[test]
    fn only_an_image_that_no_registry_has_is_doubted() {
        let found = |image: &str, on| ImageFound { image: image.into(), on, of: 5 };
        assert_eq!(found("aicr/check:1", 5).doubt(), None);
        assert_eq!(found("localhost:5001/aicr/check:1", 0).doubt(), None);
        assert_eq!(
            found("localhost:5001/aicr/check:1", 0).source(),
            "seen on 0 of 5 nodes, else pulled from localhost:5001"
        );
        let doubt = found("aicr/check:1", 0).doubt().unwrap();
        assert!(doubt.starts_with("image aicr/check:1 names no registry and was seen on 0 of 5 nodes"), "{doubt}");
    }
}
