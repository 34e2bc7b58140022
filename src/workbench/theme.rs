//! Roles and their looks: the only place where a color is named.
//!
//! In: theme files (`themes/*.toml`, one per theme, built in; others in the folder for configuration) and the terminal's
//! color level. Out: a style per role. A role that a theme and what it inherits from do not mention falls back along
//! [`Role::fallback`]. Fewer colors than the theme has: to 256 by nearest
//! in a perceptual space, to 16 by the roles of `ansi16`, to none by those of `mono`.

use crate::{
    criteria::{near_matches, near_or_all},
    store::embedded,
    term::color::Level,
    text::{
        color::{Ansi, Ink},
        did_you_mean,
    },
};
use ratatui::style::{Color, Modifier, Style};
use serde::Deserialize;
use std::{collections::BTreeMap, fmt, sync::OnceLock};

macro_rules! roles {
    ($($role:ident $name:literal $(<- $fallback:ident)?),* $(,)?) => {
        /// What a piece of text means.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Role { $($role),* }

        impl Role {
            pub const ALL: &[Role] = &[$(Role::$role),*];

            /// The name in theme files.
            pub fn name(self) -> &'static str {
                match self { $(Role::$role => $name),* }
            }

            /// Whose look it takes where the theme is silent; `None` for `text`.
            pub fn fallback(self) -> Option<Role> {
                match self { $(Role::$role => roles!(@ $($fallback)?)),* }
            }
        }
    };
    (@ $fallback:ident) => { Some(Role::$fallback) };
    (@) => { None };
}

roles! {
    Text "text",
    Muted "muted" <- Text,
    Strong "strong" <- Text,
    Border "border" <- Muted,
    Focus "focus" <- Strong,
    Title "title" <- Text,
    Heading "heading" <- Muted,
    Selection "selection" <- Strong,
    Match "match" <- Strong,
    Key "key" <- Focus,
    Tab "tab" <- Muted,
    TabActive "tab-active" <- Focus,
    Ok "ok" <- Text,
    Warn "warn" <- Strong,
    Fail "fail" <- Strong,
    Run "run" <- Focus,
    Skip "skip" <- Muted,
    Add "add" <- Ok,
    Remove "remove" <- Fail,
    Change "change" <- Warn,
    AddWord "add-word" <- Add,
    RemoveWord "remove-word" <- Remove,
    Layer1 "layer1" <- Muted,
    Layer2 "layer2" <- Text,
    Layer3 "layer3" <- Text,
    Layer4 "layer4" <- Text,
    Layer5 "layer5" <- Text,
    Layer6 "layer6" <- Text,
    Layer7 "layer7" <- Text,
    Layer8 "layer8" <- Text,
    Live "live" <- Ok,
    Saved "saved" <- Change,
    Demo "demo" <- Run,
    LogDebug "log-debug" <- Muted,
    LogInfo "log-info" <- Text,
    LogWarn "log-warn" <- Warn,
    LogError "log-error" <- Fail,
    AnsiBlack "ansi-black" <- Muted,
    AnsiRed "ansi-red" <- Fail,
    AnsiGreen "ansi-green" <- Ok,
    AnsiYellow "ansi-yellow" <- Warn,
    AnsiBlue "ansi-blue" <- Add,
    AnsiMagenta "ansi-magenta" <- Demo,
    AnsiCyan "ansi-cyan" <- Run,
    AnsiWhite "ansi-white" <- Text,
    AnsiBrightBlack "ansi-bright-black" <- AnsiBlack,
    AnsiBrightRed "ansi-bright-red" <- AnsiRed,
    AnsiBrightGreen "ansi-bright-green" <- AnsiGreen,
    AnsiBrightYellow "ansi-bright-yellow" <- AnsiYellow,
    AnsiBrightBlue "ansi-bright-blue" <- AnsiBlue,
    AnsiBrightMagenta "ansi-bright-magenta" <- AnsiMagenta,
    AnsiBrightCyan "ansi-bright-cyan" <- AnsiCyan,
    AnsiBrightWhite "ansi-bright-white" <- AnsiWhite,
}

