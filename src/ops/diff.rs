//! Compare two snapshots or two recipes. (core)
