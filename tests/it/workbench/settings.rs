//! Preferences that are set while the workbench runs, and what cannot be done now.

use super::{
    desk::{Desk, later, reconnecting, run_half_way, snapshot},
    screens::all_golden,
};
use aicr::{
    cluster::watch::LiveStatus,
    inventory::Inventory,
    ops::{self, connect::Target},
    validate::event::Body,
    workbench::{
        Look, RunOptions, Screen,
        effect::Effect,
        keymap::{Action, BINDINGS},
        msg::Msg,
        overlay::{COMMANDS, Choice},
        panes::{LOG, NODES},
        preferences::{self, Origin, Preferences, file::Chosen},
        times::Times,
    },
};

#[test]
fn preferences_are_listed_with_who_set_them_and_set_until_the_session_ends() {
    let file = "start-screen = \"recipe\"\nclipboard = \"osc52\"\n[keys]\npreset = \"vim\"\n";
    let read = Preferences::read(Some(("/etc/aicr/config.toml", file)), &|_| None);
    let options = RunOptions { preferences: Some(Box::new(read)), ..RunOptions::default() };
    let mut desk = Desk::started(&options, 80, 24);
    desk.command("set hints off");
    desk.shows("hints: off, until this session ends");
    desk.command("set times delta");
    desk.command("set");
    let mut frames = vec![("preferences-80x24".to_owned(), desk.text())];
    desk.keys("Enter");
    desk.shows("set theme light");
    desk.keys("Esc");
    desk.command("set times delta");
    desk.shows("times is delta already (this session)");
    desk.command("set linear on");
    desk.shows("`linear` only decides how a session starts; set it in /etc/aicr");
    desk.command("set hint off");
    desk.shows("unknown preference `hint`; did you mean hints?");
    desk.command("set times soon");
    desk.shows("`times` cannot be `soon`; there are: time, date, relative, delta, off");
    desk.command("set theme dusk");
    desk.shows("unknown theme `dusk`");
    let mut desk = Desk::live(120, 40);
    desk.command("set");
    frames.push(("preferences-120x40".to_owned(), desk.text()));
    desk.keys("Esc");
    desk.command("theme light");
    let theme = desk.state.desk.preferences.value(&preferences::THEME);
    assert_eq!((theme.text.as_str(), &theme.origin), ("light", &Origin::Session));
    all_golden(frames);
}

/// Every value that may be chosen can be read, and a row is one whichever of its lines has the cursor.
#[test]
fn values_of_preferences_go_on_below_where_they_have_no_room() {
    for (width, height) in [(80, 24), (120, 40), (200, 60)] {
        let mut desk = Desk::live(width, height);
        desk.command("set");
        let text = desk.text();
        for theme in desk.state.desk.themes.names() {
            assert!(text.contains(&theme), "{theme} at {width}:\n{text}");
        }
        assert!(!text.lines().skip(2).take(7).any(|line| line.contains('…')), "{text}");
        let overlay = desk.state.desk.overlay.as_ref().unwrap();
        let rows = &overlay.table.content.rows;
        assert_eq!(rows.iter().any(|row| row.continues), width == 80, "{text}");
        if width == 80 {
            desk.keys("j");
            assert_eq!(desk.state.desk.overlay.as_ref().unwrap().choice(), Some(&Choice::Take("set theme ".into())));
        }
    }
}

/// What would be refused is not offered: in the list and in the palette.
#[test]
fn a_session_that_only_reads_does_not_offer_to_end_that() {
    let options = RunOptions { read_only: true, read_only_by: Some("AICR_READ_ONLY".into()), ..RunOptions::default() };
    let mut desk = Desk::started(&options, 120, 40);
    desk.command("set");
    let text = desk.text();
    let held = |line: &&str| line.contains("holds until this session ends");
    let line = text.lines().find(held).unwrap_or_else(|| panic!("{text}")).to_owned();
    assert!(line.contains("read-only") && line.contains(" on "), "{line}");
    desk.keys("Esc :");
    desk.type_text("set read-only ");
    assert!(!desk.text().contains("set read-only off"), "{}", desk.text());
    desk.keys("Esc :");
    desk.type_text("set ");
    assert!(!desk.text().contains("set read-only"), "{}", desk.text());
    desk.keys("Esc");
    desk.command("set read-only off");
    desk.shows("start without AICR_READ_ONLY");
    let mut desk = Desk::live(120, 40);
    desk.keys(":");
    desk.type_text("set read-only ");
    desk.shows("set read-only on");
}

