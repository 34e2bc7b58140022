//! The palette does what is typed, filters mean what they say, and what was found can be gone through.

use super::{
    desk::Desk,
    screens::{STATES, golden},
};
use aicr::{
    criteria::Criteria,
    workbench::{
        Look, Screen,
        effect::Effect,
        msg::Msg,
        overlay::{COMMANDS, Files},
        panes::{self, NODES, VALUES},
        theme::Role,
        widgets::table::Identity as _,
    },
};

/// Only what a person named is done: the rest has to be chosen.
#[test]
fn what_only_resembles_a_command_is_not_done() {
    for (line, screen) in
        [("stepwise", "2"), ("sets wrap", "2"), ("pods", "2"), ("stop", "1"), ("light", "1"), ("rcpe", "1")]
    {
        let mut desk = Desk::live(120, 40);
        desk.keys(screen);
        let before = (desk.state.desk.screen, desk.state.desk.focused(), desk.state.model.stated.clone());
        desk.keys(":");
        desk.type_text(line);
        desk.shows("is not a command");
        desk.keys("Enter");
        let word = line.split(' ').next().unwrap();
        desk.shows(&format!("unknown command `{word}`"));
        let after = (desk.state.desk.screen, desk.state.desk.focused(), desk.state.model.stated.clone());
        assert_eq!(before, after, "{line}");
        assert!(desk.left.is_empty(), "{line}: {:?}", desk.left);
    }
    let mut desk = Desk::live(120, 40);
    desk.keys(":");
    desk.type_text("rcpe");
    desk.keys("Down Up Enter");
    assert!(desk.state.desk.overlay.is_some() || desk.state.desk.screen == Screen::Recipe, "chosen, it is done");
}

#[test]
fn names_prefixes_and_parts_of_paths_are_done_at_once() {
    let mut desk = Desk::live(120, 40);
    desk.command("screen-rec");
    assert_eq!(desk.state.desk.screen, Screen::Recipe);
    desk.command("driver.enabled");
    let row = desk.state.desk.table(&VALUES).row().map(|row| row.plain()).unwrap_or_default();
    assert!(row.contains("enabled"), "{row}");
    desk.command("3");
    assert_eq!(desk.state.desk.table(&VALUES).cursor, 2, "a number is a row");
}

/// What is typed into the field of a filter, while it is open.
fn field(desk: &Desk) -> Option<&str> {
    desk.state.desk.filter.as_ref().map(|field| &*field.text)
}

#[test]
fn old_filters_are_found_from_their_field_by_some_of_their_letters() {
    let mut desk = Desk::live(120, 40);
    desk.keys("/");
    assert!(!desk.text().contains("finds old ones"), "there are none");
    desk.keys("Ctrl-R");
    desk.shows("no filter to find yet: Enter keeps one, `:save-filter NAME` saves one");
    assert_eq!(field(&desk), Some(""), "the field is still open");
    for filter in ["worker", "name=worker-2", "!gpu", "state=ready"] {
        desk.keys("Ctrl-U");
        desk.type_text(filter);
        desk.keys("Enter /");
    }
    desk.keys("Esc");
    desk.command("save-filter gpus gpu=a100");
    desk.command("save-filter workers worker");

    // Those with a name come first, each line once; the newest of the others is at their top.
    desk.keys("/");
    desk.shows("Esc clears, Ctrl-R finds old ones");
    desk.keys("Ctrl-R");
    let overlay = desk.state.desk.overlay.as_ref().unwrap();
    let rows: Vec<String> = overlay.table.content.rows.iter().map(|row| row.plain()).collect();
    let rows: Vec<&str> = rows.iter().map(|row| row.trim_end()).collect();
    assert_eq!(rows, ["gpu=a100  @gpus", "worker  @workers", "state=ready", "!gpu", "name=worker-2"]);
    golden("recall-filters-80x24", &{
        (desk.state.desk.width, desk.state.desk.height) = (80, 24);
        desk.text()
    });
    desk.type_text("nmwk2");
    desk.keys("Enter");
    assert_eq!(field(&desk), Some("name=worker-2"));
    assert_eq!(desk.state.desk.table(&NODES).filter, "name=worker-2");
    desk.keys("Enter");
    assert_eq!((field(&desk), desk.state.desk.table(&NODES).visible.len()), (None, 1));

    // A saved one is found by its name as well; what is taken can be changed.
    desk.keys("/ Ctrl-U Ctrl-R");
    desk.type_text("@gp");
    desk.keys("Enter");
    assert_eq!(field(&desk), Some("gpu=a100"));
    // What is typed already is looked for; once more is the next one.
    desk.keys("Ctrl-U");
    desk.type_text("worker");
    desk.keys("Ctrl-R Ctrl-R Enter");
    assert_eq!(field(&desk), Some("name=worker-2"));
}

