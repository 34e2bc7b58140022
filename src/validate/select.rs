//! Which checks a run has: those that the recipe declares, less what a person leaves out.
//!
//! In: recipe, validator catalog, options. Out: validators in the order in which they run, or every reason why there is no
//! plan, all at once.

use super::plan::PlanOptions;
use crate::{
    catalog::validator::{Phase, Validator},
    criteria::near_matches,
    recipe::Recipe,
    text::count,
};
use std::fmt;

/// What a ConfigMap holds, in bytes.
pub const CONFIG_MAP_BYTES: usize = 1 << 20;

/// One thing that is wrong with the checks that a recipe declares or a person names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Problem {
    /// The catalog has no such check; names that are near.
    Unknown { check: String, near: Vec<String> },
    /// The check belongs to another phase than the one that lists it.
    OtherPhase { check: String, listed: Phase, belongs: Phase },
    /// A phase lists the check more than once.
    Twice { check: String, phase: Phase },
    /// A check to be skipped that the catalog does not have.
    UnknownSkip { check: String, near: Vec<String> },
    /// Nothing of a phase is left that a person asked for.
    SkipsAll { phase: Phase },
    /// A check that was asked for is in none of the phases that were asked for.
    NotInPhases { check: String, belongs: Phase, asked: Vec<Phase> },
    /// A check that was asked for is not one that the recipe selects.
    NotSelected { check: String },
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Problem::Unknown { check, .. } => write!(f, "unknown check `{check}`"),
            Problem::OtherPhase { check, listed, belongs } => {
                write!(f, "the {} phase lists `{check}`, which is a {} check", listed.name(), belongs.name())
            }
            Problem::Twice { check, phase } => write!(f, "the {} phase lists `{check}` more than once", phase.name()),
            Problem::UnknownSkip { check, .. } => write!(f, "cannot skip `{check}`: unknown check"),
            Problem::SkipsAll { phase } => {
                write!(f, "cannot skip every check of the {} phase, which was asked for", phase.name())
            }
            Problem::NotInPhases { check, belongs, asked } => {
                let asked: Vec<&str> = asked.iter().map(|phase| phase.name()).collect();
                let belongs = belongs.name();
                write!(f, "check `{check}` is in the {belongs} phase, and --phase names {}", asked.join(", "))
            }
            Problem::NotSelected { check } => write!(f, "the recipe does not select check `{check}`"),
        }
    }
}

impl Problem {
    fn is_skip(&self) -> bool {
        matches!(self, Problem::UnknownSkip { .. } | Problem::SkipsAll { .. })
    }

    fn hint(&self) -> Option<String> {
        match self {
            Problem::Unknown { near, .. } | Problem::UnknownSkip { near, .. } if !near.is_empty() => {
                Some(format!("did you mean {}?", near.join(" or ")))
            }
            Problem::Unknown { .. } | Problem::UnknownSkip { .. } | Problem::NotSelected { .. } => {
                Some("`aicr validate --plan` lists the checks of a recipe".to_owned())
            }
            Problem::NotInPhases { belongs, .. } => {
                Some(format!("leave out --phase, or add --phase {}", belongs.name()))
            }
            Problem::OtherPhase { check, belongs, .. } => {
                Some(format!("move `{check}` to `validation.{}`", belongs.name()))
            }
            Problem::Twice { check, .. } => Some(format!("list `{check}` once")),
            Problem::SkipsAll { phase } => Some(format!("leave out --phase {}", phase.name())),
        }
    }
}

/// Why there is no plan. Nothing was created then.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PlanError {
    /// Never empty.
    Checks(Vec<Problem>),
    TooLarge {
        what: &'static str,
        bytes: usize,
    },
    /// Checks in this process were asked for, and images that run in pods.
    NotInProcess,
}

impl fmt::Display for PlanError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PlanError::Checks(problems) => {
                // As the reference begins it.
                if problems.iter().any(Problem::is_skip) {
                    f.write_str("invalid skipChecks: ")?;
                }
                let problems: Vec<String> = problems.iter().map(ToString::to_string).collect();
                f.write_str(&problems.join("; "))
            }
            PlanError::NotInProcess => f.write_str("cannot run with --in-process: the reference's images run in pods"),
            PlanError::TooLarge { what, bytes } => {
                write!(f, "the {what} has {bytes} bytes, and a ConfigMap holds {CONFIG_MAP_BYTES}")
            }
        }
    }
}

