//! `aicr snapshot --agent` on real Kubernetes: real Jobs, a real kubelet, real admission. Ignored unless asked for.
//!
//! The node is this machine, so what it says can be compared with what this test reads itself.

use crate::real_cluster::{IMAGE, Real, within};
use std::process::Stdio;

/// Objects of the agent that are there.
fn left_over(real: &Real) -> String {
    real.kubectl_must(&["get", "all", "-A", "-l", "app.kubernetes.io/component=agent", "-o", "name"])
}

#[test]
#[ignore = "needs a real cluster: AICR_TEST_KUBECONFIG"]
fn a_node_says_what_its_kernel_says_and_nothing_stays() {
    let real = Real::cluster();
    let path = real.path("asked.yaml").display().to_string();
    let output = real.aicr(&["snapshot", "--agent", "--image", IMAGE, "--namespace", "agent-test", "-o", &path]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{said}");
    assert!(said.contains(" readings"), "{said}");
    let text = std::fs::read_to_string(&path).unwrap();
    let kernel = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap();
    assert!(text.contains(kernel.trim()), "the kernel of this machine");
    for key in ["/proc/sys/vm/swappiness", "subtype: grub", "subtype: kmod", "subtype: agent"] {
        assert!(text.contains(key), "{key} is not in the snapshot");
    }
    assert_eq!(left_over(&real), "");
    let namespace = real.kubectl(&["get", "namespace", "agent-test"]);
    let phase = String::from_utf8_lossy(&namespace.stdout).into_owned();
    assert!(!namespace.status.success() || phase.contains("Terminating"), "the namespace that it made: {phase}");
}

#[test]
#[ignore = "needs a real cluster: AICR_TEST_KUBECONFIG"]
fn in_a_restricted_namespace_the_node_says_what_no_file_has_to_be_mounted_for() {
    let real = Real::cluster();
    let _ = real.kubectl(&["create", "namespace", "agent-restricted"]);
    let label = "pod-security.kubernetes.io/enforce=restricted";
    real.kubectl_must(&["label", "--overwrite", "namespace", "agent-restricted", label]);
    let path = real.path("restricted.yaml").display().to_string();
    let output = real.aicr(&["snapshot", "--agent", "--image", IMAGE, "--namespace", "agent-restricted", "-o", &path]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let _ = real.kubectl(&["delete", "namespace", "agent-restricted", "--wait=false"]);
    assert!(output.status.success(), "{said}");
    assert!(said.contains("files of nodes cannot be mounted in namespace agent-restricted"), "{said}");
    assert!(said.contains("without") && said.contains("OS.release") && said.contains("SystemD"), "{said}");
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(text.contains("/proc/sys/vm/swappiness") && text.contains("unread OS.release"), "{said}");
    assert_eq!(left_over(&real), "");
}

#[test]
#[ignore = "needs a real cluster: AICR_TEST_KUBECONFIG"]
fn an_interrupt_removes_what_was_created() {
    let real = Real::cluster();
    let path = real.path("interrupted.yaml").display().to_string();
    // An image that is nowhere keeps the Job waiting. The namespace of the test before may still be ending.
    let args =
        ["snapshot", "--agent", "--image", "registry.invalid/none:1", "--namespace", "agent-interrupted", "-o", &path];
    let mut child = real.command(&real.kubeconfig, &args).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    within(std::time::Duration::from_secs(60), "that a Job is created", || !left_over(&real).is_empty());
    let id = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(id, rustix::process::Signal::INT).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert_eq!(left_over(&real), "");
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(text.contains("interrupted before it answered"), "the snapshot itself is written");
}
