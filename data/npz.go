package data

import (
	"archive/zip"
	"fmt"
	"io"
	"slices"
	"strings"
)

// mostArrays is the largest number of arrays in an npz file.
const mostArrays = 1000

// An npz holds the arrays of samples and targets in an npz file.
type npz struct {
	x, y         *NPY
	xTest, yTest *NPY // nil if there are none
}

// npzNames are the names that the arrays may have: samples and targets to train on, then
// samples and targets to test on.
var npzNames = [][4]string{
	{"x_train", "y_train", "x_test", "y_test"}, {"X_train", "y_train", "X_test", "y_test"},
	{"x", "y", "x_test", "y_test"}, {"X", "y", "X_test", "y_test"}, {"X", "Y", "X_test", "Y_test"}, {"images", "labels"}, {"data", "labels"}, {"data", "target"},
}

// readNPZ reads the arrays of samples and targets in an npz file.
func readNPZ(f *source, name string) (*npz, error) {
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s: want a regular file, since an npz file is not read from its beginning to its end", name)
	}
	z, err := zip.NewReader(f.File, info.Size())
	if err != nil {
		return nil, fmt.Errorf("%s: it is no npz file: %w; copy it again", name, err)
	}
	if len(z.File) > mostArrays {
		return nil, fmt.Errorf("%s: want at most %d arrays, got %d", name, mostArrays, len(z.File))
	}
	files := map[string]*zip.File{}
	var names []string
	for _, file := range z.File {
		array, ok := strings.CutSuffix(file.Name, ".npy")
		if !ok || files[array] != nil {
			return nil, fmt.Errorf("%s: want arrays of different names, got %s", name, short([]byte(file.Name)))
		}
		files[array] = file
		names = append(names, array)
	}
	most := int64(f.most())
	left := most // bytes of elements, in memory: an element of one byte takes eight
	read := func(array string) (*NPY, error) {
		file := files[array]
		if file == nil {
			return nil, nil
		}
		r, err := file.Open()
		if err != nil {
			return nil, fmt.Errorf("%s: %s: %w", name, array, err)
		}
		defer r.Close()
		limited := &io.LimitedReader{R: r, N: left / 8}
		x, err := ReadNPY(limited, name+": "+array)
		if limited.N <= 0 {
			return nil, fmt.Errorf("%s: %s: want arrays of at most %d MB from a file of %d bytes; save it with numpy.savez, not compressed", name, array, most>>23, info.Size())
		}
		if x != nil {
			left -= 8 * int64(len(x.Numbers))
		}
		return x, err
	}
	pair := slices.IndexFunc(npzNames, func(p [4]string) bool { return files[p[0]] != nil && files[p[1]] != nil })
	if pair < 0 {
		return nil, fmt.Errorf("%s: want the arrays x and y, or x_train, y_train, x_test and y_test, got %s", name, list(names))
	}
	if left := otherParts(names, npzNames[pair]); len(left) > 0 {
		return nil, fmt.Errorf("%s: the arrays %s are not read; call samples and targets to test x_test and y_test, and leave out the others", name, list(left))
	}
	var a npz
	for i, to := range []**NPY{&a.x, &a.y, &a.xTest, &a.yTest} {
		if *to, err = read(npzNames[pair][i]); err != nil {
			return nil, err
		}
	}
	if (a.xTest == nil) != (a.yTest == nil) {
		return nil, fmt.Errorf("%s: want the arrays %s and %s together, got one of them alone", name, npzNames[pair][2], npzNames[pair][3])
	}
	return &a, nil
}

// otherParts returns the arrays that are named as another part of the data, and are not read.
func otherParts(names []string, read [4]string) (other []string) {
	for _, name := range names {
		for _, part := range []string{"test", "val", "valid", "validation", "dev"} {
			lower := strings.ToLower(name)
			if (strings.HasSuffix(lower, "_"+part) || strings.HasPrefix(lower, part+"_")) && !slices.Contains(read[:], name) {
				other = append(other, name)
			}
		}
	}
	return other
}
