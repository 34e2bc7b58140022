//! What nodes with labels, resources, PCI ids and devices of drivers are found to have.

use super::*;
use crate::inventory::node::NodeReport;

/// A node with labels, resources in capacity and PCI ids, in words.
#[track_caller]
fn check(labels: &[(&str, &str)], capacity: &[(&str, u64)], pci: Option<&[&str]>, expected: &str) {
    let resources: Vec<(Text, u64)> = capacity.iter().map(|(name, count)| (Text::from(*name), *count)).collect();
    let report = NodeReport {
        labels: labels.iter().copied().collect(),
        capacity: resources.clone(),
        allocatable: resources,
        ..NodeReport::default()
    };
    let features =
        pci.map(|ids| Features { gpus: Some(ids.iter().map(|id| (*id).to_owned()).collect()), ..Features::default() });
    let held = BTreeMap::new();
    let evidence = Evidence { features: features.as_ref(), held: Ok(&held), ..Evidence::default() };
    let found = of(&report, &evidence);
    let count = match &found.count {
        Fact::Known(reading) => format!("{} ({})", reading.value, reading.source),
        Fact::Unknown(unknown) => format!("? ({unknown})"),
    };
    let line = [found.model.text().unwrap_or("?").to_owned(), count, found.division()];
    assert_eq!(line.join(" | ").trim_end_matches([' ', '|']), expected);
}

#[test]
fn what_a_scheduler_offers_several_times_is_one_device() {
    let report = |text: &str| NodeReport {
        capacity: vec![("nvidia.com/gpu".into(), 20)],
        allocatable: vec![("nvidia.com/gpu".into(), 20)],
        registered: Registered::parse(text),
        ..NodeReport::default()
    };
    let entry = "GPU-1,10,81920,100,NVIDIA-NVIDIA H100 80GB HBM3,0,true:GPU-2,10,81920,100,NVIDIA-NVIDIA H100 80GB HBM3,1,true:";
    let json = r#"[{"id":"GPU-1","count":10,"devmem":81920,"devcore":100,"type":"NVIDIA H100 80GB HBM3","health":true},
        {"id":"GPU-2","count":10,"devmem":81920,"devcore":100,"type":"NVIDIA H100 80GB HBM3","health":true}]"#;
    for text in [entry, json] {
        let found = of(&report(text), &Evidence::default());
        assert_eq!(
            (found.count.get(), found.memory_mib.get(), found.model.text()),
            (Some(2), Some(81920), Some("h100"))
        );
        assert_eq!(found.division(), "shared x10");
    }
    for text in ["", ":", "GPU-1,10", "[{}]", "[", "GPU-1,x,1,1,A:"] {
        assert_eq!(Registered::parse(text), None, "{text}");
    }
}

const H100: (&str, &str) = ("nvidia.com/gpu.product", "NVIDIA-H100-80GB-HBM3");

#[test]
fn a_mig_device_is_not_a_gpu() {
    check(
        &[H100, ("nvidia.com/gpu.count", "4"), ("nvidia.com/mig.strategy", "mixed")],
        &[("nvidia.com/gpu", 1), ("nvidia.com/mig-2g.20gb", 9)],
        None,
        "h100 | 4 (label nvidia.com/gpu.count) | MIG 9 x 2g.20gb",
    );
    let sliced = ("nvidia.com/gpu.product", "NVIDIA-H100-80GB-HBM3-MIG-3g.40gb");
    let labels = [sliced, ("nvidia.com/gpu.count", "16"), ("nvidia.com/mig.strategy", "single")];
    let offered = [("nvidia.com/gpu", 16)];
    check(&labels, &offered, None, "h100 | ? (nvidia.com/gpu.count counts MIG devices) | MIG 16 x 3g.40gb");
    let pci = ["2330"; 8];
    check(&labels, &offered, Some(&pci), "h100 | 8 (nodefeature pci.device) | MIG 16 x 3g.40gb");
    check(&[], &[("nvidia.com/mig-1g.5gb", 7)], None, "? | ? (only MIG devices are offered) | MIG 7 x 1g.5gb");
}

#[test]
fn a_replica_is_not_a_gpu() {
    let shared = [("nvidia.com/gpu", 0), ("nvidia.com/gpu.shared", 32)];
    check(&[H100, ("nvidia.com/gpu.count", "8")], &shared, None, "h100 | 8 (label nvidia.com/gpu.count) | shared x4");
    check(&[], &shared, None, "? | ? (only replicas of shared GPUs are offered) | shared");
    let sliced = [("nvidia.com/gpu.replicas", "4"), ("nvidia.com/gpu.sharing-strategy", "time-slicing")];
    check(&sliced, &[("nvidia.com/gpu", 8)], None, "? | 2 (node status.capacity) | time-slicing x4");
}

