//! `aicr verify`: whether a folder is the bundle that was written, and nothing else.

use super::{
    Outcome, Printer, cluster,
    exit::Exit,
    formats::{self, Format},
    global::Global,
    misuse,
    printer::Role,
};
use crate::{
    bundle::signature::SignatureError,
    constraint::release::Release,
    ops::{
        Failure,
        artifact::{self, Access, Reference},
        bundle::{self, Checked, Trust},
    },
    recipe::format::json_text,
    report::escape,
};
use clap::ValueEnum;
use serde_json::{Map, Value, json};
use std::path::Path;

/// Check every file of a bundle against its checksums: changed, missing, extra and linked files are named.
///
/// Levels of trust are the reference's: unknown (something is wrong, or a signature was not verified), unverified (every file
/// is right, and the bundle is not signed), attested (the signature holds) and verified (that of the program too, which is
/// not available yet). --key verifies a signature that was made with a key; one by an identity is not available yet.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  aicr verify ./bundle\n  aicr verify oci://registry.example.com/team/bundle:1.0.0 --key cosign.pub \\\n    \
                        --trust-root trusted_root.json"
)]
pub struct Args {
    /// The folder of the bundle, or oci://HOST/PATH:TAG of one that was pushed.
    #[arg(value_name = "PLACE")]
    place: String,
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
    /// The public key that must have signed the bundle: ECDSA P-256, P-384 or Ed25519 in PEM format, as cosign.pub is.
    #[arg(long, value_name = "FILE")]
    key: Option<String>,
    /// A trusted_root.json of Sigstore: one of its logs must have the signature.
    #[arg(long, value_name = "FILE", requires = "key", conflicts_with = "insecure_ignore_tlog")]
    trust_root: Option<String>,
    /// Take a signature that no log has.
    #[arg(long, requires = "key")]
    insecure_ignore_tlog: bool,
    /// Use plain HTTP, also for a registry on another machine.
    #[arg(long)]
    plain_http: bool,
    /// Accept any TLS certificate of the registry.
    #[arg(long)]
    insecure_tls: bool,
    #[arg(long, hide = true)]
    certificate_identity_regexp: Option<String>,
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
const UNJUDGED: &str = "its signature was not verified: give the public key with --key";
const PROGRAM: &str = "the signature of the program that made it is there, and verifying that is not available yet";
const KEY: &str = "a key does not name a creator";

pub fn run(args: &Args, global: &Global, printer: &Printer) -> Outcome {
    if args.certificate_identity_regexp.is_some() {
        let because = "verifying identities of certificates is not available yet";
        let hint = "verify a signature by a key with --key, or use the reference's aicr";
        return Err(misuse("honor --certificate-identity-regexp", because, hint).into());
    }
    let trust = args.key.as_ref().map(|key| Trust::read(key, args.trust_root.as_deref(), args.insecure_ignore_tlog));
    let trust = trust.transpose()?;
    let checked = look(args, global)?;
    let signature = match (&trust, checked.is_signed) {
        (_, false) => Signature::None,
        (None, true) => Signature::Unjudged(UNJUDGED.to_owned()),
        (Some(trust), true) => match trust.judge(&checked) {
            Ok(()) if checked.is_program_signed => Signature::Unjudged(PROGRAM.to_owned()),
            Ok(()) => Signature::Holds,
            Err(error @ SignatureError::Keyless) => Signature::Unjudged(error.to_string()),
            Err(error) => Signature::Fails(error.to_string()),
        },
    };
    let is_intact = checked.is_intact();
    let (level, reason) = match (is_intact, &signature) {
        (false, _) => (Level::Unknown, checked.words()),
        (true, Signature::Unjudged(reason) | Signature::Fails(reason)) => (Level::Unknown, reason.clone()),
        (true, Signature::None) => (Level::Unverified, UNSIGNED.to_owned()),
        (true, Signature::Holds) => (Level::Attested, "the signature was made with the key that was given".to_owned()),
    };
    let mut errors: Vec<String> = checked.differences.iter().map(ToString::to_string).collect();
    errors.extend(Some(checked.list_problem.clone()).filter(|problem| !problem.is_empty()));
    // A signature that cannot be checked must not pass for one that holds.
    let wanted = match (args.min_trust_level, checked.is_signed || trust.is_some()) {
        (Level::Max, true) => Level::Attested,
        (Level::Max, false) => Level::Unverified,
        (level, _) => level,
    };
    // Whoever gives a key wants it to have signed.
    if is_intact && (level < wanted || trust.is_some() && signature != Signature::Holds) {
        let least = wanted.max(if trust.is_some() { Level::Attested } else { Level::Unknown });
        errors.push(format!("the trust level is {}, below {}: {reason}", level.name(), least.name()));
    }
    let unknown = if signature == Signature::Holds { KEY } else { &*reason };
    if let Some(creator) = &args.require_creator {
        errors.push(format!("the creator is not known to be `{creator}`: {unknown}"));
    }
    if let Some(constraint) = &args.cli_version_constraint {
        match (&signature, &checked.tool) {
            (Signature::Holds, Some(tool)) if version_is(tool, constraint)? => {}
            (Signature::Holds, Some(tool)) => {
                errors.push(format!("the version of the tool is `{tool}`, not `{constraint}`"));
            }
            _ => errors.push(format!("the version of the tool is not known to be `{constraint}`: {reason}")),
        }
    }
    let verified = Verified { checked, level, reason, errors };
    args.format.print(&verified, printer)?;
    Ok(match (is_intact && !matches!(signature, Signature::Fails(_)), verified.errors.is_empty()) {
        (false, _) => Exit::Forbidden,
        (true, false) => Exit::Usage,
        (true, true) => Exit::Good,
    })
}

/// What is known about the signature over the list.
#[derive(Debug, PartialEq, Eq)]
enum Signature {
    None,
    Unjudged(String),
    Fails(String),
    Holds,
}

fn look(args: &Args, global: &Global) -> Result<Checked, Failure> {
    if !args.place.contains("://") {
        let useless = [("--plain-http", args.plain_http), ("--insecure-tls", args.insecure_tls)];
        if let Some((flag, _)) = useless.into_iter().find(|(_, is_given)| *is_given) {
            let because = "no registry is asked for a folder";
            return Err(misuse(&format!("honor {flag}"), because, "leave it out, or give oci://HOST/PATH:TAG"));
        }
        return bundle::check(Path::new(&args.place));
    }
    let access = Access { plain_http: args.plain_http, insecure_tls: args.insecure_tls };
    let pulled = cluster::block_on(global, artifact::pull(&Reference::parse(&args.place)?, access))?;
    Ok(bundle::check_artifact(&pulled.entries))
}

/// Whether a version is as a constraint wants it: a version alone is the least.
fn version_is(version: &str, constraint: &str) -> Result<bool, Failure> {
    const OPERATORS: [&str; 6] = ["<=", ">=", "!=", "=", "<", ">"];
    let text = constraint.trim();
    let text = text.strip_prefix('=').filter(|rest| rest.starts_with('=')).unwrap_or(text);
    let found = OPERATORS.into_iter().find_map(|operator| Some((operator, text.strip_prefix(operator)?)));
    let (operator, text) = found.unwrap_or((">=", text));
    let (Some(have), Some(want)) = (Release::parse(version), Release::parse(text)) else {
        let because = format!("`{constraint}` is not a constraint of a whole version, or `{version}` is not one");
        return Err(misuse("read --cli-version-constraint", &because, "write a version like 1.2.3 or >=1.2.3"));
    };
    Ok(match operator {
        "<=" => have <= want,
        ">=" => have >= want,
        "!=" => have != want,
        "<" => have < want,
        ">" => have > want,
        _ => have == want,
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
    put("bundleAttested", (*level >= Level::Attested).into());
    put("binaryAttested", false.into());
    put("identityPinned", false.into());
    put("hasExternalData", checked.has_external_data.into());
    put("trustReason", reason.as_str().into());
    if !errors.is_empty() {
        put("errors", json!(errors));
    }
    Value::Object(value)
}
