// Prints the fields of KubeProxyConfiguration v1alpha1 in the order of the Go types, one per line: path and Go type.
// "[]" in a path stands for the items of a list.
// tests/kube_proxy/test_fields.py runs it in the directory of each pinned kube-proxy:
//
//	cd development/toolchain/kube-proxy-1.37 && go run ../fields.go
package main

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"

	"k8s.io/kube-proxy/config/v1alpha1"
)

var marshaler = reflect.TypeFor[json.Marshaler]()

func main() {
	printFields("", reflect.TypeFor[v1alpha1.KubeProxyConfiguration]())
}

func printFields(parent string, section reflect.Type) {
	for i := range section.NumField() {
		field := section.Field(i)
		name, options, _ := strings.Cut(field.Tag.Get("json"), ",")
		if name == "" && (field.Anonymous || strings.Contains(options, "inline")) {
			printFields(parent, field.Type)
			continue
		}
		fmt.Println(parent+name, field.Type)
		inner, suffix := field.Type, "."
		for inner.Kind() == reflect.Pointer || inner.Kind() == reflect.Slice {
			if inner.Kind() == reflect.Slice {
				suffix = "[]."
			}
			inner = inner.Elem()
		}
		// A type that writes its own JSON, such as a duration, is one value.
		if inner.Kind() == reflect.Struct && !reflect.PointerTo(inner).Implements(marshaler) {
			printFields(parent+name+suffix, inner)
		}
	}
}
