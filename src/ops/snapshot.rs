//! Take a snapshot, read one, write one. (cli)
