#!/bin/sh
# Installs the releases of this bundle with helm: each begins when everything that it needs is there, and is awaited until
# its workloads are ready. A run that was interrupted is continued by the next one.
# shellcheck disable=SC2016 # Templates of kubectl have dollars of their own.
set -u
umask 077
LC_ALL=C
export LC_ALL

usage() {
	cat <<'EOF'
usage: ./deploy.sh [OPTION…]

  --component NAME  only the releases of this component (repeatable); what it depends on is taken to be there
  --dry-run         say what would be done, and change nothing
  --serial          one release after the other
  --all             apply releases again that are there with the same content
  --no-wait         do not wait until workloads are ready
  --best-effort     go on after a failure; the exit code tells of it all the same
  --retries N       tries after the first of a failure that is known to settle by itself (default 5)
  --help            this text

KUBECONFIG and KUBE_CONTEXT choose the cluster. Exit codes: 0 done, 1 a release failed or nothing could begin,
2 everything is installed but the DRA driver was not restarted, 130 interrupted.
EOF
}

@SELECTION@
here=$(cd "$(dirname "$0")" && pwd) || exit 1
serial=@SERIAL@ all='' wait=1 best_effort='' retries=5
own_option() { # option value
	case $1 in
	--retries) retries=$2 ;;
	--serial) serial=1 ;;
	--all) all=1 ;;
	--no-wait) wait='' ;;
	--best-effort) best_effort=1 ;;
	*) return 1 ;;
	esac
}
@OPTIONS@
# What install.sh would hand to helm holds for the whole script.
case ${DRY_RUN_FLAG:-} in '' | --dry-run=none | --dry-run=false) ;; *) dry_run=1 ;; esac
case $retries in '' | *[!0-9]*) die "--retries needs a number" ;; esac
total=$(selected | wc -l | tr -d ' ')
pids=''
# shellcheck disable=SC2317,SC2329 # The trap calls it.
stop() {
	trap '' INT TERM
	say "interrupted: waiting for helm to let go"
	# shellcheck disable=SC2086 # A list of numbers; what renews the lease is not waited for.
	[ -z "$pids" ] || { kill -TERM $pids 2>/dev/null; wait $pids; }
	say "interrupted; ./deploy.sh continues from here"
	exit 130
}
begin

# -- pre-flight: what would fail later, said now ----------------------------------------------------------------------
namespaces=$(selected | awk '!seen[$5]++ { print $5 }')
problems=''
for namespace in $namespaces; do
	phase=$(run_kubectl get namespace "$namespace" --ignore-not-found -o 'jsonpath={.status.phase}' 2>&1) || die "$phase"
	[ "$phase" != Terminating ] || problems="$problems
namespace $namespace is being deleted: wait until it is gone, or see what holds it with kubectl get namespace $namespace -o yaml"
done
# A webhook whose service is gone refuses what we install.
for kind in validatingwebhookconfigurations mutatingwebhookconfigurations; do
	run_kubectl get "$kind" -o 'go-template={{range .items}}{{$name := .metadata.name}}{{range .webhooks}}{{if .clientConfig.service}}{{$name}} {{.clientConfig.service.namespace}} {{.clientConfig.service.name}}{{"\n"}}{{end}}{{end}}{{end}}' \
		>"$work/webhooks" 2>"$work/error" || die "cannot list $kind: $(cat "$work/error")"
	sort -u "$work/webhooks" >"$work/sorted"
	while read -r name namespace service; do
		printf '%s\n' "$namespaces" | grep -qxF -- "$namespace" || continue
		found=$(run_kubectl get service "$service" -n "$namespace" --ignore-not-found -o name </dev/null 2>/dev/null) || continue
		[ -n "$found" ] || problems="$problems
$kind $name calls the service $namespace/$service, which does not exist: kubectl delete $kind $name"
	done <"$work/sorted"
done
if [ -n "$problems" ]; then
	say "the cluster is not ready for this bundle:$problems" >&2
	exit 1
fi
run_kubectl get apiservices -o 'go-template={{range .items}}{{$name := .metadata.name}}{{range .status.conditions}}{{if and (eq .type "Available") (eq .status "False")}}{{$name}} {{.reason}}{{"\n"}}{{end}}{{end}}{{end}}' \
	>"$work/apis" 2>/dev/null || :
while read -r name reason; do
	warn "the API service $name is not available ($reason)"