#[test]
fn the_field_is_as_it_was_where_no_old_filter_is_taken() {
    let mut desk = Desk::live(120, 40);
    desk.keys("/");
    desk.type_text("worker");
    desk.keys("Enter / Ctrl-U");
    desk.type_text("maste");
    desk.keys("Left Ctrl-R");
    // Nothing is found by what was typed, so that everything is listed.
    desk.shows("filters saved, then those kept");
    desk.shows("1 match");
    desk.type_text("zzz");
    desk.shows("nothing matches `zzz`; Esc goes back");
    desk.keys("Enter");
    assert!(desk.state.desk.overlay.is_some(), "there is nothing to take");
    desk.keys("Esc");
    assert!(desk.state.desk.overlay.is_none());
    desk.type_text("X");
    assert_eq!(field(&desk), Some("mastXe"), "the cursor is where it was");
    desk.keys("Ctrl-R Ctrl-C");
    assert_eq!(field(&desk), Some("mastXe"));
}

#[test]
fn old_commands_are_found_from_the_palette() {
    let mut desk = Desk::live(120, 40);
    desk.keys(": Ctrl-R");
    desk.shows("no command to find yet");
    desk.keys("Esc");
    desk.command("theme light");
    desk.command("node worker-2");
    desk.command("theme dark");
    desk.keys(":");
    desk.shows("Ctrl-R old ones");
    desk.type_text("recipe serv");
    desk.keys("Left Ctrl-R");
    desk.shows("commands given");
    desk.keys("Esc");
    let typed = desk.state.desk.overlay.as_ref().and_then(|palette| palette.field.clone()).unwrap();
    assert_eq!((&*typed.text, typed.cursor), ("recipe serv", 10), "as it was");
    desk.keys("Ctrl-U Ctrl-R");
    desk.type_text("wkr");
    desk.keys("Enter");
    assert_eq!(
        desk.state.desk.overlay.as_ref().and_then(|palette| palette.field.as_ref()).unwrap().text,
        "node worker-2"
    );
    desk.keys("Enter");
    let selected = desk.state.desk.table(&NODES).selected.as_ref().map(|row| row.name().to_owned());
    assert_eq!(selected.as_deref(), Some("worker-2"));
}

/// A node says more than its columns; what nothing here is called is not sought in silence.
#[test]
fn nodes_are_found_by_their_labels_and_readings() {
    let mut desk = Desk::live(120, 40);
    let mut left = |filter: &str| {
        desk.command(&format!("filter {filter}"));
        desk.text();
        let table = desk.state.desk.table(&NODES);
        table.visible.iter().map(|index| table.content.rows[*index].id.name().to_owned()).collect::<Vec<_>>()
    };
    let gpu = "instance-20260602-102458";
    assert_eq!(left("kubernetes.io/hostname=worker-2"), ["worker-2"]);
    assert_eq!(left("nvidia.com/gpu.count=1"), [gpu], "1 is not in 16");
    assert_eq!(left("nvidia.com/gpu.memory>=1000"), [gpu]);
    assert_eq!(left("gpu-count>1"), [""; 0]);
    assert_eq!(left("!nvidia.com/gpu.count=1 name=worker").len(), 3);
    assert_eq!(left("nvidia.com/gpu.count!=1 name=worker").len(), 3);
    desk.command("filter nvidia.com/gpu.cuont=1");
    desk.shows("invalid filter: no column `nvidia.com/gpu.cuont`");
    desk.keys("Esc Esc /");
    desk.type_text("!");
    desk.shows("nothing hidden yet");
}

