package strictjson

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
)

// TestRefused: what has more than one meaning, or none, and what would take much memory.
func TestRefused(t *testing.T) {
	for _, test := range []struct{ name, text, want string }{
		{"nothing", "", "it is not JSON: it ends too early"},
		{"a key twice", `{"a":1,"a":2}`, `the key "a" occurs twice`},
		{"a key twice by an escape", `{"a":1,"\u0061":2}`, `the key "a" occurs twice`},
		{"a key twice inside", `{"x":[{"a":1,"a":2}]}`, `the key "a" occurs twice in "x/0"`},
		{"more at the end", `{} {}`, "more follows after its end"},
		{"a comma at the end", `{"a":1,}`, "it is not JSON"},
		{"an end too many", `{}}`, "it is not JSON"},
		{"cut off", `{"a":[1,`, "unexpected EOF"},
		{"no UTF-8", "{\"a\":\"\xff\"}", "it is not JSON"},
		{"half of a surrogate pair", `{"a":"\ud800"}`, "it is not JSON"},
		{"a comment", `{} // x`, "it is not JSON"},
		{"NaN", `{"a":NaN}`, "it is not JSON"},
		{"a number that begins with 0", `{"a":01}`, "it is not JSON"},
		{"a list", `[]`, "want a JSON object, got []"},
		{"a text", `"a"`, `want a JSON object, got "a"`},
		{"very deep", `{"a":` + strings.Repeat("[", 20_000) + strings.Repeat("]", 20_000) + `}`, "exceeded max depth"},
		{"very many values", `{"a":[` + strings.Repeat("0,", maxValues) + `0]}`, "want at most 100000 values"},
	} {
		t.Run(test.name, func(t *testing.T) {
			o, err := Parse([]byte(test.text))
			if o != nil || err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, %v; want an error that says %q", o, err, test.want)
			}
		})
	}
}

// TestParse: every kind of value, the order of keys, and what is left of them.
func TestParse(t *testing.T) {
	const text = `{"z":{"b":[1,-2.5e3,true,false,null,"\u0000é"],"a":{}},"y":[],"":"x"}`
	o, err := Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	back, err := json.Marshal(o)
	if err != nil || string(back) != text {
		t.Errorf("it comes back as %s, %v", back, err)
	}
	if key, ok := o.Left(); !ok || key != "z" {
		t.Errorf("the first key that is left is %q, %v", key, ok)
	}
	if v, ok := o.Take("z").(*Object); !ok || Show(v.Take("a")) != "an object" {
		t.Errorf("z is %v", v)
	}
	if key, ok := o.Left(); !ok || key != "y" {
		t.Errorf("then it is %q, %v", key, ok)
	}
	if v := o.Take("z"); v != (Absent{}) {
		t.Errorf("a key that was taken is %v", v)
	}
	o.Take("y")
	if v := o.Take(""); v != "x" {
		t.Errorf("the key without letters is %v", v)
	}
	if key, ok := o.Left(); ok {
		t.Errorf("at the end %q is left", key)
	}
}

// TestNumbers: which texts are numbers of a kind.
func TestNumbers(t *testing.T) {
	for _, test := range []struct {
		text                   string
		integer, signed, float bool
	}{
		{"0", true, true, true}, {"9223372036854775807", true, true, true}, {"9223372036854775808", false, false, true},
		{"-1", false, true, true}, {"1.0", false, false, true}, {"1e3", false, false, true}, {"1e999", false, false, false},
		{`"1"`, false, false, false}, {"null", false, false, false}, {"true", false, false, false}, {"[1]", false, false, false},
	} {
		t.Run(test.text, func(t *testing.T) {
			v, err := Value([]byte(test.text))
			if err != nil {
				t.Fatal(err)
			}
			_, integer := Integer(v)
			_, signed := SignedInteger(v)
			_, float := Float(v)
			if integer != test.integer || signed != test.signed || float != test.float {
				t.Errorf("integer %v, signed %v, float %v; want %v, %v, %v", integer, signed, float, test.integer, test.signed, test.float)
			}
		})
	}
	if list, ok := Integers([]any{json.Number("1"), json.Number("2")}); !ok || fmt.Sprint(list) != "[1 2]" {
		t.Errorf("a list of integers is %v, %v", list, ok)
	}
	if _, ok := Integers([]any{json.Number("1"), "2"}); ok {
		t.Error("a text is taken as an integer")
	}
	for text, want := range map[string]bool{"00000000000000ff": true, "ff": false, "+0000000000000ff": false, "00000000000000fg": false} {
		if k, ok := Key(text); ok != want || ok && k != 255 {
			t.Errorf("the key %q is %v, %v", text, k, ok)
		}
	}
}

// TestShow is short for values of any size.
func TestShow(t *testing.T) {
	for text, want := range map[string]string{
		`null`: "null", `true`: "true", `1e5`: "1e5", `"a\nb"`: `"a\nb"`, `{"a":1}`: "an object",
		`[]`: "[]", `[1,"a",null]`: `[1, "a", null]`, `[1,2,3,4,5]`: "a list of 5", `[[1]]`: "a list of 1",
	} {
		t.Run(text, func(t *testing.T) {
			v, err := Value([]byte(text))
			if err != nil || Show(v) != want {
				t.Errorf("got %s, %v; want %s", Show(v), err, want)
			}
		})
	}
	if got := Show(strings.Repeat("é", 10_000)); len(got) > 1000 || !strings.HasSuffix(got, "…\"") {
		t.Errorf("a long text is shown as %s", got)
	}
	if got := ShowValue(jsontext.Value(strings.Repeat("1", 10_000))); len(got) > 1000 {
		t.Errorf("a long number is shown as %s", got)
	}
}

// FuzzValue: any text is a value or an error, and a value comes back as the same.
func FuzzValue(f *testing.F) {
	for _, text := range []string{`{"z":{"b":[1,-2.5e3,true,false,null,"\u0000é"],"a":{}},"y":[]}`, `{"a":1,"a":2}`, `[[[[`, `"\ud800"`, "1e999", ""} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		v, err := Value(text)
		if err != nil {
			if len(err.Error()) > len(text)+1000 {
				t.Errorf("an error of %d bytes for a text of %d", len(err.Error()), len(text))
			}
			return
		}
		Show(v)
		first, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		again, err := Value(first)
		if err != nil {
			t.Fatalf("%s, written as %s, is an error: %v", text, first, err)
		}
		if second, err := json.Marshal(again); err != nil || string(second) != string(first) {
			t.Errorf("%s comes back as %s and then %s, %v", text, first, second, err)
		}
	})
}
