# METADATA
# title: JSON pointers
# description: Keys as parts of a JSON pointer (RFC 6901).
package usher.lib.pointers

# A key with what has a meaning in pointers escaped: nvidia.com/gpu becomes
# nvidia.com~1gpu.
escape(key) := replace(replace(key, "~", "~0"), "/", "~1")
