//! A walk of random keys at random sizes, for as long as is asked for: a few seconds in the suite,
//! `AICR_WALK_SECONDS=3600 cargo test --test it random_keys_at_random_sizes` for an hour.

use super::{
    desk::Desk,
    screens::{STATES, random_below},
};
use aicr::{
    cluster::watch::{LiveStatus, LiveView},
    inventory::{Fact, Inventory, Source},
    term::{input::Input, key},
    workbench::{Look, keymap, model, msg::Msg, overlay::Kind, screenshot},
};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};

/// Keys after which another state is begun with.
const KEYS: usize = 400;

/// However long they take.
const LEAST: u64 = 100;

/// Words of the first line, of which one is in every frame.
const SOURCES: [&str; 4] = ["DEMO", "REC", "SNAP", "LIVE"];

fn number(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).ok().map_or(otherwise, |text| text.parse().unwrap_or_else(|_| panic!("{name} is a number")))
}

/// What every frame has, whatever was pressed.
#[track_caller]
fn is_sound(desk: &mut Desk, at: &str) {
    let focused = desk.state.desk.focused();
    let frame = desk.frame();
    let (width, height) = (desk.state.desk.width, desk.state.desk.height);
    assert_eq!((frame.area.width, frame.area.height), (width, height), "{at}");
    let text = screenshot::symbols(&frame);
    let first = text.lines().next().unwrap_or_default();
    assert!(width < 6 || SOURCES.iter().any(|word| first.contains(word)), "{at}: no source in `{first}`");
    assert!(!frame.content().iter().any(|cell| cell.symbol().chars().any(char::is_control)), "{at}:\n{text}");
    let layout = &desk.state.desk.layout;
    assert!(layout.panels.is_empty() || layout.panel(focused).is_some(), "{at}: {focused:?} is not shown");
    let has_borders = width >= 40 && height >= 10 && desk.state.desk.overlay.is_none();
    assert!(!has_borders || text.contains('┏'), "{at}: no panel has the border of the focus\n{text}");
}

fn is_watched(desk: &Desk) -> bool {
    matches!(desk.state.model.cluster.source, model::Source::Demo | model::Source::Live)
}

/// A node of a watched cluster is cordoned, or not any more; whether there is one.
fn changes(desk: &mut Desk, random: &mut impl FnMut(usize) -> usize) -> bool {
    let cluster = &desk.state.model.cluster;
    let generation = cluster.generation;
    let Some(snapshot) = cluster.snapshot.as_ref().filter(|snapshot| !snapshot.nodes.is_empty()) else { return false };
    let mut inventory = Inventory::clone(snapshot);
    let at = random(inventory.nodes.len());
    let node = Arc::make_mut(&mut inventory.nodes[at]);
    let schedulable = node.schedulable.get() == Some(false);
    node.schedulable = Fact::known(schedulable, Source::node("spec.unschedulable"));
    let view = LiveView { inventory: Some(inventory.into()), status: LiveStatus::Fresh };
    desk.update(Msg::Live { generation, view });
    true
}

#[test]
fn random_keys_at_random_sizes_leave_every_frame_sound() {
    let mut names: Vec<&str> = keymap::BINDINGS.iter().flat_map(|binding| binding.keys).copied().collect();
    names.retain(|keys| !["q", "Ctrl-C"].contains(keys));
    names.extend(["a", "Z", "Space", "Backspace", "1", "@", "~", "|", "\""]);
    let (time, seed) = (Duration::from_secs(number("AICR_WALK_SECONDS", 4)), number("AICR_WALK_SEED", 20_260_114));
    let (begun, mut state, mut pressed) = (Instant::now(), seed, 0_u64);
    let mut random = |below: usize| random_below(&mut state, below);
    // A slow machine walks a little, too.
    let is_over = |pressed: u64| begun.elapsed() >= time && pressed >= LEAST;
    while !is_over(pressed) {
        let (name, make) = STATES[random(STATES.len())];
        let mut desk = make(100, 30, Look::default());
        for _ in 0..KEYS {
            let keys = names[random(names.len())];
            let at = format!("seed {seed}, key {pressed} ({keys}) in {name}");
            let kind = desk.state.desk.overlay.as_ref().map(|overlay| overlay.kind.clone());
            // Keys that come while panels of a change are being built are answered, too.
            if random(8) == 0 && is_watched(&desk) && changes(&mut desk, &mut random) {
                for key in key::sequence(keys).unwrap() {
                    desk.key_amid(key);
                    (0..random(3)).for_each(|_| desk.state.prepare_next());
                }
            } else {
                desk.keys(keys);
            }
            pressed += 1;
            desk.left.clear();
            if desk.state.quit {
                assert!(keys == "Enter" && kind == Some(Kind::Palette), "{at}: it leaves from {kind:?}");
                break;
            }
            if random(15) == 0 {
                let (width, height) = (1 + random(300), 1 + random(90));
                let (width, height) = (u16::try_from(width).unwrap(), u16::try_from(height).unwrap());
                desk.update(Msg::Input(Input::Resize { width, height }));
            }
            let size = format!("{at} at {}x{}", desk.state.desk.width, desk.state.desk.height);
            is_sound(&mut desk, &size);
            if is_over(pressed) {
                break;
            }
        }
    }
    println!("{pressed} keys in {} s", begun.elapsed().as_secs());
}
