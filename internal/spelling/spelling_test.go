package spelling

import "testing"

func TestSuggest(t *testing.T) {
	names := []string{"affine", "relu", "prelu", "maxpool", "maxpool3", "meanpool", "tanh", "a", "b", "c", "d"}
	for typed, want := range map[string]string{
		"maxpol":  "; did you mean maxpool?",
		"MaxPool": "; did you mean maxpool?",
		"rlu":     "; did you mean relu?",
		"xrelu":   "; did you mean relu or prelu?",
		"than":    "",
		"tanj":    "; did you mean tanh?",
		"mean":    "; did you mean meanpool?",
		"x":       "",
		"":        "",
		"softmax": "",
	} {
		if got := Suggest(typed, names); got != want {
			t.Errorf("Suggest(%q) = %q, want %q", typed, got, want)
		}
	}
}

func TestDistance(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want int
	}{{"", "", 0}, {"", "abc", 3}, {"abc", "", 3}, {"kitten", "sitting", 3}, {"conv", "concat", 3}} {
		if got := distance(c.a, c.b); got != c.want {
			t.Errorf("distance(%q, %q) = %d, want %d", c.a, c.b, got, c.want)
		}
	}
}
