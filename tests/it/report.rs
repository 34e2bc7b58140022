//! What a run's events become: the CTRF document, the report for people, and the same events read back.

use aicr::{
    report::{FORMS, Report, ctrf, junit, sarif, text},
    validate::event::Event,
};
use serde_json::Value;

/// A recorded run, as `aicr validate --format events` prints it.
const RUN: &str = r#"
{"seq":0,"observed_at":"2026-07-14T07:31:00.000Z","event":"planned","run_id":"20260714-073100-3fa2b4c1d5e6f708","namespace":"aicr-validation","context":"kind","recipe":"recipe.yaml","checks":[{"name":"dra-support","phase":"conformance","description":"","image":"aicr/check:1","timeout_seconds":300},{"name":"accelerator-metrics","phase":"conformance","description":"","image":"aicr/check:1","timeout_seconds":300},{"name":"gang-scheduling","phase":"conformance","description":"","image":"aicr/check:1","timeout_seconds":600},{"name":"platform-health","phase":"conformance","description":"","image":"aicr/check:1","timeout_seconds":300}]}
{"seq":1,"observed_at":"2026-07-14T07:31:00.001Z","event":"readiness","name":"K8s.server.version","expected":">= 1.25","outcome":"pass","actual":"v1.34.0","reason":null}
{"seq":2,"observed_at":"2026-07-14T07:31:00.002Z","event":"phase-started","phase":"conformance"}
{"seq":3,"observed_at":"2026-07-14T07:31:00.010Z","event":"state","check":"dra-support","state":{"state":"creating"}}
{"seq":4,"observed_at":"2026-07-14T07:31:00.500Z","event":"state","check":"dra-support","state":{"state":"running","node":"worker"}}
{"seq":5,"observed_at":"2026-07-14T07:31:01.000Z","event":"log","check":"accelerator-metrics","text":"--- Required DCGM Metrics ---"}
{"seq":6,"observed_at":"2026-07-14T07:31:02.000Z","event":"finished","check":"accelerator-metrics","result":{"name":"accelerator-metrics","phase":"conformance","status":"passed","message":"","exit_code":0,"node":"worker","image":"aicr/check:1","total_ms":1990,"run_ms":1240,"start_ms":1784014260010,"stop_ms":1784014262000,"stdout":["--- Required DCGM Metrics ---","  DCGM_FI_DEV_GPU_UTIL <ok> & FOUND"]}}
{"seq":7,"observed_at":"2026-07-14T07:31:03.000Z","event":"finished","check":"dra-support","result":{"name":"dra-support","phase":"conformance","status":"failed","message":"no controller\nno device\u001b[2J","exit_code":1,"node":"worker","image":"aicr/check:1","total_ms":2990,"run_ms":2000,"start_ms":1784014260010,"stop_ms":1784014263000,"stdout":[]}}
{"seq":8,"observed_at":"2026-07-14T07:31:03.001Z","event":"finished","check":"gang-scheduling","result":{"name":"gang-scheduling","phase":"conformance","status":"other","message":"the pod cannot be scheduled: 0/1 nodes are available","exit_code":null,"node":null,"image":"aicr/check:1","total_ms":20000,"run_ms":0,"start_ms":1784014243001,"stop_ms":1784014263001,"stdout":[]}}
{"seq":9,"observed_at":"2026-07-14T07:31:04.000Z","event":"finished","check":"platform-health","result":{"name":"platform-health","phase":"conformance","status":"skipped","message":"nothing to look at","exit_code":2,"node":"worker","image":"aicr/check:1","total_ms":900,"run_ms":300,"start_ms":1784014263100,"stop_ms":1784014264000,"stdout":[]}}
{"seq":10,"observed_at":"2026-07-14T07:31:04.001Z","event":"phase-finished","phase":"conformance","status":"failed"}
{"seq":11,"observed_at":"2026-07-14T07:31:05.000Z","event":"cleaned-up","removed":31,"left":["Job aicr-validation/aicr-dra-support-d5e6f708"]}
{"seq":12,"observed_at":"2026-07-14T07:31:05.001Z","event":"ended","verdict":"failed"}
"#;

fn events(lines: &str) -> Vec<Event> {
    lines.lines().filter(|line| !line.is_empty()).map(|line| serde_json::from_str(line).expect(line)).collect()
}

fn report(lines: &str) -> Report {
    let mut report = Report::default();
    events(lines).iter().for_each(|event| report.on(event));
    report
}

#[track_caller]
fn golden(name: &str, text: &str) {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("../golden/report");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!(name, text));
}

