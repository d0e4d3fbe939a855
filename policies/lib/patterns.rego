# METADATA
# title: Name patterns
# description: Names that configuration gives as patterns.
package usher.lib.patterns

# Whether a pattern with * at its beginning, its end or both, for any text, has
# the name. A * elsewhere stands for itself.
matches(pattern, name) if {
	is_string(pattern)
	_matches(pattern, name)
}

# Whether one of a list of patterns has the name. What is not a list has none.
matches_any(patterns, name) if {
	some pattern in patterns
	matches(pattern, name)
}

_matches(pattern, name) if pattern == name

_matches(pattern, name) if {
	endswith(pattern, "*")
	startswith(name, trim_suffix(pattern, "*"))
}

_matches(pattern, name) if {
	startswith(pattern, "*")
	endswith(name, trim_prefix(pattern, "*"))
}

_matches(pattern, name) if {
	startswith(pattern, "*")
	endswith(pattern, "*")
	contains(name, trim_suffix(trim_prefix(pattern, "*"), "*"))
}
