package tensorboard

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"google.golang.org/protobuf/encoding/protowire"
)

// A Writer writes an event file. Each Write writes one whole record. So if a program is
// killed, at most one record is cut off, which TensorBoard ignores.
type Writer struct {
	Now func() time.Time // the clock of the events

	w io.Writer
}

// Create makes a new event file in a folder, and the folder if it is missing. first is the
// first step for which Write is called. If a run continues after step s, first is s+1, and
// TensorBoard then ignores what earlier files in the folder say about that step and later
// ones.
func Create(dir string, first int) (*Writer, error) {
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return nil, err
	}
	// TensorBoard reads the files in the order of their names.
	for start, i := time.Now().Unix(), 0; ; i++ {
		path := filepath.Join(dir, fmt.Sprintf("events.out.tfevents.%010d.%04d", start, i))
		f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o666)
		if errors.Is(err, fs.ErrExist) {
			continue
		} else if err != nil {
			return nil, err
		}
		w, err := NewWriter(f, first)
		if err != nil {
			f.Close()
			return nil, err
		}
		return w, nil
	}
}

// NewWriter begins an event file on w. first is the first step, as in [Create].
func NewWriter(w io.Writer, first int) (*Writer, error) {
	writer := &Writer{Now: time.Now, w: w}
	return writer, writer.begin(first)
}

// The fields of the message Event of tensorboard/compat/proto/event.proto.
const (
	fieldTime    protowire.Number = 1
	fieldStep    protowire.Number = 2
	fieldVersion protowire.Number = 3
	fieldSummary protowire.Number = 5
	fieldSession protowire.Number = 7
)

func (w *Writer) begin(first int) error {
	if err := w.write(appendString(w.event(0), fieldVersion, "brain.Event:2")); err != nil {
		return err
	}
	start := protowire.AppendVarint(protowire.AppendTag(nil, 1, protowire.VarintType), 1) // SessionLog.START
	e := protowire.AppendTag(w.event(first), fieldSession, protowire.BytesType)
	return w.write(protowire.AppendBytes(e, start))
}

// Write writes the values of a step, which is 0 or more. A name is not empty, and is UTF-8.
func (w *Writer) Write(step int, values ...Value) error {
	if step < 0 {
		return fmt.Errorf("tensorboard: want a step of 0 or more, got %d", step)
	}
	var summary []byte
	for _, v := range values {
		summary = protowire.AppendTag(summary, 1, protowire.BytesType)
		summary = protowire.AppendBytes(summary, v.message)
	}
	e := protowire.AppendTag(w.event(step), fieldSummary, protowire.BytesType)
	return w.write(protowire.AppendBytes(e, summary))
}

// event is the beginning of an Event.
func (w *Writer) event(step int) []byte {
	e := appendDouble(nil, fieldTime, float64(w.Now().UnixMicro())/1e6)
	if step != 0 {
		e = protowire.AppendTag(e, fieldStep, protowire.VarintType)
		e = protowire.AppendVarint(e, uint64(step))
	}
	return e
}

// Close closes the file that Create opened.
func (w *Writer) Close() error {
	if c, ok := w.w.(io.Closer); ok {
		return c.Close()
	}
	return nil
}

// write frames a message as a record of TensorFlow's TFRecord format: its length, the
// checksum of the length, the message, and its checksum.
func (w *Writer) write(message []byte) error {
	record := binary.LittleEndian.AppendUint64(make([]byte, 0, len(message)+16), uint64(len(message)))
	record = binary.LittleEndian.AppendUint32(record, checksum(record))
	record = append(record, message...)
	record = binary.LittleEndian.AppendUint32(record, checksum(message))
	_, err := w.w.Write(record)
	return err
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// checksum is the CRC-32C, rotated right by 15 bits and with a constant added, so that the
// checksum of data that contain checksums is also a good one.
func checksum(b []byte) uint32 {
	c := crc32.Checksum(b, castagnoli)
	return (c>>15 | c<<17) + 0xa282ead8
}
