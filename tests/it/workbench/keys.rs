//! What keys do and what they are called.

use super::desk::Desk;

#[test]
fn q_leaves_and_escape_does_not() {
    let mut desk = Desk::live(80, 24);
    desk.keys("Esc Esc Esc");
    assert!(!desk.state.quit);
    desk.shows("nothing to go back to; q quits");
    desk.keys("Ctrl-C");
    assert!(!desk.state.quit);
    desk.keys("q");
    assert!(desk.state.quit);
}

#[test]
fn unknown_words_are_answered() {
    let mut desk = Desk::live(80, 24);
    desk.keys("Z");
    desk.shows("`Z` does nothing here");
    desk.keys("r");
    desk.shows("acts on Validate");
    desk.command("recipe service=eksx");
    desk.shows("failed to read --service");
    desk.keys("D");
    desk.shows("did you mean eks");
}
