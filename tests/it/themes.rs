//! Themes: contrast, and that nobody but the theme module names a color.

use aicr::{
    term::color::Level,
    workbench::theme::{self, Role},
};
use std::{fs, path::Path};

/// Lines are no text: WCAG asks 3:1 of them.
fn least(role: Role) -> f64 {
    if role == Role::Border { 3.0 } else { 4.5 }
}

#[test]
fn text_reaches_its_contrast() {
    for name in theme::names() {
        for level in [Level::True, Level::Ansi256] {
            let theme = theme::load(name, level).unwrap();
            for role in Role::ALL {
                let Some(contrast) = theme.contrast(*role) else { continue };
                // The 240 colors are coarse; what was well apart stays apart.
                let least = if level == Level::True { least(*role) } else { least(*role) * 0.85 };
                assert!(contrast >= least, "{name}, {level:?}: {} has {contrast:.2}", role.name());
            }
        }
    }
}

#[test]
fn the_promised_themes_are_there_and_say_what_they_are() {
    for name in ["dark", "light", "high-contrast", "ansi16", "mono"] {
        assert!(theme::names().contains(&name), "{name}");
        assert_eq!(theme::load(name, Level::True).unwrap().name, name);
    }
    let error = theme::load("plaid", Level::True).unwrap_err().to_string();
    assert!(error.contains("plaid") && error.contains("dark"), "{error}");
}

#[test]
fn a_selection_states_both_colors_or_turns_them_around() {
    use ratatui::style::Modifier;
    for name in theme::names() {
        for level in [Level::True, Level::Ansi16, Level::None] {
            let style = theme::load(name, level).unwrap().style(Role::Selection);
            let both = style.fg.is_some() && style.bg.is_some();
            assert!(both || style.add_modifier.contains(Modifier::REVERSED), "{name}, {level:?}");
        }
    }
}

#[test]
fn without_color_there_is_none() {
    for name in theme::names() {
        let theme = theme::load(name, Level::None).unwrap();
        for role in Role::ALL {
            let style = theme.style(*role);
            assert!(style.fg.is_none() && style.bg.is_none(), "{name}: {}", role.name());
        }
    }
}

#[test]
fn only_the_theme_module_names_colors() {
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/workbench");
    let mut looked = 0;
    let mut folders = vec![sources];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            if path.file_name().is_some_and(|name| name == "theme.rs") {
                continue;
            }
            looked += 1;
            let text = fs::read_to_string(&path).unwrap();
            for (number, line) in text.lines().enumerate() {
                let named = line.match_indices("Color::").any(|(at, _)| !line[at..].starts_with("Color::Reset"));
                let hex = line
                    .split('#')
                    .skip(1)
                    .any(|rest| rest.len() >= 6 && rest.as_bytes()[..6].iter().all(u8::is_ascii_hexdigit));
                assert!(!named && !hex, "{}:{}: {line}", path.display(), number + 1);
            }
        }
    }
    assert!(looked > 30, "only {looked} files were looked at");
}
