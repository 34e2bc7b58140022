//! Pods of checks: each has an end, what is known of one is said in full, and what comes first is why it does not run.

use super::desk::{Desk, NOW, list_records, recorded, run_half_way};
use aicr::{
    ops::run::record::Record,
    validate::{
        event::{Body, Event},
        pods::{Pod, Stand},
    },
    workbench::{
        effect::Effect,
        msg::Msg,
        panes::{CHECK, CHECKS, LOG, Need, RowId},
        widgets::table::Row,
    },
};
use std::sync::Arc;

const ID: &str = "20260114-091200-00c0ffee00c0ffee";

fn pod(name: &str, stand: Stand, reason: &str) -> Body {
    let pod = Pod {
        name: name.into(),
        is_workload: name.starts_with("gpu-"),
        job: Some("aicr-dra-support".into()),
        attempt: 1,
        restarts: 0,
        node: Some("worker-2".into()).filter(|_| stand != Stand::Pending),
        stand,
        exit_code: None,
        reason: reason.into(),
    };
    Body::Pod { check: "dra-support".into(), pod }
}

/// A record of a program that told nothing of a pod after the verdict of its check.
fn old_record() -> Record {
    let mut record = recorded(ID, true);
    let end = record.events.iter().position(|event| event.observed_at_ms > NOW + 4_000).unwrap();
    let told = [
        (4_000, pod("aicr-dra-support-x7", Stand::Running, "")),
        (5_000, pod("gpu-a", Stand::Running, "")),
        (6_000, pod("gpu-b", Stand::Pending, "ImagePullBackOff: no such image")),
    ];
    let told = told.map(|(at, body)| Event { seq: 0, observed_at_ms: NOW + at, stated_at_ms: None, body });
    record.events.splice(end..end, told);
    record
}

fn open(desk: &mut Desk, record: &Record) {
    list_records(desk, std::slice::from_ref(record));
    desk.keys("4 g r Enter");
    let Some(Effect::OpenRun { generation, .. }) = desk.left.pop() else { panic!("{:?}", desk.left) };
    desk.update(Msg::RunOpened { generation, compare: false, answer: Ok(Arc::new(record.clone())) });
    on_dra_support(desk);
    desk.keys("l");
}

fn on_dra_support(desk: &mut Desk) {
    desk.state.desk.focus_on(&CHECKS);
    desk.state.prepare();
    assert!(desk.state.desk.table_mut(&CHECKS).select(&RowId::Check("dra-support".into())));
    desk.state.desk.mark(Need::Cursor(&CHECKS));
}

/// The cells of the row of a pod.
fn row(desk: &mut Desk, name: &str) -> Vec<String> {
    desk.state.prepare();
    let rows = &desk.state.desk.table(&CHECKS).content.rows;
    let id = RowId::Pod { check: "dra-support".into(), pod: name.into() };
    let row = rows.iter().find(|row| row.id == id).unwrap_or_else(|| panic!("no row of {name}"));
    row.cells.iter().map(|cell| cell.plain().into_owned()).collect()
}

#[test]
fn pods_of_old_records_end_with_their_checks_or_with_the_clean_up() {
    let mut desk = Desk::live(200, 60);
    let record = old_record();
    open(&mut desk, &record);
    let own = row(&mut desk, "aicr-dra-support-x7");
    assert_eq!(own[1..], ["succeeded", "27.1 s", "exit 0  attempt 1  worker-2"]);
    // Its check has ended; that it was removed is seen with the clean-up.
    assert_eq!(row(&mut desk, "gpu-a")[1..], ["removed", "26.4 s", "attempt 1  worker-2"]);
    assert_eq!(row(&mut desk, "gpu-b")[1..], ["removed", "-", "ImagePullBackOff: no such image  attempt 1"]);
    // A run that was kept has no clean-up: what is there stays, and takes none of the time after the end.
    let mut kept = record;
    kept.events.retain(|event| !matches!(event.body, Body::CleanedUp { .. }));
    open(&mut desk, &kept);
    assert_eq!(row(&mut desk, "gpu-a")[1..3], ["running", "-"]);
    assert_eq!(row(&mut desk, "aicr-dra-support-x7")[1..3], ["succeeded", "27.1 s"]);
}

/// A container beside the check may go on, and the pod is seen to run after its check has its verdict.
#[test]
fn what_is_seen_of_a_pod_after_its_verdict_takes_nothing_back() {
    let mut desk = Desk::live(120, 40);
    let mut record = old_record();
    let verdict = |event: &Event| matches!(&event.body, Body::Finished { check, .. } if check == "dra-support");
    let place = record.events.iter().position(verdict).unwrap();
    let after = Event { body: pod("aicr-dra-support-x7", Stand::Running, ""), ..record.events[place].clone() };
    record.events.insert(place + 1, after);
    open(&mut desk, &record);
    assert_eq!(row(&mut desk, "aicr-dra-support-x7")[1..3], ["succeeded", "27.1 s"]);
}

