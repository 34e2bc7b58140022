//! The part of Go's `text/template` that manifests of a catalog are written in.
//!
//! In: a template and the objects that it may ask for. Out: its text, or what is wrong with it and in which line. Own code,
//! because what counts is how the reference's functions answer (`default` keeps `false`, `toYaml` is our writer), and
//! because the crates that port Go's package panic on input or are not maintained. What no manifest needs is refused by
//! name: `define`, `template`, `block`, methods.

mod eval;
mod parse;

use serde_json::Value;
use std::collections::BTreeSet;

/// What a template cannot do, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{problem} (line {line})")]
pub struct TemplateError {
    /// From 1.
    pub line: usize,
    /// What is wrong.
    pub problem: String,
}

/// The text of a template for an object, which is `.` and `$` in it, and what of the object it came from.
///
/// # Errors
/// Text that is not a template; an action that fails; a result of more than [`LARGEST`] bytes.
pub fn render(template: &str, object: &Value) -> Result<(String, BTreeSet<Read>), TemplateError> {
    let nodes = parse::parse(template)?;
    eval::run(&nodes, object)
}

/// Something of the object that decided what a template rendered to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Read {
    path: Vec<String>,
    /// With everything below it; else only whether something is there.
    is_whole: bool,
}

impl Read {
    /// Whether another value at a path could have made a difference.
    pub fn depends_on(&self, path: &[String]) -> bool {
        self.path.starts_with(path) || self.is_whole && path.starts_with(&self.path)
    }
}

/// Bytes that a template may render to: what a Kubernetes object may be at most, many times.
pub const LARGEST: usize = 8 << 20;

