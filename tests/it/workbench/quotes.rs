//! Names of files with spaces, as a shell takes them.

use super::{
    desk::{Desk, snapshot},
    screens::golden,
};
use aicr::{
    cluster::watch::LiveStatus,
    ops::{connect::Target, demo::DemoOptions},
    workbench::{RunOptions, effect::Effect, model::With, msg::Msg, overlay::Files},
};
use std::path::Path;

/// Where the typed line and the other rows of the palette are.
fn rows(desk: &mut Desk) -> Vec<String> {
    let overlay = desk.state.desk.overlay.as_ref().expect("the palette");
    overlay.table.content.rows.iter().map(|row| row.cells[0].plain().into_owned()).collect()
}

#[test]
fn a_name_with_spaces_is_one_argument() {
    let mut desk = Desk::live(120, 40);
    for (line, left, right) in [
        ("diff 'my recipe.yaml' other.yaml", "my recipe.yaml", "other.yaml"),
        (r"diff my\ recipe.yaml other.yaml", "my recipe.yaml", "other.yaml"),
        (r#"diff a.yaml "my \"own\" recipe.yaml""#, "a.yaml", r#"my "own" recipe.yaml"#),
    ] {
        desk.command(line);
        assert_eq!(desk.state.model.diff.with, Some(With::Each(left.into(), right.into())), "{line}");
        // A link opens the same.
        assert!(
            desk.state.link().contains(r"--go 'diff ") && desk.state.link().contains(r"\ "),
            "{}",
            desk.state.link()
        );
    }
    desk.command("diff 'my recipe.yaml'");
    assert_eq!(desk.state.model.diff.with, Some(With::File("my recipe.yaml".into())));
    let reads = |desk: &mut Desk, line: &str| {
        desk.left.clear();
        desk.command(line);
        let paths = desk.left.iter().filter_map(|effect| match effect {
            Effect::ReadSnapshot { path, .. } => Some(path.display().to_string()),
            _ => None,
        });
        paths.collect::<Vec<_>>()
    };
    assert_eq!(reads(&mut desk, r"compare 'a b.yaml' c\ d.yaml"), ["a b.yaml", "c d.yaml"]);
    // Of a command that takes one file, a name needs no quotes.
    for line in ["open a b.yaml", "open 'a b.yaml'", r"open a\ b.yaml", "source \"a b.yaml\""] {
        assert_eq!(reads(&mut desk, line), ["a b.yaml"], "{line}");
    }
    desk.command("save 'my cluster.yaml'");
    let saves = |effect: &Effect| matches!(effect, Effect::Save { path, .. } if path == Path::new("my cluster.yaml"));
    assert!(desk.left.iter().any(saves), "{:?}", desk.left);
    // Where a name is no file, quotes are a part of it.
    desk.command("filter 'my");
    assert!(!desk.text().contains("missing closing"));
}

/// What is typed stays, with the place at which it is wrong.
#[test]
fn a_quote_that_does_not_end_is_marked_and_stays_in_its_field() {
    let mut desk = Desk::live(80, 24);
    desk.command("diff 'my recipe.yaml");
    desk.shows("✗ missing closing ' for the one at column 6");
    golden("palette-quote-80x24", &desk.text());
    assert!(desk.state.model.diff.with.is_none());
    desk.type_text("'");
    desk.keys("Enter");
    assert_eq!(desk.state.model.diff.with, Some(With::File("my recipe.yaml".into())));
    // Where there is no field, it is said.
    let options = RunOptions {
        target: Target::Demo(DemoOptions::default()),
        go: vec![r"diff a\".into()],
        ..RunOptions::default()
    };
    let mut desk = Desk::started(&options, 120, 40);
    desk.update(Msg::Connected { generation: 1, context: "demo".into(), server: "demo".into() });
    desk.view(LiveStatus::Fresh, Some(snapshot()));
    desk.shows(r"missing character after `\` at column 7: diff a\");
}

#[test]
fn a_completed_name_is_typed_so_that_it_is_one_argument() {
    let mut desk = Desk::live(120, 40);
    let names = vec!["a plain one.yaml".into(), "it's mine/".into()];
    desk.keys(":");
    desk.type_text("compare now.yaml a");
    desk.update(Msg::Files(Files { folder: String::new(), names }));
    assert_eq!(rows(&mut desk)[1], r"compare now.yaml a\ plain\ one.yaml");
    desk.keys("Down Tab");
    let typed = |desk: &Desk| desk.state.desk.overlay.as_ref().unwrap().field.as_ref().unwrap().text.clone();
    assert_eq!(typed(&desk), r"compare now.yaml a\ plain\ one.yaml ");
    // What is typed otherwise is completed as well, and the folder is gone into.
    desk.keys("Esc :");
    desk.type_text("open 'it");
    desk.left.clear();
    desk.keys("Down Tab");
    assert_eq!(typed(&desk), r"open it\'s\ mine/");
    assert!(matches!(&desk.left[..], [.., Effect::ListFiles(folder)] if folder == "it's mine/"), "{:?}", desk.left);
    desk.update(Msg::Files(Files { folder: "it's mine/".into(), names: vec!["b.yaml".into()] }));
    assert_eq!(rows(&mut desk)[1], r"open it\'s\ mine/b.yaml");
    desk.left.clear();
    desk.keys("Down Enter");
    let reads =
        |effect: &Effect| matches!(effect, Effect::ReadSnapshot { path, .. } if path == Path::new("it's mine/b.yaml"));
    assert!(desk.left.iter().any(reads), "{:?}", desk.left);
}
