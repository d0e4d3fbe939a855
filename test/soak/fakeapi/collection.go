package fakeapi

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"sync"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// Collection is the objects of one kind.
type Collection struct {
	kind schema.GroupVersionKind

	mutex    sync.Mutex
	version  int64
	objects  map[string]stored
	watchers map[*watcher]bool
}

type stored struct {
	version int64
	encoded json.RawMessage
}

// backlog is how many events may wait for one watcher. Who changes objects
// faster than that waits, so that no event is dropped.
const backlog = 4096

type watcher struct {
	events chan []byte
	ended  chan struct{}
}

// Put stores an object, whose resourceVersion it sets, and tells the watchers.
func (c *Collection) Put(object metav1.Object) error {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	c.version++
	object.SetResourceVersion(strconv.FormatInt(c.version, 10))
	encoded, err := json.Marshal(object)
	if err != nil {
		return fmt.Errorf("store %s %s: %w", c.kind.Kind, object.GetName(), err)
	}
	key := object.GetNamespace() + "/" + object.GetName()
	event := "ADDED"
	if _, known := c.objects[key]; known {
		event = "MODIFIED"
	}
	c.objects[key] = stored{version: c.version, encoded: encoded}
	line := eventLine(event, encoded)
	for w := range c.watchers {
		select {
		case w.events <- line:
		case <-w.ended:
		}
	}
	return nil
}

// Watchers says how many watches are open.
func (c *Collection) Watchers() int {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	return len(c.watchers)
}

// list returns all objects as a list of their kind.
func (c *Collection) list() ([]byte, error) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	items := make([]json.RawMessage, 0, len(c.objects))
	for _, key := range slices.Sorted(maps.Keys(c.objects)) {
		items = append(items, c.objects[key].encoded)
	}
	return json.Marshal(map[string]any{
		"apiVersion": c.kind.GroupVersion().String(),
		"kind":       c.kind.Kind + "List",
		"metadata":   map[string]any{"resourceVersion": strconv.FormatInt(c.version, 10)},
		"items":      items,
	})
}

// watch opens a watch: of everything, with a bookmark when all that there is was
// sent, or of what has changed since a version.
func (c *Collection) watch(initial bool, since int64) (*watcher, [][]byte) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	var first [][]byte
	for _, key := range slices.Sorted(maps.Keys(c.objects)) {
		if object := c.objects[key]; initial || object.version > since {
			first = append(first, eventLine("ADDED", object.encoded))
		}
	}
	if initial {
		first = append(first, fmt.Appendf(nil,
			`{"type":"BOOKMARK","object":{"apiVersion":%q,"kind":%q,"metadata":{"resourceVersion":"%d","annotations":{%q:"true"}}}}`+"\n",
			c.kind.GroupVersion(), c.kind.Kind, c.version, metav1.InitialEventsAnnotationKey))
	}
	w := &watcher{events: make(chan []byte, backlog), ended: make(chan struct{})}
	c.watchers[w] = true
	return w, first
}

func (c *Collection) end(w *watcher) {
	close(w.ended)
	c.mutex.Lock()
	defer c.mutex.Unlock()
	delete(c.watchers, w)
}

func eventLine(kind string, object []byte) []byte {
	return fmt.Appendf(nil, `{"type":%q,"object":%s}`+"\n", kind, object)
}
