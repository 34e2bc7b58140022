// Command dra-driver stands in for NVIDIA's DRA driver and container runtime on the test cluster. The API, the scheduler's
// allocation and the kubelet's calls are real; the devices are nodes of NVIDIA's major number behind which there is nothing.
//
//	dra-driver -kubeconfig FILE -node NAME -kubelet DIR    publishes GPUs of gpu.nvidia.com and prepares claims of them
//	runc …          (under that name) gives containers the devices that were prepared for them, then runs the real runc
//
// A driver would name devices to the runtime through CDI, which containerd 1.6 does not know. So the driver leaves a file for
// each container in run/dra beside bin/, and the runtime looks there. run/dra/open gives every container every device, and
// run/dra/none gives none: the two ways in which an isolation is broken.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"syscall"

	resource "k8s.io/api/resource/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/dynamic-resource-allocation/kubeletplugin"
	"k8s.io/dynamic-resource-allocation/resourceslice"
)

const (
	name = "gpu.nvidia.com"
	gpus = 2
)

// prepared is what the driver leaves for the runtime.
type prepared struct {
	Claim   types.UID `json:"claim"`
	Devices []string  `json:"devices"`
}

type driver struct {
	client kubernetes.Interface
}

func main() {
	if filepath.Base(os.Args[0]) != "dra-driver" {
		must(runtime())
	}
	kubeconfig := flag.String("kubeconfig", "", "how to reach the API server")
	node := flag.String("node", "", "the node whose devices these are")
	kubelet := flag.String("kubelet", "", "the kubelet's root folder")
	flag.Parse()
	config, err := clientcmd.BuildConfigFromFlags("", *kubeconfig)
	must(err)
	client, err := kubernetes.NewForConfig(config)
	must(err)
	data := filepath.Join(*kubelet, "plugins", name)
	must(os.MkdirAll(data, 0o755))
	must(os.MkdirAll(state(), 0o755))
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	helper, err := kubeletplugin.Start(ctx, &driver{client}, kubeletplugin.DriverName(name), kubeletplugin.KubeClient(client),
		kubeletplugin.NodeName(*node), kubeletplugin.PluginDataDirectoryPath(data),
		kubeletplugin.RegistrarDirectoryPath(filepath.Join(*kubelet, "plugins_registry")))
	must(err)
	var devices []resource.Device
	for index := range gpus {
		kind, product := "gpu", "NVIDIA A100-SXM4-40GB"
		devices = append(devices, resource.Device{Name: fmt.Sprintf("gpu-%d", index),
			Attributes: map[resource.QualifiedName]resource.DeviceAttribute{"type": {StringValue: &kind}, "productName": {StringValue: &product}}})
	}
	slices := []resourceslice.Slice{{Devices: devices}}
	must(helper.PublishResources(ctx, resourceslice.DriverResources{Pools: map[string]resourceslice.Pool{*node: {Slices: slices}}}))
	<-ctx.Done()
	helper.Stop()
}

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// state is the folder of the files that driver and runtime share.
func state() string {
	program, err := os.Executable()
	must(err)
	program, err = filepath.EvalSymlinks(program)
	must(err)
	return filepath.Join(filepath.Dir(filepath.Dir(program)), "run", "dra")
}

func file(namespace, pod, container string) string {
	return filepath.Join(state(), namespace+"_"+pod+"_"+container)
}

func (d *driver) PrepareResourceClaims(ctx context.Context, claims []*resource.ResourceClaim) (map[types.UID]kubeletplugin.PrepareResult, error) {
	results := make(map[types.UID]kubeletplugin.PrepareResult, len(claims))
	for _, claim := range claims {
		results[claim.UID] = d.prepare(ctx, claim)
	}
	return results, nil
}

