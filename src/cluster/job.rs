//! A run on a cluster: create, watch, follow logs, clean up. (validate)
