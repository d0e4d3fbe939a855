package printable

import "testing"

func TestLine(t *testing.T) {
	for _, tt := range []struct{ name, text, want string }{
		{"plain text", "é 漢 ok", "é 漢 ok"},
		{"lines become one", "a\nb", "a b"},
		{"a tab stays", "a\tb", "a\tb"},
		{"escape codes", "\x1b[31mred\x1b[0m", "�[31mred�[0m"},
		{"text that runs the other way", "a\u202eb\u2028c", "a�b�c"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := Line(tt.text); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}
