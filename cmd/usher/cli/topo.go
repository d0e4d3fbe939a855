package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"usher.dev/usher/api/v1alpha1"
	"usher.dev/usher/internal/gpunode"
)

// topoOptions say which GPUNodes are shown.
type topoOptions struct {
	source
	format string
}

func newTopo(s streams) *cobra.Command {
	var o topoOptions
	c := &cobra.Command{
		Use:   "topo [-f FILE|DIR|- | NODE...] [flags]",
		Short: "Show how the GPUs of nodes are linked and who holds them",
		Long: `Show GPUNodes, the reports of usher-agent: the matrix that nvidia-smi topo -m
prints, the health and the holders of every GPU and MIG device, and which free
GPUs are the best for pods of 1, 2, 4 and 8, beside those that NVIDIA's device
plugin will pick.

GPUNodes come from files, or from the cluster of the kubeconfig: those named, or
all. Exit code 0: all is well; 1: a node is not ready or a GPU is unhealthy; 2:
something could not be read.`,
		Example: `  # What an agent reported, from a file.
  usher topo -f testdata/gpunodes/dgx-h100.yaml
  usher-agent --once -o yaml | usher topo -f -

  # A node of the cluster, or all of them.
  usher topo gpu-node-3
  usher topo --context prod -o json`,
		RunE: func(c *cobra.Command, args []string) error {
			nodes, err := o.nodes(c.Context(), s, args)
			if err != nil {
				return err
			}
			return writeTopo(s.out, nodes, o.format)
		},
	}
	f := c.Flags()
	f.SortFlags = false
	o.addFlags(f, "GPUNodes")
	f.StringVarP(&o.format, "output", "o", "text", "`FORMAT`: text, json")
	return c
}

// nodes reads the GPUNodes that are asked for.
func (o *topoOptions) nodes(ctx context.Context, s streams, names []string) ([]v1alpha1.GPUNode, error) {
	switch {
	case o.format != "text" && o.format != "json":
		return nil, usagef("unknown format %q; -o takes one of text, json", o.format)
	case len(o.files) > 0 && len(names) > 0:
		return nil, usagef("unexpected %q; name files by -f or nodes of the cluster, not both", names[0])
	}
	if err := o.validate("GPUNodes"); err != nil {
		return nil, err
	}
	if len(o.files) > 0 {
		return gpunode.Read(o.files, s.in)
	}
	ctx, cancel := context.WithTimeout(ctx, askCluster)
	defer cancel()
	reader, err := o.connect()
	if err != nil {
		return nil, err
	}
	return fromCluster(ctx, reader, names)
}

// fromCluster gets the GPUNodes with these names, or all.
func fromCluster(ctx context.Context, reader client.Reader, names []string) ([]v1alpha1.GPUNode, error) {
	if len(names) == 0 {
		var list v1alpha1.GPUNodeList
		if err := reader.List(ctx, &list); err != nil {
			return nil, fmt.Errorf("list GPUNodes: %w", explainMissing("GPUNodes", err))
		}
		if len(list.Items) == 0 {
			return nil, errors.New("the cluster has no GPUNode; usher-agent makes one for its node")
		}
		return list.Items, nil
	}
	nodes := make([]v1alpha1.GPUNode, len(names))
	var wrong []error
	for i, name := range names {
		err := reader.Get(ctx, client.ObjectKey{Name: name}, &nodes[i])
		switch {
		case apierrors.IsNotFound(err):
			wrong = append(wrong, fmt.Errorf("there is no GPUNode %s; does usher-agent run on that node?", name))
		case err != nil:
			return nil, fmt.Errorf("get GPUNode %s: %w", name, explainMissing("GPUNodes", err))
		}
	}
	return nodes, errors.Join(wrong...)
}

func writeTopo(w io.Writer, nodes []v1alpha1.GPUNode, format string) error {
	described := make([]*gpunode.Description, len(nodes))
	well := true
	for i := range nodes {
		d, err := gpunode.Describe(&nodes[i])
		if err != nil {
			return err
		}
		described[i], well = d, well && d.Well()
	}
	if err := printTopo(w, described, format); err != nil {
		return fmt.Errorf("write the topology: %w", err)
	}
	if !well {
		return errFound
	}
	return nil
}

func printTopo(w io.Writer, described []*gpunode.Description, format string) error {
	if format == "json" {
		encoder := json.NewEncoder(w)
		encoder.SetIndent("", "  ")
		encoder.SetEscapeHTML(false)
		return encoder.Encode(described)
	}
	for i, d := range described {
		if i > 0 {
			fmt.Fprintln(w)
		}
		if err := d.WriteText(w, colored(w)); err != nil {
			return err
		}
	}
	return nil
}
