//! Output of the selected check, following its end until somebody scrolls up.

use super::{checks, prelude::*};

pub static PANE: Pane = Pane {
    name: "log",
    screen: Screen::Validate,
    place: Place::NONE.detail(9).short(column(1, 0)).four(column(1, 0).row(1)).all(column(1, 0)),
    jump: Some(Action::GoLog),
    needs: &[Need::Run, Need::Cursor(&checks::PANE), Need::Look],
    hints: &[Action::MoveDown, Action::Follow, Action::Filter, Action::Timestamps, Action::Wide, Action::Copy],
    follows: true,
    build,
    on: |view, action| if action == Action::Details { checks::details(view) } else { None },
    ..Pane::BASE
};

fn build(view: &View<'_>) -> Content {
    let check = checks::check_of(view).and_then(|name| view.model.run.check(name));
    let Some(check) = check else {
        return Content {
            title: "log".to_owned(),
            says: Blank::Empty.says("no check with output is selected"),
            ordered: true,
            ..Content::default()
        };
    };
    let table = view.table();
    let width = view.width.saturating_sub(if view.timestamps { 14 } else { 1 });
    let mut rows = Vec::with_capacity(check.log.len() + 1);
    if check.dropped > 0 {
        let said = format!("{} before this were dropped", text::count(check.dropped, "line"));
        rows.push(Row::new(RowId::Line("dropped", 0), vec![Cell::default(), Cell::new(Role::Muted, said)]));
    }
    for (index, line) in check.log.iter().enumerate() {
        let at = if view.timestamps { clock(line.at_ms) } else { String::new() };
        let role = level(&line.text);
        let number = check.dropped + index;
        let text = text::without_tabs(&line.text);
        if table.wide && text::width(&text) > width {
            for (part, piece) in text::wrap(&text::clean(&text), width).into_iter().enumerate() {
                let at = if part == 0 { Cell::new(Role::Muted, &at) } else { Cell::new(Role::Muted, "") };
                rows.push(Row::new(RowId::Piece(number, part), vec![at, Cell::new(role, piece)]));
            }
        } else {
            rows.push(Row::new(RowId::Line("", number), vec![Cell::new(Role::Muted, at), Cell::new(role, &text)]));
        }
    }
    // The end of a check is the end of its output: its verdict, and why.
    if let Some(result) = &check.result {
        let (role, glyph, word) = checks::verdict(result);
        let room = width.saturating_sub(2);
        let mut said = vec![format!("{glyph} {word}")];
        said.extend(result.message.lines().flat_map(|line| text::wrap(&text::clean(line), room)));
        for (index, line) in said.into_iter().enumerate() {
            let cell = Cell::new(if index == 0 { role } else { Role::Strong }, line);
            rows.push(Row::new(RowId::Line("verdict", index), vec![Cell::default(), cell]));
        }
    }
    let follow = if table.follow { "FOLLOW" } else { "follow off" };
    let wrap = if table.wide { "wrap on" } else { "wrap off" };
    let time = if view.timestamps { 12 } else { 0 };
    Content {
        title: format!("log {}", check.planned.name),
        note: format!("{follow}  {wrap}  {}", text::count(check.log.len() + check.dropped, "line")),
        columns: vec![Column::new("", time, time), Column::new("", 10, 10).grows()],
        // A check that has ended has a verdict for its last row.
        says: if rows.is_empty() { Blank::Loading.says("no output yet") } else { Vec::new() },
        rows,
        ordered: true,
        ..Content::default()
    }
}

/// Time of day in UTC, to the millisecond.
fn clock(at_ms: u64) -> String {
    let day = at_ms % 86_400_000;
    format!("{:02}:{:02}:{:02}.{:03}", day / 3_600_000, day / 60_000 % 60, day / 1000 % 60, day % 1000)
}

fn level(line: &str) -> Role {
    let has = |words: &[&str]| words.iter().any(|word| line.contains(word));
    if has(&["ERROR", "FAIL", "error:"]) {
        Role::LogError
    } else if has(&["WARN", "[W]", "warning"]) {
        Role::LogWarn
    } else if has(&["DEBUG"]) {
        Role::LogDebug
    } else {
        Role::LogInfo
    }
}
