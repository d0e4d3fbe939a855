package controlplane

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"
)

var errExited = errors.New("exited")

// WaitReady asks url until it answers 200, the process ends or ctx does.
func (p *Process) WaitReady(ctx context.Context, client *http.Client, url string) error {
	const pause = 50 * time.Millisecond
	for {
		err := ask(ctx, client, url)
		if err == nil {
			return nil
		}
		select {
		case <-p.ended:
			return p.Failure(errExited)
		case <-ctx.Done():
			return p.Failure(fmt.Errorf("not ready: %w", err))
		case <-time.After(pause):
		}
	}
}

func ask(ctx context.Context, client *http.Client, url string) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return err
	}
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return err
	}
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("GET %s: %s: %s", url, response.Status, body)
	}
	return nil
}
