//! Addresses of readings: `K8s.server.version`, `NetworkTopology.pfs[rail=0].model`.
