package nvplugin

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	deviceplugin "k8s.io/kubelet/pkg/apis/deviceplugin/v1beta1"

	"usher.dev/usher/api/v1alpha1"
)

// The environment variables that a container with devices gets. NVIDIA's plugin
// sets the first only, to UUIDs; the others tell the tests which shares of which
// resource they are.
const (
	VisibleVariable  = "NVIDIA_VISIBLE_DEVICES"
	DevicesVariable  = "USHER_TEST_DEVICES"
	ResourceVariable = "USHER_TEST_RESOURCE"
)

// Server is a device plugin for one resource, by the kubelet's device plugin API
// (v1beta1): https://kubernetes.io/docs/concepts/extend-kubernetes/compute-storage-net/device-plugins.
type Server struct {
	deviceplugin.UnimplementedDevicePluginServer

	node     *v1alpha1.GPUNode
	resource v1alpha1.DeviceResource
	folder   string

	cancel context.CancelFunc
	ended  chan struct{}

	mutex     sync.Mutex
	unhealthy map[string]bool
	changed   chan struct{}
	answers   []Answer
	failure   error
}

// Answer is one GetPreferredAllocation, in device IDs.
type Answer struct {
	Available, Required []string
	Size                int
	Preferred           []string
}

// NewServer prepares the plugin of a resource of a node. Its socket and the
// kubelet's are in folder.
func NewServer(node *v1alpha1.GPUNode, resource v1alpha1.DeviceResource, folder string) *Server {
	return &Server{node: node, resource: resource, folder: folder, unhealthy: map[string]bool{}, changed: make(chan struct{})}
}

// Start serves until Stop. It registers with the kubelet as soon as there is
// one, and again with each that follows.
func (s *Server) Start() {
	ctx, cancel := context.WithCancel(context.Background())
	s.cancel, s.ended = cancel, make(chan struct{})
	go func() {
		defer close(s.ended)
		for ctx.Err() == nil {
			s.mutex.Lock()
			s.failure = nil
			s.mutex.Unlock()
			if err := s.serve(ctx); err != nil {
				s.mutex.Lock()
				s.failure = err
				s.mutex.Unlock()
				pause(ctx)
			}
		}
	}()
}

// Stop ends the plugin. It may be started again.
func (s *Server) Stop() {
	if s.cancel != nil {
		s.cancel()
		<-s.ended
	}
}

// serve serves one kubelet, until ctx ends or that kubelet is gone. A kubelet
// removes all plugins' sockets when it starts.
func (s *Server) serve(ctx context.Context) error {
	kubelet, err := os.Stat(s.path("kubelet.sock"))
	if err != nil {
		return err
	}
	socket := s.path(s.endpoint())
	if err := os.Remove(socket); err != nil && !os.IsNotExist(err) {
		return err
	}
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "unix", socket)
	if err != nil {
		return err
	}
	server := grpc.NewServer()
	deviceplugin.RegisterDevicePluginServer(server, s)
	go func() { _ = server.Serve(listener) }()
	defer server.Stop()
	if err := s.register(ctx); err != nil {
		return err
	}
	for ctx.Err() == nil {
		now, err := os.Stat(s.path("kubelet.sock"))
		if err != nil || !os.SameFile(kubelet, now) {
			return err
		}
		if _, err := os.Stat(socket); err != nil {
			return err
		}
		pause(ctx)
	}
	return nil
}

func (s *Server) register(ctx context.Context) error {
	const patience = 10 * time.Second
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	connection, err := grpc.NewClient("unix:"+s.path("kubelet.sock"), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return err
	}
	defer func() { _ = connection.Close() }()
	_, err = deviceplugin.NewRegistrationClient(connection).Register(ctx, &deviceplugin.RegisterRequest{
		Version:      deviceplugin.Version,
		Endpoint:     s.endpoint(),
		ResourceName: s.resource.Name,
		Options:      options(),
	})
	return err
}

func options() *deviceplugin.DevicePluginOptions {
	return &deviceplugin.DevicePluginOptions{GetPreferredAllocationAvailable: true}
}

// SetHealth tells the kubelet that a GPU, with all its shares, may or may not be
// handed out.
func (s *Server) SetHealth(uuid string, healthy bool) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.unhealthy[uuid] = !healthy
	close(s.changed)
	s.changed = make(chan struct{})
}

