//! What the benchmark of NCCL needs on each platform: image, environment, and how the workers reach the network.
//!
//! Images and settings are those of the reference's runtimes. Programs lie elsewhere in each image, so they are looked for
//! where one has to be started. None of this was run on a GPU.

use super::{
    Change,
    gke_gpu_nic_networks::interfaces,
    nccl_runtime::{LARGEST, SMALLEST},
    probe,
};
use crate::validate::input::Input;
use serde_json::{Value, json};

/// Which transport is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Variant {
    /// Whatever NCCL chooses.
    Any,
    /// The network between nodes.
    Net,
    /// NVLink SHARP across an IMEX domain.
    Nvls,
}

/// What runs on a platform.
#[derive(Clone, Copy, Debug)]
pub struct Platform {
    pub image: &'static str,
    /// Environment of every rank.
    env: &'static [(&'static str, &'static str)],
    /// Options of mpirun.
    mpi: &'static str,
    /// Where NCCL and its plugin lie in the image, for every rank; empty where the image says so itself.
    libraries: &'static str,
    pub fabric: Fabric,
}

/// How pods get to the network between nodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fabric {
    /// As every pod does.
    Default,
    /// By a resource that they ask for beside GPUs: as much as each node has, or one.
    Resource { name: &'static str, all: bool },
    /// GPUDirect-TCPXO of GKE: a network for each NIC, and a daemon beside each worker.
    Tcpxo,
    /// NICs of AWS with RoCE, claimed as devices.
    Roce,
}

const EFA_IMAGE: &str =
    "public.ecr.aws/hpc-cloud/nccl-tests:cuda12.8.1-efa1.43.2-ofiv1.16.3-ncclv2.27.7-1-testsv2.16.9";
/// The plugin's folder is named after the processor; one that is not there is passed over.
const EFA_LIBRARIES: &str = "/opt/amazon/ofi-nccl/lib/x86_64-linux-gnu:/opt/amazon/ofi-nccl/lib/aarch64-linux-gnu:\
     /opt/amazon/ofi-nccl/lib:/opt/amazon/efa/lib:/opt/amazon/openmpi/lib:/opt/nccl/build/lib:/usr/local/nvidia/lib";
const PYTORCH_IMAGE: &str = "nvcr.io/nvidia/pytorch:25.06-py3";
/// The first with CUDA 13, which GB300 needs.
const PYTORCH_CUDA_13_IMAGE: &str = "nvcr.io/nvidia/pytorch:26.01-py3";
const TCPXO_DAEMON_IMAGE: &str = "us-docker.pkg.dev/gce-ai-infra/gpudirect-tcpxo/tcpgpudmarxd-dev:v1.0.20";
/// MPI only starts the ranks; it talks over the network that every pod has.
const ETH0: &str = "--mca oob_tcp_if_include eth0 --mca btl_tcp_if_include eth0";
/// The collectives of HPC-X crash at the start in the image with CUDA 13, and so does UCX.
const ETH0_PLAIN: &str = "--mca coll ^ucc,hcoll --mca pml ob1 --mca btl tcp,self --mca oob_tcp_if_include eth0 \
                          --mca btl_tcp_if_include eth0";

