//! What happens when the program itself has a fault: the terminal is given back, a report is written, one message names it.
//!
//! In: a panic. Out: `panic-<time>.txt` in the state folder (message, place, arguments and newest log lines without
//! credentials, backtrace) and exit code 8. Where the workbench draws on another thread, nothing is printed over it: the
//! panic of a worker arrives there as a failed result.

use super::printer::Printer;
use crate::{
    ops::{Failure, Kind},
    report::redact,
    store::{
        folders::{self, PANIC},
        log, write,
    },
    term::{self, color::When},
};
use color_eyre::config::{HookBuilder, PanicHook, Theme};
use std::{
    backtrace::Backtrace,
    fmt::Write as _,
    panic::PanicHookInfo,
    path::PathBuf,
    sync::{Mutex, PoisonError},
};

/// What `--color` said; before the arguments are read, the environment decides.
static COLOR: Mutex<When> = Mutex::new(When::Auto);

/// The name of the report of a panic at that time.
pub fn file_name(time: &str) -> String {
    format!("{PANIC}{time}.txt")
}

/// Takes over panics of every thread.
pub fn install() {
    // The report is a file: no colors in it. The environment section would only say how to get a backtrace.
    let hooks = HookBuilder::default().theme(Theme::new()).display_env_section(false).try_into_hooks();
    let words = hooks.ok().map(|(panics, _)| panics);
    std::panic::set_hook(Box::new(move |info| on_panic(info, words.as_ref())));
}

/// Panics from now on are told in color where this asks for it.
pub fn use_color(when: When) {
    *COLOR.lock().unwrap_or_else(PoisonError::into_inner) = when;
}

fn on_panic(info: &PanicHookInfo<'_>, words: Option<&PanicHook>) {
    let place = info.location().map_or_else(|| "unknown place".to_owned(), ToString::to_string);
    let text = info.payload().downcast_ref::<&str>().copied();
    let text = text.or_else(|| info.payload().downcast_ref::<String>().map(String::as_str));
    let message = text.unwrap_or("panic with an empty message");
    let report = report(info, words);
    let written = save(&report);
    tracing::error!(place, report = ?written.as_ref().ok(), "panic: {message}");
    if !term::leave_for_message() {
        return;
    }
    let hint = match &written {
        Ok(path) => format!("details are in {}; please attach that file to your bug report", path.display()),
        Err(error) => {
            let hint = "please send this text with your report of this fault";
            eprintln!("{report}\nthe report could not be written to a file: {error}");
            hint.to_owned()
        }
    };
    let failure = Failure::new(Kind::Internal, "finish, because of a fault in aicr", message).at(place).hint(hint);
    Printer::new(*COLOR.lock().unwrap_or_else(PoisonError::into_inner), false).failure(&failure);
}

fn report(info: &PanicHookInfo<'_>, words: Option<&PanicHook>) -> String {
    let words = words.map_or_else(|| info.to_string(), |words| words.panic_report(info).to_string());
    let arguments: Vec<String> = std::env::args_os().map(|word| word.to_string_lossy().into_owned()).collect();
    let thread = std::thread::current().name().unwrap_or("unnamed").to_owned();
    let mut text = format!(
        "aicr {} stopped because of a fault in itself.\n\n{}\n\ntime       {}\nsystem     {} {}\nthread     {thread}\n\
         arguments  {}\n\nnewest lines of the log:\n",
        env!("CARGO_PKG_VERSION"),
        redact::text(words.trim()),
        jiff::Timestamp::now(),
        std::env::consts::OS,
        std::env::consts::ARCH,
        redact::text(&arguments.join(" ")),
    );
    for line in log::recent() {
        let _ = writeln!(text, "  {} {} {}", line.level, line.target, line.text);
    }
    // Always captured: whoever meets a fault seldom meets it twice.
    let _ = writeln!(text, "\nbacktrace:\n{}", Backtrace::force_capture());
    text
}

fn save(report: &str) -> std::io::Result<PathBuf> {
    let folder = folders::state().map_or_else(std::env::temp_dir, |folder| folder.path);
    std::fs::create_dir_all(&folder)?;
    let time = jiff::Timestamp::now().strftime("%Y%m%dT%H%M%SZ").to_string();
    let path = folder.join(file_name(&format!("{time}-{}", std::process::id())));
    write::write(&path, report.as_bytes())?;
    Ok(path)
}

/// Panics where a test asks for it with `AICR_TEST_PANIC`; nothing in a released program.
pub fn on_request() {
    #[cfg(debug_assertions)]
    if std::env::var_os("AICR_TEST_PANIC").is_some_and(|place| place == "command") {
        panic!("a test asked for this panic");
    }
}
