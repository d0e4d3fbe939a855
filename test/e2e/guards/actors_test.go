package guards

import (
	"testing"

	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"
)

// actor is somebody of a tenant, or nobody of it.
type actor struct {
	name string
	// mayAll is set where RBAC refuses nothing in the namespace, so that all
	// that is refused is refused by usher.
	mayAll bool
	dynamic.Interface
}

// actors are everybody who may be in a tenant's namespace, those with more rights
// than usher gives anybody among them.
func (c *cluster) actors(t *testing.T, namespace string) []actor {
	t.Helper()
	user := func(name string) *rest.Config {
		config, err := c.As(name)
		if err != nil {
			t.Fatal(err)
		}
		return config
	}
	account, err := c.AsServiceAccount(t.Context(), namespace, "operator", nil)
	if err != nil {
		t.Fatal(err)
	}
	var all []actor
	for _, a := range []struct {
		name   string
		mayAll bool
		config *rest.Config
	}{
		{"an admin of the tenant", false, user("alice@example.com")},
		{"a developer of the tenant", false, user("bob@example.com")},
		{"a user with the role admin in the namespace", false, user("carol@example.com")},
		{"a user with the role cluster-admin in the namespace", true, user("dave@example.com")},
		{"a service account with the role cluster-admin in the namespace", true, account},
		{"somebody else", false, user("mallory@example.com")},
	} {
		client, err := dynamic.NewForConfig(a.config)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, actor{a.name, a.mayAll, client})
	}
	return all
}

// boss is the user whom RBAC refuses nothing in the namespace.
func (c *cluster) boss(t *testing.T) dynamic.Interface {
	t.Helper()
	config, err := c.As("dave@example.com")
	if err != nil {
		t.Fatal(err)
	}
	client, err := dynamic.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	return client
}
