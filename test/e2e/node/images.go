package node

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"usher.dev/usher/test/e2e/repository"
)

// Image is the name of the image that holds the program "pause" and nothing
// else. Both the pods' own containers and those that hold their network use it.
const Image = "usher.dev/test/pause:1"

// PackPause builds the program pause and packs Image into a folder.
func PackPause(ctx context.Context, folder string) (archive string, err error) {
	program := filepath.Join(folder, "pause")
	build := exec.CommandContext(ctx, "go", "build", "-ldflags", "-s -w", "-o", program, "./pause")
	build.Dir = filepath.Join(repository.Root(), "test", "e2e", "node")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if output, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build pause: %w: %s", err, output)
	}
	return Pack(ctx, folder, Image, program, "/pause")
}

// Pack packs an image of this folder's Dockerfile, which holds one static program
// at a place. It is the last part of the image's name that the Dockerfile knows.
func Pack(ctx context.Context, folder, image, program, place string) (archive string, err error) {
	registry, rest := image[:strings.LastIndex(image, "/")], image[strings.LastIndex(image, "/")+1:]
	name, tag, _ := strings.Cut(rest, ":")
	content, err := os.ReadFile(program)
	if err != nil {
		return "", err
	}
	roots := filepath.Join(folder, "rootfs")
	target := filepath.Join(roots, name, place)
	if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
		return "", err
	}
	if err := os.WriteFile(target, content, 0o755); err != nil {
		return "", err
	}
	_, err = repository.Run(ctx, "go", "-C", "tools", "run", "./image",
		"-dockerfile", filepath.Join("..", "test", "e2e", "node", "Dockerfile"), "-roots", roots, "-o", folder,
		"-registry", registry, "-tag", tag, name)
	return filepath.Join(folder, name+".tar"), err
}
