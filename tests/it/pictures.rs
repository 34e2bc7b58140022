//! The pictures of the README: made by `screenshots/update`, and looked at by a machine for what a person would see first.

use std::path::Path;

/// How many values each picture may cut: where the panel had no room for them. One more is a step back.
const CUTS: [(&str, usize); 7] = [
    ("cluster", 0),
    ("recipe", 4),
    ("diff", 0),
    ("validate-plan", 0),
    // Results in the table of checks, which are whole in the panel of their check, and lines of a log, which `w` wraps.
    ("validate", 18),
    ("compare", 1),
    ("help", 0),
];

fn picture(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("screenshots/{name}.svg"));
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{name}: {error}"))
}

#[test]
fn pictures_cut_little() {
    for (name, most) in CUTS {
        let cuts = picture(name).matches('…').count();
        assert!(cuts <= most, "{name}.svg cuts {cuts} values, not at most {most}; did a panel get narrower?");
    }
}

#[test]
fn borders_of_pictures_are_lines() {
    for (name, _) in CUTS {
        let text = picture(name);
        assert!(text.contains("<path d=\"M"), "{name}.svg has no lines");
        assert!(!text.contains(['│', '┃', '━', '┏']), "{name}.svg draws borders with letters: run screenshots/update");
    }
}

/// The recording holds a validation from its plan to its end, and each frame of it is one that a terminal can draw.
#[test]
fn the_recording_plays_to_the_end_of_a_run() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("screenshots/validation.cast");
    let text = std::fs::read_to_string(path).expect("a recording; screenshots/update makes it");
    let mut lines =
        text.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).expect("JSON in each line"));
    let head = lines.next().expect("a head");
    assert_eq!((&head["version"], &head["width"], &head["height"]), (&2.into(), &120.into(), &40.into()));
    let size = |count: u16| std::num::NonZero::new(count).expect("a size above zero");
    let mut screen = vt100::Parser::new(size(40), size(120), 0);
    let (mut seen, mut at) = (Vec::new(), 0.0);
    for event in lines {
        let time = event[0].as_f64().expect("a time");
        assert!(time >= at, "{time} is before {at}");
        at = time;
        screen.process(event[2].as_str().expect("what is written").as_bytes());
        seen.push(screen.screen().contents());
    }
    for wanted in ["run 9 checks?", "running", "run ended: pass"] {
        assert!(seen.iter().any(|frame| frame.contains(wanted)), "no frame has `{wanted}`");
    }
    assert!(seen.last().is_some_and(|frame| frame.contains("[4 Validate]")), "{:?}", seen.last());
}

/// Every picture that the README shows is there, and is of the frame that its line speaks of.
#[test]
fn the_readme_shows_pictures_that_are_there() {
    let readme = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).unwrap();
    let shown: Vec<&str> =
        readme.split("screenshots/").skip(1).filter_map(|rest| rest.split([')', '"']).next()).collect();
    assert!(!shown.is_empty());
    for file in shown.into_iter().filter(|file| file.ends_with(".png") || file.ends_with(".svg")) {
        assert!(Path::new(env!("CARGO_MANIFEST_DIR")).join("screenshots").join(file).is_file(), "{file}");
    }
}