/// `:recipe` alone follows the cluster; a completion is taken by Tab or an arrow, never by Enter.
#[test]
fn commands_run_as_they_are_typed() {
    let mut desk = Desk::live(120, 40);
    assert!(desk.state.model.stated.is_some());
    desk.command("recipe");
    assert_eq!(desk.state.model.stated, None);
    desk.shows("the recipe follows the cluster");
    for word in COMMANDS.iter().filter(|(_, arguments, _)| !arguments.is_empty() && !arguments.starts_with('[')) {
        let mut desk = Desk::live(120, 40);
        let theme = desk.state.desk.theme.name.clone();
        desk.keys(":");
        desk.type_text(word.0);
        desk.keys("Enter Enter Enter");
        assert_eq!(desk.state.desk.theme.name, theme);
        assert!(desk.left.iter().all(|effect| matches!(effect, Effect::ListFiles(_))), "{}: {:?}", word.0, desk.left);
        assert_eq!(desk.state.model.diff.with, None, "{}", word.0);
    }
    let mut desk = Desk::live(120, 40);
    desk.command("theme li");
    assert_eq!(desk.state.desk.theme.name, "light", "the one that begins so");
    desk.command("theme nonsense");
    desk.shows("unknown theme");
}

/// A value is found from every screen, also from one that has not shown the values yet.
#[test]
fn values_are_found_from_every_screen() {
    for screen in ["1", "3", "4", "5"] {
        let mut desk = Desk::live(120, 40);
        desk.keys(screen);
        desk.command("driver.enabled");
        let row = desk.state.desk.table(&VALUES).row().map(|row| row.plain()).unwrap_or_default();
        assert!(desk.state.desk.focused() == &VALUES && row.contains("enabled"), "{screen}: {row}");
    }
}

#[test]
fn every_argument_is_completed() {
    let mut desk = Desk::live(120, 40);
    desk.keys(":");
    desk.type_text("recipe service=ek");
    desk.keys("Tab");
    // A whole pair is followed by a blank, for the next one.
    desk.type_text("accelerator=h1");
    desk.shows("recipe service=eks accelerator=h100");
    assert!(!desk.text().contains("recipe service=eks service="), "a criterion is stated once");
    desk.keys("Tab Enter");
    let expected = Criteria { service: Some("eks".into()), accelerator: Some("h100".into()), ..Criteria::default() };
    assert_eq!(desk.state.model.stated, Some(expected));
    desk.keys(":");
    desk.type_text("component gpu");
    desk.shows("component gpu-operator");
    desk.keys("Enter");
    assert_eq!(desk.state.desk.focused(), &panes::RECIPE_COMPONENTS);
    desk.keys(":");
    desk.type_text("open ");
    assert!(matches!(&desk.left[..], [.., Effect::ListFiles(folder)] if folder.is_empty()), "{:?}", desk.left);
    desk.update(Msg::Files(Files { folder: String::new(), names: vec!["friday.yaml".into(), "old/".into()] }));
    desk.shows("open friday.yaml");
    desk.type_text("old/");
    assert!(matches!(&desk.left[..], [.., Effect::ListFiles(folder)] if folder == "old/"), "{:?}", desk.left);
}

#[test]
fn the_palette_remembers_what_was_typed() {
    let mut desk = Desk::live(120, 40);
    desk.command("theme light");
    desk.command("theme dark");
    desk.keys(":");
    desk.shows("recent");
    desk.keys("Up");
    desk.shows(": theme dark");
    desk.keys("Up Enter");
    assert_eq!(desk.state.desk.theme.name, "light");
    desk.keys("/");
    desk.type_text("worker");
    desk.keys("Enter Esc / Up");
    assert_eq!(desk.state.desk.table(&NODES).filter, "worker");
}

#[test]
fn a_filter_that_cannot_be_understood_says_where_and_keeps_the_last_one() {
    let mut desk = Desk::live(120, 40);
    desk.keys("/");
    desk.type_text("worker");
    let kept = desk.state.desk.table(&NODES).visible.clone();
    assert_eq!(kept.len(), 3);
    desk.type_text(" re:[");
    desk.shows("unclosed character class");
    assert_eq!(desk.state.desk.table(&NODES).visible, kept);
    desk.keys("Ctrl-U");
    desk.type_text("kernel2>=6");
    desk.shows("no column `kernel2`; there are name, state");
    desk.keys("Ctrl-U");
    desk.type_text("driver>=580");
    let names: Vec<String> = rows(&desk);
    assert_eq!(names.len(), 1, "{names:?}");
    desk.keys("Ctrl-U");
    desk.type_text("gpu!=none");
    assert_eq!(rows(&desk), names);
}

