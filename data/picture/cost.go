package picture

import "encoding/binary"

// A cost is what decoding a file takes, in addition to the file itself.
type cost struct {
	memory int64 // bytes for pixels and coefficients, at most
	scans  int   // how often a JPEG goes over its pixels
}

// pngCost reads the chunks of a PNG up to its pixels. The size must have been checked. The
// decoder skips all text and profiles without decompressing them.
func pngCost(file []byte) cost {
	const header = 8 + 8 + 13 // signature, length and type, IHDR
	if len(file) < header {
		return cost{}
	}
	ihdr := file[16:header]
	width, height := int64(binary.BigEndian.Uint32(ihdr)), int64(binary.BigEndian.Uint32(ihdr[4:]))
	depth, kind, interlaced := int64(ihdr[8]), ihdr[9], ihdr[12] != 0
	perPixel := max(depth/8, 1) // gray, or a palette
	if kind != 0 && kind != 3 || kind == 0 && pngTransparent(file) {
		perPixel *= 4 // the decoder uses 4 bytes for any color
	}
	if interlaced {
		perPixel *= 2 // each pass is decoded into memory of its own
	}
	return cost{memory: width * (height + 2) * perPixel, scans: 1} // two rows are decoded at a time
}

// gifCost returns the cost of a GIF. The size must have been checked: no frame is larger, and a
// pixel is a byte. An interlaced frame is decoded twice.
func gifCost(file []byte) cost {
	if len(file) < 10 {
		return cost{}
	}
	width, height := int64(binary.LittleEndian.Uint16(file[6:])), int64(binary.LittleEndian.Uint16(file[8:]))
	return cost{memory: 2 * width * height, scans: 1}
}

// pngTransparent reports whether a tRNS chunk comes before the pixels.
func pngTransparent(file []byte) bool {
	for rest := file[8:]; len(rest) >= 8; {
		length, kind := binary.BigEndian.Uint32(rest), string(rest[4:8])
		if kind == "tRNS" || kind == "IDAT" {
			return kind == "tRNS"
		}
		if int64(length)+12 > int64(len(rest)) {
			break
		}
		rest = rest[length+12:]
	}
	return false
}

// The markers of a JPEG that matter here (ITU-T T.81, table B.1).
const (
	sof0, sof2 = 0xc0, 0xc2 // baseline to progressive
	rst0, rst7 = 0xd0, 0xd7
	eoi, sos   = 0xd9, 0xda
)

// jpegCost walks through the segments of a JPEG. The size must have been checked. In the
// data of a scan, 0xff is followed by 0 or is a marker. So each marker is seen, and the
// decoder sees no other: it stops at a marker that it does not expect.
func jpegCost(file []byte) cost {
	var c cost
	for at := 2; ; {
		for at < len(file) && file[at] != 0xff {
			at++
		}
		for at < len(file) && file[at] == 0xff {
			at++
		}
		if at >= len(file) {
			return c
		}
		marker := file[at]
		at++
		switch {
		case marker == 0 || rst0 <= marker && marker <= rst7:
			continue
		case marker == eoi || at+2 > len(file):
			return c
		}
		end := at + int(binary.BigEndian.Uint16(file[at:]))
		if end < at+2 || end > len(file) {
			return c
		}
		switch {
		case marker == sos:
			c.scans++
		case sof0 <= marker && marker <= sof2 && c.memory == 0:
			c.memory = frameMemory(file[at+2:end], marker == sof2)
		}
		at = end
	}
}

// frameMemory returns the memory for the pixels of a frame: a byte for each sample; four
// more for each coefficient of a progressive frame, since all its scans add to them; and
// four for each pixel of the result if there are four components. It is 0 for a damaged
// frame, which the decoder refuses.
func frameMemory(frame []byte, progressive bool) int64 {
	if len(frame) < 6 || len(frame) != 6+3*int(frame[5]) || frame[5] == 0 {
		return 0
	}
	height, width := int64(binary.BigEndian.Uint16(frame[1:])), int64(binary.BigEndian.Uint16(frame[3:]))
	components := int(frame[5])
	var blocks, across, down int64 // of 8x8 samples, in a unit that all components fill
	for i := range components {
		h, v := int64(frame[7+3*i]>>4), int64(frame[7+3*i]&15)
		if i == 0 {
			across, down = h, v
		}
		blocks += h * v
	}
	if across == 0 || down == 0 {
		return 0
	}
	units := ((width + 8*across - 1) / (8 * across)) * ((height + 8*down - 1) / (8 * down))
	perSample := int64(1)
	if progressive {
		perSample += 4
	}
	memory := units * blocks * 64 * perSample
	if components == 4 {
		memory += 4 * width * height
	}
	return memory
}
