//! `aicr recipe`: resolve and write the recipe.

use super::{
    Outcome, Printer,
    criteria_args::QueryArgs,
    exit::Exit,
    formats::{self, Format},
    global::Global,
    output::{self, EditionArg},
    printer::Role,
    protect::YesArg,
    recipe_list,
    table::{self, Table},
};
use crate::{
    document::header::Edition,
    ops::{
        self,
        place::{self, Place},
    },
    recipe::Recipe,
    resolve::Resolution,
};

/// A recipe, and the version of the formats in which it is written.
struct Written {
    recipe: Recipe,
    edition: Edition,
}

static FORMATS: &[Format<Written>] = &[
    Format::plain("yaml", "", |written, _| ops::recipe::text(&written.recipe, place::Format::Yaml, written.edition)),
    Format::plain("json", "", |written, _| ops::recipe::text(&written.recipe, place::Format::Json, written.edition)),
    Format::plain("table", "For reading; no program should parse it", |written, _| Ok(summary(&written.recipe))),
    Format {
        about: "The components, for spreadsheets",
        ..Format::csv(|written, _| Ok(components(&written.recipe).csv()))
    },
];

/// Resolve the recipe for a cluster: components, versions, values, constraints and checks.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example: aicr recipe --service eks --accelerator h100 --os ubuntu --intent training",
    args_conflicts_with_subcommands = true
)]
pub struct Args {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    query: QueryArgs,
    /// Where to write: a file, `-` for standard output, or cm://NAMESPACE/NAME.
    #[arg(short, long, value_name = "PLACE", default_value = "-", value_parser = output::place)]
    output: Place,
    /// In which form; the default goes by the file's name, else it is YAML.
    #[arg(short = 't', long, value_parser = formats::parser(FORMATS))]
    format: Option<&'static Format<Written>>,
    #[command(flatten)]
    written: EditionArg,
    #[command(flatten)]
    yes: YesArg,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    List(recipe_list::Args),
}

pub fn run(args: &Args, global: &Global, printer: &Printer) -> Outcome {
    if let Some(Command::List(args)) = &args.command {
        return recipe_list::run(args, global, printer);
    }
    let resolution = args.query.resolve(global, printer)?;
    let written = Written { recipe: resolution.recipe.clone(), edition: args.written.edition };
    let format = formats::choose(args.format, FORMATS, &args.output);
    format.send(&written, "Recipe", (&args.output, &args.yes), (global, printer))?;
    if format.name == "json" && ops::recipe::is_bare_as_json(&written.recipe, written.edition) {
        let lacks = "the JSON lacks what YAML has in a comment: coverage, catalog and configuration";
        printer.warn(format!("{lacks}; this version has no field for them"));
    }
    printer.note(printer.paint_note(Role::Quiet, &done(&resolution)));
    Ok(Exit::Good)
}

fn done(resolution: &Resolution) -> String {
    let recipe = &resolution.recipe;
    let (components, overlays) = (recipe.components.len(), recipe.applied_overlays.join(" < "));
    format!("resolved {components} components for {} from {overlays}", recipe.criteria)
}

/// Components in deployment order, then the disabled ones.
fn components(recipe: &Recipe) -> Table {
    let order = |name: &str| recipe.deployment_order.iter().position(|deployed| deployed == name);
    let mut components: Vec<_> = recipe.components.iter().collect();
    components.sort_by_key(|component| (order(&component.name).unwrap_or(usize::MAX), &component.name));
    let rows: Vec<[String; 5]> = components
        .iter()
        .map(|component| {
            let place = order(&component.name).map_or("off".to_owned(), |place| (place + 1).to_string());
            let version = if component.version.is_empty() { &component.tag } else { &component.version };
            let namespace = component.namespace.clone();
            [place, component.name.clone(), version.clone(), namespace, component.source.clone()]
        })
        .collect();
    Table::new(["ORDER", "COMPONENT", "VERSION", "NAMESPACE", "SOURCE"], &rows)
}

/// Components, then constraints and checks.
pub fn summary(recipe: &Recipe) -> String {
    let mut text = components(recipe).text();
    let constraints: Vec<[String; 2]> =
        recipe.constraints.iter().map(|constraint| [constraint.name.clone(), constraint.value.clone()]).collect();
    text += &format!("\n{}", table::render(["CONSTRAINT", "EXPECTED"], &constraints));
    let checks = checks(recipe);
    text += &format!("\n{}", table::render(["PHASE", "CHECK"], &checks));
    text
}

fn checks(recipe: &Recipe) -> Vec<[String; 2]> {
    let Some(validation) = &recipe.validation else { return Vec::new() };
    crate::catalog::validator::Phase::ALL
        .into_iter()
        .filter_map(|phase| validation.phase(phase).map(|selected| (phase, selected)))
        .flat_map(|(phase, selected)| selected.checks.iter().map(move |check| [phase.name().to_owned(), check.clone()]))
        .collect()
}