fn rows(desk: &Desk) -> Vec<String> {
    let table = desk.state.desk.table(&NODES);
    table.visible.iter().map(|index| table.content.rows[*index].plain()).collect()
}

#[test]
fn matched_letters_are_marked() {
    let mut desk = Desk::live(120, 40);
    desk.keys("/");
    desk.type_text("worker");
    desk.keys("Enter");
    let frame = desk.frame();
    let wanted = desk.state.desk.theme.style(Role::Match);
    let marked: String = frame
        .content()
        .iter()
        .filter(|cell| {
            let style = cell.style();
            style.add_modifier.contains(wanted.add_modifier) && style.fg == wanted.fg
        })
        .map(|cell| cell.symbol())
        .collect();
    assert_eq!(marked, "workerworkerworker");
}

/// `n` and `N` go through matches, with the filter and after it, also into folded branches and in texts.
#[test]
fn matches_are_gone_through() {
    let mut desk = Desk::live(120, 40);
    desk.keys("2 /");
    desk.type_text("driver.enabled");
    desk.keys("Enter Esc z M n");
    let at = |desk: &Desk| desk.state.desk.table(&VALUES).selected.clone();
    let first = at(&desk);
    assert!(format!("{first:?}").contains("driver.enabled"), "{first:?}");
    desk.keys("n N");
    assert_eq!(at(&desk), first);
    desk.keys("Y /");
    desk.type_text("gpu-operator");
    let overlay = |desk: &Desk| desk.state.desk.overlay.as_ref().unwrap().table.row().unwrap().plain();
    assert!(overlay(&desk).contains("gpu-operator"), "{}", overlay(&desk));
    desk.keys("Enter");
    let before = desk.state.desk.overlay.as_ref().unwrap().table.cursor;
    desk.keys("n");
    let after = desk.state.desk.overlay.as_ref().unwrap().table.cursor;
    assert!(after != before && overlay(&desk).contains("gpu-operator"));
    desk.keys("N");
    assert_eq!(desk.state.desk.overlay.as_ref().unwrap().table.cursor, before);
    desk.keys("q");
    assert!(desk.state.desk.overlay.is_none());
}

/// Lines that are longer than the viewer go on below when `w` says so.
#[test]
fn texts_wrap_on_request() {
    let (_, make) = STATES[1];
    let mut desk = make(80, 24, Look::default());
    desk.keys("g d");
    let cut = desk.text().lines().skip(2).take(18).filter(|line| line.contains('…')).count();
    assert!(cut > 0, "{}", desk.text());
    desk.keys("w");
    let cut = desk.text().lines().skip(3).take(16).filter(|line| line.contains('…')).count();
    assert_eq!(cut, 0, "{}", desk.text());
    desk.keys("w");
}

/// A filter that cannot be understood is never one that seems to be in force.
#[test]
fn a_filter_that_is_not_understood_stays_in_its_field() {
    let mut desk = Desk::live(120, 40);
    desk.keys("1 / f o o > = 5 Enter");
    desk.shows("no column `foo`");
    assert!(desk.state.desk.filter.is_some(), "{}", desk.text());
    desk.keys("Esc");
    assert!(!desk.text().contains("foo"), "{}", desk.text());
    desk.command("filter worker");
    desk.command("filter re:(");
    desk.shows("invalid filter: ");
    assert_eq!(desk.state.desk.table(desk.state.desk.focused()).filter, "worker");
}

/// What says nothing yet hides nothing, so it is not kept as if it did.
#[test]
fn a_filter_that_is_not_finished_stays_in_its_field() {
    let mut desk = Desk::live(120, 40);
    for typed in ["driver>", "worker !", "state:", "re:"] {
        desk.keys("1 /");
        desk.type_text(typed);
        let word = typed.rsplit(' ').next().unwrap_or_default();
        assert!(!desk.text().contains("is not finished"), "it is being typed");
        desk.keys("Enter");
        desk.shows(&format!("`{word}` is not finished"));
        assert!(desk.state.desk.filter.is_some(), "{}", desk.text());
        desk.keys("Esc");
    }
    desk.command("filter driver>");
    desk.shows("invalid filter: `driver>` is not finished");
    assert_eq!(desk.state.desk.table(&NODES).filter, "");
    desk.keys("/");
    desk.type_text("driver>5");
    desk.keys("Enter");
    assert!(desk.state.desk.filter.is_none());
}

