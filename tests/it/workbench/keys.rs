//! What keys do and what they are called.

use super::{desk::Desk, screens::STATES};
use aicr::{
    ops::{Failure, Kind},
    term::{input::Input, key::Key},
    workbench::{
        Look,
        desk::Mode,
        keymap::{self, Action as A},
        msg::Msg,
        panes::{SHAPES, main_of},
    },
};

#[test]
fn q_leaves_and_escape_does_not() {
    let mut desk = Desk::live(80, 24);
    desk.keys("Esc");
    desk.shows("nothing to go back to; q quits");
    desk.keys("Esc Esc");
    assert!(!desk.state.quit);
    let told = |desk: &Desk| {
        desk.state.model.messages.iter().filter(|message| message.text.starts_with("nothing to go back to")).count()
    };
    assert_eq!(told(&desk), 1, "it is said once");
    desk.keys("Tab Esc Esc");
    assert_eq!(told(&desk), 2, "and once more after something was gone back from");
    desk.keys("Ctrl-C");
    assert!(!desk.state.quit);
    desk.keys("q");
    assert!(desk.state.quit);
}

/// A level at a time, as Esc does; what is typed in a panel of details does not end the program.
#[test]
fn q_goes_back_to_the_main_panel_before_it_leaves() {
    let mut desk = Desk::live(120, 40);
    for (to, levels) in [("1 Enter", 1), ("1 g p", 1), ("2 Tab", 1), ("4 g l", 1), ("5 Tab", 1), ("1 g n z z Enter", 2)]
    {
        desk.keys(to);
        for _ in 0..levels {
            desk.keys("q");
            assert!(!desk.state.quit, "{to}");
        }
        assert_eq!(desk.state.desk.focused(), main_of(desk.state.desk.screen), "{to}");
    }
    desk.keys("1 q");
    assert!(desk.state.quit);
    // Shapes lead to nodes, so that they are the first level there.
    let mut desk = Desk::live(120, 40);
    desk.state.desk.focus_on(&SHAPES);
    desk.keys("Enter q");
    assert_eq!((desk.state.quit, desk.state.desk.focused()), (false, &SHAPES));
    desk.keys("q");
    assert!(desk.state.quit);
}

/// What may follow a key stands over the panels and leaves the first line, and says how many of them have no room.
#[test]
fn what_may_follow_a_key_leaves_the_first_line() {
    for height in 5..30 {
        let mut desk = Desk::live(57, height);
        desk.keys("Ctrl-W");
        let text = desk.text();
        assert!(text.lines().next().unwrap().contains("DEMO"), "57x{height}:\n{text}");
        let (title, next) = (text.contains("Ctrl-W …"), desk.state.desk.continuations().len());
        let shown = usize::from(height).saturating_sub(4).min(next);
        assert!(!title || shown == next || text.contains(&format!("+{} more", next - shown)), "57x{height}:\n{text}");
    }
}

#[test]
fn unknown_words_are_answered() {
    let mut desk = Desk::live(80, 24);
    desk.keys("Z");
    desk.shows("`Z` is not bound here");
    desk.keys("r");
    desk.shows("acts on Validate");
    desk.command("recipe service=eksx");
    desk.shows("failed to read the criteria");
    assert!(!desk.text().contains("--service"), "a person who typed a command is not told of flags");
    desk.keys("D");
    desk.shows("did you mean eks");
    desk.keys("Esc");
    desk.command("recipe service=gke accelerator=h100");
    desk.keys("D");
    desk.shows("hint: add os=cos");
    assert!(!desk.text().contains("--"), "{}", desk.text());
}

