package version

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

func TestAStampedVersionWins(t *testing.T) {
	defer func(before string) { stamped = before }(stamped)
	stamped = "v1.2.3"
	if got := String(); got != "v1.2.3" {
		t.Errorf("String() = %q, want what was stamped, v1.2.3", got)
	}
}

func TestAnUnstampedBinaryHasAVersion(t *testing.T) {
	if got := String(); got == "" || got == "(devel)" {
		t.Errorf("String() = %q, want a version or devel", got)
	}
}

// The Makefile names the variable in a string that no compiler checks.
func TestTheMakefileStampsThisVariable(t *testing.T) {
	const flag = "-X usher.dev/usher/internal/version.stamped="
	makefile, err := os.ReadFile(filepath.Join("..", "..", "Makefile"))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(makefile, []byte(flag)) {
		t.Errorf("the Makefile does not pass %q to the linker", flag)
	}
}
