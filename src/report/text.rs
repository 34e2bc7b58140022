//! A report for people. (validate)
