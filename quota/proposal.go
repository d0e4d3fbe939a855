package quota

// proposal is a batch as it was decided, to be written.
type proposal struct {
	book     *book
	version  string
	accepted []*waiter
	// refused were decided on a state that held the accepted before them: that
	// they are refused is true once those are written.
	refused map[*waiter]answer
}

// judge decides one request on the running state and adds it if it may.
func (p *proposal) judge(w *waiter) answer {
	quota, err := p.book.consider(&w.ask)
	if err != nil {
		return answer{failed, err}
	}
	yes, err := w.judge(quota)
	switch {
	case err != nil:
		return answer{failed, err}
	case !yes:
		return answer{outcome: denied}
	}
	p.book.add(&w.ask.Entry)
	p.accepted = append(p.accepted, w)
	return answer{outcome: reserved}
}
