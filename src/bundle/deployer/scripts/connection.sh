say() { printf '%s\n' "$*"; }
warn() { printf 'warning: %s\n' "$*" >&2; }
die() { printf 'error: %s\n' "$*" >&2; exit 1; }

# Which cluster: KUBECONFIG and KUBE_CONTEXT. KUBECONFIG_FLAG is what older scripts set; its values are never printed.
connect() {
	[ -n "${KUBECONFIG_FLAG:-}" ] || return 0
	warn "KUBECONFIG_FLAG is deprecated; set KUBECONFIG and KUBE_CONTEXT"
	set -f
	# shellcheck disable=SC2086 # It is a list of words.
	set -- $KUBECONFIG_FLAG
	set +f
	while [ $# -gt 0 ]; do
		case $1 in
		--kubeconfig=* | --kube-context=*) option=${1%%=*} value=${1#*=} ;;
		--kubeconfig | --kube-context)
			option=$1
			[ $# -ge 2 ] || die "KUBECONFIG_FLAG: $option has no value"
			value=$2
			shift
			;;
		*) die "KUBECONFIG_FLAG may hold --kubeconfig and --kube-context only" ;;
		esac
		shift
		case $value in '' | -*) die "KUBECONFIG_FLAG: $option has no value" ;; esac
		if [ "$option" = --kubeconfig ]; then
			[ "${KUBECONFIG:-$value}" = "$value" ] || die "KUBECONFIG_FLAG: $option contradicts KUBECONFIG"
			KUBECONFIG=$value
			export KUBECONFIG
		else
			[ "${KUBE_CONTEXT:-$value}" = "$value" ] || die "KUBECONFIG_FLAG: $option contradicts KUBE_CONTEXT"
			KUBE_CONTEXT=$value
		fi
	done
	unset KUBECONFIG_FLAG
}
connect
KUBE_CONTEXT=${KUBE_CONTEXT:-}
export KUBE_CONTEXT

run_helm() {
	if [ -n "$KUBE_CONTEXT" ]; then helm --kube-context "$KUBE_CONTEXT" "$@"; else helm "$@"; fi
}
run_kubectl() {
	if [ -n "$KUBE_CONTEXT" ]; then kubectl --context "$KUBE_CONTEXT" "$@"; else kubectl "$@"; fi
}
