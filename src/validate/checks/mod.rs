//! The checks: one file each, listed in [`ALL`]. (validate)
//!
//! A check says what it needs (rules for its role) and judges. It runs in a pod as `aicr check <name>` under the
//! validator contract: exit 0 pass, 1 fail, 2 skip, reason in the termination log, evidence on stdout.
