package dashboards

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	"usher.dev/usher/internal/golden"
)

// TestTheManifest compares the dashboards with manifests/monitoring/dashboards.yaml.
func TestTheManifest(t *testing.T) {
	text, err := ConfigMaps()
	if err != nil {
		t.Fatal(err)
	}
	golden.Check(t, "../../../manifests/monitoring/dashboards.yaml", text)
}

func TestEveryDashboardIsTakenByGrafana(t *testing.T) {
	text, err := ConfigMaps()
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for document := range strings.SplitSeq(text, "\n---\n") {
		var configMap struct {
			Metadata struct {
				Name   string
				Labels map[string]string
			}
			Data map[string]string
		}
		if err := yaml.Unmarshal([]byte(document), &configMap); err != nil {
			t.Fatal(err)
		}
		name := configMap.Metadata.Name
		names = append(names, name)
		if configMap.Metadata.Labels["grafana_dashboard"] != "1" {
			t.Errorf("%s: labels %v", name, configMap.Metadata.Labels)
		}
		var dashboard struct {
			UID    string
			Panels []struct {
				ID      int
				GridPos struct{ X, Y, W, H int }
			}
		}
		if err := json.Unmarshal([]byte(configMap.Data[name+".json"]), &dashboard); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if dashboard.UID != name || len(name) > 40 { // Grafana's bound of a UID
			t.Errorf("%s: UID %q", name, dashboard.UID)
		}
		taken := map[[2]int]int{}
		for _, p := range dashboard.Panels {
			for x := p.GridPos.X; x < p.GridPos.X+p.GridPos.W; x++ {
				if other := taken[[2]int{x, p.GridPos.Y}]; other != 0 || x >= width {
					t.Errorf("%s: panel %d is over panel %d, or past the edge", name, p.ID, other)
				}
				taken[[2]int{x, p.GridPos.Y}] = p.ID
			}
		}
	}
	if want := []string{"usher-platform", "usher-policies", "usher-scheduling", "usher-tenants"}; !slices.Equal(names, want) {
		t.Errorf("dashboards %q, want %q", names, want)
	}
}

func TestEveryPanelSaysWhatItShows(t *testing.T) {
	for _, d := range All() {
		for _, row := range d.Rows {
			for _, p := range row {
				if p.Title == "" || p.Kind == "" || p.Unit == "" || len(p.Queries) == 0 {
					t.Errorf("%s: panel %+v", d.Name, p)
				}
				for _, q := range p.Queries {
					if (q.Legend == "") != (p.Kind == Table) {
						t.Errorf("%s, %s: legend %q of a %s", d.Name, p.Title, q.Legend, p.Kind)
					}
				}
			}
		}
	}
}
