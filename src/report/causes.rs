//! An error with all its causes, as one line.

use std::error::Error;

/// What failed, then why, then why that: `it is neither YAML nor JSON: unclosed bracket (line 3, column 11)`.
pub fn causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text = format!("{text}: {cause}");
        next = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::causes;

    #[derive(Debug, thiserror::Error)]
    enum Step {
        #[error("cannot open the door")]
        Door(#[source] Box<Step>),
        #[error("the key is lost")]
        Key,
    }

    #[test]
    fn causes_follow_what_failed() {
        assert_eq!(causes(&Step::Key), "the key is lost");
        let nested = Step::Door(Box::new(Step::Door(Box::new(Step::Key))));
        assert_eq!(causes(&nested), "cannot open the door: cannot open the door: the key is lost");
    }
}
