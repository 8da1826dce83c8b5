package picture

import (
	"bufio"
	"bytes"
	"fmt"
	"image"
	"image/jpeg"
	"image/png"
	"io"
)

const (
	maxPixels = 64_000_000    // a large photo; beyond, a small file could ask for any amount of memory
	maxBytes  = 8 * maxPixels // the pixels at their largest, 16 bits of R, G, B and A each, uncompressed
	maxHead   = 16 << 20      // what is kept of a file until its size in pixels is known: photos put previews there
)

// Decode reads a PNG or JPEG picture, whichever its first bytes say it is. The
// name is for error messages.
//
// The size is looked at before anything of that size is allocated: a picture of
// more than 64 million pixels is an error, and so is one that goes on for longer
// than its pixels could need. The orientation that cameras note in EXIF is not
// applied: a picture taken with the camera on its side stays on its side.
func Decode(r io.Reader, name string) (image.Image, error) {
	limit := &io.LimitedReader{R: r, N: maxBytes}
	in := bufio.NewReader(limit)
	magic, err := in.Peek(8)
	if err != nil && err != io.EOF {
		return nil, fmt.Errorf("%s: %w", name, err)
	}

	// Not image.Decode: what that accepts depends on what else the program imports.
	var config func(io.Reader) (image.Config, error)
	var decode func(io.Reader) (image.Image, error)
	switch {
	case len(magic) == 0:
		return nil, fmt.Errorf("%s: the file is empty; a PNG or JPEG picture is wanted", name)
	case bytes.HasPrefix(magic, []byte("\x89PNG\r\n\x1a\n")):
		config, decode = png.DecodeConfig, png.Decode
	case bytes.HasPrefix(magic, []byte("\xff\xd8\xff")):
		config, decode = jpeg.DecodeConfig, jpeg.Decode
	default:
		return nil, fmt.Errorf("%s: neither a PNG nor a JPEG picture (it begins with %q); convert it to PNG", name, magic)
	}

	var head bytes.Buffer // what config reads, for decode to read again
	size, err := config(io.TeeReader(io.LimitReader(in, maxHead), &head))
	switch {
	case err != nil && head.Len() >= maxHead:
		return nil, fmt.Errorf("%s: the first %d MB do not say how large the picture is; save it again without its previews and profiles", name, maxHead>>20)
	case err != nil:
		return nil, broken(name, err)
	case size.Width <= 0 || size.Height <= 0:
		return nil, fmt.Errorf("%s: the picture has no pixels: %d x %d", name, size.Width, size.Height)
	case int64(size.Width)*int64(size.Height) > maxPixels:
		return nil, fmt.Errorf("%s: the picture is too large: %d x %d pixels, at most %d million; scale it down", name, size.Width, size.Height, maxPixels/1_000_000)
	}

	img, err := decode(io.MultiReader(&head, in))
	switch {
	case err != nil && limit.N <= 0:
		return nil, fmt.Errorf("%s: the picture goes on after %d MB, more than its pixels can need; save it again", name, maxBytes/1_000_000)
	case err != nil:
		return nil, broken(name, err)
	}
	return img, nil
}

// broken passes on what the decoder says, which seldom tells a file that ends too
// soon from one that is damaged.
func broken(name string, err error) error {
	return fmt.Errorf("%s: the picture cannot be decoded, it may be truncated, damaged or of a rare kind (%w); copy it again or save it as PNG", name, err)
}
