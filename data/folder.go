package data

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/chainrule-go/chainrule/data/picture"
	"github.com/chainrule-go/chainrule/tensor"
)

// trainFolder opens the folder of pictures to train on: dir, or the folder train in it. In the
// second case it names the folders of the other parts in o, unless o has others.
func trainFolder(ctx context.Context, dir string, o *Options) (*imageFolder, error) {
	images := dir
	if at := filepath.Join(dir, "train"); isDir(at) {
		images = at
		for _, part := range []struct {
			folder string
			share  *float64
			to     *string
		}{{"validation", &o.Validation, &o.ValidationPath}, {"val", &o.Validation, &o.ValidationPath}, {"test", &o.Test, &o.TestPath}} {
			if at := filepath.Join(dir, part.folder); isDir(at) && *part.to == "" {
				*part.to, *part.share = at, 0
			}
		}
		beside, _ := os.ReadDir(dir)
		for _, e := range beside {
			if e.IsDir() && !strings.HasPrefix(e.Name(), ".") && !slices.Contains([]string{"train", "validation", "val", "test"}, e.Name()) {
				return nil, fmt.Errorf("%s is neither train, validation nor test, and would be left out; rename or remove it", filepath.Join(dir, e.Name()))
			}
		}
	}
	f, err := openImageFolder(ctx, images)
	if err != nil {
		return nil, err
	}
	if len(f.empty) > 0 {
		return nil, fmt.Errorf("the folder %s has no PNG, JPEG or GIF files, or is a link, which is not followed; put pictures in it, or remove it", filepath.Join(images, f.empty[0]))
	}
	if len(f.classes) < 2 {
		return nil, fmt.Errorf("%s: want 2 classes or more, got the folder %s alone", images, f.classes[0])
	}
	if err := distinct("classes", f.classes, mostClasses); err != nil {
		return nil, fmt.Errorf("%s: %w", images, err)
	}
	return f, nil
}

func isDir(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

func loadFolder[T tensor.Float](ctx context.Context, dir string, o Options) (*Parts[T], error) {
	f, err := trainFolder(ctx, dir, &o)
	if err != nil {
		return nil, err
	}
	var sums fileSums
	p := &Preparation{Image: &Image{Height: o.Height, Width: o.Width, Channels: o.Channels}, Classes: f.classes}
	// Without a size, all pictures must have the same; with one, they are scaled to it.
	pixels, labels, err := f.read(ctx, p.Image, nil, o.Height == 0, &sums)
	if err != nil {
		return nil, err
	}
	return finish(ctx, pixelParts[T](p, pixels, labels, o), dir, o, &sums)
}

// A FolderSummary says what is in a folder of pictures: in the folder train in it, if there is
// one.
type FolderSummary struct {
	Classes    []ClassSummary `json:"classes"`
	Validation string         `json:"validation,omitempty"` // the folder of that part; "" if there is none
	Test       string         `json:"test,omitempty"`
	Colored    int            `json:"colored"`  // pictures that are not grey
	OneSize    bool           `json:"one_size"` // all have one size, and need not be scaled
}

// A ClassSummary describes the pictures of a class. Its size is the size of the first picture.
type ClassSummary struct {
	Name     string `json:"name"`
	Pictures int    `json:"pictures"`
	Width    int    `json:"width"`
	Height   int    `json:"height"`
}

// DescribeFolder summarizes a folder that has a folder of pictures for each class. It reads all
// pictures, and refuses a folder that [Load] refuses with any options.
func DescribeFolder(ctx context.Context, dir string) (*FolderSummary, error) {
	var o Options
	f, err := trainFolder(ctx, dir, &o)
	if err != nil {
		return nil, err
	}
	s := &FolderSummary{Validation: o.ValidationPath, Test: o.TestPath, OneSize: true}
	for i, class := range f.classes {
		for k, file := range f.files[i] {
			img, err := decodePicture(ctx, f.path(file), file, nil)
			if err != nil {
				return nil, err
			}
			width, height := img.Bounds().Dx(), img.Bounds().Dy()
			if k == 0 {
				s.Classes = append(s.Classes, ClassSummary{class, len(f.files[i]), width, height})
			}
			if first := s.Classes[0]; width != first.Width || height != first.Height || max(width, height) > longestSide {
				s.OneSize = false
			}
			if !picture.Grey(img) {
				s.Colored++
			}
		}
	}
	for _, part := range []string{s.Validation, s.Test} {
		if part == "" {
			continue
		}
		if err := checkPart(ctx, part, f.classes); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// checkPart reads the folder of a part, which has pictures of some of the classes.
func checkPart(ctx context.Context, dir string, classes []string) error {
	f, err := openImageFolder(ctx, dir)
	if err != nil {
		return err
	}
	for i, class := range f.classes {
		if _, err := f.label(class, classes); err != nil {
			return err
		}
		for _, file := range f.files[i] {
			if _, err := decodePicture(ctx, f.path(file), file, nil); err != nil {
				return err
			}
		}
	}
	return nil
}