#[test]
fn a_shared_mig_device_is_neither_a_gpu_nor_several_mig_devices() {
    let shared = ("nvidia.com/gpu.replicas", "4");
    let single = ("nvidia.com/gpu.product", "NVIDIA-H100-80GB-HBM3-MIG-1g.10gb-SHARED");
    check(
        &[single, ("nvidia.com/gpu.count", "7"), shared],
        &[("nvidia.com/gpu", 28)],
        None,
        "h100 | ? (nvidia.com/gpu.count counts MIG devices) | MIG 7 x 1g.10gb, shared x4",
    );
    check(
        &[H100, ("nvidia.com/gpu.count", "8"), shared],
        &[("nvidia.com/mig-1g.10gb.shared", 224)],
        None,
        "h100 | 8 (label nvidia.com/gpu.count) | MIG 56 x 1g.10gb, shared x4",
    );
    check(
        &[H100, ("nvidia.com/gpu.count", "8"), ("nvidia.com/mig-1g.10gb.replicas", "2")],
        &[("nvidia.com/mig-1g.10gb.shared", 112)],
        None,
        "h100 | 8 (label nvidia.com/gpu.count) | MIG 56 x 1g.10gb, shared x2",
    );
}

#[test]
fn google_labels_say_how_devices_are_divided() {
    let h100 = ("cloud.google.com/gke-accelerator", "nvidia-h100-80gb");
    let sharing = [
        h100,
        ("cloud.google.com/gke-gpu-sharing-strategy", "time-sharing"),
        ("cloud.google.com/gke-max-shared-clients-per-gpu", "4"),
    ];
    check(&sharing, &[("nvidia.com/gpu", 32)], None, "h100 | 8 (node status.capacity) | time-slicing x4");
    let parted = [
        ("cloud.google.com/gke-accelerator", "nvidia-tesla-a100"),
        ("cloud.google.com/gke-gpu-partition-size", "1g.5gb"),
    ];
    check(&parted, &[("nvidia.com/gpu", 7)], None, "a100 | ? (only MIG devices are offered) | MIG 7 x 1g.5gb");
}

#[test]
fn a_device_of_another_bus_or_vendor_is_not_a_measured_zero() {
    let gfd = [("nvidia.com/gpu.product", "Orin"), ("nvidia.com/gpu.count", "1")];
    check(&gfd, &[("nvidia.com/gpu", 1)], Some(&[]), "? | 1 (label nvidia.com/gpu.count)");
    check(&[], &[("amd.com/gpu", 8)], Some(&[]), "? | 8 (node status.capacity)");
    let wsl = NodeReport {
        info: super::super::node::NodeInfo {
            kernel: Some("5.15.167.4-microsoft-standard-WSL2".into()),
            ..Default::default()
        },
        ..NodeReport::default()
    };
    let none = Features { gpus: Some(Vec::new()), ..Features::default() };
    let found = of(&wsl, &Evidence { features: Some(&none), ..Evidence::default() });
    assert_eq!((found.count.get(), found.present.get()), (None, None));
}

#[test]
fn labels_of_pci_devices_and_managed_services_say_what_is_there() {
    let device = [("feature.node.kubernetes.io/pci-10de_2330.present", "true")];
    check(&device, &[], None, "h100 | ? (not labeled)");
    let class = [("feature.node.kubernetes.io/pci-0302_10de_2330.present", "true")];
    check(&class, &[], None, "h100 | ? (not labeled)");
    let of_labels = |labels: &[(&str, &str)]| {
        let report = NodeReport { labels: labels.iter().copied().collect(), ..NodeReport::default() };
        let found = of(&report, &Evidence::default());
        (found.present.get(), found.vendor.text().map(str::to_owned))
    };
    let nvidia = (Some(true), Some("nvidia".to_owned()));
    assert_eq!(of_labels(&[("accelerator", "nvidia")]), nvidia);
    assert_eq!(of_labels(&[("kubernetes.azure.com/accelerator", "nvidia")]), nvidia);
    assert_eq!(of_labels(&[("cloud.google.com/gke-gpu", "true")]), nvidia);
    assert_eq!(of_labels(&[("accelerator", "none")]), (None, None));
    let amd = (Some(true), Some("amd".to_owned()));
    assert_eq!(of_labels(&[("feature.node.kubernetes.io/pci-1200_1002.present", "true")]), amd);
    assert_eq!(of_labels(&[("feature.node.kubernetes.io/pci-0300_1002.present", "true")]), (None, None));
    assert_eq!(of_labels(&[("node.kubernetes.io/instance-type", "Standard_ND96isr_MI300X_v5")]), amd);
}

