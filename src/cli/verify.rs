//! `aicr verify`: whether a folder is the bundle that was written, and nothing else.

use super::{
    Outcome, Printer,
    exit::Exit,
    formats::{self, Format},
    global::Global,
    misuse,
    printer::Role,
};
use crate::{
    ops::bundle::{self, Checked},
    recipe::format::json_text,
    report::escape,
};
use clap::ValueEnum;
use serde_json::{Map, Value, json};
use std::path::PathBuf;

/// Check every file of a bundle against its checksums: changed, missing, extra and linked files are named.
///
/// Levels of trust are the reference's: unknown (something is wrong), unverified (every file is right, and the bundle is
/// not signed), attested and verified (a signature holds). This version does not verify signatures, so a bundle that is signed is
/// reported as unknown.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: aicr verify ./bundle")]
pub struct Args {
    /// The folder of the bundle.
    #[arg(value_name = "DIR")]
    folder: PathBuf,
    /// The least level of trust that passes; max is what this bundle can have.
    #[arg(long, value_name = "LEVEL", default_value = "max")]
    min_trust_level: Level,
    /// Pass only if this identity signed the bundle.
    #[arg(long, value_name = "IDENTITY")]
    require_creator: Option<String>,
    /// Pass only if a signature says that such a version of the tool made the bundle.
    #[arg(long, value_name = "CONSTRAINT")]
    cli_version_constraint: Option<String>,
    #[arg(short = 't', long, value_parser = formats::parser(FORMATS), default_value = "text")]
    format: &'static Format<Verified>,
    #[arg(long, hide = true)]
    key: Option<String>,
    #[arg(long, hide = true)]
    trust_root: Option<String>,
    #[arg(long, hide = true)]
    certificate_identity_regexp: Option<String>,
    #[arg(long, hide = true)]
    insecure_ignore_tlog: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
enum Level {
    Unknown,
    Unverified,
    Attested,
    Verified,
    Max,
}

impl Level {
    fn name(self) -> &'static str {
        match self {
            Level::Unknown => "unknown",
            Level::Unverified => "unverified",
            Level::Attested => "attested",
            Level::Verified => "verified",
            Level::Max => "max",
        }
    }
}

/// What is said about a bundle.
#[derive(Debug)]
pub struct Verified {
    checked: Checked,
    level: Level,
    reason: String,
    errors: Vec<String>,
}

static FORMATS: &[Format<Verified>] = &[
    Format::laid_out("text", "", |verified, printer| Ok(text(verified, printer))),
    Format::plain("json", "", |verified, _| Ok(json_text(&as_value(verified)))),
];

const UNSIGNED: &str = "it is not signed";
const SIGNED: &str = "its signature is not verified by this version";

pub fn run(args: &Args, _: &Global, printer: &Printer) -> Outcome {
    let signing = [
        ("--key", args.key.is_some()),
        ("--trust-root", args.trust_root.is_some()),
        ("--certificate-identity-regexp", args.certificate_identity_regexp.is_some()),
        ("--insecure-ignore-tlog", args.insecure_ignore_tlog),
    ];
    if let Some((flag, _)) = signing.into_iter().find(|(_, given)| *given) {
        let because = "this version does not verify signatures";
        return Err(misuse(&format!("honor {flag}"), because, "use cosign, or the reference's aicr").into());
    }
    let checked = bundle::check(&args.folder)?;
    let (level, reason) = match (checked.is_intact(), checked.is_signed) {
        (false, _) => (Level::Unknown, checked.words()),
        (true, true) => (Level::Unknown, SIGNED.to_owned()),
        (true, false) => (Level::Unverified, UNSIGNED.to_owned()),
    };
    let mut errors: Vec<String> = checked.differences.iter().map(ToString::to_string).collect();
    errors.extend(Some(checked.list_problem.clone()).filter(|problem| !problem.is_empty()));
    let is_intact = checked.is_intact();
    // A signature that cannot be checked must not pass for one that holds.
    let wanted = match (args.min_trust_level, checked.is_signed) {
        (Level::Max, true) => Level::Attested,
        (Level::Max, false) => Level::Unverified,
        (level, _) => level,
    };
    if is_intact && level < wanted {
        errors.push(format!("the trust level is {}, below {}: {reason}", level.name(), wanted.name()));
    }
    let unsigned = if checked.is_signed { SIGNED } else { UNSIGNED };
    if let Some(creator) = &args.require_creator {
        errors.push(format!("the creator is not known to be `{creator}`: {unsigned}"));
    }
    if let Some(constraint) = &args.cli_version_constraint {
        errors.push(format!("the version of the tool is not known to be `{constraint}`: {unsigned}"));
    }
    let verified = Verified { checked, level, reason, errors };
    args.format.print(&verified, printer)?;
    Ok(match (is_intact, verified.errors.is_empty()) {
        (false, _) => Exit::Forbidden,
        (true, false) => Exit::Usage,
        (true, true) => Exit::Good,
    })
}

fn text(verified: &Verified, printer: &Printer) -> String {
    let Verified { checked, level, reason, errors } = verified;
    let mut text = String::new();
    if checked.is_intact() {
        text += &format!("{} files are as they were written, and no other is there\n", checked.files);
    }
    if let (Some(deployer), Some(tool)) = (&checked.deployer, &checked.tool) {
        text += &format!("made by aicr {} for {}\n", escape::line(tool), escape::line(deployer));
    }
    for error in errors {
        text += &format!("{} {}\n", printer.paint(Role::Bad, "✗"), escape::line(error));
    }
    text += &format!("trust level: {} ({})\n", level.name(), escape::line(reason));
    let (role, word) = if errors.is_empty() { (Role::Good, "PASSED") } else { (Role::Bad, "FAILED") };
    text + &format!("Bundle verification: {}\n", printer.paint(role, word))
}

/// As the reference prints it: what is empty is left out.
fn as_value(verified: &Verified) -> Value {
    let Verified { checked, level, reason, errors } = verified;
    let mut value = Map::new();
    let mut put = |key: &str, entry: Value| drop(value.insert(key.to_owned(), entry));
    put("trustLevel", level.name().into());
    put("checksumsPassed", checked.is_intact().into());
    put("checksumFiles", checked.files.into());
    put("bundleAttested", false.into());
    put("binaryAttested", false.into());
    put("identityPinned", false.into());
    put("hasExternalData", checked.has_external_data.into());
    put("trustReason", reason.as_str().into());
    if !errors.is_empty() {
        put("errors", json!(errors));
    }
    Value::Object(value)
}
