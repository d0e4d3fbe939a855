// Command image packs images without a Docker daemon, each from a folder that
// holds what the image's root is to hold, with the user, ports and entry point
// that a Dockerfile gives it. The archives are what `docker save` writes: `docker
// load` and `ctr images import` take them. Equal folders give equal bytes.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"runtime"

	"github.com/google/go-containerregistry/pkg/name"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "image:", err)
		os.Exit(1)
	}
}

// options are the command's flags.
type options struct {
	dockerfile string
	roots      string
	output     string
	registry   string
	tag        string
}

func run(arguments []string) error {
	o := options{}
	flags := flag.NewFlagSet("image", flag.ContinueOnError)
	flags.StringVar(&o.dockerfile, "dockerfile", "Dockerfile", "what says how each image is run")
	flags.StringVar(&o.roots, "roots", "bin/rootfs", "folder with a folder for each image: its root")
	flags.StringVar(&o.output, "o", "bin/images", "folder that the archives are written to, NAME.tar")
	flags.StringVar(&o.registry, "registry", "", "what comes before the images' names, such as registry.example/usher")
	flags.StringVar(&o.tag, "tag", "devel", "the images' tag")
	flags.Usage = func() {
		fmt.Fprintln(flags.Output(), "usage: image [flags] [NAME...]; without a name, every image of the Dockerfile")
		flags.PrintDefaults()
	}
	if err := flags.Parse(arguments); err != nil {
		return err
	}
	images, err := readDockerfile(o.dockerfile)
	if err != nil {
		return err
	}
	names := flags.Args()
	if len(names) == 0 {
		for _, image := range images {
			names = append(names, image.name)
		}
	}
	if err := os.MkdirAll(o.output, 0o755); err != nil {
		return err
	}
	var errs []error
	for _, wanted := range names {
		if err := o.pack(images, wanted); err != nil {
			errs = append(errs, fmt.Errorf("pack %s: %w", wanted, err))
		}
	}
	return errors.Join(errs...)
}

// pack writes the archive of one image.
func (o options) pack(images []image, wanted string) error {
	for _, image := range images {
		if image.name != wanted {
			continue
		}
		reference := wanted + ":" + o.tag
		if o.registry != "" {
			reference = o.registry + "/" + reference
		}
		tag, err := name.NewTag(reference)
		if err != nil {
			return err
		}
		return writeArchive(filepath.Join(o.output, wanted+".tar"), tag, image.config, filepath.Join(o.roots, wanted), architecture())
	}
	return fmt.Errorf("%s has no such image", o.dockerfile)
}

// architecture is what the folders' programs were built for.
func architecture() string {
	if wanted := os.Getenv("GOARCH"); wanted != "" {
		return wanted
	}
	return runtime.GOARCH
}
