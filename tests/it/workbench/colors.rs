//! Colors that checks print, in the log.

use super::desk::{Desk, run_half_way};
use aicr::{
    term::color::Level,
    validate::event::Body,
    workbench::{
        Look,
        effect::Effect,
        panes::{CHECKS, LOG, Need, RowId},
        theme::{self, Role},
    },
};
use ratatui::style::{Color, Modifier, Style};

/// What a check prints: colors, and a line for programs that says something in a color.
const PRINTED: [&str; 4] = [
    "\u{1b}[1;32mok\u{1b}[0m 3 nodes, \u{1b}[4mnone\u{1b}[24m is \u{1b}[38;5;196mold\u{1b}[m",
    "\u{1b}[33mWARNING\u{1b}[0m: slow\tlink",
    r#"{"level":"info","msg":"said \u001b[36min color\u001b[0m","node":"\u001b[31mworker-1"}"#,
    "\u{1b}[41;31mhidden\u{1b}[0m is not hidden",
];

fn with_colors(look: Look) -> Desk {
    let mut desk = Desk::live_with(200, 60, look);
    desk.keys("4");
    run_half_way(&mut desk);
    for text in PRINTED {
        desk.run(3_400, Body::Log { check: "dra-support".into(), text: text.into(), source: String::new() });
    }
    desk.state.desk.focus_on(&CHECKS);
    desk.state.prepare();
    assert!(desk.state.desk.table_mut(&CHECKS).select(&RowId::Check("dra-support".into())));
    desk.state.desk.mark(Need::Cursor(&CHECKS));
    desk
}

/// The look of a word where it is shown first.
#[track_caller]
fn look_of(desk: &mut Desk, word: &str) -> Style {
    let frame = desk.frame();
    let letters: Vec<char> = word.chars().collect();
    let place = frame
        .content()
        .windows(letters.len())
        .position(|cells| cells.iter().zip(&letters).all(|(cell, letter)| cell.symbol().chars().eq([*letter])));
    frame.content()[place.unwrap_or_else(|| panic!("no {word}"))].style()
}

#[test]
fn colors_that_checks_print_are_looks_of_the_theme() {
    let mut desk = with_colors(Look::default());
    for shown in
        ["ok 3 nodes, none is old", "WARNING: slow  link", "said in color  node=worker-1", "hidden is not hidden"]
    {
        desk.shows(shown);
    }
    assert!(!desk.text().contains("\\u{1b}"), "{}", desk.text());
    let dark = theme::load("dark", Level::True).unwrap();
    let color = |role| dark.style(role).fg;
    let ok = look_of(&mut desk, "ok 3");
    assert_eq!((ok.fg, ok.add_modifier), (color(Role::AnsiGreen), Modifier::BOLD));
    let none = look_of(&mut desk, "none is");
    assert_eq!((none.fg, none.add_modifier), (color(Role::LogInfo), Modifier::UNDERLINED));
    assert_eq!(look_of(&mut desk, "old").fg, color(Role::AnsiBrightRed), "the nearest of sixteen");
    assert_eq!(look_of(&mut desk, "in color").fg, color(Role::AnsiCyan));
    assert_eq!(look_of(&mut desk, ": slow").fg, color(Role::LogWarn), "its level is read without its color");
    let hidden = look_of(&mut desk, "hidden is");
    assert_eq!((hidden.fg, hidden.add_modifier), (color(Role::AnsiRed), Modifier::REVERSED), "red on red can be read");
    // Also where a long line goes on below itself.
    desk.run(
        3_401,
        Body::Log {
            check: "dra-support".into(),
            text: format!("{}\u{1b}[35mviolet", "word ".repeat(60)),
            source: String::new(),
        },
    );
    desk.keys("g l w");
    assert_eq!(look_of(&mut desk, "violet").fg, color(Role::AnsiMagenta));
}

#[test]
fn colors_are_left_out_where_there_are_none_and_of_what_is_found_copied_and_saved() {
    let look = |level| Look { color: Some(level), ..Look::default() };
    let mut desk = with_colors(look(Level::Ansi16));
    assert_eq!(look_of(&mut desk, "ok 3").fg, Some(Color::Green), "the terminal's own");
    let mut desk = with_colors(look(Level::None));
    desk.shows("ok 3 nodes, none is old");
    let (ok, nodes) = (look_of(&mut desk, "ok 3"), look_of(&mut desk, "3 nodes"));
    assert_eq!(ok, nodes);
    desk.keys("g l /");
    desk.type_text("re:nodes, none is old");
    desk.keys("Enter");
    desk.state.prepare();
    assert_eq!(desk.state.desk.table(&LOG).visible.len(), 1);
    desk.keys("y");
    let copied = desk.left.iter().find_map(|effect| match effect {
        Effect::Copy(text) => Some(text.clone()),
        _ => None,
    });
    assert!(copied.as_ref().is_some_and(|text| text.contains("ok 3 nodes, none is old")), "{copied:?}");
    desk.command("save-log out.txt");
    let Some(Effect::SaveText { text, .. }) = desk.left.pop() else { panic!("{:?}", desk.left) };
    assert!(text.contains("ok 3 nodes, none is old\n"), "{text}");
    assert!(!copied.unwrap().contains('\u{1b}') && !text.contains("\u{1b}["), "{text}");
}
