//! What the terminal can do and how bright it is: asked at the start and after each return to it, and never waited for.
//!
//! In: the environment, what an earlier start has heard from a terminal of that name, and [`Answer`]s as they come. Out: the bytes
//! that ask, and what each answer changes. Whether the background is dark or light is told by the first of: a report of the color
//! scheme (mode 2031), the color of the background (OSC 11), `COLORFGBG`; terminals answer in the order in which they are asked.
//!
//! Modes are turned on only after they have been reported in this session: a terminal of the same name may not have them. What
//! was heard before counts for the first frames, where a wrong guess does no harm.

use super::{
    Extra,
    answers::Answer,
    background::{self, Background},
};
use serde_json::{Map, Value, json};
use std::time::Duration;

/// How long answers are given before what was not reported is taken as missing. Nothing is drawn later because of it.
pub const BUDGET: Duration = Duration::from_millis(200);
/// How long the first byte of a late answer is told apart from the Esc key.
pub const LATEST: Duration = Duration::from_secs(5);

/// Terminals that are remembered.
const REMEMBERED: usize = 32;

/// The questions, in the order in which their answers count; the last one is answered by all that answer anything.
const ALL: &[u8] = b"\x1b[?996n\x1b]11;?\x07\x1b[?2026$p\x1b[?2027$p\x1b[?2031$p\x1b[?u\x1b[c";
const COLOR: &[u8] = b"\x1b]11;?\x07\x1b[c";

/// What is asked of a terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Asks {
    /// It would show questions, or nobody knows.
    Nothing,
    /// The background only: it shows letters of the others.
    Color,
    All,
}

/// What a terminal is asked, by its variables.
pub fn asks(variable: impl Fn(&str) -> Option<String>) -> Asks {
    let stated = |name: &str| variable(name).filter(|value| !value.is_empty());
    let term = stated("TERM").unwrap_or_default();
    let is_screen = stated("STY").is_some() || term.starts_with("screen") && stated("TMUX").is_none();
    if is_screen || ["", "dumb", "linux", "unknown", "cons25", "vt52"].contains(&&*term) {
        return Asks::Nothing;
    }
    match stated("TERM_PROGRAM").as_deref() {
        Some("Apple_Terminal") => Asks::Color,
        _ => Asks::All,
    }
}

/// The name that a terminal is remembered by.
pub fn name(variable: impl Fn(&str) -> Option<String>) -> String {
    let parts = ["TERM_PROGRAM", "TERM_PROGRAM_VERSION", "TERM"].into_iter().filter_map(variable);
    parts.filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ")
}

/// What a terminal has said of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Known {
    pub background: Option<Background>,
    /// What it reports that it can do.
    pub extras: Vec<Extra>,
}

/// What follows from an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    Background(Background),
    TurnOn(Extra),
    /// Frames are not put into synchronized output.
    Unsynchronized,
    /// All that there is to know of this terminal.
    Keep(Known),
}

/// Where the background is known from, the best one last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Source {
    Color,
    Scheme,
}

/// What was asked and heard.
#[derive(Clone, Debug)]
pub struct Probe {
    asks: Asks,
    /// What the environment says of the background.
    named: Option<Background>,
    heard: Known,
    source: Option<Source>,
    is_pending: bool,
}

impl Probe {
    pub fn new(asks: Asks, variable: impl Fn(&str) -> Option<String>) -> Probe {
        let named = variable("COLORFGBG").and_then(|text| background::of_variable(&text));
        Probe { asks, named, heard: Known::default(), source: None, is_pending: false }
    }

    /// What the first frame goes by, before anything was heard.
    pub fn first(&self, earlier: Option<&Known>) -> Known {
        let earlier = earlier.filter(|_| self.asks > Asks::Nothing).cloned().unwrap_or_default();
        Known { background: earlier.background.or(self.named), ..earlier }
    }