#[test]
fn without_an_operator_clouds_and_pci_labels_say_that_a_gpu_is_there() {
    let eks = [("node.kubernetes.io/instance-type", "p5.48xlarge")];
    check(&eks, &[], None, "h100 | 8 (label node.kubernetes.io/instance-type)");
    let present = |labels: &[(&str, &str)]| {
        let report = NodeReport { labels: labels.iter().copied().collect(), ..NodeReport::default() };
        of(&report, &Evidence::default()).present.get()
    };
    assert_eq!(present(&[("feature.node.kubernetes.io/pci-0302_10de.present", "true")]), Some(true));
    assert_eq!(present(&[("feature.node.kubernetes.io/pci-0300_10de_2684.present", "true")]), Some(true));
    assert_eq!(present(&[("feature.node.kubernetes.io/pci-0680_10de.present", "true")]), None);
    assert_eq!(present(&[("feature.node.kubernetes.io/pci-0200_15b3.present", "true")]), None);
    assert_eq!(present(&[]), None, "nothing looked, so nothing is known");
}

#[test]
fn zero_is_reported_only_where_it_was_counted() {
    check(&[], &[], Some(&[]), "? | 0 (nodefeature pci.device)");
    check(&[], &[("nvidia.com/gpu", 0)], None, "? | ? (not labeled)");
    check(&[], &[], None, "? | ? (not labeled)");
}

#[test]
fn devices_of_a_driver_are_counted_as_gpus_once() {
    let device = |name: &str, attributes: &[(&str, &str)]| Device {
        name: name.into(),
        driver: "gpu.nvidia.com".into(),
        attributes: attributes.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect(),
        ..Device::default()
    };
    let devices = [
        device("gpu-0", &[("type", "gpu"), ("uuid", "A"), ("productName", "NVIDIA GB300")]),
        device("gpu-1-mig-0", &[("type", "mig"), ("parentUUID", "B")]),
        device("gpu-1-mig-1", &[("type", "mig"), ("parentUUID", "B")]),
        device("gpu-0-mig-0", &[("type", "mig"), ("parentUUID", "A")]),
    ];
    let allocated = BTreeMap::from([("gpu.nvidia.com".to_owned(), 3)]);
    let evidence = Evidence { devices: devices.iter().collect(), allocated: Ok(&allocated), ..Evidence::default() };
    let found = of(&NodeReport::default(), &evidence);
    assert_eq!((found.count.get(), found.model.text(), found.free()), (Some(2), Some("gb300"), Some((Some(1), 4))));
    let part = |name: &str| device(name, &[("type", "mig"), ("parentUUID", "A"), ("profile", "1g.10gb")]);
    let parts = [part("a"), part("b")];
    let found = of(&NodeReport::default(), &Evidence { devices: parts.iter().collect(), ..Evidence::default() });
    assert_eq!((found.count.get(), &*found.division()), (Some(1), "MIG 2 x 1g.10gb"));
}

#[test]
fn what_could_be_made_of_a_device_is_not_there() {
    let device = |name: &str, kind: &str, shares_counters: bool| Device {
        name: name.into(),
        driver: "gpu.nvidia.com".into(),
        attributes: [("type", kind), ("productName", "NVIDIA H100 80GB HBM3"), ("profile", "1g.10gb")]
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .into(),
        shares_counters,
        ..Device::default()
    };
    let mut devices = vec![device("gpu-0", "gpu", true), device("gpu-1", "gpu", true)];
    devices.extend((0..24).map(|at| device(&format!("mig-{at}"), "mig", true)));
    devices.push(device("gpu-vfio-0", "vfio", false));
    let allocated = BTreeMap::from([("gpu.nvidia.com".to_owned(), 1)]);
    let evidence = Evidence { devices: devices.iter().collect(), allocated: Ok(&allocated), ..Evidence::default() };
    let found = of(&NodeReport::default(), &evidence);
    assert_eq!((found.count.get(), found.mig.is_none(), found.free()), (Some(2), true, Some((None, 2))));
    // Where a driver lists its devices for virtual machines alone, they are what there is.
    let alone = [device("gpu-vfio-0", "vfio", false), device("gpu-vfio-1", "vfio", false)];
    let evidence = Evidence { devices: alone.iter().collect(), allocated: Ok(&allocated), ..Evidence::default() };
    assert_eq!(of(&NodeReport::default(), &evidence).free(), Some((Some(1), 2)));
}

