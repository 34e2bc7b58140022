//! What `aicr tui --script FILE --record FILE` keeps, played on a terminal.

use crate::sandbox::Sandbox;

#[test]
fn a_recording_played_on_a_terminal_shows_what_the_script_saw_with_its_times() {
    let sandbox = Sandbox::new();
    sandbox.file("script", "wait\npause 0.3\n3\npause 0.2\ndump diff\n");
    let base = ["--demo", "tui", "--script", "script", "--size", "100x30", "--record"];
    let with = |file: &str| {
        let arguments: Vec<&str> = base.iter().copied().chain([file]).collect();
        sandbox.run(&arguments, sandbox.command(&arguments).output().unwrap())
    };
    let last = with("run.cast");
    assert_eq!(last.code, 0, "{}", last.stderr);
    let cast = std::fs::read_to_string(sandbox.home().join("run.cast")).unwrap();
    let mut lines = cast.lines();
    assert!(lines.next().unwrap().contains(r#""version":2"#));
    let mut terminal = vt100::Parser::new(30.try_into().unwrap(), 100.try_into().unwrap(), 0);
    let mut before = 0.0;
    for line in lines {
        let (at, kind, bytes): (f64, String, String) = serde_json::from_str(line).unwrap();
        assert!(at >= before && kind == "o", "{line}");
        before = at;
        terminal.process(bytes.as_bytes());
    }
    // Two pauses, and three seconds for the last frame.
    assert!(before >= 3.5, "{before}");
    let trimmed = |text: &str| text.lines().map(str::trim_end).collect::<Vec<_>>().join("\n").trim_end().to_owned();
    assert_eq!(trimmed(&terminal.screen().contents()), trimmed(&last.stdout));

    assert_eq!(with("run.svg").code, 0);
    assert!(std::fs::read_to_string(sandbox.home().join("run.svg")).unwrap().contains("begin=\"loop.begin+"));
    let refused = with("run.gif");
    assert_eq!(refused.code, 2);
    assert!(refused.stderr.contains("ends in .cast or .svg"), "{}", refused.stderr);
}
