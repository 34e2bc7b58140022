//! What a frame of each size shows, in words for the help: panels go as room shrinks, in this order.

use super::layout::Class;

/// The heading above them.
pub const HEADING: &str = "sizes of the frame, and which panels are left out first";

/// Each size with what it shows, from the largest: what a line lacks of the one before is what is dropped.
pub fn lines() -> impl Iterator<Item = (&'static str, &'static str)> {
    Class::ALL.into_iter().rev().map(words)
}

/// The lines that a person looks for: all of them where they look for the heading, or for nothing yet.
pub fn matching(typed: &str) -> Vec<(&'static str, &'static str)> {
    let typed = typed.to_lowercase();
    let is_meant = |(size, said): &(&str, &str)| [HEADING, size, said].iter().any(|part| part.contains(&*typed));
    lines().filter(is_meant).collect()
}

fn words(class: Class) -> (&'static str, &'static str) {
    match class {
        Class::All => ("200x60", "all panels: three columns and a strip below them"),
        Class::Four => ("120x40", "two columns, up to four panels: the strip and the third column go first"),
        Class::Short => ("120x24", "two columns without the lower panels"),
        Class::Portrait => ("tall", "more than 0.45 rows to a column: the main panel above its details"),
        Class::Two => ("80x24", "the main panel above its details; the other panels are behind the next-panel key"),
        Class::One => ("40x10", "one panel: details go as well"),
        Class::Bare => ("20x5", "one panel without borders, and one hint"),
        Class::Nothing => ("smaller", "the first line alone, which is the last to go"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::layout;
    use super::*;

    #[test]
    fn each_size_that_is_named_is_the_smallest_of_its_kind() {
        for class in Class::ALL {
            let (size, _) = words(class);
            let Some((width, height)) = size.split_once('x') else { continue };
            let (width, height): (u16, u16) = (width.parse().unwrap(), height.parse().unwrap());
            assert_eq!(layout::class(width, height), class, "{size}");
            assert!(layout::class(width - 1, height) < class, "{size}");
        }
    }
}
