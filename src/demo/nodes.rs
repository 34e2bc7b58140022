//! The nodes of the demo: labels, capacity, images, and what node feature discovery found on them.

use super::clock::{chance, seconds};
use jiff::Timestamp;
use serde_json::{Map, Value, json};
use std::time::Duration;

pub const CONTROL_PLANE: &str = "aicr";
pub const GPU_NODE: &str = "instance-20260602-102458";
/// Control plane, three workers, the node with the GPU.
pub const NAMES: [&str; 5] = [CONTROL_PLANE, "worker-1", "worker-2", "worker-3", GPU_NODE];

const FEATURE: &str = "feature.node.kubernetes.io";
const CPU_FLAGS_AMD64: &str = "\
    ADX AESNI AVX AVX2 AVX512BW AVX512CD AVX512DQ AVX512F AVX512VL AVX512VNNI CMPXCHG8 FMA3 FXSR FXSROPT HLE \
    HYPERVISOR IA32_ARCH_CAP IBPB IBRS LAHF MD_CLEAR MOVBE OSXSAVE RTM SPEC_CTRL_SSBD STIBP SYSCALL SYSEE X87 \
    XGETBV1 XSAVE XSAVEC XSAVEOPT XSAVES";
const CPU_FLAGS_ARM64: &str = "\
    AES ASIMD ASIMDDP ASIMDFHM ASIMDHP ASIMDRDM ATOMICS BF16 BTI CPUID CRC32 DCPOP DIT ECV EVTSTRM FCMA FLAGM FP \
    FPHP FRINT I8MM ILRCPC JSCVT LRCPC PACA PACG PMULL SB SHA1 SHA2 SHA3 SHA512 SSBS USCAT";
const GPU_LABELS: &str = "\
    cuda.driver-version.full=580.159.03 cuda.driver-version.major=580 cuda.driver-version.minor=159 \
    cuda.driver-version.revision=03 cuda.driver.major=580 cuda.driver.minor=159 cuda.driver.rev=03 \
    cuda.runtime-version.full=13.0 cuda.runtime-version.major=13 cuda.runtime-version.minor=0 \
    cuda.runtime.major=13 cuda.runtime.minor=0 gfd.timestamp=1781258712 gpu.compute.major=8 gpu.compute.minor=0 \
    gpu.count=1 gpu.deploy.container-toolkit=true gpu.deploy.dcgm=true gpu.deploy.dcgm-exporter=true \
    gpu.deploy.device-plugin=true gpu.deploy.driver=pre-installed gpu.deploy.gpu-feature-discovery=true \
    gpu.deploy.mig-manager=true gpu.deploy.node-status-exporter=true gpu.deploy.operator-validator=true \
    gpu.family=ampere gpu.machine=Google-Compute-Engine gpu.memory=40960 gpu.mode=compute gpu.present=true \
    gpu.product=NVIDIA-A100-SXM4-40GB gpu.replicas=1 gpu.sharing-strategy=none mig.capable=true \
    mig.strategy=single mps.capable=false";
const MODULES_AMD64: &str = "\
    aesni_intel binfmt_misc br_netfilter bridge crct10dif_pclmul drm drm_kms_helper ecc efi_pstore \
    ghash_clmulni_intel gve ip6_tables ip_set ip_tables iptable_nat nf_conntrack nf_nat nf_tables nls_iso8859_1 \
    nvidia nvidia_drm nvidia_modeset nvidia_uvm nvme nvme_core overlay psmouse sch_fq_codel tun udp_tunnel veth \
    video virtio_rng vxlan x_tables xt_MASQUERADE xt_conntrack";
const MODULES_ARM64: &str = "\
    br_netfilter bridge fakeowner grpcfuse ip6_tables ip_tables iptable_nat nf_conntrack nf_nat nf_tables overlay \
    shiftfs veth vxlan x_tables xt_MASQUERADE xt_conntrack";
