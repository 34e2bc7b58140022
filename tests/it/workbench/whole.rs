//! What a person has to read is read in full: it goes on below, or has the room that is beside it.

use super::{
    desk::{Desk, run_half_way, snapshot},
    screens::golden,
};
use aicr::{
    inventory::{Fact, Inventory, Source, release::ServerVersion},
    term::input::Input,
    validate::event::{Body, ReadinessOutcome},
    workbench::{
        Look,
        msg::Msg,
        panes::{CHECK, CHECKS, LOG, Need, RowId, STACK, WHAT_IF},
    },
};

const SIZES: [(u16, u16); 3] = [(80, 24), (120, 40), (200, 60)];

/// The lines of a panel, from the one that has these words.
fn lines_from(desk: &mut Desk, words: &str) -> Vec<String> {
    let text = desk.text();
    let lines: Vec<String> = text.lines().skip_while(|line| !line.contains(words)).map(str::to_owned).collect();
    assert!(!lines.is_empty(), "`{words}` is not in\n{text}");
    lines
}

#[test]
fn legal_values_go_on_below_the_criterion_under_the_cursor() {
    for (width, height) in SIZES {
        let mut desk = Desk::live(width, height);
        desk.keys("2 i j");
        let catalog = desk.state.model.catalog.value.clone().unwrap();
        let legal = catalog.criteria_values(aicr::criteria::Dimension::Accelerator);
        let said = lines_from(&mut desk, "accelerator  ")[..3].join(" ");
        for value in &legal {
            assert!(said.contains(value.as_str()), "{value} at {width}:\n{}", desk.text());
        }
    }
    // Where lines would stay empty, others go on as well.
    let mut desk = Desk::live(120, 40);
    desk.keys("2 i");
    let said = lines_from(&mut desk, "CRITERION")[..13].join("\n");
    assert!(said.contains("vr200") && said.contains("ubuntu") && !said.contains('…'), "{said}");
}

/// A line that goes on is the row that it is of, also for the mouse.
#[test]
fn a_click_on_a_line_that_goes_on_is_on_its_row() {
    let mut desk = Desk::live(120, 40);
    desk.keys("2 i j");
    let text = desk.text();
    let lines: Vec<&str> = text.lines().collect();
    let at = lines.iter().position(|line| line.contains("accelerator  ")).unwrap();
    assert!(lines[at + 1].contains("vr200") || lines[at + 2].contains("vr200"), "{text}");
    let column = lines[at].find("accelerator").map(|byte| lines[at][..byte].chars().count()).unwrap();
    let selected = |desk: &Desk| desk.state.desk.table(&WHAT_IF).row().map(|row| row.id.clone());
    let before = selected(&desk);
    let mut click = |row: usize| {
        desk.update(Msg::Input(Input::Click {
            column: u16::try_from(column).unwrap(),
            row: u16::try_from(row).unwrap(),
        }));
        selected(&desk)
    };
    assert_ne!(click(at - 1), before);
    assert_eq!(click(at + 1), before, "it goes on there");
    let os = text.lines().position(|line| line.contains("os  ")).unwrap();
    assert_ne!(click(os), before);
}

/// A constraint is no criterion: nothing there has a next value, and no hint says so.
#[test]
fn a_constraint_of_a_what_if_offers_no_next_value() {
    let mut old = Inventory::clone(&snapshot());
    let server =
        ServerVersion { git_version: "v1.32.2".into(), platform: "linux/amd64".into(), go_version: "go1.24".into() };
    old.server = Fact::known(server, Source::of(aicr::inventory::Object::Server, "version"));
    let mut desk = Desk::showing(old.into(), 200, 60, Look::default());
    desk.command("recipe service=kind accelerator=h100 intent=training");
    desk.keys("i");
    while desk.state.model.what_if.as_ref().unwrap().criteria.service.as_deref() != Some("eks") {
        desk.keys("l");
    }
    desk.shows("l next value");
    desk.keys("G");
    assert!(matches!(desk.state.desk.table(&WHAT_IF).row().map(|row| &row.id), Some(RowId::Line("constraint", _))));
    let hints = desk.text().lines().last().unwrap_or_default().to_owned();
    assert!(!hints.contains("next value") && !hints.contains("previous") && hints.contains("a adopt"), "{hints}");
    desk.keys("l");
    desk.shows("a constraint follows from the criteria above it");
}

#[test]
fn the_reason_why_an_overlay_does_not_apply_goes_on_below_it() {
    let mut desk = Desk::live(120, 40);
    desk.keys("2");
    desk.state.desk.focus_on(&STACK);
    desk.keys("G l");
    let mut is_wrapped = false;
    for _ in 0..130 {
        desk.keys("j");
        let Some(RowId::Overlay(name)) = desk.state.desk.table(&STACK).row().map(|row| row.id.clone()) else {
            continue;
        };
        let resolution = desk.state.model.recipe.value.clone().unwrap();
        let decision = resolution.decisions.iter().find(|one| one.overlay == *name).unwrap();
        let (text, inner) = (desk.text(), desk.state.desk.layout.panel(&STACK).unwrap());
        let panel: Vec<String> = text
            .lines()
            .skip(usize::from(inner.y))
            .take(usize::from(inner.height))
            .map(|line| line.chars().skip(usize::from(inner.x) + 1).take(usize::from(inner.width) - 2).collect())
            .collect();
        let begins = panel.iter().position(|line: &String| line.contains('›')).unwrap_or_else(|| panic!("{text}"));
        let said = panel[begins..].join(" ").split_whitespace().collect::<Vec<_>>().join(" ");
        let reason = format!("{name} {}", decision.outcome);
        let reason = reason.split_whitespace().collect::<Vec<_>>().join(" ");
        let squeezed = |text: &str| text.replace(' ', "");
        assert!(squeezed(&said).contains(&squeezed(&reason)), "`{reason}` is not in\n{text}");
        let goes_on = !panel[begins].contains(decision.outcome.to_string().as_str());
        if goes_on && !is_wrapped {
            golden("not-applied-120x40", &text);
        }
        is_wrapped |= goes_on;
    }
    assert!(is_wrapped, "none of the reasons is longer than the panel");
}

