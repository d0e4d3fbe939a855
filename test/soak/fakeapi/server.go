package fakeapi

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strconv"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// Server serves collections on the loopback address, over plain HTTP.
type Server struct {
	*httptest.Server
	mux    *http.ServeMux
	groups map[schema.GroupVersion][]metav1.APIResource
}

// NewServer starts a server without any kinds.
func NewServer() *Server {
	s := &Server{mux: http.NewServeMux(), groups: map[schema.GroupVersion][]metav1.APIResource{}}
	s.mux.HandleFunc("GET /api", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, metav1.APIVersions{TypeMeta: metav1.TypeMeta{Kind: "APIVersions"}, Versions: []string{"v1"}})
	})
	s.mux.HandleFunc("GET /apis", func(w http.ResponseWriter, _ *http.Request) { answer(w, s.groupList()) })
	s.Server = httptest.NewServer(s.mux)
	return s
}

// Serve adds a kind. All kinds are added before the first client comes.
func (s *Server) Serve(kind schema.GroupVersionKind, plural string, namespaced bool) *Collection {
	c := &Collection{
		kind: kind, objects: map[string]stored{}, watchers: map[*watcher]bool{},
		resource: metav1.APIResource{Name: plural, Kind: kind.Kind, Namespaced: namespaced, Verbs: []string{"get", "list", "watch"}},
	}
	root := "/apis/" + kind.GroupVersion().String()
	if kind.Group == "" {
		root = "/api/v1"
	}
	if _, known := s.groups[kind.GroupVersion()]; !known {
		s.mux.HandleFunc("GET "+root, func(w http.ResponseWriter, _ *http.Request) {
			answer(w, metav1.APIResourceList{
				TypeMeta:     metav1.TypeMeta{Kind: "APIResourceList", APIVersion: "v1"},
				GroupVersion: kind.GroupVersion().String(), APIResources: s.groups[kind.GroupVersion()],
			})
		})
		s.mux.HandleFunc("GET /apis/"+kind.Group, func(w http.ResponseWriter, _ *http.Request) { answer(w, groupOf(kind.GroupVersion())) })
	}
	s.groups[kind.GroupVersion()] = append(s.groups[kind.GroupVersion()], c.resource)
	s.mux.HandleFunc("GET "+root+"/"+plural, c.serve)
	return c
}

func (s *Server) groupList() metav1.APIGroupList {
	list := metav1.APIGroupList{TypeMeta: metav1.TypeMeta{Kind: "APIGroupList", APIVersion: "v1"}}
	for version := range s.groups {
		if version.Group != "" {
			list.Groups = append(list.Groups, groupOf(version))
		}
	}
	return list
}

func groupOf(version schema.GroupVersion) metav1.APIGroup {
	served := metav1.GroupVersionForDiscovery{GroupVersion: version.String(), Version: version.Version}
	return metav1.APIGroup{
		TypeMeta: metav1.TypeMeta{Kind: "APIGroup", APIVersion: "v1"},
		Name:     version.Group, Versions: []metav1.GroupVersionForDiscovery{served}, PreferredVersion: served,
	}
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

func answer(w http.ResponseWriter, object any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(object)
}
