//! The files that travel inside the program: the catalog and the themes. The build script lists them.

use std::ops::Range;

/// Digest of the catalog, and its files: where the path is in [`PATHS`], the text, and where the tree is in [`PACKED`].
type Listed = (&'static str, &'static [(Range<usize>, &'static str, Range<usize>)]);

static CATALOG: Listed = include!(concat!(env!("OUT_DIR"), "/catalog.rs"));
static PATHS: &str = include_str!(concat!(env!("OUT_DIR"), "/catalog.paths"));
static PACKED: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/catalog.packed"));
static THEMES: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/themes.rs"));

/// A file of the catalog.
pub struct Embedded {
    /// Relative to the catalog.
    pub path: &'static str,
    pub text: &'static str,
    /// What `yaml::packed` made of the document; empty for one that a start does not read.
    pub packed: &'static [u8],
}

/// Every catalog file, by path.
pub fn catalog() -> impl Iterator<Item = Embedded> {
    let packed = |place: &Range<usize>| PACKED.get(place.clone()).unwrap_or_default();
    let path = |place: &Range<usize>| PATHS.get(place.clone()).unwrap_or_default();
    CATALOG.1.iter().map(move |(at, text, place)| Embedded { path: path(at), text, packed: packed(place) })
}

/// What `Catalog::digest` says of the catalog: known, so that a start need not read all of it.
pub fn catalog_digest() -> &'static str {
    CATALOG.0
}

/// Name and text of every theme, by name.
pub fn themes() -> &'static [(&'static str, &'static str)] {
    THEMES
}
