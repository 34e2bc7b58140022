//! A demo cluster in this process that outlives the programs on it, so that what they leave can be looked at when they have gone.
#![cfg(unix)]

use super::sandbox::Sandbox;
use aicr::{
    cluster::Connection,
    demo::serve,
    ops::{self, cleanup, demo::DemoOptions, fault::Fault},
};
use std::path::PathBuf;
use tokio::runtime::{Builder, Runtime};

/// One on which `dra-support` never gets its pod.
pub struct Served {
    pub runtime: Runtime,
    pub connection: Connection,
    pub sandbox: Sandbox,
    pub kubeconfig: PathBuf,
}

impl Served {
    pub fn new() -> Served {
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let inside = runtime.enter();
        let faults = vec![Fault::Unschedulable { check: "dra-support".into() }];
        let demo = ops::demo::start(&DemoOptions { seed: 7, faults, ..DemoOptions::default() }).unwrap();
        let connection = ops::demo::to_demo(&demo);
        let listener = runtime.block_on(serve::listen(0)).unwrap();
        let sandbox = Sandbox::new();
        let kubeconfig = sandbox.kubeconfig(&format!("http://{}", listener.local_addr().unwrap()));
        runtime.spawn(async move { demo.serve(listener).await });
        drop(inside);
        Served { runtime, connection, sandbox, kubeconfig }
    }

    /// What runs have left in the namespace of validations.
    pub fn left(&self) -> Vec<String> {
        let left = self.runtime.block_on(cleanup::leftovers(&self.connection, "aicr-validation")).unwrap();
        left.iter().map(ToString::to_string).collect()
    }

    pub fn has_job(&self) -> bool {
        self.left().iter().any(|object| object.starts_with("Job "))
    }
}
