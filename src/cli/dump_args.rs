//! What only a cloud provider says of its node pools: flags for the files that its own program printed.

use crate::{
    inventory::Subtype,
    ops::{self, Failure},
    snapshot::provider::Dump,
};
use std::path::PathBuf;

#[derive(Clone, Debug, Default, clap::Args)]
#[command(next_help_heading = "Readings of cloud providers")]
pub struct DumpArgs {
    /// What `az aks nodepool list -o json` printed.
    #[arg(long, value_name = "FILE", env = "AICR_AKS_GPU_POOLS_PATH", hide_env_values = true)]
    aks_gpu_pools: Option<PathBuf>,
    /// What `gcloud container node-pools list --format json` printed.
    #[arg(long, value_name = "FILE", env = "AICR_GKE_GPU_POOLS_PATH", hide_env_values = true)]
    gke_gpu_pools: Option<PathBuf>,
    /// What `oci ce cluster list-addons` printed.
    #[arg(long, value_name = "FILE", env = "AICR_OKE_ADDONS_PATH", hide_env_values = true)]
    oke_addons: Option<PathBuf>,
}

impl DumpArgs {
    /// The readings in these files, before anything else is done.
    ///
    /// # Errors
    /// As [`ops::snapshot::dump`].
    pub fn read(&self) -> Result<Vec<Subtype>, Failure> {
        let DumpArgs { aks_gpu_pools, gke_gpu_pools, oke_addons } = self;
        let files =
            [(Dump::AksGpuPools, aks_gpu_pools), (Dump::GkeGpuPools, gke_gpu_pools), (Dump::OkeAddons, oke_addons)];
        let given = files.into_iter().filter_map(|(dump, file)| Some((dump, file.as_deref()?)));
        given.map(|(dump, file)| ops::snapshot::dump(dump, file)).collect()
    }
}
