//! `aicr explain`: who set a value, who was hidden, and which layers could have spoken and did not.

use super::{
    Outcome, Printer,
    criteria_args::QueryArgs,
    exit::Exit,
    formats::{self, Format},
    global::Global,
    printer::Role,
    table::{self, Table},
};
use crate::{
    document::traced::LayerKind,
    ops,
    recipe::format::json_text,
    report::escape,
    resolve::{
        Resolution,
        explain::{Explanation, Rung},
    },
    yaml,
};
use serde_json::{Value, json};
use unicode_width::UnicodeWidthStr;

/// Say which layer set each value that a selector names, and what it hid.
///
/// The layer that won is listed first; --all also lists layers that do not set the value. Without a selector:
/// the layers of the recipe, and for every other overlay of the catalog why it does not apply.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The value's path, as for `aicr query`.
    #[arg(value_name = "SELECTOR")]
    selector: Option<String>,
    #[command(flatten)]
    query: QueryArgs,
    /// List the layers that do not set the value as well.
    #[arg(long)]
    all: bool,
    /// In which form.
    #[arg(short = 't', long, value_parser = formats::parser(FORMATS), default_value = "text")]
    format: &'static Format<Answer>,
}

/// What was asked about a resolution.
enum Answer {
    /// The values that a selector names, and whether layers that do not set them are listed.
    Values { resolution: Resolution, explanations: Vec<Explanation>, all: bool },
    /// Who speaks in the recipe, and what became of everybody else.
    Layers(Resolution),
}

static FORMATS: &[Format<Answer>] = &[
    Format::laid_out("text", "", |answer, printer| Ok(answer.text(printer))),
    Format::plain("yaml", "", |answer, _| Ok(yaml::to_string(&answer.value()))),
    Format::plain("json", "", |answer, _| Ok(json_text(&answer.value()))),
    Format::csv(|answer, _| Ok(answer.table().csv())),
];

pub fn run(args: &Args, global: &Global, printer: &Printer) -> Outcome {
    let resolution = args.query.resolve(global, printer)?;
    let answer = match &args.selector {
        Some(selector) => {
            let explanations = ops::recipe::explain(&resolution, selector)?;
            Answer::Values { resolution, explanations, all: args.all }
        }
        None => Answer::Layers(resolution),
    };
    args.format.print(&answer, printer)?;
    Ok(Exit::Good)
}

impl Answer {
    fn value(&self) -> Value {
        match self {
            Answer::Values { explanations, .. } => json!(explanations),
            Answer::Layers(Resolution { layers, decisions, coverage, .. }) => {
                json!({ "layers": layers, "decisions": decisions, "coverage": coverage })
            }
        }
    }

    /// A row for each layer of each value; of a recipe, a row for each layer and each overlay that is none.
    fn table(&self) -> Table {
        match self {
            Answer::Values { resolution, explanations, all } => {
                let row = |explanation: &Explanation, rung: &Rung| {
                    let value = rung.value.as_ref().map(whole).unwrap_or_default();
                    let (word, at) = (word(rung).to_owned(), at(resolution, rung).to_owned());
                    [explanation.path.clone(), word, rung.layer_name.clone(), rung.criteria.clone(), value, at]
                };
                let of = |explanation: &Explanation| {
                    let rungs = explanation.ladder.iter().filter(|rung| *all || rung.value.is_some());
                    rungs.map(|rung| row(explanation, rung)).collect::<Vec<_>>()
                };
                let rows: Vec<[String; 6]> = explanations.iter().flat_map(of).collect();
                Table::new(["PATH", "HOW", "LAYER", "CRITERIA", "VALUE", "AT"], &rows)
            }
            Answer::Layers(resolution) => {
                let none = String::new;
                let spoke = spoke(resolution)
                    .map(|[name, criteria, sets, wins, file]| [name, criteria, sets, wins, file, none()]);
                let silent = not_applied(resolution).map(|[name, why]| [name, none(), none(), none(), none(), why]);
                let rows: Vec<[String; 6]> = spoke.chain(silent).collect();
                Table::new(["LAYER", "CRITERIA", "SETS", "WINS", "FILE", "NOT APPLIED BECAUSE"], &rows)
            }
        }
    }

