//! Where configuration, state and cache live on this platform. (cli)
