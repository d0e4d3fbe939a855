// Package version tells which usher a binary is.
package version

import (
	"cmp"
	"runtime/debug"
)

// stamped is set by the linker (`make build`); a checkout that go build compiles
// by itself, and an image that is built without .git, know no version.
var stamped string

// String returns the version that the binary was built as: what make stamped,
// else the module version that `go install` recorded, else "devel".
func String() string {
	var recorded string
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "(devel)" {
		recorded = info.Main.Version
	}
	return cmp.Or(stamped, recorded, "devel")
}
