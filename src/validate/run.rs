//! The state machine of a run: observations in, actions and events out. No clock, no cluster.
//! (validate)
