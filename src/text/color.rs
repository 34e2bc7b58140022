//! Colors that programs print: sequences that choose a look (SGR) apart from the text that they are in.
//!
//! In: a line as it was printed. Out: the line without those sequences, and from where on which look is asked for, in the
//! sixteen colors that every terminal has; richer ones are taken to the nearest of them. Looks that hide text or move it
//! (concealed, blinking, reversed) are left out. Whatever else an escape begins stays where it is, to be escaped where it is
//! shown. A look ends with its line: lines of several programs are read next to each other.

use std::borrow::Cow;

/// One of the sixteen colors of a terminal, by its number there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ansi(u8);

impl Ansi {
    /// From 0, black, to 15, bright white.
    pub fn number(self) -> usize {
        usize::from(self.0)
    }
}

/// What a stretch of text asks for besides its own look; nothing by default.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ink {
    /// The color of the letters.
    pub fore: Option<Ansi>,
    /// The color behind them.
    pub back: Option<Ansi>,
    /// Heavier letters.
    pub bold: bool,
    /// Fainter letters.
    pub dim: bool,
    /// A line below the letters.
    pub underline: bool,
}

/// Bytes of a sequence; no program that means a color writes a longer one.
const LONGEST: usize = 64;

/// The text without what chooses a look.
pub fn plain(text: &str) -> Cow<'_, str> {
    apart(text).0
}

/// The text without what chooses a look, and the places in it from where on a look is asked for.
pub fn apart(text: &str) -> (Cow<'_, str>, Vec<(usize, Ink)>) {
    let Some(first) = text.find('\u{1b}') else { return (Cow::Borrowed(text), Vec::new()) };
    let (mut plain, mut inks): (Option<String>, Vec<(usize, Ink)>) = (None, Vec::new());
    let (mut ink, mut from, mut at) = (Ink::default(), 0, first);
    while let Some(begin) = text[at..].find('\u{1b}').map(|found| at + found) {
        let Some(numbers) = sequence(&text[begin..]) else {
            at = begin + 1;
            continue;
        };
        let plain = plain.get_or_insert_with(|| String::with_capacity(text.len()));
        plain.push_str(&text[from..begin]);
        ink = ink.after(numbers);
        at = begin + numbers.len() + "\u{1b}[m".len();
        from = at;
        // The last of several in one place counts, and one that changes nothing is none.
        inks.pop_if(|(place, _)| *place == plain.len());
        if inks.last().map_or_else(Ink::default, |(_, before)| *before) != ink {
            inks.push((plain.len(), ink));
        }
    }
    let Some(mut plain) = plain else { return (Cow::Borrowed(text), Vec::new()) };
    plain.push_str(&text[from..]);
    (Cow::Owned(plain), inks)
}

/// The numbers of the sequence that a text begins with, if it is one that chooses a look.
fn sequence(text: &str) -> Option<&str> {
    let rest = text.strip_prefix("\u{1b}[")?;
    let end = rest.bytes().take(LONGEST).position(|byte| !matches!(byte, b'0'..=b'9' | b';' | b':'))?;
    (rest.as_bytes()[end] == b'm').then(|| &rest[..end])
}

impl Ink {
    fn after(mut self, numbers: &str) -> Ink {
        let mut numbers = numbers.split(';');
        while let Some(number) = numbers.next() {
            if number.contains(':') {
                self.set_parts(number);
                continue;
            }
            match number.parse::<u8>().unwrap_or(if number.is_empty() { 0 } else { u8::MAX }) {
                0 => self = Ink::default(),
                1 => self.bold = true,
                2 => self.dim = true,
                4 | 21 => self.underline = true,
                22 => (self.bold, self.dim) = (false, false),
                24 => self.underline = false,
                color @ 30..=37 => self.fore = Some(Ansi(color - 30)),
                color @ 90..=97 => self.fore = Some(Ansi(color - 82)),
                39 => self.fore = None,
                color @ 40..=47 => self.back = Some(Ansi(color - 40)),
                color @ 100..=107 => self.back = Some(Ansi(color - 92)),
                49 => self.back = None,
                which @ (38 | 48) => {
                    let mut next = || numbers.next().and_then(|number| number.parse().ok());
                    let color = match next() {
                        Some(5) => next().map(of_256),
                        Some(2) => Some([next(), next(), next()]).and_then(nearest),
                        _ => None,
                    };
                    self.set(which, color);
                }
                _ => {}
            }
        }
        self
    }

    /// `38:5:208`, `38:2::255:0:0`, `4:3`: the parts of one number.
    fn set_parts(&mut self, number: &str) {
        let parts: Vec<Option<u8>> = number.split(':').map(|part| part.parse().ok()).collect();
        match parts[..] {
            [Some(4), Some(style), ..] => self.underline = style > 0,
            [Some(which @ (38 | 48)), Some(5), Some(color)] => self.set(which, Some(of_256(color))),
            [Some(which @ (38 | 48)), Some(2), .., red, green, blue] => self.set(which, nearest([red, green, blue])),
            _ => {}
        }
    }