#[test]
fn a_preference_counts_at_once_and_the_file_does_not_take_it_back() {
    let mut desk = Desk::live(80, 24);
    desk.shows(": cmd");
    desk.command("set hints off");
    assert!(!desk.text().contains(": cmd"), "{}", desk.text());
    let (_, area) = *desk.state.desk.layout.panels.last().unwrap();
    assert_eq!(area.bottom(), 23, "the line is the panels'");
    // What is typed is seen, and what a first key goes on with.
    desk.keys("/");
    desk.type_text("worker");
    desk.shows("/worker");
    desk.keys("Esc g");
    desk.shows("n  the nodes");
    desk.keys("Esc");
    desk.command("set ascii on");
    assert!(desk.text().is_ascii());
    desk.command("set noascii");
    desk.command("set read-only");
    desk.shows("read-only");
    desk.command("set read-only off");
    desk.shows("start without");
    assert!(desk.state.model.read_only);
    let counts = desk.state.desk.preferences.clone();
    let file = Some(("config.toml", "hints = true\nwrap = true\n"));
    let fresh = Preferences::read(file, &|_| None).with_flags_of(&counts);
    assert_eq!((fresh.text(&preferences::HINTS), fresh.text(&preferences::WRAP)), ("false", "true"));
}

#[test]
fn lines_wrap_where_that_is_preferred() {
    let mut desk = Desk::live(80, 24);
    run_half_way(&mut desk);
    desk.keys("4 j j j j j j g l");
    desk.shows("wrap off");
    desk.command("set wrap");
    desk.shows("wrap on");
    desk.keys("1 Y");
    let cut = |desk: &mut Desk| desk.text().lines().skip(3).take(16).filter(|line| line.contains('…')).count();
    assert_eq!(cut(&mut desk), 0, "{}", desk.text());
    desk.keys("w Esc");
    desk.command("set nowrap");
    desk.keys("4");
    desk.shows("wrap off");
    let read = Preferences::read(Some(("config.toml", "wrap = true\n")), &|_| None);
    let options = RunOptions { preferences: Some(Box::new(read)), ..RunOptions::default() };
    assert!(Desk::started(&options, 80, 24).state.desk.table(&LOG).wide);
}

#[test]
fn names_and_values_of_preferences_are_completed() {
    let mut desk = Desk::live(120, 40);
    desk.keys(":");
    desk.type_text("set ti");
    desk.shows("time now; what is before each line of a log");
    desk.keys("Tab");
    desk.type_text("de");
    desk.keys("Tab Enter");
    assert_eq!(desk.state.desk.times, Times::Delta);
    desk.keys(":");
    desk.type_text("set times ");
    desk.shows("as it is now");
    desk.keys("Esc :");
    desk.type_text("set ");
    assert!(!desk.text().contains("start-screen"), "{}", desk.text());
}

/// `t` goes through all that may be before a line.
#[test]
fn times_of_a_log_are_of_day_of_its_phase_or_of_the_line_before() {
    let mut frames = Vec::new();
    let mut desk = Desk::live(120, 40);
    run_half_way(&mut desk);
    for (at, text) in [(3_900, "first"), (3_913, "second"), (66_000, "third")] {
        desk.run(at, Body::Log { check: "dra-support".into(), text: text.into(), source: String::new() });
    }
    desk.keys("4 j j j j j j g l z z");
    for times in ["date", "relative", "delta", "off", "time"] {
        desk.keys("t");
        assert_eq!(desk.state.desk.times.word(), times);
        frames.push((format!("log-times-{times}-120x40"), desk.text()));
    }
    desk.shows("09:12:03.913");
    desk.command("set times delta");
    desk.shows("+0.013  second");
    desk.shows("+1:02.087  third");
    all_golden(frames);
}