const OS_RELEASE: &[(&str, &str)] = &[
    ("BUG_REPORT_URL", "https://bugs.launchpad.net/ubuntu/"),
    ("HOME_URL", "https://www.ubuntu.com/"),
    ("ID", "ubuntu"),
    ("ID_LIKE", "debian"),
    ("LOGO", "ubuntu-logo"),
    ("NAME", "Ubuntu"),
    ("PRETTY_NAME", "Ubuntu 24.04.3 LTS"),
    ("PRIVACY_POLICY_URL", "https://www.ubuntu.com/legal/terms-and-policies/privacy-policy"),
    ("SUPPORT_URL", "https://help.ubuntu.com/"),
    ("UBUNTU_CODENAME", "noble"),
    ("VERSION", "24.04.3 LTS (Noble Numbat)"),
    ("VERSION_CODENAME", "noble"),
    ("VERSION_ID", "24.04"),
    ("VERSION_ID.major", "24"),
    ("VERSION_ID.minor", "04"),
];

/// What kind of machine a node is.
struct Machine {
    arch: &'static str,
    kernel: (&'static str, &'static str, &'static str, &'static str),
    cpus: u32,
    memory_kib: u64,
    disk_kib: u64,
}

const LAPTOP: Machine = Machine {
    arch: "arm64",
    kernel: ("6.12.54-linuxkit", "6", "12", "54"),
    cpus: 12,
    memory_kib: 16_277_516,
    disk_kib: 61_202_244,
};
const CLOUD: Machine = Machine {
    arch: "amd64",
    kernel: ("6.17.0-1016-gcp", "6", "17", "0"),
    cpus: 12,
    memory_kib: 87_515_864,
    disk_kib: 202_051_056,
};

fn machine(name: &str) -> &'static Machine {
    if NAMES[..4].contains(&name) { &LAPTOP } else { &CLOUD }
}

/// `InternalIP` of a node.
pub fn address(name: &str) -> String {
    let place = NAMES.iter().position(|known| *known == name).unwrap_or(9);
    format!("172.18.0.{}", place + 2)
}

/// The five nodes, and further ones like the GPU node until there are `count`.
pub fn all(now: Timestamp, count: usize) -> impl Iterator<Item = Value> {
    let further = (NAMES.len()..count).map(|number| format!("gpu-{number:05}"));
    let names: Vec<String> = NAMES.into_iter().map(str::to_owned).chain(further).collect();
    names.into_iter().map(move |name| node(&name, now))
}

fn node(name: &str, now: Timestamp) -> Value {
    let machine = machine(name);
    let hours = |hours: u64| seconds(now.checked_sub(Duration::from_secs(hours * 3_600)).unwrap_or(now));
    let has_gpu = machine.arch == "amd64";
    let resources = |reserved: u64| {
        let mut map = json!({"cpu": machine.cpus.to_string(), "memory": format!("{}Ki", machine.memory_kib - reserved),
            "ephemeral-storage": format!("{}Ki", machine.disk_kib), "hugepages-1Gi": "0", "hugepages-2Mi": "0", "pods": "110"});
        if has_gpu {
            map["nvidia.com/gpu"] = json!("1");
        }
        map
    };
    let condition = |kind: &str, status: &str, reason: &str, message: &str| {
        json!({"type": kind, "status": status, "reason": reason, "message": message, "lastHeartbeatTime": seconds(now),
            "lastTransitionTime": hours(239)})
    };
    let pressure = |kind: &str, name: &str, has: &str| {
        condition(kind, "False", &format!("KubeletHas{name}"), &format!("kubelet has {has}"))
    };
    json!({
        "metadata": {"name": name, "labels": labels(name), "creationTimestamp": hours(240), "annotations": {
            "node.alpha.kubernetes.io/ttl": "0", "volumes.kubernetes.io/controller-managed-attach-detach": "true"}},
        "spec": {"podCIDR": format!("10.244.{}.0/24", chance(0, &[name]) % 250)},
        "status": {
            "addresses": [{"type": "InternalIP", "address": address(name)}, {"type": "Hostname", "address": name}],
            "capacity": resources(0), "allocatable": resources(102_400),
            "conditions": [pressure("MemoryPressure", "SufficientMemory", "sufficient memory available"),
                pressure("DiskPressure", "NoDiskPressure", "no disk pressure"),
                pressure("PIDPressure", "SufficientPID", "sufficient PID available"),
                condition("Ready", "True", "KubeletReady", "kubelet is posting ready status")],
            "daemonEndpoints": {"kubeletEndpoint": {"Port": 10250}},
            "images": images(name),
            "nodeInfo": {"architecture": machine.arch, "operatingSystem": "linux", "osImage": "Ubuntu 24.04.3 LTS",
                "kernelVersion": machine.kernel.0, "containerRuntimeVersion": "containerd://2.1.5", "kubeletVersion": "v1.34.0",
                "kubeProxyVersion": "", "bootID": boot_id(name), "machineID": format!("{:016x}", chance(1, &[name])).repeat(2),
                "systemUUID": boot_id(&format!("{name}-system"))}
        }
    })
}

