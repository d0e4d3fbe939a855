//go:build linux

package node

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"os"
	"runtime"
)

// Image is the name of the image that holds the program "pause" and nothing
// else. Both the pods' own containers and those that hold their network use it.
const Image = "usher.dev/test/pause:1"

// writeImage makes an image of one static program, as docker save writes it:
// https://github.com/moby/docker-image-spec.
func writeImage(archive, program string) error {
	content, err := os.ReadFile(program)
	if err != nil {
		return err
	}
	layer, err := pack(entry{"pause", content, 0o755})
	if err != nil {
		return err
	}
	config, err := json.Marshal(map[string]any{
		"architecture": runtime.GOARCH,
		"os":           runtime.GOOS,
		"config":       map[string]any{"Entrypoint": []string{"/pause"}},
		"rootfs":       map[string]any{"type": "layers", "diff_ids": []string{fmt.Sprintf("sha256:%x", sha256.Sum256(layer))}},
	})
	if err != nil {
		return err
	}
	manifest, err := json.Marshal([]map[string]any{{
		"Config": "config.json", "RepoTags": []string{Image}, "Layers": []string{"layer.tar"},
	}})
	if err != nil {
		return err
	}
	image, err := pack(entry{"layer.tar", layer, 0o644}, entry{"config.json", config, 0o644}, entry{"manifest.json", manifest, 0o644})
	if err != nil {
		return err
	}
	return os.WriteFile(archive, image, 0o600)
}

type entry struct {
	name    string
	content []byte
	mode    int64
}

func pack(entries ...entry) ([]byte, error) {
	var packed bytes.Buffer
	writer := tar.NewWriter(&packed)
	for _, e := range entries {
		if err := writer.WriteHeader(&tar.Header{Name: e.name, Mode: e.mode, Size: int64(len(e.content))}); err != nil {
			return nil, err
		}
		if _, err := writer.Write(e.content); err != nil {
			return nil, err
		}
	}
	return packed.Bytes(), writer.Close()
}
