//! Documents between editions.
