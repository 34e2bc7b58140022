//! One table of accelerators: the name in the catalog, the texts that products carry, PCI device ids.
//!
//! In: a text or id that a cluster reports. Out: the row, or `None` for what the table does not hold; a product is never
//! taken for one with a similar name. Device plugin labels, cloud labels and the `productName` of a DRA driver carry the
//! same product texts, so they share one column. To add an accelerator, add a row.

/// One accelerator model.
#[derive(Debug, PartialEq, Eq)]
pub struct Accelerator {
    /// As in criteria and in the `model` reading of a snapshot.
    pub name: &'static str,
    /// Words that identify the product, each a run of whole words in upper case, separated by single spaces.
    ///
    /// Empty for models that recipes cannot be resolved for. They are described by their PCI id only.
    pub products: &'static [&'static str],
    /// PCI device ids of vendor 10de, four lower-case hex digits, from the public PCI id database.
    pub pci: &'static [&'static str],
}

impl Accelerator {
    /// Whether the model is a legal value of criteria.
    pub fn in_criteria(&self) -> bool {
        !self.products.is_empty()
    }
}

const fn row(name: &'static str, products: &'static [&'static str], pci: &'static [&'static str]) -> Accelerator {
    Accelerator { name, products, pci }
}

/// All models: those of criteria first, each group by name.
pub const ALL: &[Accelerator] = &[
    row("a100", &["A100"], &["20b0", "20b1", "20b2", "20b3", "20b5", "20f1"]),
    row("b200", &["B200"], &["2901", "2909"]),
    row("b300", &["B300"], &["3182"]),
    row("gb200", &["GB200"], &["2941"]),
    row("gb300", &["GB300"], &["31a1", "31c2", "31c3"]),
    row("h100", &["H100"], &["2321", "2330", "2331", "2336", "2337", "2338", "2339", "233d"]),
    row("h200", &["H200"], &["2335", "233b"]),
    row("l40", &["L40"], &["26b5"]),
    row("l40s", &["L40S"], &["26b9"]),
    row("rtx-pro-6000", &["RTX PRO 6000"], &["2bb1", "2bb4", "2bb5"]),
    // Its PCI ids are not in the public database yet.
    row("vr200", &["VR200"], &[]),
    row("a10", &[], &["2236"]),
    row("a10g", &[], &["2237"]),
    row("a16", &[], &["25b6"]),
    row("a30", &[], &["20b7"]),
    row("a40", &[], &["2235"]),
    row("a800", &[], &["20bd", "20f3", "20f5", "20f6"]),
    row("b100", &[], &["2920", "29bc"]),
    row("gh200", &[], &["2342", "2348"]),
    row("h20", &[], &["230c", "230e", "2329", "232c"]),
    row("h800", &[], &["2322", "2324"]),
    row("l2", &[], &["27b6"]),
    row("l20", &[], &["26b7", "26ba"]),
    row("l4", &[], &["27b8"]),
    row("l40g", &[], &["26b8"]),
    row("p10", &[], &["1b39"]),
    row("p100", &[], &["15f7", "15f8", "15f9"]),
    row("p4", &[], &["1bb3"]),
    row("p40", &[], &["1b38"]),
    row("p6", &[], &["1bb4"]),
    row("t10", &[], &["1e35"]),
    row("t4", &[], &["1eb8"]),
    row("t40", &[], &["1e38"]),
    row("v100", &[], &["1db1", "1db4", "1db5", "1db6", "1db8", "1df5"]),
    row("v100s", &[], &["1df6"]),
];

/// Names that criteria may state, in the order of the table.
pub fn names() -> impl Iterator<Item = &'static str> {
    ALL.iter().filter(|accelerator| accelerator.in_criteria()).map(|accelerator| accelerator.name)
}

/// The model of a product text such as `NVIDIA-H100-80GB-HBM3-SHARED` or `NVIDIA RTX PRO 6000 Blackwell`.
///
/// `None` for a product that criteria cannot state: a GH200 is not an H200, an A800 not an A100, an L4 not an L40.
pub fn by_product(text: &str) -> Option<&'static Accelerator> {
    let words = words(text);
    let has = |product: &str| {
        let product: Vec<&str> = product.split(' ').collect();
        words.windows(product.len()).any(|window| window == product)
    };
    ALL.iter().find(|accelerator| accelerator.products.iter().any(|product| has(product)))
}

/// The model of a PCI device id of vendor 10de, with or without `0x`, in any case.
pub fn by_pci(id: &str) -> Option<&'static Accelerator> {
    let id = id.trim().to_ascii_lowercase();
    let id = id.strip_prefix("0x").unwrap_or(&id);
    ALL.iter().find(|accelerator| accelerator.pci.contains(&id))
}

