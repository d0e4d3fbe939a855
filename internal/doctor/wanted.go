package doctor

import (
	"fmt"
	"io/fs"
	"strings"
	"sync"

	rbacv1 "k8s.io/api/rbac/v1"

	"usher.dev/usher/internal/manifest"
	"usher.dev/usher/manifests"
)

// wanted is what usher's own manifests of this release say, for an installation in
// a namespace.
func wanted(namespace string) (*Snapshot, error) {
	s := &Snapshot{Namespace: namespace}
	scheme := Scheme()
	err := fs.WalkDir(manifests.FS, ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		raw, err := fs.ReadFile(manifests.FS, path)
		if err != nil {
			return err
		}
		// Selectors and conditions name usher's namespace; kustomize sets the rest.
		file, err := manifest.NewFile(path, []byte(strings.ReplaceAll(string(raw), defaultNamespace, namespace)))
		if err != nil {
			return err
		}
		objects, problems := manifest.Read(file)
		for _, object := range objects {
			typed, invalid := typedOf(scheme, object)
			problems = append(problems, invalid...)
			if typed != nil {
				s.add(typed)
			}
		}
		if len(problems) > 0 {
			return fmt.Errorf("%w", problems[0])
		}
		return nil
	})
	s.sort()
	return s, err
}

// wantedIn is what wanted returns. The manifests are part of the program: that they
// can be read is a matter of its tests.
func wantedIn(namespace string) *Snapshot {
	s, err := wanted(namespace)
	if err != nil {
		panic("read the embedded manifests: " + err.Error())
	}
	return s
}

// wanted is what usher's manifests say of where it is. Nobody changes it.
func (s *Snapshot) wanted() *Snapshot {
	if s.want == nil {
		s.want = wantedIn(s.Namespace)
	}
	return s.want
}

// wantedRole is a ClusterRole of usher's.
type wantedRole struct {
	name  string
	rules []rbacv1.PolicyRule
}

// ushersRoles are the ClusterRoles of usher's, by name. They name no namespace.
var ushersRoles = sync.OnceValue(func() (roles []wantedRole) {
	for _, r := range wantedIn(defaultNamespace).ClusterRoles {
		roles = append(roles, wantedRole{r.Name, r.Rules})
	}
	return roles
})
