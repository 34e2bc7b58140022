//! Image references as the file tells them: short name and tag.

/// Registry, path and digest are cut off; without a tag it is `latest`, as the reference writes it.
pub fn short(reference: &str) -> (&str, &str) {
    let name = reference.rsplit('/').next().unwrap_or(reference);
    let name = name.split('@').next().unwrap_or(name);
    name.rsplit_once(':').unwrap_or((name, "latest"))
}

#[cfg(test)]
mod tests {
    use super::short;

    #[test]
    fn a_reference_is_cut_to_name_and_tag() {
        assert_eq!(short("nvcr.io:5000/nvidia/gpu-operator:v25.10.1"), ("gpu-operator", "v25.10.1"));
        assert_eq!(short("localhost:5000/a/b@sha256:00"), ("b", "latest"));
        assert_eq!(short("busybox:1.36@sha256:00"), ("busybox", "1.36"));
    }
}
