//! Nothing is cut while there is room beside it: read from the golden frames themselves, whatever draws them.

use std::{fs, path::Path};

/// Columns between columns, and the one before the right border.
const GAP: usize = 2;
const MARGIN: usize = 1;

/// Where a cut beside blank columns is right: the start of the frame's name and of the panel's title, and why.
const RIGHT: [(&str, &str, &str); 1] = [(
    "bundle-dialects-",
    "helm and argocd-helm",
    "lines of one text, in which the second part begins at the same place in all of them",
)];

/// Columns that have their width from the beginning, from the first to the end of the last: what is behind them does not move
/// while a run goes on, whatever their cells hold now.
const STEADY: (&str, &str) = ("STATE", "TIME");

/// Where the steady columns of a panel are.
fn steady(panel: &Panel) -> std::ops::Range<usize> {
    let header: String = panel.lines.first().into_iter().flatten().collect();
    let place = |name: &str| header.find(name).map(|at| header[..at].chars().count());
    match (place(STEADY.0), place(STEADY.1)) {
        (Some(from), Some(to)) if from < to => from..to + STEADY.1.len(),
        _ => 0..0,
    }
}

/// A panel of a frame: its title and the lines inside of it.
struct Panel {
    title: String,
    lines: Vec<Vec<char>>,
}

/// The panels of a frame that nothing lies over.
fn panels(frame: &str) -> Vec<Panel> {
    let lines: Vec<Vec<char>> = frame.lines().map(|line| line.chars().collect()).collect();
    let is_side = |c: &char| "│┃┌┐┏┓└┘┗┛".contains(*c);
    let mut panels = Vec::new();
    for (y, top) in lines.iter().enumerate() {
        for (from, corner) in top.iter().enumerate() {
            let (side, end) = match corner {
                '┌' => ('│', '┐'),
                '┏' => ('┃', '┓'),
                _ => continue,
            };
            let Some(to) = (from + 1..top.len()).find(|at| is_side(&top[*at])).filter(|at| top[*at] == end) else {
                continue;
            };
            let inside = lines[y + 1..].iter().take_while(|line| line.get(from) == Some(&side));
            let inside: Vec<Vec<char>> =
                inside.filter_map(|line| line.get(from + 1..to).map(<[char]>::to_vec)).collect();
            if !inside.iter().flatten().any(is_side) {
                panels.push(Panel { title: top[from + 1..to].iter().collect(), lines: inside });
            }
        }
    }
    panels
}

/// Blank columns that a cut value of a panel could have had.
fn wasted(panel: &Panel) -> Option<String> {
    let shown: Vec<&Vec<char>> = panel.lines.iter().filter(|line| line.iter().any(|c| *c != ' ')).collect();
    let cut: Vec<String> =
        shown.iter().filter(|line| line.contains(&'…')).map(|line| line.iter().collect::<String>()).collect();
    // A title gives the columns of its rule to a note, all but one.
    let rule = panel.title.chars().filter(|c| "─━".contains(*c)).count();
    let name = panel.title.split(['─', '━']).next().unwrap_or_default().trim();
    // What is loading, and keys that go on, end in one of their own.
    let is_cut = panel.title.trim_end().ends_with('…') || name.ends_with('…') && !name.ends_with(" …");
    if is_cut && rule > 3 {
        return Some(format!("{rule} columns of the rule beside a title that is cut"));
    }
    let width = shown.iter().map(|line| line.len()).max()?;
    let is_blank = |at: &usize| shown.iter().all(|line| line.get(*at).is_none_or(|c| *c == ' '));
    let mut at = GAP;
    while at < width && !cut.is_empty() {
        let blank = (at..width).take_while(is_blank).count();
        let needed = if at + blank == width { MARGIN } else { GAP };
        // One column of them may be what a tree draws its branches in.
        let is_steady = steady(panel).contains(&at) && at + blank <= steady(panel).end;
        if !is_steady && (blank > needed + 1 || blank > needed && at + blank == width) {
            return Some(format!("{blank} blank columns at {at} beside {cut:#?}"));
        }
        at += blank.max(1);
    }
    None
}

/// Golden frames by their names; those of styles and of ASCII are of the same frames.
fn frames() -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/workbench");
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut frames: Vec<(String, String)> = files
        .filter_map(|path| {
            let name = path.file_stem()?.to_str()?.to_owned();
            let (_, frame) =
                fs::read_to_string(&path).unwrap().split_once("\n---\n").map(|(a, b)| (a.len(), b.to_owned()))?;
            (!name.ends_with("-styles") && !name.ends_with("-ascii")).then_some((name, frame))
        })
        .collect();
    frames.sort();
    frames
}

#[test]
fn no_golden_frame_cuts_a_value_beside_blank_columns() {
    let frames = frames();
    assert!(frames.len() > 200, "{} frames", frames.len());
    let mut seen = [false; RIGHT.len()];
    let mut found = Vec::new();
    let mut panels_seen = 0;
    for (name, frame) in &frames {
        for panel in panels(frame) {
            panels_seen += 1;
            let Some(what) = wasted(&panel) else { continue };
            let right =
                RIGHT.iter().position(|(frame, title, _)| name.starts_with(frame) && panel.title.contains(title));
            match right {
                Some(at) => seen[at] = true,
                None => found.push(format!("{name}, {}: {what}", panel.title)),
            }
        }
    }
    assert!(panels_seen > 2 * frames.len(), "{panels_seen} panels in {} frames", frames.len());
    assert!(found.is_empty(), "{} cuts:\n{}", found.len(), found.join("\n"));
    assert!(seen.iter().all(|seen| *seen), "an exception that is not needed any more: {seen:?}");
}

#[test]
fn a_cut_beside_blank_columns_is_found() {
    let frame = |rows: &[&str]| {
        let mut frame = "┏ nodes ━━━━━━━━━━━━┓\n".to_owned();
        rows.iter().for_each(|row| frame += &format!("┃{row:<19}┃\n"));
        frame + "┗━━━━━━━━━━━━━━━━━━━┛\n"
    };
    let wasted = |rows: &[&str]| panels(&frame(rows)).iter().find_map(wasted);
    assert_eq!(wasted(&["  gpu-00001  ready", "  gpu-00…01  ready"]), None);
    assert_eq!(wasted(&["  gpu-00001       ", "  gpu-00002"]), None, "nothing is cut");
    assert!(wasted(&["  gpu-0…01   ready", "  gpu-02"]).is_none(), "one column more than the gap");
    assert!(wasted(&["  gpu-0…1    ready", "  gpu-02"]).is_some());
    assert!(wasted(&["  gpu-0…1  ready", "  gpu-02"]).is_some(), "before the border");
    // Columns that do not move have their width, and others are judged as before.
    assert_eq!(wasted(&["  N  STATE  TIME  R", "  a  ok      3 s  …"]), None);
    assert!(wasted(&["  N         TIME  R", "  a          3 s  …"]).is_some());
    let title = "┏ a long tit… ━━━━━ note ┓\n┃ x                      ┃\n┗━┛\n";
    assert!(panels(title).iter().find_map(self::wasted).is_some());
}