    fn text(&self, printer: &Printer) -> String {
        match self {
            Answer::Values { resolution, explanations, all } => {
                let pages: Vec<String> =
                    explanations.iter().map(|explanation| page(resolution, explanation, *all, printer)).collect();
                pages.join("\n")
            }
            Answer::Layers(resolution) => layers(resolution),
        }
    }
}

/// Layers from the top: name, criteria, how many values each sets and decides, file.
fn spoke(resolution: &Resolution) -> impl Iterator<Item = [String; 5]> {
    let mut spoke: Vec<_> = resolution.layers.iter().filter(|layer| layer.kind != LayerKind::Derived).collect();
    spoke.sort_by_key(|layer| layer.kind);
    spoke.into_iter().rev().map(|layer| {
        let (sets, wins) = (layer.sets.to_string(), layer.wins.to_string());
        [layer.name.clone(), layer.criteria.clone(), sets, wins, layer.file.clone()]
    })
}

/// Overlays that are no layer, and why.
fn not_applied(resolution: &Resolution) -> impl Iterator<Item = [String; 2]> {
    let others = resolution.decisions.iter().filter(|decision| !decision.outcome.is_applied());
    others.map(|decision| [decision.overlay.clone(), decision.outcome.to_string()])
}

fn layers(resolution: &Resolution) -> String {
    let rows: Vec<[String; 5]> = spoke(resolution).collect();
    let stack = table::render(["LAYER", "CRITERIA", "SETS", "WINS", "FILE"], &rows);
    let rows: Vec<[String; 2]> = not_applied(resolution).collect();
    let others = table::render(["NOT APPLIED", "BECAUSE"], &rows);
    escape::block(&format!("{stack}\n{others}")).into_owned()
}

/// One value: what it is, then one line per layer.
fn page(resolution: &Resolution, explanation: &Explanation, all: bool, printer: &Printer) -> String {
    let Explanation { path, value, ladder } = explanation;
    let mut text = format!("{} = {}\n", printer.paint(Role::Heading, &escape::line(path)), shown(value));
    let rungs: Vec<&Rung> = ladder.iter().filter(|rung| all || rung.value.is_some()).collect();
    let lines: Vec<[String; 4]> = rungs.iter().map(|rung| line(resolution, rung)).collect();
    let width = |column: usize| lines.iter().map(|line| line[column].width()).max().unwrap_or(0);
    let widths = [width(0), width(1), width(2)];
    for [word, layer, value, at] in &lines {
        let role = match word.as_str() {
            "set by" => Role::Good,
            "over" => Role::Warning,
            _ => Role::Quiet,
        };
        let pad = |text: &str, width: usize| format!("{text}{}", " ".repeat(width - text.width()));
        let word = printer.paint(role, &pad(word, widths[0]));
        let row = format!("  {word}  {}  {}  {at}", pad(layer, widths[1]), pad(value, widths[2]));
        text += row.trim_end();
        text.push('\n');
    }
    if rungs.is_empty() {
        text += "  not set by any layer\n";
    }
    text
}

/// Word, layer, value and place of one rung.
fn line(resolution: &Resolution, rung: &Rung) -> [String; 4] {
    let word = word(rung);
    let criteria = match &*rung.criteria {
        "" => String::new(),
        criteria => format!(" ({criteria})"),
    };
    let layer = format!("{}{criteria}", rung.layer_name);
    let value = rung.value.as_ref().map(shown).unwrap_or_default();
    [word.to_owned(), escape::line(&layer).into(), value, escape::line(at(resolution, rung)).into()]
}

fn word(rung: &Rung) -> &'static str {
    match (&rung.value, rung.hidden_by) {
        (None, _) => "silent",
        (Some(_), None) => "set by",
        (Some(_), Some(_)) => "over",
    }
}

fn at<'r>(resolution: &'r Resolution, rung: &'r Rung) -> &'r str {
    let file = || resolution.layers.get(rung.layer).map_or("", |layer| &layer.file);
    if rung.at.is_empty() { file() } else { &rung.at }
}

fn whole(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// A value on one line.
fn shown(value: &Value) -> String {
    const WIDEST: usize = 60;
    let text = whole(value);
    let line = escape::line(&text);
    if line.chars().count() <= WIDEST {
        return line.into_owned();
    }
    let cut: String = line.chars().take(WIDEST).collect();
    format!("{cut}… ({} bytes)", text.len())
}
