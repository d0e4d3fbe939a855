package v1alpha1

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// Keys of what stands in an entry's line beside kind, name and units. A resource
// has a slash in its name, and so is none of them.
const (
	keyReservation = "reservation"
	keyUID         = "uid"
	keyExpires     = "expires"
	keyFreeBy      = "freeBy"
)

// mustKnow begins a key that no version may pass over: one that does not know it
// refuses the entry, and with it the ledger. All other unknown keys are kept.
const mustKnow = "!"

// furtherKey is what an unknown key may look like.
var furtherKey = regexp.MustCompile(`^[a-z][A-Za-z0-9-]{0,62}$`)

// String is the entry as one line, in the order in which people look for things:
//
//	Pod team-a/train-0 1000000 nvidia.com/gpu=1 reservation=x7k uid=0b5c…
func (e LedgerEntry) String() string {
	line := make([]byte, 0, 192)
	line = fmt.Appendf(line, "%s %s/%s %d", e.Kind, e.Namespace, e.Name, e.MicroUnits)
	for _, name := range slices.Sorted(maps.Keys(e.Resources)) {
		line = fmt.Appendf(line, " %s=%d", name, e.Resources[name])
	}
	for _, part := range []struct{ key, value string }{
		{keyReservation, e.Reservation}, {keyUID, string(e.UID)}, {keyExpires, seconds(e.Expires)}, {keyFreeBy, seconds(e.FreeBy)},
	} {
		if part.value != "" {
			line = fmt.Appendf(line, " %s=%s", part.key, part.value)
		}
	}
	for _, field := range e.Further {
		line = fmt.Appendf(line, " %s", field)
	}
	return string(line)
}

func seconds(t *metav1.Time) string {
	if t == nil {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

// MarshalJSON writes the entry as its line. As objects, a thousand entries cost
// the API server ten times as much with each write of a ledger: it validates each
// field of each. An entry whose line would be read as another is an error.
func (e LedgerEntry) MarshalJSON() ([]byte, error) {
	for _, word := range []string{e.Kind, e.Namespace, e.Name, e.Reservation, string(e.UID)} {
		if strings.ContainsAny(word, " =") {
			return nil, fmt.Errorf("write a ledger's entry: %q cannot stand in a line", word)
		}
	}
	for name := range e.Resources {
		if strings.ContainsAny(name, " =") || !strings.Contains(name, "/") {
			return nil, fmt.Errorf("write a ledger's entry: %q cannot stand in a line as a resource", name)
		}
	}
	for _, field := range e.Further {
		if key, value, _ := strings.Cut(field, "="); !isFurther(key) || value == "" || strings.Contains(value, " ") {
			return nil, fmt.Errorf("write a ledger's entry: %q cannot stand in a line", field)
		}
	}
	return json.Marshal(e.String())
}

// isFurther says whether a key is one that is kept although nothing is known of it.
func isFurther(key string) bool {
	switch key {
	case keyReservation, keyUID, keyExpires, keyFreeBy:
		return false
	default:
		return furtherKey.MatchString(key)
	}
}

// UnmarshalJSON reads the entry from its line.
func (e *LedgerEntry) UnmarshalJSON(content []byte) error {
	var line string
	if err := json.Unmarshal(content, &line); err != nil {
		return fmt.Errorf("read a ledger's entry: %w", err)
	}
	read, err := ParseLedgerEntry(line)
	if err != nil {
		return err
	}
	*e = read
	return nil
}

// ParseLedgerEntry reads an entry from its line.
func ParseLedgerEntry(line string) (LedgerEntry, error) {
	fields := strings.Split(line, " ")
	if len(fields) < 3 {
		return LedgerEntry{}, malformed(line, "it has fewer than three fields")
	}
	e := LedgerEntry{Kind: fields[0]}
	if e.Kind != KindPod && e.Kind != KindClaim {
		return LedgerEntry{}, malformed(line, "its kind is neither Pod nor ResourceClaim")
	}
	ok := false
	if e.Namespace, e.Name, ok = strings.Cut(fields[1], "/"); !ok {
		return LedgerEntry{}, malformed(line, "its second field is no NAMESPACE/NAME")
	}
	var err error
	if e.MicroUnits, err = strconv.ParseInt(fields[2], 10, 64); err != nil || e.MicroUnits < 0 {
		return LedgerEntry{}, malformed(line, "its third field is no number of millionths of a GPU")
	}
	for _, field := range fields[3:] {
		if err := e.read(field); err != nil {
			return LedgerEntry{}, malformed(line, err.Error())
		}
	}
	return e, nil
}

// read takes over one KEY=VALUE.
func (e *LedgerEntry) read(field string) (err error) {
	key, value, ok := strings.Cut(field, "=")
	switch {
	case !ok || value == "":
		return fmt.Errorf("%q is no KEY=VALUE", field)
	case strings.Contains(key, "/"):
		n, err := strconv.ParseInt(value, 10, 64)
		if err != nil {
			return fmt.Errorf("%q is no number of devices", field)
		}
		if e.Resources == nil {
			e.Resources = map[string]int64{}
		}
		e.Resources[key] = n
	case key == keyReservation:
		e.Reservation = value
	case key == keyUID:
		e.UID = types.UID(value)
	case key == keyExpires:
		e.Expires, err = timeOf(value)
	case key == keyFreeBy:
		e.FreeBy, err = timeOf(value)
	case isFurther(key):
		e.Further = append(e.Further, field)
	case strings.HasPrefix(key, mustKnow):
		return fmt.Errorf("%q was written by a newer version of usher, and this one must not pass over it", key)
	default:
		return fmt.Errorf("%q is nothing that an entry has", key)
	}
	return err
}

func timeOf(value string) (*metav1.Time, error) {
	t, err := time.Parse(time.RFC3339, value)
	if err != nil {
		return nil, fmt.Errorf("%q is no time as RFC 3339 has it", value)
	}
	at := metav1.NewTime(t.Local())
	return &at, nil
}

func malformed(line, why string) error {
	return fmt.Errorf("read a ledger's entry %q: %s", line, why)
}
