//! What each module of a crate names: other modules, crates, macros.
//!
//! In: source files. Out: absolute paths, each with the file and line that wrote it. Imports are followed in every form
//! that the language has: nested, renamed, glob, `self` and `super`, re-exports of other modules, paths without an import,
//! attributes, and the tokens of macros. Code that only tests compile is left out; comments and text literals are not code.
//!
//! Not followed: methods, because no path says whose they are (clippy's `disallowed_methods` knows them by type).

use proc_macro2::{Delimiter, Spacing, Span, TokenStream, TokenTree};
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt, fs,
    path::Path,
};
use syn::{
    Attribute, Item, UseTree,
    visit::{self, Visit},
};

/// Macros of the prelude that print: named without a path.
const PRINTERS: [&str; 5] = ["print", "println", "eprint", "eprintln", "dbg"];
/// Longer chains of imports of imports are a circle.
const LONGEST: usize = 16;

/// Names from the root down: `crate` or the name of a crate first.
pub type Words = Vec<String>;

/// Every module of one crate, by its path without `crate`; the root is the empty path.
pub struct Modules {
    modules: BTreeMap<Words, Module>,
    /// Crates that a path may begin with.
    crates: BTreeSet<String>,
    names: Vec<Name>,
}

#[derive(Default)]
struct Module {
    file: String,
    children: BTreeSet<String>,
    imports: BTreeMap<String, Words>,
    globs: Vec<Words>,
    /// As written, with the line.
    written: Vec<(Words, usize)>,
}

/// One path that a module names.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Name {
    /// The module that names it, without `crate`.
    pub module: Words,
    pub file: String,
    pub line: usize,
    pub path: Words,
}

impl Name {
    /// The top module that names it; `crate` for the root itself.
    pub fn from(&self) -> &str {
        self.module.first().map_or("crate", String::as_str)
    }

    /// The top module that is named; none for a name of another crate or of the root.
    pub fn to(&self) -> Option<&str> {
        (self.path[0] == "crate").then(|| self.path.get(1).map(String::as_str)).flatten()
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{} names `{}`", self.file, self.line, self.path.join("::"))
    }
}

impl Modules {
    /// Every Rust file below a folder; `crates` are the dependencies that a path may begin with.
    pub fn read(folder: &Path, crates: &[String]) -> Modules {
        let files = super::sources(folder);
        let texts: Vec<(String, String)> = files
            .iter()
            .map(|file| {
                let name = file.strip_prefix(folder).unwrap().to_string_lossy().replace('\\', "/");
                (name, fs::read_to_string(file).unwrap())
            })
            .collect();
        let texts: Vec<(&str, &str)> = texts.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
        Modules::parse(&texts, crates)
    }

    /// The same from texts, each under its path below `src`.
    pub fn parse(texts: &[(&str, &str)], crates: &[String]) -> Modules {
        let mut crates: BTreeSet<String> = crates.iter().cloned().collect();
        crates.extend(["std", "core", "alloc"].map(str::to_owned));
        let mut modules = Modules { modules: BTreeMap::new(), crates, names: Vec::new() };
        let mut tests = BTreeSet::new();
        for (name, text) in texts {
            let file = syn::parse_file(text).unwrap_or_else(|error| panic!("{name} is not Rust: {error}"));
            let mut reader = Reader { modules: &mut modules, tests: &mut tests, file: name, module: module_path(name) };
            reader.enter();
            reader.visit_file(&file);
        }
        modules.modules.retain(|path, _| !tests.iter().any(|test: &Words| path.starts_with(test)));
        modules.names = modules.resolved();
        modules
    }

    /// The modules that the root declares.
    pub fn top(&self) -> Vec<&str> {
        let root = self.modules.get(&Words::new());
        root.iter().flat_map(|root| root.children.iter().map(String::as_str)).collect()
    }

    /// Every path that is named, resolved; a path through a re-export is followed by what the re-export names.
    pub fn names(&self) -> &[Name] {
        &self.names
    }

    fn resolved(&self) -> Vec<Name> {
        let mut names = Vec::new();
        for (path, module) in &self.modules {
            for (written, line) in &module.written {
                for resolved in self.resolve(path, written) {
                    names.push(Name { module: path.clone(), file: module.file.clone(), line: *line, path: resolved });
                }
            }
        }
        names.sort();
        names.dedup();
        names
    }

    /// The absolute paths that a path means, first as written; empty for what is local to a function or a type.
    fn resolve(&self, module: &Words, written: &[String]) -> Vec<Words> {
        let mut all = Vec::new();
        let mut next = self.absolute(module, written, LONGEST);
        while let Some(path) = next {
            if all.contains(&path) || all.len() > LONGEST {
                break;
            }
            next = self.through(&path);
            all.push(path);
        }
        all
    }

