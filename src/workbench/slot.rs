//! A value that a worker fetches: the last good one, the question that it answers, and why there is no newer one.

use super::wording;
use crate::ops::Failure;
use std::sync::Arc;

/// A value that is fetched by a worker, with the question that it answers.
///
/// Value and question change together, when an answer comes; what is asked meanwhile is kept apart.
#[derive(Debug)]
pub struct Slot<T, Q = ()> {
    /// The last good value.
    pub value: Option<Arc<T>>,
    /// What that value answers.
    answered: Option<Q>,
    /// What was asked last: its answer is on its way, has come or has failed.
    asked: Option<Q>,
    /// Why there is no newer one.
    pub failure: Option<Failure>,
    /// A worker is at it; answers of older generations are dropped.
    pub loading: bool,
    pub generation: u64,
    /// The fetch that goes on, by its generation, and when it was first noted.
    since: Option<(u64, u64)>,
}

// Derived, both would ask the same of `T`, which is only ever shared.
impl<T, Q: Clone> Clone for Slot<T, Q> {
    fn clone(&self) -> Slot<T, Q> {
        Slot {
            value: self.value.clone(),
            answered: self.answered.clone(),
            asked: self.asked.clone(),
            failure: self.failure.clone(),
            loading: self.loading,
            generation: self.generation,
            since: self.since,
        }
    }
}

impl<T, Q> Default for Slot<T, Q> {
    fn default() -> Slot<T, Q> {
        Slot { value: None, answered: None, asked: None, failure: None, loading: false, generation: 0, since: None }
    }
}

impl<T> Slot<T> {
    /// With a value that is there already.
    pub fn with(value: Arc<T>) -> Slot<T> {
        Slot { value: Some(value), ..Slot::default() }
    }

    /// Starts a new fetch of what cannot be asked for in two ways; returns its generation.
    pub fn start(&mut self) -> u64 {
        self.ask(())
    }
}

impl<T, Q: Clone + PartialEq> Slot<T, Q> {
    /// Starts a new fetch; returns its generation.
    pub fn ask(&mut self, question: Q) -> u64 {
        self.asked = Some(question);
        self.generation += 1;
        self.loading = true;
        self.generation
    }

    /// Notes at what time a fetch goes on; the first time counts.
    pub fn note(&mut self, now_ms: u64) {
        let known = self.since.filter(|(generation, _)| *generation == self.generation);
        self.since = self.loading.then(|| known.unwrap_or((self.generation, now_ms)));
    }

    /// For how long a fetch has been going on.
    pub fn waits_ms(&self, now_ms: u64) -> Option<u64> {
        let (_, since) = self.since.filter(|_| self.loading)?;
        Some(now_ms.saturating_sub(since))
    }

    /// The last good value with the question that it answers.
    pub fn answer(&self) -> Option<(&Q, &Arc<T>)> {
        self.answered.as_ref().zip(self.value.as_ref())
    }

    /// What was asked last.
    pub fn asked(&self) -> Option<&Q> {
        self.asked.as_ref()
    }

    /// The value is not the answer to the newest question: that has none yet, or failed.
    pub fn is_stale(&self) -> bool {
        self.value.is_some() && (self.answered != self.asked || self.failure.is_some())
    }

    /// Takes the answer of a fetch; false when a newer one was started since.
    pub fn finish(&mut self, generation: u64, answer: Result<Arc<T>, Failure>) -> bool {
        if generation != self.generation {
            return false;
        }
        self.loading = false;
        match answer {
            Ok(value) => {
                self.value = Some(value);
                self.answered.clone_from(&self.asked);
                self.failure = None;
            }
            Err(failure) => self.failure = Some(wording::here(failure)),
        }
        true
    }

    /// Forgets everything; an answer on its way is dropped.
    pub fn clear(&mut self) {
        *self = Slot { generation: self.generation + 1, ..Slot::default() };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn late_answers_are_dropped_and_the_last_good_value_stays() {
        let mut slot = Slot::default();
        let old = slot.start();
        let new = slot.start();
        assert!(!slot.finish(old, Ok(Arc::new(1))));
        assert!(slot.finish(new, Ok(Arc::new(2))));
        let next = slot.start();
        assert!(slot.finish(next, Err(Failure::new(crate::ops::Kind::Internal, "x", "y"))));
        assert_eq!(slot.value.as_deref(), Some(&2));
        assert!(slot.failure.is_some() && !slot.loading);
    }

    #[test]
    fn a_value_keeps_the_question_that_it_answers() {
        let mut slot: Slot<u8, &str> = Slot::default();
        assert!(slot.answer().is_none() && !slot.is_stale());
        let first = slot.ask("one");
        assert!(!slot.is_stale(), "nothing is shown that could be stale");
        slot.finish(first, Ok(Arc::new(1)));
        let second = slot.ask("two");
        assert_eq!(slot.answer(), Some((&"one", &Arc::new(1))));
        assert!(slot.is_stale(), "the newest question has no answer yet");
        slot.finish(second, Err(Failure::new(crate::ops::Kind::Internal, "x", "y")));
        assert_eq!(slot.answer(), Some((&"one", &Arc::new(1))));
        assert!(slot.is_stale() && slot.asked() == Some(&"two"));
        let third = slot.ask("two");
        slot.finish(third, Ok(Arc::new(2)));
        assert_eq!(slot.answer(), Some((&"two", &Arc::new(2))));
        assert!(!slot.is_stale());
    }

    #[test]
    fn a_fetch_says_how_long_it_has_been_going_on() {
        let mut slot: Slot<u8> = Slot::default();
        slot.note(500);
        assert_eq!(slot.waits_ms(900), None);
        let first = slot.start();
        slot.note(1000);
        slot.note(3000);
        assert_eq!(slot.waits_ms(4000), Some(3000));
        // Another one begins anew.
        let second = slot.start();
        slot.note(5000);
        assert_eq!(slot.waits_ms(5500), Some(500));
        assert!(!slot.finish(first, Ok(Arc::new(1))) && slot.finish(second, Ok(Arc::new(2))));
        assert_eq!(slot.waits_ms(6000), None);
    }
}
