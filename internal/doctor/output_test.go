package doctor

import (
	"bytes"
	"testing"

	"usher.dev/usher/internal/golden"
)

// ill is a report on a cluster in which several things are wrong.
func ill(t *testing.T) *Report {
	s := healthy(t)
	another(s, rule("coordination.k8s.io", "leases", updated))
	certManagerWaits(t, s)
	s.Deployments[len(s.Deployments)-1].Name = "cert-manager-cainjector"
	s.deployment(webhookName).Spec.Replicas = new(int32(1))
	s.Leases = nil
	s.Tenants[0].Status.Conditions[1].Status, s.Tenants[0].Status.Conditions[1].Message = "False", "\x1b[31mred\nlines"
	s.unread[kindNodes] = "no right to list nodes"
	s.sort()
	return Examine(s)
}

func TestOutput(t *testing.T) {
	for name, r := range map[string]*Report{"ill": ill(t), "healthy": Examine(healthy(t))} {
		var text, colours, form bytes.Buffer
		for _, err := range []error{r.WriteText(&text, false), r.WriteText(&colours, true), r.WriteJSON(&form)} {
			if err != nil {
				t.Fatal(err)
			}
		}
		golden.Check(t, name+".txt", text.String())
		golden.Check(t, name+".ansi", colours.String())
		golden.Check(t, name+".json", form.String())
	}
}
