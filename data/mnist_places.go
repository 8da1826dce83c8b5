package data

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/chainrule-go/chainrule/internal/atomicfile"
	"github.com/chainrule-go/chainrule/internal/inputfile"
)

// Time limits: 12 MB take minutes on a slow connection.
const (
	goTimeout   = 5 * time.Minute
	httpTimeout = 5 * time.Minute
)

// An mnistPlace is a place that may have the files.
type mnistPlace struct {
	name string // with an article, since a message continues with what is wrong there
	open opener
}

// An opener opens a file, compressed or not, and returns its name for messages. If
// the file is not there, the error is errMissing. It is called concurrently.
type opener func(context.Context, mnistFile) (io.ReadCloser, string, error)

func (s MNISTSource) cacheDir() (string, error) {
	if s.Cache != "" {
		return s.Cache, nil
	}
	dir, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	return filepath.Join(dir, "chainrule", s.of.name), nil
}

// places returns the places to look in, in order.
func (s MNISTSource) places(cache string, cacheErr error) []mnistPlace {
	places := []mnistPlace{{"the cache " + cache, openIn(cache, asKept, os.Lstat)}}
	if cacheErr != nil {
		places[0] = mnistPlace{"the cache", func(context.Context, mnistFile) (io.ReadCloser, string, error) {
			return nil, "", fmt.Errorf("has no folder: %w", cacheErr)
		}}
	}
	if s.of.system != "" {
		places = append(places, mnistPlace{"the folder " + s.of.system, openIn(s.of.system, spellings, os.Stat)})
	}
	if s.of.module != "" {
		places = append(places, mnistPlace{"the Go module " + s.of.module, s.openModule()})
	}
	mirrors := s.Mirrors
	if mirrors == nil {
		mirrors = s.of.mirrors
	}
	for _, base := range mirrors {
		places = append(places, mnistPlace{"the mirror " + base, openMirror(base)})
	}
	return places
}

// spellings returns the names under which a file is found in practice.
func spellings(name string) []string {
	return []string{name + ".gz", name, strings.Replace(name, "-idx", ".idx", 1)}
}

// asKept returns the only name that a file has in the cache. A damaged file with another name
// would never be replaced.
func asKept(name string) []string { return []string{name} }

// errMissing says that a place does not have a file. Another fs.ErrNotExist may concern
// something else that is needed.
var errMissing = fmt.Errorf("it is not there: %w", fs.ErrNotExist)

// openIn opens regular files in a folder. look is os.Stat, or os.Lstat if symbolic links are not
// followed.
func openIn(dir string, names func(string) []string, look func(string) (fs.FileInfo, error)) opener {
	return func(ctx context.Context, f mnistFile) (io.ReadCloser, string, error) {
		for _, name := range names(f.name) {
			path := filepath.Join(dir, name)
			// Opening a pipe would wait for a writer.
			info, err := look(path)
			if errors.Is(err, fs.ErrNotExist) {
				continue
			}
			if err == nil && !info.Mode().IsRegular() {
				return nil, "", fmt.Errorf("could not be read: %s is not a regular file", path)
			}
			var file *inputfile.File
			if err == nil {
				file, err = inputfile.Open(ctx, path)
			}
			if err != nil {
				return nil, "", fmt.Errorf("could not be read: %w", err)
			}
			if opened, err := file.Stat(); err != nil || !os.SameFile(opened, info) {
				file.Close()
				return nil, "", fmt.Errorf("could not be read: %s was replaced at this moment; try again", path)
			}
			return file, path, nil
		}
		return nil, "", errMissing
	}
}

// openModule opens files in the module. The first call fetches the module.
func (s MNISTSource) openModule() opener {
	var once sync.Once
	var dir string
	var err error
	return func(ctx context.Context, f mnistFile) (io.ReadCloser, string, error) {
		once.Do(func() { dir, err = s.fetchModule(ctx) })
		if err != nil {
			return nil, "", err
		}
		return openIn(filepath.Join(dir, "data"), spellings, os.Stat)(ctx, f)
	}
}

