package quota

// IsZero says that nothing is asked for, of any resource.
func (a Amount) IsZero() bool {
	for _, n := range a.Resources {
		if n != 0 {
			return false
		}
	}
	return a.Units == 0
}

// Times is what n times as many ask for.
func (a Amount) Times(n int64) Amount {
	out := Amount{Units: Units(times(int64(a.Units), n)), Resources: make(map[string]int64, len(a.Resources))}
	for name, count := range a.Resources {
		out.Resources[name] = times(count, n)
	}
	return out
}

// Beyond is what an amount has more than another, of each resource by itself.
func (a Amount) Beyond(other Amount) Amount {
	out := Amount{Units: max(0, a.Units-other.Units), Resources: map[string]int64{}}
	for name, count := range a.Resources {
		if more := count - other.Resources[name]; more > 0 {
			out.Resources[name] = more
		}
	}
	return out
}