/// Every state and popup that says something, at a size where nothing is cut: frames and messages.
fn everything_said(rebind: impl Fn(&mut Desk)) -> Vec<(String, String)> {
    let mut said = Vec::new();
    let mut note = |name: &str, desk: &mut Desk| {
        said.push((name.to_owned(), desk.text()));
        let messages = desk.state.model.messages.iter().map(|message| message.text.clone());
        said.push((format!("messages of {name}"), messages.map(|text| format!(" {text} \n")).collect()));
    };
    // Help and palette are opened below, with the keys that are bound then.
    for (name, make) in STATES.into_iter().filter(|(name, _)| !["help", "palette"].contains(name)) {
        let mut desk = make(250, 80, Look::default());
        // What was said before named the keys of then.
        desk.state.model.messages.clear();
        rebind(&mut desk);
        note(name, &mut desk);
        for action in [A::Filter, A::Palette, A::Help, A::Swap, A::Details, A::KeepColumn, A::WhatIf, A::CompareWith] {
            desk.act(action);
            note(&format!("{name}, {action:?}"), &mut desk);
            if desk.state.desk.mode() == Mode::Text {
                desk.type_text("nothing-is-called-this");
                note(&format!("{name}, {action:?} with text"), &mut desk);
            }
            desk.act(A::Back);
        }
        for action in [A::Run, A::Cancel, A::Back, A::Back, A::Back, A::NextThing, A::GoDefinition, A::DiffView] {
            desk.act(action);
            desk.act(A::Back);
        }
        for key in [Key::char('Z'), Key::ctrl('c'), Key::char('r')] {
            desk.update(Msg::Input(Input::Key(key)));
        }
        desk.update(Msg::Input(Input::Paste("pasted".into())));
        note(&format!("{name}, at the end"), &mut desk);
    }
    for screen in [A::ScreenCluster, A::ScreenRecipe, A::ScreenDiff, A::ScreenValidate, A::ScreenCompare] {
        let mut desk = Desk::new(250, 80, Look::default());
        rebind(&mut desk);
        desk.act(screen);
        note(&format!("{screen:?} before the cluster"), &mut desk);
        let failure = Failure::new(Kind::Unreachable, "connect", "connection refused");
        desk.update(Msg::ConnectFailed { generation: 1, failure });
        note(&format!("{screen:?} without a cluster"), &mut desk);
        desk.act(A::WhatIf);
        desk.act(A::Enter);
        desk.act(A::KeepColumn);
        for line in ["open", "save", "compare", "nonsense"] {
            desk.act(A::Palette);
            desk.type_text(line);
            desk.act(A::Enter);
        }
        note(&format!("{screen:?} after commands"), &mut desk);
    }
    said
}

/// Words that are whole: what touches a border may be the rest of something cut.
fn words(text: &str) -> impl Iterator<Item = &str> {
    let parts = text.lines().flat_map(|line| line.split(['│', '┃']));
    let whole = parts.flat_map(|part| {
        let part = if part.ends_with(' ') { part } else { part.rsplit_once(' ').map_or("", |(head, _)| head) };
        let part = if part.starts_with(' ') { part } else { part.split_once(' ').map_or("", |(_, tail)| tail) };
        part.split_whitespace()
    });
    whole.map(|word| word.trim_matches([',', ';', '.', ':', '(', ')']))
}

#[test]
fn every_sentence_that_names_a_key_names_the_one_that_is_bound() {
    // Every action gets a key that no sentence has by chance: Alt and a letter of another alphabet.
    let rebind = |desk: &mut Desk| {
        for (letter, binding) in ('\u{10d0}'..).zip(keymap::BINDINGS) {
            desk.state.desk.rebind(binding.action, &[&format!("Alt-{letter}")]).unwrap();
        }
    };
    let mut named = 0;
    for (name, text) in everything_said(rebind) {
        named += text.matches("Alt-").count();
        // The side-by-side view shows the text of recipes, with letters of their own.
        let mut before = "";
        let mut words = words(&text).peekable();
        while let Some(word) = words.next() {
            // `5 s` and `2 d` are no keys, and the chosen answer of a question is in brackets.
            let is_unit = ["s", "d"].contains(&word) && before.ends_with(|letter: char| letter.is_ascii_digit())
                || word == "]" && name.starts_with("planning");
            // Files of values are called `v` among the layers: behind the numbers of others, or before the name of a file.
            let is_after_layers = before == "mixed" || before.parse::<usize>().is_ok();
            let is_layer = word == "v" && (is_after_layers || words.peek().is_some_and(|next| next.ends_with(".yaml")));
            before = word;
            if is_unit || is_layer {
                continue;
            }
            let single = word.chars().count() == 1 && !["a", "A", "B", "1", "2", "3", "4", "5"].contains(&word);
            let letter =
                single && !name.contains("sides") && word.chars().all(|c| c.is_ascii_alphabetic() || "=?]".contains(c));
            let old =
                ["Esc", "Enter", "Tab", "PgUp", "PgDn", "Space", "gd"].contains(&word) || word.starts_with("Ctrl-");
            assert!(!old && !letter, "{name} still names the key `{word}`:\n{text}");
        }
    }
    assert!(named > 500, "only {named} keys are named");
}
