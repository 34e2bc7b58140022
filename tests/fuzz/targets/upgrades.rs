//! Any text as ranges of releases (four lines: from, to, source, target) and as an upgrade record: what is read obeys the
//! order of releases, and every upgrade gets one verdict with a reason.
#![no_main]

use aicr::{
    catalog::{parse::Document, upgrades},
    constraint::{
        holds,
        range::intersect,
        release::{Release, ReleaseRange},
    },
    upgrade::{Verdict, boundary::judge},
};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let lines: Vec<&str> = text.splitn(5, '\n').collect();
    let line = |index: usize| lines.get(index).copied().unwrap_or_default();
    ranges(line(0), line(1), [line(2), line(3)]);
    // The record may be behind the four lines, or be the whole text.
    for text in [text, line(4)] {
        let Ok(document) = Document::parse(&"upgrades.yaml".into(), text) else { continue };
        match upgrades::read(&document, "x") {
            Ok(record) => {
                let judged = judge(line(2), line(3), Some(&record));
                assert_eq!(judged.verdict == Verdict::Unversioned, unversioned(line(2), line(3)));
                for transition in &record.transitions {
                    let ends = [&transition.from, &transition.to].map(|range| range.upper.as_ref());
                    for bound in ends.into_iter().flatten() {
                        judge(line(2), &shown(&bound.release), Some(&record));
                    }
                }
            }
            Err(error) => assert!(!error.to_string().is_empty()),
        }
    }
});

fn unversioned(source: &str, target: &str) -> bool {
    [source, target].iter().any(|text| Release::parse(text).is_none())
}

fn shown(release: &Release) -> String {
    let [major, minor, patch] = release.parts();
    format!("{major}.{minor}.{patch}-{}", release.pre_release())
}

fn ranges(first: &str, second: &str, releases: [&str; 2]) {
    let read = [first, second].map(ReleaseRange::parse);
    for range in read.iter().flatten() {
        assert_eq!(ReleaseRange::parse(&range.text).as_ref(), Ok(range), "what is kept reads as it was");
        for release in releases.iter().filter_map(|text| Release::parse(text)) {
            assert!(!(range.is_above(&release) && range.is_below(&release)), "{release:?} is above and below {range:?}");
        }
    }
    if let [Ok(first), Ok(second)] = &read {
        assert!(!(first.ends_before(second) && second.ends_before(first)));
        assert_eq!(first.overlaps(second), second.overlaps(first));
        for release in releases.iter().filter_map(|text| Release::parse(text)) {
            let both = first.contains(&release) && second.contains(&release);
            assert!(!both || first.overlaps(second), "{release:?} is in both, and they do not overlap");
        }
    }
    // Ranges of constraints: what both ask for is what their intersection asks for.
    if let Ok(both) = intersect(first, second) {
        for release in releases {
            if let (Ok(one), Ok(other), Ok(joined)) = (holds(first, release), holds(second, release), holds(&both, release)) {
                assert_eq!(one && other, joined, "{first:?} and {second:?} are {both:?}, and {release:?} is");
            }
        }
        let again = intersect(&both, second).expect("a range that was made of two can be narrowed again");
        assert_eq!(again, both, "what is narrowed already stays as it is");
    }
}
