package hostile

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
)

// A crafted file is a model file that somebody made by hand, to do harm or by mistake.
type crafted struct {
	name string // its kind and what is special about it
	file []byte
	bomb bool // small for what it describes
}

// parts are those of a model file, from which others are made.
type parts struct{ architecture, tensors, data string }

// good is a model of two inputs and two classes.
var good = parts{
	`{"version":1,"input":[2],"layers":[{"name":"A","kind":"Affine","in":2,"out":1},{"name":"R","kind":"ReLU"},` +
		`{"name":"D","kind":"Dropout","rate":0.5,"key":"0123456789abcdef"},{"name":"B","kind":"Affine","in":1,"out":2}]}`,
	`"A.W":{"dtype":"F32","shape":[2,1],"data_offsets":[0,8]},"A.b":{"dtype":"F32","shape":[1],"data_offsets":[8,12]},` +
		`"B.W":{"dtype":"F32","shape":[1,2],"data_offsets":[12,20]},"B.b":{"dtype":"F32","shape":[2],"data_offsets":[20,28]}`,
	"0123456789abcdefghijklmnopqr",
}

func (p parts) header() string {
	text, err := json.Marshal(p.architecture)
	if err != nil {
		panic(err)
	}
	return p.headerOf(`{"chainrule":` + string(text) + `}`)
}

func (p parts) headerOf(metadata string) string {
	if p.tensors != "" {
		return `{"__metadata__":` + metadata + `,` + p.tensors + `}`
	}
	return `{"__metadata__":` + metadata + `}`
}

func (p parts) file() []byte { return fileOf(p.header(), p.data) }

func fileOf(header, data string) []byte {
	return append(binary.LittleEndian.AppendUint64(nil, uint64(len(header))), header+data...)
}

// replace replaces the first old, which must be there.
func replace(s, old, new string) string {
	if !strings.Contains(s, old) {
		panic(fmt.Sprintf("%q is not in %q", old, s))
	}
	return strings.Replace(s, old, new, 1)
}

func inArchitecture(old, new string) []byte {
	p := good
	p.architecture = replace(p.architecture, old, new)
	return p.file()
}

func inTensors(old, new string) []byte {
	p := good
	p.tensors = replace(p.tensors, old, new)
	return p.file()
}

// inMetadata is the good file with more in its metadata.
func inMetadata(more string) []byte {
	text, _ := json.Marshal(good.architecture)
	return fileOf(good.headerOf(`{`+more+`"chainrule":`+string(text)+`}`), good.data)
}

// repeated is n copies of the format, each with its number, with commas between them.
func repeated(n int, format string) string {
	var b strings.Builder
	for i := range n {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, format, i)
	}
	return b.String()
}

// layersOf is a model of some layers for samples of a shape.
func layersOf(input, layers string) []byte {
	return parts{architecture: `{"version":1,"input":` + input + `,"layers":[` + layers + `]}`}.file()
}

// nested is n layers inside of 31 with names of 255 bytes.
func nested(n int, format string) string {
	open := strings.Repeat(`{"name":"`+strings.Repeat("n", 255)+`","kind":"Sequential","layers":[`, 31)
	return open + repeated(n, format) + strings.Repeat("]}", 31)
}

// shared is a model of n layers that share the weights of the first, of some units.
func shared(units, n int) []byte {
	weights := 4 * units * units
	return parts{
		fmt.Sprintf(`{"version":1,"input":[%d],"layers":[{"name":"A","kind":"Affine","in":%[1]d,"out":%[1]d},`, units) +
			repeated(n, fmt.Sprintf(`{"name":"%%d","kind":"Affine","in":%d,"out":%[1]d,"W":"A.W","b":"A.b"}`, units)) + `]}`,
		fmt.Sprintf(`"A.W":{"dtype":"F32","shape":[%d,%[1]d],"data_offsets":[0,%d]},"A.b":{"dtype":"F32","shape":[%[1]d],"data_offsets":[%[2]d,%d]}`, units, weights, weights+4*units),
		strings.Repeat("\x00", weights+4*units),
	}.file()
}

