package model

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"strings"
)

// A small file in parts, for surgery. It is valid: the first row of the table.
const (
	goodArchitecture = `{"version":1,"input":[2],"layers":[{"name":"Affine1","kind":"Affine","in":2,"out":1},` +
		`{"name":"ReLU1","kind":"ReLU"},{"name":"Affine2","kind":"Affine","in":1,"out":2}]}`
	goodTensors = `"Affine1.W":{"dtype":"F32","shape":[2,1],"data_offsets":[0,8]},"Affine1.b":{"dtype":"F32","shape":[1],"data_offsets":[8,12]},` +
		`"Affine2.W":{"dtype":"F32","shape":[1,2],"data_offsets":[12,20]},"Affine2.b":{"dtype":"F32","shape":[2],"data_offsets":[20,28]}`
	goodData = "0123456789abcdefghijklmnopqr" // 28 bytes: any are floats
)

func fileOf(header, data string) []byte {
	return append(binary.LittleEndian.AppendUint64(nil, uint64(len(header))), header+data...)
}

func headerOf(architecture, tensors string) string {
	text, _ := json.Marshal(architecture)
	if tensors != "" {
		tensors = "," + tensors
	}
	return `{"__metadata__":{"chainrule":` + string(text) + `}` + tensors + `}`
}

var goodHeader = headerOf(goodArchitecture, goodTensors)

// replace panics if there is nothing to replace: the row would test nothing.
func replace(s, old, new string) string {
	if !strings.Contains(s, old) {
		panic(fmt.Sprintf("%q is not in %q", old, s))
	}
	return strings.Replace(s, old, new, 1)
}

func architecture(old, new string) []byte {
	return fileOf(headerOf(replace(goodArchitecture, old, new), goodTensors), goodData)
}

func header(old, new string) []byte { return fileOf(replace(goodHeader, old, new), goodData) }

type malformed struct {
	name  string
	file  []byte
	field string
	says  string
}