#[test]
fn devices_of_several_vendors_or_models_have_no_common_word() {
    let of_resources = |resources: &[(&str, u64)]| {
        let resources: Vec<(Text, u64)> = resources.iter().map(|(name, count)| (Text::from(*name), *count)).collect();
        let report = NodeReport { capacity: resources.clone(), allocatable: resources, ..NodeReport::default() };
        of(&report, &Evidence::default())
    };
    let why = |found: &Accelerators| found.model.unknown().map(ToString::to_string).unwrap_or_default();
    let found = of_resources(&[("nvidia.com/gpu", 4), ("amd.com/gpu", 2)]);
    assert_eq!((found.count.get(), found.vendor.text(), found.has_any()), (None, None, true));
    assert_eq!(why(&found), "devices of several vendors in one machine: 2 of amd and 4 of nvidia");
    let found = of_resources(&[("nvidia.com/a100", 4), ("nvidia.com/h100", 4)]);
    assert_eq!((found.count.get(), found.words().as_deref()), (Some(8), Some("8 x a100 + h100")));
    assert_eq!(why(&found), "several models in one machine: 4 of a100 and 4 of h100");
    let device = |driver: &str, product: &str| Device {
        driver: driver.into(),
        attributes: [("type", "gpu"), ("productName", product)]
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .into(),
        ..Device::default()
    };
    let two = [device("gpu.nvidia.com", "NVIDIA H100 80GB HBM3"), device("gpu.nvidia.com", "NVIDIA A100 80GB PCIe")];
    let found = of(&NodeReport::default(), &Evidence { devices: two.iter().collect(), ..Evidence::default() });
    assert_eq!((found.count.get(), found.model.text()), (Some(2), None));
    let two = [device("gpu.nvidia.com", "NVIDIA H100 80GB HBM3"), device("gpu.amd.com", "AMD Instinct MI300X")];
    let found = of(&NodeReport::default(), &Evidence { devices: two.iter().collect(), ..Evidence::default() });
    assert_eq!((found.count.get(), found.model.text()), (None, None));
    let features = Features { gpus: Some(vec!["2330".into(), "1fb2".into()]), ..Features::default() };
    let found = of(&NodeReport::default(), &Evidence { features: Some(&features), ..Evidence::default() });
    assert_eq!(why(&found), "several models in one machine: 10de:1fb2, h100");
}

#[test]
fn a_label_that_is_older_than_the_devices_does_not_hide_them() {
    check(&[H100, ("nvidia.com/gpu.count", "0")], &[("nvidia.com/gpu", 8)], None, "h100 | 8 (node status.capacity)");
    let why = "h100 | ? (nvidia.com/gpu.replicas says 10, more than the 5 that are offered) | shared x10";
    check(&[H100, ("nvidia.com/gpu.replicas", "10")], &[("nvidia.com/gpu", 5)], None, why);
    check(&[("nvidia.com/gpu.count", "0")], &[], None, "? | 0 (label nvidia.com/gpu.count)");
}

#[test]
fn resources_under_other_names_are_counted() {
    check(&[], &[("nvidia.com/a100", 8)], None, "a100 | 8 (node status.capacity)");
    check(&[], &[("nvidia.com/TU104GL_TESLA_T4", 2)], None, "? | 2 (node status.capacity)");
    check(&[], &[("nvidia.com/GRID_T4-4Q", 4)], None, "? | ? (only parts of GPUs are offered)");
    check(&[], &[("amd.com/cpx_nps4", 64)], None, "? | ? (only parts of GPUs are offered)");
}

#[test]
fn a_virtual_node_offers_a_quota_and_has_no_hardware() {
    let report = NodeReport {
        labels: [("type", "virtual-kubelet")].into_iter().collect(),
        capacity: vec![("nvidia.com/gpu".into(), 100)],
        ..NodeReport::default()
    };
    let found = of(&report, &Evidence::default());
    assert_eq!((found.count.get(), found.has_any()), (None, false));
}

#[test]
fn several_models_in_one_machine_are_named() {
    check(&[], &[], Some(&["20b2", "233b"]), "? | 2 (nodefeature pci.device)");
    let features = Features { gpus: Some(vec!["20b2".into(), "233b".into()]), ..Features::default() };
    let evidence = Evidence { features: Some(&features), ..Evidence::default() };
    let unknown = of(&NodeReport::default(), &evidence).model.unknown().map(ToString::to_string);
    assert_eq!(unknown.as_deref(), Some("several models in one machine: a100, h200"));
}