impl Role {
    /// The color of a layer by its place in the stack.
    pub fn layer(index: usize) -> Role {
        const LAYERS: [Role; 8] = [
            Role::Layer1,
            Role::Layer2,
            Role::Layer3,
            Role::Layer4,
            Role::Layer5,
            Role::Layer6,
            Role::Layer7,
            Role::Layer8,
        ];
        LAYERS[index % LAYERS.len()]
    }

    /// What a program means by one of a terminal's sixteen colors.
    fn ansi(color: Ansi) -> Role {
        const COLORS: [Role; 16] = [
            Role::AnsiBlack,
            Role::AnsiRed,
            Role::AnsiGreen,
            Role::AnsiYellow,
            Role::AnsiBlue,
            Role::AnsiMagenta,
            Role::AnsiCyan,
            Role::AnsiWhite,
            Role::AnsiBrightBlack,
            Role::AnsiBrightRed,
            Role::AnsiBrightGreen,
            Role::AnsiBrightYellow,
            Role::AnsiBrightBlue,
            Role::AnsiBrightMagenta,
            Role::AnsiBrightCyan,
            Role::AnsiBrightWhite,
        ];
        COLORS[color.number() % COLORS.len()]
    }

    fn index(self) -> usize {
        self as usize
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    Dark,
    Light,
}

/// A theme, ready for one color level.
#[derive(Clone, Debug, PartialEq)]
pub struct Theme {
    pub name: String,
    pub mode: Mode,
    pub level: Level,
    styles: Vec<Style>,
    /// The color behind everything; `Reset` leaves it to the terminal.
    ground: Color,
}

/// A theme that cannot be used, or a name that no theme has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ThemeError(pub String);

impl fmt::Display for ThemeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for ThemeError {}

/// Names of the built-in themes, sorted.
pub fn names() -> Vec<&'static str> {
    embedded::themes().iter().map(|(name, _)| *name).collect()
}

/// A built-in theme at a color level.
///
/// # Errors
/// No theme has that name (with those there are), or its file is wrong.
pub fn load(name: &str, level: Level) -> Result<Theme, ThemeError> {
    Themes::default().load(name, level)
}

/// The built-in themes, and those of a person's own, which win where the name is the same.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Themes {
    /// Name and text.
    own: Vec<(String, String)>,
}

impl Themes {
    pub fn with(own: Vec<(String, String)>) -> Themes {
        Themes { own }
    }

    /// Every name, sorted.
    pub fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = names().into_iter().map(str::to_owned).collect();
        names.extend(self.own.iter().map(|(name, _)| name.clone()));
        names.sort();
        names.dedup();
        names
    }

    fn text(&self, name: &str) -> Option<&str> {
        let own = self.own.iter().find(|(known, _)| known == name).map(|(_, text)| text.as_str());
        own.or_else(|| built_in(name))
    }

    /// A theme at a color level.
    ///
    /// # Errors
    /// No theme has that name (with those there are), or its file is wrong.
    pub fn load(&self, name: &str, level: Level) -> Result<Theme, ThemeError> {
        let Some(text) = self.text(name) else {
            // One that cannot be used is no choice.
            let names: Vec<String> = self.names().into_iter().filter(|name| self.load(name, level).is_ok()).collect();
            let near = near_matches(name, names.iter().map(String::as_str));
            let meant = did_you_mean(&near).map_or_else(String::new, |near| format!("; {near}"));
            return Err(ThemeError(format!("unknown theme `{name}`{meant} (known: {})", names.join(", "))));
        };
        let wrong = |shown: &str, error: String| ThemeError(format!("theme `{shown}`: {error}"));
        let shown = match level {
            Level::None => "mono",
            Level::Ansi16 => "ansi16",
            Level::Ansi256 | Level::True => name,
        };
        // A file that is wrong is wrong at every level.
        let whole = self.file(text, 0).map_err(|error| wrong(name, error))?;
        let file = match shown == name {
            true => whole,
            false => {
                let text = built_in(shown).ok_or_else(|| ThemeError(format!("the theme `{shown}` is missing")))?;
                self.file(text, 0).map_err(|error| wrong(shown, error))?
            }
        };
        let mut theme = build(&file, level).map_err(|error| wrong(shown, error))?;
        theme.name = name.to_owned();
        Ok(theme)
    }

    /// What a theme says that means nothing; it can be used without.
    pub fn warnings(&self, name: &str) -> Vec<String> {
        let Some(file) = self.text(name).and_then(|text| toml::from_str::<File>(text).ok()) else { return Vec::new() };
        let unknown = file.roles.keys().filter(|name| !Role::ALL.iter().any(|role| role.name() == *name));
        unknown
            .map(|role| {
                let known = near_or_all(role, Role::ALL.iter().map(|role| role.name()));
                format!("theme `{name}`: unknown role `{role}`; {known}")
            })
            .collect()
    }

    /// A file with what it inherits. Roles that there are not are left out: see [`Themes::warnings`].
    fn file(&self, text: &str, depth: usize) -> Result<File, String> {
        let mut file: File = toml::from_str(text).map_err(|error| in_one_line(&error, text))?;
        let Some(parent) = file.inherits.clone() else { return Ok(file) };
        if depth >= DEEPEST {
            return Err(format!("it inherits from `{parent}`, which inherits from it in the end"));
        }
        let text = self.text(&parent).ok_or_else(|| format!("it inherits from `{parent}`, which does not exist"))?;
        let parent = self.file(text, depth + 1)?;
        for (name, value) in parent.palette {
            file.palette.entry(name).or_insert(value);
        }
        for (role, look) in parent.roles {
            file.roles.entry(role).or_insert(look);
        }
        Ok(file)
    }
}