done <"$work/apis"
@TAINTS@
# -- one release ------------------------------------------------------------------------------------------------------
# What marks a release as made from these files: helm keeps it in the history.
mark_of() { # folder
	sum=$(cd "$here/$1" && find . -type f ! -name '.*' | sort | while read -r file; do
		printf '%s ' "$file"
		cksum <"$file"
	done | cksum)
	printf 'aicr bundle %s' "$(printf '%s' "$sum" | tr ' ' '-')"
}

# absent, same, other, or what an interrupted run left.
state_of() { # release namespace mark
	if ! history=$(run_helm history "$1" --namespace "$2" --max 1 -o json 2>&1); then
		case $history in
		*'not found'*) say absent ;;
		*) printf 'unknown: %s\n' "$history" ;;
		esac
		return
	fi
	case $history in
	*'"status":"pending-'* | *'"status":"uninstalling"'*) say half ;;
	*'"status":"deployed"'*"$3\""*) say same ;;
	*'"status":"uninstalled"'*) say absent ;;
	*) say other ;;
	esac
}

# Helm does not go on where it was killed: the revision that it left is forgotten, its objects are taken over.
forget_half() { # release namespace
	revision=$(run_helm history "$1" --namespace "$2" --max 1 -o json | sed 's/.*"revision":\([0-9]*\).*/\1/')
	run_kubectl delete secret "sh.helm.release.v1.$1.v$revision" --namespace "$2" --ignore-not-found >/dev/null
}

# The workloads of a file, a line each.
workloads() { # file namespace
	run_kubectl get --namespace "$2" -f "$1" --ignore-not-found --no-headers -o 'custom-columns=K:.kind,NS:.metadata.namespace,N:.metadata.name,G:.metadata.generation,O:.status.observedGeneration,R:.spec.replicas,U:.status.updatedReplicas,A:.status.availableReplicas,RR:.status.readyReplicas,D:.status.desiredNumberScheduled,DA:.status.numberAvailable,DU:.status.updatedNumberScheduled,S:.status.succeeded,C:.spec.completions,F:.status.failed,B:.spec.backoffLimit'
}

