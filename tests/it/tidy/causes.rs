//! An error keeps its cause: whoever makes one from another must not make words of it.
//!
//! Looked for in the edges and the joints, where errors of others arrive: a closure of `map_err` that turns its error into
//! text (`error.to_string()`, `format!("…{error}…")`, `causes(&error)`, `chain(&error)`), and the same in what
//! `Failure::new` or `.found(…)` is called with. Code that only tests compile is left out.

use proc_macro2::{TokenStream, TokenTree};
use std::collections::{BTreeMap, BTreeSet};
use syn::{
    Attribute, Expr, ExprCall, ExprClosure, ExprMacro, ExprMethodCall, Item, ItemMod, Pat,
    visit::{self, Visit},
};

const FOLDERS: [&str; 5] = ["cli", "cluster", "ops", "store", "term"];

/// Where a text is all that can be made, and why.
const TEXT_ONLY: &[(&str, &str)] = &[
    ("src/cluster/proxy.rs", "an error of `http` neither clones nor compares, and has no cause of its own"),
    ("src/cluster/tls/p521.rs", "`rustls::Error::General` holds a text"),
    ("src/cluster/tls/verify.rs", "`rustls::Error::General` holds a text"),
    ("src/ops/check.rs", "the termination message of a container is a text"),
];

#[test]
fn errors_keep_their_causes() {
    let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for folder in FOLDERS {
        for file in super::sources(&super::root().join("src").join(folder)) {
            let name = file.strip_prefix(super::root()).unwrap().to_string_lossy().into_owned();
            let lines = flattened(&std::fs::read_to_string(&file).unwrap());
            if !lines.is_empty() && !name.contains("/tests") {
                found.insert(name.clone(), lines.iter().map(|line| format!("{name}:{line}")).collect());
            }
        }
    }
    let allowed: BTreeSet<&str> = TEXT_ONLY.iter().map(|(file, _)| *file).collect();
    let stale: Vec<&&str> = allowed.iter().filter(|file| !found.contains_key(**file)).collect();
    assert!(stale.is_empty(), "take these out of TEXT_ONLY: {stale:?}");
    let wrong: Vec<String> =
        found.into_iter().filter(|(file, _)| !allowed.contains(file.as_str())).flat_map(|(_, lines)| lines).collect();
    assert!(wrong.is_empty(), "a cause is made into words; keep it as the source:\n{}", wrong.join("\n"));
}

#[test]
fn a_cause_that_is_made_into_words_is_found_in_every_form() {
    for (code, expected) in [
        ("fn f() { x.map_err(|error| Failure::new(Kind::Usage, \"do\", error.to_string())) }", vec![1]),
        ("fn f() {\n x.map_err(|e: io::Error| Bad(format!(\"no: {e}\")))\n}", vec![2]),
        ("fn f() { x.map_err(|e| Bad(format!(\"no: {e:?}\"))) }", vec![1]),
        ("fn f() { x.map_err(|e| Bad(format!(\"no: {}\", e))) }", vec![1]),
        ("fn f() { x.map_err(|e| Bad(format!(\"at {}\", e.line), e)) }", vec![]),
        ("fn f() { x.map_err(|broken| { let words = causes(&broken); Bad(words) }) }", vec![1]),
        ("fn f(error: E) { Failure::new(Kind::Usage, \"do\", causes(&error)) }", vec![1]),
        ("fn f(error: E) { new().found(chain(error)) }", vec![1]),
        ("fn f() { x.map_err(|error| Failure::from_error(Kind::Usage, \"do\", error)) }", vec![]),
        ("fn f() { x.map_err(|error| Bad { path: path.to_string(), error }) }", vec![]),
        ("fn f() { x.map_err(|_| Failure::new(Kind::Usage, format!(\"read {name}\"), \"it is empty\")) }", vec![]),
        ("#[cfg(test)]\nmod tests { fn f() { x.map_err(|error| error.to_string()) } }", vec![]),
    ] {
        assert_eq!(flattened(code), expected, "{code}");
    }
}

/// Lines that make words of an error.
fn flattened(code: &str) -> Vec<usize> {
    let file = syn::parse_file(code).unwrap();
    let mut search = Search { lines: BTreeSet::new() };
    search.visit_file(&file);
    search.lines.into_iter().collect()
}

struct Search {
    lines: BTreeSet<usize>,
}