    /// The bytes that ask; nothing where nothing is asked.
    pub fn ask(&mut self) -> &'static [u8] {
        (self.heard, self.source) = (Known::default(), None);
        self.is_pending = self.asks > Asks::Nothing;
        match self.asks {
            Asks::Nothing => b"",
            Asks::Color => COLOR,
            Asks::All => ALL,
        }
    }

    /// The answer to the last question has not come.
    pub fn is_pending(&self) -> bool {
        self.is_pending
    }

    pub fn take(&mut self, answer: Answer) -> Vec<Change> {
        match answer {
            Answer::Mode { mode, is_known: true } => {
                let extra = Extra::ALL.into_iter().find(|extra| extra.mode() == Some(mode));
                extra.map_or_else(Vec::new, |extra| self.reported(extra))
            }
            Answer::Keyboard => self.reported(Extra::Keyboard),
            Answer::Scheme(background) => self.background(Source::Scheme, background),
            Answer::Color(Some(background)) => self.background(Source::Color, background),
            Answer::Attributes => self.ended(),
            Answer::Mode { is_known: false, .. } | Answer::Color(None) | Answer::Other => Vec::new(),
        }
    }

    fn reported(&mut self, extra: Extra) -> Vec<Change> {
        if !self.heard.extras.contains(&extra) {
            self.heard.extras.push(extra);
        }
        vec![Change::TurnOn(extra)]
    }

    fn background(&mut self, source: Source, background: Background) -> Vec<Change> {
        if self.source > Some(source) {
            return Vec::new();
        }
        (self.source, self.heard.background) = (Some(source), Some(background));
        vec![Change::Background(background)]
    }

    /// All has been answered that will be: what was not reported is not there.
    fn ended(&mut self) -> Vec<Change> {
        if !std::mem::take(&mut self.is_pending) {
            return Vec::new();
        }
        let mut changes = self.over();
        if self.heard.background.is_none() {
            changes.push(Change::Background(self.named.unwrap_or(Background::Dark)));
        }
        changes.push(Change::Keep(self.heard.clone()));
        changes
    }

    /// The time for answers is over. One that comes later still counts.
    pub fn over(&self) -> Vec<Change> {
        match self.heard.extras.contains(&Extra::Frames) {
            true => Vec::new(),
            false => vec![Change::Unsynchronized],
        }
    }
}

/// What terminals have said at earlier starts, by their names, the newest last.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Terminals(Vec<(String, Known)>);

impl Terminals {
    /// What is not understood is passed over: everything here is asked again.
    pub fn parse(text: &str) -> Terminals {
        let value: Value = serde_json::from_str(text).unwrap_or_default();
        let known = |value: &Value| {
            let name = value["name"].as_str()?.to_owned();
            let background = match value["background"].as_str() {
                Some("dark") => Some(Background::Dark),
                Some("light") => Some(Background::Light),
                _ => None,
            };
            let words: Vec<&str> = value["reports"].as_array()?.iter().filter_map(Value::as_str).collect();
            let extras = Extra::ALL.into_iter().filter(|extra| words.contains(&extra.word())).collect();
            Some((name, Known { background, extras }))
        };
        Terminals(value["terminals"].as_array().into_iter().flatten().filter_map(known).collect())
    }

    pub fn text(&self) -> String {
        let terminal = |(name, known): &(String, Known)| {
            let mut terminal = Map::new();
            terminal.insert("name".to_owned(), json!(name));
            if let Some(background) = known.background {
                terminal.insert("background".to_owned(), json!(background.word()));
            }
            let reports: Vec<&str> = known.extras.iter().map(|extra| extra.word()).collect();
            terminal.insert("reports".to_owned(), json!(reports));
            terminal
        };
        let terminals: Vec<_> = self.0.iter().map(terminal).collect();
        format!("{:#}\n", json!({"version": 1, "terminals": terminals}))
    }

