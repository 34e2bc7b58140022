//! Which parts of a frame may differ from the frame before: of each line, one stretch of columns.

use ratatui::layout::Rect;
use std::ops::Range;

/// Stretches of columns, by line; a line of which nothing was painted has none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Damage {
    lines: Vec<Range<u16>>,
}

impl Damage {
    /// All of an area.
    pub fn of(area: Rect) -> Damage {
        let mut damage = Damage::default();
        damage.add(area);
        damage
    }

    pub fn clear(&mut self) {
        self.lines.clear();
    }

    /// What is between two stretches of one line counts as painted too.
    pub fn add(&mut self, area: Rect) {
        if area.is_empty() {
            return;
        }
        let lines = usize::from(area.top())..usize::from(area.bottom());
        if self.lines.len() < lines.end {
            self.lines.resize(lines.end, 0..0);
        }
        for stretch in &mut self.lines[lines] {
            *stretch = match stretch.start >= stretch.end {
                true => area.left()..area.right(),
                false => stretch.start.min(area.left())..stretch.end.max(area.right()),
            };
        }
    }

    /// The stretches within a frame, each one line high, from above.
    pub fn stretches(&self, frame: Rect) -> impl Iterator<Item = Rect> {
        let stretch = |(y, columns): (u16, &Range<u16>)| Rect::new(columns.start, y, columns.len() as u16, 1);
        (0..)
            .zip(&self.lines)
            .map(stretch)
            .map(move |stretch| stretch.intersection(frame))
            .filter(|area| !area.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_one_stretch_that_holds_all_that_was_painted_in_it() {
        let mut damage = Damage::default();
        damage.add(Rect::new(4, 2, 3, 2));
        damage.add(Rect::new(9, 3, 2, 5));
        damage.add(Rect::new(0, 0, 0, 9));
        let frame = Rect::new(0, 0, 10, 5);
        let stretches: Vec<Rect> = damage.stretches(frame).collect();
        assert_eq!(stretches, [Rect::new(4, 2, 3, 1), Rect::new(4, 3, 6, 1), Rect::new(9, 4, 1, 1)]);
        damage.clear();
        assert_eq!(damage.stretches(frame).count(), 0);
        assert_eq!(Damage::of(frame).stretches(frame).map(|area| area.width).sum::<u16>(), 50);
    }
}
