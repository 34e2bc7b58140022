//! What paths of catalog files say, for the program and for the script that builds its own catalog in.

/// Whether a file can be part of a catalog, by its catalog-relative path: YAML, and what components and checks bring.
pub fn is_catalog_file(path: &str) -> bool {
    [".yaml", ".yml"].iter().any(|ending| path.ends_with(ending))
        || ["components/", "checks/"].iter().any(|folder| path.starts_with(folder))
}

/// Hands over what a file adds to the digest of its catalog: each part behind its length.
pub fn add_to_digest(path: &str, text: &str, mut add: impl FnMut(&[u8])) {
    for part in [path, text] {
        add(&(part.len() as u64).to_be_bytes());
        add(part.as_bytes());
    }
}
