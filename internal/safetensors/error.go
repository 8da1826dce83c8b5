package safetensors

import (
	"fmt"

	"github.com/chainrule-go/chainrule/internal/strictjson"
)

// An Error says where and how a file does not follow its format.
type Error struct {
	Field   string // the part of the file, such as `tensor "Affine1.W": data_offsets`
	Problem string // what is wrong there, and what to do if that is known
	Err     error  // the reason, such as a *[tensor.ShapeError]; or nil
}

func (e *Error) Error() string { return e.Field + ": " + e.Problem }

// Unwrap returns e.Err.
func (e *Error) Unwrap() error { return e.Err }

// Fail returns an [Error] without an Err.
func Fail(field, problem string, args ...any) error {
	return &Error{Field: strictjson.Clip(field), Problem: strictjson.Clip(fmt.Sprintf(problem, args...))}
}
