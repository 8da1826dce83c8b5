// Package docs tests what the documents say against the code.
package docs

import (
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/chainrule-go/chainrule/graph"
	"github.com/chainrule-go/chainrule/nn"
	"github.com/chainrule-go/chainrule/optim"
)

var readmes = []string{"README.md", "README.ko.md"}

func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// A block is a piece of code in a document: fenced, or indented by four spaces.
type block struct {
	language string // of a fence
	text     string
}

// blocks returns the code of a document, and its other lines.
func blocks(document string) (code []block, prose []string) {
	fence := false
	indented := false
	for line := range strings.Lines(document) {
		last := len(code) - 1
		language, isFence := strings.CutPrefix(line, "```")
		text, isIndented := strings.CutPrefix(line, "    ")
		switch {
		case isFence && !fence:
			code = append(code, block{language: strings.TrimSpace(language)})
			fence = true
		case isFence:
			fence = false
		case fence:
			code[last].text += line
		case isIndented && indented:
			code[last].text += text
		case isIndented:
			code = append(code, block{text: text})
		default:
			prose = append(prose, strings.TrimSuffix(line, "\n"))
		}
		indented = isIndented && !fence
	}
	return code, prose
}

// column returns the first column of the table whose header begins with the cell.
func column(prose []string, header string) (cells []string) {
	start := slices.IndexFunc(prose, func(line string) bool { return strings.HasPrefix(line, "| "+header+" |") })
	if start < 0 {
		return nil
	}
	for _, line := range prose[start+2:] {
		if !strings.HasPrefix(line, "| ") {
			break
		}
		cell, _, _ := strings.Cut(line[2:], " |")
		cells = append(cells, strings.Trim(cell, "`"))
	}
	return cells
}

// TestTwoREADMEs: both have the same sections, code, rows of tables, commands and links.
func TestTwoREADMEs(t *testing.T) {
	code, prose := blocks(read(t, readmes[0]))
	codeKo, proseKo := blocks(read(t, readmes[1]))

	t.Run("code", func(t *testing.T) {
		for i := range max(len(code), len(codeKo)) {
			if i >= len(code) || i >= len(codeKo) || code[i] != codeKo[i] {
				t.Fatalf("block %d of %d differs from that of %d in %s", i+1, len(code), len(codeKo), readmes[1])
			}
		}
	})
	for _, c := range []struct {
		name    string
		pattern string
	}{
		{"sections", "^#+ "},
		{"tables", `^\| ?`},
		{"lists", "^- "},
		{"rows of what is named in code", "^\\| `[^`]*` "},
		{"rows of what is linked", `^\| \[[^]]*\]\([^)]*\) `},
		{"rows of workloads", `^\| W[0-9][^|]*`},
	} {
		t.Run(c.name, func(t *testing.T) {
			pattern := regexp.MustCompile(c.pattern)
			var found, foundKo []string
			for _, line := range prose {
				found = append(found, pattern.FindAllString(line, 1)...)
			}
			for _, line := range proseKo {
				foundKo = append(foundKo, pattern.FindAllString(line, 1)...)
			}
			if !slices.Equal(found, foundKo) {
				t.Errorf("%s has\n%q,\n%s has\n%q", readmes[0], found, readmes[1], foundKo)
			}
			if len(found) == 0 {
				t.Error("none was found")
			}
		})
	}
	t.Run("code in the text", func(t *testing.T) {
		pattern := regexp.MustCompile("`[^`]+`")
		found := pattern.FindAllString(strings.Join(prose, " "), -1)
		foundKo := pattern.FindAllString(strings.Join(proseKo, " "), -1)
		slices.Sort(found) // languages order the parts of a sentence otherwise
		slices.Sort(foundKo)
		found, foundKo = slices.Compact(found), slices.Compact(foundKo)
		if !slices.Equal(found, foundKo) {
			t.Errorf("%s has\n%q,\n%s has\n%q", readmes[0], found, readmes[1], foundKo)
		}
	})
}