/// The benchmark over whatever transport NCCL chooses, on EFA, on shared InfiniBand devices, and over sockets.
const EFA: Platform = Platform {
    image: EFA_IMAGE,
    env: &[
        ("FI_PROVIDER", "efa"),
        ("FI_EFA_USE_DEVICE_RDMA", "1"),
        ("FI_EFA_FORK_SAFE", "1"),
        ("NCCL_SOCKET_IFNAME", "eth0"),
        ("NCCL_DEBUG", "WARN"),
    ],
    mpi: "",
    libraries: EFA_LIBRARIES,
    fabric: Fabric::Resource { name: "vpc.amazonaws.com/efa", all: true },
};
const INFINIBAND: Platform = Platform {
    env: &[("NCCL_NET_PLUGIN", "none"), ("NCCL_IB_DISABLE", "0"), ("NCCL_DEBUG", "WARN")],
    fabric: Fabric::Resource { name: "rdma/hca_shared_devices_a", all: false },
    ..EFA
};
const SOCKETS: Platform = Platform {
    image: PYTORCH_IMAGE,
    env: &[("NCCL_SOCKET_IFNAME", "eth0"), ("NCCL_DEBUG", "WARN")],
    mpi: ETH0,
    libraries: "",
    fabric: Fabric::Default,
};
/// NCCL's own settings come from the file that TCPXO's installer leaves on the node. At INFO it names its network, without
/// which nobody knows that it did not fall back to sockets.
const TCPXO: Platform = Platform {
    image: PYTORCH_IMAGE,
    env: &[
        ("UCX_NET_DEVICES", "eth0"),
        ("NCCL_FASTRAK_LLCM_DEVICE_DIRECTORY", "/dev/aperture_devices"),
        ("NCCL_DYNAMIC_CHUNK_SIZE", "524288"),
        ("CUDA_DEVICE_MAX_CONNECTIONS", "1"),
        ("NCCL_DEBUG", "INFO"),
        ("NCCL_DEBUG_SUBSYS", "INIT"),
    ],
    mpi: ETH0,
    libraries: "/usr/lib/x86_64-linux-gnu:/usr/local/nvidia/lib64:/usr/local/cuda/lib64",
    fabric: Fabric::Tcpxo,
};
/// Over EFA alone, and over RoCE alone.
const EFA_ONLY: Platform = Platform {
    env: &[
        ("FI_PROVIDER", "efa"),
        ("NCCL_SOCKET_IFNAME", "eth0"),
        ("NCCL_NVLS_ENABLE", "0"),
        ("NCCL_MNNVL_ENABLE", "0"),
        ("NCCL_DEBUG", "INFO"),
    ],
    ..EFA
};
pub const ROCE: Platform = Platform {
    image: PYTORCH_CUDA_13_IMAGE,
    env: &[
        ("NCCL_SOCKET_IFNAME", "eth0"),
        ("NCCL_NET_PLUGIN", "none"),
        ("NCCL_IB_HCA", "rocep"),
        ("NCCL_NVLS_ENABLE", "0"),
        ("NCCL_MNNVL_ENABLE", "0"),
        ("NCCL_IGNORE_DISABLED_P2P", "1"),
        ("NCCL_DEBUG", "INFO"),
    ],
    mpi: ETH0_PLAIN,
    libraries: "/usr/local/nvidia/lib64:/usr/local/cuda/lib64",
    fabric: Fabric::Roce,
};
/// What the recipe brings says everything itself.
pub const OF_RECIPE: Platform = Platform { image: "", env: &[], mpi: "", libraries: "", fabric: Fabric::Default };
/// Over NVLink alone, in the image of EKS and in that of everywhere else.
const NVLINK_EKS: Platform = Platform { image: EFA_IMAGE, libraries: EFA_LIBRARIES, mpi: "", ..NVLINK };
const NVLINK: Platform = Platform {
    image: PYTORCH_IMAGE,
    env: &[
        ("NCCL_NVLS_ENABLE", "1"),
        ("NCCL_NET_PLUGIN", "none"),
        ("NCCL_SOCKET_IFNAME", "eth0"),
        ("NCCL_DEBUG", "INFO"),
    ],
    mpi: ETH0,
    libraries: "",
    fabric: Fabric::Default,
};

/// The platforms whose runtime this program knows, by profile: accelerator and service. The first that matches counts.
const PLATFORMS: [(Variant, &str, Platform); 14] = [
    (Variant::Any, "h100/eks", EFA),
    (Variant::Any, "h200/eks", EFA),
    (Variant::Any, "h100/gke", TCPXO),
    (Variant::Any, "h100/aks", INFINIBAND),
    (Variant::Any, "b200/any", SOCKETS),
    (Variant::Any, "gb200/any", SOCKETS),
    (Variant::Net, "gb200/eks", EFA_ONLY),
    (Variant::Net, "gb300/eks", EFA_ONLY),
    (Variant::Nvls, "gb200/eks", NVLINK_EKS),
    (Variant::Nvls, "gb300/eks", NVLINK_EKS),
    (Variant::Nvls, "gb200/oke", NVLINK),
    (Variant::Nvls, "gb200/gke", NVLINK),
    (Variant::Nvls, "gb300/generic", NVLINK),
    (Variant::Nvls, "vr200/rke2", NVLINK),
];

pub fn platform(variant: Variant, profile: &str) -> Option<Platform> {
    let is_meant = |known: &str| match known.strip_suffix("any") {
        Some(accelerator) => profile.starts_with(accelerator),
        None => profile == known,
    };
    let mut known = PLATFORMS.into_iter().filter(|(of, profile, _)| *of == variant && is_meant(profile));
    known.next().map(|(.., platform)| platform)
}

