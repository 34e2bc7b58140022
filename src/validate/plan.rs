//! Recipe + validator catalog → the plan of a run: which checks, in which order, and every object to create.
//! (validate)
