package usher.lib.patterns_test

import data.usher.lib.patterns

test_matches if {
	every pair in [["a", "a"], ["a*", "a"], ["a*", "abc"], ["*c", "abc"], ["*b*", "abc"], ["*", ""], ["*", "x"], ["a*c", "a*c"]] {
		patterns.matches(pair[0], pair[1])
	}
	every pair in [["a", "ab"], ["a*", "ba"], ["*a", "ab"], ["*d*", "abc"], ["", "a"], ["a*c", "abc"], [7, "7"], [null, ""]] {
		not patterns.matches(pair[0], pair[1])
	}
}

test_matches_any if {
	patterns.matches_any(["x", "a*"], "ab")
	not patterns.matches_any(["x", 7, null], "ab")
	every odd in [null, "a*", 7] { not patterns.matches_any(odd, "ab") }
}
