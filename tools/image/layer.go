package main

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// packFolder returns a folder as a layer: everything is root's, of the first
// second of 1970, readable for all and in the order of its names. Only whether a
// file may be run is taken from the folder.
func packFolder(root string) ([]byte, error) {
	var layer bytes.Buffer
	writer := tar.NewWriter(&layer)
	// WalkDir goes by name.
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || path == root {
			return err
		}
		name, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		return packEntry(writer, path, filepath.ToSlash(name), entry)
	})
	if err != nil {
		return nil, err
	}
	if err := writer.Close(); err != nil {
		return nil, err
	}
	if layer.Len() <= emptyArchive {
		return nil, errors.New("the folder is empty: " + root)
	}
	return layer.Bytes(), nil
}

// emptyArchive is the size of a tar archive of nothing: two blocks of zeros.
const emptyArchive = 1024

func packEntry(writer *tar.Writer, path, name string, entry fs.DirEntry) error {
	info, err := entry.Info()
	if err != nil {
		return err
	}
	header := &tar.Header{Name: name, ModTime: time.Unix(0, 0), Mode: 0o644, Format: tar.FormatPAX}
	switch {
	case info.IsDir():
		header.Typeflag, header.Name, header.Mode = tar.TypeDir, name+"/", 0o755
		return writer.WriteHeader(header)
	case !info.Mode().IsRegular():
		return fmt.Errorf("%s is neither a file nor a folder", path)
	case info.Mode()&0o111 != 0:
		header.Mode = 0o755
	}
	header.Typeflag, header.Size = tar.TypeReg, info.Size()
	if err := writer.WriteHeader(header); err != nil {
		return err
	}
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }()
	_, err = io.Copy(writer, file)
	return err
}
