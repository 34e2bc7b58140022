//! Any text: parsing ends, and what parsed survives being written and read again.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let Ok(node) = aicr::yaml::parse(text) else { return };
    let value = node.to_value();
    let written = aicr::yaml::to_string(&value);
    let again = aicr::yaml::parse(&written).expect("what we write, we read").to_value();
    assert_eq!(value, again, "written as:\n{written}");
});
