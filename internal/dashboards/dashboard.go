// Package dashboards makes usher's Grafana dashboards, one for each audience, and the
// ConfigMaps in which Grafana's sidecar finds them: manifests/monitoring/dashboards.yaml.
package dashboards

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
)

// width is that of a Grafana dashboard, in columns; height that of a panel, in rows.
const (
	width  = 24
	height = 8
)

// Dashboard is what one audience looks at.
type Dashboard struct {
	// Name is a DNS label, and the dashboard's UID.
	Name, Title, About string
	// Variables narrow down what is shown.
	Variables []Variable
	Rows      []Row
}

// Variable is a choice among the values of a label.
type Variable struct {
	Name, Metric, Label string
	// Multi: several at once, all at first.
	Multi bool
}

// Row is panels side by side.
type Row []Panel

// Panel is one graph, number or table.
type Panel struct {
	Title, About string
	Kind         Kind
	Unit         Unit
	Queries      []Query
	// Thresholds colour a Stat: green below the first, red from the second on.
	Thresholds [2]float64
}

// Query is one PromQL expression and how each of its series is named.
type Query struct{ Expr, Legend string }

// Kind is one of Grafana's panels.
type Kind string

// Kinds of panels.
const (
	Graph Kind = "timeseries"
	Stat  Kind = "stat"
	Bars  Kind = "bargauge"
	Table Kind = "table"
	Heat  Kind = "heatmap"
)

// Unit is one of Grafana's units.
type Unit string

// Units of values.
const (
	Short     Unit = "short"
	Seconds   Unit = "s"
	Share     Unit = "percentunit"
	PerSecond Unit = "reqps"
	Bytes     Unit = "bytes"
)

// datasource is chosen at the top of each dashboard.
var datasource = map[string]string{"type": "prometheus", "uid": "${datasource}"}

// JSON is the dashboard as Grafana imports it. The same dashboard is the same text.
func (d *Dashboard) JSON() (string, error) {
	panels, y, id := []any{}, 0, 0
	for _, row := range d.Rows {
		for i := range row {
			id++
			panels = append(panels, row[i].json(id, i*width/len(row), y, width/len(row)))
		}
		y += height
	}
	variables := []any{map[string]any{"name": "datasource", "label": "Prometheus", "type": "datasource", "query": "prometheus"}}
	for _, v := range d.Variables {
		variables = append(variables, v.json())
	}
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	err := encoder.Encode(map[string]any{
		"uid": d.Name, "title": d.Title, "description": d.About, "tags": []string{"usher"},
		"schemaVersion": 39, "editable": false, "refresh": "1m",
		"time":       map[string]string{"from": "now-6h", "to": "now"},
		"templating": map[string]any{"list": variables},
		"panels":     panels,
	})
	return out.String(), err
}

func (v *Variable) json() any {
	query := fmt.Sprintf("label_values(%s, %s)", v.Metric, v.Label)
	out := map[string]any{
		"name": v.Name, "type": "query", "datasource": datasource, "query": query, "definition": query,
		"refresh": 2, "sort": 1, "multi": v.Multi, "includeAll": v.Multi,
	}
	if v.Multi {
		out["current"] = map[string]any{"text": "All", "value": "$__all"}
		out["allValue"] = ".*"
	}
	return out
}

func (p *Panel) json(id, x, y, w int) any {
	targets := []any{}
	for i, q := range p.Queries {
		target := map[string]any{"refId": string(rune('A' + i)), "expr": q.Expr, "legendFormat": q.Legend, "datasource": datasource}
		switch p.Kind {
		case Table:
			target["instant"], target["format"] = true, "table"
		case Bars, Stat:
			target["instant"] = true
		case Heat:
			target["format"] = "heatmap"
		case Graph:
		}
		targets = append(targets, target)
	}
	defaults := map[string]any{"unit": p.Unit}
	if p.Thresholds != [2]float64{} {
		defaults["color"] = map[string]any{"mode": "thresholds"}
		defaults["thresholds"] = map[string]any{"mode": "absolute", "steps": []any{
			map[string]any{"color": "green", "value": nil},
			map[string]any{"color": "yellow", "value": p.Thresholds[0]},
			map[string]any{"color": "red", "value": p.Thresholds[1]},
		}}
	}
	return map[string]any{
		"id": id, "title": p.Title, "description": p.About, "type": p.Kind, "datasource": datasource,
		"gridPos":     map[string]int{"x": x, "y": y, "w": w, "h": height},
		"fieldConfig": map[string]any{"defaults": defaults, "overrides": []any{}},
		"targets":     targets,
	}
}

// ConfigMaps are the dashboards as Grafana's sidecar takes them.
func ConfigMaps() (string, error) {
	var b strings.Builder
	b.WriteString("# Grafana's dashboards, one for each audience: internal/dashboards, by make generate.\n")
	for i, d := range All() {
		text, err := d.JSON()
		if err != nil {
			return "", fmt.Errorf("encode dashboard %s: %w", d.Name, err)
		}
		if i > 0 {
			b.WriteString("---\n")
		}
		fmt.Fprintf(&b, "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: %s\n  labels:\n    app.kubernetes.io/name: usher\n    grafana_dashboard: \"1\"\ndata:\n  %s.json: |\n", d.Name, d.Name)
		for line := range strings.Lines(text) {
			b.WriteString("    " + line)
		}
	}
	return b.String(), nil
}

// All are the dashboards, in order of their names.
func All() []Dashboard {
	return []Dashboard{platform(), policies(), scheduling(), tenants()}
}
