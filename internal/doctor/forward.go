package doctor

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/client-go/tools/portforward"
)

// metrics are what a pod measures. The API server's proxy hands no credentials on,
// and usher tells its metrics to its own machine and to authorized tokens alone:
// where it refuses the proxy, it is asked from inside its pod, as kubectl
// port-forward does.
func (c *Cluster) metrics(ctx context.Context, namespace, pod string, port int32) ([]byte, error) {
	body, err := c.get(ctx, namespace, pod, port, metricsPath)
	if !apierrors.IsUnauthorized(err) && !apierrors.IsForbidden(err) {
		return body, err
	}
	body, err = c.getForwarded(ctx, namespace, pod, port, metricsPath)
	if err != nil {
		return nil, fmt.Errorf("%s is for whom it knows, and the way into the pod is closed: %w", metricsPath, err)
	}
	return body, nil
}

// getForwarded asks a pod over its own loopback interface.
func (c *Cluster) getForwarded(ctx context.Context, namespace, pod string, port int32, path string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, askPod)
	defer cancel()
	url := c.kube.CoreV1().RESTClient().Post().Resource("pods").Namespace(namespace).Name(pod).SubResource("portforward").URL()
	dialer, err := portforward.NewSPDYOverWebsocketDialer(url, c.config)
	if err != nil {
		return nil, err
	}
	ready := make(chan struct{})
	forwarder, err := portforward.NewOnAddresses(dialer, []string{"127.0.0.1"}, []string{fmt.Sprint("0:", port)}, ctx.Done(), ready, io.Discard, io.Discard)
	if err != nil {
		return nil, err
	}
	ended := make(chan error, 1)
	go func() { ended <- forwarder.ForwardPorts() }()
	select {
	case <-ready:
	case err := <-ended:
		return nil, errors.Join(err, ctx.Err())
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	ports, err := forwarder.GetPorts()
	if err != nil {
		return nil, err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, fmt.Sprintf("http://127.0.0.1:%d%s", ports[0].Local, path), http.NoBody)
	if err != nil {
		return nil, err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(response.Body, maxMetrics))
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("GET %s: %s", path, response.Status)
	}
	return body, err
}
