package doctor

import (
	"context"
	"fmt"
	"strconv"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// pages answers lists of nodes, a page of two at a time.
type pages struct {
	client.Reader
	nodes int
	fails error
}

func (p pages) List(_ context.Context, list client.ObjectList, options ...client.ListOption) error {
	if p.fails != nil {
		return p.fails
	}
	o := (&client.ListOptions{}).ApplyOptions(options)
	if o.Limit != pageSize {
		return fmt.Errorf("limit %d", o.Limit)
	}
	from, _ := strconv.Atoi(o.Continue)
	nodes := list.(*corev1.NodeList)
	nodes.Items, nodes.Continue = nil, ""
	for n := from; n < min(from+2, p.nodes); n++ {
		nodes.Items = append(nodes.Items, corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: fmt.Sprint("n", n), ManagedFields: []metav1.ManagedFieldsEntry{{}}}})
	}
	if from+2 < p.nodes {
		nodes.Continue = strconv.Itoa(from + 2)
	}
	return nil
}

func TestEveryPageIsRead(t *testing.T) {
	s := &Snapshot{unread: map[Kind]string{}}
	keeps := func(o client.Object) bool { return o.GetName() != "n1" }
	(&Cluster{reader: pages{nodes: 5}}).read(t.Context(), s, listing{kindNodes, &corev1.NodeList{}, "", keeps})
	var names []string
	for _, n := range s.Nodes {
		names = append(names, n.Name)
		if n.ManagedFields != nil {
			t.Errorf("%s has managed fields", n.Name)
		}
	}
	if fmt.Sprint(names) != "[n0 n2 n3 n4]" || len(s.unread) > 0 {
		t.Errorf("read %v, not %v", names, s.unread)
	}
}

func TestAListThatNeverEndsIsGivenUp(t *testing.T) {
	s := &Snapshot{unread: map[Kind]string{}}
	(&Cluster{reader: pages{nodes: 1 << 30}}).read(t.Context(), s, listing{kindNodes, &corev1.NodeList{}, "", func(client.Object) bool { return false }})
	if s.unread[kindNodes] != "there are more than 250000 nodes" {
		t.Errorf("%v", s.unread)
	}
}

func TestWhyAKindCannotBeRead(t *testing.T) {
	for _, tt := range []struct {
		err  error
		want string
	}{
		{apierrors.NewForbidden(schema.GroupResource{Resource: "nodes"}, "", nil), "no right to list nodes in namespace a"},
		{&meta.NoKindMatchError{}, "the cluster does not know nodes"},
		{apierrors.NewNotFound(schema.GroupResource{Resource: "nodes"}, ""), "the cluster does not know nodes"},
		{fmt.Errorf("ask: %w", context.DeadlineExceeded), "list nodes in namespace a: not answered in time"},
		{fmt.Errorf("no route"), "list nodes in namespace a: no route"},
	} {
		s := &Snapshot{unread: map[Kind]string{}}
		(&Cluster{reader: pages{fails: tt.err}}).read(t.Context(), s, listing{kindNodes, &corev1.NodeList{}, "a", nil})
		if s.unread[kindNodes] != tt.want {
			t.Errorf("%v: %s", tt.err, s.unread[kindNodes])
		}
	}
}

func TestKeysOfSecretsAreNotKept(t *testing.T) {
	s := &Snapshot{}
	s.add(&corev1.Secret{Data: map[string][]byte{"tls.crt": []byte("public"), "tls.key": []byte("secret"), "other": []byte("secret")}, StringData: map[string]string{"tls.key": "secret"}})
	if got := fmt.Sprintf("%s %v", s.Secrets[0].Data, s.Secrets[0].StringData); got != "map[other: tls.crt:public tls.key:] map[]" {
		t.Errorf("kept %s", got)
	}
}
