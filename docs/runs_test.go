package docs

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/chainrule-go/chainrule/train"
)

// TestRunsDocument: what docs/RUNS.md names is there.
func TestRunsDocument(t *testing.T) {
	document := read(t, "docs/RUNS.md")
	_, prose := blocks(document)
	t.Run("files", func(t *testing.T) {
		program := filepath.Join(t.TempDir(), "chainrule")
		if out, err := exec.Command("go", "build", "-o", program, "../cmd/chainrule").CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		dir := filepath.Join(t.TempDir(), "run")
		cmd := exec.Command(program, "train", "--run", dir, "--data", "../examples/csv/iris.csv", "--label", "species", "--validation", "0.2", "--steps", "3")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		entries, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, e := range entries {
			got = append(got, regexp.MustCompile(`^(events\.out\.tfevents)\..*`).ReplaceAllString(e.Name(), "$1.*"))
		}
		if want := slices.Sorted(slices.Values(column(prose, "file"))); !slices.Equal(got, want) {
			t.Errorf("a run has the files %q, and the document %q", got, want)
		}
		if !slices.Contains(got, train.ConfigFile) {
			t.Errorf("a run has no %s", train.ConfigFile)
		}
		help, err := exec.Command(program, "train", "--help").Output()
		if err != nil {
			t.Fatal(err)
		}
		for _, flag := range regexp.MustCompile(`--[a-z]+[a-z-]*`).FindAllString(document, -1) {
			if !strings.Contains(string(help), flag+" ") {
				t.Errorf("chainrule train has no flag %s", flag)
			}
		}
	})
	t.Run("tests", func(t *testing.T) {
		var tests strings.Builder
		err := filepath.WalkDir("..", func(path string, _ fs.DirEntry, err error) error {
			if err != nil || !strings.HasSuffix(path, "_test.go") {
				return err
			}
			text, err := os.ReadFile(path)
			tests.Write(text)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		named := regexp.MustCompile("`(Test[A-Za-z]+)`").FindAllStringSubmatch(document, -1)
		for _, name := range named {
			if !strings.Contains(tests.String(), "func "+name[1]+"(t *testing.T)") {
				t.Errorf("there is no %s", name[1])
			}
		}
		if len(named) < 15 {
			t.Errorf("%d tests are named, want 15 or more", len(named))
		}
	})
}
