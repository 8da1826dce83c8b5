package picture

import (
	"bufio"
	"bytes"
	"fmt"
	"image"
	"image/gif"
	"image/jpeg"
	"image/png"
	"io"
)

// The limits of a picture. docs/LIMITS.md has the reasons.
const (
	maxFile   = 64 << 20 // bytes of a file
	maxPixels = 64 << 20 // the pixels of a large photo
	maxScans  = 100      // of a JPEG: a progressive one usually has 10, any other at most 4

	// Decoding may take freeMemory, and perByte for each byte of the file. A small file may
	// state a large size, and a large picture may compress well; photos need much less than
	// this limit.
	freeMemory = 64 << 20
	perByte    = 32
)

// Decode reads a PNG, JPEG or GIF picture; its first bytes decide which. For a GIF it
// returns the first frame. The name is for error messages.
//
// The cost is known before memory is allocated for pixels. A file has at most 64 MiB and 64
// Mi pixels, decoding takes at most 64 MiB and 32 bytes for each byte of the file, and a
// JPEG has at most 100 scans; anything more is an error. The orientation that cameras write
// into EXIF is not applied: a picture that was taken with the camera on its side stays on
// its side.
func Decode(r io.Reader, name string) (image.Image, error) {
	in := bufio.NewReader(r)
	magic, err := in.Peek(8)
	if err != nil && err != io.EOF {
		return nil, fmt.Errorf("%s: %w", name, err)
	}

	// This is not image.Decode, which accepts what other imports of the program register.
	var config func(io.Reader) (image.Config, error)
	var decode func(io.Reader) (image.Image, error)
	var measure func([]byte) cost
	switch {
	case len(magic) == 0:
		return nil, fmt.Errorf("%s: the file is empty; name a PNG, JPEG or GIF picture", name)
	case bytes.HasPrefix(magic, []byte("\x89PNG\r\n\x1a\n")):
		config, decode, measure = png.DecodeConfig, png.Decode, pngCost
	case bytes.HasPrefix(magic, []byte("\xff\xd8\xff")):
		config, decode, measure = jpeg.DecodeConfig, jpeg.Decode, jpegCost
	case bytes.HasPrefix(magic, []byte("GIF87a")), bytes.HasPrefix(magic, []byte("GIF89a")):
		config, decode, measure = gif.DecodeConfig, gif.Decode, gifCost
	default:
		return nil, fmt.Errorf("%s: neither a PNG nor a JPEG nor a GIF picture (it begins with %q); convert it to PNG", name, magic)
	}

	file, err := io.ReadAll(io.LimitReader(in, maxFile+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("%s: %w", name, err)
	case len(file) > maxFile:
		return nil, fmt.Errorf("%s: the file is larger than %d MB; scale the picture down or save it as JPEG", name, maxFile>>20)
	}
	size, err := config(bytes.NewReader(file))
	switch {
	case err != nil:
		return nil, broken(name, err)
	case size.Width <= 0 || size.Height <= 0:
		return nil, fmt.Errorf("%s: the picture has no pixels: %d x %d", name, size.Width, size.Height)
	case int64(size.Width)*int64(size.Height) > maxPixels:
		return nil, fmt.Errorf("%s: the picture is too large: %d x %d pixels, at most %d million; scale it down", name, size.Width, size.Height, maxPixels/1_000_000)
	}
	c := measure(file)
	if most := int64(freeMemory + perByte*len(file)); c.memory > most {
		return nil, fmt.Errorf("%s: %d x %d pixels would take %d MB of memory, and a file of %d bytes may take %d MB; scale the picture down",
			name, size.Width, size.Height, c.memory>>20, len(file), most>>20)
	}
	if c.scans > maxScans {
		return nil, fmt.Errorf("%s: the picture has %d scans, at most %d; save it again, not progressive", name, c.scans, maxScans)
	}
	img, err := decode(bytes.NewReader(file))
	if err != nil {
		return nil, broken(name, err)
	}
	return img, nil
}

// broken returns the error of the decoder, which often does not distinguish a truncated
// file from a damaged one.
func broken(name string, err error) error {
	return fmt.Errorf("%s: the picture cannot be decoded; it may be truncated, damaged or of a rare kind (%w); copy it again or save it as PNG", name, err)
}
