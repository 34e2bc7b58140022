//! Reusable parts of the view: text that fits, boxes, windowed tables. They draw what is visible and know no data.

pub mod apart;
pub mod bar;
pub mod canvas;
mod cell;
mod common;
pub mod curve;
pub mod filter;
pub mod kept;
pub mod marks;
mod meant;
mod paint;
pub mod recent;
pub mod rows;
pub mod spread;
mod states;
pub mod table;
pub mod text;
mod whole;
mod widths;
pub mod wrap;
