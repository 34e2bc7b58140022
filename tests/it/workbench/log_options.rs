//! Which lines of a log are shown: since when, of which level, of which sources, with how many around them; and what containers
//! wrote that were restarted.

use super::{
    desk::{Desk, NOW, earlier, list_records, recorded, run_half_way},
    screens::golden,
};
use aicr::{
    ops::{Failure, Kind},
    report::lines::{LIMIT, Lines},
    validate::event::Body,
    workbench::{
        Look,
        effect::Effect,
        msg::Msg,
        panes::{CHECKS, LOG, Need, RowId},
    },
};

const CHECK: &str = "dra-support";
const WARNING: &str = "W0114 09:12:12.000000       1 slices.go:12] one slice has no device";

/// A run half way, with the log of one check: a line each second, some of them warnings, some of a pod.
fn logged(width: u16, height: u16) -> Desk {
    let mut desk = Desk::live(width, height);
    desk.keys("4");
    run_half_way(&mut desk);
    for second in 1..=40_u64 {
        let (source, text) = match second {
            12 => ("", WARNING.to_owned()),
            25 => ("worker-1", r#"{"level":"error","msg":"no GPU","node":"worker-1"}"#.to_owned()),
            _ if second % 10 == 0 => ("worker-1", format!("looks at device {second}")),
            _ => ("", format!("step {second}")),
        };
        desk.run(second * 1000 + 4000, Body::Log { check: CHECK.into(), text, source: source.into() });
    }
    desk.state.desk.focus_on(&CHECKS);
    desk.state.prepare();
    assert!(desk.state.desk.table_mut(&CHECKS).select(&RowId::Check(CHECK.into())));
    desk.state.desk.mark(Need::Cursor(&CHECKS));
    desk.keys("g l");
    desk
}

/// The shown rows of the log, without their times.
fn rows(desk: &mut Desk) -> Vec<String> {
    desk.state.prepare();
    let table = desk.state.desk.table(&LOG);
    let said = |row: &usize| table.content.rows[*row].cells.last().map(|cell| cell.plain().into_owned());
    table.visible.iter().filter_map(said).collect()
}

#[test]
fn lines_are_left_out_by_time_level_and_source_and_the_title_says_so() {
    let mut desk = logged(200, 60);
    assert_eq!(rows(&mut desk).len(), 41);
    // The newest line is of 09:12:44.
    desk.command("since 4s");
    desk.shows("lines since 09:12:40");
    assert_eq!(
        rows(&mut desk),
        ["36 lines before 09:12:40", "step 36", "step 37", "step 38", "step 39", "looks at device 40"]
    );
    desk.shows("FOLLOW  41 lines  since 09:12:40");
    desk.keys("g g");
    assert_eq!(desk.state.desk.table(&LOG).row().map(|row| row.plain()), Some("09:12:40.000  check  step 36".into()));
    desk.command("since 09:12:16");
    desk.command("level warn");
    assert_eq!(rows(&mut desk), [WARNING, "ERROR  no GPU  node=worker-1"]);
    desk.keys("z z");
    desk.shows("2 of 41 lines  since 09:12:16  level warn");
    desk.keys("z z");
    desk.command("level error");
    assert_eq!(rows(&mut desk), ["ERROR  no GPU  node=worker-1"]);
    desk.command("level all");
    desk.command("since");
    desk.command("sources worker-1");
    desk.shows("5 of 41 lines  of worker-1");
    assert_eq!(rows(&mut desk).len(), 5);
    // A filter goes on where the options end.
    desk.command("filter device");
    assert_eq!(
        rows(&mut desk),
        ["looks at device 10", "looks at device 20", "looks at device 30", "looks at device 40"]
    );
    desk.command("sources worker-9");
    desk.shows("no line of the log is from source `worker-9`");
    desk.command("since yesterday");
    desk.shows("not a time: `yesterday`; write 5m, 09:12 or 2026-01-14T09:12:00Z");
    desk.command("level loud");
    desk.shows("unknown level `loud`; there are debug, info, warn, error");
    desk.keys("Esc");
    desk.command("sources");
    desk.shows("all lines of the log");
    assert_eq!(rows(&mut desk).len(), 41);
    // Nothing is left: the panel says why.
    desk.command("sources check");
    desk.command("level error");
    desk.shows("41 lines: none is level error  of check; O shows others");
    desk.command("sources");
    desk.command("level");
    desk.command("since 2026-01-15T00:00:00Z");
    assert_eq!(rows(&mut desk), ["41 lines before 00:00:00"]);
}

/// A wrapped line is one line: words that are in several of its rows, or absent from some, decide about all of it.
#[test]
fn a_filter_judges_a_wrapped_line_as_a_whole() {
    let mut desk = logged(80, 24);
    let text = format!("begins at device 51 {} and ends at its neighbor", "x".repeat(200));
    desk.run(60_000, Body::Log { check: CHECK.into(), text: text.clone(), source: "worker-1".into() });
    desk.keys("w");
    for filter in ["51 neighbor", "source=worker-1 neighbor", "neighbor !step"] {
        desk.command(&format!("filter {filter}"));
        let shown = rows(&mut desk);
        assert!(shown.len() > 2 && shown.concat().replace(' ', "") == text.replace(' ', ""), "{filter}: {shown:?}");
        assert_eq!(desk.state.desk.table(&LOG).matching, 1, "{filter}");
    }
    desk.command("filter neighbor !51");
    assert!(rows(&mut desk).is_empty(), "{:?}", rows(&mut desk));
}

#[test]
fn lines_around_those_that_are_meant_are_shown_and_are_no_matches() {
    let mut desk = logged(120, 40);
    desk.command("filter device");
    let matching = rows(&mut desk).len();
    assert_eq!(matching, 5, "the warning and four devices");
    desk.command("around 1");
    desk.shows("1 line of context around each match");
    let shown = rows(&mut desk);
    assert_eq!(
        shown[..8],
        ["step 9", "looks at device 10", "step 11", WARNING, "step 13", "···", "step 19", "looks at device 20"]
    );
    assert_eq!(desk.state.desk.table(&LOG).matching, matching, "what is around a match is no match");
    golden("log-around-120x40", &desk.text());
    // n goes from match to match, past what is around them.
    let selected = |desk: &Desk| desk.state.desk.table(&LOG).row().map(|row| row.plain()).unwrap_or_default();
    desk.keys("g g n");
    assert!(selected(&desk).contains("looks at device 10"), "{}", selected(&desk));
    desk.keys("n");
    assert!(selected(&desk).contains("one slice has no device"), "{}", selected(&desk));
    desk.keys("}");
    desk.shows("3 lines of context around each match");
    assert_eq!(rows(&mut desk)[0], "step 7");
    desk.keys("{ {");
    desk.shows("0 lines of context around each match");
    assert_eq!(rows(&mut desk).len(), matching);
    // The same around what a level means; without a filter, everything is meant.
    desk.keys("Esc");
    desk.command("level error");
    desk.command("around 2");
    assert_eq!(rows(&mut desk), ["step 23", "step 24", "ERROR  no GPU  node=worker-1", "step 26", "step 27"]);
    desk.command("level");
    assert_eq!(rows(&mut desk).len(), 41);
    desk.command("around 51");
    desk.shows("not a number from 0 to 50: `51`");
}

#[test]
fn what_a_log_shows_is_listed_and_chosen() {
    let mut desk = logged(80, 24);
    desk.command("level warn");
    desk.keys("O");
    golden("log-options-80x24", &desk.text());
    desk.keys("j j Enter");
    desk.shows("level debug");
    desk.type_text("error");
    desk.keys("Enter");
    desk.shows("lines level error");
    // Nothing to choose from without a run.
    let mut desk = Desk::live_with(80, 24, Look::default());
    desk.keys("4 O");
    desk.shows("no run is shown, so there are no logs");
}

#[test]
fn what_restarted_containers_wrote_is_read_while_their_pods_are_there() {
    let mut desk = logged(120, 40);
    desk.command("previous");
    let Some(Effect::ReadPrevious { generation, namespace, run_id, check }) = desk.left.pop() else {
        panic!("{:?}", desk.left)
    };
    assert_eq!((run_id.as_str(), check.as_str()), ("20260114-091200-00c0ffee00c0ffee", CHECK));
    assert_eq!(namespace, "aicr-validation", "a person may have rights in the namespace of the run alone");
    desk.update(Msg::PreviousRead { generation, check: check.clone(), answer: Ok(Vec::new()) });
    desk.shows("no container of dra-support was restarted");
    desk.command("previous");
    let Some(Effect::ReadPrevious { generation: newer, .. }) = desk.left.pop() else { panic!("{:?}", desk.left) };
    // Only the newest answer counts.
    desk.update(Msg::PreviousRead { generation, check: check.clone(), answer: Ok(vec![earlier()]) });
    assert!(!desk.text().contains("device 0 is gone"));
    desk.update(Msg::PreviousRead { generation: newer, check: check.clone(), answer: Ok(vec![earlier()]) });
    golden("log-previous-120x40", &desk.text());
    desk.keys("q");
    desk.command("previous");
    let Some(Effect::ReadPrevious { generation, .. }) = desk.left.pop() else { panic!("{:?}", desk.left) };
    let refused = Failure::new(Kind::Forbidden, "list pods", "pods is forbidden");
    desk.update(Msg::PreviousRead { generation, check, answer: Err(refused) });
    desk.shows("pods is forbidden");
    // A record has what was read, and no more.
    let record = recorded("20260714-073000-00000000c0ffee00", false);
    let mut desk = Desk::live(120, 40);
    desk.keys("4");
    list_records(&mut desk, std::slice::from_ref(&record));
    desk.keys("g r Enter");
    let Some(Effect::OpenRun { generation, compare, .. }) = desk.left.pop() else { panic!("{:?}", desk.left) };
    desk.update(Msg::RunOpened { generation, compare, answer: Ok(std::sync::Arc::new(record)) });
    desk.command("previous");
    desk.shows("the pods of this run are gone, and a record has no output of earlier containers");
    assert!(desk.left.is_empty(), "{:?}", desk.left);
}

/// A log that has outgrown its memory, and what the record of the run has of it.
fn outgrown(width: u16, height: u16) -> (Desk, impl Fn(usize, usize) -> Lines) {
    const LINES: u64 = 40_000;
    let said = |number: u64| format!("line {number} of many lines that a check wrote");
    let mut desk = logged(width, height);
    let check = desk.state.model.run.checks.iter_mut().find(|check| check.planned.name == CHECK).expect("the check");
    check.log = Lines::within(1 << 20);
    (0..LINES).for_each(|number| check.log.push(NOW + number, &said(number)));
    assert!(check.log.dropped() > 20_000, "{}", check.log.dropped());
    desk.state.desk.mark(Need::Run);
    let recorded = move |from: usize, to: usize| {
        let mut lines = Lines::from(from, LIMIT);
        (from..to).for_each(|number| lines.push(NOW + number as u64, &said(number as u64)));
        lines
    };
    (desk, recorded)
}

#[test]
fn lines_that_memory_has_no_more_are_read_from_the_record_by_scrolling_to_them() {
    let (mut desk, recorded) = outgrown(120, 40);
    let first = |desk: &Desk| desk.state.model.run.checks[2].log.dropped();
    let oldest = first(&desk);
    // To the oldest line in memory, then one further.
    desk.command(&format!("{}", oldest + 1));
    desk.keys("k z z");
    desk.shows("24,078 lines before this: k reads them from the record of the run");
    desk.keys("z z");
    assert!(desk.left.is_empty(), "nothing is read before somebody wants it: {:?}", desk.left);
    desk.keys("k");
    let Some(Effect::ReadOlder { generation, run, check, number }) = desk.left.pop() else { panic!("{:?}", desk.left) };
    assert_eq!((run.as_str(), check.as_str(), number), ("20260114-091200-00c0ffee00c0ffee", CHECK, oldest - 1));
    let read = |desk: &mut Desk, generation, number, lines| {
        let (run, check) = (run.clone(), check.clone());
        desk.update(Msg::OlderRead { generation, run, check, number, answer: Ok(std::sync::Arc::new(lines)) });
    };
    read(&mut desk, generation, number, recorded(2_000, oldest + 500));
    let selected = |desk: &Desk| desk.state.desk.table(&LOG).row().map(|row| row.plain()).unwrap_or_default();
    assert!(selected(&desk).contains(&format!("line {} of many", oldest - 1)), "{}", selected(&desk));
    desk.shows("from the record of the run; 0 goes to the newest");
    desk.keys("z z");
    desk.shows("40,000 lines");
    desk.keys("z z");
    golden("log-older-120x40", &desk.text());
    // A number, a search and a mark are of these lines as of any other.
    desk.command("2501");
    assert!(selected(&desk).contains("line 2500 of many"), "{}", selected(&desk));
    desk.keys("m Enter Enter");
    desk.shows("line 2501 of dra-support");
    desk.keys("q");
    desk.command("filter 2600");
    desk.shows("line 2600 of many");
    desk.keys("z z");
    desk.shows("40,000 lines, 17,422 not searched");
    desk.keys("z z Esc");
    // Behind what was read, memory goes on.
    desk.command(&format!("{}", oldest + 400));
    let mut pages = 0;
    while desk.state.model.records.older.is_some() {
        desk.keys("PgDn");
        pages += 1;
        assert!(pages < 40, "{}", selected(&desk));
    }
    assert!(desk.left.is_empty(), "{:?}", desk.left);
    assert!(selected(&desk).contains(&format!("line {} of many", oldest + 500)), "{}", selected(&desk));
    // The first line, and back to the newest.
    desk.keys("g g");
    let Some(Effect::ReadOlder { generation, number: 0, .. }) = desk.left.pop() else { panic!("{:?}", desk.left) };
    read(&mut desk, generation, 0, recorded(0, 9_000));
    assert!(selected(&desk).contains("line 0 of many"), "{}", selected(&desk));
    desk.keys("0");
    desk.state.prepare();
    assert!(selected(&desk).contains("line 39999 of many"), "{}", selected(&desk));
    // The mark is where it was made.
    desk.keys("'");
    let Some(Effect::ReadOlder { number: 2_500, .. }) = desk.left.pop() else { panic!("{:?}", desk.left) };
}

#[test]
fn lines_that_are_nowhere_are_counted_and_not_searched() {
    let (mut desk, _) = outgrown(120, 40);
    desk.state.model.records.are_not_kept = true;
    let oldest = desk.state.model.run.checks[2].log.dropped();
    desk.command(&format!("{}", oldest + 1));
    desk.keys("k k k");
    assert!(desk.left.is_empty(), "{:?}", desk.left);
    desk.keys("z z");
    desk.shows("lines before this were dropped: the run is not recorded");
    desk.command("filter nowhere");
    desk.shows("40,000 lines, 24,078 not searched");
    desk.command("save-log out.txt");
    let Some(Effect::SaveText { text, .. }) = desk.left.pop() else { panic!("{:?}", desk.left) };
    let (first, rest) = text.split_once('\n').expect("lines");
    assert_eq!(first, "... 24,078 lines before this were dropped: the run is not recorded");
    let (time, line) = rest.lines().next().and_then(|line| line.split_once(' ')).expect("a line with its time");
    assert!(time.len() == "09:12:05.811".len() && line.starts_with("line 24078 of many"), "{time} {line}");
}

/// Whatever window of it is shown: all lines are written, or those that an answer names.
#[test]
fn a_log_is_written_as_what_the_question_says() {
    let (mut desk, recorded) = outgrown(120, 40);
    desk.state.desk.focus_on(&LOG);
    let written = |desk: &mut Desk| -> Vec<String> {
        let Some(Effect::SaveText { text, .. }) = desk.left.pop() else { panic!("{:?}", desk.left) };
        let lines =
            text.lines().skip(1).filter_map(|line| line.split("line ").nth(1)?.split(' ').next().map(str::to_owned));
        lines.collect()
    };
    let read = |desk: &mut Desk| {
        let Some(Effect::ReadOutput { generation, run, check }) = desk.left.pop() else { panic!("{:?}", desk.left) };
        assert_eq!((run.as_str(), check.as_str()), ("20260114-091200-00c0ffee00c0ffee", CHECK));
        // The record is a little behind what memory has.
        let answer = Ok(std::sync::Arc::new(recorded(0, 39_500)));
        desk.update(Msg::OutputRead { generation, run, check, answer });
    };
    let numbers = |lines: &[usize]| lines.iter().map(ToString::to_string).collect::<Vec<_>>();
    let whole: Vec<usize> = (0..40_000).collect();
    for line in ["export out.csv", "save-log out.log"] {
        desk.command(line);
        desk.shows("reading the record of the run for all lines");
        read(&mut desk);
        let from = usize::from(line.starts_with("save"));
        assert!(written(&mut desk) == numbers(&whole[from..]), "{line}");
        assert!(desk.state.model.records.older.is_none(), "what is shown stays");
    }
    // Older lines are shown: not more of them is written because of that, and not less.
    desk.command("2501");
    let Some(Effect::ReadOlder { generation, run, check, number }) = desk.left.pop() else { panic!("{:?}", desk.left) };
    desk.update(Msg::OlderRead {
        generation,
        run,
        check,
        number,
        answer: Ok(std::sync::Arc::new(recorded(2_000, 9_000))),
    });
    desk.command("export out.md");
    read(&mut desk);
    let Some(Effect::SaveText { text, .. }) = desk.left.pop() else { panic!("{:?}", desk.left) };
    assert!(text.contains("- note: 40,000 lines\n"), "{}", &text[..400]);
    assert!(["line 0 of", "line 8999 of", "line 39999 of"].iter().all(|line| text.contains(line)));
    assert!(desk.state.model.records.older.is_some(), "what is shown stays");
    // Where lines are left out, it is asked which are meant.
    desk.command("filter 777");
    let ask = |desk: &mut Desk, steps: &str| {
        desk.command("export out.csv");
        desk.left.retain(|effect| !matches!(effect, Effect::ListFiles(_)));
        assert!(desk.left.is_empty(), "{:?}", desk.left);
        desk.keys(steps);
        desk.keys("Enter");
    };
    desk.command("export out.csv");
    desk.shows("The log of dra-support has 40,000 lines; `777` leaves some out.");
    golden("log-which-lines-120x40", &desk.text());
    desk.keys("Enter");
    desk.left.retain(|effect| !matches!(effect, Effect::ListFiles(_)));
    assert!(desk.left.is_empty(), "{:?}", desk.left);
    let meant: Vec<usize> = whole.iter().copied().filter(|number| number.to_string().contains("777")).collect();
    ask(&mut desk, "Tab Tab");
    read(&mut desk);
    assert_eq!(written(&mut desk), numbers(&meant));
    ask(&mut desk, "Tab Tab Tab");
    read(&mut desk);
    assert!(written(&mut desk) == numbers(&whole));
    // What is seen is in memory, or was read for it.
    ask(&mut desk, "Tab");
    let seen = written(&mut desk);
    assert!(
        !seen.is_empty() && seen.len() < 40 && numbers(&meant).windows(seen.len()).any(|some| *some == seen),
        "{seen:?}"
    );
}