    fn set(&mut self, which: u8, color: Option<Ansi>) {
        // One that cannot be read asks for nothing.
        let Some(color) = color else { return };
        *(if which == 38 { &mut self.fore } else { &mut self.back }) = Some(color);
    }
}

/// What the sixteen are where nobody chose others (xterm).
const SIXTEEN: [[u8; 3]; 16] = [
    [0, 0, 0],
    [205, 0, 0],
    [0, 205, 0],
    [205, 205, 0],
    [0, 0, 238],
    [205, 0, 205],
    [0, 205, 205],
    [229, 229, 229],
    [127, 127, 127],
    [255, 0, 0],
    [0, 255, 0],
    [255, 255, 0],
    [92, 92, 255],
    [255, 0, 255],
    [0, 255, 255],
    [255, 255, 255],
];

/// The nearest of sixteen to a color of the 256: those themselves, the cube, the gray ramp.
fn of_256(color: u8) -> Ansi {
    let level = |step: u8| if step == 0 { 0 } else { 55 + 40 * step };
    match color {
        0..=15 => Ansi(color),
        16..=231 => nearest_of([(color - 16) / 36, (color - 16) / 6 % 6, (color - 16) % 6].map(level)),
        232.. => nearest_of([8 + 10 * (color - 232); 3]),
    }
}

fn nearest(wanted: [Option<u8>; 3]) -> Option<Ansi> {
    let [red, green, blue] = wanted;
    Some(nearest_of([red?, green?, blue?]))
}

fn nearest_of(wanted: [u8; 3]) -> Ansi {
    let distance = |color: &[u8; 3]| -> u32 {
        color.iter().zip(wanted).map(|(a, b)| u32::from(a.abs_diff(b)) * u32::from(a.abs_diff(b))).sum()
    };
    let nearest = (0..).zip(&SIXTEEN).min_by_key(|(_, color)| distance(color));
    Ansi(nearest.map_or(7, |(number, _)| number))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The text with each look before the stretch that has it: `<1+b>` is bold red.
    #[track_caller]
    fn check(text: &str, expected: &str) {
        let (plain, inks) = apart(text);
        let mut shown = plain.clone().into_owned();
        for (at, Ink { fore, back, bold, dim, underline }) in inks.into_iter().rev() {
            let mut look = fore.map_or_else(String::new, |color| color.number().to_string());
            look.extend(back.map(|color| format!("/{}", color.number())));
            look.extend([(bold, "+b"), (dim, "+d"), (underline, "+u")].iter().filter(|(on, _)| *on).map(|(_, on)| *on));
            shown.insert_str(at, &format!("<{look}>"));
        }
        assert_eq!(shown, expected);
        assert_eq!(super::plain(text), plain);
    }

    #[test]
    fn looks_are_taken_out_and_their_places_kept() {
        check("plain", "plain");
        check("\u{1b}[31mred\u{1b}[0m and plain", "<1>red<> and plain");
        check("a\u{1b}[1;4;92mb\u{1b}[22mc\u{1b}[39;24md\u{1b}[me", "a<10+b+u>b<10+u>c<>de");
        check("\u{1b}[2m\u{1b}[33;41mx\u{1b}[49my", "<3/1+d>x<3+d>y");
        check("grün \u{1b}[32m✓\u{1b}[m", "grün <2>✓<>");
        check("\u{1b}[0mnothing\u{1b}[m is asked for\u{1b}[39m", "nothing is asked for");
    }

    #[test]
    fn richer_colors_are_taken_to_the_nearest_of_sixteen() {
        check("\u{1b}[38;5;196mx\u{1b}[38;5;4;1my", "<9>x<4+b>y");
        check("\u{1b}[38;2;200;10;10mx\u{1b}[48;2;0;0;0my", "<1>x<1/0>y");
        check("\u{1b}[38:2::0:200:0mx\u{1b}[4:3;48:5:231my\u{1b}[4:0mz", "<2>x<2/15+u>y<2/15>z");
        check("\u{1b}[38;5;244mgray", "<8>gray");
    }

    #[test]
    fn looks_that_hide_text_and_numbers_that_mean_nothing_are_left_out() {
        check("\u{1b}[8mhidden\u{1b}[5;7m blinks\u{1b}[999;38;5m\u{1b}[38;2;1;2mx", "hidden blinksx");
    }

    #[test]
    fn every_other_sequence_stays_as_it_is() {
        for text in [
            "\u{1b}[2Jgone",
            "\u{1b}[31;1Hmoved",
            "\u{1b}[?25l",
            "\u{1b}[>4;1m",
            "\u{1b}]52;c;eA==\u{7}",
            "\u{9b}31m",
            "\u{1b}",
            "\u{1b}[",
            "\u{1b}[31",
            "\u{1b}\u{1b}[",
        ] {
            check(text, text);
        }
        check(&format!("\u{1b}[{}m", "1;".repeat(60)), &format!("\u{1b}[{}m", "1;".repeat(60)));
        // Two that are put together around a third make no new one.
        check("\u{1b}\u{1b}[31m[2Jx", "\u{1b}<1>[2Jx");
    }
}