# One line for each workload of a release that is not ready. Nothing where all are.
not_ready() { # release namespace
	run_helm get manifest "$1" --namespace "$2" >"$work/$1.manifest" 2>"$work/$1.why" || {
		sed 's/^/cannot read the release: /' "$work/$1.why"
		return
	}
	# A chart may put objects into other namespaces, and kubectl reads a file for one namespace at a time.
	rm -f "$work/$1".workloads.*
	awk -v base="$work/$1.workloads" -v own="$2" '
		function flush() {
			if (kind ~ /^(Deployment|DaemonSet|StatefulSet|Job)$/) printf "---\n%s", doc >(base "." (place == "" ? own : place))
			doc = kind = place = ""; meta = 0
		}
		/^---/ { flush(); next }
		{ doc = doc $0 "\n" }
		/^kind:/ { kind = $2; gsub(/[^A-Za-z]/, "", kind) }
		/^metadata:/ { meta = 1; next }
		/^[^ #]/ { meta = 0 }
		meta && /^  namespace:/ { place = $2; gsub(/[^a-z0-9-]/, "", place) }
		END { flush() }
	' "$work/$1.manifest"
	: >"$work/$1.objects"
	for file in "$work/$1".workloads.*; do
		[ -e "$file" ] || return 0
		workloads "$file" "${file##*.workloads.}" >>"$work/$1.objects" 2>"$work/$1.why" || {
			sed 's/^/cannot read its objects: /' "$work/$1.why" | head -1
			return
		}
	done
	awk '
		function number(text, otherwise) { return text == "<none>" ? otherwise : text + 0 }
		{ where = $2 "/" $3; generation = number($4, 0); observed = number($5, 0) }
		$1 ~ /^(Deployment|StatefulSet|DaemonSet)$/ && observed < generation { print $1, where ": not looked at by its controller yet"; next }
		$1 == "Deployment" { want = number($6, 1); have = number($8, 0); if (number($7, 0) < want || have < want) print $1, where ": " have " of " want " available" }
		$1 == "StatefulSet" { want = number($6, 1); have = number($9, 0); if (have < want) print $1, where ": " have " of " want " ready" }
		$1 == "DaemonSet" { want = number($10, 0); have = number($11, 0); if (have < want) print $1, where ": available on " have " of " want " nodes" }
		$1 == "Job" { want = number($14, 1); have = number($13, 0); if (have < want) print $1, where ": " have " of " want " completed, " number($15, 0) " failed" }
	' "$work/$1.objects"
}

# Why pods of a namespace wait.
waiting_pods() { # namespace
	run_kubectl get pods --namespace "$1" -o 'go-template={{range .items}}{{$name := .metadata.name}}{{range .status.conditions}}{{if and (eq .type "PodScheduled") (eq .status "False")}}{{$name}}: {{.reason}}: {{.message}}{{"\n"}}{{end}}{{end}}{{range .status.initContainerStatuses}}{{if .state.waiting}}{{if ne .state.waiting.reason "PodInitializing"}}{{$name}}: {{.name}}: {{.state.waiting.reason}}{{"\n"}}{{end}}{{end}}{{end}}{{range .status.containerStatuses}}{{if .state.waiting}}{{if and (ne .state.waiting.reason "PodInitializing") (ne .state.waiting.reason "ContainerCreating")}}{{$name}}: {{.name}}: {{.state.waiting.reason}}{{"\n"}}{{end}}{{end}}{{end}}{{end}}' 2>/dev/null | head -5
}

# Failures of helm that pass by themselves: webhooks and kinds that are new, an API server that is busy.
settles() { # log
	grep -q -i -e 'failed calling webhook' -e 'no endpoints available' -e 'no matches for kind' -e 'connection refused' \
		-e 'connection reset' -e 'i/o timeout' -e 'TLS handshake timeout' -e 'too many requests' -e 'etcdserver' \
		-e 'currently unable to handle' -e 'certificate signed by unknown authority' -e 'the object has been modified' \
		-e 'timed out waiting for the condition' -e 'context deadline exceeded' -- "$1"
}

one() { # number folder release namespace seconds tries awaited
	prefix="[$1/$total] $3"
	mark=$(mark_of "$2")
	state=$(state_of "$3" "$4" "$mark")
	case $state in
	unknown:*)
		say "$prefix: FAILED: cannot read the release: ${state#unknown: }"
		return 1
		;;
	same) [ -z "$all" ] || state=other ;;
	esac
	if [ -n "$dry_run" ]; then
		case $state in
		absent) say "$prefix: would be installed in $4" ;;
		same) say "$prefix: already installed, would be left as it is" ;;
		half) say "$prefix: was left half-way, would be continued" ;;
		other) say "$prefix: would be upgraded in $4" ;;
		esac
		return 0
	fi
	start=$(date +%s)
	tried=0
	while [ "$state" != same ]; do
		if [ "$state" = half ]; then
			say "$prefix: was left half-way by an interrupted run; continuing"
			forget_half "$3" "$4" || return 1
		fi
		say "$prefix: $(if [ "$state" = absent ]; then echo installing; else echo applying; fi) in $4"
		AICR_MARK=$mark COMPONENT_WAIT_ARGS="--timeout ${5}s ${COMPONENT_WAIT_ARGS:-}" sh "$here/$2/install.sh" >"$work/$3.log" 2>&1 &
		child=$!
		trap 'kill -TERM $child 2>/dev/null; wait $child; exit 143' TERM
		if wait $child; then break; fi
		trap - TERM
		tried=$((tried + 1))
		if [ "$tried" -gt "$6" ] || ! settles "$work/$3.log"; then
			say "$prefix: FAILED: $(grep -v '^WARNING' "$work/$3.log" | tail -3 | tr '\n' ' ')"
			waiting_pods "$4" | sed "s|^|$prefix:   pod |"
			return 1
		fi
		pause=$((5 * tried * tried))
		[ "$pause" -le 120 ] || pause=120
		say "$prefix: failed with what settles by itself, next try in $pause s: $(tail -1 "$work/$3.log")"
		sleep "$pause" &
		child=$!
		trap 'kill -TERM $child 2>/dev/null; exit 143' TERM
		wait $child
		trap - TERM
		state=$(state_of "$3" "$4" "$mark")
		[ "$state" != same ] || state=other
	done
	trap - TERM
	if [ -z "$wait" ] || [ "$7" = no ]; then
		say "$prefix: $(if [ "$state" = same ]; then echo "is there already"; else echo installed; fi), not awaited"
		return 0
	fi
	shown=''
	while :; do
		left=$(not_ready "$3" "$4")
		[ -n "$left" ] || break
		now=$(date +%s)
		if [ $((now - start)) -ge "$5" ]; then
			say "$prefix: FAILED: not ready after $5 s"
			printf '%s\n' "$left" | sed "s|^|$prefix:   |"
			waiting_pods "$4" | sed "s|^|$prefix:   pod |"
			return 1
		fi
		if [ "$left" != "$shown" ]; then
			printf '%s\n' "$left" | sed "s|^|$prefix: waiting for |"
			waiting_pods "$4" | sed "s|^|$prefix:   pod |"
			shown=$left
		fi
		sleep 2
	done
	say "$prefix: $(if [ "$state" = same ]; then echo "is there already, and ready"; else echo "ready after $(($(date +%s) - start)) s"; fi)"
}

