#!/bin/sh
# Installs or upgrades the release @RELEASE@ in the namespace @NAMESPACE@. It can be run by itself; deploy.sh runs it too.
# COMPONENT_WAIT_ARGS, DRY_RUN_FLAG and HELM_DEBUG_FLAG are handed to helm.
set -eu
cd "$(dirname "$0")"

@CONNECTION@
@CHART@
version=$(helm version --template '{{.Version}}') || die "helm does not run"
major=${version#v}
major=${major%%.*}
@PREPARE@
set -- upgrade --install @RELEASE@ "$chart" --namespace @NAMESPACE@ @CREATE@-f values.yaml -f cluster-values.yaml
[ -z "$repo" ] || set -- "$@" --repo "$repo"
[ -z "$chart_version" ] || set -- "$@" --version "$chart_version"
# Helm 4 applies on the server, where operators own fields of their webhooks.
[ "$major" -lt 4 ] || set -- "$@" --server-side=true --force-conflicts
[ -z "${AICR_MARK:-}" ] || set -- "$@" --description "$AICR_MARK"
[ -z "$KUBE_CONTEXT" ] || set -- "$@" --kube-context "$KUBE_CONTEXT"
# shellcheck disable=SC2086 # Lists of words.
@RUN@ "$@" ${COMPONENT_WAIT_ARGS:-} ${DRY_RUN_FLAG:-} ${HELM_DEBUG_FLAG:-}