#[test]
fn a_mixed_run_as_ctrf_and_as_text() {
    let report = report(RUN);
    let version = format!("\"version\": \"{}\"", env!("CARGO_PKG_VERSION"));
    golden("mixed_ctrf", &ctrf::to_json(&report).replace(&version, "\"version\": \"VERSION\""));
    golden("mixed_text", &text::render(&report));
}

/// A server that counts failures and errors must not take it for a good run.
#[test]
fn a_run_that_goes_on_is_good_in_no_form() {
    let lines = |count: usize| RUN.lines().filter(|line| !line.is_empty()).take(count).collect::<Vec<_>>().join("\n");
    // Planned and ready; with one pass; with everything but the end.
    for count in [2, 7, 12] {
        let report = report(&lines(count)).so_far();
        assert_eq!((report.verdict, report.results.len()), (None, 4), "{count} events");
        for form in FORMS {
            let text = (form.render)(&report);
            let says = match form.name {
                "ctrf" => "\"verdict\": null",
                "text" | "markdown" => "not ended",
                _ => "the run has not ended, and has no verdict",
            };
            assert!(text.contains(says), "{count} events as {}: {text}", form.name);
            let open = count == 12 || text.contains("the run is in progress: this check has no verdict yet");
            assert!(open, "{count} events as {}: {text}", form.name);
        }
        assert!(!junit::to_xml(&report).contains("errors=\"0\" skipped=\"0\" time=\"0.000\">\n</testsuites>"));
        let document: Value = serde_json::from_str(&sarif::of_run(&report)).expect("JSON");
        assert!(document["runs"][0]["results"].as_array().is_some_and(|results| !results.is_empty()));
    }
}

#[test]
fn a_recorded_run_reads_back_word_for_word() {
    for (line, event) in RUN.lines().filter(|line| !line.is_empty()).zip(events(RUN)) {
        let written: Value = serde_json::to_value(&event).expect("events serialize");
        assert_eq!(written, serde_json::from_str::<Value>(line).expect("JSON"));
    }
}

/// A run whose events are these, between the plan and the end.
fn short(events: &str, verdict: &str) -> Report {
    let planned = r#"{"seq":13,"observed_at":"1970-01-01T00:00:00.001Z","event":"planned","run_id":"r","namespace":"n","context":"c","recipe":"x","checks":[]}"#;
    report(&format!(
        "{planned}\n{events}\n{{\"seq\":9,\"observed_at\":\"1970-01-01T00:00:00.009Z\",\"event\":\"ended\",\"verdict\":\"{verdict}\"}}"
    ))
}

/// The CTRF document as a reader gets it.
fn document(report: &Report) -> Value {
    serde_json::from_str(&ctrf::to_json(report)).expect("JSON")
}

