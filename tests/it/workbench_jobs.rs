//! Eight jobs that a new user was watched doing, each in a pseudo-terminal of 120x40 with its keys counted.
//!
//! The first figure is what the job took in the reading of November 2026, the second what it takes now:
//!
//! | job | keys before | keys now |
//! | --- | ---: | ---: |
//! | what is this, how is it, what next | not found | 0 |
//! | driver and CUDA of the GPU node, and which object says so | 7, source not found | 1 |
//! | who set a value, and the line that did | 18 | 18 |
//! | what another set of criteria would change, by cause | about 60 | 32 |
//! | run all checks | 4 | 4 |
//! | one check alone | not possible | 10 |
//! | what changed in the cluster since now | about 40, in two programs | 2 |
//! | what can be done here | two pages | 1 |
//! | a picture of the screen in a file | 1 | 1 |
#![cfg(unix)]

use super::workbench_pty::Terminal;

/// A terminal whose keys are counted.
struct Job {
    terminal: Terminal,
    keys: usize,
    _state: tempfile::TempDir,
}

impl Job {
    fn start(arguments: &str) -> Job {
        let state = tempfile::tempdir().unwrap();
        let variables = [("AICR_STATE_DIR", state.path().as_os_str()), ("HOME", state.path().as_os_str())];
        let terminal = Terminal::start_with(120, 40, arguments, &variables);
        let job = Job { terminal, keys: 0, _state: state };
        job.terminal.shows("DEMO fresh");
        // What follows from the nodes is there as well.
        job.terminal.shows("components differ");
        job
    }

    /// One key for each character, as a person presses them.
    fn press(&mut self, keys: &str) {
        self.keys += keys.chars().count();
        self.terminal.press(keys);
    }

    #[track_caller]
    fn shows(&self, text: &str) -> String {
        self.terminal.shows(text)
    }

    /// Leaves what is open; the next key would belong to the Esc if it came with it.
    fn escape(&mut self, open: &str) {
        self.terminal.press("\x1b");
        self.terminal.until("it to close", |screen| !screen.contents().contains(open));
    }

    #[track_caller]
    fn took(mut self, keys: usize) {
        assert_eq!(self.keys, keys, "keys");
        self.terminal.press("q");
        self.terminal.restored(0);
    }
}

const KIND: &str = "--demo tui --service kind --accelerator a100";

#[test]
fn the_first_frame_says_what_this_is_and_what_differs() {
    let job = Job::start(KIND);
    // The failed run of the demo is of the night of some day before, so the days depend on the time of day.
    for said in ["aicr · demo", "5 nodes ready", "1 of 1 GPU free", "7 components differ", "d ago: fail", "? help"] {
        job.shows(said);
    }
    job.took(0);
}

#[test]
fn the_gpu_node_says_its_driver_and_who_says_so() {
    let mut job = Job::start(KIND);
    job.press("j");
    job.shows("580.159.03");
    job.shows("CUDA         13.0  label nvidia.com/cuda.runtime-version.full");
    job.took(1);
}

#[test]
fn who_set_a_value_is_a_sentence_and_a_line() {
    let mut job = Job::start(KIND);
    job.press(":driver.enabled\r");
    job.shows("false, because kind (service=kind) at overlays/kind.yaml:15 hides");
    job.press("gd");
    job.shows("overlays/kind.yaml:15");
    job.shows("service: kind");
    job.escape("service: kind");
    job.took(18);
}

#[test]
fn other_criteria_are_completed_and_their_differences_have_reasons() {
    let mut job = Job::start(KIND);
    // Each word is completed from its first letters; the value alone names its dimension.
    job.press(":diff =eks\t");
    job.shows("diff service=eks");
    job.press(" =h100\t");
    job.shows("accelerator=h100");
    job.press(" =ubu\t");
    job.shows("os=ubuntu");
    job.press(" =trai\t\r");
    job.shows("service kind → eks");
    job.shows("aws-efa");
    job.took(32);
}

#[test]
fn all_checks_run_after_a_look_at_what_they_create() {
    let mut job = Job::start(KIND);
    job.press("4");
    job.shows("readiness");
    job.press("r");
    job.shows("run 9 checks?");
    job.press("\t\r");
    job.shows("run ended");
    job.took(4);
}

#[test]
fn one_check_runs_alone() {
    let mut job = Job::start(KIND);
    job.press("4");
    job.shows("operator-health");
    job.press("/dra\rj");
    job.shows("›  dra-support");
    job.press("r");
    job.shows("run 1 check?");
    job.press("\t\r");
    job.shows("run ended");
    job.took(10);
}

#[test]
fn what_changes_from_now_on_is_two_keys_away() {
    let mut job = Job::start(KIND);
    job.press("=");
    job.shows("kept as A");
    job.press("5");
    job.shows("✓ nothing differs");
    job.took(2);
}

#[test]
fn help_begins_with_what_can_be_done_here() {
    let mut job = Job::start(KIND);
    job.press("?");
    job.shows("help: Cluster");
    let text = job.shows("compare with another recipe, snapshot or run");
    let place = |said: &str| text.find(said).unwrap_or_else(|| panic!("{said}:\n{text}"));
    assert!(place("what the cluster is") < place("compare with another recipe, snapshot or run"), "{text}");
    job.escape("help: Cluster");
    job.took(1);
}