/// What is wrong with a file, without the picture of the place.
fn in_one_line(error: &toml::de::Error, text: &str) -> String {
    let message = error.message().lines().collect::<Vec<_>>().join(": ");
    match error.span().and_then(|span| text.get(..span.start)) {
        Some(before) => format!("line {}: {message}", before.matches('\n').count() + 1),
        None => message,
    }
}

/// Themes that a theme may inherit from, one from the other.
const DEEPEST: usize = 4;

/// The text of a built-in theme.
fn built_in(name: &str) -> Option<&'static str> {
    embedded::themes().iter().find(|(known, _)| *known == name).map(|(_, text)| *text)
}

impl Theme {
    pub fn style(&self, role: Role) -> Style {
        self.styles[role.index()]
    }

    /// The same with the colors that a program printed the text in. Where nothing has a color, they are left out.
    ///
    /// A color behind letters is shown as that color with the letters cut out of it: whatever two colors a program chose,
    /// they can be read, and none hides a text.
    pub fn inked(&self, role: Role, ink: Ink) -> Style {
        let (style, Ink { fore, back, bold, dim, underline }) = (self.style(role), ink);
        if ink == Ink::default() || self.style(Role::AnsiRed).fg.is_none() {
            return style;
        }
        // Black is what is behind most texts anyway.
        let back = back.filter(|color| color.number() != 0).map(|color| self.style(Role::ansi(color)).reversed());
        let style = back.or_else(|| fore.map(|color| self.style(Role::ansi(color)))).unwrap_or(style);
        let more = [(bold, Modifier::BOLD), (dim, Modifier::DIM), (underline, Modifier::UNDERLINED)];
        more.into_iter().filter(|(on, _)| *on).fold(style, |style, (_, modifier)| style.add_modifier(modifier))
    }

    /// What the whole frame is painted with first.
    pub fn base(&self) -> Style {
        self.style(Role::Text).bg(self.ground)
    }

    /// Foreground and ground of a role, for those that state both as true colors.
    pub fn contrast(&self, role: Role) -> Option<f64> {
        let style = self.style(role);
        let ground = style.bg.filter(|color| *color != Color::Reset).unwrap_or(self.ground);
        contrast(style.fg?, ground)
    }
}

/// What text needs to be read.
pub const READABLE: f64 = 4.5;

/// Whether text in a color can be read on a ground; not where one of them is the terminal's own.
pub fn is_readable(color: Color, ground: Color) -> bool {
    contrast(color, ground).is_some_and(|contrast| contrast >= READABLE)
}

fn contrast(color: Color, ground: Color) -> Option<f64> {
    let (fore, ground) = (rgb(color)?, rgb(ground)?);
    let (light, dark) = (luminance(fore).max(luminance(ground)), luminance(fore).min(luminance(ground)));
    Some((light + 0.05) / (dark + 0.05))
}

