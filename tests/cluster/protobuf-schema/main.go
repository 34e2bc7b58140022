// Command protobuf-schema prints the table by which the demo cluster turns JSON into Kubernetes' protobuf and back:
//
//	cd tests/cluster && go run ./protobuf-schema > ../../src/demo/protobuf/schema.txt
//
// A section is a group and version, a line a message: its name, then its fields as name, number, cardinality and type.
// The facts are the struct tags of the published Go types. How to read a line is said in src/demo/protobuf/schema.rs.
package main

import (
	"fmt"
	"reflect"
	"sort"
	"strings"

	admissionregistration "k8s.io/api/admissionregistration/v1"
	apps "k8s.io/api/apps/v1"
	authentication "k8s.io/api/authentication/v1"
	authorization "k8s.io/api/authorization/v1"
	autoscaling "k8s.io/api/autoscaling/v2"
	batch "k8s.io/api/batch/v1"
	coordination "k8s.io/api/coordination/v1"
	core "k8s.io/api/core/v1"
	discovery "k8s.io/api/discovery/v1"
	networking "k8s.io/api/networking/v1"
	node "k8s.io/api/node/v1"
	policy "k8s.io/api/policy/v1"
	rbac "k8s.io/api/rbac/v1"
	dra "k8s.io/api/resource/v1"
	scheduling "k8s.io/api/scheduling/v1"
	storage "k8s.io/api/storage/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	apiregistration "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1"
)

// sections are in the order of the file. A kind brings the messages that it is made of; lists are added to it.
var sections = []struct {
	name  string
	kinds []any
}{
	{"meta/v1", []any{meta.Status{}, meta.DeleteOptions{}, meta.APIGroup{}, meta.APIGroupList{}, meta.APIVersions{},
		meta.APIResourceList{}, meta.PartialObjectMetadata{}, meta.PartialObjectMetadataList{}}},
	{"v1", []any{core.ConfigMapList{}, core.EndpointsList{}, core.EventList{}, core.LimitRangeList{}, core.NamespaceList{},
		core.NodeList{}, core.PersistentVolumeClaimList{}, core.PersistentVolumeList{}, core.PodList{},
		core.ReplicationControllerList{}, core.ResourceQuotaList{}, core.SecretList{}, core.ServiceAccountList{},
		core.ServiceList{}}},
	{"apps/v1", []any{apps.ControllerRevisionList{}, apps.DaemonSetList{}, apps.DeploymentList{}, apps.ReplicaSetList{},
		apps.StatefulSetList{}}},
	{"batch/v1", []any{batch.CronJobList{}, batch.JobList{}}},
	{"rbac.authorization.k8s.io/v1", []any{rbac.ClusterRoleBindingList{}, rbac.ClusterRoleList{}, rbac.RoleBindingList{},
		rbac.RoleList{}}},
	{"storage.k8s.io/v1", []any{storage.CSIDriverList{}, storage.StorageClassList{}}},
	{"networking.k8s.io/v1", []any{networking.IngressClassList{}, networking.IngressList{}, networking.NetworkPolicyList{}}},
	{"admissionregistration.k8s.io/v1", []any{admissionregistration.MutatingWebhookConfigurationList{},
		admissionregistration.ValidatingWebhookConfigurationList{}}},
	{"apiregistration.k8s.io/v1", []any{apiregistration.APIServiceList{}}},
	{"autoscaling/v2", []any{autoscaling.HorizontalPodAutoscalerList{}}},
	{"coordination.k8s.io/v1", []any{coordination.LeaseList{}}},
	{"discovery.k8s.io/v1", []any{discovery.EndpointSliceList{}}},
	{"node.k8s.io/v1", []any{node.RuntimeClassList{}}},
	{"policy/v1", []any{policy.PodDisruptionBudgetList{}}},
	{"scheduling.k8s.io/v1", []any{scheduling.PriorityClassList{}}},
	{"resource.k8s.io/v1", []any{dra.DeviceClassList{}, dra.ResourceClaimList{}, dra.ResourceClaimTemplateList{},
		dra.ResourceSliceList{}}},
	{"authentication.k8s.io/v1", []any{authentication.SelfSubjectReview{}}},
	{"authorization.k8s.io/v1", []any{authorization.SelfSubjectAccessReview{}, authorization.SelfSubjectRulesReview{},
		authorization.SubjectAccessReview{}}},
}

