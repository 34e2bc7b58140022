# What deploy.sh and undeploy.sh have in common: the releases, which of them are meant, and that no other run is at work.

# what it needs, folder, release, component, namespace, seconds, tries after the first, awaited, creates its namespace
releases() {
	cat <<'EOF'
@RELEASES@
EOF
}

@CONNECTION@
only='' dry_run='' work='' locked=''
selected() {
	if [ -z "$only" ]; then
		releases
	else
		releases | awk -v only="$only" 'BEGIN { split(only, names, " "); for (i in names) keep[names[i]] } $4 in keep'
	fi
}

# One run at a time in a cluster: a lease says which, and is renewed while that one lives.
lease=aicr-deploy
holder=$(uname -n)/$$
lease_object() { # resource version
	printf 'apiVersion: coordination.k8s.io/v1\nkind: Lease\nmetadata: {name: %s, namespace: kube-system, resourceVersion: "%s"}\n' "$lease" "$1"
	printf 'spec: {holderIdentity: "%s", leaseDurationSeconds: 40, renewTime: "%s"}\n' "$holder" "$(date -u +%Y-%m-%dT%H:%M:%S.000000Z)"
}
lease_now() {
	run_kubectl get lease "$lease" -n kube-system --ignore-not-found -o 'jsonpath={.spec.holderIdentity} {.metadata.resourceVersion}' 2>/dev/null
}
lock() {
	if said=$(lease_object '' | run_kubectl create -f - 2>&1); then
		renew
		return
	fi
	case $said in
	*AlreadyExists*) ;;
	*)
		warn "a second run would not notice this one: $said"
		return
		;;
	esac
	found=$(lease_now)
	other=${found%% *}
	if [ "${other%/*}" != "${holder%/*}" ] || kill -0 "${other##*/}" 2>/dev/null; then
		say "the lease kube-system/$lease is held by $other; waiting up to 45 s to see whether that run is alive"
		now=$found seconds=0
		while [ "$now" = "$found" ] && [ "$seconds" -lt 45 ]; do
			sleep 1
			seconds=$((seconds + 1))
			now=$(lease_now)
		done
		case $now in
		"$found" | '' | ' ') found=$now ;;
		*) die "another run is at work in this cluster: ${now%% *}" ;;
		esac
	fi
	case $found in
	'' | ' ') said=$(lease_object '' | run_kubectl create -f - 2>&1) || die "another run was faster: $said" ;;
	*)
		said=$(lease_object "${found##* }" | run_kubectl replace -f - 2>&1) || die "another run was faster: $said"
		say "took over from $other, which has ended"
		;;
	esac
	renew
}
renew() {
	locked=1
	{
		while sleep 10 && kill -0 $$; do
			run_kubectl patch lease "$lease" -n kube-system --type json -p '[{"op":"test","path":"/spec/holderIdentity","value":"'"$holder"'"},{"op":"replace","path":"/spec/renewTime","value":"'"$(date -u +%Y-%m-%dT%H:%M:%S.000000Z)"'"}]' && continue
			# A server that does not answer takes nothing over.
			case $(lease_now) in
			'' | ' ' | "$holder "*) ;;
			*)
				: >"$work/taken"
				kill -TERM $$
				;;
			esac
		done
	} </dev/null >/dev/null 2>&1 &
	renewer=$!
}

# shellcheck disable=SC2317,SC2329 # The trap calls it.
clean() {
	if [ -n "$locked" ]; then
		kill "$renewer" 2>/dev/null
		case $(lease_now) in "$holder "*) run_kubectl delete lease "$lease" -n kube-system --ignore-not-found >/dev/null 2>&1 ;; esac
	fi
	[ -z "$work" ] || rm -rf "$work"
}
begin() {
	for program in helm kubectl awk; do
		command -v "$program" >/dev/null 2>&1 || die "$program is not installed"
	done
	if ! answer=$(run_kubectl get --raw /version --request-timeout=20s 2>&1); then
		die "the cluster does not answer: $answer"
	fi
	trap clean EXIT
	trap '[ ! -e "$work/taken" ] || say "another run took over in this cluster"; stop' INT TERM
	work=$(mktemp -d) || die "no temporary folder"
	[ -n "$dry_run" ] || lock
}