/// Styles for screenshots: a cell's colors as `#rrggbb`, the terminal's own ones as this theme's text on its ground.
pub fn hex(color: Color, otherwise: &str) -> String {
    match rgb(color) {
        Some([red, green, blue]) => format!("#{red:02x}{green:02x}{blue:02x}"),
        None => ansi_hex(color).unwrap_or(otherwise).to_owned(),
    }
}

/// How screenshots show a terminal's own sixteen colors and its ground.
pub const SHOWN_TEXT: &str = "#d6dde6";
pub const SHOWN_GROUND: &str = "#12161c";

fn ansi_hex(color: Color) -> Option<&'static str> {
    Some(match color {
        Color::Black => "#1c2128",
        Color::Red => "#e5684f",
        Color::Green => "#4fae7c",
        Color::Yellow => "#d3a73c",
        Color::Blue => "#5a93e6",
        Color::Magenta => "#b083d6",
        Color::Cyan => "#45b0b8",
        Color::Gray => "#c0c8d2",
        Color::DarkGray => "#7b8694",
        Color::LightRed => "#ff8a70",
        Color::LightGreen => "#6fd09c",
        Color::LightYellow => "#f0c862",
        Color::LightBlue => "#82b4ff",
        Color::LightMagenta => "#cda4ee",
        Color::LightCyan => "#6fd6de",
        Color::White => "#f2f5f8",
        _ => return None,
    })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    name: String,
    mode: Mode,
    /// The theme whose palette and roles count where this one is silent.
    inherits: Option<String>,
    #[serde(default)]
    palette: BTreeMap<String, String>,
    #[serde(default)]
    roles: BTreeMap<String, Look>,
}

/// A role's look: a palette name, or colors and attributes.
#[derive(Clone, Deserialize)]
#[serde(untagged)]
enum Look {
    Color(String),
    Full(Full),
}

#[derive(Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Full {
    fg: Option<String>,
    bg: Option<String>,
    bold: bool,
    dim: bool,
    italic: bool,
    underline: bool,
    reverse: bool,
    strike: bool,
}

/// The styles of a file at a level.
fn build(file: &File, level: Level) -> Result<Theme, String> {
    let ground = match file.palette.get("ground") {
        Some(_) => color("ground", &file.palette, level)?,
        None => Color::Reset,
    };
    let mut styles = Vec::with_capacity(Role::ALL.len());
    for role in Role::ALL {
        styles.push(style(*role, file, level)?);
    }
    Ok(Theme { name: file.name.clone(), mode: file.mode, level, styles, ground })
}

fn style(role: Role, file: &File, level: Level) -> Result<Style, String> {
    let look = match file.roles.get(role.name()) {
        Some(Look::Color(name)) => Full { fg: Some(name.clone()), ..Full::default() },
        Some(Look::Full(look)) => look.clone(),
        None => return role.fallback().map_or(Ok(Style::new()), |fallback| style(fallback, file, level)),
    };
    let mut style = Style::new();
    if let Some(name) = &look.fg {
        style = style.fg(color(name, &file.palette, level)?);
    }
    if let Some(name) = &look.bg {
        style = style.bg(color(name, &file.palette, level)?);
    }
    for (on, modifier) in [
        (look.bold, Modifier::BOLD),
        (look.dim, Modifier::DIM),
        (look.italic, Modifier::ITALIC),
        (look.underline, Modifier::UNDERLINED),
        (look.reverse, Modifier::REVERSED),
        (look.strike, Modifier::CROSSED_OUT),
    ] {
        if on {
            style = style.add_modifier(modifier);
        }
    }
    Ok(style)
}

/// A palette name, `ansi:blue` or `#rrggbb`.
fn color(name: &str, palette: &BTreeMap<String, String>, level: Level) -> Result<Color, String> {
    let value = palette.get(name).map_or(name, String::as_str);
    if let Some(ansi) = value.strip_prefix("ansi:") {
        return ansi.parse().map_err(|_| format!("`{ansi}` is not a terminal color"));
    }
    let digits = value.strip_prefix('#').filter(|digits| digits.len() == 6 && digits.is_ascii());
    let number = digits.and_then(|digits| u32::from_str_radix(digits, 16).ok());
    let Some(number) = number else { return Err(format!("`{value}` is neither in the palette nor `#rrggbb`")) };
    let [_, red, green, blue] = number.to_be_bytes();
    Ok(match level {
        Level::Ansi256 => Color::Indexed(nearest_256([red, green, blue])),
        _ => Color::Rgb(red, green, blue),
    })
}

