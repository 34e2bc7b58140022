//! Any text as a snapshot and as a recipe; and what reads as one survives being written and read again, in every edition
//! that it has a form in.
#![no_main]

use aicr::document::header::Edition;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else { return };
    for (_, edition) in Edition::WRITTEN {
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
