package cluster_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
)

// object is an object of an API.
type object = map[string]any

// fakeAPIServer serves Namespaces and Tenants: discovery, get, list and watch, as
// far as an informer asks.
type fakeAPIServer struct {
	*httptest.Server

	mu sync.Mutex
	// stored are objects by collection, "namespaces" or "tenants", and name.
	stored map[string]map[string]object
	// unseen are objects that only a get finds: the watch is behind.
	unseen map[string]bool
	// tenants says that the Tenant kind is installed.
	tenants bool
	// down answers every request with an error.
	down    bool
	gets    int
	version int
	changed *sync.Cond
}

func newFakeAPIServer(t *testing.T) *fakeAPIServer {
	t.Helper()
	s := &fakeAPIServer{stored: map[string]map[string]object{"namespaces": {}, "tenants": {}}, unseen: map[string]bool{}, tenants: true}
	s.changed = sync.NewCond(&s.mu)
	s.Server = httptest.NewServer(http.HandlerFunc(s.serve))
	t.Cleanup(func() {
		s.CloseClientConnections()
		s.changed.Broadcast()
		s.Close()
	})
	return s
}

// put stores an object and tells those who watch.
func (s *fakeAPIServer) put(collection, name string, o object) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.version++
	o = maps.Clone(o)
	o["apiVersion"], o["kind"] = "v1", "Namespace"
	if collection == "tenants" {
		o["apiVersion"], o["kind"] = "usher.dev/v1alpha1", "Tenant"
	}
	metadata, _ := o["metadata"].(object)
	metadata = maps.Clone(metadata)
	if metadata == nil {
		metadata = object{}
	}
	metadata["name"], metadata["resourceVersion"] = name, fmt.Sprint(s.version)
	o["metadata"] = metadata
	s.stored[collection][name] = o
	s.changed.Broadcast()
}

func (s *fakeAPIServer) set(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f()
}

func (s *fakeAPIServer) serve(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	w.Header().Set("Content-Type", "application/json")
	if s.down {
		status(w, http.StatusInternalServerError, "InternalError", "the API server is down")
		return
	}
	path := strings.Trim(r.URL.Path, "/")
	_, after, isNamespace := strings.Cut(path, "api/v1/namespaces")
	_, afterTenants, isTenant := strings.Cut(path, "apis/usher.dev/v1alpha1/tenants")
	switch {
	case isNamespace:
		s.collection(w, r, "namespaces", strings.Trim(after, "/"))
	case isTenant && s.tenants:
		s.collection(w, r, "tenants", strings.Trim(afterTenants, "/"))
	case path == "api":
		write(w, object{"kind": "APIVersions", "versions": []string{"v1"}})
	case path == "apis":
		groups := []object{}
		if s.tenants {
			version := object{"groupVersion": "usher.dev/v1alpha1", "version": "v1alpha1"}
			groups = append(groups, object{"name": "usher.dev", "versions": []object{version}, "preferredVersion": version})
		}
		write(w, object{"kind": "APIGroupList", "apiVersion": "v1", "groups": groups})
	case path == "api/v1":
		write(w, resources("v1", "namespaces", "Namespace"))
	case path == "apis/usher.dev/v1alpha1" && s.tenants:
		write(w, resources("usher.dev/v1alpha1", "tenants", "Tenant"))
	default:
		status(w, http.StatusNotFound, "NotFound", "there is no "+path)
	}
}

func resources(groupVersion, name, kind string) object {
	return object{"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": groupVersion, "resources": []object{
		{"name": name, "singularName": strings.ToLower(kind), "namespaced": false, "kind": kind, "verbs": []string{"get", "list", "watch"}},
	}}
}

func (s *fakeAPIServer) collection(w http.ResponseWriter, r *http.Request, collection, name string) {
	switch {
	case name != "":
		s.gets++
		if o, ok := s.stored[collection][name]; ok {
			write(w, o)
			return
		}
		status(w, http.StatusNotFound, "NotFound", name+" not found")
	case r.URL.Query().Get("watch") != "":
		s.watch(w, r, collection)
	default:
		kind, apiVersion := "NamespaceList", "v1"
		if collection == "tenants" {
			kind, apiVersion = "TenantList", "usher.dev/v1alpha1"
		}
		items := []object{}
		for name, o := range s.stored[collection] {
			if !s.unseen[name] {
				items = append(items, o)
			}
		}
		write(w, object{"kind": kind, "apiVersion": apiVersion, "metadata": object{"resourceVersion": fmt.Sprint(s.version)}, "items": items})
	}
}

// watch sends what is stored, where the client wants to begin with that, and
// then what changes, until the client goes.
func (s *fakeAPIServer) watch(w http.ResponseWriter, r *http.Request, collection string) {
	sent := map[string]any{}
	fresh := r.URL.Query().Get("sendInitialEvents") == "true"
	if !fresh {
		for name, o := range s.stored[collection] {
			sent[name] = o["metadata"].(object)["resourceVersion"]
		}
	}
	done := r.Context().Done()
	go func() { <-done; s.changed.Broadcast() }()
	for first := true; r.Context().Err() == nil; first = false {
		for name, o := range s.stored[collection] {
			version := o["metadata"].(object)["resourceVersion"]
			if s.unseen[name] || sent[name] == version {
				continue
			}
			event := "MODIFIED"
			if sent[name] == nil {
				event = "ADDED"
			}
			sent[name] = version
			write(w, object{"type": event, "object": o})
		}
		if first && fresh {
			kind, apiVersion := "Namespace", "v1"
			if collection == "tenants" {
				kind, apiVersion = "Tenant", "usher.dev/v1alpha1"
			}
			write(w, object{"type": "BOOKMARK", "object": object{"kind": kind, "apiVersion": apiVersion, "metadata": object{
				"resourceVersion": fmt.Sprint(s.version), "annotations": object{"k8s.io/initial-events-end": "true"},
			}}})
		}
		w.(http.Flusher).Flush()
		s.changed.Wait()
	}
}

func status(w http.ResponseWriter, code int, reason, message string) {
	w.WriteHeader(code)
	write(w, object{"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": code, "reason": reason, "message": message})
}

func write(w http.ResponseWriter, v any) { _ = json.NewEncoder(w).Encode(v) }
