package webhook

import "bytes"

// weigh returns how much room a review needs, in values, and how many values it
// holds, at least as many as there are. A text of 32 bytes, copied to where it is
// read, counts as one.
func weigh(body []byte) (weight int64, values int) {
	values = 1
	for _, begin := range []byte(",[{") {
		values += bytes.Count(body, []byte{begin})
	}
	if values > maxValues {
		values = valuesOutsideStrings(body)
	}
	return int64(values) + int64(len(body)/32), values
}

// valuesOutsideStrings counts them exactly: a long text may be full of commas.
func valuesOutsideStrings(body []byte) int {
	n := 1
	inString := false
	for i := 0; i < len(body); i++ {
		switch c := body[i]; {
		case c == '"':
			inString = !inString
		case inString && c == '\\':
			i++
		case !inString && (c == ',' || c == '[' || c == '{'):
			n++
		}
	}
	return n
}
