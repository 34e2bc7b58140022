//! Readings that differ between two looks at an unchanged cluster: one rule per reason, each with a name to switch it by.
//!
//! In: the path of a change. Out: the rule that explains it, if any. A rule hides nothing by itself; who shows changes says
//! which rules hold, and counts what they hide.

use super::node_path;
use crate::document::compare::Change;
use std::collections::BTreeSet;

/// Why a reading is expected to differ.
#[derive(Debug)]
pub struct Rule {
    /// To switch it by: `boot`.
    pub name: &'static str,
    /// As it is told: `changes at every boot`.
    pub why: &'static str,
    matches: fn(&str) -> bool,
}

/// Every rule; the first that matches a path explains it.
pub static RULES: &[Rule] = &[
    Rule { name: "idle", why: "changes on an idle machine", matches: is_idle },
    Rule { name: "boot", why: "changes at every boot", matches: is_boot },
    Rule { name: "machine", why: "differs from node to node", matches: is_of_the_machine },
    Rule { name: "process", why: "a counter, a time or a process id", matches: is_of_a_process },
    Rule { name: "derived", why: "follows from labels and taints, which are compared per node", matches: is_derived },
    Rule { name: "discovery", why: "the time of the last feature discovery", matches: is_discovery },
    Rule { name: "use", why: "says which GPUs are held at the moment", matches: is_use },
    Rule { name: "reading", why: "says how the snapshot was taken", matches: is_how },
];

/// The rule that explains why this path differs; `None` for one that is not expected to.
pub fn rule(path: &str) -> Option<&'static Rule> {
    RULES.iter().find(|rule| (rule.matches)(path))
}

/// The rule of that name.
pub fn named(name: &str) -> Option<&'static Rule> {
    RULES.iter().find(|rule| rule.name == name)
}

/// Why a change is expected, in words; `None` for one that is not.
pub fn why(change: &Change) -> Option<&'static str> {
    change.noise.and_then(named).map(|rule| rule.why)
}

/// Which rules are switched off: what these explain is shown like everything else.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shown {
    off: BTreeSet<&'static str>,
}

impl Shown {
    /// Nothing is hidden.
    pub fn all() -> Shown {
        Shown { off: RULES.iter().map(|rule| rule.name).collect() }
    }

    /// Without the rules of these names.
    pub fn without(names: &[String]) -> Shown {
        let off = RULES.iter().filter(|rule| names.iter().any(|name| name == rule.name));
        Shown { off: off.map(|rule| rule.name).collect() }
    }

    /// Whether everything is shown.
    pub fn is_all(&self) -> bool {
        self.off.len() == RULES.len()
    }

    /// Whether a rule hides what it explains.
    pub fn holds(&self, rule: &Rule) -> bool {
        !self.off.contains(rule.name)
    }

    /// Switches a rule; says whether it holds now, `None` for a name that no rule has.
    pub fn switch(&mut self, name: &str) -> Option<bool> {
        let rule = named(name)?;
        let was_off = self.off.remove(rule.name);
        if !was_off {
            self.off.insert(rule.name);
        }
        Some(was_off)
    }

    /// Whether a change is shown.
    pub fn shows(&self, change: &Change) -> bool {
        change.noise.is_none_or(|name| named(name).is_some_and(|rule| !self.holds(rule)))
    }
}

/// How many changes each rule hides, of the rules that hide any.
pub fn hidden<'c>(changes: impl IntoIterator<Item = &'c Change>, shown: &Shown) -> Vec<(&'static Rule, usize)> {
    let mut counts = vec![0; RULES.len()];
    for change in changes.into_iter().filter(|change| !shown.shows(change)) {
        let at = RULES.iter().position(|rule| Some(rule.name) == change.noise);
        if let Some(at) = at {
            counts[at] += 1;
        }
    }
    RULES.iter().zip(counts).filter(|(_, count)| *count > 0).collect()
}

