package main

import (
	"bytes"
	"fmt"
	"go/format"
	"os"
	"slices"
	"strings"
)

// kernels are all kernels, in the order in which they were first written.
var kernels []*kernel

// A kernel is a function that there is for some targets and elements.
type kernel struct {
	function
	variants []variant
}

// record adds a variant of a kernel.
func record(f function, v variant) {
	i := slices.IndexFunc(kernels, func(k *kernel) bool { return k.kernel == f.kernel })
	if i < 0 {
		i = len(kernels)
		kernels = append(kernels, &kernel{function: f})
	}
	kernels[i].variants = append(kernels[i].variants, v)
}

// dispatch writes a file of functions that call the kernels for registers of some
// widths.
func dispatch(file, constraint string, bits ...int) error {
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s\n\n//go:build %s\n\npackage kernel\n\n", generated, constraint)
	fmt.Fprintf(&b, "// Each function calls the kernel of its name, documented at the declaration, with n\n// the length of the first slice. It reports whether there is one for T on this\n// processor.\n")
	for _, k := range kernels {
		k.dispatch(&b, bits)
	}
	source, err := format.Source(b.Bytes())
	if err != nil {
		return err
	}
	return os.WriteFile(file, source, 0o644)
}

func (k *kernel) dispatch(b *bytes.Buffer, bits []int) {
	given := []string{strings.Join(k.slices, ", ") + " []T"}
	for _, p := range k.params {
		if p.name != "n" {
			given = append(given, p.name+" "+p.of)
		}
	}
	result, none := "bool", "false"
	if k.returns != "" {
		result, none = "("+k.returns+", bool)", "0, false"
	}
	fmt.Fprintf(b, "\nfunc %sAsm[T Float](%s) %s {\n", k.kernel, strings.Join(given, ", "), result)
	var cases []string
	for _, v := range k.variants {
		if slices.Contains(bits, v.bits) {
			cases = append(cases, k.call(v))
		}
	}
	if len(cases) > 0 {
		fmt.Fprintf(b, "switch pathOf[T]() {\n%s}\n", strings.Join(cases, ""))
	}
	fmt.Fprintf(b, "return %s\n}\n", none)
}

// call is the case of a switch, in which a variant is called.
func (k *kernel) call(v variant) string {
	var arguments []string
	for _, s := range k.slices {
		arguments = append(arguments, fmt.Sprintf("p%d(%s)", 8*v.size, s))
	}
	for _, p := range k.params {
		switch {
		case p.name == "n":
			arguments = append(arguments, "len("+k.slices[0]+")")
		case p.of == "T":
			arguments = append(arguments, v.name+"("+p.name+")")
		default:
			arguments = append(arguments, p.name)
		}
	}
	call := fmt.Sprintf("%s(%s)", k.title(v), strings.Join(arguments, ", "))
	if k.returns == "T" {
		call = "T(" + call + ")"
	}
	if k.returns != "" {
		return fmt.Sprintf("case on%d%s:\nreturn %s, true\n", v.bits, v.suffix, call)
	}
	return fmt.Sprintf("case on%d%s:\n%s\nreturn true\n", v.bits, v.suffix, call)
}