    /// One step: the first word of a path by the rules of the module that wrote it.
    fn absolute(&self, module: &Words, written: &[String], left: usize) -> Option<Words> {
        let (first, rest) = written.split_first()?;
        let below = |start: &[String]| {
            let words = ["crate".to_owned()].into_iter().chain(start.iter().cloned()).chain(rest.iter().cloned());
            words.collect::<Words>()
        };
        match first.as_str() {
            "crate" | "aicr" => return Some(below(&[])),
            "self" if rest.first().is_some_and(|word| word == "super") => return self.absolute(module, rest, left),
            "self" => return Some(below(module)),
            "super" => {
                let parent: Words = module[..module.len().saturating_sub(1)].to_vec();
                if rest.first().is_some_and(|word| word == "super") {
                    return self.absolute(&parent, rest, left);
                }
                return Some(below(&parent));
            }
            // `::tokio::spawn`
            "" => return Some(rest.to_vec()),
            _ => {}
        }
        let here = self.modules.get(module)?;
        if here.children.contains(first) {
            return Some(below(&[module.as_slice(), std::slice::from_ref(first)].concat()));
        }
        let imported = here.imports.get(first).filter(|path| path.first() != Some(first) && left > 0);
        if let Some(path) = imported {
            return self.absolute(module, &[path.as_slice(), rest].concat(), left - 1);
        }
        for glob in &here.globs {
            let Some(target) = (left > 0).then(|| self.absolute(module, glob, left - 1)).flatten() else { continue };
            let inside = self.modules.get(&target[1..]).filter(|_| target[0] == "crate");
            if inside.is_some_and(|inside| inside.children.contains(first) || inside.imports.contains_key(first)) {
                return Some([target.as_slice(), written].concat());
            }
        }
        self.crates.contains(first).then(|| written.to_vec())
    }

    /// What a path of ours means when a module on the way only re-exports the next word.
    fn through(&self, path: &[String]) -> Option<Words> {
        let mut module: Words = Vec::new();
        for (at, word) in path.iter().enumerate().skip(1).filter(|_| path[0] == "crate") {
            let here = self.modules.get(&module)?;
            if here.children.contains(word) {
                module.push(word.clone());
                continue;
            }
            return self.absolute(&module, &path[at..], LONGEST).filter(|found| found != path);
        }
        None
    }
}

/// Collects what one file declares, imports and names.
struct Reader<'a> {
    modules: &'a mut Modules,
    /// Modules that only tests compile.
    tests: &'a mut BTreeSet<Words>,
    file: &'a str,
    module: Words,
}

impl Reader<'_> {
    fn here(&mut self) -> &mut Module {
        self.modules.modules.entry(self.module.clone()).or_default()
    }

    fn enter(&mut self) {
        self.here().file = format!("src/{}", self.file);
    }

    fn name(&mut self, path: Words, span: Span) {
        let line = span.start().line;
        self.here().written.push((path, line));
    }

    fn import(&mut self, tree: &UseTree, before: &[String]) {
        let after = |word: &syn::Ident| [before, &[word.to_string()]].concat();
        match tree {
            UseTree::Path(path) => self.import(&path.tree, &after(&path.ident)),
            UseTree::Group(group) => group.items.iter().for_each(|tree| self.import(tree, before)),
            UseTree::Glob(glob) => {
                self.name(before.to_vec(), glob.star_token.spans[0]);
                self.here().globs.push(before.to_vec());
            }
            UseTree::Name(name) if name.ident == "self" => {
                self.imported(before.last().cloned().unwrap_or_default(), before.to_vec(), name.ident.span());
            }
            UseTree::Name(name) => self.imported(name.ident.to_string(), after(&name.ident), name.ident.span()),
            UseTree::Rename(rename) if rename.ident == "self" && !before.is_empty() => {
                self.imported(rename.rename.to_string(), before.to_vec(), rename.ident.span());
            }
            UseTree::Rename(rename) => {
                self.imported(rename.rename.to_string(), after(&rename.ident), rename.ident.span());
            }
        }
    }

    fn imported(&mut self, name: String, path: Words, span: Span) {
        self.name(path.clone(), span);
        self.here().imports.insert(name, path);
    }

    /// Paths and macros in tokens that nothing parses.
    fn tokens(&mut self, tokens: TokenStream) {
        let tokens: Vec<TokenTree> = tokens.into_iter().collect();
        let mut at = 0;
        while at < tokens.len() {
            if let TokenTree::Group(group) = &tokens[at] {
                self.tokens(group.stream());
            }
            let (path, length) = path_at(&tokens[at..]);
            if path.len() > 1 {
                self.name(path.clone(), tokens[at].span());
            }
            if path.len() == 1 && is_call(&tokens[at + length..]) {
                self.call(&path[0], tokens[at].span());
            }
            at += length.max(1);
        }
    }

    /// A macro without a path.
    fn call(&mut self, name: &str, span: Span) {
        if PRINTERS.contains(&name) {
            self.name(vec!["std".to_owned(), name.to_owned()], span);
        }
    }
}

