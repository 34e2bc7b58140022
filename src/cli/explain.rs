//! `aicr explain`: who set a value, who was hidden, and which layers could have spoken and did not.

use super::{
    Outcome, Printer,
    criteria_args::QueryArgs,
    exit::Exit,
    formats::{self, Format},
    global::Global,
    printer::Role,
    table,
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

fn layers(resolution: &Resolution) -> String {
    let Resolution { layers, decisions, .. } = resolution;
    let mut spoke: Vec<_> = layers.iter().filter(|layer| layer.kind != LayerKind::Derived).collect();
    spoke.sort_by_key(|layer| layer.kind);
    let rows = spoke.into_iter().rev().map(|layer| {
        let (sets, wins) = (layer.sets.to_string(), layer.wins.to_string());
        [layer.name.clone(), layer.criteria.clone(), sets, wins, layer.file.clone()]
    });
    let stack = table::render(["LAYER", "CRITERIA", "SETS", "WINS", "FILE"], &rows.collect::<Vec<_>>());
    let others = decisions.iter().filter(|decision| !decision.outcome.is_applied());
    let rows = others.map(|decision| [decision.overlay.clone(), decision.outcome.to_string()]);
    let others = table::render(["NOT APPLIED", "BECAUSE"], &rows.collect::<Vec<_>>());
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
    let word = match (&rung.value, rung.hidden_by) {
        (None, _) => "silent",
        (Some(_), None) => "set by",
        (Some(_), Some(_)) => "over",
    };
    let criteria = match &*rung.criteria {
        "" => String::new(),
        criteria => format!(" ({criteria})"),
    };
    let layer = format!("{}{criteria}", rung.layer_name);
    let value = rung.value.as_ref().map(shown).unwrap_or_default();
    let file = resolution.layers.get(rung.layer).map_or("", |layer| &layer.file);
    let at = if rung.at.is_empty() { file } else { &rung.at };
    [word.to_owned(), escape::line(&layer).into(), value, escape::line(at).into()]
}

/// A value on one line.
fn shown(value: &Value) -> String {
    const WIDEST: usize = 60;
    let text = match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let line = escape::line(&text);
    if line.chars().count() <= WIDEST {
        return line.into_owned();
    }
    let cut: String = line.chars().take(WIDEST).collect();
    format!("{cut}… ({} bytes)", text.len())
}
