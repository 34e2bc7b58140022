//! Run a validation: readiness, Jobs, events, report, clean-up. (validate)