func malformedFiles() []malformed {
	good := fileOf(goodHeader, goodData)
	block := strings.Repeat(`{"name":"B","kind":"Sequential","layers":[`, 40) + strings.Repeat(`]}`, 40)
	const input = `"input":[2],`
	prepared := func(preparation string) []byte { return architecture(input, input+`"preparation":`+preparation+",") }
	return []malformed{
		{"preparation: a list", prepared(`[]`), "architecture: preparation", "want an object, got []"},
		{"preparation: unknown field", prepared(`{"image":{"height":1,"width":2,"channels":1,"depth":1}}`), "architecture: preparation", `/image/depth`},
		{"preparation: other case", prepared(`{"Image":{"height":1,"width":2,"channels":1}}`), "architecture: preparation", `/Image`},
		{"preparation: a string for a number", prepared(`{"image":{"height":"1","width":2,"channels":1}}`), "architecture: preparation", `/image/height`},
		{"preparation: two kinds", prepared(`{"image":{"height":1,"width":2,"channels":1},"columns":[{"name":"a","std":1}]}`), "architecture: preparation", "one of them alone"},
		{"preparation: of another size", prepared(`{"image":{"height":2,"width":2,"channels":1}}`), "architecture: preparation", "want samples of (2), as the network takes, got (1, 2, 2)"},
		{"preparation: huge", prepared(`{"image":{"height":4096,"width":100000,"channels":1}}`), "architecture: preparation", "want sides of 1 to 4096 pixels, got 100000"},
		{"preparation: std of 0", prepared(`{"array":{"shape":[2],"mean":[0],"std":[0]}}`), "architecture: preparation", "a standard deviation above 0"},
		{"preparation: one name for two columns", prepared(`{"columns":[{"name":"a","std":1},{"name":"a","std":1}]}`), "architecture: preparation", `got "a" twice`},
		{"preparation: fill that is no category", prepared(`{"columns":[{"name":"a","categories":["b","c"],"fill":"d"}]}`), "architecture: preparation", `want one of the categories, got "d"`},
		{"training: a number", architecture(input, input+`"training":1,`), "architecture: training", "want an object, got 1"},
		{"empty", nil, "header length", "want 8 bytes, got 0: the file is empty, cut off, or no safetensors file"},
		{"half the length", good[:5], "header length", "want 8 bytes, got 5"},
		{"no header", good[:8], "header", "bytes, got 0: the file is cut off"},
		{"half the header", good[:100], "header", "bytes, got 92: the file is cut off"},
		{"no data", fileOf(goodHeader, ""), `tensor "Affine1.W": data_offsets`, "want 8 bytes of data, got 0: the file is cut off"},
		{"half the data", fileOf(goodHeader, goodData[:18]), `tensor "Affine2.W": data_offsets`, "want 20 bytes of data, got 18"},
		{"one byte less", good[:len(good)-1], `tensor "Affine2.b": data_offsets`, "want 28 bytes of data, got 27"},
		{"one byte more", append(bytes.Clone(good), 0), "data", "want the end of the file after the 28 bytes"},
		{"PNG", []byte("\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR"), "header length", `this is no safetensors file, it begins with "\x89PNG\r\n\x1a\n"`},
		{"text", []byte("Dear Sir or Madam,"), "header length", `this is no safetensors file, it begins with "Dear Sir"`},
		{"header of 101 MB", append(binary.LittleEndian.AppendUint64(nil, 101_000_000), '{'), "header length", "want at most 100000000 bytes, got 101000000"},
		{"header of 99 MB", append(binary.LittleEndian.AppendUint64(nil, 99_000_000), '{'), "header", "want 99000000 bytes, got 1"},
		{"header of 2^64-1", append(bytes.Repeat([]byte{255}, 8), '{'), "header length", "got 18446744073709551615"},
		{"zeros", make([]byte, 100), "header length", "want 2 bytes or more, got 0: this is no safetensors file, it begins with zeros"},

		{"a list", fileOf("[]", ""), "header", `want a JSON object, which begins with {, got "[]": this is no safetensors file`},
		{"space before", fileOf(" "+goodHeader, goodData), "header", "which begins with {"},
		{"newline after", fileOf(goodHeader+"\n", goodData), "header", "padded with spaces"},
		{"null after", fileOf(goodHeader+"\x00", goodData), "header", "padded with spaces"},
		{"garbage after", fileOf(goodHeader+" {}", goodData), "header", "it is not JSON: more follows after its end"},
		{"no JSON", header(`"F32","shape"`, `"F32" "shape"`), "header", "it is not JSON"},
		{"trailing comma", header(`[0,8]}`, `[0,8],}`), "header", "it is not JSON"},
		{"no UTF-8", header(`"Affine1.W"`, "\"Affine1.\xff\""), "header", "it is not JSON: invalid UTF-8 at byte 247"},
		{"endless brackets", fileOf(`{"a":`+strings.Repeat("[", 100_000)+"}", ""), "header", "exceeded max depth"},
		{"tensor twice", header(`"Affine1.b"`, `"Affine1.W"`), "header", `the key "Affine1.W" occurs twice`},
		{"tensor twice, escaped", header(`"Affine1.b"`, `"Affine1.\u0057"`), "header", `the key "Affine1.W" occurs twice`},
		{"dtype twice", header(`"dtype":"F32",`, `"dtype":"F64","dtype":"F32",`), "header", `the key "dtype" occurs twice in "Affine1.W"`},
		{"architecture twice", header(`"chainrule":`, `"chainrule":"","chainrule":`), "header", `the key "chainrule" occurs twice in "__metadata__"`},
		{"metadata twice", header(`{"__metadata__":`, `{"__metadata__":{"chainrule":"{}"},"__metadata__":`), "header", `the key "__metadata__" occurs twice`},

		{"plain weights", fileOf("{"+goodTensors+"}", goodData), "__metadata__", "this is a plain weights file; docs/FORMAT.md says what to add"},
		{"metadata of others", fileOf(`{"__metadata__":{"format":"pt"},`+goodTensors+"}", goodData), "__metadata__", "this is a plain weights file"},
		{"nothing", fileOf("{}", ""), "__metadata__", "this is a plain weights file"},
		{"metadata a string", fileOf(`{"__metadata__":"x",`+goodTensors+"}", goodData), "__metadata__", `want an object, got "x"`},
		{"metadata null", fileOf(`{"__metadata__":null}`, ""), "__metadata__", `want an object, got null`},
		{"metadata no text", header(`{"chainrule"`, `{"n":1,"chainrule"`), `__metadata__: "n"`, "want a string, got 1"},
		{"architecture as an object", fileOf(`{"__metadata__":{"chainrule":{}}}`, ""), `__metadata__: "chainrule"`, "want a string, got an object"},

		{"entry no object", header(`{"dtype":"F32","shape":[2,1],"data_offsets":[0,8]}`, `[[],1]`), `tensor "Affine1.W": entry`, "want an object, got a list of 2"},
		{"entry with more", header(`"dtype"`, `"strides":[1],"dtype"`), `tensor "Affine1.W": entry`, `got also "strides"`},
		{"no dtype", header(`"dtype":"F32",`, ``), `tensor "Affine1.W": dtype`, "want F32, got nothing"},
		{"DTYPE", header(`"dtype"`, `"DTYPE"`), `tensor "Affine1.W": dtype`, "want F32, got nothing"},
		{"float64", header(`F32`, `F64`), `tensor "Affine1.W": dtype`, "want F32, got F64: its weights are float64"},
		{"bfloat16", header(`F32`, `BF16`), `tensor "Affine1.W": dtype`, `want F32, got "BF16"`},
		{"dtype no string", header(`"F32"`, `[32]`), `tensor "Affine1.W": dtype`, `want F32, got [32]`},
		{"no shape", header(`"shape":[2,1],`, ``), `tensor "Affine1.W": shape`, "got nothing"},
		{"shape null", header(`[2,1]`, `null`), `tensor "Affine1.W": shape`, "got null"},
		{"negative axis", header(`[2,1]`, `[-2,-1]`), `tensor "Affine1.W": shape`, "want a list of integers of 0 or more, got [-2, -1]"},
		{"axis 2.0", header(`[2,1]`, `[2.0,1]`), `tensor "Affine1.W": shape`, "got [2.0, 1]"},
		{"axis true", header(`[2,1]`, `[true,1]`), `tensor "Affine1.W": shape`, "got [true, 1]"},
		{"axis over 2^63", header(`[2,1]`, `[9223372036854775808,1]`), `tensor "Affine1.W": shape`, "want a list of integers"},
		{"shape overflows", header(`[2,1]`, `[4294967296,4294967296]`), `tensor "Affine1.W": shape`, "want a number of bytes that fits an integer"},
		{"shape overflows to the size", header(`[2,1]`, `[4611686018427387906,1]`), `tensor "Affine1.W": shape`, "want a number of bytes that fits an integer"},
		{"no offsets", header(`,"data_offsets":[0,8]`, ``), `tensor "Affine1.W": data_offsets`, "want two integers of 0 or more, got nothing"},
		{"one offset", header(`[0,8]`, `[8]`), `tensor "Affine1.W": data_offsets`, "want two integers of 0 or more, got [8]"},
		{"three offsets", header(`[0,8]`, `[0,4,8]`), `tensor "Affine1.W": data_offsets`, "got [0, 4, 8]"},
		{"offset 8e0", header(`[0,8]`, `[0,8e0]`), `tensor "Affine1.W": data_offsets`, "got [0, 8e0]"},
		{"offset as text", header(`[0,8]`, `["0","8"]`), `tensor "Affine1.W": data_offsets`, `got ["0", "8"]`},
		{"negative offset", header(`[0,8]`, `[-8,0]`), `tensor "Affine1.W": data_offsets`, "got [-8, 0]"},
		{"begin after end", header(`[0,8]`, `[8,0]`), `tensor "Affine1.W": data_offsets`, "want the beginning before the end, got [8, 0]"},
		{"offsets too short", header(`[0,8]`, `[0,4]`), `tensor "Affine1.W": data_offsets`, "want the 8 bytes of shape [2, 1] in F32, got [0, 4], which is 4"},
		{"offsets too long", header(`[0,8]`, `[0,12]`), `tensor "Affine1.W": data_offsets`, "which is 12"},
		{"overlap", header(`[8,12]`, `[4,8]`), `tensor "Affine1.b": data_offsets`, "want them to begin at byte 8, where the tensor before ends, got 4"},
		{"same place", header(`[20,28]`, `[12,20]`), `tensor "Affine2.b": data_offsets`, "begin at byte 20"},
		{"hole", header(`[20,28]`, `[24,32]`), `tensor "Affine2.b": data_offsets`, "want them to begin at byte 20, where the tensor before ends, got 24"},
		{"hole in front", fileOf(`{"__metadata__":{"chainrule":""},"W":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}`, goodData), `tensor "W": data_offsets`, "begin at byte 0"},
		{"end over the file", header(`"shape":[2],"data_offsets":[20,28]`, `"shape":[500000000],"data_offsets":[20,2000000020]`), `tensor "Affine2.b": shape`, "want (2), as the architecture says, got (500000000)"},

		{"half a surrogate pair", header(`"__metadata__":{`, `"__metadata__":{"note":"\ud800",`), "header", "it is not JSON"},
		{"promised data", hugeWeights, `tensor "a.W": data_offsets`, "want 800000000 bytes of data, got 28: the file is cut off"},
		{"too many axes", header(`[2,1]`, `[2`+strings.Repeat(",1", 32)+`]`), `tensor "Affine1.W": shape`, "want at most 32 axes, got 33"},
		{"input of 33 axes", architecture(`[2]`, `[2`+strings.Repeat(",1", 32)+`]`), "architecture: input", "want at most 32 axes, got 33"},
		{"many tensors", fileOf(headerOf(goodArchitecture, numbered(100_001, `"%d":{"dtype":"F32","shape":[0],"data_offsets":[0,0]}`)), ""), "header", "want at most 100000 tensors"},
		{"many keys", fileOf(`{"__metadata__":{`+numbered(10_001, `"%d":""`)+`}}`, ""), "__metadata__", "want at most 10000 keys"},
		{"long entry", header(`"dtype"`, `"x":"`+strings.Repeat("x", 5000)+`","dtype"`), `tensor "Affine1.W": entry`, "want at most 4096 bytes"},
		{"long architecture", architecture(`"version":1`, strings.Repeat(" ", 3<<20)+`"version":1`), "architecture", "want at most 2097152 bytes"},
		{"many values", architecture(`"version":1`, `"x":[`+numbered(100_000, "%d")+`],"version":1`), "architecture", "want at most 100000 values in all its lists and objects"},
		{"many layers", fileOf(headerOf(`{"version":1,"input":[2],"layers":[`+numbered(10_001, `{"name":"%d","kind":"ReLU"}`)+`]}`, ""), ""), `layer "10000": kind`, "want at most 10000 layers in all"},
		{"digest cut", architecture(`"version":1`, `"version":1,"sha256":"00"`), "architecture: sha256", `want 64 hexadecimal digits in a string, got "00"`},
		{"digest of another file", architecture(`"version":1`, `"version":1,"sha256":"`+strings.Repeat("a1", 32)+`"`), "architecture: sha256", "the file is damaged"},
		{"architecture empty", fileOf(headerOf("", goodTensors), goodData), "architecture", "it is not JSON"},
		{"architecture a list", fileOf(headerOf("[]", goodTensors), goodData), "architecture", "want a JSON object, got []"},
		{"architecture cut", architecture(`]}`, `]`), "architecture", "it is not JSON"},
		{"field twice", architecture(`"in":2`, `"in":3,"in":2`), "architecture", `the key "in" occurs twice in "layers/0"`},
		{"no version", architecture(`"version":1,`, ``), "architecture: version", "want 1, got nothing"},
		{"version 2", architecture(`"version":1`, `"version":2,"new":0`), "architecture: version", "want 1, got 2: a newer program may have written it"},
		{"version as text", architecture(`"version":1`, `"version":"1"`), "architecture: version", `want 1, got "1"`},
		{"other field", architecture(`"version":1`, `"version":1,"author":"me"`), `architecture: "author"`, "want no such field"},
		{"no input", architecture(`"input":[2],`, ``), "architecture: input", "got nothing"},
		{"input a number", architecture(`[2]`, `2`), "architecture: input", "want the shape of one sample, such as [784], got 2"},
		{"input empty", architecture(`[2]`, `[]`), "architecture: input", "want the shape of one sample"},
		{"input 0", architecture(`[2]`, `[0]`), "architecture: input", "want lengths of 1 or more, got 0"},
		{"input huge", architecture(`[2]`, `[2,1000000000]`), "architecture: input", "of at most 268435456 elements"},
		{"input overflows", architecture(`[2]`, `[9223372036854775807,2]`), "architecture: input", "of at most 268435456 elements"},
		{"no layers", architecture(`"layers"`, `"Layers"`), "architecture: layers", "want a list of layers, got nothing"},
		{"layers an object", fileOf(headerOf(`{"version":1,"input":[2],"layers":{}}`, ""), ""), "architecture: layers", "want a list of layers, got an object"},
		{"layer a string", architecture(`{"name":"ReLU1","kind":"ReLU"}`, `"ReLU"`), "architecture: layers[1]", `want an object, got "ReLU"`},
		{"no name", architecture(`"name":"ReLU1",`, ``), "architecture: layers[1]: name", "want a string, got nothing"},
		{"name empty", architecture(`"ReLU1"`, `""`), "architecture: layers[1]: name", "want a name, got an empty one"},
		{"name with a dot", architecture(`"ReLU1"`, `"a.b"`), "architecture: layers[1]: name", `want a name without a dot, got "a.b"`},
		{"name twice", architecture(`"ReLU1"`, `"Affine1"`), "architecture: layers[1]: name", `want one that no layer before has, got "Affine1"`},
		{"no kind", architecture(`,"kind":"ReLU"`, ``), `layer "ReLU1": kind`, "got nothing"},
		{"unknown kind", architecture(`"kind":"ReLU"`, `"kind":"Swish"`), `layer "ReLU1": kind`, `want one of Affine, ReLU, `},
		{"kind a list", architecture(`"kind":"ReLU"`, `"kind":["ReLU"]`), `layer "ReLU1": kind`, `got ["ReLU"]`},
		{"field of another kind", architecture(`"kind":"ReLU"`, `"kind":"ReLU","in":2`), `layer "ReLU1": "in"`, "want no such field"},
		{"no in", architecture(`"in":2,`, ``), `layer "Affine1": in`, "want an integer, got nothing"},
		{"in 0", architecture(`"in":2`, `"in":0`), `layer "Affine1": in`, "want an integer of 1 or more, got 0"},
		{"out negative", architecture(`"out":1`, `"out":-1`), `layer "Affine1": out`, "want an integer of 1 or more, got -1"},
		{"in absurd", architecture(`"in":2`, `"in":2000000000`), `tensor "Affine1.W": shape`, "want (2000000000, 1), as the architecture says, got (2, 1)"},
		{"transposed", header(`[2,1]`, `[1,2]`), `tensor "Affine1.W": shape`, "want (2, 1), as the architecture says, got (1, 2)"},
		{"bias of two axes", header(`"shape":[1],`, `"shape":[1,1],`), `tensor "Affine1.b": shape`, "want (1), as the architecture says, got (1, 1)"},
		{"tensor missing", header(`"Affine2.W"`, `"Affine2.weight"`), `tensor "Affine2.W": name`, "want it, of shape (1, 2), for its layer"},
		{"tensor of nobody", architecture(`,{"name":"Affine2","kind":"Affine","in":1,"out":2}`, ``), `tensor "Affine2.W": name`, "got one that no layer has"},
		{"empty tensor of nobody", header(`,"Affine1.b"`, `,"x":{"dtype":"F32","shape":[0],"data_offsets":[8,8]},"Affine1.b"`), `tensor "x": name`, "got one that no layer has"},
		{"other input", architecture(`"input":[2]`, `"input":[3]`), `layer "Affine1"`, "Affine(2->1).Forward: want (N, 2) or (2), got (0, 3)"},
		{"input of two axes", architecture(`"input":[2]`, `"input":[1,2]`), `layer "Affine1"`, "got (0, 1, 2)"},
		{"layers do not fit", architecture(`{"name":"ReLU1","kind":"ReLU"},`, `{"name":"A","kind":"Affine","in":2,"out":1,"W":"Affine1.W","b":"Affine1.b"},`), `layer "A"`, "Affine(2->1).Forward: want (N, 2) or (2), got (0, 1)"},
		{"shared of nobody", architecture(`"out":2`, `"out":2,"W":"x"`), `layer "Affine2": W`, `want the name of a tensor that a layer before uses, to share it, got "x"`},
		{"shared of itself", architecture(`"out":2`, `"out":2,"W":"Affine2.W"`), `layer "Affine2": W`, `to share it, got "Affine2.W"`},
		{"shared null", architecture(`"out":2`, `"out":2,"W":null`), `layer "Affine2": W`, `to share it, got null`},
		{"shared of another shape", architecture(`"out":2`, `"out":2,"W":"Affine1.W"`), `layer "Affine2": W`, `want a tensor of shape (1, 2), got "Affine1.W", which has (2, 1)`},
		{"too deep", fileOf(headerOf(`{"version":1,"input":[2],"layers":[`+block+`]}`, ""), ""), `layer "B.B`, "want layers nested at most 32 deep"},
		{"long name", header(`,"Affine1.b"`, `,"`+strings.Repeat("é", 100_000)+`":{"dtype":"F32","shape":[0],"data_offsets":[8,8]},"Affine1.b"`), `tensor "ééééé`, "got one that no layer has"},
	}
}