func (d *driver) prepare(ctx context.Context, claim *resource.ResourceClaim) kubeletplugin.PrepareResult {
	if claim.Status.Allocation == nil {
		return kubeletplugin.PrepareResult{Err: fmt.Errorf("claim %s/%s is not allocated", claim.Namespace, claim.Name)}
	}
	var result kubeletplugin.PrepareResult
	left := prepared{Claim: claim.UID}
	for _, device := range claim.Status.Allocation.Devices.Results {
		if device.Driver != name {
			continue
		}
		left.Devices = append(left.Devices, device.Device)
		result.Devices = append(result.Devices, kubeletplugin.Device{Requests: []string{device.Request}, PoolName: device.Pool, DeviceName: device.Device})
	}
	text, err := json.Marshal(left)
	if err != nil {
		return kubeletplugin.PrepareResult{Err: err}
	}
	for _, consumer := range claim.Status.ReservedFor {
		pod, err := d.client.CoreV1().Pods(claim.Namespace).Get(ctx, consumer.Name, meta.GetOptions{})
		if err != nil {
			return kubeletplugin.PrepareResult{Err: err}
		}
		ours := make(map[string]bool)
		for _, used := range pod.Spec.ResourceClaims {
			ours[used.Name] = used.ResourceClaimName != nil && *used.ResourceClaimName == claim.Name
		}
		for _, used := range pod.Status.ResourceClaimStatuses {
			ours[used.Name] = ours[used.Name] || used.ResourceClaimName != nil && *used.ResourceClaimName == claim.Name
		}
		for _, container := range pod.Spec.Containers {
			for _, used := range container.Resources.Claims {
				if ours[used.Name] {
					if err := os.WriteFile(file(pod.Namespace, pod.Name, container.Name), text, 0o644); err != nil {
						return kubeletplugin.PrepareResult{Err: err}
					}
				}
			}
		}
	}
	return result
}

func (d *driver) UnprepareResourceClaims(_ context.Context, claims []kubeletplugin.NamespacedObject) (map[types.UID]error, error) {
	results := make(map[types.UID]error, len(claims))
	files, err := os.ReadDir(state())
	if err != nil {
		return nil, err
	}
	for _, claim := range claims {
		results[claim.UID] = nil
		for _, entry := range files {
			path := filepath.Join(state(), entry.Name())
			var left prepared
			if text, err := os.ReadFile(path); err == nil && json.Unmarshal(text, &left) == nil && left.Claim == claim.UID {
				results[claim.UID] = os.Remove(path)
			}
		}
	}
	return results, nil
}

func (d *driver) HandleError(_ context.Context, err error, message string) {
	fmt.Fprintln(os.Stderr, message, err)
}

// runtime adds devices to a bundle that is created, and becomes runc.
func runtime() error {
	var bundle string
	create := false
	for index, argument := range os.Args {
		create = create || argument == "create"
		if argument == "--bundle" && index+1 < len(os.Args) {
			bundle = os.Args[index+1]
		}
	}
	if create && bundle != "" {
		if err := give(filepath.Join(bundle, "config.json")); err != nil {
			return err
		}
	}
	runc, err := exec.LookPath("runc")
	if err != nil {
		return err
	}
	return syscall.Exec(runc, append([]string{"runc"}, os.Args[1:]...), os.Environ())
}

// give writes the devices of a container into its configuration.
func give(path string) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	// Numbers of other fields stay as they are written.
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	var spec map[string]any
	if err := decoder.Decode(&spec); err != nil {
		return err
	}
	notes, _ := spec["annotations"].(map[string]any)
	note := func(key string) string { value, _ := notes["io.kubernetes.cri."+key].(string); return value }
	if note("container-type") != "container" {
		return nil
	}
	var left prepared
	if text, err := os.ReadFile(file(note("sandbox-namespace"), note("sandbox-name"), note("container-name"))); err == nil {
		if err := json.Unmarshal(text, &left); err != nil {
			return err
		}
	}
	if exists("open") {
		left.Devices = nil
		for index := range gpus {
			left.Devices = append(left.Devices, fmt.Sprintf("gpu-%d", index))
		}
	}
	if exists("none") || len(left.Devices) == 0 {
		return nil
	}
	linux, _ := spec["linux"].(map[string]any)
	if linux == nil {
		return fmt.Errorf("%s has no section linux", path)
	}
	resources, _ := linux["resources"].(map[string]any)
	if resources == nil {
		resources = map[string]any{}
		linux["resources"] = resources
	}
	add := func(inside map[string]any, device map[string]any) {
		known, _ := inside["devices"].([]any)
		inside["devices"] = append(known, device)
	}
	for _, device := range left.Devices {
		var index int
		if _, err := fmt.Sscanf(device, "gpu-%d", &index); err != nil {
			return err
		}
		add(linux, map[string]any{"path": fmt.Sprintf("/dev/nvidia%d", index), "type": "c", "major": 195, "minor": index, "fileMode": 0o666})
		add(resources, map[string]any{"allow": true, "type": "c", "major": 195, "minor": index, "access": "rw"})
	}
	written, err := json.Marshal(spec)
	if err != nil {
		return err
	}
	return os.WriteFile(path, written, 0o600)
}

func exists(flag string) bool {
	_, err := os.Stat(filepath.Join(state(), flag))
	return err == nil
}
