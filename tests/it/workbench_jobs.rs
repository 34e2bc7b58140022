//! The eight jobs that a new user was watched doing, each in a pseudo-terminal of 120x40 with its keys counted.
//!
//! The first number is the job's, the first figure what it took in the reading of November 2026, the second what it takes now:
//!
//! | | job | keys before | keys now |
//! | --- | --- | ---: | ---: |
//! | 1 | what is this, how is it, what next | not found | 0 |
//! | 2 | driver and CUDA of the GPU node, and which object says so | 7, source not found | 1 |
//! | 3 | who set a value, and the line that did | 18 | 18 |
//! | 3 | a what-if becomes the recipe | typed again, about 40 | 4 |
//! | 4 | what another set of criteria would change, by cause | about 60 | 32 |
//! | 5 | run all checks | 4 | 4 |
//! | 5 | one check alone | not possible | 10 |
//! | 6 | what differs between two files, and both values | not counted | 0 |
//! | 6 | what changed in the cluster since now | about 40, in two programs | 2 |
//! | 7 | what can be done here | two pages | 1 |
//! | 7 | the rows with a word, and the next of them | not possible | 9 |
//! | 8 | a picture of the screen in a file whose path is said | 1, path not said | 1 |
#![cfg(unix)]

use super::workbench_pty::Terminal;
use std::process::Command;

/// A terminal whose keys are counted.
struct Job {
    terminal: Terminal,
    keys: usize,
    state: tempfile::TempDir,
}

impl Job {
    fn start(arguments: &str) -> Job {
        let job = Job::open(tempfile::tempdir().unwrap(), arguments);
        job.terminal.shows("DEMO fresh");
        // What follows from the nodes is there as well.
        job.terminal.shows("components differ");
        job
    }

    /// In a folder that is the home of the person and the one in which the program is started.
    fn open(state: tempfile::TempDir, arguments: &str) -> Job {
        let variables = [("AICR_STATE_DIR", state.path().as_os_str()), ("HOME", state.path().as_os_str())];
        let terminal = Terminal::start_with(120, 40, arguments, &variables);
        Job { terminal, keys: 0, state }
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
fn a_what_if_becomes_the_recipe() {
    let mut job = Job::start(KIND);
    job.press("2");
    job.shows("resolved values");
    job.press("i");
    job.shows("h l change a value");
    job.press("l");
    job.shows("was kind");
    job.press("a");
    job.shows("✓ the recipe is for service=lke accelerator=a100 now");
    job.took(4);
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
fn two_files_say_what_differs_and_from_what_to_what() {
    let folder = tempfile::tempdir().unwrap();
    let (friday, monday) = (folder.path().join("friday.yaml"), folder.path().join("monday.yaml"));
    let taken = Command::new(env!("CARGO_BIN_EXE_aicr"))
        .args(["--demo", "snapshot", "-o"])
        .arg(&friday)
        .env("HOME", folder.path())
        .output()
        .unwrap();
    assert!(taken.status.success(), "{taken:?}");
    let text = std::fs::read_to_string(&friday).unwrap();
    std::fs::write(&monday, text.replace("580.159.03", "570.124.06")).unwrap();
    let job = Job::open(folder, "tui friday.yaml monday.yaml");
    job.shows("3 differ");
    // A frame comes in pieces: that its first line is there says nothing of the others.
    job.terminal.until("both drivers in the row of a node", |screen| {
        let text = screen.contents();
        let mut rows = text.lines().filter(|line| line.contains("].gpu-driver"));
        rows.next().is_some_and(|row| row.contains("580.159.03") && row.contains("570.124.06"))
    });
    job.took(0);
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

#[test]
fn rows_with_a_word_are_filtered_and_gone_through() {
    let mut job = Job::start(KIND);
    job.press("/worker\r");
    job.shows("3 matches");
    let selected = |screen: &vt100::Screen, row: &str| {
        screen.contents().lines().any(|line| line.contains('›') && line.contains(row))
    };
    job.press("n");
    job.terminal.until("the next row", |screen| selected(screen, "worker-2"));
    job.took(9);
}

#[test]
fn a_picture_of_the_screen_is_a_file_whose_path_is_said() {
    let mut job = Job::start(KIND);
    job.press("\x13");
    job.shows("✓ wrote ");
    let mut written = std::fs::read_dir(job.state.path()).unwrap().map(|entry| entry.unwrap().path());
    let picture = written.find(|path| path.extension().is_some_and(|extension| extension == "svg")).expect("a picture");
    job.shows(picture.file_name().unwrap().to_str().unwrap());
    assert!(std::fs::read_to_string(&picture).unwrap().contains("aicr workbench, Cluster"), "{picture:?}");
    job.took(1);
}