fn boot_id(name: &str) -> String {
    if name == GPU_NODE {
        return "5b6a3f0e-6f6a-4d0c-9a55-2f4d6b1f7c11".to_owned();
    }
    super::clock::Ids::new(chance(0, &["boot", name])).uid()
}

fn images(name: &str) -> Value {
    let mut images = vec![
        ("docker.io/kindest/kindnetd:v20250512-df8de77b", 40_636_774_u64),
        ("registry.k8s.io/kube-proxy:v1.34.0", 25_963_701),
    ];
    if name == CONTROL_PLANE {
        images.push(("registry.k8s.io/etcd:3.6.4-0", 74_311_308));
        images.push(("registry.k8s.io/kube-apiserver:v1.34.0", 27_068_073));
    }
    if machine(name).arch == "amd64" {
        images.push(("nvcr.io/nvidia/gpu-operator:v25.10.1", 225_443_718));
        images.push(("nvcr.io/nvidia/k8s/dcgm-exporter:4.4.2-4.7.0-distroless", 1_010_204_771));
    }
    images.into_iter().map(|(name, size)| json!({"names": [name], "sizeBytes": size})).collect()
}

fn labels(name: &str) -> Value {
    let machine = machine(name);
    let is_amd64 = machine.arch == "amd64";
    let mut labels = Map::new();
    let mut set = |key: &str, value: &str| labels.insert(key.to_owned(), json!(value));
    for prefix in ["beta.kubernetes.io", "kubernetes.io"] {
        set(&format!("{prefix}/arch"), machine.arch);
        set(&format!("{prefix}/os"), "linux");
    }
    set("kubernetes.io/hostname", name);
    if name == CONTROL_PLANE {
        set("node-role.kubernetes.io/control-plane", "");
        set("node-role.kubernetes.io/master", "");
        set("node.kubernetes.io/exclude-from-external-load-balancers", "");
    }
    for flag in if is_amd64 { CPU_FLAGS_AMD64 } else { CPU_FLAGS_ARM64 }.split(' ') {
        set(&format!("{FEATURE}/cpu-cpuid.{flag}"), "true");
    }
    set(&format!("{FEATURE}/cpu-hardware_multithreading"), if is_amd64 { "true" } else { "false" });
    set(&format!("{FEATURE}/cpu-model.vendor_id"), if is_amd64 { "Intel" } else { "Apple" });
    let kernel = machine.kernel;
    for (part, value) in [("full", kernel.0), ("major", kernel.1), ("minor", kernel.2), ("revision", kernel.3)] {
        set(&format!("{FEATURE}/kernel-version.{part}"), value);
    }
    for option in ["NO_HZ", "NO_HZ_IDLE"] {
        set(&format!("{FEATURE}/kernel-config.{option}"), "true");
    }
    set(&format!("{FEATURE}/storage-nonrotationaldisk"), "true");
    for (field, value) in
        [("ID", "ubuntu"), ("VERSION_ID", "24.04"), ("VERSION_ID.major", "24"), ("VERSION_ID.minor", "04")]
    {
        set(&format!("{FEATURE}/system-os_release.{field}"), value);
    }
    set("nvsentinel.dgxc.nvidia.com/kata.enabled", "false");
    if is_amd64 {
        set(&format!("{FEATURE}/cpu-model.family"), "6");
        set(&format!("{FEATURE}/cpu-model.id"), "85");
        set(&format!("{FEATURE}/pci-0302_10de.present"), "true");
        set("nvsentinel.dgxc.nvidia.com/dcgm.version", "4.x");
        set("nvsentinel.dgxc.nvidia.com/driver.installed", "true");
        for (key, value) in GPU_LABELS.split(' ').filter_map(|label| label.split_once('=')) {
            set(&format!("nvidia.com/{key}"), value);
        }
    } else {
        set(&format!("{FEATURE}/kernel-config.PREEMPT"), "true");
        set(&format!("{FEATURE}/memory-swap"), "true");
    }
    Value::Object(labels)
}