    pub fn get(&self, name: &str) -> Option<&Known> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, known)| known)
    }

    /// Remembers what a terminal said last.
    #[must_use]
    pub fn with(mut self, name: &str, known: Known) -> Terminals {
        self.0.retain(|(other, _)| other != name);
        self.0.push((name.to_owned(), known));
        let over = self.0.len().saturating_sub(REMEMBERED);
        self.0.drain(..over);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Background::{Dark, Light};

    fn of<'v>(variables: &'v [(&str, &str)]) -> impl Fn(&str) -> Option<String> + Copy + 'v {
        |name| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
    }

    #[test]
    fn only_terminals_that_show_nothing_of_a_question_are_asked() {
        for (variables, expected) in [
            (&[("TERM", "xterm-256color")][..], Asks::All),
            (&[("TERM", "xterm-kitty")], Asks::All),
            (&[("TERM", "tmux-256color"), ("TMUX", "/tmp/tmux-0/default,1,0"), ("TERM_PROGRAM", "tmux")], Asks::All),
            (&[("TERM", "screen-256color"), ("TMUX", "/tmp/tmux-0/default,1,0")], Asks::All),
            (&[("TERM", "screen-256color")], Asks::Nothing),
            (&[("TERM", "xterm-256color"), ("STY", "1.pts-0")], Asks::Nothing),
            (&[("TERM", "xterm-256color"), ("TERM_PROGRAM", "Apple_Terminal")], Asks::Color),
            (&[("TERM", "linux")], Asks::Nothing),
            (&[("TERM", "dumb")], Asks::Nothing),
            (&[("TERM", "")], Asks::Nothing),
            (&[], Asks::Nothing),
        ] {
            assert_eq!(asks(of(variables)), expected, "{variables:?}");
            let mut probe = Probe::new(asks(of(variables)), of(variables));
            assert_eq!(probe.ask().is_empty(), expected == Asks::Nothing, "{variables:?}");
        }
    }

    /// What the answers change, the background apart.
    #[track_caller]
    fn check(variables: &[(&str, &str)], answers: &[Answer], backgrounds: &[Background]) -> Vec<Change> {
        let mut probe = Probe::new(Asks::All, of(variables));
        probe.ask();
        let changes: Vec<Change> = answers.iter().flat_map(|answer| probe.take(*answer)).collect();
        let told = changes.iter().filter_map(|change| match change {
            Change::Background(background) => Some(*background),
            _ => None,
        });
        assert_eq!(told.collect::<Vec<_>>(), backgrounds, "{answers:?}");
        changes.into_iter().filter(|change| !matches!(change, Change::Background(_))).collect()
    }

    #[test]
    fn the_scheme_comes_before_the_color_and_both_before_the_variable() {
        let (light, dark) = ([("COLORFGBG", "0;15")], [("COLORFGBG", "15;0")]);
        let (scheme, color) = (Answer::Scheme, |background| Answer::Color(Some(background)));
        check(&light, &[scheme(Dark), color(Light), Answer::Attributes], &[Dark]);
        check(&light, &[color(Dark), Answer::Attributes], &[Dark]);
        check(&light, &[Answer::Attributes], &[Light]);
        check(&dark, &[Answer::Color(None), Answer::Attributes], &[Dark]);
        check(&[], &[Answer::Attributes], &[Dark]);
        // Whatever was answered, a change that is reported counts.
        check(&dark, &[color(Dark), Answer::Attributes, scheme(Light), scheme(Dark)], &[Dark, Light, Dark]);
        check(&[], &[scheme(Dark), scheme(Light), color(Dark)], &[Dark, Light]);
        // One that answers late and nothing else is believed; one that says nothing changes nothing.
        check(&light, &[color(Dark)], &[Dark]);
        check(&light, &[], &[]);
    }

    #[test]
    fn modes_are_turned_on_where_they_are_reported_and_only_there() {
        let known = |mode| Answer::Mode { mode, is_known: true };
        let unknown = |mode| Answer::Mode { mode, is_known: false };
        let answers = [known(2026), unknown(2027), known(2031), Answer::Keyboard, Answer::Attributes];
        let extras = [Extra::Frames, Extra::Schemes, Extra::Keyboard];
        let keep = Change::Keep(Known { background: None, extras: extras.to_vec() });
        let expected: Vec<Change> = extras.map(Change::TurnOn).into_iter().chain([keep]).collect();
        assert_eq!(check(&[], &answers, &[Dark]), expected);
        let none = Change::Keep(Known::default());
        let answers = [unknown(2026), known(1), Answer::Other, Answer::Attributes, Answer::Attributes];
        assert_eq!(check(&[], &answers, &[Dark]), [Change::Unsynchronized, none]);
    }

    #[test]
    fn what_was_heard_before_counts_for_the_first_frame() {
        let light = Known { background: Some(Light), extras: vec![Extra::Frames] };
        let variables = [("COLORFGBG", "15;0")];
        let probe = Probe::new(Asks::All, of(&variables));
        assert_eq!(probe.first(Some(&light)), light);
        assert_eq!(probe.first(None).background, Some(Dark));
        let unasked = Probe::new(Asks::Nothing, of(&variables));
        assert_eq!(unasked.first(Some(&light)), Known { background: Some(Dark), extras: Vec::new() });
    }

    #[test]
    fn terminals_are_remembered_by_name_and_what_is_no_list_of_them_is_passed_over() {
        let kitty = Known { background: Some(Light), extras: Extra::ALL.to_vec() };
        let mut terminals = Terminals::default().with("xterm-kitty", kitty.clone()).with("xterm", Known::default());
        assert_eq!(Terminals::parse(&terminals.text()), terminals);
        assert_eq!(terminals.get("xterm-kitty"), Some(&kitty));
        for number in 0..REMEMBERED {
            terminals = terminals.with(&format!("t{number}"), Known::default());
        }
        assert_eq!((terminals.0.len(), terminals.get("xterm-kitty")), (REMEMBERED, None));
        for text in ["", "{", "[]", "{\"terminals\":[{\"name\":1},3]}"] {
            assert_eq!(Terminals::parse(text), Terminals::default(), "{text}");
        }
        let variables = [("TERM", "xterm-256color"), ("TERM_PROGRAM", "WezTerm"), ("TERM_PROGRAM_VERSION", "20240203")];
        assert_eq!(name(of(&variables)), "WezTerm 20240203 xterm-256color");
    }
}
