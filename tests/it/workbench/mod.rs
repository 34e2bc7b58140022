//! The workbench without a terminal: frames, keys and messages against the demo cluster's own data.

mod borders;
mod cluster;
mod contexts;
mod cuts;
mod deploy;
mod desk;
mod diffing;
mod ease;
mod finding;
mod first_minute;
mod fleet;
mod history;
mod keeping;
mod keys;
mod links;
mod live_checks;
mod news;
mod read_only;
mod recipes;
mod recording;
mod runs;
mod screens;
mod so_far;
mod time;
mod truth;
mod upgrades;
