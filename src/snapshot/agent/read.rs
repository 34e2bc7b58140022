//! Reads a node from its files, as a pod without any rights sees them.
//!
//! `/proc` and `/sys/bus/pci` show the kernel and the devices of the node in any pod. What lies in files of the node's own is
//! there only where the pod may mount them, below [`HOST`]; where it may not, it is said that it could not be read: the files of
//! the pod's image are not those of the node.

use super::NodeFacts;
use crate::{accelerators, inventory::Scalar};
use std::collections::{BTreeMap, BTreeSet};

/// Where files of the node are mounted.
pub const HOST: &str = "/host";
/// The distribution.
pub const RELEASE: &str = "/etc/os-release";
/// One link for each unit that systemd runs.
pub const UNITS: &str = "/run/systemd/units";
/// Bytes of a file that are read.
const LARGEST: usize = 1 << 20;
/// What is not mounted in the pod, said when it is missed.
const NOT_MOUNTED: &str = "the pod may not mount files of the node";

/// Units that are asked for.
const SERVICES: [&str; 3] = ["containerd.service", "docker.service", "kubelet.service"];

/// The files of a node.
pub trait Files {
    /// # Errors
    /// Why there is no text, in words.
    fn text(&self, path: &str) -> Result<String, String>;

    /// Names in a folder, in order; folders end with `/`, links are left out unless `links`.
    ///
    /// # Errors
    /// Why there are none, in words.
    fn names(&self, folder: &str, links: bool) -> Result<Vec<String>, String>;

    /// What `nvidia-smi` prints with these arguments; `None` where there is no such program.
    fn nvidia_smi(&self, arguments: &[&str]) -> Option<Result<String, String>>;
}

/// Everything that can be read of a node.
pub fn read(files: &dyn Files) -> NodeFacts {
    let mut facts = NodeFacts::default();
    let parts: [(&str, &str, fn(&dyn Files) -> Result<Data, String>); 6] = [
        ("OS", "grub", boot_parameters),
        ("OS", "sysctl", kernel_parameters),
        ("OS", "kmod", modules),
        ("OS", "release", release),
        ("GPU", "hardware", hardware),
        ("GPU", "smi", smi),
    ];
    for (kind, name, part) in parts {
        match part(files) {
            Ok(data) => drop(facts.tables.insert((kind.to_owned(), name.to_owned()), data)),
            Err(why) => drop(facts.unread.insert(format!("{kind}.{name}"), why)),
        }
    }
    match units(files) {
        Ok(units) => {
            for (unit, state) in units {
                let data = BTreeMap::from([("ActiveState".to_owned(), Scalar::Text(state.to_owned()))]);
                facts.tables.insert(("SystemD".to_owned(), unit.to_owned()), data);
            }
            // Everything else of a unit is behind a socket that only root may open.
        }
        Err(why) => drop(facts.unread.insert("SystemD".to_owned(), why)),
    }
    facts
}

type Data = BTreeMap<String, Scalar>;

fn text(value: &str) -> Scalar {
    Scalar::Text(value.to_owned())
}

/// Of `/proc/cmdline`, as the reference names them.
fn boot_parameters(files: &dyn Files) -> Result<Data, String> {
    let line = files.text("/proc/cmdline")?;
    let parameter = |word: &str| {
        let (key, value) = word.split_once('=').unwrap_or((word, ""));
        (key.to_owned(), text(value))
    };
    let parameters = line.trim().split(' ').filter(|word| !word.is_empty()).map(parameter);
    Ok(parameters.filter(|(key, _)| key != "root").collect())
}

/// The tree of `/proc/sys` without networks, which are the pod's own.
fn kernel_parameters(files: &dyn Files) -> Result<Data, String> {
    let mut data = Data::new();
    let mut folders = vec!["/proc/sys/".to_owned()];
    let mut is_first = true;
    while let Some(folder) = folders.pop() {
        let names = match files.names(&folder, false) {
            Ok(names) => names,
            Err(why) if is_first => return Err(why),
            Err(_) => continue,
        };
        is_first = false;
        for name in names {
            let path = format!("{folder}{name}");
            if path.starts_with("/proc/sys/net") || path.starts_with("/proc/sys/dev/cdrom/") {
                continue;
            }
            if name.ends_with('/') {
                folders.push(path);
            } else if let Ok(content) = files.text(&path) {
                put_parameter(&mut data, &path, &content);
            }
        }
    }
    Ok(data)
}

/// A file of several lines with several fields each is a table.
fn put_parameter(data: &mut Data, path: &str, content: &str) {
    let lines: Vec<&str> = content.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let fields = |line: &&str| line.split_whitespace().count() >= 2;
    if lines.len() >= 2 && lines.iter().all(fields) {
        for line in lines {
            let mut words = line.split_whitespace();
            let key = words.next().unwrap_or_default();
            data.insert(format!("{path}/{key}"), text(&words.collect::<Vec<_>>().join(" ")));
        }
        return;
    }
    data.insert(path.to_owned(), text(&lines.join("\n")));
}

