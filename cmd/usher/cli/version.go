package cli

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"

	"usher.dev/usher/internal/version"
)

func newVersion(s streams) *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the versions of usher and of what it judges by",
		Args:  noArgs("`usher version` takes nothing"),
		RunE: func(*cobra.Command, []string) error {
			_, err := fmt.Fprintf(s.out, "usher %s\nOPA %s\nKubernetes API %s\n%s %s/%s\n", version.String(),
				moduleVersion("github.com/open-policy-agent/opa"), moduleVersion("k8s.io/api"),
				runtime.Version(), runtime.GOOS, runtime.GOARCH)
			return err
		},
	}
}

// moduleVersion is the version of a module that the binary is built with.
func moduleVersion(module string) string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	for _, dep := range info.Deps {
		if dep.Path == module {
			return dep.Version
		}
	}
	return "unknown"
}
