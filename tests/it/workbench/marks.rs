//! Rows are marked one by one and in ranges, and something is done with all of them.

use super::{
    desk::{Desk, list_records, recorded, snapshot},
    screens::{all_golden, golden},
};
use aicr::workbench::{
    Look,
    effect::Effect,
    panes::{NODES, RUNS, SHAPES, VALUES},
};

fn names() -> Vec<String> {
    snapshot().nodes.iter().map(|node| node.name.to_string()).collect()
}

#[track_caller]
fn copied(desk: &mut Desk) -> String {
    match desk.left.pop() {
        Some(Effect::Copy(text)) => text,
        other => panic!("{other:?} is not copied"),
    }
}

#[test]
fn marked_rows_are_copied_filtered_and_compared() {
    let names = names();
    let mut desk = Desk::live(120, 40);
    desk.keys("j Space");
    desk.shows(&format!("▪›{}", names[1]));
    desk.keys("j v");
    desk.shows("a range begins here; v on another row marks all between them");
    desk.keys("G v");
    desk.shows("4 rows marked; y copies all of them, Esc takes the marks away");
    desk.keys("k Space k k");
    desk.shows("━ 3 marked  ");
    desk.keys("y");
    assert_eq!(copied(&mut desk), [&*names[1], &names[2], &names[4]].join("\n"));
    desk.keys("C");
    assert!(copied(&mut desk).lines().all(|line| line.contains("ready")));
    desk.command("filter marked");
    desk.shows("2 hidden, 3 matches  /marked");
    // Esc undoes the filter first, then the marks.
    desk.keys("Esc");
    desk.shows("nodes 5");
    desk.shows("3 marked");
    desk.keys("Esc");
    assert!(!desk.text().contains('▪'), "{}", desk.text());
    desk.keys("y");
    assert!(!copied(&mut desk).contains('\n'), "the row under the cursor again");
    desk.keys("g g Shift-Down Shift-Down Shift-Up");
    desk.shows("3 marked");
}

#[test]
fn what_folds_is_folded_and_what_has_no_rows_says_so() {
    let mut desk = Desk::live(120, 40);
    desk.keys("2");
    desk.frame();
    let rows = |desk: &Desk| desk.state.desk.table(&VALUES).visible.len();
    let before = rows(&desk);
    desk.keys("Space");
    assert!(rows(&desk) != before, "a branch");
    desk.keys("1 Tab Space");
    desk.shows("this panel has no rows to mark");
}

#[test]
fn two_marked_runs_are_compared_the_older_one_first() {
    let mut desk = Desk::live(200, 60);
    desk.keys("4 g r");
    let records =
        ["20260114-110000-00c0ffee00c0ffee", "20260114-100000-00c0ffee00c0ffee", "20260114-091200-00c0ffee00c0ffee"];
    list_records(&mut desk, &records.map(|id| recorded(id, false)));
    desk.state.desk.focus_on(&RUNS);
    desk.keys("g g Space =");
    desk.shows("1 row marked; two can be compared");
    desk.keys("j j Space =");
    let Some(Effect::CompareRuns { left, right, .. }) = desk.left.pop() else { panic!("{:?}", desk.left) };
    assert_eq!((left.as_str(), right.as_str()), (records[2], records[0]));
}

#[test]
fn marks_of_rows_look_as_they_should() {
    let marked = |look| {
        let mut desk = Desk::live_with(80, 24, look);
        desk.keys("j v j j v");
        assert_eq!(desk.state.desk.table(&NODES).marked_rows().count(), 3);
        desk.text()
    };
    all_golden([
        ("marked-80x24".to_owned(), marked(Look::default())),
        ("marked-80x24-ascii".to_owned(), marked(Look { ascii: true, ..Look::default() })),
    ]);
}

/// `=` is about what is marked, or says why it is not.
#[test]
fn marked_nodes_and_shapes_are_put_beside_each_other() {
    let names = names();
    let mut desk = Desk::live(120, 40);
    desk.keys("Space =");
    desk.shows("1 row marked; two or three can be compared");
    assert!(desk.state.model.compare.a.is_none(), "nothing is kept as A instead");
    desk.keys("j Space");
    desk.shows("2 rows marked; = compares them, y copies them, Esc unmarks");
    desk.keys("=");
    desk.shows("2 nodes side by side");
    for shown in [&names[0], &names[1], "READING", "kernel"] {
        desk.shows(shown);
    }
    assert!(desk.state.model.compare.a.is_none(), "nothing is kept as A instead");
    golden("marked-nodes-120x40", &desk.text());
    desk.keys("y");
    assert!(copied(&mut desk).starts_with(&format!("READING\t{}\t{}\n", names[0], names[1])));
    desk.keys("Esc Esc");
    desk.state.desk.focus_on(&SHAPES);
    desk.keys("g g Space j Space =");
    desk.shows("2 shapes side by side");
    // What has no readings says so.
    let mut desk = Desk::live(120, 40);
    desk.keys("g p g g Space j Space =");
    desk.shows("are not compared with each other, but nodes, shapes, runs and kept snapshots are");
    assert!(desk.state.model.compare.a.is_none() && desk.state.desk.overlay.is_none());
}
