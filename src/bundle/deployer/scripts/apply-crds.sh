#!/bin/sh
# Gets the chart of @RELEASE@ into a folder (default: a temporary one) and applies its CRDs, which Helm leaves as they
# are in an upgrade. install.sh then installs from the same bytes.
set -eu
cd "$(dirname "$0")"

@CONNECTION@
@CHART@
folder=${1:-}
if [ -z "$folder" ]; then
	folder=$(mktemp -d)
	trap 'rm -rf "$folder"' EXIT
fi
@FETCH@
helm show crds "$folder"/*.tgz >"$folder/crds.yaml"
if grep -q '^kind:' "$folder/crds.yaml"; then
	run_kubectl apply --server-side --field-manager=helm --force-conflicts -f "$folder/crds.yaml"
else
	say "the chart of @RELEASE@ brings no CRDs in a folder of their own"
fi