// fetchModule asks the go command for the folder of the module. The command downloads the module
// unless it has it.
func (s MNISTSource) fetchModule(ctx context.Context) (string, error) {
	name := s.Go
	if name == "" {
		name = "go"
	}
	command, err := exec.LookPath(name)
	if err != nil {
		return "", fmt.Errorf("needs the go command: %w", err)
	}

	// The module gets a main module of its own, so that no other go.mod, go.work, vendor
	// folder or GOFLAGS has an effect.
	dir, remove, err := atomicfile.Folder("chainrule-mnist-")
	if err != nil {
		return "", fmt.Errorf("could not be fetched: no temporary folder can be made in %s: %w; let TMPDIR (on Windows TMP) name a folder that exists and may be written in", os.TempDir(), err)
	}
	defer remove()
	for file, content := range map[string]string{"go.mod": "module data\n", "go.sum": s.of.sum} {
		if err := os.WriteFile(filepath.Join(dir, file), []byte(content), 0o644); err != nil {
			return "", fmt.Errorf("could not be fetched: %w", err)
		}
	}
	ctx, cancel := context.WithTimeoutCause(ctx, goTimeout, fmt.Errorf("the go command took longer than %v", goTimeout))
	defer cancel()
	cmd := exec.CommandContext(ctx, command, "mod", "download", "-json", s.of.module)
	cmd.Dir = dir
	cmd.Env = append(cmd.Environ(), "GO111MODULE=on", "GOWORK=off", "GOFLAGS=-mod=mod")
	cmd.WaitDelay = time.Second // processes that the go command started may keep its output open
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	runErr := cmd.Run()
	if ctx.Err() != nil {
		return "", fmt.Errorf("could not be fetched: %w", context.Cause(ctx))
	}
	var module struct{ Dir, Error string }
	jsonErr := json.Unmarshal(stdout.Bytes(), &module)
	switch {
	case module.Error != "":
		return "", fmt.Errorf("could not be fetched: %s", strings.ReplaceAll(strings.TrimSpace(module.Error), "\n", " "))
	case runErr != nil:
		return "", fmt.Errorf("could not be fetched: %s mod download: %w: %s", command, runErr, essence(stderr.String()))
	case jsonErr != nil || module.Dir == "":
		return "", fmt.Errorf("could not be fetched: %s mod download named no folder", command)
	}
	return module.Dir, nil
}

// essence returns the line of the go command's output that gives the reason.
func essence(stderr string) string {
	for line := range strings.Lines(stderr) {
		line = strings.TrimSpace(line)
		if line != "" && !strings.HasPrefix(line, "go: downloading ") {
			return line
		}
	}
	return "it did not say why"
}

// openMirror downloads files from the folder at a URL.
func openMirror(base string) opener {
	client := &http.Client{Timeout: httpTimeout}
	return func(ctx context.Context, f mnistFile) (io.ReadCloser, string, error) {
		address, err := url.JoinPath(base, f.name+".gz")
		if err != nil {
			return nil, "", fmt.Errorf("has no proper URL: %w", err)
		}
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
		if err != nil {
			return nil, "", fmt.Errorf("has no proper URL: %w", err)
		}
		response, err := client.Do(request)
		if err != nil {
			if inner := (*url.Error)(nil); errors.As(err, &inner) {
				err = inner.Err // without the URL, so that the message is the same for all four files
			}
			return nil, "", fmt.Errorf("could not be reached: %w", err)
		}
		if response.StatusCode != http.StatusOK {
			response.Body.Close()
			return nil, "", fmt.Errorf("answered %s", response.Status)
		}
		return &limited{response.Body, f.size + 1<<16}, address, nil
	}
}

// limited fails after more bytes than the uncompressed file has, with its header. The compressed
// file is much shorter.
type limited struct {
	io.ReadCloser
	left int
}

func (l *limited) Read(p []byte) (int, error) {
	if l.left == 0 {
		return 0, errors.New("more bytes than the file can have")
	}
	n, err := l.ReadCloser.Read(p[:min(len(p), l.left)])
	l.left -= n
	return n, err
}

// A contextReader stops reading when its context is done.
type contextReader struct {
	ctx context.Context
	r   io.Reader
}

func (c *contextReader) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.r.Read(p)
}
