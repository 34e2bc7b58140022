//! `aicr query`: one value of a resolved recipe.

use super::{
    Outcome, Printer,
    criteria_args::QueryArgs,
    exit::Exit,
    formats::{self, Format},
    global::Global,
    misuse,
};
use crate::{ops, recipe::format::json_text, yaml};
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
