package fakeapi

import (
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync"

	"k8s.io/apimachinery/pkg/runtime/schema"
)

// Server serves collections on the loopback address, over plain HTTP.
type Server struct {
	*httptest.Server
	mux *http.ServeMux

	mutex sync.Mutex
	kinds []served
}

// NewServer starts a server without any kinds.
func NewServer() *Server {
	mux := http.NewServeMux()
	s := &Server{Server: httptest.NewServer(mux), mux: mux}
	s.discover()
	return s
}

// Serve adds a kind whose objects are in no namespace.
func (s *Server) Serve(kind schema.GroupVersionKind, plural string) *Collection {
	return s.serve(served{kind, plural, false})
}

// ServeNamespaced adds a kind whose objects are in namespaces; they are listed and
// watched in all of them at once.
func (s *Server) ServeNamespaced(kind schema.GroupVersionKind, plural string) *Collection {
	return s.serve(served{kind, plural, true})
}

func (s *Server) serve(as served) *Collection {
	s.mutex.Lock()
	s.kinds = append(s.kinds, as)
	s.mutex.Unlock()
	kind := as.GroupVersionKind
	c := &Collection{kind: kind, objects: map[string]stored{}, watchers: map[*watcher]bool{}}
	root := "/apis/" + kind.GroupVersion().String()
	if kind.Group == "" {
		root = "/api/v1"
	}
	s.mux.HandleFunc("GET "+root+"/"+as.plural, c.serve)
	return c
}

func (c *Collection) serve(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	if query.Get("watch") == "" {
		list, err := c.list()
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(list)
		return
	}
	since, _ := strconv.ParseInt(query.Get("resourceVersion"), 10, 64)
	watching, first := c.watch(query.Get("sendInitialEvents") == "true", since)
	defer c.end(watching)
	w.Header().Set("Content-Type", "application/json")
	flush := http.NewResponseController(w)
	for _, line := range first {
		if _, err := w.Write(line); err != nil {
			return
		}
	}
	for {
		if err := flush.Flush(); err != nil {
			return
		}
		select {
		case <-r.Context().Done():
			return
		case line := <-watching.events:
			if _, err := w.Write(line); err != nil {
				return
			}
		}
	}
}
