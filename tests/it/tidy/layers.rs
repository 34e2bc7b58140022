//! Who may name whom: the layers of ARCHITECTURE.md as data, held against what the code names.
//!
//! `cargo test --test it layers -- --nocapture` prints the graph of modules.

use super::names::{Modules, Name};
use std::collections::{BTreeMap, BTreeSet};

/// What one top module may name besides itself; each list is words with spaces between.
struct Rule {
    module: &'static str,
    modules: &'static str,
    crates: &'static str,
    /// Words of [`WORLD`].
    world: &'static str,
}

const fn rule(module: &'static str, modules: &'static str, crates: &'static str, world: &'static str) -> Rule {
    Rule { module, modules, crates, world }
}

/// Values in, values out: nothing of the world. The order is that of the data: each names only what is above it here.
const CORE: &[Rule] = &[
    rule("text", "", "", ""),
    // base64: what `!!binary` stands for.
    rule("yaml", "", "base64 serde_yaml", ""),
    rule("accelerators", "", "", ""),
    rule("settings", "", "", ""),
    rule("criteria", "accelerators settings", "", ""),
    rule("document", "yaml criteria", "", ""),
    rule("inventory", "yaml document accelerators criteria", "", ""),
    rule("fingerprint", "inventory document accelerators criteria", "", ""),
    rule("snapshot", "yaml inventory fingerprint document accelerators criteria", "", ""),
    rule("constraint", "inventory snapshot document", "semver", ""),
    rule("recipe", "yaml criteria settings document snapshot constraint", "", ""),
    rule("catalog", "yaml criteria document snapshot constraint accelerators recipe", "sha2", ""),
    rule("config", "criteria document yaml catalog recipe", "sha2", ""),
    rule(
        "resolve",
        "yaml criteria settings document inventory snapshot fingerprint constraint catalog recipe accelerators",
        "",
        "",
    ),
    rule("diff", "yaml criteria document inventory snapshot constraint recipe", "similar", ""),
    rule("upgrade", "yaml criteria document catalog constraint recipe resolve", "", ""),
    rule(
        "bundle",
        "yaml criteria document catalog constraint recipe resolve",
        "base64 flate2 ipnet rustls sha2 webpki",
        "",
    ),
    rule("deploy", "yaml criteria bundle", "", ""),
    rule("validate", "yaml criteria document inventory constraint catalog recipe deploy", "jmespath", ""),
    rule("image", "bundle validate", "", ""),
    // The regular expressions of a search.
    rule("report", "document catalog recipe deploy validate lint", "regex", ""),
    rule("lint", "yaml criteria document inventory snapshot constraint catalog recipe resolve accelerators", "", ""),
];

/// Besides the modules and crates of their row.
const ALL_NAME: &str = "text";
const ALL_USE: &str = "serde serde_json jiff thiserror std";

/// Every module of the core, for those above it.
const ALL_CORE: &str = "accelerators bundle catalog config constraint criteria deploy diff document fingerprint image inventory lint recipe \
                        report resolve settings snapshot text upgrade validate yaml";

/// One outside world each.
const EDGES: &[Rule] = &[
    rule(
        "cluster",
        "accelerators document fingerprint inventory snapshot validate yaml",
        "base64 bytes directories flate2 futures getrandom http http_body http_body_util hyper hyper_util ipnet k8s_openapi \
         kube p521 percent_encoding prost rustix rustls rustls_platform_verifier sha2 tokio tokio_rustls tower tracing webpki \
         x509_cert",
        "clock environment files network",
    ),
    rule(
        "demo",
        "",
        "base64 bytes flate2 futures getrandom http http_body http_body_util hyper hyper_util kube tokio tower tracing",
        "clock network",
    ),
    rule(
        "store",
        "catalog report",
        "directories flate2 rustix sha2 tracing tracing_subscriber",
        "clock environment files",
    ),
    rule(
        "term",
        "",
        "base64 crossterm ratatui rustix terminput terminput_crossterm tracing",
        "clock environment files threads",
    ),
];

/// Where core and edges meet, and those who call them.
const ABOVE: &[Rule] = &[
    rule("ops", "cluster demo store", "futures getrandom k8s_openapi kube tokio tracing", "clock environment files"),
    rule(
        "cli",
        "cluster demo ops store term workbench",
        "clap clap_complete clap_mangen color_eyre tokio tracing unicode_width",
        "clock environment files network print threads",
    ),
    rule(
        "workbench",
        "cluster ops store term",
        "compact_str crossterm futures nucleo_matcher ratatui regex rustix smallvec tokio toml tracing unicode_segmentation unicode_width",
        "clock environment files",
    ),
    rule("main", "cli", "color_eyre", "environment print"),
];

