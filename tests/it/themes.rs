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

/// What a color is for eyes without a kind of cone, in linear light: Machado, Oliveira and Fernandes (2009), severity 1.
const RED_GREEN: [[[f64; 3]; 3]; 2] = [
    [[0.152_286, 1.052_583, -0.204_868], [0.114_503, 0.786_281, 0.099_216], [-0.003_882, -0.048_116, 1.051_998]],
    [[0.367_322, 0.860_646, -0.227_968], [0.280_085, 0.672_501, 0.047_413], [-0.011_820, 0.042_940, 0.968_881]],
];

/// A color of sRGB in CIE L*a*b* for D65, as such eyes see it.
fn lab_seen(color: [u8; 3], by: &[[f64; 3]; 3]) -> [f64; 3] {
    let linear = color.map(|part| {
        let part = f64::from(part) / 255.0;
        if part <= 0.040_45 { part / 12.92 } else { ((part + 0.055) / 1.055).powf(2.4) }
    });
    let times =
        |rows: &[[f64; 3]; 3], of: [f64; 3]| rows.map(|row| row.iter().zip(of).map(|(a, b)| a * b).sum::<f64>());
    let seen = times(by, linear).map(|part| part.clamp(0.0, 1.0));
    let to_xyz =
        [[0.412_456, 0.357_576, 0.180_438], [0.212_673, 0.715_152, 0.072_175], [0.019_334, 0.119_192, 0.950_304]];
    let white = [0.950_47, 1.0, 1.088_83];
    let curve = |t: f64| if t > 216.0 / 24389.0 { t.cbrt() } else { (24389.0 / 27.0 * t + 16.0) / 116.0 };
    let [x, y, z] = times(&to_xyz, seen);
    let [x, y, z] = [curve(x / white[0]), curve(y / white[1]), curve(z / white[2])];
    [116.0 * y - 16.0, 500.0 * (x - y), 200.0 * (y - z)]
}

#[test]
fn pass_and_fail_stay_apart_for_red_green_deficiencies() {
    let mut looked_at = 0;
    for name in theme::names() {
        let theme = theme::load(name, Level::True).unwrap();
        let color = |role| match theme.style(role).fg {
            Some(ratatui::style::Color::Rgb(red, green, blue)) => Some([red, green, blue]),
            _ => None,
        };
        // Colors of the terminal's own are not ours to choose; a palette of others has what it has.
        let (Some(pass), Some(fail)) = (color(Role::Ok), color(Role::Fail)) else { continue };
        let least = if name == "catppuccin" { 28.0 } else { 33.0 };
        for by in &RED_GREEN {
            let (pass, fail) = (lab_seen(pass, by), lab_seen(fail, by));
            let distance = pass.iter().zip(fail).map(|(a, b)| (a - b).powi(2)).sum::<f64>().sqrt();
            assert!(distance >= least, "{name}: {distance:.1}");
        }
        looked_at += 1;
    }
    assert_eq!(looked_at, 5, "dark, light, high-contrast and two families");
}

#[test]
fn the_promised_themes_are_there_and_say_what_they_are() {
    for name in ["dark", "light", "high-contrast", "ansi16", "mono", "catppuccin", "gruvbox"] {
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