fn modules(files: &dyn Files) -> Result<Data, String> {
    let list = files.text("/proc/modules")?;
    let name = |line: &str| line.split(' ').next().filter(|name| !name.is_empty()).map(str::to_owned);
    Ok(list.lines().filter_map(name).map(|name| (name, Scalar::Bool(true))).collect())
}

fn release(files: &dyn Files) -> Result<Data, String> {
    let content = files.text(&format!("{HOST}{RELEASE}")).map_err(|why| format!("{RELEASE}: {why}; {NOT_MOUNTED}"))?;
    let pair = |line: &str| {
        let (key, value) = line.trim().split_once('=')?;
        let value = value.trim_matches(['"', '\'']);
        (!key.starts_with('#') && !value.is_empty()).then(|| (key.to_owned(), text(value)))
    };
    Ok(content.lines().filter_map(pair).collect())
}

/// Which services run: systemd keeps a link for each unit while it does.
fn units(files: &dyn Files) -> Result<Vec<(&'static str, &'static str)>, String> {
    let names =
        files.names(&format!("{HOST}{UNITS}/"), true).map_err(|why| format!("{UNITS}: {why}; {NOT_MOUNTED}"))?;
    let runs = |unit: &str| names.iter().any(|name| name.strip_prefix("invocation:") == Some(unit));
    Ok(SERVICES.into_iter().map(|unit| (unit, if runs(unit) { "active" } else { "inactive" })).collect())
}

/// GPUs by their PCI ids, and whether their driver is loaded.
fn hardware(files: &dyn Files) -> Result<Data, String> {
    let devices = files.names("/sys/bus/pci/devices/", true)?;
    let mut models = BTreeSet::new();
    let mut count = 0;
    for device in devices {
        let of = |file: &str| {
            let path = format!("/sys/bus/pci/devices/{}/{file}", device.trim_end_matches('/'));
            files.text(&path).map(|id| id.trim().trim_start_matches("0x").to_owned())
        };
        let (Ok(vendor), Ok(class)) = (of("vendor"), of("class")) else { continue };
        if vendor == "10de" && (class.starts_with("0300") || class.starts_with("0302")) {
            count += 1;
            models.extend(of("device").ok().and_then(|id| accelerators::by_pci(&id)).map(|model| model.name));
        }
    }
    let mut data = Data::from([
        ("gpu-present".to_owned(), Scalar::Bool(count > 0)),
        ("gpu-count".to_owned(), Scalar::count(count)),
        ("detection-source".to_owned(), text("pci")),
    ]);
    if let Ok(modules) = files.text("/proc/modules") {
        let is_loaded = modules.lines().any(|line| line.split(' ').next() == Some("nvidia"));
        data.insert("driver-loaded".to_owned(), Scalar::Bool(is_loaded));
    }
    if let (Some(model), 1) = (models.first(), models.len()) {
        data.insert("model".to_owned(), text(model));
    }
    Ok(data)
}

/// Elements of what `nvidia-smi -q -x` prints, and our keys for them; the first GPU speaks for all.
const SMI: [(&str, &str); 9] = [
    ("driver", "driver_version"),
    ("cuda-version", "cuda_version"),
    ("gpu.model", "product_name"),
    ("gpu.product-architecture", "product_architecture"),
    ("gpu.persistence-mode", "persistence_mode"),
    ("gpu.addressing-mode", "addressing_mode"),
    ("gpu.vbios-version", "vbios_version"),
    ("gpu.gsp-firmware-version", "gsp_firmware_version"),
    ("gpu.display-mode", "display_mode"),
];

fn smi(files: &dyn Files) -> Result<Data, String> {
    let said = files.nvidia_smi(&["-q", "-x"]);
    let said = said.ok_or("nvidia-smi: not in the pod; the NVIDIA container runtime did not put it there")??;
    let element = |name: &str| {
        let (_, rest) = said.split_once(&format!("<{name}>"))?;
        Some(rest.split_once("</")?.0.trim().to_owned())
    };
    let mut data: Data =
        SMI.iter().filter_map(|(key, name)| Some(((*key).to_owned(), text(&element(name)?)))).collect();
    data.insert("gpu-count".to_owned(), Scalar::count(said.matches("<gpu id=").count() as u64));
    Ok(data)
}

