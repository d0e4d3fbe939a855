package soak

import (
	"bytes"
	"fmt"
	"image/color"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"
)

// The size of the graph: a panel for each kind.
const (
	width  = 9 * vg.Inch
	height = 3 * vg.Inch
)

// colors tell the processes apart, by those who see no red or green too (Okabe and
// Ito).
var colors = []color.RGBA{
	{R: 0, G: 114, B: 178, A: 255},
	{R: 230, G: 159, B: 0, A: 255},
	{R: 0, G: 158, B: 115, A: 255},
	{R: 213, G: 94, B: 0, A: 255},
	{R: 204, G: 121, B: 167, A: 255},
}

// graph draws all samples, as PNG.
func (s *sampler) graph() ([]byte, error) {
	panels := make([][]*plot.Plot, len(kinds))
	for k := range kinds {
		panel, err := s.panel(k)
		if err != nil {
			return nil, fmt.Errorf("draw %s: %w", kinds[k].name, err)
		}
		panels[k] = []*plot.Plot{panel}
	}
	canvas := vgimg.New(width, height*vg.Length(len(kinds)))
	tiles := draw.Tiles{Rows: len(kinds), Cols: 1, PadX: vg.Millimeter, PadY: 4 * vg.Millimeter, PadTop: 2 * vg.Millimeter, PadRight: 4 * vg.Millimeter}
	canvases := plot.Align(panels, tiles, draw.New(canvas))
	for k := range panels {
		panels[k][0].Draw(canvases[k][0])
	}
	var image bytes.Buffer
	if _, err := (vgimg.PngCanvas{Canvas: canvas}).WriteTo(&image); err != nil {
		return nil, fmt.Errorf("encode the graph: %w", err)
	}
	return image.Bytes(), nil
}

func (s *sampler) panel(k int) (*plot.Plot, error) {
	kind := &kinds[k]
	panel := plot.New()
	panel.Title.Text = strings.TrimSpace(kind.name)
	if kind.unit != "" {
		panel.Title.Text += ", " + kind.unit
	}
	panel.X.Label.Text = "minutes"
	panel.Legend.Top, panel.Legend.Left = true, true
	panel.Legend.YOffs = -vg.Millimeter
	panel.Add(plotter.NewGrid())
	most := 0.0
	for n, p := range s.processes {
		at, samples := least(kind.per, s.at, p.samples[k])
		points := make(plotter.XYs, len(samples))
		for i := range samples {
			points[i] = plotter.XY{X: at[i].Minutes(), Y: samples[i]}
			most = max(most, samples[i])
		}
		line, err := plotter.NewLine(points)
		if err != nil {
			return nil, err
		}
		line.Color, line.Width = colors[n%len(colors)], vg.Points(1.5)
		panel.Add(line)
		panel.Legend.Add(p.name, line)
	}
	// Room for the legend above the lines.
	panel.X.Min, panel.Y.Min, panel.Y.Max = 0, 0, 1.7*most
	return panel, nil
}
