package webhook

// Judges reports whether policies are asked about objects of the request's kind:
// those that hold pods, as configured, and those that are judged whole. The
// webhooks' rules send no others.
func (r *Reviewer) Judges(req *Request) bool {
	_, holdsPods := r.targets[req.groupKind()]
	_, whole := judgedWhole[req.groupKind()]
	return holdsPods || whole
}
