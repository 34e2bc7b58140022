//! The fleet as data: which nodes there are and what each says, the same in every run.
//!
//! In: a node's index and how often it was updated. Out: the bytes of the Node as the API server takes them. Protobuf is
//! written by hand, because k8s-openapi speaks JSON only and the field numbers of a Node are frozen.

/// Labels and images of one node: what a GPU node with the usual operators has.
const LABELS: usize = 70;
const IMAGES: usize = 50;
/// 2026-01-01T00:00:00Z.
const EPOCH: u64 = 1_767_225_600;
/// Of so many updates of a node, one changes whether it is ready; the others are heartbeats.
const FLIP_EVERY: u64 = 10;

/// What makes nodes differ.
struct Shape {
    /// Of 100 nodes.
    share: usize,
    instance_type: &'static str,
    product: &'static str,
    family: &'static str,
    gpus: u32,
    memory_mib: u32,
    driver: &'static str,
}

const fn shape(
    share: usize,
    instance_type: &'static str,
    product: &'static str,
    family: &'static str,
    gpus: u32,
    memory_mib: u32,
    driver: &'static str,
) -> Shape {
    Shape { share, instance_type, product, family, gpus, memory_mib, driver }
}

const SHAPES: [Shape; 7] = [
    shape(50, "p5.48xlarge", "NVIDIA-H100-80GB-HBM3", "hopper", 8, 81_559, "580.105.08"),
    shape(15, "p5.48xlarge", "NVIDIA-H100-80GB-HBM3", "hopper", 8, 81_559, "570.195.03"),
    shape(12, "p4d.24xlarge", "NVIDIA-A100-SXM4-40GB", "ampere", 8, 40_960, "580.105.08"),
    shape(9, "p6e-gb200.36xlarge", "NVIDIA-GB200", "blackwell", 4, 189_471, "580.105.08"),
    shape(7, "g6e.12xlarge", "NVIDIA-L40S", "ada-lovelace", 4, 46_068, "580.105.08"),
    shape(2, "p5en.48xlarge", "NVIDIA-H200", "hopper", 8, 143_771, "580.105.08"),
    shape(5, "m7i.8xlarge", "", "", 0, 0, ""),
];

/// `ip-10-0-0-17.us-west-2.compute.internal`: as the cloud names them, in the order of their index.
pub fn name(index: usize) -> String {
    format!("ip-10-{}-{}-{}.us-west-2.compute.internal", index / 65_536, index / 256 % 256, index % 256)
}

/// One node after so many updates: a heartbeat in every one, and every tenth changes whether it is ready.
pub fn body(index: usize, updates: u64) -> Vec<u8> {
    let shape = of(index);
    let mut meta = Message::default();
    meta.text(1, &name(index));
    for (key, value) in labels(index, shape) {
        meta.entry(11, &key, |entry| entry.text(2, &value));
    }
    let mut spec = Message::default();
    spec.text(3, &format!("aws:///us-west-2{}/i-{index:017x}", zone(index)));
    if shape.gpus > 0 {
        spec.message(5, |taint| {
            taint.text(1, "nvidia.com/gpu");
            taint.text(2, "present");
            taint.text(3, "NoSchedule");
        });
    }
    let mut node = Message::default();
    node.bytes(1, &meta.0);
    node.bytes(2, &spec.0);
    node.message(3, |status| self::status(status, index, shape, updates));
    let mut whole = b"k8s\0".to_vec();
    let mut unknown = Message::default();
    unknown.message(1, |kind| {
        kind.text(1, "v1");
        kind.text(2, "Node");
    });
    unknown.bytes(2, &node.0);
    whole.extend(unknown.0);
    whole
}

/// The status of a node in a round of updates, as a message of its own. Nodes change their readiness at different times,
/// not all in one round.
pub fn status_after(index: usize, round: u64) -> Vec<u8> {
    let mut message = Message::default();
    status(&mut message, index, of(index), round + index as u64 % FLIP_EVERY);
    message.0
}

/// Shapes are spread over the names, as they are where pools grow in turns.
fn of(index: usize) -> &'static Shape {
    let mut place = index * 37 % 100;
    for shape in &SHAPES {
        if place < shape.share {
            return shape;
        }
        place -= shape.share;
    }
    &SHAPES[0]
}

fn zone(index: usize) -> char {
    ['a', 'b', 'c'][index % 3]
}

