package review

import (
	"encoding/json"

	"usher.dev/usher/internal/cluster"
	"usher.dev/usher/internal/manifest"
)

// surroundings are the Namespaces, Tenants and QuotaLedgers of a folder, and over
// them those that are themselves reviewed: they will be in the cluster with the rest.
func surroundings(dir string, objects []reviewed) (*cluster.Objects, error) {
	around := cluster.NewObjects()
	if dir != "" {
		files, wrong := manifest.Open([]string{dir}, nil)
		if len(wrong) > 0 {
			return nil, wrong[0]
		}
		for _, file := range files {
			if err := addFile(around, file); err != nil {
				return nil, err
			}
		}
	}
	for _, object := range objects {
		if err := add(around, object); err != nil {
			return nil, err
		}
	}
	return around, nil
}

// addFile adds those of a file, such as kubectl get prints.
func addFile(around *cluster.Objects, file *manifest.File) error {
	objects, problems := manifest.Read(file)
	for _, object := range objects {
		if !cluster.Holds(object.Value) {
			continue
		}
		served, wrong := object.Served()
		problems = append(problems, wrong...)
		if served == nil {
			continue
		}
		if err := add(around, reviewed{object, served}); err != nil {
			return err
		}
	}
	if len(problems) > 0 {
		return problems[0]
	}
	return nil
}

func add(around *cluster.Objects, object reviewed) error {
	encoded, err := json.Marshal(object.served)
	if err == nil {
		err = around.Add(object.served, encoded)
	}
	if err != nil {
		return object.source.Problem(object.source.Position(""), err.Error())
	}
	return nil
}
