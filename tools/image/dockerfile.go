package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// image is what a Dockerfile says of one image.
type image struct {
	name   string
	config v1.Config
}

// defaultPath is the PATH that Docker gives to every image.
const defaultPath = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// readDockerfile returns the images of a Dockerfile: its stages FROM scratch. Such
// a stage copies one folder, named rootfs/STAGE, to the root. Anything else that
// would change the image is an error, so that what is packed here is what Docker
// would build.
func readDockerfile(path string) ([]image, error) {
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var (
		images []image
		errs   []error
		stage  *image
		copied bool
	)
	finish := func() {
		if stage == nil {
			return
		}
		if !copied {
			errs = append(errs, fmt.Errorf("%s: image %s copies no folder", path, stage.name))
		}
		images = append(images, *stage)
		stage, copied = nil, false
	}
	for i, line := range strings.Split(string(content), "\n") {
		instruction, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		if instruction == "FROM" {
			finish()
			if name, final := strings.CutPrefix(rest, "scratch AS "); final {
				stage = &image{name: name, config: v1.Config{Env: []string{defaultPath}, WorkingDir: "/"}}
			}
			continue
		}
		if stage == nil || instruction == "" || strings.HasPrefix(instruction, "#") {
			continue
		}
		var err error
		if instruction == "COPY" {
			err = stage.checkCopy(rest, copied)
			copied = true
		} else {
			err = stage.set(instruction, rest)
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("%s:%d: %w", path, i+1, err))
		}
	}
	finish()
	if len(images) == 0 {
		errs = append(errs, fmt.Errorf("%s has no image: no stage is FROM scratch", path))
	}
	return images, errors.Join(errs...)
}

// checkCopy checks what the image's only COPY says.
func (i *image) checkCopy(arguments string, again bool) error {
	fields := strings.Fields(arguments)
	if len(fields) > 0 && strings.HasPrefix(fields[0], "--from=") {
		fields = fields[1:]
	}
	source := "rootfs/" + i.name + "/"
	if again || len(fields) != 2 || fields[1] != "/" || fields[0] != source && !strings.HasSuffix(fields[0], "/"+source) {
		return fmt.Errorf("COPY %s: want one COPY, of %s to /", arguments, source)
	}
	return nil
}

// set takes an instruction that says how the image is run.
func (i *image) set(instruction, argument string) error {
	switch instruction {
	case "USER":
		i.config.User = argument
	case "EXPOSE":
		if i.config.ExposedPorts == nil {
			i.config.ExposedPorts = map[string]struct{}{}
		}
		for _, port := range strings.Fields(argument) {
			if !strings.Contains(port, "/") {
				port += "/tcp"
			}
			i.config.ExposedPorts[port] = struct{}{}
		}
	case "ENTRYPOINT":
		if err := json.Unmarshal([]byte(argument), &i.config.Entrypoint); err != nil {
			return fmt.Errorf("ENTRYPOINT %s: want a JSON list: %w", argument, err)
		}
	default:
		return fmt.Errorf("%s is not understood: want COPY, USER, EXPOSE or ENTRYPOINT", instruction)
	}
	return nil
}
