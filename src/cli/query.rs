//! `aicr query`: one value of a resolved recipe.

use super::{
    Outcome, Printer,
    criteria_args::QueryArgs,
    exit::Exit,
    formats::{self, Format},
    global::Global,
    misuse,
};
use crate::{ops, recipe::format::json_text, report::csv, yaml};
use serde_json::Value;

/// Print one value of the recipe, for example components.gpu-operator.values.driver.version.
///
/// Strings, numbers and booleans are printed bare, everything else as YAML. A segment in double quotes may hold dots
/// ("nvidia.com/gpu"), [0] and [name=x] choose from lists, `*` stands for every child.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The value's path in the resolved document; `.` for all of it.
    #[arg(value_name = "SELECTOR", required_unless_present = "flag", conflicts_with = "flag")]
    selector: Option<String>,
    /// The same as a flag, as the reference takes it.
    #[arg(id = "flag", long = "selector", value_name = "SELECTOR")]
    selector_flag: Option<String>,
    #[command(flatten)]
    query: QueryArgs,
    /// In which form.
    #[arg(short = 't', long, value_parser = formats::parser(FORMATS), default_value = "yaml")]
    format: &'static Format<Value>,
}

static FORMATS: &[Format<Value>] = &[
    Format::plain("yaml", "", |value, _| Ok(bare(value).unwrap_or_else(|| yaml::to_string(value)))),
    Format::plain("json", "", |value, _| Ok(json_text(value))),
    Format::csv(|value, _| Ok(csv(value))),
];

pub fn run(args: &Args, global: &Global, printer: &Printer) -> Outcome {
    let Some(selector) = args.selector.as_ref().or(args.selector_flag.as_ref()) else {
        return Err(misuse("look up a value", "missing selector", "give one, or `.` for the whole document").into());
    };
    let resolution = args.query.resolve(global, printer)?;
    let value = ops::recipe::query(&resolution, selector)?;
    args.format.print(&value, printer)?;
    Ok(Exit::Good)
}

/// A scalar without quotes, for scripts.
fn bare(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(format!("{text}\n")),
        Value::Bool(value) => Some(format!("{value}\n")),
        Value::Number(number) => Some(format!("{}\n", yaml::go_number(number))),
        _ => None,
    }
}

/// A line for each element of a list, or for each name of a mapping; what is below that is JSON in its cell.
fn csv(value: &Value) -> String {
    let cell = |value: &Value| match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let lines: Vec<Vec<String>> = match value {
        Value::Array(list) if !list.is_empty() && list.iter().all(Value::is_object) => {
            let mut names: Vec<&String> = Vec::new();
            for name in list.iter().filter_map(Value::as_object).flat_map(serde_json::Map::keys) {
                if !names.contains(&name) {
                    names.push(name);
                }
            }
            let row =
                |element: &Value| names.iter().map(|name| element.get(*name).map(cell).unwrap_or_default()).collect();
            let head = names.iter().map(|name| (*name).clone()).collect();
            std::iter::once(head).chain(list.iter().map(row)).collect()
        }
        Value::Array(list) => {
            std::iter::once("VALUE".to_owned()).chain(list.iter().map(cell)).map(|text| vec![text]).collect()
        }
        Value::Object(map) => {
            let head = vec!["NAME".to_owned(), "VALUE".to_owned()];
            std::iter::once(head).chain(map.iter().map(|(name, value)| vec![name.clone(), cell(value)])).collect()
        }
        scalar => vec![vec!["VALUE".to_owned()], vec![cell(scalar)]],
    };
    lines.into_iter().map(csv::line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_value_is_lines_by_its_form() {
        for (value, expected) in [
            (json!("=a"), "VALUE\n'=a\n"),
            (json!([1, "b,c", null]), "VALUE\n1\n\"b,c\"\n\n"),
            (json!({"a": 1, "b": [2]}), "NAME,VALUE\na,1\nb,[2]\n"),
            (json!([{"a": 1}, {"a": 2, "b": {"c": 3}}]), "a,b\n1,\n2,\"{\"\"c\"\":3}\"\n"),
        ] {
            assert_eq!(csv(&value), expected, "{value}");
        }
    }
}