fn labels(index: usize, shape: &Shape) -> Vec<(String, String)> {
    let text = |key: &str, value: &str| (key.to_owned(), value.to_owned());
    let mut labels = vec![
        text("kubernetes.io/hostname", &name(index)),
        text("kubernetes.io/os", "linux"),
        text("kubernetes.io/arch", if shape.family == "blackwell" { "arm64" } else { "amd64" }),
        text("node.kubernetes.io/instance-type", shape.instance_type),
        text("topology.kubernetes.io/region", "us-west-2"),
        text("topology.kubernetes.io/zone", &format!("us-west-2{}", zone(index))),
        text("eks.amazonaws.com/nodegroup", if shape.gpus > 0 { shape.family } else { "system" }),
        text("feature.node.kubernetes.io/system-os_release.ID", "ubuntu"),
        text("feature.node.kubernetes.io/system-os_release.VERSION_ID", "24.04"),
        text("feature.node.kubernetes.io/kernel-version.full", "6.8.0-1024-aws"),
    ];
    if shape.gpus > 0 {
        labels.extend([
            text("nvidia.com/gpu.present", "true"),
            text("nvidia.com/gpu.product", shape.product),
            text("nvidia.com/gpu.family", shape.family),
            text("nvidia.com/gpu.count", &shape.gpus.to_string()),
            text("nvidia.com/gpu.memory", &shape.memory_mib.to_string()),
            text("nvidia.com/gpu.replicas", "1"),
            text("nvidia.com/mig.capable", if shape.family == "ada-lovelace" { "false" } else { "true" }),
            text("nvidia.com/mig.strategy", "single"),
            text("nvidia.com/cuda.driver-version.full", shape.driver),
            text("nvidia.com/cuda.runtime-version.full", "13.0"),
            text("nvidia.com/gfd.timestamp", &(EPOCH + index as u64).to_string()),
            text("feature.node.kubernetes.io/pci-10de.present", "true"),
        ]);
    }
    for feature in labels.len()..LABELS {
        labels.push((format!("feature.node.kubernetes.io/cpu-cpuid.FEATURE{feature:02}"), "true".to_owned()));
    }
    labels
}

fn status(status: &mut Message, index: usize, shape: &Shape, updates: u64) {
    for field in [1, 2] {
        let mut resources =
            vec![("cpu", "192".to_owned()), ("memory", "2097152Ki".to_owned()), ("pods", "110".to_owned())];
        if shape.gpus > 0 {
            resources.push(("nvidia.com/gpu", shape.gpus.to_string()));
        }
        for (key, value) in resources {
            status.entry(field, key, |entry| entry.message(2, |quantity| quantity.text(1, &value)));
        }
    }
    let now = EPOCH + updates * 10 + index as u64 % 10;
    let ready = (updates / FLIP_EVERY).is_multiple_of(2);
    for (kind, holds, reason) in [
        ("MemoryPressure", false, "KubeletHasSufficientMemory"),
        ("DiskPressure", false, "KubeletHasNoDiskPressure"),
        ("PIDPressure", false, "KubeletHasSufficientPID"),
        ("Ready", ready, if ready { "KubeletReady" } else { "KubeletNotReady" }),
    ] {
        status.message(4, |condition| {
            condition.text(1, kind);
            condition.text(2, if holds { "True" } else { "False" });
            condition.message(3, |time| time.number(1, now));
            condition.message(4, |time| time.number(1, EPOCH + updates / FLIP_EVERY * 10));
            condition.text(5, reason);
            condition.text(6, "kubelet reports this condition");
        });
    }
    for (kind, address) in [
        ("InternalIP", format!("10.{}.{}.{}", index / 65_536, index / 256 % 256, index % 256)),
        ("Hostname", name(index)),
    ] {
        status.message(5, |entry| {
            entry.text(1, kind);
            entry.text(2, &address);
        });
    }
    status.message(7, |info| {
        for (field, value) in [
            (1, format!("{index:032x}")),
            (2, format!("ec2{index:029x}")),
            (3, format!("b007{index:028x}")),
            (4, "6.8.0-1024-aws".to_owned()),
            (5, "Ubuntu 24.04.3 LTS".to_owned()),
            (6, "containerd://2.1.5".to_owned()),
            (7, "v1.34.1-eks-113cf36".to_owned()),
            (9, "linux".to_owned()),
            (10, if shape.family == "blackwell" { "arm64" } else { "amd64" }.to_owned()),
        ] {
            info.text(field, &value);
        }
    });
    for image in 0..IMAGES {
        status.message(8, |entry| {
            let repository = format!("602401143452.dkr.ecr.us-west-2.amazonaws.com/eks/platform/gpu-operator-components/release-2026-10/component-{image:02}");
            entry.text(1, &format!("{repository}@sha256:{:064x}", (image * 7_919 + 1) * (index % 3 + 1)));
            entry.text(1, &format!("{repository}:v1.{image}.{}-eksbuild.1", index % 3));
            entry.number(2, 50_000_000 + image as u64 * 1_234_567);
        });
    }
}

/// A protobuf message under construction.
#[derive(Default)]
struct Message(Vec<u8>);

impl Message {
    fn varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.0.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.0.push(value as u8);
    }

    fn number(&mut self, field: u64, value: u64) {
        self.varint(field << 3);
        self.varint(value);
    }

    fn bytes(&mut self, field: u64, bytes: &[u8]) {
        self.varint(field << 3 | 2);
        self.varint(bytes.len() as u64);
        self.0.extend_from_slice(bytes);
    }

    fn text(&mut self, field: u64, text: &str) {
        self.bytes(field, text.as_bytes());
    }

    fn message(&mut self, field: u64, fill: impl FnOnce(&mut Message)) {
        let mut inner = Message::default();
        fill(&mut inner);
        self.bytes(field, &inner.0);
    }

    /// An entry of a map: the key, and the value in field 2.
    fn entry(&mut self, field: u64, key: &str, value: impl FnOnce(&mut Message)) {
        self.message(field, |entry| {
            entry.text(1, key);
            value(entry);
        });
    }
}