#[test]
fn how_much_was_looked_at_and_why_nothing_is_told_as_the_reference_tells_it() {
    let extra = |status: &str, stdout: &str| {
        let result = format!(
            r#"{{"name":"c","phase":"deployment","status":"{status}","message":"m","exit_code":0,"node":null,"image":"i","total_ms":1,"run_ms":1,"start_ms":1,"stop_ms":2,"stdout":[{stdout}]}}"#
        );
        let finished = format!(
            r#"{{"seq":14,"observed_at":"1970-01-01T00:00:00.002Z","event":"finished","check":"c","result":{result}}}"#
        );
        document(&short(&finished, "passed"))["results"]["tests"][0]["extra"].clone()
    };
    let some = extra("passed", r#""validated 3 of 5 GPU nodes","runtime: brought by the recipe""#);
    assert_eq!((&some["nodesValidated"], &some["nodesTotal"]), (&"3".into(), &"5".into()));
    assert_eq!(some["runtimeSource"], "recipe-supplied-runtime");
    assert_eq!(some.get("skipReason"), None);
    assert_eq!(extra("skipped", r#""skip reason: nodes-busy""#)["skipReason"], "nodes-busy");
    // What a check that ran prints is no reason to have skipped it.
    assert_eq!(extra("passed", r#""skip reason: nodes-busy""#).get("skipReason"), None);
    assert_eq!(extra("passed", "").get("nodesValidated"), None);
}

#[test]
fn a_cluster_that_is_not_ready_gives_tests_of_the_suite_readiness() {
    let report = short(
        r#"{"seq":14,"observed_at":"1970-01-01T00:00:00.002Z","event":"readiness","name":"K8s.server.version","expected":">= 1.99","outcome":"fail","actual":"v1.34.0","reason":null}
{"seq":15,"observed_at":"1970-01-01T00:00:00.003Z","event":"readiness","name":"OS.release.ID","expected":"ubuntu","outcome":"unknown","actual":null,"reason":"no reading"}"#,
        "not-ready",
    );
    let document = document(&report);
    let tests: Vec<String> = document["results"]["tests"]
        .as_array()
        .expect("tests")
        .iter()
        .map(|test| format!("{} {} {} {}", test["name"], test["status"], test["suite"], test["message"]))
        .collect();
    assert_eq!(
        tests,
        [
            r#""K8s.server.version" "failed" ["readiness"] "expected >= 1.99, got v1.34.0""#,
            r#""OS.release.ID" "other" ["readiness"] "no reading""#,
        ]
    );
    assert_eq!(document["results"]["summary"]["failed"], 1);
    golden("not_ready_text", &text::render(&report));
}

/// On some nodes only: a warning, a failure, and a verdict that one node leaves open.
const ON_SOME_NODES: &str = r#"{"seq":14,"observed_at":"1970-01-01T00:00:00.002Z","event":"readiness","name":"OS.sysctl./proc/sys/kernel/osrelease","expected":">= 6.8","outcome":"warning","actual":"5.15.0","reason":"2 of 3 nodes; not on n1 (5.15.0); upgrade the kernel"}
{"seq":15,"observed_at":"1970-01-01T00:00:00.003Z","event":"readiness","name":"OS.release.VERSION_ID","expected":"24.04","outcome":"fail","actual":"22.04","reason":"1 of 3 nodes; not on n1, n2 (22.04)"}
{"seq":16,"observed_at":"1970-01-01T00:00:00.004Z","event":"readiness","name":"GPU.hardware.gpu-count","expected":"8","outcome":"unknown","actual":"8","reason":"it is not measured on n3; 2 of 3 nodes"}
{"seq":17,"observed_at":"1970-01-01T00:00:00.005Z","event":"readiness","name":"OS.release.ID","expected":"ubuntu","outcome":"pass","actual":"ubuntu","reason":"3 of 3 nodes"}"#;

#[test]
fn every_form_of_a_report_has_the_nodes_and_the_remedy_of_a_constraint() {
    let report = short(ON_SOME_NODES, "not-ready");
    let reasons = [
        "2 of 3 nodes; not on n1 (5.15.0); upgrade the kernel",
        "1 of 3 nodes; not on n1, n2 (22.04)",
        "it is not measured on n3; 2 of 3 nodes",
    ];
    for form in aicr::report::FORMS {
        let text = (form.render)(&report);
        for reason in reasons {
            assert!(text.contains(reason), "{}: {text}", form.name);
        }
    }
}

#[test]
fn a_report_is_lines_for_spreadsheets() {
    golden("mixed_csv", &aicr::report::csv::render(&report(RUN)));
}

#[test]
fn a_warning_is_a_passed_case_of_junit_that_says_what_is_not_so() {
    let xml = aicr::report::junit::to_xml(&short(ON_SOME_NODES, "not-ready"));
    let suite = "<testsuite name=\"readiness\" tests=\"4\" failures=\"1\" errors=\"1\" skipped=\"0\"";
    assert!(xml.contains(suite), "{xml}");
    let output = "<system-out>warning: expected &gt;= 6.8, found 5.15.0; 2 of 3 nodes; not on n1 (5.15.0); upgrade the kernel\
                  </system-out>";
    assert!(xml.contains(output), "{xml}");
    // What passed has nothing to add.
    assert_eq!(xml.matches("<system-out>").count(), 1, "{xml}");
}

#[test]
fn sarif_and_markdown_say_what_was_found_and_why() {
    let report = short(ON_SOME_NODES, "not-ready");
    let sarif: Value = serde_json::from_str(&aicr::report::sarif::of_run(&report)).expect("JSON");
    let results = sarif["runs"][0]["results"].as_array().expect("results");
    let told: Vec<&str> = results.iter().filter_map(|result| result["message"]["text"].as_str()).collect();
    assert_eq!(
        told,
        [
            "warning: expected >= 6.8, found 5.15.0; 2 of 3 nodes; not on n1 (5.15.0); upgrade the kernel",
            "fail: expected 24.04, found 22.04; 1 of 3 nodes; not on n1, n2 (22.04)",
            "unknown: expected 8, found 8; it is not measured on n3; 2 of 3 nodes",
        ]
    );
    let markdown = aicr::report::markdown::render(&report);
    let row = "| GPU.hardware.gpu-count | 8 | 8 | unknown | it is not measured on n3; 2 of 3 nodes |";
    assert!(markdown.contains(row), "{markdown}");
}

#[test]
fn a_run_without_checks_has_an_empty_list_of_tests() {
    let document = document(&short("", "skipped"));
    assert_eq!(document["results"]["tests"], serde_json::json!([]));
    assert_eq!(document["results"]["summary"]["tests"], 0);
}

#[test]
fn what_a_cluster_wrote_moves_no_cursor() {
    assert!(!text::render(&report(RUN)).contains('\u{1b}'));
}