fn rgb(color: Color) -> Option<[u8; 3]> {
    match color {
        Color::Rgb(red, green, blue) => Some([red, green, blue]),
        Color::Indexed(index @ 16..) => Some(indexed(index)),
        _ => None,
    }
}

/// The color of an index of the 6x6x6 cube and the gray ramp, which every 256-color terminal shares.
fn indexed(index: u8) -> [u8; 3] {
    if index >= 232 {
        return [8 + 10 * (index - 232); 3];
    }
    let level = |step: u8| if step == 0 { 0 } else { 55 + 40 * step };
    let index = index - 16;
    [level(index / 36), level(index / 6 % 6), level(index % 6)]
}

fn nearest_256(wanted: [u8; 3]) -> u8 {
    static LAB: OnceLock<Vec<[f64; 3]>> = OnceLock::new();
    let lab = LAB.get_or_init(|| (16..=255).map(|index| oklab(indexed(index))).collect());
    let wanted = oklab(wanted);
    let distance = |candidate: &[f64; 3]| candidate.iter().zip(wanted).map(|(a, b)| (a - b) * (a - b)).sum::<f64>();
    let nearest = lab.iter().enumerate().min_by(|(_, a), (_, b)| distance(a).total_cmp(&distance(b)));
    nearest.map_or(16, |(index, _)| u8::try_from(index + 16).unwrap_or(255))
}

fn linear(channel: u8) -> f64 {
    let value = f64::from(channel) / 255.0;
    if value <= 0.04045 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
}

/// Relative luminance as WCAG defines it.
fn luminance([red, green, blue]: [u8; 3]) -> f64 {
    0.2126 * linear(red) + 0.7152 * linear(green) + 0.0722 * linear(blue)
}

