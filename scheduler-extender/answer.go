package extender

import (
	"encoding/json"
	"math"
	"strconv"

	extenderv1 "k8s.io/kube-scheduler/extender/v1"
)

// appendFiltered encodes an ExtenderFilterResult: names and Nodes as they came,
// reasons for the others. Without a feasible node the list is empty, not null,
// which a kube-scheduler that sent names would take for the same.
func appendFiltered(out []byte, q *question, rows []row) []byte {
	sent := q.names
	if q.whole() {
		out = append(out, `{"Nodes":{"metadata":{},"items":[`...)
		sent = q.nodes
	} else {
		out = append(out, `{"NodeNames":[`...)
	}
	first := true
	for i := range sent {
		if rows == nil || rows[i].refused == nil {
			out = appendComma(out, &first)
			out = append(out, sent[i]...)
		}
	}
	out = append(out, ']')
	if q.whole() {
		out = append(out, '}')
	}
	out = appendReasons(append(out, `,"FailedNodes":{`...), q, rows, true)
	out = appendReasons(append(out, `},"FailedAndUnresolvableNodes":{`...), q, rows, false)
	return append(out, `},"Error":""}`...)
}

func appendReasons(out []byte, q *question, rows []row, evictable bool) []byte {
	first := true
	for i := range rows {
		r := rows[i].refused
		if r == nil || r.evictable != evictable {
			continue
		}
		out = appendComma(out, &first)
		out = append(append(append(out, q.names[i]...), ':'), r.quoted...)
	}
	return out
}

// appendError encodes an ExtenderFilterResult that fails the whole pod.
func appendError(out []byte, err error) []byte {
	return append(append(append(out, `{"Error":`...), quote(err.Error())...), '}')
}

// appendPriorities encodes a HostPriorityList.
func appendPriorities(out []byte, q *question, rows []row) []byte {
	out = append(out, '[')
	first := true
	for i, name := range q.names {
		score := int64(0)
		if rows != nil {
			score = scale(rows[i].total)
		}
		out = appendComma(out, &first)
		out = append(append(append(out, `{"Host":`...), name...), `,"Score":`...)
		out = append(strconv.AppendInt(out, score, 10), '}')
	}
	return append(out, ']')
}

// scale brings a score from 0..1 to the protocol's scale.
func scale(total float32) int64 {
	return int64(math.Round(float64(max(0, min(total, 1))) * float64(extenderv1.MaxExtenderPriority)))
}

func appendComma(out []byte, first *bool) []byte {
	if *first {
		*first = false
		return out
	}
	return append(out, ',')
}

func quote(text string) []byte {
	quoted, err := json.Marshal(text)
	if err != nil {
		panic(err) // a string always can be
	}
	return quoted
}
