package report

import (
	"fmt"
	"io"
	"strings"

	"usher.dev/usher/api/v1alpha1"
)

// Workflow commands end at a line break, properties at commas and colons.
var (
	githubMessage  = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A")
	githubProperty = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C")
)

var githubCommands = map[v1alpha1.Mode]string{
	v1alpha1.ModeEnforce: "error",
	v1alpha1.ModeWarn:    "warning",
	v1alpha1.ModeAudit:   "notice",
}

// writeGitHub writes workflow commands, which GitHub shows at the lines of a
// pull request.
func writeGitHub(w io.Writer, r *Report) error {
	var b strings.Builder
	for _, p := range r.Problems {
		b.WriteString(githubCommand("error", p.File, p.Line, p.Column, "could not review", p.Message))
	}
	for _, v := range r.Violations {
		b.WriteString(githubCommand(githubCommands[v.Mode], v.File, v.Line, v.Column, v.ID(), v.Message))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func githubCommand(command, file string, line, column int, title, message string) string {
	place := ""
	if file != "" {
		place = "file=" + githubProperty.Replace(file) + ","
	}
	if line > 0 {
		place += fmt.Sprintf("line=%d,col=%d,", line, column)
	}
	return fmt.Sprintf("::%s %stitle=%s::%s\n", command, place, githubProperty.Replace(title), githubMessage.Replace(message))
}
