package doctor

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"usher.dev/usher/internal/golden"
)

var catalogue = regexp.MustCompile(`(?s)<!-- catalogue -->\n.*<!-- /catalogue -->\n`)

func TestTheCatalogue(t *testing.T) {
	page, err := os.ReadFile("../../docs/doctor.md")
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	b.WriteString("<!-- catalogue -->\n| id | all is well when | why, and where it is looked at |\n| --- | --- | --- |\n")
	for _, c := range Checks() {
		where := "cluster and files"
		if c.Live {
			where = "cluster alone"
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s *(%s)* |\n", c.ID, c.Title, c.Why, where)
	}
	b.WriteString("<!-- /catalogue -->\n")
	if !catalogue.Match(page) {
		t.Fatal("docs/doctor.md has no place for the catalogue")
	}
	golden.Check(t, "../../../docs/doctor.md", catalogue.ReplaceAllLiteralString(string(page), b.String()))
}