/// How many changes each rule hides: `boot 1, use 3`.
pub fn in_words(hidden: &[(&'static Rule, usize)]) -> String {
    hidden.iter().map(|(rule, count)| format!("{} {count}", rule.name)).collect::<Vec<_>>().join(", ")
}

/// Below `/proc/sys`; the agent names the node that it read.
fn sysctl(path: &str) -> Option<&str> {
    path.strip_prefix("OS.sysctl./proc/sys/")
}

fn is_idle(path: &str) -> bool {
    const ALWAYS: [&str; 11] = [
        "fs/dentry-state",
        "fs/file-nr",
        "fs/inode-nr",
        "fs/inode-state",
        "fs/aio-nr",
        "kernel/ns_last_pid",
        "kernel/random/uuid",
        "kernel/random/entropy_avail",
        "kernel/pty/nr",
        "kernel/perf_event_max_sample_rate",
        "vm/stat_refresh",
    ];
    sysctl(path).is_some_and(|key| ALWAYS.contains(&key) || key.starts_with("fs/quota/"))
}

fn is_boot(path: &str) -> bool {
    sysctl(path).is_some_and(|key| ["kernel/random/boot_id", "kernel/tainted"].contains(&key))
}

fn is_of_the_machine(path: &str) -> bool {
    const NODE: [&str; 6] = [
        "kernel/hostname",
        "kernel/domainname",
        "kernel/threads-max",
        "fs/epoll/max_user_watches",
        "vm/min_free_kbytes",
        "fs/file-max",
    ];
    sysctl(path).is_some_and(|key| NODE.contains(&key) || key.starts_with("user/max_"))
}

fn is_of_a_process(path: &str) -> bool {
    const COUNTERS: [&str; 8] = [
        "CPUUsageNSec",
        "TasksCurrent",
        "MainPID",
        "ControlPID",
        "ControlGroupId",
        "InvocationID",
        "StatusText",
        "NRestarts",
    ];
    let Some(rest) = path.strip_prefix("SystemD.") else { return false };
    let key = rest.rsplit('.').next().unwrap_or_default();
    let memory = key.starts_with("Memory") && ["Current", "Peak", "Available"].iter().any(|end| key.ends_with(end));
    let counters = COUNTERS.contains(&key) || key.starts_with("ExecMain") || key.starts_with("Exec");
    memory || counters || key.contains("Timestamp") || key.starts_with("IO") || key.starts_with("IP")
}

fn is_derived(path: &str) -> bool {
    let counts = ["label-count", "taint-count"];
    path.strip_prefix("NodeTopology.summary.").is_some_and(|key| counts.contains(&key))
}

fn is_discovery(path: &str) -> bool {
    path.ends_with("nvidia.com/gfd.timestamp")
}

fn is_use(path: &str) -> bool {
    let is_held = |key: &str| key.starts_with("held.") || key.starts_with("held-devices.");
    node_path::parse(path).is_some_and(|(_, key)| is_held(key))
}

fn is_how(path: &str) -> bool {
    path.starts_with("K8s.collection")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(path: &str) -> Option<&'static str> {
        rule(path).map(|rule| rule.name)
    }

    #[test]
    fn a_reading_that_moves_by_itself_has_a_rule() {
        assert_eq!(named("OS.sysctl./proc/sys/fs/file-nr"), Some("idle"));
        assert_eq!(named("OS.sysctl./proc/sys/vm/swappiness"), None);
        assert_eq!(named("SystemD.kubelet.service.MainPID"), Some("process"));
        assert_eq!(named("node[gpu-1].held.nvidia.com/gpu"), Some("use"));
        assert_eq!(named("node[gpu-1].capacity.nvidia.com/gpu"), None);
    }

    #[test]
    fn a_rule_that_is_switched_off_hides_nothing() {
        let path = "node[a].held.nvidia.com/gpu";
        let mut change = Change::of(path.to_owned(), Some("1".into()), Some("2".into())).expect("a change");
        change.noise = rule(path).map(|rule| rule.name);
        assert_eq!(why(&change), Some("says which GPUs are held at the moment"));
        let mut shown = Shown::default();
        assert!(!shown.shows(&change));
        assert_eq!(in_words(&hidden([&change], &shown)), "use 1");
        assert_eq!(shown.switch("use"), Some(false));
        assert!(shown.shows(&change) && hidden([&change], &shown).is_empty());
        assert_eq!((shown.switch("use"), shown.switch("none")), (Some(true), None));
        assert!(Shown::all().is_all() && Shown::without(&["use".to_owned()]).shows(&change));
    }

    #[test]
    fn names_are_unique_and_a_change_carries_the_name_of_its_rule() {
        let names: BTreeSet<&str> = RULES.iter().map(|rule| rule.name).collect();
        assert_eq!(names.len(), RULES.len());
        assert!(RULES.iter().all(|rule| super::named(rule.name).is_some_and(|found| std::ptr::eq(found, rule))));
        assert!(RULES.iter().all(|rule| super::named(rule.why).is_none()), "what is told is not what it is found by");
    }
}
