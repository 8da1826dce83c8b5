package safetensors

import (
	"crypto/sha256"
	"encoding/binary"
	"io"
	"math"

	"github.com/chainrule-go/chainrule/tensor"
)

// ReadData reads the data of the entries from r, to its end, into the tensors with the same
// names, which have the shapes of the entries. It returns the SHA-256 of each tensor.
func ReadData[T tensor.Float](r io.Reader, entries []Entry, tensors map[string]*tensor.Tensor[T]) (map[string][sha256.Size]byte, error) {
	sums := map[string][sha256.Size]byte{}
	c := &counter{r: r}
	for _, e := range entries {
		n, _ := tensor.Size(e.Shape...)
		sum := sha256.New()
		data, err := readData[T](io.TeeReader(c, sum), n)
		tensors[e.Name].Data = data
		if err == io.ErrUnexpectedEOF {
			return nil, Fail(e.Field("data_offsets"), "want %d bytes of data, got %d: the file is cut off", e.End, c.n)
		} else if err != nil {
			return nil, err
		}
		sums[e.Name] = [sha256.Size]byte(sum.Sum(nil))
	}
	more, err := upTo(r, 1)
	if err != nil {
		return nil, err
	}
	if len(more) > 0 {
		return nil, Fail("data", "want the end of the file after the %d bytes of the tensors, got more", c.n)
	}
	return sums, nil
}

// counter counts the bytes that are read.
type counter struct {
	r io.Reader
	n int
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += n
	return n, err
}

// chunk is the number of elements that are converted at a time.
const chunk = 1 << 14

// writeData writes elements as their bytes.
func writeData[T tensor.Float](w io.Writer, data []T) error {
	_, size := Elements[T]()
	buf := make([]byte, size*min(len(data), chunk))
	for len(data) > 0 {
		n := min(len(data), chunk)
		encode(buf, data[:n])
		if _, err := w.Write(buf[:size*n]); err != nil {
			return err
		}
		data = data[n:]
	}
	return nil
}

// encode writes the bytes of elements to buf. [binary.Encode] takes three times as long,
// because it calls an interface for each element.
func encode[T tensor.Float](buf []byte, data []T) {
	switch data := any(data).(type) {
	case []float32:
		buf = buf[:4*len(data)]
		for i, v := range data {
			binary.LittleEndian.PutUint32(buf[4*i:4*i+4], math.Float32bits(v))
		}
	case []float64:
		buf = buf[:8*len(data)]
		for i, v := range data {
			binary.LittleEndian.PutUint64(buf[8*i:8*i+8], math.Float64bits(v))
		}
	}
}

// decode sets elements from the bytes in buf.
func decode[T tensor.Float](buf []byte, data []T) {
	switch data := any(data).(type) {
	case []float32:
		buf = buf[:4*len(data)]
		for i := range data {
			data[i] = math.Float32frombits(binary.LittleEndian.Uint32(buf[4*i : 4*i+4]))
		}
	case []float64:
		buf = buf[:8*len(data)]
		for i := range data {
			data[i] = math.Float64frombits(binary.LittleEndian.Uint64(buf[8*i : 8*i+8]))
		}
	}
}

// readData reads n elements. If r ends before, it returns fewer, and an
// io.ErrUnexpectedEOF. Its memory grows with the bytes that arrive.
func readData[T tensor.Float](r io.Reader, n int) (data []T, err error) {
	_, size := Elements[T]()
	buf := make([]byte, size*min(n, chunk))
	for len(data) < n {
		part := min(n-len(data), chunk)
		if cap(data)-len(data) < part {
			grown := make([]T, len(data), min(n, max(2*len(data), part)))
			copy(grown, data)
			data = grown
		}
		got, err := io.ReadFull(r, buf[:size*part])
		data = data[:len(data)+got/size]
		decode(buf, data[len(data)-got/size:])
		switch err {
		case nil:
		case io.EOF, io.ErrUnexpectedEOF:
			return data, io.ErrUnexpectedEOF
		default:
			return data, err
		}
	}
	return data, nil
}

// upTo reads n bytes. If r ends before, it returns fewer.
func upTo(r io.Reader, n int) ([]byte, error) {
	return io.ReadAll(io.LimitReader(r, int64(n)))
}
