//! Any text as a snapshot, a recipe, a configuration, a provider's list and a document to convert; and what reads as a snapshot or recipe
//! survives being written and read again, in every edition that it has a form in.
#![no_main]

use aicr::{
    document::{convert::convert, header::Edition},
    snapshot::provider::{self, Dump},
};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Err(findings) = aicr::config::read(text, |_| None) {
        assert!(!findings.is_empty(), "what is refused says why");
    }
    for dump in Dump::ALL {
        let _ = provider::read(dump, text);
    }
    for (_, edition) in Edition::WRITTEN {
        if let Ok(converted) = convert(text, edition) {
            let again = convert(&converted.text, edition).expect("what is converted can be converted");
            assert_eq!(converted.text, again.text);
        }
        if let Ok(snapshot) = aicr::snapshot::format::read(text) {
            let written = aicr::yaml::to_string(&aicr::snapshot::format::to_value(&snapshot, edition));
            let again = aicr::snapshot::format::read(&written).expect("what we write, we read");
            assert_eq!(written, aicr::yaml::to_string(&aicr::snapshot::format::to_value(&again, edition)));
        }
        if let Ok(recipe) = aicr::recipe::format::read(text)
            && let Ok(written) = aicr::recipe::format::to_yaml(&recipe, edition)
        {
            let again = aicr::recipe::format::read(&written).expect("what we write, we read");
            assert_eq!(Ok(written), aicr::recipe::format::to_yaml(&again, edition));
        }
    }
});
