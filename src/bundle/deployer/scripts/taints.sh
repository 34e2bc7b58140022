# Nodes that are kept empty until they are tuned stay empty when the operator that tunes them is gone.
tainted=$(run_kubectl get nodes -o 'go-template={{range .items}}{{$name := .metadata.name}}{{range .spec.taints}}{{$name}} {{.key}}{{"\n"}}{{end}}{{end}}' 2>/dev/null |
	awk -v key='@TAINT@' '$2 == key { printf "%s ", $1 }' || :)
if [ -n "$tainted" ]; then
	available=$(run_kubectl get deployments -n '@OPERATOR_NAMESPACE@' -o 'jsonpath={range .items[*]}{.status.availableReplicas}{" "}{end}' 2>/dev/null | tr -d ' ' || :)
	[ -n "$available" ] || warn "no operator is there yet that removes the taint @TAINT@ from ${tainted}: until it runs, other pods do not start there"
fi
