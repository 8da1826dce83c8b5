package safetensors

import (
	"crypto/sha256"
	"encoding/binary"
	"io"
	"slices"

	"github.com/chainrule-go/chainrule/tensor"
)

// ReadData reads the data of the entries from r, to its end, into the tensors of their
// names, whose shapes are those of the entries. It returns the SHA-256 of each.
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

// chunk is how many elements are converted at a time.
const chunk = 1 << 14

// writeData writes elements as their bytes.
func writeData[T tensor.Float](w io.Writer, data []T) (err error) {
	var buf []byte
	for part := range slices.Chunk(data, chunk) {
		if buf, err = binary.Append(buf[:0], binary.LittleEndian, part); err != nil {
			return err
		}
		if _, err := w.Write(buf); err != nil {
			return err
		}
	}
	return nil
}

// readData reads n elements, or fewer and an io.ErrUnexpectedEOF if r ends before. Its
// memory grows with what arrives.
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
		if _, err := binary.Decode(buf[:got/size*size], binary.LittleEndian, data[len(data)-got/size:]); err != nil {
			return data, err
		}
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

// upTo reads n bytes, or fewer if r ends before.
func upTo(r io.Reader, n int) ([]byte, error) {
	return io.ReadAll(io.LimitReader(r, int64(n)))
}
