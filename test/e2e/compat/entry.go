package main

import (
	"context"
	"os"
)

// entryProgram is run in the recorded version's tree: it fills every field of an
// entry, whichever there are, and prints the line. Fields that keep what others
// have written are left alone.
const entryProgram = `package main

import (
	"encoding/json"
	"fmt"
	"reflect"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"usher.dev/usher/api/v1alpha1"
)

func main() {
	e := v1alpha1.LedgerEntry{Kind: v1alpha1.KindPod, Resources: map[string]int64{"nvidia.com/gpu": 1}}
	at := metav1.NewTime(time.Unix(1800000000, 0))
	v := reflect.ValueOf(&e).Elem()
	for i := range v.NumField() {
		f := v.Field(i)
		switch {
		case !f.IsZero():
		case f.Kind() == reflect.String:
			f.SetString("x")
		case f.CanInt():
			f.SetInt(1)
		case f.Type() == reflect.TypeFor[*metav1.Time]():
			f.Set(reflect.ValueOf(&at))
		case f.Kind() == reflect.Slice:
		default:
			panic("no value for " + v.Type().Field(i).Name)
		}
	}
	line, err := json.Marshal(e)
	if err != nil {
		panic(err)
	}
	fmt.Println(string(line))
}
`

// entry keeps a line with every key that the version writes into ledgers, all of
// which it reads.
func (r *recorder) entry(ctx context.Context) error {
	if err := os.Mkdir(r.tree.Path("cmd/entry"), 0o700); err != nil {
		return err
	}
	if err := os.WriteFile(r.tree.Path("cmd/entry/main.go"), []byte(entryProgram), 0o600); err != nil {
		return err
	}
	line, err := r.tree.Run(ctx, "go", "run", "./cmd/entry")
	if err != nil {
		return err
	}
	return r.write("entry.json", line)
}