// wide is a model of an Affine to so many units, and n layers of a kind.
func wide(units, n int, kind string) []byte {
	return parts{
		fmt.Sprintf(`{"version":1,"input":[1],"layers":[{"name":"A","kind":"Affine","in":1,"out":%d},`, units) +
			repeated(n, `{"name":"%d","kind":"`+kind+`"}`) + `]}`,
		fmt.Sprintf(`"A.W":{"dtype":"F32","shape":[1,%d],"data_offsets":[0,%d]},"A.b":{"dtype":"F32","shape":[%[1]d],"data_offsets":[%[2]d,%d]}`, units, 4*units, 8*units),
		strings.Repeat("\x00", 8*units),
	}.file()
}

// craft calls yield with all crafted files, the same ones each time, of them so many that
// are changed at random.
func craft(random int, yield func(crafted)) {
	add := func(kind string, what any, file []byte) {
		yield(crafted{name: fmt.Sprintf("%s %.40q", kind, fmt.Sprint(what)), file: file})
	}
	bomb := func(what string, file []byte) { yield(crafted{"bomb: " + what, file, true}) }
	add("good", "", good.file())

	// Numbers of every form, wherever one is wanted.
	for _, n := range []string{
		"0", "-0", "00", "08", "1", "+8", "8.", ".8", "8.0", "8e0", "8E0", "0.8e1", "80e-1", "1e400", "-1e400", "1e-400", "-8", "8 ", "0x8", "0o10", "1_0", "８", "٨",
		"2147483647", "2147483648", "4294967295", "4294967296", "4294967304", "9007199254740993", "9223372036854775807", "9223372036854775808", "-9223372036854775808",
		"18446744073709551615", "18446744073709551616", "18446744073709551624", "1" + strings.Repeat("0", 400), "0." + strings.Repeat("0", 400) + "1", strings.Repeat("9", 2000),
		"NaN", "Infinity", "-Infinity", "nan", "null", "true", "false", `"8"`, `""`, "[]", "[8]", "{}", "", ",", "8,8", "'8'",
	} {
		add("number as an offset", n, inTensors(`[0,8]`, `[0,`+n+`]`))
		add("number as the beginning", n, inTensors(`[20,28]`, `[`+n+`,28]`))
		add("number as an axis", n, inTensors(`[2,1]`, `[`+n+`,1]`))
		add("number as in", n, inArchitecture(`"in":2`, `"in":`+n))
		add("number as a rate", n, inArchitecture(`0.5`, n))
		add("number as input", n, inArchitecture(`"input":[2]`, `"input":[`+n+`]`))
		add("number as version", n, inArchitecture(`"version":1`, `"version":`+n))
	}

	// Strings of every form.
	for _, s := range []string{
		"", " ", ".", "a.b", "é", "\u202e", "\u200b", "\u2028", "\ufeff", "\U0001f600", "\x00", "\x01", "\x1b[31m", "\n", "\x7f", "\u0085", "\x80", "\xff", "\xc0\xaf", "\xed\xa0\x80", "\xf4\x90\x80\x80", "a\xc3",
		`\u0041`, `\u00e9`, `\u0000`, `\n`, `\x41`, `\a`, `\'`, `\`, `\u`, `\u00`, `\u00g0`, `\U0041`, `\ud800`, `\udc00`, `\udc00\ud800`, `\ud800\u0041`, `\ud83d\ude00`, `\ud83d\ud83d\ude00`, `\uD83D\uDE00`, `\/`, `\"`, `"`, `","`, `':'`,
		"__metadata__", "chainrule", "constructor", "../../etc/passwd", "%s%n", "<script>", strings.Repeat("x", 255), strings.Repeat("x", 256), strings.Repeat("é", 128), strings.Repeat("x", 5000),
	} {
		add("string as a tensor's name", s, inTensors(`"A.W"`, `"`+s+`"`))
		add("string as a dtype", s, inTensors(`"F32"`, `"`+s+`"`))
		add("string as a layer's name", s, inArchitecture(`"R"`, `"`+s+`"`))
		add("string as a kind", s, inArchitecture(`"ReLU"`, `"`+s+`"`))
		add("string in metadata", s, inMetadata(`"x":"`+s+`",`))
		add("string as a key of metadata", s, inMetadata(`"`+s+`":"x",`))
		add("string as a field of a tensor", s, inTensors(`"dtype"`, `"`+s+`":1,"dtype"`))
	}

	// Cut off, extended, padded, and of other lengths than stated.
	file := good.file()
	for n := 0; n < len(file); n += 5 {
		add("cut off at", n, file[:n])
	}
	for b := range 256 {
		add("padded with", b, fileOf(good.header()+string([]byte{byte(b)}), good.data))
	}
	for _, n := range []int{1, 7, 8, 9, 1000, 1 << 20} {
		add("padded with spaces", n, fileOf(good.header()+strings.Repeat(" ", n), good.data))
		add("extended by", n, append(good.file(), make([]byte, n)...))
		add("spaces before", n, fileOf(strings.Repeat(" ", n)+good.header(), good.data))
		add("newlines inside", n, fileOf("{"+strings.Repeat("\n", n)+good.header()[1:], good.data))
	}
	for _, n := range []uint64{0, 1, 2, 7, 8, uint64(len(good.header())) - 1, uint64(len(good.header())) + 1, uint64(len(file)) - 8, 1e6, 99_999_999, 1e8, 1e8 + 1, 1 << 31, 1 << 32, 1<<63 - 1, 1 << 63, 1<<64 - 8, 1<<64 - 1} {
		add("header length", n, append(binary.LittleEndian.AppendUint64(nil, n), file[8:]...))
	}

	// Offsets: holes, overlaps, other orders.
	places := []string{"0", "4", "8", "12", "16", "20", "24", "28", "32", "1000000", "4294967296"}
	for _, begin := range places {
		for _, end := range places {
			add("offsets", begin+" to "+end, inTensors(`[8,12]`, `[`+begin+`,`+end+`]`))
		}
	}
	add("empty tensor in a hole", "", inTensors(`"A.b"`, `"x":{"dtype":"F32","shape":[0],"data_offsets":[4,4]},"A.b"`))
	add("empty tensor at the end", "", inTensors(`"A.b"`, `"x":{"dtype":"F32","shape":[0,3],"data_offsets":[28,28]},"A.b"`))
	add("empty tensor past the end", "", inTensors(`"A.b"`, `"x":{"dtype":"F32","shape":[0],"data_offsets":[32,32]},"A.b"`))
	add("empty tensor that overflows", "", inTensors(`"A.b"`, `"x":{"dtype":"F32","shape":[4611686018427387904,8,0],"data_offsets":[28,28]},"A.b"`))
	add("shape that overflows to the size", "", inTensors(`[2,1]`, `[4611686018427387906,1]`))

	for _, d := range []string{"BOOL", "U8", "I8", "F8_E5M2", "F8_E4M3", "F8_E8M0", "F4", "F6_E2M3", "F6_E3M2", "I16", "U16", "F16", "BF16", "I32", "U32", "F64", "I64", "U64", "C64", "f32", "float32", "F32 ", "F128"} {
		add("dtype", d, inTensors(`"F32"`, `"`+d+`"`))
		p := good
		p.tensors = strings.ReplaceAll(p.tensors, "F32", d)
		add("dtype of all", d, p.file())
	}

	// Keys twice, missing, or of no use.
	twice := []string{`"dtype":"F32",`, `"shape":[2,1],`, `"A.b":{"dtype":"F32","shape":[1],"data_offsets":[8,12]},`}
	for _, key := range twice {
		add("twice", key, inTensors(key, key+key))
		add("missing", key, inTensors(key, ""))
	}
	for _, key := range []string{`"version":1,`, `"input":[2],`, `"kind":"ReLU"`, `"name":"R",`, `"in":2,`, `"rate":0.5,`, `,"key":"0123456789abcdef"`, `{"name":"R","kind":"ReLU"},`} {
		add("missing in the architecture", key, inArchitecture(key, ""))
		add("twice in the architecture", key, inArchitecture(key, key+`,`+strings.Trim(key, ",")+`,`))
	}
	add("key twice, escaped", "", inTensors(`"A.b"`, `"A.\u0057":{"dtype":"F32","shape":[2,1],"data_offsets":[0,8]},"A.b"`))
	add("metadata key twice", "", inMetadata(`"x":"1","x":"2",`))
	add("our metadata key twice", "", inMetadata(`"chainrule":"",`))
	add("metadata twice", "", fileOf(replace(good.header(), `{"__metadata__":`, `{"__metadata__":{"chainrule":"{}"},"__metadata__":`), good.data))
	for _, v := range []string{"null", "1", `"x"`, "[]", "{}", "true", `[{"chainrule":""}]`} {
		add("metadata", v, fileOf(good.headerOf(v), good.data))
		add("value in metadata", v, inMetadata(`"x":`+v+`,`))
		add("architecture", v, parts{v, good.tensors, good.data}.file())
		add("tensor", v, inTensors(`{"dtype":"F32","shape":[2,1],"data_offsets":[0,8]}`, v))
		add("field of a tensor", v, inTensors(`"dtype"`, `"strides":`+v+`,"dtype"`))
		add("field of a layer", v, inArchitecture(`"kind":"ReLU"`, `"kind":"ReLU","alpha":`+v))
		add("layers", v, parts{`{"version":1,"input":[2],"layers":` + v + `}`, "", ""}.file())
		add("header", v, fileOf(v, ""))
	}

	// Nested, long and many.
	for _, n := range []int{1, 30, 31, 32, 33, 100, 126, 127, 128, 129, 1000, 9_999, 10_000, 10_001, 100_000} {
		lists, objects := strings.Repeat("[", n)+strings.Repeat("]", n), strings.Repeat(`{"a":`, n)+"1"+strings.Repeat("}", n)
		add("nested lists in a tensor", n, inTensors(`"dtype"`, `"x":`+lists+`,"dtype"`))
		add("nested objects in a tensor", n, inTensors(`"dtype"`, `"x":`+objects+`,"dtype"`))
		add("nested lists in metadata", n, inMetadata(`"x":`+lists+`,`))
		add("nested objects as a tensor", n, inTensors(`"A.W"`, `"x":`+objects+`,"A.W"`))
		add("nested lists in the architecture", n, inArchitecture(`"version"`, `"x":`+lists+`,"version"`))
		add("nested layers", n, layersOf("[2]", strings.Repeat(`{"name":"B","kind":"Sequential","layers":[`, n)+strings.Repeat("]}", n)))
		add("brackets that stay open", n, fileOf(`{"a":`+strings.Repeat("[", n)+"}", ""))
	}
	for _, n := range []int{0, 1, 2, 31, 32, 33, 1000} {
		ones := strings.TrimSuffix(strings.Repeat("1,", n), ",")
		add("axes of a tensor", n, inTensors(`[2,1]`, `[`+strings.TrimSuffix(`2,`+ones, ",")+`]`))
		add("axes of the input", n, inArchitecture(`"input":[2]`, `"input":[`+strings.TrimSuffix(`2,`+ones, ",")+`]`))
	}
	for _, n := range []int{254, 255, 256, 4000, 70_000} {
		long := strings.Repeat("n", n)
		add("long name of a layer", n, inArchitecture(`"R"`, `"`+long+`"`))
		add("long name of a tensor", n, inTensors(`"A.b"`, `"`+long+`":{"dtype":"F32","shape":[0],"data_offsets":[8,8]},"A.b"`))
		add("long key of metadata", n, inMetadata(`"`+long+`":"x",`))
		add("long value in metadata", n, inMetadata(`"x":"`+long+`",`))
		add("long escapes in metadata", n, inMetadata(`"x":"`+strings.Repeat(`\u00e9`, n)+`",`))
	}
	for _, kind := range []string{"ReLU", "Sigmoid", "Tanh", "Softmax", "Sequential", "GELU", "Swish", "test.every"} {
		add("kind", kind, layersOf("[2]", `{"name":"L","kind":"`+kind+`"}`))
		add("100 of kind", kind, layersOf("[2]", repeated(100, `{"name":"%d","kind":"`+kind+`","layers":[]}`)))
	}
	for i, change := range [][2]string{
		{`"input":[2]`, `"input":[3]`}, {`"input":[2]`, `"input":[1,2]`}, {`"out":2`, `"out":3`}, {`"in":1`, `"in":2`}, {`"R"`, `"A"`}, {`"out":2`, `"out":2,"W":"A.W"`},
		{`"out":2`, `"out":2,"b":"A.b"`}, {`"out":2`, `"out":2,"W":"B.W"`}, {`"out":2`, `"out":2,"W":null`}, {`"version":1`, `"version":1,"sha256":""`},
		{`"version":1`, `"version":1,"sha256":"` + strings.Repeat("0", 64) + `"`}, {`"version":1`, `"version":1,"sha256":null`}, {`"key":"0123456789abcdef"`, `"key":"0123456789ABCDEF"`},
		{`"key":"0123456789abcdef"`, `"key":81985529216486895`}, {`"layers"`, `"Layers"`}, {`"version":1`, `"version":1,"author":"me"`},
	} {
		add("architecture changed", i, inArchitecture(change[0], change[1]))
	}

	// Bombs: small for what they claim or describe.
	relu := `{"name":"%d","kind":"ReLU"}`
	bomb("10,000 layers", layersOf("[2]", repeated(10_000, relu)))
	bomb("10,001 layers", layersOf("[2]", repeated(10_001, relu)))
	bomb("50,000 layers", layersOf("[2]", repeated(50_000, relu)))
	bomb("one name of 1 MB and 20,000 layers", layersOf("[2]", `{"name":"`+strings.Repeat("n", 1<<20)+`","kind":"Sequential","layers":[`+repeated(20_000, relu)+`]}`))
	bomb("9,000 layers inside long names", layersOf("[2]", nested(9000, relu)))
	bomb("9,000 layers with long names", layersOf("[2]", repeated(9000, `{"name":"`+strings.Repeat("n", 180)+`%d","kind":"ReLU"}`)))
	bomb("half of the layers in one", layersOf("[2]", `{"name":"S","kind":"Sequential","layers":[`+repeated(4990, `{"name":"%d","kind":"Softmax"}`)+`]},`+repeated(4990, `{"name":"r%d","kind":"Softmax"}`)))
	bomb("10,000 layers of 32 axes", layersOf("[2"+strings.Repeat(",2", 27)+",1,1,1,1]", repeated(9999, relu)))
	bomb("10,000 layers of 268 million numbers", layersOf("[268435456]", repeated(9999, relu)))
	bomb("a million axes", layersOf("[1"+strings.Repeat(",1", 500_000)+"]", ""))
	bomb("10,000 layers that share weights", shared(300, 9990))
	bomb("1,000 layers of 10,000 units", wide(10_000, 1000, "Sigmoid"))
	bomb("26 layers of 10,000 units", wide(10_000, 26, "Softmax"))
	bomb("2,900 layers of 10 units", wide(10, 2900, "Softmax"))
	bomb("2 GB of weights", parts{`{"version":1,"input":[200000000],"layers":[{"name":"a","kind":"Affine","in":200000000,"out":1}]}`,
		`"a.W":{"dtype":"F32","shape":[200000000,1],"data_offsets":[0,800000000]},"a.b":{"dtype":"F32","shape":[1],"data_offsets":[800000000,800000004]}`, good.data}.file())
	bomb("weights that nobody has", inArchitecture(`"in":2`, `"in":2000000000`))
	bomb("a tensor of 8 GB", inTensors(`"shape":[2],"data_offsets":[20,28]`, `"shape":[2000000000],"data_offsets":[20,8000000020]`))
	bomb("a sample of 268 million numbers", layersOf("[268435456]", `{"name":"a","kind":"Softmax"},{"name":"b","kind":"Softmax"}`))
	bomb("a header of 99 MB that ends at once", append(binary.LittleEndian.AppendUint64(nil, 99_000_000), '{'))
	bomb("200,000 tensors", parts{good.architecture, repeated(200_000, `"%d":{"dtype":"F32","shape":[0],"data_offsets":[0,0]}`), ""}.file())
	bomb("90,000 tensors of no layer", parts{good.architecture, repeated(90_000, `"%d":{"dtype":"F32","shape":[0],"data_offsets":[0,0]}`), ""}.file())
	bomb("9,999 keys of metadata", inMetadata(repeated(9999, `"%d":""`)+`,`))
	bomb("500,000 keys of metadata", inMetadata(repeated(500_000, `"%d":""`)+`,`))
	bomb("5 MB of metadata", inMetadata(`"x":"`+strings.Repeat("x", 5<<20)+`",`))
	bomb("5 MB of escapes", inMetadata(`"x":"`+strings.Repeat(`\u00e9`, 5<<20/6)+`",`))
	bomb("5 MB of spaces in the header", fileOf("{"+strings.Repeat(" ", 5<<20)+good.header()[1:], good.data))
	bomb("a number of 1 MB", inTensors(`[2,1]`, `[`+strings.Repeat("1", 1<<20)+`,1]`))
	bomb("a list of 500,000 lists", inTensors(`"A.W"`, `"x":[`+strings.Repeat("[],", 500_000)+"[]"+`],"A.W"`))
	bomb("an architecture of 2 MB in lists", parts{architecture: `{"version":1,"x":[` + strings.Repeat("[],", 600_000) + `[]]}`}.file())
	bomb("an architecture of 2 MB in numbers", parts{architecture: `{"version":1,"input":[` + strings.Repeat("1,", 1_000_000) + `1]}`}.file())
	bomb("an architecture of 2 MB in keys", parts{architecture: `{"version":1,` + repeated(150_000, `"%d":0`) + `}`}.file())
	bomb("an architecture of 2 MB in objects", parts{architecture: `{"version":1,"x":[` + strings.Repeat(`{"a":0},`, 260_000) + `0]}`}.file())
	bomb("an architecture of 2 MB in empty objects", parts{architecture: `{"version":1,"x":[` + strings.Repeat(`{},`, 690_000) + `0]}`}.file())
	bomb("an architecture of 2 MB in strings", parts{architecture: `{"version":1,"x":[` + strings.Repeat(`"",`, 690_000) + `0]}`}.file())
	bomb("10,000 layers with as many fields as they can have", layersOf("[2]", repeated(9999, `{"name":"%d","kind":"Dropout","rate":0.000000001,"key":"0123456789abcdef"}`)))
	bomb("an architecture of 3 MB", inArchitecture(`"version":1`, strings.Repeat(" ", 3<<20)+`"version":1`))
	bomb("a name of 4 MB", inArchitecture(`"R"`, `"`+strings.Repeat("n", 2_000_000)+`"`))
	bomb("a tensor's name of 4 MB", inTensors(`"A.b"`, `"`+strings.Repeat("n", 4<<20)+`":{"dtype":"F32","shape":[0],"data_offsets":[8,8]},"A.b"`))

	// Changed at random.
	rng := rand.New(rand.NewPCG(13, 13))
	for i := range random {
		f := good.file()
		for range 1 + rng.IntN(4) {
			switch at := rng.IntN(len(f)); rng.IntN(4) {
			case 0:
				f[at] ^= 1 << rng.IntN(8)
			case 1:
				f[at] = `{}[]",:0-9.e\ `[rng.IntN(14)]
			case 2:
				f = append(f[:at], f[min(len(f), at+1+rng.IntN(8)):]...)
			case 3:
				from := rng.IntN(len(f))
				f = append(f[:at:at], append([]byte(string(f[from:min(len(f), from+rng.IntN(40))])), f[at:]...)...)
			}
			if len(f) == 0 {
				f = good.file()
			}
		}
		if i%2 == 0 && len(f) > 8 { // with the right length, so that it comes further
			if end := strings.LastIndex(string(f[8:]), "}") + 1; end > 0 {
				binary.LittleEndian.PutUint64(f, uint64(end))
			}
		}
		add("random", i, f)
	}
}