/// A product text without what says how the device is shared: equal for all nodes that hold the same product.
///
/// Upper case, words separated by single spaces, without the vendor, `SHARED` and a MIG profile. Memory sizes stay,
/// because an 80 GB and a 40 GB device are different products: `NVIDIA-A100-SXM4-40GB-MIG-3g.20gb` → `A100 SXM4 40GB`.
pub fn product(text: &str) -> String {
    words(text).join(" ")
}

/// Words of a product text in upper case, without vendor and sharing. Spaces, hyphens and underscores are alike: labels
/// cannot hold spaces, so each publisher replaces them as it likes.
fn words(text: &str) -> Vec<String> {
    let text = text.to_uppercase();
    let separates = |c: char| c.is_whitespace() || c == '-' || c == '_';
    let words = text.split(separates).filter(|word| !word.is_empty() && *word != "NVIDIA");
    // A profile follows `MIG` and ends the text: `MIG-1g.10gb`, `MIG-1g.5gb.me`.
    words.take_while(|word| *word != "MIG").filter(|word| *word != "SHARED").map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[track_caller]
    fn check(text: &str, expected: Option<&str>) {
        assert_eq!(by_product(text).map(|accelerator| accelerator.name), expected, "{text}");
    }

    #[test]
    fn product_names_the_model_however_it_is_written() {
        for text in [
            "NVIDIA-H200-141GB-HBM3e",
            "NVIDIA H200 NVL",
            "nvidia_h200_nvl",
            "NVIDIA-H200-SHARED",
            "NVIDIA-H200-MIG-2g.35gb",
            "H200",
        ] {
            check(text, Some("h200"));
        }
        check("nvidia-tesla-a100", Some("a100"));
        check("GRID A100D-40C", None);
        check("GRID A100-4C", Some("a100"));
        check("NVIDIA RTX PRO 6000 Blackwell Server Edition", Some("rtx-pro-6000"));
        check("nvidia_rtx_pro-6000", Some("rtx-pro-6000"));
        check("NVIDIA-L40-48GB", Some("l40"));
        check("NVIDIA-L40S-48Q", Some("l40s"));
        check("NVIDIA-GB300-NVL72", Some("gb300"));
    }

    #[test]
    fn similar_names_are_not_the_same_model() {
        for text in [
            "NVIDIA-GH200-96GB",
            "NVIDIA-A800-SXM4-80GB",
            "NVIDIA-H800",
            "NVIDIA-L4-SHARED",
            "NVIDIA-L40G",
            "NVIDIA-A10",
            "NVIDIA RTX A1000",
            "NVIDIA-RTX-6000-Ada-Generation",
            "NVIDIA RTX PRO 5000",
            "Tesla-T4",
            "",
            "-",
            // A profile of another device does not name its model.
            "NVIDIA-A30-MIG-H100",
        ] {
            check(text, None);
        }
    }

    #[test]
    fn product_is_equal_for_all_ways_to_share_a_device() {
        for text in ["Tesla-T4", "tesla t4", "Tesla-T4-SHARED", "NVIDIA_Tesla_T4"] {
            assert_eq!(product(text), "TESLA T4");
        }
        assert_eq!(product("NVIDIA-A100-SXM4-40GB-MIG-3g.20gb"), "A100 SXM4 40GB");
        assert_eq!(product("NVIDIA-A100-SXM4-40GB"), "A100 SXM4 40GB");
        assert_ne!(product("NVIDIA-A100-SXM4-80GB"), "A100 SXM4 40GB");
    }

    #[test]
    fn pci_id_names_the_model_in_any_spelling() {
        assert_eq!(by_pci("0x233B").map(|accelerator| accelerator.name), Some("h200"));
        assert_eq!(
            by_pci("27b8").map(|accelerator| (accelerator.name, accelerator.in_criteria())),
            Some(("l4", false))
        );
        assert_eq!(by_pci("ffff"), None);
        assert_eq!(by_pci(""), None);
    }

    #[test]
    fn rows_are_well_formed_and_unique() {
        let mut names = BTreeSet::new();
        let mut texts = BTreeSet::new();
        for accelerator in ALL {
            assert!(names.insert(accelerator.name), "two rows named {}", accelerator.name);
            // One model is known by its product text alone; the day its id is published this line goes.
            assert_eq!(accelerator.pci.is_empty(), accelerator.name == "vr200", "{}", accelerator.name);
            for id in accelerator.pci {
                assert!(id.len() == 4 && id.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')), "{id}");
                assert!(texts.insert(*id), "{id} is in two rows");
            }
            for product in accelerator.products {
                assert_eq!(words(product).join(" "), *product);
                assert!(texts.insert(*product), "{product} is in two rows");
                assert_eq!(by_product(product), Some(accelerator), "{product} finds another row first");
            }
        }
    }
}
