package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"
)

// sample is one request: an object that a tenant creates, what it shows, and
// the verdict that it must get.
type sample struct {
	file   string
	about  string
	wanted string
	object *unstructured.Unstructured
}

// readSamples reads the samples of a folder in the order of their names.
func readSamples(folder string) ([]sample, error) {
	files, err := filepath.Glob(filepath.Join(folder, "*.yaml"))
	if err != nil {
		return nil, err
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("no request in %s", folder)
	}
	samples := make([]sample, 0, len(files))
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		s, err := parseSample(filepath.Base(file), content)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		samples = append(samples, s)
	}
	return samples, nil
}

// parseSample reads a manifest whose first line is a comment that says what it
// shows, and whose second is "# wanted: " and the verdict.
func parseSample(file string, content []byte) (sample, error) {
	lines := strings.SplitN(string(content), "\n", 3)
	if len(lines) < 3 {
		return sample{}, fmt.Errorf("want two comments and a manifest")
	}
	about, isComment := strings.CutPrefix(lines[0], "# ")
	wanted, isWanted := strings.CutPrefix(lines[1], "# wanted: ")
	if !isComment || !isWanted {
		return sample{}, fmt.Errorf(`want "# what it shows" and "# wanted: verdict" as the first two lines`)
	}
	object := &unstructured.Unstructured{}
	document, err := yaml.YAMLToJSONStrict(content)
	if err != nil {
		return sample{}, err
	}
	if err := object.UnmarshalJSON(bytes.TrimSpace(document)); err != nil {
		return sample{}, err
	}
	return sample{file: file, about: about, wanted: wanted, object: object}, nil
}