/// Each row of the palette that says why it cannot be done says it in the words of its key.
#[test]
fn what_cannot_be_done_now_says_why_in_the_palette_and_when_it_is_pressed() {
    let mut checked = std::collections::BTreeSet::new();
    let mut check = |why: &str, desk: &mut Desk| {
        for screen in Screen::ALL {
            desk.state.desk.show(screen);
            desk.state.prepare();
            desk.keys(":");
            let rows = desk.state.desk.overlay.as_ref().unwrap().table.content.rows.clone();
            desk.keys("Esc");
            for row in rows {
                // The row under the cursor goes on below itself.
                let Some(about) = row.cells.get(1).map(|cell| cell.plain().into_owned()) else { continue };
                let Some(said) = about.strip_prefix("not now: ") else { continue };
                let mut state = desk.state.clone();
                state.model.messages.clear();
                let (name, effects) = match row.id {
                    Choice::Act(action) => (format!("{action:?}"), state.update(Msg::Act(action))),
                    Choice::Run(line) => (line.clone(), state.update(Msg::Command(line))),
                    Choice::Take(line) => {
                        let line = line + "10";
                        (line.clone(), state.update(Msg::Command(line)))
                    }
                    _ => panic!("{why}: {about}"),
                };
                assert_eq!(state.model.messages.back().map(|newest| newest.text.as_str()), Some(said), "{why}: {name}");
                assert!(effects.is_empty(), "{why}: {name}: {effects:?}");
                checked.insert(name);
            }
        }
    };
    check("nothing", &mut Desk::started(&RunOptions::default(), 120, 40));
    check("live", &mut Desk::live(120, 40));
    let mut desk = Desk::live(120, 40);
    run_half_way(&mut desk);
    check("a run", &mut desk);
    let options = RunOptions {
        read_only: true,
        target: Target::Demo(Default::default()),
        criteria: Desk::live(80, 24).state.model.stated.clone(),
        ..RunOptions::default()
    };
    let mut desk = Desk::started(&options, 120, 40);
    desk.view(LiveStatus::Fresh, Some(snapshot()));
    check("read-only", &mut desk);
    assert!(checked.len() > 18, "{checked:?}");
    // What can be done is not among them.
    let live = Desk::live(120, 40).state;
    let on_cluster: Vec<&str> = BINDINGS
        .iter()
        .filter(|binding| binding.acts_on(Screen::Cluster) && live.unable(binding.action).is_some())
        .map(|binding| binding.name)
        .collect();
    assert_eq!(on_cluster, ["step-on", "step-back"], "no snapshot is kept");
    let commands = COMMANDS.iter().map(|(word, ..)| *word).filter(|word| live.unable_command(word).is_some());
    assert_eq!(
        commands.collect::<Vec<_>>(),
        ["patch", "merge", "since", "level", "sources", "around", "previous", "report", "save-report", "speed"]
    );
}

#[test]
fn the_palette_dims_what_cannot_be_done_and_says_why() {
    let frames = [(80, 24), (120, 40)].map(|(width, height)| {
        let mut desk = Desk::live_with(width, height, Look::default());
        desk.keys("4 :");
        desk.type_text("ca");
        (format!("palette-unable-{width}x{height}"), desk.text())
    });
    all_golden(frames);
}