impl<'ast> Visit<'ast> for Reader<'_> {
    fn visit_item(&mut self, item: &'ast Item) {
        if let Item::Mod(declared) = item {
            let child = [self.module.as_slice(), &[declared.ident.to_string()]].concat();
            self.here().children.insert(declared.ident.to_string());
            if only_tests(&declared.attrs) {
                self.tests.insert(child);
                return;
            }
            let parent = std::mem::replace(&mut self.module, child);
            if declared.content.is_some() {
                self.enter();
            }
            visit::visit_item_mod(self, declared);
            self.module = parent;
            return;
        }
        if !attributes(item).is_some_and(only_tests) {
            visit::visit_item(self, item);
        }
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        let start = if item.leading_colon.is_some() { vec![String::new()] } else { Vec::new() };
        self.import(&item.tree, &start);
    }

    fn visit_item_extern_crate(&mut self, item: &'ast syn::ItemExternCrate) {
        let name = item.rename.as_ref().map_or(&item.ident, |(_, rename)| rename).to_string();
        self.imported(name, vec![String::new(), item.ident.to_string()], item.ident.span());
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let mut words: Words = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
        if words.len() > 1 || path.leading_colon.is_some() {
            if path.leading_colon.is_some() {
                words.insert(0, String::new());
            }
            self.name(words, path.segments[0].ident.span());
        }
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, call: &'ast syn::Macro) {
        if let Some(name) = call.path.get_ident() {
            self.call(&name.to_string(), name.span());
        }
        self.tokens(call.tokens.clone());
        visit::visit_macro(self, call);
    }

    fn visit_attribute(&mut self, attribute: &'ast Attribute) {
        if let syn::Meta::List(list) = &attribute.meta {
            self.tokens(list.tokens.clone());
        }
        visit::visit_attribute(self, attribute);
    }
}

/// `catalog/mod.rs` is `catalog`, `workbench/app/input.rs` is `workbench::app::input`, `lib.rs` is the root.
fn module_path(file: &str) -> Words {
    let path = file.trim_end_matches(".rs").trim_end_matches("/mod");
    if path == "lib" { Vec::new() } else { path.split('/').map(str::to_owned).collect() }
}

/// The path that tokens begin with and how many tokens it takes; empty when they begin with something else.
fn path_at(tokens: &[TokenTree]) -> (Words, usize) {
    let colons = |at: usize| match (tokens.get(at), tokens.get(at + 1)) {
        (Some(TokenTree::Punct(one)), Some(TokenTree::Punct(two))) => {
            one.as_char() == ':' && one.spacing() == Spacing::Joint && two.as_char() == ':'
        }
        _ => false,
    };
    let (mut words, mut at) = (Words::new(), 0);
    if colons(0) {
        words.push(String::new());
        at = 2;
    }
    while let Some(TokenTree::Ident(word)) = tokens.get(at) {
        words.push(word.to_string());
        at += 1;
        if !colons(at) || !matches!(tokens.get(at + 2), Some(TokenTree::Ident(_))) {
            return (words, at);
        }
        at += 2;
    }
    (Words::new(), 1)
}

/// `!` and a group: the word before is called as a macro.
fn is_call(tokens: &[TokenTree]) -> bool {
    match tokens {
        [TokenTree::Punct(mark), TokenTree::Group(group), ..] => {
            mark.as_char() == '!' && group.delimiter() != Delimiter::None
        }
        _ => false,
    }
}

/// `#[cfg(test)]` or `#[cfg(all(test, …))]`.
fn only_tests(attributes: &[Attribute]) -> bool {
    attributes.iter().filter(|attribute| attribute.path().is_ident("cfg")).any(|attribute| {
        let syn::Meta::List(list) = &attribute.meta else { return false };
        let words = list.tokens.to_string();
        words == "test" || words.starts_with("all (test ,") || words.starts_with("all(test,")
    })
}

fn attributes(item: &Item) -> Option<&[Attribute]> {
    Some(match item {
        Item::Const(item) => &item.attrs,
        Item::Enum(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        Item::Macro(item) => &item.attrs,
        Item::Static(item) => &item.attrs,
        Item::Struct(item) => &item.attrs,
        Item::Trait(item) => &item.attrs,
        Item::Type(item) => &item.attrs,
        Item::Use(item) => &item.attrs,
        _ => return None,
    })
}