/// What the workers of node feature discovery published, one object for each of the five nodes.
pub fn features() -> impl Iterator<Item = Value> {
    NAMES.into_iter().map(|name| {
        let machine = machine(name);
        let is_amd64 = machine.arch == "amd64";
        let flags = |names: &str| {
            json!({"elements": names.split(' ').map(|name| (name.to_owned(), json!({}))).collect::<Map<_, _>>()})
        };
        let texts = |pairs: &[(&str, &str)]| {
            json!({"elements": pairs.iter().map(|(key, value)| ((*key).to_owned(), json!(value))).collect::<Map<_, _>>()})
        };
        let kernel = machine.kernel;
        let mut devices = vec![json!({"attributes": {"class": "0200", "vendor": "1af4", "device": "1041"}})];
        if is_amd64 {
            devices.push(json!({"attributes": {"class": "0302", "vendor": "10de", "device": "20b0", "subsystem_vendor": "10de",
                "subsystem_device": "134f"}}));
        }
        json!({"metadata": {"name": name, "generation": 1, "labels": {"nfd.node.kubernetes.io/node-name": name}},
            "spec": {"labels": {}, "features": {
                "flags": {"cpu.cpuid": flags(if is_amd64 { CPU_FLAGS_AMD64 } else { CPU_FLAGS_ARM64 }),
                    "kernel.loadedmodule": flags(if is_amd64 { MODULES_AMD64 } else { MODULES_ARM64 })},
                "attributes": {"system.osrelease": texts(OS_RELEASE), "kernel.version": texts(&[("full", kernel.0), ("major", kernel.1),
                    ("minor", kernel.2), ("revision", kernel.3)]), "system.name": texts(&[("nodename", name)])},
                "instances": {"pci.device": {"elements": devices}}}}})
    })
}

/// `spec` of the ClusterPolicy: what the kind recipe asks of the GPU operator.
pub fn cluster_policy() -> Value {
    let part = |repository: &str, image: &str, version: &str| json!({"repository": repository, "image": image, "version": version});
    let mut dcgm = part("nvcr.io/nvidia/cloud-native", "dcgm", "4.4.2-1-ubuntu22.04");
    dcgm["enabled"] = json!(false);
    let mut exporter = part("nvcr.io/nvidia/k8s", "dcgm-exporter", "4.4.2-4.7.0-distroless");
    exporter["enabled"] = json!(true);
    exporter["serviceMonitor"] = json!({"enabled": true, "honorLabels": true, "interval": "30s"});
    let mut plugin = part("nvcr.io/nvidia", "k8s-device-plugin", "v0.18.1");
    plugin["enabled"] = json!(true);
    let mut driver = part("nvcr.io/nvidia", "driver", "580.105.08");
    driver["enabled"] = json!(false);
    driver["rdma"] = json!({"enabled": false, "useHostMofed": false});
    driver["upgradePolicy"] = json!({"autoUpgrade": true, "maxParallelUpgrades": 1, "maxUnavailable": "25%"});
    json!({
        "ccManager": {"enabled": false},
        "cdi": {"default": false, "enabled": true},
        "daemonsets": {"priorityClassName": "system-node-critical", "rollingUpdate": {"maxUnavailable": "1"},
            "tolerations": [{"effect": "NoSchedule", "key": "nvidia.com/gpu", "operator": "Exists"}], "updateStrategy": "RollingUpdate"},
        "dcgm": dcgm, "dcgmExporter": exporter, "devicePlugin": plugin.clone(), "driver": driver,
        "gdrcopy": {"enabled": false}, "gds": {"enabled": false}, "gfd": plugin,
        "hostPaths": {"driverInstallDir": "/run/nvidia/driver", "rootFS": "/"},
        "mig": {"strategy": "single"}, "migManager": {"enabled": false}, "nodeStatusExporter": {"enabled": false},
        "operator": {"runtimeClass": "nvidia"},
        "sandboxWorkloads": {"defaultWorkload": "container", "enabled": false},
        "toolkit": {"enabled": false, "installDir": "/usr/local/nvidia"},
        "validator": part("nvcr.io/nvidia", "gpu-operator", "v25.10.1")
    })
}