fn oklab(color: [u8; 3]) -> [f64; 3] {
    let [r, g, b] = color.map(linear);
    let l = (0.412_221_470_8 * r + 0.536_332_536_3 * g + 0.051_445_992_9 * b).cbrt();
    let m = (0.211_903_498_2 * r + 0.680_699_545_1 * g + 0.107_396_956_6 * b).cbrt();
    let s = (0.088_302_461_9 * r + 0.281_718_837_6 * g + 0.629_978_700_5 * b).cbrt();
    [
        0.210_454_255_3 * l + 0.793_617_785 * m - 0.004_072_046_8 * s,
        1.977_998_495_1 * l - 2.428_592_205 * m + 0.450_593_709_9 * s,
        0.025_904_037_1 * l + 0.782_771_766_2 * m - 0.808_675_766 * s,
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::color;

    fn parse(text: &str, level: Level) -> Result<Theme, String> {
        build(&Themes::default().file(text, 0)?, level)
    }

    #[test]
    fn a_theme_inherits_what_it_does_not_say() {
        let own = |name: &str, text: &str| (name.to_owned(), text.to_owned());
        let child = "name='mine'\nmode='dark'\ninherits='dark'\n[palette]\nteal='#00ff00'\n[roles]\nfail='#010203'\n";
        let circle = "name='loop'\nmode='dark'\ninherits='loop'\n";
        let themes = Themes::with(vec![own("mine", child), own("loop", circle)]);
        let (mine, dark) = (themes.load("mine", Level::True).unwrap(), load("dark", Level::True).unwrap());
        assert_eq!(mine.style(Role::Fail).fg, Some(Color::Rgb(1, 2, 3)));
        assert_eq!(mine.style(Role::Ok).fg, Some(Color::Rgb(0, 255, 0)), "the palette is replaced as well");
        assert_eq!(mine.style(Role::Warn), dark.style(Role::Warn));
        assert!(themes.load("loop", Level::True).unwrap_err().0.contains("inherits from it in the end"));
        assert!(themes.names().contains(&"mine".to_owned()));
        assert!(themes.load("mime", Level::True).unwrap_err().0.contains("did you mean mine?"));
    }

    #[test]
    fn silent_roles_take_the_look_of_their_fallback() {
        let text = "name='x'\nmode='dark'\n[palette]\nred='#ff0000'\n[roles]\nfail='red'\n";
        let theme = parse(text, Level::True).unwrap();
        assert_eq!(theme.style(Role::LogError), theme.style(Role::Fail));
        assert_eq!(theme.style(Role::Fail).fg, Some(Color::Rgb(255, 0, 0)));
        assert_eq!(theme.style(Role::Layer3), Style::new());
    }

    #[test]
    fn a_wrong_file_says_what_is_wrong() {
        for (text, expected) in [
            ("name='x'\nmode='dark'\n[roles]\ntext='red'", "neither in the palette"),
            ("name='x'\nmode='dusk'\n[roles]", "line 2: unknown variant `dusk`"),
            ("name = ", "line 1: "),
        ] {
            let error = parse(text, Level::True).unwrap_err();
            assert!(error.contains(expected) && error.lines().count() == 1, "{error}");
        }
    }

    #[test]
    fn a_role_that_there_is_not_is_left_out_and_said() {
        let text = "name='x'\nmode='dark'\n[roles]\ntxt='#000000'\nfail='#010203'\n".to_owned();
        let themes = Themes::with(vec![("x".to_owned(), text), ("y".to_owned(), "name=".to_owned())]);
        assert_eq!(themes.load("x", Level::True).unwrap().style(Role::Fail).fg, Some(Color::Rgb(1, 2, 3)));
        assert_eq!(themes.warnings("x"), ["theme `x`: unknown role `txt`; did you mean text?"]);
        let unknown = themes.load("zz", Level::True).unwrap_err().0;
        assert!(
            unknown.contains(", x)") && !unknown.contains(", y"),
            "one that cannot be used is no choice: {unknown}"
        );
        for name in names() {
            assert_eq!(themes.warnings(name), Vec::<String>::new(), "{name}");
        }
    }

    #[test]
    fn colors_of_the_cube_map_to_themselves() {
        for index in [16, 21, 60, 123, 231] {
            assert_eq!(indexed(nearest_256(indexed(index))), indexed(index));
        }
    }

    #[test]
    fn what_programs_print_in_color_can_be_read_in_every_theme_and_has_none_without_color() {
        let ink = |text: &str| color::apart(text).1[0].1;
        for name in names() {
            let theme = load(name, Level::True).unwrap();
            for number in 0..16 {
                let (fore, back) = if number < 8 { (30 + number, 40 + number) } else { (82 + number, 92 + number) };
                let look = theme.inked(Role::LogInfo, ink(&format!("\u{1b}[{fore}mx")));
                let ground = look.bg.unwrap_or(theme.ground);
                assert!(
                    look.fg.is_none_or(|fg| contrast(fg, ground).is_none_or(|found| found >= READABLE)),
                    "{name}: {fore}"
                );
                // On a ground of its own color, too.
                let both = theme.inked(Role::LogInfo, ink(&format!("\u{1b}[{fore};{back}mx")));
                assert!(
                    number == 0 || name == "mono" || both.add_modifier.contains(Modifier::REVERSED),
                    "{name}: {back}"
                );
            }
            let loud = ink("\u{1b}[1;4;31mx");
            for level in [Level::Ansi16, Level::Ansi256, Level::True] {
                let theme = load(name, level).unwrap();
                let is_louder =
                    theme.inked(Role::LogInfo, loud).add_modifier.contains(Modifier::BOLD | Modifier::UNDERLINED);
                assert_eq!(is_louder, name != "mono" || level == Level::Ansi16, "{name}");
            }
            let theme = load(name, Level::None).unwrap();
            assert_eq!(theme.inked(Role::LogInfo, loud), theme.style(Role::LogInfo), "{name}");
        }
        let dark = load("dark", Level::True).unwrap();
        let colors: std::collections::BTreeSet<String> = (30..38)
            .map(|fore| format!("{:?}", dark.inked(Role::LogInfo, ink(&format!("\u{1b}[{fore}mx"))).fg))
            .collect();
        assert_eq!(colors.len(), 8, "each color is another one");
    }

    #[test]
    fn names_are_distinct_and_chains_end_at_text() {
        let mut names: Vec<&str> = Role::ALL.iter().map(|role| role.name()).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), Role::ALL.len());
        for role in Role::ALL {
            let chain = std::iter::successors(Some(*role), |role| role.fallback());
            assert_eq!(chain.take(10).last(), Some(Role::Text), "{role:?}");
        }
    }
}
