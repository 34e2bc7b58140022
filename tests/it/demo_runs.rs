//! The runs of the demo's past: records that this program writes of the demo cluster, one of them of a run that failed.

use super::{
    sandbox::Sandbox,
    validate::{NAMESPACE, Setup},
};
use aicr::{
    demo::{FILES, RUNS},
    ops::{
        demo::DemoOptions,
        fault::Fault,
        place::Place,
        run::{
            self, EventLog, past,
            record::{self, Record},
        },
    },
    validate::event::{Body, Verdict},
};
use std::{fs, path::Path};

/// The name of each file, the id of its run, and what was broken then; in the order of [`RUNS`].
const MADE: [(&str, &str, Option<&str>); 2] = [
    ("good", "20260601-080000-600d600d600d600d", None),
    ("failed", "20260601-080000-badbadbadbadbad0", Some("check-fails=gpu-operator-health")),
];

/// The demo's world before the drift of its week.
fn before_the_drift(folder: &Path) -> Place {
    let text =
        FILES.iter().map(|(_, text)| *text).collect::<Vec<_>>().join("\n---\n").replace("580.159.03", "580.126.20");
    let path = folder.join("world.yaml");
    fs::write(&path, text).expect("a file");
    Place::File(path)
}

/// Runs a validation on the demo cluster and records it as `aicr validate` does.
async fn made(id: &str, fault: Option<&str>) -> Record {
    let folder = tempfile::tempdir().expect("a folder");
    let mut setup = match fault {
        Some(fault) => Setup::new(vec![fault.parse::<Fault>().expect("a fault")]).await,
        None => {
            let world = Some(before_the_drift(folder.path()));
            Setup::of(DemoOptions { world, ..DemoOptions::default() }).await
        }
    };
    setup.options.plan.run_id = id.into();
    setup.options.plan.image = "aicr/check:0.1.0".into();
    let prepared = setup.prepare();
    let (writer, log) = EventLog::new();
    let (_control, requests) = run::control();
    let recording = record::record(folder.path().to_owned(), &prepared, "demo", log.reader());
    let (_, path) = tokio::join!(run::run(&setup.connection, &prepared, writer, requests), recording);
    let text = fs::read_to_string(path.expect("a record")).expect("its lines");
    past::moved(&text, "2026-06-01T08:00:00Z".parse().expect("a time")).expect("a record")
}

/// `INSTA_UPDATE=always` writes the files again.
#[tokio::test(start_paused = true)]
async fn the_runs_of_the_demo_are_what_it_would_record_today() {
    for ((name, id, fault), (_, text)) in MADE.into_iter().zip(RUNS) {
        let mut made = made(id, fault).await;
        if std::env::var("INSTA_UPDATE").as_deref() == Ok("always") {
            let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("src/demo/world/runs/{name}.jsonl"));
            fs::write(path, made.lines()).expect("a file");
            continue;
        }
        let kept = past::moved(text, "2026-06-01T08:00:00Z".parse().expect("a time")).expect("a record");
        // The program that wrote it may have been an older one.
        made.facts.version.clone_from(&kept.facts.version);
        assert_eq!((&made.facts, made.report()), (&kept.facts, kept.report()), "{name}");
        assert_eq!(made.lines(), kept.lines(), "{name}");
        let verdict = if fault.is_some() { Verdict::Failed } else { Verdict::Passed };
        assert_eq!(kept.report().verdict, Some(verdict));
    }
}

#[test]
fn a_moved_record_is_the_same_run_at_another_time() {
    let at = |text: &str| text.parse().expect("a time");
    for (_, text) in RUNS {
        let there = past::moved(text, at("2026-02-03T04:05:06Z")).expect("a record");
        assert!(there.stored.name.starts_with("20260203-040506-"), "{}", there.stored.name);
        let Body::Planned { run_id, namespace, .. } = &there.events[0].body else { panic!("{:?}", there.events[0]) };
        assert_eq!((run_id, &**namespace), (&there.stored.name, NAMESPACE));
        assert!(there.events.iter().all(|event| event.observed_at_ms >= 1_770_091_506_000));
        let back = past::moved(&there.lines(), at("2026-06-01T08:00:00Z")).expect("a record");
        assert_eq!(back.lines(), past::moved(text, at("2026-06-01T08:00:00Z")).expect("a record").lines());
        assert_eq!(past::moved("", at("2026-06-01T08:00:00Z")), None);
    }
}

#[test]
fn the_demo_has_a_failed_validation_to_look_at_replay_and_compare() {
    let sandbox = Sandbox::new();
    let list = sandbox.aicr(&["--demo", "runs", "list"]);
    let rows: Vec<&str> = list.stdout.lines().skip(1).collect();
    assert!(rows.len() == 2 && rows[0].contains("fail") && rows[1].contains(" pass"), "{}", list.transcript);
    assert!(list.stderr.contains("0 runs in ") && list.stderr.contains("2 of the demo's past"), "{}", list.transcript);
    let real = sandbox.aicr(&["runs", "list"]);
    assert_eq!(real.stdout.lines().count(), 1, "without --demo there are none: {}", real.transcript);

    let shown = sandbox.aicr(&["--demo", "runs", "show", "badbad"]);
    let why = "ClusterPolicy cluster-policy: notReady";
    assert!(shown.code == 0 && shown.stdout.contains(why), "{}", shown.transcript);
    let replayed = sandbox.aicr(&["--demo", "runs", "replay", "badbad", "--speed", "0"]);
    assert!(replayed.stdout.lines().last().is_some_and(|line| line.contains("fail")), "{}", replayed.transcript);
    // The ids that the list printed, though time has gone on since.
    let [bad, good] = [rows[0], rows[1]].map(|row| row.split(' ').next().unwrap_or_default());
    let differ = sandbox.aicr(&["--demo", "diff", good, bad]);
    let worse = differ.stdout.lines().filter(|line| line.starts_with("worse")).collect::<Vec<_>>();
    assert!(worse.len() == 1 && worse[0].contains("gpu-operator-health"), "{}", differ.transcript);

    let markdown = sandbox.aicr(&["--demo", "diff", good, bad, "-t", "markdown"]).stdout;
    let row = markdown.lines().find(|line| line.contains("gpu-operator-health")).unwrap_or_default();
    assert!(row.starts_with("| worse | conformance | ") && row.ends_with(" |"), "{markdown}");

    // What is run now is in the same list, and is what `last` means.
    let now = sandbox.aicr(&["--demo", "validate", "--service", "kind", "--check", "gpu-operator-health"]);
    assert_eq!(now.code, 0, "{}", now.transcript);
    let fixed = sandbox.aicr(&["--demo", "diff", bad, "last"]);
    let better = fixed.stdout.lines().any(|line| line.starts_with("better") && line.contains("gpu-operator-health"));
    assert!(better, "{}", fixed.transcript);
    let fleet = sandbox.aicr(&["--demo", "--context", "fleet", "runs", "list"]);
    assert_eq!(fleet.stdout.lines().count(), 2, "the fleet has no past: {}", fleet.transcript);
}