/// A text of at most [`LARGEST`] bytes.
///
/// # Errors
/// It is longer.
pub fn limited(text: String) -> Result<String, String> {
    if text.len() > LARGEST { Err(format!("it is larger than {} MiB", LARGEST >> 20)) } else { Ok(text) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Files by path; the folders are theirs.
    struct Node(BTreeMap<&'static str, &'static str>);

    impl Files for Node {
        fn text(&self, path: &str) -> Result<String, String> {
            self.0.get(path).map(|text| (*text).to_owned()).ok_or_else(|| "no such file".to_owned())
        }

        fn names(&self, folder: &str, _links: bool) -> Result<Vec<String>, String> {
            let below = self.0.keys().filter_map(|path| path.strip_prefix(folder));
            let names: BTreeSet<String> = below
                .map(|rest| rest.split_once('/').map_or(rest.to_owned(), |(name, _)| format!("{name}/")))
                .collect();
            if names.is_empty() { Err("no such folder".to_owned()) } else { Ok(names.into_iter().collect()) }
        }

        fn nvidia_smi(&self, _arguments: &[&str]) -> Option<Result<String, String>> {
            self.0.get("nvidia-smi").map(|said| Ok((*said).to_owned()))
        }
    }

    fn shown(facts: &NodeFacts) -> Vec<String> {
        let row = |((kind, name), data): (&(String, String), &Data)| {
            data.iter().map(|(key, value)| format!("{kind}.{name}.{key}={value}")).collect::<Vec<_>>()
        };
        facts.tables.iter().flat_map(row).collect()
    }

    #[test]
    fn a_node_is_read_as_the_reference_reads_it() {
        let node = Node(BTreeMap::from([
            ("/proc/cmdline", "BOOT_IMAGE=/vmlinuz root=/dev/sda1 ro quiet iommu=pt\n"),
            ("/proc/sys/vm/swappiness", "60\n"),
            ("/proc/sys/kernel/osrelease", "6.8.0-1018-aws\n"),
            ("/proc/sys/net/ipv4/ip_forward", "1\n"),
            ("/proc/sys/sunrpc/transports", "tcp 1048576\nudp 32768\n"),
            ("/proc/modules", "nvidia 1 2 - Live 0x0\noverlay 1 2\n"),
            ("/host/etc/os-release", "ID=ubuntu\nVERSION_ID=\"24.04\"\n# x\nEMPTY=\n"),
            ("/host/run/systemd/units/invocation:kubelet.service", ""),
            ("/sys/bus/pci/devices/0000:00:1e.0/vendor", "0x10de\n"),
            ("/sys/bus/pci/devices/0000:00:1e.0/class", "0x030200\n"),
            ("/sys/bus/pci/devices/0000:00:1e.0/device", "0x2330\n"),
            ("/sys/bus/pci/devices/0000:00:1f.0/vendor", "0x1d0f\n"),
            ("/sys/bus/pci/devices/0000:00:1f.0/class", "0x030000\n"),
            (
                "nvidia-smi",
                "<driver_version>580.65</driver_version><gpu id=\"1\"><product_name>NVIDIA H100</product_name></gpu>",
            ),
        ]));
        let facts = read(&node);
        assert_eq!(facts.unread, BTreeMap::new());
        let expected = [
            "GPU.hardware.detection-source=pci",
            "GPU.hardware.driver-loaded=true",
            "GPU.hardware.gpu-count=1",
            "GPU.hardware.gpu-present=true",
            "GPU.hardware.model=h100",
            "GPU.smi.driver=580.65",
            "GPU.smi.gpu-count=1",
            "GPU.smi.gpu.model=NVIDIA H100",
            "OS.grub.BOOT_IMAGE=/vmlinuz",
            "OS.grub.iommu=pt",
            "OS.grub.quiet=",
            "OS.grub.ro=",
            "OS.kmod.nvidia=true",
            "OS.kmod.overlay=true",
            "OS.release.ID=ubuntu",
            "OS.release.VERSION_ID=24.04",
            "OS.sysctl./proc/sys/kernel/osrelease=6.8.0-1018-aws",
            "OS.sysctl./proc/sys/sunrpc/transports/tcp=1048576",
            "OS.sysctl./proc/sys/sunrpc/transports/udp=32768",
            "OS.sysctl./proc/sys/vm/swappiness=60",
            "SystemD.containerd.service.ActiveState=inactive",
            "SystemD.docker.service.ActiveState=inactive",
            "SystemD.kubelet.service.ActiveState=active",
        ];
        assert_eq!(shown(&facts), expected);
    }

    #[test]
    fn what_may_not_be_mounted_is_said_and_the_files_of_the_image_are_not_taken_for_the_nodes() {
        let node = Node(BTreeMap::from([
            ("/proc/cmdline", "ro"),
            ("/proc/sys/vm/swappiness", "60\n"),
            ("/proc/modules", ""),
            ("/etc/os-release", "ID=distroless\n"),
        ]));
        let facts = read(&node);
        let unread: Vec<&String> = facts.unread.keys().collect();
        assert_eq!(unread, ["GPU.hardware", "GPU.smi", "OS.release", "SystemD"]);
        assert!(facts.unread["OS.release"].ends_with(NOT_MOUNTED), "{:?}", facts.unread);
        assert!(!shown(&facts).iter().any(|line| line.contains("distroless")));
    }
}
