package main

import (
	"bytes"
	"io"
	"os"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

// writeArchive writes an image of one layer, whole or not at all.
func writeArchive(path string, tag name.Tag, config v1.Config, root, architecture string) error {
	image, err := newImage(config, root, architecture)
	if err != nil {
		return err
	}
	unfinished := path + ".part"
	if err := tarball.WriteToFile(unfinished, tag, image); err != nil {
		return err
	}
	return os.Rename(unfinished, path)
}

// newImage makes an image of one layer. It names no time of creation: what was
// made of the same folder is the same.
func newImage(config v1.Config, root, architecture string) (v1.Image, error) {
	packed, err := packFolder(root)
	if err != nil {
		return nil, err
	}
	layer, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) {
		return io.NopCloser(bytes.NewReader(packed)), nil
	}, tarball.WithCompressedCaching)
	if err != nil {
		return nil, err
	}
	image, err := mutate.AppendLayers(empty.Image, layer)
	if err != nil {
		return nil, err
	}
	file, err := image.ConfigFile()
	if err != nil {
		return nil, err
	}
	file = file.DeepCopy()
	file.OS, file.Architecture, file.Config = "linux", architecture, config
	return mutate.ConfigFile(image, file)
}
