#!/bin/sh
# Uninstalls the releases of this bundle in the opposite order, and removes the namespaces that deploy.sh has made.
# shellcheck disable=SC2016,SC2013 # Templates of kubectl have dollars of their own; names have no spaces.
set -u
umask 077
LC_ALL=C
export LC_ALL

usage() {
	cat <<'EOF'
usage: ./undeploy.sh [OPTION…]

  --component NAME   only the releases of this component (repeatable)
  --dry-run          say what would be removed, and change nothing
  --keep-namespaces  leave the namespaces that deploy.sh has made
  --delete-pvcs      delete the volume claims in those namespaces too, with their data, where no other release is left
  --skip-preflight   do not look for objects that nothing would finish once their operator is gone
  --timeout SECONDS  for each release and namespace (default 300)
  --help             this text

CRDs that charts bring in a folder of their own stay, with their objects: helm never removes those.
Exit codes: 0 removed, 1 something is left, 130 interrupted.
EOF
}

@SELECTION@
keep='' pvcs='' skip='' timeout=300
own_option() { # option value
	case $1 in
	--timeout) timeout=$2 ;;
	--keep-namespaces) keep=1 ;;
	--delete-pvcs) pvcs=1 ;;
	--skip-preflight) skip=1 ;;
	*) return 1 ;;
	esac
}
@OPTIONS@
case $timeout in '' | *[!0-9]*) die "--timeout needs a number of seconds" ;; esac
# shellcheck disable=SC2317,SC2329 # The trap calls it.
stop() {
	say "interrupted; ./undeploy.sh continues from here"
	exit 130
}
begin
selected | awk '{ lines[NR] = $0 } END { for (i = NR; i > 0; i--) print lines[i] }' >"$work/selected"

# -- pre-flight: objects whose finalizers only the operator can take away ----------------------------------------------
if [ -z "$skip" ]; then
	while read -r _ _ release _ namespace _; do
		run_helm get manifest "$release" --namespace "$namespace" 2>/dev/null </dev/null |
			awk '/^---/ { crd = 0 } /^kind: *CustomResourceDefinition/ { crd = 1 } /^metadata:/ { meta = 1; next } /^[^ ]/ { meta = 0 } crd && meta && $1 == "name:" { print $2 }'
	done <"$work/selected" | sort -u >"$work/crds"
	while read -r crd; do
		run_kubectl get "$crd" -A -o 'go-template={{range .items}}{{if .metadata.finalizers}}{{.kind}} {{if .metadata.namespace}}{{.metadata.namespace}}/{{end}}{{.metadata.name}}{{"\n"}}{{end}}{{end}}' </dev/null 2>/dev/null || :
	done <"$work/crds" >"$work/held"
	if [ -s "$work/held" ]; then
		say "these objects have finalizers that only their operators take away; delete them first, or use --skip-preflight:" >&2
		sed 's/^/  /' "$work/held" >&2
		[ -n "$dry_run" ] || exit 1
	fi
fi

left=''
while read -r _ _ release _ namespace _; do
	if ! status=$(run_helm status "$release" --namespace "$namespace" 2>&1 </dev/null); then
		case $status in
		*'not found'*) say "$release: not there" ;;
		*)
			say "$release: FAILED: $status"
			left="$left $release"
			;;
		esac
		continue
	fi
	if [ -n "$dry_run" ]; then
		say "$release: would be uninstalled from $namespace"
		continue
	fi
	say "$release: uninstalling from $namespace"
	if ! run_helm uninstall "$release" --namespace "$namespace" --wait --timeout "${timeout}s" >"$work/log" 2>&1 </dev/null &&
		! run_helm uninstall "$release" --namespace "$namespace" --no-hooks --wait --timeout "${timeout}s" >"$work/log" 2>&1 </dev/null; then
		say "$release: FAILED: $(tail -1 "$work/log")"
		left="$left $release"
	fi
done <"$work/selected"

# -- namespaces: only those that deploy.sh has made, and only when no release is left in them ---------------------------
for namespace in $(awk '!seen[$5]++ { print $5 }' "$work/selected"); do
	made=$(run_kubectl get namespace "$namespace" --ignore-not-found -o 'jsonpath={.metadata.labels.aicr\.run/created-by}' 2>/dev/null </dev/null)
	[ "$made" = deploy ] || continue
	if [ -n "$dry_run" ]; then
		[ -n "$keep" ] || say "namespace $namespace: would be removed when no release is left in it"
		continue
	fi
	# Every state by name: Helm 4 has no --all. What cannot be listed may be there.
	if ! others=$(run_helm list --short --deployed --failed --pending --superseded --uninstalling --uninstalled \
		--namespace "$namespace" 2>"$work/log" </dev/null); then
		say "namespace $namespace: kept, because its releases cannot be listed: $(tail -1 "$work/log")"
		left="$left namespace/$namespace"
		continue
	fi
	others=$(printf '%s' "$others" | tr '\n' ' ')
	if [ -n "$pvcs" ] && [ -n "$others" ]; then
		say "namespace $namespace: its volume claims are kept, because of $others"
	elif [ -n "$pvcs" ]; then
		run_kubectl delete persistentvolumeclaims --all --namespace "$namespace" --timeout "${timeout}s" </dev/null || left="$left claims-in-$namespace"
	fi
	[ -z "$keep" ] || continue
	if [ -n "$others" ]; then
		say "namespace $namespace: kept, because of $others"
	elif ! claims=$(run_kubectl get persistentvolumeclaims --namespace "$namespace" -o name 2>"$work/log" </dev/null); then
		say "namespace $namespace: kept, because its volume claims cannot be listed: $(tail -1 "$work/log")"
		left="$left namespace/$namespace"
	elif [ -n "$claims" ]; then
		say "namespace $namespace: kept, because of $(printf '%s' "$claims" | tr '\n' ' ')(--delete-pvcs deletes them)"
	else
		say "namespace $namespace: removing"
		run_kubectl delete namespace "$namespace" --timeout "${timeout}s" >/dev/null 2>&1 </dev/null || left="$left namespace/$namespace"
	fi
done
if [ -n "$left" ]; then
	say "left:$left"
	exit 1
fi
say "done"