impl std::error::Error for PlanError {}

impl PlanError {
    pub fn hint(&self) -> Option<String> {
        match self {
            PlanError::Checks(problems) => {
                let hints: Vec<String> = problems.iter().filter_map(Problem::hint).collect();
                (!hints.is_empty()).then(|| hints.join("; "))
            }
            PlanError::NotInProcess => Some("leave out --in-process or --validators".into()),
            PlanError::TooLarge { .. } => {
                Some("take the snapshot with fewer label readings, or give a smaller one".into())
            }
        }
    }
}

/// The phases to run, in order: as given without repeats, or all.
pub fn phases(options: &PlanOptions) -> Vec<Phase> {
    if options.phases.is_empty() {
        return Phase::ALL.to_vec();
    }
    let mut phases = Vec::new();
    for phase in &options.phases {
        if !phases.contains(phase) {
            phases.push(*phase);
        }
    }
    phases
}

/// The validators that the recipe names, phase by phase, in catalog order, and what a person should know about them.
///
/// # Errors
/// Every problem of every phase of the recipe, also of those that do not run: a typo is one.
pub(super) fn select<'v>(
    recipe: &Recipe,
    validators: &'v [Validator],
    options: &PlanOptions,
) -> Result<(Vec<&'v Validator>, Vec<String>), PlanError> {
    let known = |name: &str| validators.iter().find(|validator| validator.name == name);
    let near = |name: &str| near_matches(name, validators.iter().map(|known| known.name.as_str()));
    let mut problems = Vec::new();
    for name in options.only.iter().filter(|name| known(name).is_none()) {
        problems.push(Problem::Unknown { check: name.clone(), near: near(name) });
    }
    let wanted_phases = phases(options);
    let declared = |phase: Phase| {
        let spec = recipe.validation.as_ref().and_then(|validation| validation.phase(phase));
        spec.map_or(&[][..], |spec| &spec.checks)
    };
    for validator in options.only.iter().filter_map(|name| known(name)) {
        let (check, belongs) = (validator.name.clone(), validator.phase);
        if !wanted_phases.contains(&belongs) {
            problems.push(Problem::NotInPhases { check, belongs, asked: wanted_phases.clone() });
        } else if !declared(belongs).contains(&check) {
            problems.push(Problem::NotSelected { check });
        }
    }
    for phase in Phase::ALL {
        let names = declared(phase);
        for (place, name) in names.iter().enumerate() {
            let is_again = names[..place].contains(name);
            match known(name).map(|validator| validator.phase) {
                _ if is_again => problems.push(Problem::Twice { check: name.clone(), phase }),
                None => problems.push(Problem::Unknown { check: name.clone(), near: near(name) }),
                Some(belongs) if belongs != phase => {
                    problems.push(Problem::OtherPhase { check: name.clone(), listed: phase, belongs });
                }
                Some(_) => {}
            }
        }
    }
    for name in options.skip.iter().filter(|name| known(name).is_none()) {
        problems.push(Problem::UnknownSkip { check: name.clone(), near: near(name) });
    }
    let (mut selected, mut notices) = (Vec::new(), Vec::new());
    for phase in wanted_phases {
        let names = declared(phase);
        let wanted = |validator: &&Validator| {
            validator.phase == phase
                && names.contains(&validator.name)
                && (options.only.is_empty() || options.only.contains(&validator.name))
        };
        let of_phase: Vec<&Validator> = validators.iter().filter(wanted).collect();
        let skips_all = !of_phase.is_empty() && of_phase.iter().all(|validator| options.skip.contains(&validator.name));
        if skips_all && options.phases.contains(&phase) {
            problems.push(Problem::SkipsAll { phase });
        }
        if of_phase.is_empty() && !options.phases.is_empty() && options.only.is_empty() {
            notices.push(format!("the recipe selects no check of the {} phase", phase.name()));
        }
        selected.extend(of_phase);
    }
    let is_selected = |name: &&String| selected.iter().any(|validator| validator.name == **name);
    let unused: Vec<&str> = options.skip.iter().filter(|name| !is_selected(name)).map(String::as_str).collect();
    if !unused.is_empty() {
        let checks = count(unused.len(), "check");
        notices.push(format!("{checks} to skip that would not run anyway: {}", unused.join(", ")));
    }
    if problems.is_empty() { Ok((selected, notices)) } else { Err(PlanError::Checks(problems)) }
}
