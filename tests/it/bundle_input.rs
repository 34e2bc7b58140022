//! Bundles where things go wrong: runs that are killed, disks that fill up, recipes that nobody meant.

use crate::{bundle::bundled, sandbox::Sandbox};

/// Killed whenever: what is there afterwards is whole, or nothing; and the next run does not stumble over what was left.
#[cfg(unix)]
#[test]
fn a_run_that_is_killed_leaves_a_whole_bundle_or_none() {
    use std::time::Duration;
    let sandbox = Sandbox::new();
    let base = ["bundle", "--service", "kind", "--accelerator", "a100", "-o", "b"];
    let begun = std::time::Instant::now();
    bundled(&sandbox, &[]);
    let whole = begun.elapsed();
    let (mut absent, mut kept) = (0, 0);
    for round in 0..40_u32 {
        let replace = round % 2 == 0;
        if !replace {
            let _ = std::fs::remove_dir_all(sandbox.home().join("b"));
        }
        let was_there = sandbox.home().join("b").exists();
        let flags: &[&str] = if replace { &["--replace", "--set", "cert-manager:x=1"] } else { &[] };
        let mut run = sandbox.command(&[&base[..], flags].concat());
        run.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null());
        let mut run = run.spawn().unwrap();
        // At every moment of a run, not when something has happened.
        let moment = std::time::Instant::now() + whole.mul_f64(f64::from(round) / 40.0);
        while std::time::Instant::now() < moment {
            std::thread::park_timeout(Duration::from_micros(200));
        }
        run.kill().unwrap();
        run.wait().unwrap();
        match sandbox.home().join("b").exists() {
            true => {
                let verified = sandbox.aicr(&["verify", "b"]);
                assert_eq!(verified.code, 0, "round {round}: {}", verified.transcript);
                kept += 1;
            }
            false => absent += 1,
        }
        if was_there {
            assert!(sandbox.home().join("b").exists(), "round {round}: a bundle was lost");
        }
    }
    println!("absent {absent}, whole {kept}");
    let _ = std::fs::remove_dir_all(sandbox.home().join("b"));
    bundled(&sandbox, &[]);
    let left = std::fs::read_dir(sandbox.home()).unwrap().map(|entry| entry.unwrap().file_name());
    let left: Vec<_> = left.filter(|name| name.to_string_lossy().ends_with(".new")).collect();
    assert_eq!(left, [""; 0], "what killed runs left is swept");
}

/// A disk that is full in the middle of it: the largest file that may be written ends the bundle, and nothing is left.
#[cfg(unix)]
#[test]
fn a_disk_that_fills_up_leaves_nothing() {
    let sandbox = Sandbox::new();
    let line = "trap '' XFSZ; ulimit -f 8; exec \"$0\" bundle --service kind --accelerator a100 -o deep/b";
    let output = std::process::Command::new("sh")
        .args(["-c", line, env!("CARGO_BIN_EXE_aicr")])
        .current_dir(sandbox.home())
        .env_clear()
        .env("HOME", sandbox.home())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.code().is_some_and(|code| code != 0), "{said}");
    assert!(said.contains("failed to write the bundle") && said.contains("nothing was left behind"), "{said}");
    assert_eq!(std::fs::read_dir(sandbox.home().join("deep")).unwrap().count(), 0);
}

/// A file system of 64 KiB as an empty mount point: too small, and then large enough.
#[cfg(target_os = "linux")]
#[test]
#[ignore = "mounts a file system: needs root, and AICR_TEST_MOUNT"]
fn a_mount_point_is_filled_or_stays_empty() {
    assert!(std::env::var_os("AICR_TEST_MOUNT").is_some(), "AICR_TEST_MOUNT allows it");
    let sandbox = Sandbox::new();
    let target = sandbox.home().join("b");
    std::fs::create_dir(&target).unwrap();
    let system = |program: &str, arguments: &[&str]| {
        let status = std::process::Command::new(program).args(arguments).arg(&target).status().unwrap();
        assert!(status.success(), "{program}");
    };
    let base = ["bundle", "--service", "kind", "--accelerator", "a100", "-o", "b"];
    system("mount", &["-t", "tmpfs", "-o", "size=64k", "none"]);
    let full = sandbox.aicr(&base);
    let left = std::fs::read_dir(&target).unwrap().count();
    system("umount", &[]);
    system("mount", &["-t", "tmpfs", "-o", "size=4m", "none"]);
    let good = sandbox.aicr(&base);
    let verified = sandbox.aicr(&["verify", "b"]);
    system("umount", &[]);
    assert!(full.code != 0 && full.stderr.contains("free some space"), "{}", full.transcript);
    assert_eq!(left, 0);
    assert_eq!((good.code, verified.code), (0, 0), "{}{}", good.transcript, verified.transcript);
}

/// Where Terraform is installed it reads the files, and would write them in no other way.
#[test]
fn terraform_reads_its_files() {
    let sandbox = Sandbox::new();
    bundled(&sandbox, &["-d", "terraform"]);
    let run = std::process::Command::new("terraform")
        .args(["fmt", "-check", "-recursive", "-diff", "b"])
        .current_dir(sandbox.home())
        .env("HOME", sandbox.home())
        .env("CHECKPOINT_DISABLE", "1")
        .output();
    // One that is not installed has nothing to say.
    let Ok(run) = run else { return };
    assert!(run.status.success(), "{}{}", String::from_utf8_lossy(&run.stdout), String::from_utf8_lossy(&run.stderr));
}
