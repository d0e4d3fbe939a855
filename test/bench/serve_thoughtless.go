package main

import (
	"encoding/json"
	"net/http"

	extenderv1 "k8s.io/kube-scheduler/extender/v1"
)

// thoughtlessHandlers are an extender that parses every question and answers that
// any node will do: what any extender has to do.
func thoughtlessHandlers() map[string]http.Handler {
	return map[string]http.Handler{
		"/v1/filter": thoughtless(func(args *extenderv1.ExtenderArgs) any {
			return &extenderv1.ExtenderFilterResult{NodeNames: args.NodeNames}
		}),
		"/v1/prioritize": thoughtless(func(args *extenderv1.ExtenderArgs) any {
			list := make(extenderv1.HostPriorityList, len(*args.NodeNames))
			for i, name := range *args.NodeNames {
				list[i].Host = name
			}
			return list
		}),
	}
}

func thoughtless(answer func(*extenderv1.ExtenderArgs) any) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var args extenderv1.ExtenderArgs
		if err := json.NewDecoder(r.Body).Decode(&args); err != nil || args.NodeNames == nil {
			http.Error(w, "no ExtenderArgs with NodeNames", http.StatusBadRequest)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(answer(&args))
	})
}