/// Keys as sshd and ssh want them: the mounted ones can be read by everybody.
const KEYS: &str =
    "mkdir -p /tmp/ssh && cp -rL /tmp/mpi-keys/. /tmp/ssh/ && chmod 700 /tmp/ssh && chmod 600 /tmp/ssh/*";
/// Waits until every worker in Trainer's list of hosts has an address, for as long as a pod may take to be prepared.
const NAMES: &str = "if command -v getent >/dev/null; then for host in $(cut -d' ' -f1 \"${OMPI_MCA_orte_default_hostfile:-/dev/null}\"); do tries=0; \
                     until getent hosts \"$host\" >/dev/null 2>&1 || [ $tries -ge 300 ]; do sleep 1; tries=$((tries + 1)); done; done; fi";
/// Where mpirun and nccl-tests lie in the images.
const PROGRAMS: &str = "/opt/amazon/openmpi/bin:/usr/local/mpi/bin:/opt/nccl-tests/build:/usr/local/bin";

impl Platform {
    /// What the launcher runs. mpirun has to be named with its folder: it looks for its other half there on the workers. The
    /// names of workers resolve a moment after their pods have addresses, and ssh does not wait for that, so it is waited for
    /// here. A worker that still installs sshd refuses connections at once; these are tried once a second for ten minutes.
    pub fn launch(&self, ranks: u64) -> String {
        let env: String = self.env.iter().map(|(name, value)| format!(" -x {name}={value}")).collect();
        let (set, pass) = match self.libraries {
            "" => (String::new(), ""),
            libraries => (format!("export LD_LIBRARY_PATH={libraries} && "), " -x LD_LIBRARY_PATH"),
        };
        let mpi = if self.mpi.is_empty() { String::new() } else { format!(" {}", self.mpi) };
        format!(
            "{KEYS} && {NAMES} && PATH=$PATH:{PROGRAMS} && test=$(command -v all_reduce_perf_mpi || command -v all_reduce_perf || \
             echo all_reduce_perf) && {set}exec \"$(command -v mpirun)\" --allow-run-as-root -np {ranks} -bind-to none \
             --mca plm_rsh_args '-i /tmp/ssh/id_rsa -o StrictHostKeyChecking=no -o ConnectTimeout=10 \
             -o ConnectionAttempts=600'{mpi}{pass}{env} \"$test\" -b {SMALLEST} -e {LARGEST} -f 2 -g 1"
        )
    }

    /// What a worker runs: sshd, installed where the image has none.
    pub fn serve(&self) -> String {
        let profile = match self.fabric {
            // TCPXO's installer writes what fits its version; ssh hands it to the ranks.
            Fabric::Tcpxo => {
                "NCCL_LIB_DIR=/usr/local/nvidia/lib64 . /usr/local/nvidia/lib64/nccl-env-profile.sh && \
                 env | grep -E '^(NCCL|CUDA)_' >~/.ssh/environment && \
                 echo 'PermitUserEnvironment yes' >>/etc/ssh/sshd_config && "
            }
            _ => "",
        };
        format!(
            "{KEYS} && mkdir -p ~/.ssh /run/sshd && cp /tmp/ssh/* ~/.ssh/ && \
             {{ [ -x /usr/sbin/sshd ] || {{ apt-get update && apt-get install -y --no-install-recommends openssh-server; }}; }} \
             && {profile}exec /usr/sbin/sshd -De"
        )
    }

    /// Adds to the pod of a worker what it needs to reach the network. `claims` is the name of the template that
    /// [`Platform::template`] makes; `networks` are those of the NICs, in the order of their interfaces.
    pub fn connect(
        &self,
        pod: &mut Value,
        annotations: &mut Value,
        node: &Value,
        claims: &str,
        networks: &[Interface],
    ) {
        match self.fabric {
            Fabric::Default => {}
            Fabric::Resource { name, all } => {
                let has = node["status"]["allocatable"][name].as_str().unwrap_or("0");
                if has != "0" {
                    for list in ["requests", "limits"] {
                        pod["containers"][0]["resources"][list][name] = if all { has.into() } else { "1".into() };
                    }
                }
            }
            Fabric::Roce => {
                claim(pod, "roce", claims);
            }
            Fabric::Tcpxo => tcpxo(pod, annotations, networks),
        }
    }