/// Arrows that are on their way out; the code may have no other.
const PENDING: &[(&str, &str)] = &[];

/// Paths that reach the world, by what a rule calls them. Threads that end before their function does (`thread::scope`) do
/// not count: they change how long an answer takes, not what it is.
const WORLD: &[(&str, &[&str])] = &[
    ("clock", &["std::time::SystemTime", "std::time::Instant", "jiff::Timestamp::now", "jiff::Zoned::now"]),
    ("environment", &["std::env", "std::process", "std::os", "tokio::process"]),
    ("files", &["std::fs", "tokio::fs"]),
    ("network", &["std::net", "tokio::net"]),
    ("print", &["std::print", "std::println", "std::eprint", "std::eprintln", "std::dbg"]),
    ("threads", &["std::thread::spawn", "std::thread::sleep", "std::thread::Builder"]),
    ("streams", &["std::io", PIPES]),
];

/// Among the paths of the network, and none of it.
const PIPES: &str = "tokio::net::unix::pipe";

/// A crate that may be swapped, and the only folder or file that names it.
const HOMES: &[(&str, &str)] = &[("serde_yaml", "src/yaml/read.rs"), ("similar", "src/diff/text.rs")];

#[test]
fn every_module_names_only_what_its_layer_may() {
    let (mut found, used) = violations(super::modules());
    let stale = PENDING.iter().filter(|arrow| !used.contains(*arrow));
    found.extend(stale.map(|(from, to)| format!("`{from}` no longer names `{to}`: take it out of PENDING")));
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn the_graph_of_modules_has_no_circle() {
    let mut graph = graph(super::modules().names());
    println!("{}", table(&graph));
    for (from, to) in PENDING {
        graph.entry((*from).to_owned()).or_default().remove(*to);
    }
    assert_eq!(circle(&graph), None);
}

#[test]
fn every_module_has_a_rule_and_rules_are_without_circles() {
    let modules = super::modules();
    let ruled: BTreeSet<&str> = rules().map(|rule| rule.module).collect();
    let missing: Vec<&str> = modules.top().into_iter().filter(|module| !ruled.contains(module)).collect();
    assert_eq!(missing, Vec::<&str>::new(), "modules without a rule");
    let allowed = rules().map(|rule| {
        let names = allowed_modules(rule).into_iter().map(str::to_owned).collect();
        (rule.module.to_owned(), names)
    });
    assert_eq!(circle(&allowed.collect()), None);
}

#[test]
fn every_dependency_is_named() {
    let named: BTreeSet<String> = super::modules().names().iter().map(|name| name.path[0].clone()).collect();
    let unused: Vec<String> = super::dependencies().into_iter().filter(|name| !named.contains(name)).collect();
    assert_eq!(unused, Vec::<String>::new(), "dependencies that no code names");
}

/// One violation in each form that an import can take, in a module of the core or of a consumer.
#[test]
fn a_violation_is_found_in_every_form_of_an_import() {
    let forms = [
        ("nested", "use crate::{criteria::Criteria, store::{read::{self, ReadError}, write as put}};"),
        ("nested self", "use crate::store::{self};"),
        ("renamed", "use crate::store as files;"),
        ("renamed root", "use crate as root;\nfn f() { root::store::read::read() }"),
        ("renamed self", "use crate::{self as root};\nfn f() { root::store::read::read() }"),
        ("super", "use super::super::store::read;"),
        ("self super", "use self::super::super::store::read;"),
        ("without an import", "fn f() { crate::store::read::read() }"),
        ("super without an import", "fn f() { super::super::store::read::read() }"),
        ("in a function", "fn f() { use crate::store; }"),
        ("in a module of the file", "mod inner { use super::super::super::store::read; }"),
        ("by a module of the file", "mod inner { pub use crate::store; }\nfn f() { inner::store::read::read() }"),
        ("glob", "use crate::*;\nfn f() { store::read::read() }"),
        ("re-export", "pub use crate::store::read::read;"),
        ("in a type", "struct S(Vec<crate::store::read::ReadError>);"),
        ("in a bound", "fn f<T>() where T: Into<crate::store::read::ReadError> {}"),
        ("in an implementation", "impl From<crate::store::read::ReadError> for u8 {}"),
        ("in a pattern", "fn f() { let crate::store::read::Read { .. } = x; }"),
        ("in tokens of a macro", "fn f() { format!(\"{}\", [vec![crate::store::read::read()]]) }"),
        ("in a macro of ours", "macro_rules! m { () => { $crate::store::read::read() } }"),
        ("in an attribute", "#[derive(crate::store::Derive)]\nstruct S;"),
    ];
    for (form, text) in forms {
        check(form, ("resolve/select.rs", text), &["`resolve` may not name `store`"]);
    }
}

#[test]
fn a_forbidden_crate_file_or_clock_is_found_in_every_form() {
    let forms = [
        ("import", "use tokio::task;", "`resolve` may not name the crate `tokio`"),
        ("leading colons", "fn f() { ::tokio::spawn() }", "`resolve` may not name the crate `tokio`"),
        ("without an import", "fn f() { tokio::spawn() }", "`resolve` may not name the crate `tokio`"),
        ("renamed", "use tokio as rt;", "`resolve` may not name the crate `tokio`"),
        ("extern crate", "extern crate tokio as rt;", "`resolve` may not name the crate `tokio`"),
        ("attribute", "#[tokio::main]\nfn f() {}", "`resolve` may not name the crate `tokio`"),
        ("renamed std", "use std as s;\nfn f() { s::env::var() }", "`resolve` reaches the environment"),
        ("nested std", "use std::{fmt, fs::{self as files}};", "`resolve` reaches files"),
        ("type of a clock", "use std::time::Instant;", "`resolve` reaches the clock"),
        ("method of a type", "use jiff::Timestamp;\nfn f() { Timestamp::now() }", "`resolve` reaches the clock"),
        ("print", "fn f() { if x { println!(\"x\") } }", "`resolve` reaches print"),
        ("print in a macro", "fn f() { vec![{ eprintln!(\"x\") }] }", "`resolve` reaches print"),
        ("print with a path", "fn f() { std::println!(\"x\") }", "`resolve` reaches print"),
        ("stream", "fn f() { std::io::stdout() }", "`resolve` reaches streams"),
        ("thread", "use std::thread;\nfn f() { thread::spawn() }", "`resolve` reaches threads"),
        ("home of a crate", "use serde_yaml::Event;", "`serde_yaml`, whose place is src/yaml/read.rs"),
    ];
    for (form, text, expected) in forms {
        check(form, ("resolve/select.rs", text), &[expected]);
    }
}

/// A module may not lend what its reader may not name.
#[test]
fn a_path_through_a_reexport_counts_as_what_it_means() {
    for lend in [
        "pub use crate::demo as lent;",
        "pub use crate::demo::{self as lent};",
        "pub mod lent { pub use crate::demo::*; }",
    ] {
        let modules = parse(&[
            ("lib.rs", "pub mod demo; pub mod ops; pub mod workbench;"),
            ("demo.rs", "pub mod serve;"),
            ("demo/serve.rs", ""),
            ("ops/mod.rs", lend),
            ("workbench/mod.rs", "use crate::ops::lent::serve;"),
        ]);
        let (found, _) = violations(&modules);
        assert!(found.iter().any(|found| found.contains("`workbench` may not name `demo`")), "{lend}: {found:?}");
    }
}

#[test]
fn comments_texts_and_tests_name_nothing() {
    let text = "
        //! crate::store
        /// [`crate::store`] and `tokio::spawn`
        #[doc = \"crate::store\"]
        fn f() { let crates = [\"crate::store\", \"println!\"]; stored::read(); x.fs(); println::x; }
        #[cfg(test)]
        mod tests { use crate::store; #[test] fn t() { println!(\"{}\", std::fs::read(x)) } }
        #[cfg(test)]
        fn only() { tokio::spawn() }
        #[cfg(test)]
        mod far;
    ";
    let modules = parse(&[
        ("lib.rs", "pub mod resolve; pub mod store;"),
        ("store/mod.rs", "pub mod read;"),
        ("resolve/mod.rs", text),
        ("resolve/far.rs", "use crate::store;"),
    ]);
    assert_eq!(violations(&modules).0, Vec::<String>::new());
}

#[test]
fn a_circle_is_found() {
    let modules = parse(&[
        ("lib.rs", "pub mod a; pub mod b; pub mod c; pub mod d;"),
        ("a.rs", "use crate::b::x;"),
        ("b/mod.rs", "pub mod deep;"),
        ("b/deep.rs", "fn f() { super::super::c::x() }"),
        ("c.rs", "use crate::{a::{y as z}};"),
        ("d.rs", "use crate::a;"),
    ]);
    assert_eq!(circle(&graph(modules.names())).as_deref(), Some("a -> b -> c -> a"));
}

/// What is wrong with one file among a few good ones.
#[track_caller]
fn check(form: &str, file: (&str, &str), expected: &[&str]) {
    let modules = parse(&[
        ("lib.rs", "pub mod criteria; pub mod resolve; pub mod store;"),
        ("criteria.rs", "pub struct Criteria;"),
        ("store/mod.rs", "pub mod read; pub mod write;"),
        ("resolve/mod.rs", "pub mod select;"),
        file,
    ]);
    let (found, _) = violations(&modules);
    for expected in expected {
        assert!(found.iter().any(|found| found.contains(expected)), "{form}: `{expected}` is not in {found:?}");
    }
}

fn parse(texts: &[(&str, &str)]) -> Modules {
    Modules::parse(texts, &super::dependencies())
}

fn rules() -> impl Iterator<Item = &'static Rule> {
    CORE.iter().chain(EDGES).chain(ABOVE)
}

fn is_core(rule: &Rule) -> bool {
    CORE.iter().any(|core| core.module == rule.module)
}

/// Everything that is named and may not be, one line each, and the pending arrows that were met.
fn violations(modules: &Modules) -> (Vec<String>, BTreeSet<(&'static str, &'static str)>) {
    let (mut found, mut used) = (Vec::new(), BTreeSet::new());
    for name in modules.names() {
        let Some(rule) = rules().find(|rule| rule.module == name.from()) else { continue };
        if let Some(to) = name.to().filter(|to| *to != name.from()) {
            let pending = PENDING.iter().find(|arrow| **arrow == (name.from(), to));
            used.extend(pending);
            if pending.is_none() && modules.top().contains(&to) && !allowed_modules(rule).contains(to) {
                found.push(format!("{name}: `{}` may not name `{to}`", rule.module));
            }
        }
        found.extend(outside(rule, name));
    }
    (found, used)
}

/// What a name of another crate breaks.
fn outside(rule: &Rule, name: &Name) -> Vec<String> {
    let first = name.path[0].as_str();
    if first == "crate" {
        return Vec::new();
    }
    let mut found = Vec::new();
    if !words(ALL_USE).chain(words(rule.crates)).any(|allowed| allowed == first) {
        found.push(format!("{name}: `{}` may not name the crate `{first}`", rule.module));
    }
    if let Some((_, home)) =
        HOMES.iter().find(|(dependency, home)| *dependency == first && !name.file.starts_with(home))
    {
        found.push(format!("{name}: `{first}`, whose place is {home}"));
    }
    let path = format!("{}::", name.path.join("::").replacen("core::", "std::", 1));
    for (world, paths) in WORLD {
        let reached = paths.iter().any(|start| path.starts_with(&format!("{start}::")))
            && (*world == "streams" || !path.starts_with(PIPES));
        let allowed = words(rule.world).any(|word| word == *world) || *world == "streams" && !is_core(rule);
        if reached && !allowed {
            let article = if ["clock", "environment", "network"].contains(world) { "the " } else { "" };
            found.push(format!("{name}: `{}` reaches {article}{world}", rule.module));
        }
    }
    found
}

fn allowed_modules(rule: &'static Rule) -> BTreeSet<&'static str> {
    let core =
        if ABOVE.iter().any(|above| above.module == rule.module && above.module != "main") { ALL_CORE } else { "" };
    words(rule.modules).chain(words(core)).chain(words(ALL_NAME).filter(|name| *name != rule.module)).collect()
}

fn words(list: &'static str) -> impl Iterator<Item = &'static str> {
    list.split_whitespace()
}

type Graph = BTreeMap<String, BTreeSet<String>>;

/// Which top module names which others.
fn graph(names: &[Name]) -> Graph {
    let mut graph = Graph::new();
    for name in names {
        let others = graph.entry(name.from().to_owned()).or_default();
        others.extend(name.to().filter(|to| *to != name.from()).map(str::to_owned));
    }
    graph
}

fn table(graph: &Graph) -> String {
    let row = |(from, to): (&String, &BTreeSet<String>)| {
        format!("{from:<12} {}", to.iter().map(String::as_str).collect::<Vec<_>>().join(" "))
    };
    graph.iter().map(row).collect::<Vec<_>>().join("\n")
}

/// The first way from a module back to itself, the shortest of those that begin there.
fn circle(graph: &Graph) -> Option<String> {
    for start in graph.keys() {
        let mut ways = vec![vec![start]];
        let mut seen = BTreeSet::new();
        while let Some(way) = (!ways.is_empty()).then(|| ways.remove(0)) {
            for next in graph.get(way[way.len() - 1]).into_iter().flatten() {
                let longer: Vec<&String> = way.iter().copied().chain([next]).collect();
                if next == start {
                    return Some(longer.iter().map(|word| word.as_str()).collect::<Vec<_>>().join(" -> "));
                }
                if seen.insert(next) {
                    ways.push(longer);
                }
            }
        }
    }
    None
}
