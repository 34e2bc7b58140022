//! What a person does at the terminal, from the events of its bytes or of crossterm.

use super::{
    answers::Answer,
    key::{Code, Key},
};
use terminput::{Event, KeyCode, KeyEventKind, KeyModifiers, MouseButton, MouseEventKind, ScrollDirection};
use terminput_crossterm::to_terminput;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    Key(Key),
    Paste(String),
    Resize {
        width: u16,
        height: u16,
    },
    Click {
        column: u16,
        row: u16,
    },
    /// The pointer was moved while the button is down.
    Drag {
        column: u16,
        row: u16,
    },
    /// The button was let go.
    Release,
    /// Lines to scroll at that place; positive is down.
    Wheel {
        column: u16,
        row: u16,
        lines: i32,
    },
    /// The terminal got or lost the focus.
    Focus(bool),
}

/// What came from the terminal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Heard {
    /// What a person did.
    Input(Input),
    /// What the terminal itself says.
    Answer(Answer),
}

/// Text of a paste that is kept; the rest of a pasted megabyte is of no use in a field.
pub(super) const PASTE_LIMIT: usize = 64 * 1024;

/// As [`from_event`], of what crossterm reports.
pub fn from_crossterm(event: crossterm::event::Event) -> Option<Input> {
    to_terminput(event).ok().and_then(from_event)
}

/// `None` for what means nothing here: releases of keys, moves, keys nobody binds.
pub fn from_event(event: Event) -> Option<Input> {
    match event {
        Event::Key(key) if key.kind != KeyEventKind::Release => from_key(key.code, key.modifiers).map(Input::Key),
        Event::Key(_) => None,
        Event::Paste(mut text) => {
            if text.len() > PASTE_LIMIT {
                text.truncate((0..=PASTE_LIMIT).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0));
            }
            Some(Input::Paste(text))
        }
        Event::Resize { rows, cols } => {
            Some(Input::Resize { width: u16::try_from(cols).ok()?, height: u16::try_from(rows).ok()? })
        }
        Event::FocusGained => Some(Input::Focus(true)),
        Event::FocusLost => Some(Input::Focus(false)),
        Event::Mouse(mouse) => {
            let (column, row) = (mouse.column, mouse.row);
            match mouse.kind {
                MouseEventKind::Down(MouseButton::Left) => Some(Input::Click { column, row }),
                MouseEventKind::Drag(MouseButton::Left) => Some(Input::Drag { column, row }),
                MouseEventKind::Up(MouseButton::Left) => Some(Input::Release),
                MouseEventKind::Scroll(ScrollDirection::Down) => Some(Input::Wheel { column, row, lines: 3 }),
                MouseEventKind::Scroll(ScrollDirection::Up) => Some(Input::Wheel { column, row, lines: -3 }),
                _ => None,
            }
        }
    }
}

fn from_key(code: KeyCode, modifiers: KeyModifiers) -> Option<Key> {
    let mut key = Key {
        code: Code::Esc,
        ctrl: modifiers.contains(KeyModifiers::CTRL),
        alt: modifiers.contains(KeyModifiers::ALT),
        shift: modifiers.contains(KeyModifiers::SHIFT),
    };
    key.code = match code {
        KeyCode::Char(c) => {
            // Shift is in the character already; Ctrl-Shift is nothing we may ask for.
            key.shift = false;
            Code::Char(if key.ctrl { c.to_ascii_lowercase() } else { c })
        }
        KeyCode::Enter => Code::Enter,
        KeyCode::Esc => Code::Esc,
        KeyCode::Tab => Code::Tab,
        KeyCode::Backspace => Code::Backspace,
        KeyCode::Delete => Code::Delete,
        KeyCode::Up => Code::Up,
        KeyCode::Down => Code::Down,
        KeyCode::Left => Code::Left,
        KeyCode::Right => Code::Right,
        KeyCode::Home => Code::Home,
        KeyCode::End => Code::End,
        KeyCode::PageUp => Code::PageUp,
        KeyCode::PageDown => Code::PageDown,
        KeyCode::F(number) => Code::F(number),
        _ => return None,
    };
    Some(key)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crossterm::event as library;
    use terminput::KeyEvent;

    fn press(code: KeyCode, modifiers: KeyModifiers, kind: KeyEventKind) -> Option<Input> {
        from_event(Event::Key(KeyEvent::new(code).modifiers(modifiers).kind(kind)))
    }

    #[test]
    fn events_of_crossterm_mean_the_same() {
        let key = |code, modifiers| library::Event::Key(library::KeyEvent::new(code, modifiers));
        let back_tab = Key { shift: true, ..Key::plain(Code::Tab) };
        for (event, input) in [
            (key(library::KeyCode::BackTab, library::KeyModifiers::SHIFT), Input::Key(back_tab)),
            (key(library::KeyCode::Char('C'), library::KeyModifiers::CONTROL), Input::Key(Key::ctrl('c'))),
            (library::Event::Resize(80, 24), Input::Resize { width: 80, height: 24 }),
            (library::Event::FocusLost, Input::Focus(false)),
            (library::Event::Paste("x".to_owned()), Input::Paste("x".to_owned())),
        ] {
            assert_eq!(from_crossterm(event), Some(input));
        }
    }

    #[test]
    fn presses_and_repeats_act_and_releases_do_not() {
        let x = KeyCode::Char('x');
        let key = Some(Input::Key(Key::char('x')));
        assert_eq!(press(x, KeyModifiers::NONE, KeyEventKind::Press), key);
        assert_eq!(press(x, KeyModifiers::NONE, KeyEventKind::Repeat), key);
        assert_eq!(press(x, KeyModifiers::NONE, KeyEventKind::Release), None);
        let shifted = press(KeyCode::Char('G'), KeyModifiers::SHIFT, KeyEventKind::Press);
        assert_eq!(shifted, Some(Input::Key(Key::char('G'))));
    }

    #[test]
    fn a_pasted_megabyte_is_cut_at_a_character() {
        let Some(Input::Paste(text)) = from_event(Event::Paste("é".repeat(1 << 20))) else { panic!("no paste") };
        assert!(text.len() <= PASTE_LIMIT && text.chars().all(|c| c == 'é'));
    }
}
