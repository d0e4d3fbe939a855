package fakeapi

import (
	"encoding/json"
	"net/http"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// served is one kind of a server.
type served struct {
	schema.GroupVersionKind
	plural     string
	namespaced bool
}

// discover answers clients that ask which kinds there are, in the form that is
// older than aggregated discovery and that all of them still take.
func (s *Server) discover() {
	s.mux.HandleFunc("GET /api", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, metav1.APIVersions{TypeMeta: metav1.TypeMeta{Kind: "APIVersions"}, Versions: []string{"v1"}})
	})
	s.mux.HandleFunc("GET /apis", func(w http.ResponseWriter, _ *http.Request) {
		list := metav1.APIGroupList{TypeMeta: metav1.TypeMeta{Kind: "APIGroupList", APIVersion: "v1"}}
		for _, version := range s.versions() {
			if version.Group != "" {
				list.Groups = append(list.Groups, groupOf(version))
			}
		}
		answer(w, list)
	})
	s.mux.HandleFunc("GET /apis/{group}", func(w http.ResponseWriter, r *http.Request) {
		for _, version := range s.versions() {
			if version.Group == r.PathValue("group") {
				answer(w, groupOf(version))
				return
			}
		}
		http.NotFound(w, r)
	})
	resources := func(w http.ResponseWriter, r *http.Request) {
		of := schema.GroupVersion{Group: r.PathValue("group"), Version: r.PathValue("version")}
		if of.Version == "" {
			of.Version = "v1"
		}
		answer(w, s.resources(of))
	}
	s.mux.HandleFunc("GET /api/v1", resources)
	s.mux.HandleFunc("GET /apis/{group}/{version}", resources)
}

// versions are those of the groups, each once: a group has one here.
func (s *Server) versions() []schema.GroupVersion {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	var out []schema.GroupVersion
	for _, kind := range s.kinds {
		if version := kind.GroupVersion(); !slices.Contains(out, version) {
			out = append(out, version)
		}
	}
	return out
}

func (s *Server) resources(of schema.GroupVersion) metav1.APIResourceList {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	list := metav1.APIResourceList{TypeMeta: metav1.TypeMeta{Kind: "APIResourceList", APIVersion: "v1"}, GroupVersion: of.String()}
	for _, kind := range s.kinds {
		if kind.GroupVersion() == of {
			list.APIResources = append(list.APIResources, metav1.APIResource{
				Name: kind.plural, Kind: kind.Kind, Namespaced: kind.namespaced, Verbs: metav1.Verbs{"get", "list", "watch"},
			})
		}
	}
	return list
}

func groupOf(version schema.GroupVersion) metav1.APIGroup {
	only := metav1.GroupVersionForDiscovery{GroupVersion: version.String(), Version: version.Version}
	return metav1.APIGroup{
		TypeMeta: metav1.TypeMeta{Kind: "APIGroup", APIVersion: "v1"},
		Name:     version.Group, Versions: []metav1.GroupVersionForDiscovery{only}, PreferredVersion: only,
	}
}

func answer(w http.ResponseWriter, with any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(with)
}
