package data

import (
	"context"
	"crypto/sha256"
	"fmt"
	"image"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/chainrule-go/chainrule/data/picture"
	"github.com/chainrule-go/chainrule/internal/inputfile"
)

// pictureNames are the endings of the names of picture files.
var pictureNames = []string{".png", ".jpg", ".jpeg", ".gif"}

// An imageFolder is a folder with a folder of pictures for each class.
type imageFolder struct {
	dir     string
	classes []string   // sorted
	files   [][]string // for each class: paths relative to dir, with slashes, sorted
	empty   []string   // folders without pictures, and links to folders
}

// openImageFolder lists the pictures of each class.
func openImageFolder(ctx context.Context, dir string) (*imageFolder, error) {
	f := &imageFolder{dir: dir}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	for _, class := range entries {
		name := class.Name()
		info, err := os.Stat(filepath.Join(dir, name)) // of what a link leads to
		if strings.HasPrefix(name, ".") || err != nil || !info.IsDir() {
			continue
		}
		var files []string
		if class.IsDir() {
			if files, err = picturesBelow(ctx, dir, name); err != nil {
				return nil, err
			}
		}
		if len(files) == 0 {
			f.empty = append(f.empty, name)
			continue
		}
		f.classes = append(f.classes, name)
		f.files = append(f.files, files)
	}
	if len(f.classes) == 0 {
		return nil, fmt.Errorf("the folder %s has no folders with pictures; want one for each class, named after it, with PNG, JPEG or GIF files (or the four files of MNIST)", dir)
	}
	return f, nil
}

// Pictures returns the paths of the pictures in a folder and in the folders inside it, sorted by
// name: the files that [Load] takes as PNG, JPEG or GIF. It is an error if there are none.
func Pictures(ctx context.Context, dir string) ([]string, error) {
	files, err := picturesBelow(ctx, dir, ".")
	if err == nil && len(files) == 0 {
		err = fmt.Errorf("the folder %s has no pictures; want PNG, JPEG or GIF files in it", dir)
	}
	for i, file := range files {
		files[i] = filepath.Join(dir, filepath.FromSlash(file))
	}
	return files, err
}

// picturesBelow lists the pictures in a folder of dir, with paths relative to dir and with
// slashes. It leaves out hidden files and files whose names are not names of pictures, and does
// not follow links to folders.
func picturesBelow(ctx context.Context, dir, folder string) (files []string, err error) {
	err = fs.WalkDir(os.DirFS(dir), folder, func(file string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case ctx.Err() != nil:
			return ctx.Err()
		case entry.IsDir():
			if strings.HasPrefix(entry.Name(), ".") && file != folder {
				return fs.SkipDir
			}
		case !strings.HasPrefix(entry.Name(), ".") && slices.Contains(pictureNames, strings.ToLower(path.Ext(file))):
			if t := entry.Type(); !t.IsRegular() && t != fs.ModeSymlink { // to read a pipe could wait without end
				return fmt.Errorf("%s is neither a file nor a link; remove it", filepath.Join(dir, file))
			}
			files = append(files, file)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("reading the folder %s: %w", filepath.Join(dir, folder), err)
	}
	return files, nil
}

// read reads all pictures as bytes. Settings that image leaves open are taken from the first
// picture. If same is set, all pictures must have the size in image; otherwise they are scaled
// to it. The classes must be in want; if want is nil, they are the folders.
func (f *imageFolder) read(ctx context.Context, image *Image, want []string, same bool, sums *fileSums) (pixels []byte, labels []int, err error) {
	if len(want) == 0 {
		want = f.classes
	}
	inferred, first := image.Channels == 0, ""
	for i, class := range f.classes {
		label, err := f.label(class, want)
		if err != nil {
			return nil, nil, err
		}
		for _, file := range f.files[i] {
			at := f.path(file)
			if same && first == "" {
				first = at
			}
			some, err := readPicture(ctx, at, file, image, first, inferred, sums)
			if err != nil {
				return nil, nil, err
			}
			if pixels == nil {
				if count := f.count(); len(some) > mostPixels/count {
					return nil, nil, fmt.Errorf("%s: %d pictures of %d x %d x %d are %d bytes; want at most %d; give a smaller --size, or fewer pictures", f.dir, count, image.Width, image.Height, image.Channels, int64(count)*int64(len(some)), mostPixels)
				}
			}
			pixels = append(pixels, some...)
			labels = append(labels, label)
		}
	}
	return pixels, labels, nil
}

// label returns the index of a class in want.
func (f *imageFolder) label(class string, want []string) (int, error) {
	label := slices.Index(want, class)
	if label < 0 {
		return 0, fmt.Errorf("%s: want one of the classes %s, got the folder %q; rename or remove it", f.dir, list(want), class)
	}
	return label, nil
}

// count returns the number of all pictures.
func (f *imageFolder) count() (n int) {
	for _, files := range f.files {
		n += len(files)
	}
	return n
}

// path returns the path of a file.
func (f *imageFolder) path(file string) string {
	return filepath.Join(f.dir, filepath.FromSlash(file))
}

// readPicture reads a picture as bytes. Settings that form leaves open are taken from this
// picture. If first, the name of the first picture, is not empty, another size is an error.
func readPicture(ctx context.Context, at, name string, form *Image, first string, inferred bool, sums *fileSums) ([]byte, error) {
	img, err := decodePicture(ctx, at, name, sums)
	if err != nil {
		return nil, err
	}
	b := img.Bounds()
	if form.Channels == 0 {
		form.Channels = 3
		if picture.Grey(img) {
			form.Channels = 1
		}
	}
	if inferred && form.Channels == 1 && !picture.Grey(img) {
		return nil, fmt.Errorf("%s: the picture is in color, and those before it are grey; choose with --channels 3 (all in color) or 1 (all grey)", at)
	}
	if form.Height == 0 {
		form.Height, form.Width = b.Dy(), b.Dx()
		if max(b.Dx(), b.Dy()) > longestSide {
			return nil, fmt.Errorf("%s: the picture has %d x %d pixels, at most %d on a side are taken; give a size to scale it to (--size 32x32)", at, b.Dx(), b.Dy(), longestSide)
		}
	} else if first != "" && (b.Dx() != form.Width || b.Dy() != form.Height) {
		return nil, fmt.Errorf("%s: the picture has %d x %d pixels, and %s has %d x %d; give a size to scale all to (--size 32x32)", at, b.Dx(), b.Dy(), first, form.Width, form.Height)
	}
	pixels, err := picture.Resize(img, form.Width, form.Height, form.Channels)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", at, err)
	}
	return pixels, nil
}

func decodePicture(ctx context.Context, at, name string, sums *fileSums) (image.Image, error) {
	in, err := inputfile.Open(ctx, at)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	sum := sha256.New()
	r := io.TeeReader(in, sum)
	img, err := picture.Decode(r, at)
	if err != nil {
		return nil, err
	}
	if _, err := io.Copy(io.Discard, r); err != nil { // bytes after the picture
		return nil, fmt.Errorf("reading %s: %w", at, err)
	}
	sums.add(name, sum)
	return img, nil
}