    /// The devices that each worker claims.
    pub fn template(&self, input: &Input, check: &str, name: &str, count: u64) -> Option<Change> {
        (self.fabric == Fabric::Roce).then(|| {
            let request = json!({"name": "nic", "exactly": {"deviceClassName": "roce.networking.k8s.aws",
                "allocationMode": "ExactCount", "count": count}});
            Change::create(
                "resourceclaimtemplates",
                json!({"apiVersion": "resource.k8s.io/v1", "kind": "ResourceClaimTemplate",
                    "metadata": probe::metadata(input, check, name), "spec": {"spec": {"devices": {"requests": [request]}}}}),
            )
        })
    }
}

/// Adds a claim by a template to a pod and its first container.
pub fn claim(pod: &mut Value, name: &str, template: &str) {
    pod["resourceClaims"] = json!([{"name": name, "resourceClaimTemplateName": template}]);
    pod["containers"][0]["resources"]["claims"] = json!([{ "name": name }]);
}

/// An interface of a pod and the network that it is in.
pub type Interface = (String, String);

/// The interfaces of the NICs: as the recipe says, else the networks for GPU NICs by name.
pub fn nics(input: &Input, networks: &[String]) -> Vec<Interface> {
    let stated = interfaces(input);
    if !stated.is_empty() {
        return stated;
    }
    let mut networks = networks.to_vec();
    networks.sort();
    networks.into_iter().enumerate().map(|(index, network)| (format!("eth{}", index + 1), network)).collect()
}

/// GPUDirect-TCPXO: interfaces by annotation, the receiving daemon beside the worker, its devices without privileges.
fn tcpxo(pod: &mut Value, annotations: &mut Value, networks: &[Interface]) {
    let gpus = pod["containers"][0]["resources"]["limits"]["nvidia.com/gpu"].as_str().unwrap_or("8").to_owned();
    let numbered = (0..gpus.parse().unwrap_or(8)).map(|index: u64| format!("/dev/nvidia{index}"));
    let others = ["/dev/nvidiactl", "/dev/nvidia-uvm", "/dev/dmabuf_import_helper"].map(str::to_owned);
    let devices: String = numbered.chain(others).map(|path| format!("- path: {path}\n")).collect();
    let default = ("eth0".to_owned(), "default".to_owned());
    let interfaces: Vec<Value> = [&default]
        .into_iter()
        .chain(networks)
        .map(|(interface, network)| json!({"interfaceName": interface, "network": network}))
        .collect();
    annotations["devices.gke.io/container.tcpxo-daemon"] = devices.into();
    annotations["networking.gke.io/default-interface"] = "eth0".into();
    annotations["networking.gke.io/interfaces"] = Value::Array(interfaces).to_string().into();
    let start = format!(
        "set -e; chmod 755 /fts/entrypoint_rxdm_container.sh; \
         exec /fts/entrypoint_rxdm_container.sh --num_hops=2 --num_nics {gpus}"
    );
    pod["initContainers"] = json!([{
        "name": "tcpxo-daemon", "image": TCPXO_DAEMON_IMAGE, "restartPolicy": "Always",
        "command": ["/bin/sh", "-c", start],
        "env": [{"name": "LD_LIBRARY_PATH", "value": "/usr/local/nvidia/lib64"}],
        "securityContext": {"capabilities": {"add": ["NET_ADMIN", "NET_BIND_SERVICE"]}},
        "volumeMounts": [
            {"name": "nvidia", "mountPath": "/usr/local/nvidia", "readOnly": true},
            {"name": "sys", "mountPath": "/hostsysfs"},
            {"name": "proc-sys", "mountPath": "/hostprocsysfs"},
        ],
    }]);
    let mounts = [
        json!({"name": "nvidia", "mountPath": "/usr/local/nvidia", "readOnly": true}),
        json!({"name": "aperture", "mountPath": "/dev/aperture_devices"}),
    ];
    let volumes = [
        ("nvidia", "/home/kubernetes/bin/nvidia"),
        ("sys", "/sys"),
        ("proc-sys", "/proc/sys"),
        ("aperture", "/dev/aperture_devices"),
    ];
    let volumes = volumes.map(|(name, path)| json!({"name": name, "hostPath": {"path": path}}));
    append(&mut pod["containers"][0]["volumeMounts"], mounts);
    append(&mut pod["volumes"], volumes);
}

fn append(list: &mut Value, more: impl IntoIterator<Item = Value>) {
    if let Value::Array(list) = list {
        list.extend(more);
    }
}