/// A bundle is a folder, and reports and logs go to files: they are completed as what they are.
#[test]
fn folders_are_completed_for_bundles_and_files_for_what_is_written() {
    let mut desk = Desk::live(120, 40);
    let list =
        |folder: &str| Msg::Files(Files { folder: folder.into(), names: vec!["friday.yaml".into(), "old/".into()] });
    for command in ["bundle", "deploy", "undeploy"] {
        desk.keys(":");
        desk.type_text(&format!("{command} "));
        desk.update(list(""));
        desk.shows(&format!("{command} old/"));
        assert!(!desk.text().contains("friday.yaml"), "{}", desk.text());
        desk.keys("Esc");
    }
    for command in ["save-report", "save-log"] {
        desk.keys(":");
        desk.type_text(&format!("{command} fri"));
        desk.update(list(""));
        desk.shows(&format!("{command} friday.yaml"));
        desk.keys("Esc");
    }
}

/// A bar on a row says that Enter takes it.
#[test]
fn the_palette_marks_a_row_only_where_enter_takes_it() {
    let mut desk = Desk::live(120, 40);
    let bar = |desk: &mut Desk| {
        desk.text().lines().find(|line| line.contains("│›") || line.contains("┃›")).map(str::to_owned)
    };
    desk.keys(":");
    assert_eq!(bar(&mut desk), None, "{}", desk.text());
    desk.type_text("colums");
    desk.shows("Ctrl-N chooses one of these");
    assert!(!desk.state.desk.overlay.as_ref().unwrap().takes_row());
    assert_eq!(bar(&mut desk), None, "{}", desk.text());
    desk.keys("Ctrl-N");
    let overlay = desk.state.desk.overlay.as_ref().unwrap();
    assert!(overlay.takes_row() && overlay.table.cursor == 0, "the first one");
    desk.keys("Ctrl-N");
    assert_eq!(desk.state.desk.overlay.as_ref().unwrap().table.cursor, 1);
}

#[test]
fn scattered_letters_are_not_listed_where_a_word_matches() {
    let mut desk = Desk::live(120, 40);
    desk.keys(":");
    desk.type_text("recipe");
    let overlay = desk.state.desk.overlay.as_ref().unwrap();
    let rows: Vec<String> = overlay.table.content.rows.iter().map(|row| row.plain()).collect();
    assert!(rows.iter().all(|row| row.to_lowercase().contains("recipe")), "{rows:#?}");
    assert!(rows[0].starts_with("recipe"), "{rows:#?}");
    golden("palette-recipe-120x40", &desk.text());
    // Where nothing has the letters together, they are what is looked for.
    desk.keys("Ctrl-U");
    desk.type_text("scrncmp");
    desk.shows("screen-compare");
}

/// What is cut in a row of the palette goes on below, at least of the row under the cursor.
#[test]
fn the_row_of_the_palette_under_the_cursor_is_whole() {
    let mut desk = Desk::live(120, 40);
    desk.keys("2");
    desk.keys(":");
    desk.type_text("resources.overrides.pod.resource");
    let overlay = desk.state.desk.overlay.as_ref().unwrap();
    let row = overlay.table.row().unwrap().cells[0].plain().into_owned();
    let path = row.split("  ").next().unwrap_or_default();
    assert!(path.len() > 60, "{path}");
    let text: String = desk.text().chars().filter(|c| !c.is_whitespace() && !"│┃".contains(*c)).collect();
    assert!(text.contains(path), "{path}: {}", desk.text());
}

#[test]
fn help_says_which_panels_are_left_out_first() {
    let mut desk = Desk::live(120, 40);
    desk.keys("?");
    desk.type_text("size");
    desk.shows("sizes of the frame, and which panels are left out first");
    for shown in ["200x60", "120x40", "80x24", "the first line alone, which is the last to go"] {
        desk.shows(shown);
    }
    golden("help-size-120x40", &desk.text());
}