// special have a JSON form of their own, which the transcoder knows.
var special = map[string]string{
	"k8s.io/apimachinery/pkg/apis/meta/v1.Time":         "Time",
	"k8s.io/apimachinery/pkg/apis/meta/v1.MicroTime":    "MicroTime",
	"k8s.io/apimachinery/pkg/apis/meta/v1.FieldsV1":     "Json",
	"k8s.io/apimachinery/pkg/runtime.RawExtension":      "Json",
	"k8s.io/apimachinery/pkg/api/resource.Quantity":     "Quantity",
	"k8s.io/apimachinery/pkg/util/intstr.IntOrString":   "IntOrString",
}

var sectionOf = map[string]string{}       // package path -> section
var lines = map[string]map[string]string{} // section -> message -> line

func main() {
	for _, section := range sections {
		sectionOf[reflect.TypeOf(section.kinds[0]).PkgPath()] = section.name
		lines[section.name] = map[string]string{}
	}
	for _, section := range sections {
		for _, kind := range section.kinds {
			message(reflect.TypeOf(kind))
		}
	}
	fmt.Println("# Made by tests/cluster/protobuf-schema from the Go types of Kubernetes 1.34; do not edit.")
	for _, section := range sections {
		fmt.Printf("\n[%s]\n", section.name)
		names := []string{}
		for name := range lines[section.name] {
			names = append(names, name)
		}
		sort.Strings(names)
		for _, name := range names {
			fmt.Println(name + lines[section.name][name])
		}
	}
}

// message describes a type and what it is made of, and returns its section.
func message(of reflect.Type) string {
	section, known := sectionOf[of.PkgPath()]
	if !known {
		panic("no section for " + of.PkgPath() + "." + of.Name())
	}
	if _, done := lines[section][of.Name()]; done {
		return section
	}
	lines[section][of.Name()] = "" // A type may contain itself.
	line := ""
	if of.Kind() == reflect.Slice {
		// On the wire a message with one field, in JSON a bare list.
		line = " =1*" + typeName(section, of.Elem())
	} else {
		for i := range of.NumField() {
			line += field(section, of.Field(i))
		}
	}
	lines[section][of.Name()] = line
	return section
}

func field(section string, field reflect.StructField) string {
	tag := strings.Split(field.Tag.Get("protobuf"), ",")
	if len(tag) < 2 {
		return ""
	}
	json := strings.Split(field.Tag.Get("json"), ",")
	name, options := json[0], json[1:]
	of, cardinality, suffix := field.Type, ":", ""
	switch {
	case of.Kind() == reflect.Pointer:
		of = of.Elem()
	case of.Kind() == reflect.Map:
		of, cardinality = of.Elem(), "%"
	case of.Kind() == reflect.Slice && of.Elem().Kind() != reflect.Uint8 && !isMessage(of):
		of, cardinality = of.Elem(), "*"
	case of.Kind() != reflect.Struct && (has(options, "omitempty") || has(options, "omitzero")):
		suffix = "?"
	}
	if has(options, "inline") {
		name = "+"
	}
	return fmt.Sprintf(" %s=%s%s%s%s", name, tag[1], cardinality, typeName(section, of), suffix)
}

func isMessage(of reflect.Type) bool {
	_, is := reflect.New(of).Interface().(interface{ Marshal() ([]byte, error) })
	return is
}

func typeName(section string, of reflect.Type) string {
	if of.Kind() == reflect.Pointer {
		of = of.Elem()
	}
	if name, is := special[of.PkgPath()+"."+of.Name()]; is {
		return name
	}
	switch of.Kind() {
	case reflect.String:
		return "string"
	case reflect.Bool:
		return "bool"
	case reflect.Int32, reflect.Int64:
		return "int"
	}
	if of.Kind() == reflect.Slice && of.Elem().Kind() == reflect.Uint8 {
		return "bytes"
	}
	if of.Kind() != reflect.Struct && !isMessage(of) {
		panic("no wire type for " + of.String())
	}
	home := message(of)
	if home == section {
		return of.Name()
	}
	return home + "." + of.Name()
}

func has(list []string, word string) bool {
	for _, one := range list {
		if one == word {
			return true
		}
	}
	return false
}
