//! What programs of others print in the demo cluster, where there is neither a GPU nor their image.

use std::{collections::BTreeMap, time::Duration};

/// Runs the program that a command names; `None` where it is not one of these.
pub async fn run(
    command: &str,
    devices: &[String],
    labels: &BTreeMap<String, String>,
    mut say: impl FnMut(String),
) -> Option<i32> {
    if command.contains("nvidia-smi") {
        return Some(nvidia_smi(devices, labels, say));
    }
    if command.contains("all_reduce_perf") {
        for line in all_reduce(labels) {
            say(line);
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        return Some(0);
    }
    if command.contains("sshd") {
        // A worker waits for its launcher, and is deleted.
        return std::future::pending().await;
    }
    None
}

fn nvidia_smi(devices: &[String], labels: &BTreeMap<String, String>, mut say: impl FnMut(String)) -> i32 {
    let is_gpu =
        |name: &&String| name.strip_prefix("nvidia").is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
    let gpus = devices.iter().filter(is_gpu).count();
    if gpus == 0 {
        say("/bin/sh: 1: nvidia-smi: not found".to_owned());
        return 127;
    }
    let label = |name: &str| labels.get(name).map_or("N/A", String::as_str);
    let driver = label("nvidia.com/cuda.driver-version.full");
    let cuda = label("nvidia.com/cuda.runtime-version.full");
    say(format!("| NVIDIA-SMI {driver}   Driver Version: {driver}   CUDA Version: {cuda} |"));
    for index in 0..gpus {
        say(format!("|   {index}  {} |", label("nvidia.com/gpu.product")));
    }
    say("GPU_CHECK_SUCCESS".to_owned());
    0
}

/// A run of nccl-tests in its own format, over a network of as many GB/s as a label of the node says.
fn all_reduce(labels: &BTreeMap<String, String>) -> Vec<String> {
    let top: f64 = labels.get("demo/busbw").and_then(|text| text.parse().ok()).unwrap_or(380.0);
    let mut lines = vec![
        "# nThread 1 nGpus 1 minBytes 1024 maxBytes 17179869184 step: 2(factor) warmup iters: 5 iters: 20".to_owned(),
        "#       size         count      type   redop    root     time   algbw   busbw #wrong".to_owned(),
        "#        (B)    (elements)                               (us)  (GB/s)  (GB/s)".to_owned(),
    ];
    let mut sum = 0.0;
    let sizes: Vec<u64> = (10..=34).map(|power| 1_u64 << power).collect();
    for size in &sizes {
        // Latency rules small messages, bandwidth large ones.
        let size = *size as f64;
        let micros = 40.0 + size / (top * 1_000.0);
        let bus = size / micros / 1_000.0;
        sum += bus;
        lines.push(format!(
            "{size:>12} {:>13} float sum -1 {micros:>9.1} {:>7.2} {bus:>7.2} 0 {micros:>9.1} {:>7.2} {bus:>7.2} 0",
            size / 4.0,
            bus / 1.9,
            bus / 1.9
        ));
    }
    lines.push("# Out of bounds values : 0 OK".to_owned());
    lines.push(format!("# Avg bus bandwidth    : {:.4}", sum / sizes.len() as f64));
    lines
}