/// How deep actions and parentheses may be nested.
const DEEPEST: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn object() -> Value {
        json!({
            "Values": {"a-b": {
                "on": true, "off": false, "n": 3, "f": 1.5, "text": "x y", "empty": "", "list": ["p", "q"],
                "map": {"k": "v", "j": {"deep": 1}}, "none": null, "many": [{"name": "one"}, {"name": "two"}],
            }},
            "Release": {"Namespace": "here", "Service": "Helm"},
            "Chart": {"Name": "c", "Version": "1+2"},
        })
    }

    #[track_caller]
    fn check(template: &str, expected: &str) {
        let bound = format!("{{{{ $v := index .Values \"a-b\" }}}}{template}");
        assert_eq!(render(&bound, &object()).expect("it renders").0, expected);
    }

    #[track_caller]
    fn fails(template: &str, expected: &str) {
        let error = render(template, &object()).expect_err("it is refused").to_string();
        assert_eq!(error, expected);
    }

    #[test]
    fn texts_fields_and_variables() {
        check("a{{ .Release.Namespace }}b", "ahereb");
        check("{{ $v.map.k }} {{ $v.n }} {{ $v.f }} {{ $v.on }} {{$.Chart.Name}}", "v 3 1.5 true c");
        check("{{ \"q\\\"\\n\" }}{{ `r\\` }}{{ 7 }}{{ -2 }}", "q\"\nr\\7-2");
        check("{{ $x := 1 }}{{ if true }}{{ $x = 2 }}{{ end }}{{ $x }}", "2");
        check("{{/* nothing */}}{{- /* } }} */ -}}", "");
        // What is missing shows as nothing, as Helm has it.
        check("[{{ $v.missing }}{{ $v.none }}]", "[]");
        check("{{ (index $v \"map\").k }}{{ (index $v.many 1).name }}", "vtwo");
    }

    #[test]
    fn white_space_is_trimmed_on_the_side_of_the_mark() {
        check("a \n {{- 1 -}} \n b", "a1b");
        check("a {{ 1 -}} b", "a 1b");
        check("a{{-1}}", "a-1");
    }

    #[test]
    fn branches_loops_and_scopes() {
        check("{{ if $v.off }}a{{ else if $v.list }}b{{ else }}c{{ end }}", "b");
        check("{{ if and $v.on (ne $v.n 4) }}yes{{ end }}", "yes");
        check("{{ if or $v.empty $v.none 0 }}yes{{ else }}no{{ end }}", "no");
        check("{{ if not $v.map }}yes{{ else }}no{{ end }}", "no");
        check("{{ range $v.list }}<{{ . }}>{{ end }}", "<p><q>");
        check("{{ range $i, $x := $v.list }}{{ $i }}{{ $x }}{{ end }}", "0p1q");
        check("{{ range $k, $x := $v.map }}{{ $k }},{{ end }}", "j,k,");
        check("{{ range $v.many }}{{ .name }}{{ $.Chart.Name }} {{ end }}", "onec twoc ");
        check("{{ range $v.none }}x{{ else }}none{{ end }}", "none");
        check("{{ with $v.map }}{{ .k }}{{ end }}{{ with $v.none }}x{{ else }}y{{ end }}", "vy");
        check("{{ with $m := $v.map }}{{ $m.k }}{{ end }}", "v");
        // A failing part of `and` is not reached.
        check("{{ if and $v.none $v.none.x }}a{{ else }}b{{ end }}", "b");
    }

    #[test]
    fn functions_are_the_references() {
        check("{{ printf \"%s-%s|%d|%v|%q|%%\" .Chart.Name .Chart.Version $v.n $v.on \"a\" }}", "c-1+2|3|true|\"a\"|%");
        check("{{ \"a+b+c\" | replace \"+\" \"_\" | trunc 4 | trimSuffix \"_\" }}", "a_b");
        check("{{ trunc -2 \"abc\" }}", "bc");
        check("{{ default \"d\" $v.none }}{{ default \"d\" $v.empty }}{{ default \"d\" $v.off }}", "ddfalse");
        check("{{ toString $v.missing }} {{ toString $v.on }} {{ toString $v.list }}", "<nil> true [p q]");
        check("{{ toYaml $v.map | nindent 2 }}", "\n  j:\n    deep: 1\n  k: v");
        check("{{ toYaml $v.list | indent 1 }}", " - p\n - q");
        check("{{ quote $v.text $v.none $v.n }}", "\"x y\" \"3\"");
        check("{{ len $v.list }}{{ eq $v.n 1 3 }}{{ lt 1 $v.n }}{{ ge $v.n 4 }}", "2truetruefalse");
        check("{{ index $v.many 0 \"name\" }}{{ index $v.list 1 }}", "oneq");
        check("{{ $v.map | toYaml | nindent 0 }}", "\nj:\n  deep: 1\nk: v");
    }

    /// The paths of these that a template depends on.
    #[track_caller]
    fn depends(template: &str, paths: &[&str], expected: &[&str]) {
        let bound = format!("{{{{ $v := index .Values \"a-b\" }}}}{template}");
        let (_, reads) = render(&bound, &object()).expect("it renders");
        let path =
            |text: &str| ["Values", "a-b"].into_iter().chain(text.split('.')).map(str::to_owned).collect::<Vec<_>>();
        let found: Vec<&str> =
            paths.iter().copied().filter(|text| reads.iter().any(|read| read.depends_on(&path(text)))).collect();
        assert_eq!(found, expected, "{template}: {reads:?}");
    }

    #[test]
    fn what_a_text_came_from_is_known() {
        let all = ["on", "n", "map", "map.k", "map.j", "map.j.deep", "map.new", "list", "missing", "none.x"];
        depends("", &all, &[]);
        depends("{{ $v.n }}", &all, &["n"]);
        depends("{{ if $v.on }}{{ .Release.Namespace }}{{ end }}", &all, &["on"]);
        // Binding and walking are not reading.
        depends("{{ $m := $v.map }}{{ $m.j.deep }}", &all, &["map", "map.j", "map.j.deep"]);
        depends("{{ with $v.map }}{{ .k }}{{ end }}", &all, &["map", "map.k"]);
        depends("{{ with $v.none }}x{{ end }}", &all, &["none.x"]);
        depends("{{ (index $v \"map\" \"j\").deep | quote }}", &all, &["map", "map.j", "map.j.deep"]);
        depends("{{ toYaml $v.map }}", &all, &["map", "map.k", "map.j", "map.j.deep", "map.new"]);
        depends("{{ range $k, $x := $v.map }}{{ $k }}{{ end }}", &["map.new", "list"], &["map.new"]);
        depends("{{ range $v.list }}{{ . }}{{ end }}", &all, &["list"]);
        depends("{{ index $v.list 0 }}", &all, &["list"]);
        depends("{{ $v.missing | default $v.n }}", &all, &["n", "missing"]);
        depends("{{ if and $v.on (eq $v.n 4) }}x{{ end }}", &all, &["on", "n"]);
        depends("{{ if not (or $v.map.k $v.n) }}x{{ end }}", &all, &["map", "map.k"]);
        depends("{{ $x := \"\" }}{{ $x = $v.n }}{{ printf \"%d\" $x }}", &all, &["n"]);
        depends("{{ toYaml $v }}", &["n", "anything"], &["n", "anything"]);
    }

    #[test]
    fn what_is_wrong_is_said_with_its_line() {
        fails("a\n{{ nope 1 }}", "unknown function `nope` (line 2)");
        fails("{{ if true }}", "`if` has no `end` (line 1)");
        fails("\n{{ end }}", "`end` without a beginning (line 2)");
        fails("{{ $x }}", "unknown variable `$x` (line 1)");
        fails("{{ .Values.a.b }}", "cannot look up `b` in nothing (line 1)");
        fails("{{ .Chart.Name.x }}", "cannot look up `x` in a string (line 1)");
        fails("{{ index .Chart 3 }}", "`index` needs the name of a key, found a number (line 1)");
        fails("{{ eq 1 \"1\" }}", "`eq` cannot compare a number with a string (line 1)");
        fails("{{ template \"x\" }}", "`template` is not supported (line 1)");
        fails("{{ \"a", "a string is not closed (line 1)");
        fails("{{ 1", "an action is not closed with `}}` (line 1)");
        fails("{{ (1 }}", "a parenthesis is not closed (line 1)");
        fails("{{ 1 | 2 }}", "`2` is not a function (line 1)");
        let deep = format!("{{{{ {}1{} }}}}", "(".repeat(100), ")".repeat(100));
        fails(&deep, "nested deeper than 64 levels (line 1)");
    }

    #[test]
    fn a_result_has_a_largest_size() {
        let list: Value = (0..3000).collect::<Vec<_>>().into();
        let object = json!({"l": list, "t": "x".repeat(100)});
        let error = render("{{ range .l }}{{ range $.l }}{{ $.t }}{{ end }}{{ end }}", &object).expect_err("too much");
        assert!(error.problem.contains("more than"), "{error}");
    }
}
