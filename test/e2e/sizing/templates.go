package main

import (
	"fmt"
	"os"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"usher.dev/usher/api/v1alpha1"
	"usher.dev/usher/test/e2e/repository"
)

// templates are objects as a real API server has stored them (testdata/compat),
// with who wrote which field, and a report of a DGX H100.
type templates struct {
	tenant, ledger, namespace, pod unstructured.Unstructured
	managed                        []unstructured.Unstructured // of one namespace
	report                         v1alpha1.GPUNode
}

// templateOf is the tenant of the corpus that has everything, and a namespace of it.
const templateTenant, templateNamespace = "lab", "lab-a"

func readTemplates() (*templates, error) {
	tree := repository.Working()
	t := &templates{}
	for file, take := range map[string]func(unstructured.Unstructured){
		"tenants": func(o unstructured.Unstructured) {
			if o.GetName() == templateTenant {
				t.tenant = o
			}
		},
		"ledgers": func(o unstructured.Unstructured) {
			if o.GetName() == templateTenant {
				t.ledger = o
			}
		},
		"namespaces": func(o unstructured.Unstructured) {
			if o.GetName() == templateNamespace {
				t.namespace = o
			}
		},
		"pods": func(o unstructured.Unstructured) {
			if o.GetName() == "whole" {
				t.pod = o
			}
		},
		"managed": func(o unstructured.Unstructured) {
			if o.GetNamespace() == templateNamespace {
				t.managed = append(t.managed, o)
			}
		},
	} {
		lists, err := tree.Decoded("testdata/compat/recorded/objects/" + file + ".yaml")
		if err != nil {
			return nil, err
		}
		for _, list := range lists {
			items, err := list.ToList()
			if err != nil {
				return nil, err
			}
			for _, item := range items.Items {
				take(item)
			}
		}
	}
	for _, o := range []unstructured.Unstructured{t.tenant, t.ledger, t.namespace, t.pod} {
		if o.Object == nil {
			return nil, fmt.Errorf("the corpus lacks an object of the tenant %s", templateTenant)
		}
	}
	content, err := os.ReadFile(tree.Path("testdata/gpunodes/dgx-h100.yaml"))
	if err != nil {
		return nil, err
	}
	return t, yaml.UnmarshalStrict(content, &t.report)
}
