package main

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/validate"
)

const dockerfile = `FROM golang AS build-greeter
RUN make rootfs-greeter

FROM scratch AS greeter
COPY --from=build-greeter /src/bin/rootfs/greeter/ /
USER 65532:65532
EXPOSE 9443
ENTRYPOINT ["/greeter"]
`

// write makes a folder with files of the given content.
func write(t *testing.T, files map[string]string) string {
	t.Helper()
	folder := t.TempDir()
	for name, content := range files {
		path := filepath.Join(folder, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		mode := os.FileMode(0o640)
		if strings.HasPrefix(content, "#!") {
			mode = 0o700
		}
		if err := os.WriteFile(path, []byte(content), mode); err != nil {
			t.Fatal(err)
		}
	}
	return folder
}

// pack packs the image greeter of the Dockerfile above and returns its archive.
func pack(t *testing.T) string {
	t.Helper()
	folder := write(t, map[string]string{
		"Dockerfile":                 dockerfile,
		"rootfs/greeter/greeter":     "#!hello",
		"rootfs/greeter/etc/release": "12.11",
	})
	output := filepath.Join(folder, "images")
	if err := run([]string{
		"-dockerfile", filepath.Join(folder, "Dockerfile"), "-roots", filepath.Join(folder, "rootfs"), "-o", output,
		"-registry", "registry.example/usher", "-tag", "v1",
	}); err != nil {
		t.Fatal(err)
	}
	return filepath.Join(output, "greeter.tar")
}

func TestAnImageHoldsItsFolderAndRunsAsTheDockerfileSays(t *testing.T) {
	archive := pack(t)
	image, err := tarball.ImageFromPath(archive, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := validate.Image(image); err != nil {
		t.Error(err)
	}
	manifest, err := tarball.LoadManifest(func() (io.ReadCloser, error) { return os.Open(archive) })
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"registry.example/usher/greeter:v1"}, manifest[0].RepoTags); diff != "" {
		t.Errorf("names: want (-), got (+): %s", diff)
	}
	file, err := image.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	want := v1.Config{
		User: "65532:65532", Entrypoint: []string{"/greeter"}, ExposedPorts: map[string]struct{}{"9443/tcp": {}},
		Env: []string{defaultPath}, WorkingDir: "/",
	}
	if diff := cmp.Diff(want, file.Config); diff != "" {
		t.Errorf("configuration: want (-), got (+): %s", diff)
	}
	if diff := cmp.Diff([]entry{
		{Name: "etc", Mode: 0o755},
		{"etc/release", 0o644, digest([]byte("12.11"))},
		{"greeter", 0o755, digest([]byte("#!hello"))},
	}, content(t, image)); diff != "" {
		t.Errorf("content: want (-), got (+): %s", diff)
	}
}

func TestEqualFoldersGiveEqualBytes(t *testing.T) {
	first, err := os.ReadFile(pack(t))
	if err != nil {
		t.Fatal(err)
	}
	second, err := os.ReadFile(pack(t))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(first, second) {
		t.Error("they differ")
	}
}

func TestWhatCannotBePacked(t *testing.T) {
	for _, test := range []struct {
		name, dockerfile, want string
	}{
		{"no image", "FROM golang AS build\n", "no stage is FROM scratch"},
		{"a base that is not empty is no image", "FROM debian AS greeter\n", "no stage is FROM scratch"},
		{"no folder", "FROM scratch AS greeter\nENTRYPOINT [\"/greeter\"]\n", "image greeter copies no folder"},
		{"another's folder", "FROM scratch AS greeter\nCOPY rootfs/other/ /\n", "want one COPY, of rootfs/greeter/ to /"},
		{"a folder to somewhere else", "FROM scratch AS greeter\nCOPY rootfs/greeter/ /opt\n", "want one COPY"},
		{"two folders", "FROM scratch AS greeter\nCOPY rootfs/greeter/ /\nCOPY rootfs/greeter/ /\n", "Dockerfile:3: COPY"},
		{"what changes the image otherwise", "FROM scratch AS greeter\nCOPY rootfs/greeter/ /\nRUN touch /x\n", "RUN is not understood"},
		{"an entry point that needs a shell", "FROM scratch AS greeter\nCOPY rootfs/greeter/ /\nENTRYPOINT /greeter\n", "want a JSON list"},
		{"a folder that is not there", dockerfile, "no such file"},
	} {
		t.Run(test.name, func(t *testing.T) {
			folder := write(t, map[string]string{"Dockerfile": test.dockerfile})
			err := run([]string{"-dockerfile", filepath.Join(folder, "Dockerfile"), "-roots", folder, "-o", folder})
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v; want it to say %q", err, test.want)
			}
		})
	}
}

func TestALinkIsNotPacked(t *testing.T) {
	folder := write(t, map[string]string{"file": "x"})
	if err := os.Symlink("file", filepath.Join(folder, "link")); err != nil {
		t.Fatal(err)
	}
	if _, err := packFolder(folder); err == nil || !strings.Contains(err.Error(), "neither a file nor a folder") {
		t.Errorf("got %v", err)
	}
}

// entry is a file or folder of an image.
type entry struct {
	Name   string
	Mode   int64
	Digest string
}

// digest stands for the content of a file, which may be long.
func digest(content []byte) string {
	return fmt.Sprintf("%d bytes, %x", len(content), sha256.Sum256(content))
}

// content is what an image holds.
func content(t *testing.T, image v1.Image) []entry {
	t.Helper()
	reader := mutate.Extract(image)
	defer func() { _ = reader.Close() }()
	var all []entry
	for files := tar.NewReader(reader); ; {
		header, err := files.Next()
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(files)
		if err != nil {
			t.Fatal(err)
		}
		if header.Typeflag == tar.TypeDir {
			all = append(all, entry{Name: header.Name, Mode: header.Mode})
			continue
		}
		if header.Uid != 0 || header.Gid != 0 {
			t.Errorf("%s belongs to %d:%d", header.Name, header.Uid, header.Gid)
		}
		all = append(all, entry{header.Name, header.Mode, digest(content)})
	}
}
