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

/// Nothing stays mounted below a folder that is removed, whatever failed.
#[cfg(target_os = "linux")]
struct Mounted<'p>(&'p std::path::Path);

#[cfg(target_os = "linux")]
impl Drop for Mounted<'_> {
    fn drop(&mut self) {
        // Fails where nothing is mounted any more.
        let _ = std::process::Command::new("umount").arg(self.0).stderr(std::process::Stdio::null()).status();
    }
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
    let _mounted = Mounted(&target);
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
    let replace = |program: &[&str]| {
        let run = sandbox.aicr(&[&base[..], &["--replace", "--set", "cert-manager:x=1"]].concat());
        system(program[0], &program[1..]);
        run
    };
    let before = std::fs::read(target.join("checksums.txt")).unwrap();
    let mounted = replace(&["true"]);
    assert_eq!(std::fs::read(target.join("checksums.txt")).unwrap(), before);
    assert_eq!(sandbox.aicr(&["verify", "b"]).code, 0);
    system("umount", &[]);
    // A folder of the same file system that is mounted at itself.
    std::fs::remove_dir(&target).unwrap();
    let written = sandbox.aicr(&base);
    let itself = target.display().to_string();
    system("mount", &["--bind", &itself]);
    let bound = replace(&["umount"]);
    let free = replace(&["true"]);
    assert!(full.code != 0 && full.stderr.contains("free some space"), "{}", full.transcript);
    assert_eq!(left, 0);
    assert_eq!((good.code, verified.code), (0, 0), "{}{}", good.transcript, verified.transcript);
    for run in [mounted, bound] {
        assert!(
            run.code == 2 && run.stderr.contains("the folder is a mount point, which cannot be renamed"),
            "{}",
            run.transcript
        );
    }
    assert_eq!((written.code, free.code), (0, 0), "{}{}", written.transcript, free.transcript);
}