/// News keep coming while the view stands still, and are shown at once afterwards.
#[test]
fn a_paused_view_stands_still_and_shows_what_came_when_it_goes_on() {
    let mut desk = Desk::live(120, 40);
    let nodes = |desk: &mut Desk| {
        desk.text();
        desk.state.desk.table(&NODES).content.rows.iter().map(|row| row.plain()).collect::<Vec<_>>()
    };
    let before = nodes(&mut desk);
    desk.keys("p");
    desk.shows("paused: the cluster is still watched");
    desk.view(LiveStatus::Fresh, Some(later()));
    desk.view(LiveStatus::Fresh, None);
    assert_eq!(nodes(&mut desk), before);
    desk.shows("paused, 1 update");
    let paused = desk.text();
    assert!(paused.lines().next().unwrap().contains("DEMO paused"), "{paused}");
    // The recipe follows from what is shown.
    desk.keys("2");
    desk.shows("paused, 1 update");
    // A connection that is lost is known at once.
    desk.view(reconnecting(3, 4), None);
    desk.shows("RECONNECTING 3");
    desk.view(LiveStatus::Fresh, None);
    desk.keys("1 p");
    desk.shows("the view follows the cluster again");
    assert_ne!(nodes(&mut desk), before);
    assert!(!desk.text().contains("paused"), "{}", desk.text());
    // The watch says how it stands with what it has; that is no update.
    desk.keys("p");
    let shown = desk.state.model.cluster.snapshot.clone();
    desk.view(reconnecting(1, 1), shown);
    assert!(!desk.text().contains("1 update"), "{}", desk.text());
    desk.keys("p");
    desk.shows("nothing came meanwhile");
    desk.view(LiveStatus::Fresh, None);
    // Reading everything again shows it.
    desk.keys("p R");
    assert!(desk.state.model.cluster.paused.is_none());
    // On Validate the key is of a run.
    desk.keys("4 p");
    desk.shows("no run is active");
    let mut nothing = Desk::started(&RunOptions::default(), 120, 40);
    nothing.act(Action::Pause);
    nothing.shows("no cluster is shown yet");
    all_golden([("paused-120x40".to_owned(), paused)]);
}

/// In a protected context a run begins when its name was typed, and with nothing else.
#[test]
fn a_protected_context_is_changed_only_after_its_name_was_typed() {
    let read = Preferences::read(Some(("config.toml", "protect = [\"de*\"]\n")), &|_| None);
    let options = RunOptions {
        preferences: Some(Box::new(read)),
        target: Target::Demo(Default::default()),
        criteria: Desk::live(80, 24).state.model.stated.clone(),
        ..RunOptions::default()
    };
    let mut frames = Vec::new();
    for (width, height) in [(80, 24), (120, 40)] {
        let mut desk = Desk::started(&options, width, height);
        desk.update(Msg::Connected { generation: 1, context: "demo".into(), server: "demo".into() });
        desk.view(LiveStatus::Fresh, Some(snapshot()));
        desk.keys("4 r");
        let Some(Effect::Plan { generation, catalog, recipe, .. }) = desk.left.pop() else { panic!("{:?}", desk.left) };
        let mut run = ops::run::RunOptions::default();
        run.plan.run_id = "20260114-091200-00c0ffee00c0ffee".into();
        run.plan.image = "aicr/check:0.1.0".into();
        let (recipe, snapshot) = (recipe.recipe.clone(), Inventory::clone(&snapshot()));
        let prepared = ops::run::prepare(&catalog, recipe, "recipe", snapshot, &run).unwrap();
        desk.update(Msg::Planned { generation, answer: Ok(prepared.into()) });
        frames.push((format!("protected-{width}x{height}"), desk.text()));
        desk.shows("`demo` is protected: type its name, then Enter, to run.");
        desk.keys("Enter");
        desk.type_text("dem");
        desk.keys("Enter");
        desk.shows("not done yet: the name of the context is `demo`");
        assert!(desk.left.is_empty(), "{:?}", desk.left);
        desk.type_text("o");
        desk.keys("Enter");
        assert!(matches!(desk.left[..], [Effect::Run(_)]), "{:?}", desk.left);
        desk.command("set protect none");
        desk.shows("`protect` is not lifted by a slip");
    }
    all_golden(frames);
}

/// Who types names has no keys, also after another preset was chosen.
#[test]
fn keys_of_another_preset_stay_names_where_names_are_typed() {
    let mut desk = Desk::live(80, 24);
    let prefer = |desk: &mut Desk| {
        let preferences = Preferences::read(Some(("config.toml", "[keys]\npreset = \"emacs\"\n")), &|_| None);
        let (chosen, themes) = (Box::new(Chosen::of(&preferences)), desk.state.desk.themes.clone());
        let preferences = Box::new(preferences);
        desk.update(Msg::Preferences { chosen, preferences, themes, changed: vec![preferences::KEYS] });
        desk.state.desk.keys.key(Action::Export)
    };
    assert_eq!(prefer(&mut desk), "Ctrl-X Ctrl-S");
    desk.state.desk.keys = desk.state.desk.keys.clone().by_name();
    assert_eq!(prefer(&mut desk), "`export`");
}
