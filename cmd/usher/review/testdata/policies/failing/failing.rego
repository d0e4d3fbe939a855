# METADATA
# title: Failing
# description: Errors on pods that ask for it, for tests of reviews.
# custom:
#   severity: low
#   checks:
#     never: never seen
package usher.failing

deny contains {"check": "never", "msg": "never"} if {
	input.pod.metadata.name == "fails"
	to_number(input.pod.metadata.name) > 0
}