#[test]
fn the_name_of_a_pod_is_whole_where_its_line_is_short() {
    let mut desk = Desk::live(200, 60);
    desk.keys("4");
    run_half_way(&mut desk);
    let pod = "aicr-dra-00c0ffee/with-gpu";
    let long = "a line of output that takes the columns that there are for the output of a check, and more of them";
    for text in ["/dev/nvidia0", long] {
        desk.run(3430, Body::Log { check: "dra-support".into(), source: pod.into(), text: text.into() });
    }
    desk.state.desk.focus_on(&CHECKS);
    desk.state.prepare();
    assert!(desk.state.desk.table_mut(&CHECKS).select(&RowId::Check("dra-support".into())));
    desk.state.desk.mark(Need::Cursor(&CHECKS));
    desk.keys("M");
    desk.shows("dra-support/aicr-dra-00c0ffee/with-gpu  /dev/nvidia0");
    let longest = lines_from(&mut desk, "a line of output").remove(0);
    assert!(longest.contains("dra-support/…"), "{longest}");
    assert!(desk.state.desk.layout.panel(&LOG).is_some());
}

/// What a program writes for programs is said in words beside a check that runs, and a bracket alone says nothing.
#[test]
fn the_result_of_a_running_check_is_words() {
    let mut desk = Desk::live(200, 60);
    desk.keys("4");
    run_half_way(&mut desk);
    let result = |desk: &mut Desk| {
        desk.state.prepare();
        let rows = &desk.state.desk.table(&CHECKS).content.rows;
        let row = rows.iter().find(|row| row.id == RowId::Check("dra-support".into())).unwrap();
        let plain = row.cells.last().map(|cell| cell.plain().into_owned()).unwrap_or_default();
        // Behind the bar of its limit.
        plain.trim_start_matches('░').trim_start().to_owned()
    };
    for (text, said) in [
        (r#"{"phase":"Running","node":{"name":"worker-2"}}"#, "node.name=worker-2 phase=Running"),
        (r#"  "devices": 1,"#, "devices=1"),
        ("}", "devices=1"),
        ("2 resource slices", "2 resource slices"),
    ] {
        desk.run(3430, Body::Log { check: "dra-support".into(), source: String::new(), text: text.into() });
        assert_eq!(result(&mut desk), said, "{text}");
    }
}

#[test]
fn the_node_of_a_check_that_is_not_scheduled_is_no_dash() {
    let mut desk = Desk::live(200, 60);
    desk.keys("4");
    run_half_way(&mut desk);
    let node = |desk: &mut Desk, check: &str| {
        desk.state.desk.focus_on(&CHECKS);
        desk.state.prepare();
        assert!(desk.state.desk.table_mut(&CHECKS).select(&RowId::Check(check.into())), "{check}");
        desk.state.desk.mark(Need::Cursor(&CHECKS));
        desk.state.prepare();
        let rows = &desk.state.desk.table(&CHECK).content.rows;
        let row = rows.iter().map(|row| row.plain()).find(|row| row.starts_with("node")).unwrap();
        row.trim_start_matches("node").trim().to_owned()
    };
    for (check, expected) in [
        ("dra-support", "worker-2"),
        ("accelerator-metrics", "not scheduled yet"),
        ("ai-service-metrics", "not scheduled yet"),
        ("operator-health", "worker-1"),
    ] {
        assert_eq!(node(&mut desk, check), expected, "{check}");
    }
}

/// Beside a rule is the layer that set it, where it has room: half of its name would say nothing.
#[test]
fn a_layer_behind_a_rule_is_whole_or_left_out() {
    let mut wide = Desk::live(80, 24);
    wide.keys("4");
    run_half_way(&mut wide);
    wide.shows("v1.34.0 meets >= 1.34  set by base");
    let mut desk = Desk::live(120, 40);
    desk.keys("4");
    run_half_way(&mut desk);
    desk.shows("v1.34.0 meets >= 1.34 ");
    let body = |set_by: &str| Body::Readiness {
        name: "OS.release.VERSION_ID".into(),
        expected: ">= 24.04".into(),
        outcome: ReadinessOutcome::Pass,
        actual: Some("24.04".into()),
        reason: None,
        set_by: Some(set_by.into()),
    };
    desk.run(31_000, body("h100-eks-ubuntu-training-kubeflow"));
    let line = lines_from(&mut desk, "VERSION_ID").remove(0);
    assert!(line.contains("24.04 meets >= 24.04   ") && !line.contains("set"), "{line}");
}

/// What set a value is short in many rows; an address beside it is not cut then.
#[test]
fn an_address_takes_what_the_layer_beside_it_leaves() {
    let mut desk = Desk::live(200, 60);
    desk.command("value components.gpu-operator.source");
    desk.shows("https://helm.ngc.nvidia.com/nvidia  1 base");
    desk.shows("components/gpu-operator/values.yaml  1 base");
}
