package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"usher.dev/usher/agent/nvml"
)

const usage = `usher-agent reports what a node's GPUs are, how they are linked, who holds them
and whether they are well, as the GPUNode that is named after the node.

In a cluster, one runs on every node with GPUs:
  usher-agent --node-name "$NODE_NAME"

To see what it would report, without a cluster:
  usher-agent --once
  usher-agent --once --source mock:dgxh100
  usher-agent --once -o json --source file:gpunode.yaml

Sources:
  nvml        the NVIDIA driver, through libnvidia-ml.so.1
  mock:BOARD  a machine that is not there: %s
  file:PATH   a GPUNode, as --once prints it; read again every interval

Flags:
`

// defaultSocket is where the kubelet serves its PodResources API.
const defaultSocket = "/var/lib/kubelet/pod-resources/kubelet.sock"

// options are the command's flags.
type options struct {
	nodeName      string
	pod           string
	source        string
	mockScript    string
	once          bool
	output        string
	kubeconfig    string
	kubeletSocket string
	sysfs         string
	interval      time.Duration
	heartbeat     time.Duration
	driverTimeout time.Duration
	probeListen   string
	verbose       bool
	help          bool
}

func parseOptions(args []string, out io.Writer) (*options, error) {
	o := &options{}
	f := pflag.NewFlagSet("usher-agent", pflag.ContinueOnError)
	f.SetOutput(out)
	f.SortFlags = false
	f.StringVar(&o.nodeName, "node-name", "", "name of the Node; default: $NODE_NAME, else the host's name")
	f.StringVar(&o.pod, "pod", "", "namespace/name of the pod that the agent runs in, by which it tells a kubelet that knows its pods from one that was just started; default: $POD_NAMESPACE/$POD_NAME, if set")
	f.StringVar(&o.source, "source", "nvml", "where facts come from, see above")
	f.StringVar(&o.mockScript, "mock-script", "", "with a mock: file that says what goes wrong and when, played anew when it changes")
	f.BoolVar(&o.once, "once", false, "print one report and end; needs no cluster")
	f.StringVarP(&o.output, "output", "o", "yaml", "with --once: yaml or json")
	f.StringVar(&o.kubeconfig, "kubeconfig", "", "kubeconfig file; default: $KUBECONFIG, else the pod's service account")
	f.StringVar(&o.kubeletSocket, "kubelet-socket", "", "socket of the kubelet's PodResources API; default: "+defaultSocket+" with the source nvml, else none")
	f.StringVar(&o.sysfs, "sysfs", "", "where sysfs is mounted; default: /sys with the source nvml, else the mock's own")
	f.DurationVar(&o.interval, "interval", 10*time.Second, "how often to look")
	f.DurationVar(&o.heartbeat, "heartbeat", time.Minute, "how often to report at least; otherwise only when something has changed")
	f.DurationVar(&o.driverTimeout, "driver-timeout", 10*time.Second, "how long the driver may take for one answer before it is said to hang; six times that to start")
	f.StringVar(&o.probeListen, "probe-listen", "127.0.0.1:8082", "address of /livez, /readyz and /metrics (plain HTTP); empty for none")
	f.BoolVarP(&o.verbose, "verbose", "v", false, "log every report and probe that failed")
	f.BoolVarP(&o.help, "help", "h", false, "show this")
	f.Usage = func() { fmt.Fprintf(out, usage+f.FlagUsages(), strings.Join(nvml.Boards(), ", ")) }
	if err := f.Parse(args); err != nil {
		return nil, err
	}
	if o.help {
		f.Usage()
		return o, nil
	}
	return o, o.complete(f)
}

// complete fills in defaults that depend on other flags, and says all that is
// wrong.
func (o *options) complete(f *pflag.FlagSet) error {
	var errs []error
	if f.NArg() > 0 {
		errs = append(errs, fmt.Errorf("unexpected arguments %q", f.Args()))
	}
	kind, value, _ := strings.Cut(o.source, ":")
	switch kind {
	case "nvml":
		if value != "" {
			errs = append(errs, fmt.Errorf("--source %q: nvml takes nothing after it", o.source))
		}
		if !f.Changed("kubelet-socket") {
			o.kubeletSocket = defaultSocket
		}
		o.sysfs = cmp.Or(o.sysfs, "/sys")
	case "mock":
		if !slices.Contains(nvml.Boards(), value) {
			errs = append(errs, fmt.Errorf("--source %q: there is no mock of %q; there is %s", o.source, value, strings.Join(nvml.Boards(), ", ")))
		}
	case "file":
		if value == "" {
			errs = append(errs, fmt.Errorf("--source %q: the path is missing", o.source))
		}
		if o.sysfs != "" {
			errs = append(errs, errors.New("--sysfs is not read with the source file: the file says where devices stand"))
		}
	default:
		errs = append(errs, fmt.Errorf("--source %q: want nvml, mock:BOARD or file:PATH", o.source))
	}
	if o.mockScript != "" && kind != "mock" {
		errs = append(errs, errors.New("--mock-script needs the source mock"))
	}
	if f.Changed("output") && !o.once {
		errs = append(errs, errors.New("--output needs --once"))
	}
	if o.output != "yaml" && o.output != "json" {
		errs = append(errs, fmt.Errorf("--output %q: want yaml or json", o.output))
	}
	if o.interval < time.Second || o.interval > o.heartbeat {
		errs = append(errs, errors.New("--interval must be at least a second, and no longer than --heartbeat"))
	}
	if o.heartbeat > time.Hour {
		errs = append(errs, errors.New("--heartbeat must be at most an hour"))
	}
	if o.driverTimeout <= 0 {
		errs = append(errs, errors.New("--driver-timeout must be more than nothing"))
	}
	if namespace, name := os.Getenv("POD_NAMESPACE"), os.Getenv("POD_NAME"); o.pod == "" && namespace != "" && name != "" {
		o.pod = namespace + "/" + name
	}
	if namespace, name, _ := strings.Cut(o.pod, "/"); o.pod != "" && (namespace == "" || name == "" || strings.Contains(name, "/")) {
		errs = append(errs, fmt.Errorf("--pod %q: want namespace/name", o.pod))
	}
	if o.nodeName = cmp.Or(o.nodeName, os.Getenv("NODE_NAME")); o.nodeName == "" {
		host, err := os.Hostname()
		if err != nil {
			errs = append(errs, fmt.Errorf("--node-name is missing, and the host has no name: %w", err))
		}
		// As the kubelet names the node.
		o.nodeName = strings.ToLower(host)
	}
	return errors.Join(errs...)
}