impl Search {
    /// Looks into an expression for words that are made of an error of this name.
    fn look(&mut self, expression: &Expr, error: &str) {
        let mut words = Words { error, lines: BTreeSet::new() };
        words.visit_expr(expression);
        self.lines.append(&mut words.lines);
    }
}

impl<'a> Visit<'a> for Search {
    fn visit_item(&mut self, item: &'a Item) {
        if !is_for_tests(attributes(item)) {
            visit::visit_item(self, item);
        }
    }

    fn visit_expr_method_call(&mut self, call: &'a ExprMethodCall) {
        if call.method == "map_err"
            && let Some(Expr::Closure(closure)) = call.args.first()
            && let Some(error) = parameter(closure)
        {
            self.look(&closure.body, &error);
        }
        if call.method == "found" {
            call.args.iter().for_each(|argument| self.look(argument, "error"));
        }
        visit::visit_expr_method_call(self, call);
    }

    fn visit_expr_call(&mut self, call: &'a ExprCall) {
        if path(&call.func).ends_with(&["Failure".to_owned(), "new".to_owned()]) {
            call.args.iter().for_each(|argument| self.look(argument, "error"));
        }
        visit::visit_expr_call(self, call);
    }
}

/// Where an error of one name becomes text.
struct Words<'e> {
    error: &'e str,
    lines: BTreeSet<usize>,
}

impl<'a> Visit<'a> for Words<'_> {
    fn visit_expr_method_call(&mut self, call: &'a ExprMethodCall) {
        if call.method == "to_string" && path(&call.receiver) == [self.error] {
            self.lines.insert(call.method.span().start().line);
        }
        visit::visit_expr_method_call(self, call);
    }

    fn visit_expr_call(&mut self, call: &'a ExprCall) {
        let makes_words = path(&call.func).last().is_some_and(|name| name == "causes" || name == "chain");
        let of_it = |argument: &Expr| match argument {
            Expr::Reference(reference) => path(&reference.expr) == [self.error],
            other => path(other) == [self.error],
        };
        if makes_words && call.args.iter().any(of_it) {
            self.lines.insert(call.paren_token.span.open().start().line);
        }
        visit::visit_expr_call(self, call);
    }

    fn visit_expr_macro(&mut self, call: &'a ExprMacro) {
        if call.mac.path.is_ident("format") && names(call.mac.tokens.clone(), self.error) {
            self.lines.insert(call.mac.path.segments[0].ident.span().start().line);
        }
        visit::visit_expr_macro(self, call);
    }
}

/// Whether the arguments of `format!` name a variable, in the text or after it.
fn names(tokens: TokenStream, variable: &str) -> bool {
    let places = [format!("{{{variable}}}"), format!("{{{variable}:")];
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    let is_field = |at: usize| matches!(tokens.get(at + 1), Some(TokenTree::Punct(point)) if point.as_char() == '.');
    tokens.iter().enumerate().any(|(at, token)| match token {
        // A field of it is data.
        TokenTree::Ident(ident) => ident == variable && !is_field(at),
        TokenTree::Literal(literal) => places.iter().any(|place| literal.to_string().contains(place.as_str())),
        TokenTree::Group(group) => names(group.stream(), variable),
        TokenTree::Punct(_) => false,
    })
}

fn parameter(closure: &ExprClosure) -> Option<String> {
    let name = |pattern: &Pat| match pattern {
        Pat::Ident(ident) => Some(ident.ident.to_string()),
        _ => None,
    };
    match closure.inputs.first()? {
        Pat::Type(typed) => name(&typed.pat),
        pattern => name(pattern),
    }
}

fn path(expression: &Expr) -> Vec<String> {
    match expression {
        Expr::Path(path) => path.path.segments.iter().map(|segment| segment.ident.to_string()).collect(),
        _ => Vec::new(),
    }
}

fn attributes(item: &Item) -> &[Attribute] {
    match item {
        Item::Mod(ItemMod { attrs, .. }) => attrs,
        Item::Fn(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        _ => &[],
    }
}

fn is_for_tests(attributes: &[Attribute]) -> bool {
    let says_test = |attribute: &Attribute| {
        attribute.meta.require_list().is_ok_and(|list| list.path.is_ident("cfg") && list.tokens.to_string() == "test")
    };
    attributes.iter().any(says_test)
}