fn panel(desk: &mut Desk) -> Vec<String> {
    desk.state.prepare();
    let lines = desk.state.desk.table(&CHECK).content.rows.iter().map(Row::plain);
    lines.map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect()
}

#[test]
fn the_panel_of_a_pod_that_does_not_run_begins_with_why() {
    let mut desk = Desk::live(120, 40);
    run_half_way(&mut desk);
    desk.run(4_000, pod("gpu-b", Stand::Pending, "ImagePullBackOff: no such image"));
    on_dra_support(&mut desk);
    desk.keys("l j");
    let lines = panel(&mut desk);
    assert_eq!(lines[..2], ["pending created by the check", "ImagePullBackOff: no such image"], "{lines:?}");
    assert!(lines.iter().all(|line| !line.ends_with(" -")), "what is not known is left out: {lines:?}");
    desk.run(5_000, pod("gpu-b", Stand::Running, ""));
    let lines = panel(&mut desk);
    assert_eq!(lines[..3], ["running created by the check", "node worker-2", "attempt 1"], "{lines:?}");
}

#[test]
fn details_of_a_pod_are_those_of_the_pod() {
    let mut desk = Desk::live(120, 40);
    run_half_way(&mut desk);
    desk.run(4_000, pod("aicr-dra-support-x7", Stand::Running, ""));
    desk.run(4_500, pod("gpu-a", Stand::Running, ""));
    let (check, text) = ("dra-support".into(), "GPU devices: 1".into());
    desk.run(5_000, Body::Log { check, text, source: "gpu-a/cuda".into() });
    on_dra_support(&mut desk);
    desk.keys("l j j");
    let told = |desk: &mut Desk| {
        desk.keys("D");
        let copy = desk.state.desk.overlay.as_ref().expect("a text").copy.clone();
        desk.keys("q");
        copy
    };
    let expected = "state    running, created by the check\nnode     worker-2\nattempt  1\nbegan    09:12:04.500\n\
                    check    dra-support\nJob      aicr-dra-support\n\nGPU devices: 1";
    assert_eq!(told(&mut desk), expected);
    // The same from its log, on a line or not.
    desk.state.desk.focus_on(&LOG);
    assert_eq!(told(&mut desk), expected);
    on_dra_support(&mut desk);
    desk.keys("j");
    let own = told(&mut desk);
    assert!(
        own.starts_with("state    running, runs the check\n") && own.contains("image    aicr/check:0.1.0"),
        "{own}"
    );
    assert!(own.ends_with("\n\nlooks for resource slices"), "{own}");
}

#[test]
fn a_log_without_a_line_has_the_room_of_its_times() {
    let mut desk = Desk::live(120, 40);
    let mut record = recorded(ID, true);
    let reason = "the image aicr/check:0.1.0 cannot be pulled: ErrImagePull: failed to pull and unpack image";
    for event in &mut record.events {
        if let Body::Finished { check, result } = &mut event.body
            && check == "ai-service-metrics"
        {
            result.message = reason.into();
        }
    }
    open(&mut desk, &record);
    assert!(desk.state.desk.table_mut(&CHECKS).select(&RowId::Check("ai-service-metrics".into())));
    desk.state.desk.mark(Need::Cursor(&CHECKS));
    desk.state.prepare();
    let content = &desk.state.desk.table(&LOG).content;
    let lines: Vec<String> = content.rows.iter().map(|row| row.plain().trim().to_owned()).collect();
    let area = desk.state.desk.layout.panel(&LOG).expect("a panel");
    let room = usize::from(desk.state.desk.layout.inner(area).width) - 3;
    let longest = lines.iter().map(String::len).max().unwrap_or_default();
    assert!(longest > room - 14, "{longest} of {room}: {lines:?}");
    assert_eq!(lines[1..].join(" "), reason);
}

/// Nothing is on its way in a record that stands still.
#[test]
fn a_record_that_is_paused_loads_nothing() {
    let mut desk = Desk::live(120, 40);
    open(&mut desk, &recorded(ID, true));
    assert!(desk.state.desk.table_mut(&CHECKS).select(&RowId::Check("operator-health".into())));
    let lines = |desk: &Desk| desk.state.model.run.check("operator-health").map(|check| check.log.end());
    while lines(&desk) > Some(0) {
        desk.keys("<");
    }
    desk.shows("empty: no output up to here; > goes on");
    assert!(!desk.text().contains("loading:"), "{}", desk.text());
}

/// A check is as long in a report as on the screen.
#[test]
fn a_report_has_the_times_of_the_screen() {
    let mut desk = Desk::live(120, 40);
    let mut record = recorded(ID, true);
    for event in &mut record.events {
        if let Body::Finished { result, .. } = &mut event.body {
            result.total_ms = 2_850;
        }
    }
    open(&mut desk, &record);
    desk.shows("2.8 s");
    desk.command("report");
    let report = &desk.state.desk.overlay.as_ref().expect("a report").copy;
    assert!(report.contains(" 2.8 s") && !report.contains("2.9"), "{report}");
}
