//! Any text as a selector: an answer or an error with a column inside the text.
#![no_main]

use aicr::document::selector::{QueryError, parse};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Err(QueryError::Syntax { column, .. }) = parse(text) {
        assert!(column <= text.chars().count() + 1, "column {column} of {text:?}");
    }
});
