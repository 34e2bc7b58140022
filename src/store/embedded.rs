//! The files that travel inside the program: the catalog and the themes.

use include_dir::{Dir, include_dir};

static CATALOG: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/catalog");
static THEMES: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/themes");

/// Catalog-relative path and text of every catalog file.
pub fn catalog() -> Vec<(String, &'static str)> {
    let mut files = Vec::new();
    add(&CATALOG, &mut files);
    files
}

fn add(dir: &Dir<'static>, files: &mut Vec<(String, &'static str)>) {
    for file in dir.files() {
        let path = file.path().to_string_lossy().replace('\\', "/");
        files.extend(file.contents_utf8().map(|text| (path, text)));
    }
    dir.dirs().for_each(|dir| add(dir, files));
}

/// Name and text of every theme, by name.
pub fn themes() -> Vec<(&'static str, &'static str)> {
    let toml = THEMES.files().filter(|file| file.path().extension().is_some_and(|extension| extension == "toml"));
    let mut themes: Vec<_> =
        toml.filter_map(|file| Some((file.path().file_stem()?.to_str()?, file.contents_utf8()?))).collect();
    themes.sort_unstable();
    themes
}
