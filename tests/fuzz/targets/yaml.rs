//! Any text: parsing ends, and what parsed survives being written and read again.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let Ok(node) = aicr::yaml::parse(text) else { return };
    let written = aicr::yaml::to_string(&node.to_value());
    let again = aicr::yaml::parse(&written).expect("what we write, we read").to_value();
    // Text, not values: Go writes the float 9.0 as `9`, which reads as an integer.
    assert_eq!(written, aicr::yaml::to_string(&again));
});