// Answers are all answers to GetPreferredAllocation so far.
func (s *Server) Answers() []Answer {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return append([]Answer(nil), s.answers...)
}

// Failure is why the plugin does not serve, nil when it does.
func (s *Server) Failure() error {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return s.failure
}

// GetDevicePluginOptions implements the device plugin API.
func (s *Server) GetDevicePluginOptions(context.Context, *deviceplugin.Empty) (*deviceplugin.DevicePluginOptions, error) {
	return options(), nil
}

// ListAndWatch implements the device plugin API.
func (s *Server) ListAndWatch(_ *deviceplugin.Empty, stream grpc.ServerStreamingServer[deviceplugin.ListAndWatchResponse]) error {
	for {
		devices, changed := s.list()
		if err := stream.Send(&deviceplugin.ListAndWatchResponse{Devices: devices}); err != nil {
			return err
		}
		select {
		case <-changed:
		case <-stream.Context().Done():
			return nil
		}
	}
}

// list returns the devices, and a channel that closes when they change.
func (s *Server) list() ([]*deviceplugin.Device, <-chan struct{}) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	var devices []*deviceplugin.Device
	for _, id := range s.ids() {
		d := &deviceplugin.Device{ID: id, Health: deviceplugin.Healthy}
		if s.unhealthy[device(id)] {
			d.Health = deviceplugin.Unhealthy
		}
		if i := position(s.node, device(id)); i >= 0 && s.node.Status.GPUs[i].NUMANode != nil {
			numa := int64(*s.node.Status.GPUs[i].NUMANode)
			d.Topology = &deviceplugin.TopologyInfo{Nodes: []*deviceplugin.NUMANode{{ID: numa}}}
		}
		devices = append(devices, d)
	}
	return devices, s.changed
}

// ids are the device IDs of the resource.
func (s *Server) ids() []string {
	if s.resource.Replicas <= 1 {
		return s.resource.Devices
	}
	var ids []string
	for _, uuid := range s.resource.Devices {
		for share := range s.resource.Replicas {
			ids = append(ids, uuid+"::"+strconv.Itoa(int(share)))
		}
	}
	return ids
}

// GetPreferredAllocation implements the device plugin API.
func (s *Server) GetPreferredAllocation(_ context.Context, r *deviceplugin.PreferredAllocationRequest) (*deviceplugin.PreferredAllocationResponse, error) {
	response := &deviceplugin.PreferredAllocationResponse{}
	for _, request := range r.GetContainerRequests() {
		a := Answer{Available: request.GetAvailableDeviceIDs(), Required: request.GetMustIncludeDeviceIDs(), Size: int(request.GetAllocationSize())}
		var err error
		if a.Preferred, err = Pick(s.node, a.Available, a.Required, a.Size); err != nil {
			return nil, err
		}
		s.mutex.Lock()
		s.answers = append(s.answers, a)
		s.mutex.Unlock()
		response.ContainerResponses = append(response.ContainerResponses,
			&deviceplugin.ContainerPreferredAllocationResponse{DeviceIDs: a.Preferred})
	}
	return response, nil
}

// Allocate implements the device plugin API.
func (s *Server) Allocate(_ context.Context, r *deviceplugin.AllocateRequest) (*deviceplugin.AllocateResponse, error) {
	response := &deviceplugin.AllocateResponse{}
	for _, request := range r.GetContainerRequests() {
		var uuids []string
		for _, id := range request.GetDevicesIds() {
			uuids = append(uuids, device(id))
		}
		response.ContainerResponses = append(response.ContainerResponses, &deviceplugin.ContainerAllocateResponse{Envs: map[string]string{
			VisibleVariable:  strings.Join(uuids, ","),
			DevicesVariable:  strings.Join(request.GetDevicesIds(), ","),
			ResourceVariable: s.resource.Name,
		}})
	}
	return response, nil
}

// endpoint is the name of the plugin's socket.
func (s *Server) endpoint() string {
	return fmt.Sprintf("nvidia-%s.sock", strings.TrimPrefix(s.resource.Name, "nvidia.com/"))
}

func (s *Server) path(name string) string { return filepath.Join(s.folder, name) }

// pause passes some time, or less if ctx ends.
func pause(ctx context.Context) {
	const time100 = 100 * time.Millisecond
	select {
	case <-ctx.Done():
	case <-time.After(time100):
	}
}