/// Where Terraform is installed it reads the files, and would write them in no other way.
#[test]
fn terraform_reads_its_files() {
    let sandbox = Sandbox::new();
    let (child, rollover) = ("--terraform-child-module", "--terraform-cluster-rollover");
    for flags in [&[][..], &[child], &[rollover], &[child, rollover], &["--readiness-hooks"]] {
        bundled(&sandbox, &[&["-d", "terraform"], flags].concat());
        let run = std::process::Command::new("terraform")
            .args(["fmt", "-check", "-recursive", "-diff", "b"])
            .current_dir(sandbox.home())
            .env("HOME", sandbox.home())
            .env("CHECKPOINT_DISABLE", "1")
            .output();
        // One that is not installed has nothing to say.
        let Ok(run) = run else { return };
        let said = [run.stdout, run.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
        assert!(run.status.success(), "{}", said.concat());
        std::fs::remove_dir_all(sandbox.home().join("b")).unwrap();
    }
}

const KUSTOMIZED: &str = "apiVersion: aicr.run/v1\nkind: RecipeResult\nmetadata: {version: 1.0.0}\ncriteria: null\ncomponentRefs:\n\
     - {name: mine, namespace: a, type: Kustomize, SOURCE}\ndeploymentOrder: [mine]\n";

/// A program in the place of kustomize: it says what it was asked for.
#[cfg(unix)]
#[test]
fn a_kustomize_component_is_built_by_the_programs_of_the_person() {
    use std::os::unix::fs::PermissionsExt;
    let sandbox = Sandbox::new();
    let source = "source: 'https://github.com/a/b', path: deploy/base, tag: v1.2";
    sandbox.file("recipe.yaml", &KUSTOMIZED.replace("SOURCE", source));
    let program = |name: &str, script: &str| {
        sandbox.file(&format!("bin/{name}"), script);
        let file = sandbox.home().join("bin").join(name);
        std::fs::set_permissions(file, std::fs::Permissions::from_mode(0o755)).unwrap();
    };
    let bundle = |flags: &[&str]| {
        let mut run = sandbox.command(&[&["bundle", "-r", "recipe.yaml", "-o", "b"], flags].concat());
        let output = run.env("PATH", sandbox.home().join("bin")).output().unwrap();
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    std::fs::create_dir(sandbox.home().join("bin")).unwrap();
    let (code, said) = bundle(&[]);
    assert!(code != Some(0) && said.contains("neither `kustomize` nor `kubectl` was found in PATH"), "{said}");
    let prints = "#!/bin/sh\necho \"kind: ConfigMap\napiVersion: v1\nmetadata: {name: x, annotations: {helm.sh/hook: post-install}}\n\
                  data: {asked: '$*'}\"\n";
    program("kubectl", prints);
    let template = || std::fs::read_to_string(sandbox.home().join("b/001-mine/templates/manifest.yaml")).unwrap();
    let target = "https://github.com/a/b//deploy/base?ref=v1.2";
    assert_eq!(bundle(&[]).0, Some(0));
    assert!(template().contains(&format!("asked: kustomize {target}")), "{}", template());
    assert!(!template().contains("helm.sh/hook"), "{}", template());
    assert_eq!(sandbox.aicr(&["verify", "b"]).code, 0);
    program("kustomize", prints);
    let (code, said) = bundle(&["--replace"]);
    assert_eq!(code, Some(0), "{said}");
    assert!(template().contains(&format!("asked: build {target}")), "{}", template());
    // What is left out is not built, and what fails says why; the bundle is as it was.
    program("kustomize", "#!/bin/sh\necho 'no such revision' >&2\nexit 1\n");
    let (code, said) = bundle(&["--replace"]);
    assert!(code == Some(2) && said.contains("failed: no such revision"), "{said}");
    let (_, said) = bundle(&["--replace", "--set", "mine:enabled=false"]);
    assert!(!said.contains("no such revision"), "{said}");
    program("kustomize", "#!/bin/sh\necho '- a list'\n");
    let (code, said) = bundle(&["--replace"]);
    assert!(code == Some(2) && said.contains("document 1 is not a Kubernetes object"), "{said}");
    assert!(template().contains("asked: build"), "{}", template());
    sandbox.file("recipe.yaml", &KUSTOMIZED.replace("SOURCE", "path: ../x"));
    let (code, said) = bundle(&["--replace"]);
    assert!(code == Some(2) && said.contains("its path `../x` leads out of its folder"), "{said}");
}

/// A recipe that is planned more than once, because something of it is built or fetched.
#[cfg(unix)]
#[test]
fn a_pipe_of_values_is_read_once_and_an_empty_one_takes_nothing_away() {
    use std::{io::Write, os::unix::fs::PermissionsExt, process::Stdio};
    let sandbox = Sandbox::new();
    let chart = "- {name: one, namespace: a, chart: c, type: Helm, source: 'https://r.test/x', version: 1.2.3, overrides: {dcgm: \
                 {enabled: true}}}\ndeploymentOrder: [one, mine]";
    let recipe = KUSTOMIZED.replace("SOURCE", "source: 'https://github.com/a/b', path: d");
    sandbox.file("recipe.yaml", &recipe.replace("deploymentOrder: [mine]", chart));
    sandbox.file("bin/kustomize", "#!/bin/sh\necho '{kind: ConfigMap, apiVersion: v1, metadata: {name: x}}'\n");
    let file = sandbox.home().join("bin/kustomize");
    std::fs::set_permissions(file, std::fs::Permissions::from_mode(0o755)).unwrap();
    let bundle = |input: &str| {
        let mut run = sandbox.command(&["bundle", "-r", "recipe.yaml", "--set-file", "one:dcgm=/dev/stdin", "-o", "b"]);
        run.env("PATH", sandbox.home().join("bin")).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut run = run.spawn().unwrap();
        run.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        let output = run.wait_with_output().unwrap();
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    for blank in ["", "\n", "---\n# port: 1\n"] {
        let (code, said) = bundle(blank);
        assert!(code == Some(2) && said.contains("the file is empty"), "{said}");
    }
    let (code, said) = bundle("{\"name\": \"mine\", \"port\": 77}");
    assert_eq!(code, Some(0), "{said}");
    let values = std::fs::read_to_string(sandbox.home().join("b/001-one/values.yaml")).unwrap();
    assert!(values.ends_with("dcgm:\n  enabled: true\n  name: mine\n  port: 77\n"), "{values}");
}

/// In a folder without `kustomize`, kubectl builds.
#[test]
#[ignore = "needs kubectl: AICR_TEST_KUBECTL"]
fn a_folder_is_built_by_kubectl() {
    let sandbox = Sandbox::new();
    let kubectl = std::env::var_os("AICR_TEST_KUBECTL").expect("AICR_TEST_KUBECTL names a kubectl");
    sandbox.file("recipe.yaml", &KUSTOMIZED.replace("SOURCE", "path: site"));
    sandbox.file("site/kustomization.yaml", "namePrefix: our-\nresources: [a.yaml]\n");
    sandbox.file("site/a.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\n");
    let mut run = sandbox.command(&["bundle", "-r", "recipe.yaml", "-o", "b", "-d", "argocd"]);
    let output = run.env("PATH", std::path::Path::new(&kubectl).parent().unwrap()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let template = std::fs::read_to_string(sandbox.home().join("b/001-mine/templates/manifest.yaml")).unwrap();
    assert!(template.contains("name: our-x"), "{template}");
}

#[test]
fn fleet_takes_a_release_as_one_object_unless_its_manifests_are_in_the_bundle() {
    let sandbox = Sandbox::new();
    let recipe = |more: &str| {
        format!(
            "apiVersion: aicr.run/v1\nkind: RecipeResult\nmetadata: {{version: 1.0.0}}\ncriteria: null\ncomponentRefs:\n\
             - {{name: one, namespace: a, chart: c, type: Helm, source: 'https://r.test/x', version: v1.2.3, overrides: {{a: '${{x}}'}}}}\n\
             - {{name: two, namespace: b, chart: d, type: Helm, source: 'oci://r.test/y', version: 2.0.0, dependencyRefs: [one]{more}}}\n\
             deploymentOrder: [one, two]\n"
        )
    };
    sandbox.file("recipe.yaml", &recipe(""));
    let bundle =
        |flags: &[&str]| sandbox.aicr(&[&["bundle", "-r", "recipe.yaml", "--replace", "-o", "b"], flags].concat());
    let run = bundle(&["-d", "fleet", "--fleet-mode", "helmop", "--app-name", "site"]);
    assert!(run.code == 0 && !run.stderr.contains("--repo"), "{}", run.transcript);
    assert_eq!(sandbox.aicr(&["verify", "b"]).code, 0);
    let objects = crate::bundle::documents(&std::fs::read_to_string(sandbox.home().join("b/helmops.yaml")).unwrap());
    let kinds: Vec<_> =
        objects.iter().map(|object| (object["kind"].as_str(), object["metadata"]["name"].as_str())).collect();
    assert_eq!(kinds, [(Some("HelmOp"), Some("site-one")), (Some("HelmOp"), Some("site-two"))]);
    let (one, two) = (&objects[0]["spec"], &objects[1]["spec"]);
    assert_eq!((&one["helm"]["values"]["a"], &one["helm"]["disablePreProcess"]), (&"${x}".into(), &true.into()));
    assert_eq!((&one["helm"]["repo"], &one["helm"]["chart"]), (&"https://r.test/x".into(), &"c".into()));
    assert_eq!((&two["helm"]["repo"], &two["helm"]["chart"]), (&"oci://r.test/y/d".into(), &serde_json::Value::Null));
    assert_eq!((&two["dependsOn"][0]["name"], &two["defaultNamespace"]), (&"site-one".into(), &"b".into()));
    let info = std::fs::read_to_string(sandbox.home().join("b/bundle-info.yaml")).unwrap();
    assert!(info.contains("entrypoint: helmops.yaml") && info.contains("deployer: fleet"), "{info}");

    let refused = |flags: &[&str], words: &str| {
        let run = bundle(flags);
        assert!(run.code == 2 && run.stderr.contains(words), "{}", run.transcript);
    };
    let helmop = ["-d", "fleet", "--fleet-mode", "helmop"];
    refused(
        &[&helmop[..], &["--repo", "https://r.test/g"]].concat(),
        "--repo has no meaning for the deployer `fleet in the mode helmop`",
    );
    refused(&[&helmop[..], &["--dynamic", "one:a"]].concat(), "--dynamic has no meaning");
    refused(&["-d", "flux", "--fleet-mode", "helmop"], "--fleet-mode has no meaning for the deployer `flux`");
    refused(&["--fleet-mode", "gitrepo"], "--fleet-mode has no meaning for the deployer `helm`");
    refused(&["--split"], "the form of split.yaml");
    let manifests = ", manifestFiles: [components/kueue/manifests/local-queue.yaml]";
    sandbox.file("recipe.yaml", &recipe(manifests));
    refused(&helmop, "`two-post` has manifests in the bundle, which fleet in the mode helmop cannot deploy");
    assert_eq!(bundle(&["-d", "fleet", "--fleet-mode", "gitrepo"]).code, 0);
}

#[test]
fn terraform_is_a_module_of_another_configuration_and_replaces_releases_with_the_cluster() {
    let sandbox = Sandbox::new();
    let file = |flags: &[&str], name: &str| {
        let _ = std::fs::remove_dir_all(sandbox.home().join("b"));
        bundled(&sandbox, &[&["-d", "terraform"], flags].concat());
        assert_eq!(sandbox.aicr(&["verify", "b"]).code, 0);
        std::fs::read_to_string(sandbox.home().join("b").join(name)).unwrap_or_default()
    };
    let (child, rollover) = (["--terraform-child-module"], ["--terraform-cluster-rollover"]);
    assert!(
        file(&[], "versions.tf").contains("provider \"helm\"") && file(&[], "variables.tf").contains("cluster_token")
    );
    assert!(!file(&child, "versions.tf").contains("provider \"helm\""));
    let variables = file(&child, "variables.tf");
    assert!(
        !variables.contains("kube") && !variables.contains("cluster_") && variables.contains("\"atomic\""),
        "{variables}"
    );
    assert_eq!(file(&child, "terraform.tfvars.example"), "");
    assert!(file(&child, "README.md").contains("Call this folder as a module"));
    assert!(
        !file(&[], "main.tf").contains("endpoint") && !file(&[], "modules/component/main.tf").contains("lifecycle")
    );
    assert!(!file(&[], "main.tf").contains("wait_for_jobs"));
    let gated = file(&["--readiness-hooks"], "main.tf");
    let gate =
        gated.split("\nmodule ").find(|module| module.starts_with("\"gpu-operator-readiness\"")).expect("a gate");
    assert!(gate.contains("  wait_for_jobs    = true\n"), "{gate}");
    assert_eq!(gated.matches("wait_for_jobs").count(), gated.matches("-readiness\" {").count());
    let module = file(&rollover, "modules/component/main.tf");
    assert!(module.contains("  wait_for_jobs    = var.wait_for_jobs\n"), "{module}");
    assert!(module.contains("replace_triggered_by = [terraform_data.cluster]"), "{module}");
    assert!(
        module.contains("  }\n}\n\nresource \"terraform_data\" \"cluster\" {\n  input = var.cluster_endpoint\n}\n"),
        "{module}"
    );
    let releases = file(&rollover, "main.tf");
    let count = |text: &str| releases.matches(text).count();
    assert!(count("module \"") > 5 && count("= var.cluster_endpoint\n") == count("\nmodule \"") + 1, "{releases}");
    assert!(file(&rollover, "variables.tf").contains("variable \"cluster_endpoint\" {\n  type = string\n}\n"));
    let run =
        sandbox.aicr(&["bundle", "--service", "kind", "--accelerator", "a100", "-d", "flux", child[0], "-o", "c"]);
    assert!(run.code == 2 && run.stderr.contains("--terraform-child-module has no meaning"), "{}", run.transcript);
}
