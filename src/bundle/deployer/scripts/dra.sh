# The DRA driver's plugins keep handles of the NVIDIA driver that they were started with: once a new one is loaded they are
# restarted, once for each state of the bundle.
if selected | awk '$4 == "nvidia-dra-driver-gpu" { found = 1 } END { exit !found }' && [ -n "$wait" ]; then
	space=$(releases | awk '$3 == "nvidia-dra-driver-gpu" { print $5 }')
	folder=$(releases | awk '$3 == "nvidia-dra-driver-gpu" { print $2 }')
	mark=$(mark_of "$folder" | tr ' ' '-')
	driver=$(run_kubectl get daemonsets -A -o 'jsonpath={range .items[?(@.metadata.name=="nvidia-driver-daemonset")]}{.metadata.namespace}{"\n"}{end}' 2>/dev/null || :)
	plugin=$(run_kubectl get daemonsets -n "$space" -o name 2>/dev/null | grep kubelet-plugin | head -1 || :)
	known=''
	[ -z "$plugin" ] || known=$(run_kubectl get "$plugin" -n "$space" -o 'jsonpath={.metadata.annotations.aicr\.run/restarted-for}' 2>/dev/null || :)
	if [ -n "$driver" ] && [ -n "$plugin" ] && [ "$known" != "$mark" ]; then
		say "nvidia-dra-driver-gpu: waiting until the driver is loaded on every node that gets one"
		until_seconds=$(($(date +%s) + 900))
		while :; do
			waiting=$(run_kubectl get nodes -l nvidia.com/gpu.deploy.driver=true -o 'jsonpath={range .items[*]}{.metadata.name}{"="}{.metadata.labels.nvidia\.com/gpu-driver-upgrade-state}{"\n"}{end}' 2>/dev/null | grep -v -e '=upgrade-done$' -e '^$' || :)
			[ -n "$waiting" ] || break
			[ "$(date +%s)" -lt "$until_seconds" ] || break
			sleep 5
		done
		if [ -n "$waiting" ]; then
			warn "the DRA driver was not restarted: the driver is not loaded on $(printf '%s' "$waiting" | tr '\n' ' ')"
			warn "when it is: kubectl rollout restart -n $space $plugin"
			code=2
		elif run_kubectl rollout restart -n "$space" "$plugin" >/dev/null && run_kubectl rollout status -n "$space" "$plugin" --timeout=120s >/dev/null; then
			run_kubectl annotate -n "$space" "$plugin" --overwrite "aicr.run/restarted-for=$mark" >/dev/null
			say "nvidia-dra-driver-gpu: restarted with the driver that is loaded now"
		else
			warn "the DRA driver did not come up again within 120 s: kubectl rollout status -n $space $plugin"
			code=2
		fi
	fi
fi
