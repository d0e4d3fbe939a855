# METADATA
# title: Quantities
# description: |
#   Kubernetes quantities as exact integers. The unit is the nano unit, the
#   smallest that a quantity can have: "1" is 1000000000 and "500m" 500000000.
#   OPA computes with integers of any size exactly, so amounts can be compared,
#   added and multiplied; division is not exact and has no place here.
package usher.lib.quantities

# One unit, in nano units.
one := 1000000000

# The amount of a quantity, given as a string or a JSON number, in nano units.
# Undefined for what k8s.io/apimachinery's resource.ParseQuantity refuses, and
# for strings of more than 100 characters and exponents beyond 99: no real amount
# needs them, and Kubernetes itself wraps large exponents round. Fractions of a
# nano unit round away from zero, and amounts with a binary suffix stop at 2^63-1,
# both as in ParseQuantity.
#
# The first branch is a shortcut for the forms that manifests are full of.
nano(quantity) := to_number(digits) * _common_suffixes[suffix] if {
	is_string(quantity)
	regex.match(`^(?:[0-9]{1,18}[numkMGTPE]?|[0-9]{1,9}[KMG]i)$`, quantity)
	suffix := trim_left(quantity, "0123456789")
	digits := trim_right(quantity, "numkKMGTPEi")
} else := sign * amount if {
	text := written(quantity)
	text != ""
	count(text) <= 100
	matches := regex.find_all_string_submatch_n(
		`^([+-]?)([0-9]*)(?:\.([0-9]*))?(?:([numkMGTPE]|[KMGTPE]i)?|[eE]([+-]?[0-9]+))$`,
		text,
		1,
	)
	[_, sign_text, whole, fraction, suffix, exponent] := matches[0]
	sign := {"": 1, "+": 1, "-": -1}[sign_text]
	amount := _magnitude(whole, fraction, suffix, exponent)
}

# A string or a number as it was written; a float would lose digits.
written(quantity) := quantity if is_string(quantity)

written(quantity) := json.marshal(quantity) if is_number(quantity)

# Whether nano has an answer.
default valid(_) := false

valid(quantity) if nano(quantity)

# An amount of 0 or more nano units in whole units, rounded up. OPA has no exact
# division of large integers, so digits are cut off.
ceiling(amount) := to_number(concat("", ["0", substring(digits, 0, cut)])) + _remainder(substring(digits, cut, -1)) if {
	digits := format_int(amount, 10)
	cut := max([0, count(digits) - 9])
}

# An amount in nano units as the shortest exact quantity with a decimal suffix,
# for messages: 1500000000 is "1500m".
text(amount) := concat("", [_sign(amount), substring(digits, 0, count(digits) - cut), suffix]) if {
	amount != 0
	digits := format_int(_abs(amount), 10)
	zeros := count(digits) - count(trim_right(digits, "0"))
	steps := min([3, (zeros - (zeros % 3)) / 3])
	cut := steps * 3
	suffix := ["n", "u", "m", ""][steps]
}

text(0) := "0"

# An amount in nano units as a number of bytes with the largest binary suffix
# that is exact, for messages: "16Gi". Amounts that have none are as in text.
bytes(amount) := concat("", [format_int(amount / unit.size, 10), unit.suffix]) if {
	# Below 2^53 bytes the quotient has at most 64 significant bits, which is as
	# far as OPA divides exactly.
	amount < 9007199254740992000000000
	units := [unit | some unit in _binary_units; amount >= unit.size; amount % unit.size == 0]
	unit := units[0]
} else := text(amount)

# The distance of an amount from zero. OPA's abs rounds large integers.
_abs(amount) := amount if {
	amount >= 0
} else := 0 - amount

_sign(amount) := "-" if {
	amount < 0
} else := ""

_common_suffixes := {
	"n": 1,
	"u": 1000,
	"m": 1000000,
	"": 1000000000,
	"k": 1000000000000,
	"M": 1000000000000000,
	"G": 1000000000000000000,
	"T": 1000000000000000000000,
	"P": 1000000000000000000000000,
	"E": 1000000000000000000000000000,
	"Ki": 1024000000000,
	"Mi": 1048576000000000,
	"Gi": 1073741824000000000,
}

_binary_units := [
	{"suffix": "Gi", "size": 1073741824000000000},
	{"suffix": "Mi", "size": 1048576000000000},
	{"suffix": "Ki", "size": 1024000000000},
]

_decimal_exponents := {
	"n": -9, "u": -6, "m": -3, "": 0, "k": 3,
	"M": 6, "G": 9, "T": 12, "P": 15, "E": 18,
}

_binary_factors := {
	"Ki": 1024,
	"Mi": 1048576,
	"Gi": 1073741824,
	"Ti": 1099511627776,
	"Pi": 1125899906842624,
	"Ei": 1152921504606846976,
}

# 2^63-1 units, where ParseQuantity caps amounts with a binary suffix.
_largest_binary := 9223372036854775807000000000

_magnitude(whole, fraction, suffix, exponent) := _scale(digits, (power + 9) - count(fraction)) if {
	power := _power(suffix, exponent)
	digits := concat("", [whole, fraction])
	_has_digits(digits, power >= -9)
} else := min([amount, _largest_binary]) if {
	factor := _binary_factors[suffix]
	digits := concat("", [whole, fraction])

	# Up to Ti, ParseQuantity reads no digits as 0.
	_has_digits(digits, factor <= 1099511627776)
	product := to_number(concat("", ["0", digits])) * factor
	amount := _scale(format_int(product, 10), 9 - count(fraction))
}

# Without digits ParseQuantity answers 0 on its fast path and an error on its slow one.
_has_digits(digits, _) if digits != ""

_has_digits("", true)

_power(suffix, "") := _decimal_exponents[suffix]

_power(_, exponent) := _exponent_sign(exponent) * to_number(concat("", ["0", digits])) if {
	exponent != ""
	digits := trim_left(exponent, "+-0")
	count(digits) <= 2
}

_exponent_sign(exponent) := -1 if {
	startswith(exponent, "-")
} else := 1

_zeros := "000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000"

# A string of digits times ten to the power of places, rounded up.
_scale(digits, places) := 1 * to_number(concat("", ["0", digits, substring(_zeros, 0, places)])) if {
	places >= 0
} else := to_number(concat("", ["0", substring(digits, 0, kept)])) + _remainder(substring(digits, kept, -1)) if {
	kept := max([0, count(digits) + places])
}

_remainder(digits) := 0 if {
	trim(digits, "0") == ""
} else := 1