# -- all of them ------------------------------------------------------------------------------------------------------
# What has ended is a file with its exit code. A release that was not selected is taken to be there, behind what it needs.
is_blocked() { # needs
	[ "$1" != - ] || return 1
	for need in $(printf '%s' "$1" | tr ',' ' '); do
		[ -e "$work/$need.code" ] || return 0
		[ -n "$best_effort" ] || [ "$(cat "$work/$need.code")" = 0 ] || return 0
	done
	return 1
}
is_selected() { # component
	case " $only " in '  ' | *" $1 "*) return 0 ;; *) return 1 ;; esac
}
ended() { # release code
	printf '%s\n' "$2" >"$work/$1.ended"
	mv "$work/$1.ended" "$work/$1.code"
}
collect() { # those that have ended
	still='' pids=''
	for pair in $running; do
		release=${pair#*:}
		if [ -e "$work/$release.code" ]; then
			wait "${pair%%:*}" || :
			[ "$(cat "$work/$release.code")" = 0 ] || failed="$failed $release"
			moved=1
		else
			still="$still $pair"
			pids="$pids ${pair%%:*}"
		fi
	done
	running=$still
}
failed='' running='' number=0 nap=0.2
releases >"$work/waiting"
while [ -s "$work/waiting" ] || [ -n "$running" ]; do
	moved=''
	: >"$work/later"
	while read -r needs folder release component namespace seconds tries awaited creates; do
		stopped=''
		[ -z "$failed" ] || stopped=1
		[ -z "$best_effort" ] || stopped=''
		if is_blocked "$needs" || { [ -n "$serial" ] && [ -n "$running" ]; } || { [ -n "$stopped" ] && is_selected "$component"; }; then
			printf '%s\n' "$needs $folder $release $component $namespace $seconds $tries $awaited $creates" >>"$work/later"
			continue
		fi
		moved=1
		if ! is_selected "$component"; then
			ended "$release" 0
			continue
		fi
		number=$((number + 1))
		[ "$tries" != - ] || tries=$retries
		[ "$tries" -le "$retries" ] || tries=$retries
		if [ -n "$dry_run" ]; then
			code=0
			one "$number" "$folder" "$release" "$namespace" "$seconds" "$tries" "$awaited" </dev/null || code=1
			[ "$code" = 0 ] || failed="$failed $release"
			ended "$release" "$code"
			continue
		fi
		if [ "$creates" = no ] && ! run_kubectl get namespace "$namespace" >/dev/null 2>&1 </dev/null; then
			# Marked, so that undeploy.sh removes it again and leaves others alone.
			printf 'apiVersion: v1\nkind: Namespace\nmetadata: {name: %s, labels: {aicr.run/created-by: deploy}}\n' "$namespace" |
				run_kubectl create -f - >/dev/null 2>&1 || :
		fi
		{
			code=0
			one "$number" "$folder" "$release" "$namespace" "$seconds" "$tries" "$awaited" </dev/null || code=1
			ended "$release" "$code"
		} &
		pids="$pids $!"
		running="$running $!:$release"
	done <"$work/waiting"
	mv "$work/later" "$work/waiting"
	collect
	[ -z "$moved" ] || continue
	[ -n "$running" ] || break
	# Not every sleep knows parts of a second.
	sleep "$nap" 2>/dev/null || { nap=1 && sleep 1; }
done
if [ -n "$failed" ]; then
	say "failed:$failed"
	[ "$number" -ge "$total" ] || say "not begun: $((total - number)) of $total; ./deploy.sh continues when the cause is removed"
	exit 1
fi
[ -z "$dry_run" ] || exit 0
code=0
@DRA@
say "installed: $total of $total. Helm's success is not the GPUs': tuning of nodes, drivers and the registration of"
say "devices go on for minutes; aicr validate -r $here/recipe.yaml says when the cluster is ready."
exit "$code"