// TestProgramsInREADME: Go code in the READMEs is part of a program in examples, which a
// test there runs.
func TestProgramsInREADME(t *testing.T) {
	var programs []string
	err := filepath.WalkDir("../examples", func(path string, _ fs.DirEntry, err error) error {
		if err != nil || filepath.Ext(path) != ".go" || strings.HasSuffix(path, "_test.go") {
			return err
		}
		text, err := os.ReadFile(path)
		programs = append(programs, unindented(string(text)))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range readmes {
		found := 0
		code, _ := blocks(read(t, name))
		for _, b := range code {
			if b.language != "go" {
				continue
			}
			found++
			if !slices.ContainsFunc(programs, func(p string) bool { return strings.Contains(p, unindented(b.text)) }) {
				t.Errorf("%s: no program in examples has this:\n%s", name, b.text)
			}
		}
		if found < 7 {
			t.Errorf("%s has %d pieces of Go code, want 7 or more", name, found)
		}
	}
}

// unindented removes the indentation, which is less in a document.
func unindented(code string) string {
	return regexp.MustCompile(`(?m)^\t+`).ReplaceAllString(code, "")
}

// TestTablesInREADME: the layers, losses, optimizers and examples are those of the code.
func TestTablesInREADME(t *testing.T) {
	var layers []string
	for _, kind := range nn.Kinds() {
		layers = append(layers, "nn."+kind)
	}
	var programs []string
	folders, err := os.ReadDir("../examples")
	if err != nil {
		t.Fatal(err)
	}
	for _, folder := range folders {
		name := "examples/" + folder.Name()
		programs = append(programs, "["+name+"]("+name+"/main.go)")
	}
	for _, c := range []struct {
		name    string
		headers [2]string
		want    []string
	}{
		{"layers", [2]string{"layer", "계층"}, layers},
		{"losses", [2]string{"loss", "손실 함수"}, losses(t)},
		{"optimizers", [2]string{"optimizer", "최적화 기법"}, optim.Names()},
		{"examples", [2]string{"program", "프로그램"}, programs},
	} {
		t.Run(c.name, func(t *testing.T) {
			want := slices.Sorted(slices.Values(c.want))
			for i, name := range readmes {
				_, prose := blocks(read(t, name))
				if got := slices.Sorted(slices.Values(column(prose, c.headers[i]))); !slices.Equal(got, want) {
					t.Errorf("the table of %s has %q, want %q", name, got, want)
				}
			}
		})
	}
}

// losses returns the types of package nn that have the methods of a Loss: a Forward of a
// Pass, outputs and targets.
func losses(t *testing.T) (names []string) {
	files, err := filepath.Glob("../nn/*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range file.Decls {
			f, ok := d.(*ast.FuncDecl)
			if !ok || f.Recv == nil || f.Name.Name != "Forward" || f.Type.Params.NumFields() != 3 {
				continue
			}
			receiver := f.Recv.List[0].Type.(*ast.StarExpr).X.(*ast.IndexExpr).X.(*ast.Ident)
			names = append(names, "nn."+receiver.Name)
		}
	}
	return names
}

// tables returns the tables of a document: the lines of each, its header first.
func tables(prose []string) (found [][]string) {
	inTable := false
	for _, line := range prose {
		isRow := strings.HasPrefix(line, "|")
		switch {
		case isRow && inTable:
			found[len(found)-1] = append(found[len(found)-1], line)
		case isRow:
			found = append(found, []string{line})
		}
		inTable = isRow
	}
	return found
}

// TestCertificateInREADME: rows that are copied from the certificate are in the table that
// has the same header there.
func TestCertificateInREADME(t *testing.T) {
	_, prose := blocks(read(t, "docs/CERTIFICATE.md"))
	certificate := tables(prose)
	for _, name := range readmes {
		copied := 0
		_, prose := blocks(read(t, name))
		for _, table := range tables(prose) {
			if !regexp.MustCompile(`^\| (gradient of|fault) `).MatchString(table[0]) {
				continue
			}
			i := slices.IndexFunc(certificate, func(other []string) bool { return other[0] == table[0] })
			if i < 0 {
				t.Errorf("%s: docs/CERTIFICATE.md has no table with the header %s", name, table[0])
				continue
			}
			for _, line := range table {
				copied++
				if !slices.Contains(certificate[i], line) {
					t.Errorf("%s: the table of docs/CERTIFICATE.md lacks the row %s", name, line)
				}
			}
		}
		if copied != 6+8 {
			t.Errorf("%s has %d rows of the certificate, want 14", name, copied)
		}
	}
}

// TestCells: every row of a table has as many cells as its header.
func TestCells(t *testing.T) {
	files, err := filepath.Glob("*.md")
	if err != nil {
		t.Fatal(err)
	}
	names := append(slices.Clone(readmes), "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md")
	for _, file := range files {
		names = append(names, "docs/"+file)
	}
	cells := func(line string) int { return strings.Count(strings.ReplaceAll(line, `\|`, ""), "|") - 1 }
	found := 0
	for _, name := range names {
		_, prose := blocks(read(t, name))
		for _, table := range tables(prose) {
			found++
			for _, line := range table {
				if cells(line) != cells(table[0]) {
					t.Errorf("%s: want %d cells, got %d: %s", name, cells(table[0]), cells(line), line)
				}
			}
		}
	}
	if found < 30 {
		t.Errorf("found %d tables, want 30 or more", found)
	}
}

// TestModulesInREADME: the READMEs name the modules that go into the program whose size
// they state.
func TestModulesInREADME(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", "-f", "{{with .Module}}{{if not .Main}}{{.Path}}{{end}}{{end}}", "../examples/mnist").Output()
	if err != nil {
		t.Fatal(err)
	}
	modules := slices.Compact(slices.Sorted(slices.Values(strings.Fields(string(out)))))
	for _, name := range readmes {
		_, prose := blocks(read(t, name))
		row := regexp.MustCompile(`(?m)^\|[^|]*\|([^|]*)\|[^|]*\|[^|]*go build ./examples/mnist.*$`).FindStringSubmatch(strings.Join(prose, "\n"))
		if row == nil {
			t.Fatalf("%s has no row with go build ./examples/mnist", name)
		}
		var named []string
		for _, code := range regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(row[1], -1) {
			named = append(named, code[1])
		}
		if slices.Sort(named); !slices.Equal(named, modules) {
			t.Errorf("%s names the modules %q, and the program needs %q", name, named, modules)
		}
	}
}

// TestLinks: the files and sections that the documents link to exist.
func TestLinks(t *testing.T) {
	for _, name := range append(readmes, "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md", "docs/FORMAT.md", "docs/RUNS.md") {
		_, prose := blocks(read(t, name))
		text := regexp.MustCompile("`[^`]*`").ReplaceAllString(strings.Join(prose, "\n"), "")
		for _, link := range regexp.MustCompile(`\]\(([^)]+)\)`).FindAllStringSubmatch(text, -1) {
			target := link[1]
			if strings.Contains(target, "://") {
				continue
			}
			if section, ok := strings.CutPrefix(target, "#"); ok {
				is := func(line string) bool {
					title, ok := strings.CutPrefix(line, "## ")
					return ok && strings.ReplaceAll(strings.ToLower(title), " ", "-") == section
				}
				if !slices.ContainsFunc(prose, is) {
					t.Errorf("%s links to its section %s, which is not there", name, section)
				}
				continue
			}
			if _, err := os.Stat(filepath.Join("..", filepath.Dir(name), target)); err != nil {
				t.Errorf("%s links to %s: %v", name, target, err)
			}
		}
	}
}

// TestCommandsInREADME: every command of the program is in the table and the other way
// round, and the flags that the READMEs name are flags of the command.
func TestCommandsInREADME(t *testing.T) {
	program := filepath.Join(t.TempDir(), "chainrule")
	if out, err := exec.Command("go", "build", "-o", program, "../cmd/chainrule").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	help := func(args ...string) string {
		out, err := exec.Command(program, append(args, "--help")...).Output()
		if err != nil {
			t.Fatal(err)
		}
		return string(out)
	}
	var commands []string
	_, list, _ := strings.Cut(help(), "Available Commands:\n")
	for line := range strings.Lines(list) {
		fields := strings.Fields(line)
		if len(fields) == 0 {
			break
		}
		if fields[0] != "help" {
			commands = append(commands, fields[0])
		}
	}
	flags := regexp.MustCompile(`--[a-z]+`)

	for i, name := range readmes {
		document := read(t, name)
		_, prose := blocks(document)
		var listed []string
		for _, cell := range column(prose, []string{"command", "명령"}[i]) {
			listed = append(listed, strings.Fields(cell)[1])
		}
		if got := slices.Sorted(slices.Values(listed)); !slices.Equal(got, slices.Sorted(slices.Values(commands))) {
			t.Errorf("the table of %s has the commands %q, and the program %q", name, got, commands)
		}
		// Flags stand in the row of their command, or behind it on a command line.
		for line := range strings.Lines(document) {
			command := regexp.MustCompile("(?:^\\| `chainrule|cmd/chainrule) ([a-z]+)").FindStringSubmatch(line)
			if command == nil || !slices.Contains(commands, command[1]) {
				continue
			}
			known := flags.FindAllString(help(command[1]), -1)
			for _, flag := range flags.FindAllString(line, -1) {
				if !slices.Contains(known, flag) {
					t.Errorf("%s: chainrule %s has no flag %s", name, command[1], flag)
				}
			}
		}
	}
}

// TestPackagesInREADME: the READMEs link to every package that another module can import.
func TestPackagesInREADME(t *testing.T) {
	out, err := exec.Command("go", "list", "-f", "{{if ne .Name \"main\"}}{{.ImportPath}}{{end}}", "../...").Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range readmes {
		_, section, _ := strings.Cut(read(t, name), "\n## "+map[string]string{"README.md": "Packages", "README.ko.md": "패키지"}[name]+"\n")
		section, _, _ = strings.Cut(section, "\n## ")
		found := 0
		for path := range strings.FieldsSeq(string(out)) {
			path = strings.TrimPrefix(path, "github.com/chainrule-go/chainrule/")
			if strings.HasPrefix(path, "internal/") || strings.HasPrefix(path, "examples/") || path == "docs" {
				continue
			}
			found++
			if !strings.Contains(section, "["+path+"]("+path+")") {
				t.Errorf("%s: the section of packages lacks %s", name, path)
			}
		}
		if found < 10 {
			t.Errorf("found %d packages, want 10 or more", found)
		}
	}
}

// TestOperations: the documents that list the elementary operations list all of them, in the
// order of their rules.
func TestOperations(t *testing.T) {
	var names []string
	for _, rule := range graph.Rules() {
		names = append(names, rule.Op)
	}
	want := "(" + strings.Join(names, " ")
	for _, name := range []string{"CHANGELOG.md", "docs/CERTIFICATE.md"} {
		if text := strings.Join(strings.Fields(read(t, name)), " "); !strings.Contains(text, want) {
			t.Errorf("%s lacks the list %s)", name, want)
		}
	}
}

// TestImportsInCONTRIBUTING: the order of imports has every package, and each imports only
// packages of earlier lines.
func TestImportsInCONTRIBUTING(t *testing.T) {
	const module = "github.com/chainrule-go/chainrule/"
	_, list, _ := strings.Cut(read(t, "CONTRIBUTING.md"), "Imports go one way:")
	list, _, _ = strings.Cut(list, "`graph` and `nn` do not import")
	level := map[string]int{}
	for i, item := range regexp.MustCompile(`\n\d\. `).Split(list, -1) {
		for _, name := range regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(item, -1) {
			level[name[1]] = i
		}
	}
	out, err := exec.Command("go", "list", "-f", `{{.ImportPath}} {{join .Imports " "}}`, "../...").Output()
	if err != nil {
		t.Fatal(err)
	}
	of := func(path string) int {
		path = strings.TrimPrefix(path, module)
		if strings.HasPrefix(path, "examples/") {
			path = "examples"
		}
		if level[path] == 0 {
			t.Errorf("the order of imports lacks %s", path)
		}
		return level[path]
	}
	for line := range strings.Lines(string(out)) {
		paths := strings.Fields(line)
		if paths[0] == module+"docs" {
			continue // this test
		}
		own := of(paths[0])
		for _, path := range paths[1:] {
			if strings.HasPrefix(path, module) && of(path) >= own {
				t.Errorf("%s imports %s, which is not before it", paths[0], path)
			}
		}
	}
}

// TestPackagesInCONTRIBUTING: the table has all packages, each with the first sentence of
// its documentation.
func TestPackagesInCONTRIBUTING(t *testing.T) {
	out, err := exec.Command("go", "list", "-json=ImportPath,Name,Doc", "../...").Output()
	if err != nil {
		t.Fatal(err)
	}
	var want string
	for d := json.NewDecoder(strings.NewReader(string(out))); d.More(); {
		var p struct{ ImportPath, Name, Doc string }
		if err := d.Decode(&p); err != nil {
			t.Fatal(err)
		}
		path := strings.TrimPrefix(p.ImportPath, "github.com/chainrule-go/chainrule/")
		if path == "docs" {
			continue // this test
		}
		kind := "Package " + p.Name + " "
		if p.Name == "main" {
			kind = "Command " + filepath.Base(path) + " "
		}
		doc, ok := strings.CutPrefix(p.Doc, kind)
		if !ok {
			t.Errorf("the documentation of %s begins with %q, want %q", path, p.Doc, kind)
		}
		want += "| [" + path + "](" + path + ") | " + doc + " |\n"
	}
	if !strings.Contains(read(t, "CONTRIBUTING.md"), "| package | it |\n|---|---|\n"+want+"\n") {
		t.Errorf("the table of packages in CONTRIBUTING.md is not that of the code, which is\n%s", want)
	}
}
