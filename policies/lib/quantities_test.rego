package usher.lib.quantities_test

import data.usher.lib.quantities

test_nano if {
	cases := {
		"0": 0, "-0": 0, "00": 0, "007": 7000000000, "1": 1000000000, "500m": 500000000,
		"1u": 1000, "1n": 1, "1.5": 1500000000, ".5": 500000000, "5.": 5000000000,
		"+1": 1000000000, "-1": -1000000000, "-1.5m": -1500000,
		"1k": 1000000000000, "1E": 1000000000000000000000000000, "1e3": 1000000000000,
		"1E3": 1000000000000, "1e+3": 1000000000000, "1e-3": 1000000, "1e0003": 1000000000000,
		"512Mi": 536870912000000000, "16Gi": 17179869184000000000, "1.5Ki": 1536000000000,
		"1Ti": 1099511627776000000000, "7Ei": 8070450532247928832000000000,
	}
	{text: quantities.nano(text) | some text, _ in cases} == cases
}

test_nano_rounds_away_from_zero if {
	cases := {"0.1n": 1, "-0.1n": -1, "1e-99": 1, "0.0000000001": 1, "1.0000000001": 1000000001, "0.0000000000": 0}
	{text: quantities.nano(text) | some text, _ in cases} == cases
}

test_nano_caps_binary_suffixes_only if {
	quantities.nano("8Ei") == 9223372036854775807000000000
	quantities.nano("-8Ei") == -9223372036854775807000000000
	quantities.nano("999999999999999999Ei") == 9223372036854775807000000000
	quantities.nano("9223372036854775808") == 9223372036854775808000000000
	quantities.nano("99999999999999999999E") == 99999999999999999999000000000000000000000000000
}

test_nano_of_numbers if {
	quantities.nano(4) == 4000000000
	quantities.nano(1.5) == 1500000000
	quantities.nano(-1e3) == -1000000000000
	quantities.nano(9007199254740993) == 9007199254740993000000000
}

# ParseQuantity reads a missing number as 0, but not before Pi and Ei.
test_nano_without_digits if {
	cases := {"+": 0, "-": 0, ".": 0, "m": 0, "Ki": 0, "Ti": 0, "e9": 0, "e-9": 0}
	{text: quantities.nano(text) | some text, _ in cases} == cases
	every text in ["Pi", "Ei", ".Pi", "+Ei", "e-10"] { not quantities.valid(text) }
}

test_invalid if {
	every quantity in [
		"", " ", " 1", "1 ", "1 Gi", "abc", "1gi", "1GI", "1K", "1kk", "1e", "1e+", "1ee3", "1e3m",
		"1.2.3", "--1", "1-", "0x10", "1_000", "1,5", "Inf", "NaN", "१", "1e100", "1e4294967296",
		"1e99999999999999999999", true, null, [], {}, ["1"], {"1": "1"},
	] {
		not quantities.valid(quantity)
	}
}

test_too_long_is_invalid if {
	long := concat("", [x | some _ in numbers.range(1, 101); x := "1"])
	not quantities.valid(long)
	quantities.valid(substring(long, 0, 100))
}

test_text if {
	every text in ["0", "1", "17", "1000", "16500m", "500m", "1u", "1001n", "-1500m"] {
		quantities.text(quantities.nano(text)) == text
	}
}

test_bytes if {
	every text in ["0", "1", "1000", "1Ki", "1025Ki", "512Mi", "33Gi", "1048576Gi", "8388607Gi", "100m", "1E"] {
		bytes := quantities.bytes(quantities.nano(text))
		quantities.nano(bytes) == quantities.nano(text)
	}
	quantities.bytes(quantities.nano("34359738368")) == "32Gi"
	quantities.bytes(quantities.nano("9007199254740991Ki")) == "9223372036854774784"
}

test_ceiling if {
	cases := {"0": 0, "1n": 1, "1": 1, "1.000000001": 2, "1500m": 2, "999999999999999999999": 999999999999999999999}
	{text: quantities.ceiling(quantities.nano(text)) | some text, _ in cases} == cases
}
