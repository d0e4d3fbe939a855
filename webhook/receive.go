package webhook

import (
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"os"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/semaphore"
)

const (
	// maxBody bounds a review: the API server takes objects of 3 MiB, and a
	// review holds two.
	maxBody = 8 << 20
	// largeBody is where a review counts as large. Large ones wait for each
	// other and hold up no small ones.
	largeBody = 128 << 10
	// maxArriving bounds the large reviews that are being read or judged.
	maxArriving = 4

	// maxValues bounds the JSON values of one review. Decoded and given to
	// policies, a value takes up to a kilobyte.
	maxValues = 1 << 18
	// maxSmall and maxLarge bound what is judged at once, as weigh counts it.
	maxSmall = 1 << 17
	maxLarge = 1 << 18

	// readTimeout bounds how long a client may take to send its review, and
	// largeReadTimeout a large one, which keeps a place from others meanwhile.
	readTimeout      = 10 * time.Second
	largeReadTimeout = 5 * time.Second

	// firstRead is how much memory a review gets on its client's word; beyond
	// it no more than twice of what has arrived.
	firstRead = 16 << 10
)

// places are the room for reviews in flight, so that memory stays bounded
// whatever is sent.
type places struct {
	arriving     *semaphore.Weighted // large reviews
	small, large *semaphore.Weighted // what is judged, by weight
}

func newPlaces() *places {
	return &places{semaphore.NewWeighted(maxArriving), semaphore.NewWeighted(maxSmall), semaphore.NewWeighted(maxLarge)}
}

// read takes the body in, within the bounds, and a place among the reviews that
// are judged at once. release gives the place back, once, and is never nil. A small
// review takes its place when it is there, so that clients that send slowly hold
// up nobody; a large one before, since it must not fill memory while it waits.
func (h *Handler) read(ctx context.Context, w http.ResponseWriter, r *http.Request) (body []byte, release func(), status int, err error) {
	release = func() {}
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		return nil, release, http.StatusMethodNotAllowed, fmt.Errorf("method %s: send an AdmissionReview by POST", r.Method)
	}
	if media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || media != "application/json" {
		return nil, release, http.StatusUnsupportedMediaType, fmt.Errorf("content type %q: send application/json", r.Header.Get("Content-Type"))
	}
	if r.ContentLength > maxBody {
		return nil, release, http.StatusRequestEntityTooLarge, fmt.Errorf("the review has %d bytes; at most %d are read", r.ContentLength, maxBody)
	}
	large := r.ContentLength < 0 || r.ContentLength > largeBody
	judging, room, patience := h.places.small, int64(maxSmall), readTimeout
	if large {
		judging, room, patience = h.places.large, maxLarge, largeReadTimeout
		if release, err = take(ctx, h.places.arriving, 1); err != nil {
			return nil, release, http.StatusServiceUnavailable, err
		}
	}
	if body, err = receive(ctx, w, r, patience); err != nil {
		status, err = refusal(err)
		return nil, release, status, err
	}
	weight, values := weigh(body)
	if values > maxValues {
		return nil, release, http.StatusRequestEntityTooLarge, fmt.Errorf("the review has %d values; at most %d are judged", values, maxValues)
	}
	leave, err := take(ctx, judging, min(weight, room))
	if err != nil {
		return nil, release, http.StatusServiceUnavailable, err
	}
	arrived := release
	return body, func() { leave(); arrived() }, 0, nil
}

// refusal says why a body could not be read.
func refusal(err error) (status int, reason error) {
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return http.StatusRequestEntityTooLarge, fmt.Errorf("the review has more than %d bytes", maxBody)
	case errors.Is(err, os.ErrDeadlineExceeded):
		return http.StatusRequestTimeout, errors.New("the review did not arrive in time")
	default:
		return http.StatusBadRequest, fmt.Errorf("read the review: %w", err)
	}
}

func take(ctx context.Context, places *semaphore.Weighted, weight int64) (release func(), err error) {
	if err := places.Acquire(ctx, weight); err != nil {
		return func() {}, errors.New("too many reviews at once")
	}
	return sync.OnceFunc(func() { places.Release(weight) }), nil
}

// receive reads the body until the request's deadline, but not longer than
// patience.
func receive(ctx context.Context, w http.ResponseWriter, r *http.Request, patience time.Duration) ([]byte, error) {
	until := time.Now().Add(patience)
	if deadline, ok := ctx.Deadline(); ok && deadline.Before(until) {
		until = deadline
	}
	// Not every connection can have deadlines; the server's own bounds remain.
	control := http.NewResponseController(w)
	_ = control.SetReadDeadline(until)
	body, err := readAll(http.MaxBytesReader(w, r.Body, maxBody), r.ContentLength)
	if err == nil {
		// Else it stays: HTTP/1.1 reads on before it answers.
		_ = control.SetReadDeadline(time.Time{})
	}
	return body, err
}

func readAll(r io.Reader, size int64) ([]byte, error) {
	if size < 0 {
		return io.ReadAll(r)
	}
	var body []byte
	for room := min(size, firstRead); int64(len(body)) < size; room = min(size, 2*room) {
		body = slices.Grow(body, int(room)-len(body))
		n, err := io.ReadFull(r, body[len(body):room])
		body = body[:len(body)+n]
		if err != nil {
			return nil, err
		}
	}
	return body, nil
}
