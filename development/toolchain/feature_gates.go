// Prints the feature gates of a kube-proxy, one per line: name, stage, default, "locked", the gates that it needs.
// Run it in the directory of a pinned kube-proxy. Its output is a file in settings/kube_proxy_configuration/gates/:
//
//	cd development/toolchain/kube-proxy-1.37 && go run ../feature_gates.go
package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	utilfeature "k8s.io/apiserver/pkg/util/feature"
	"k8s.io/component-base/featuregate"
	"k8s.io/kubernetes/cmd/kube-proxy/app"
)

func main() {
	app.NewProxyCommand() // registers the gates
	needs := map[featuregate.Feature][]featuregate.Feature{}
	// Since 1.35 a gate can need others.
	if gates, ok := utilfeature.DefaultMutableFeatureGate.(interface {
		Dependencies() map[featuregate.Feature][]featuregate.Feature
	}); ok {
		needs = gates.Dependencies()
	}
	lines := []string{}
	for name, gate := range utilfeature.DefaultMutableFeatureGate.GetAll() {
		line := []string{string(name), strings.ToLower(cmp.Or(string(gate.PreRelease), "ga")), "off"}
		if gate.Default {
			line[2] = "on"
		}
		if gate.LockToDefault {
			line = append(line, "locked")
		}
		slices.Sort(needs[name])
		for _, other := range needs[name] {
			line = append(line, string(other))
		}
		lines = append(lines, strings.Join(line, " "))
	}
	slices.Sort(lines)
	fmt.Println(strings.Join(lines, "\n"))
}
