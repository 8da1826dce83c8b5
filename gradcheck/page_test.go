package gradcheck

import (
	"os"
	"strings"
	"testing"
)

// TestPage: docs/GRADCHECK.md has a row for every clause, and no other.
func TestPage(t *testing.T) {
	page, err := os.ReadFile("../docs/GRADCHECK.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(page), "## The clauses")
	table, _, _ = strings.Cut(table, "\n## ")
	rows := map[string]bool{}
	for line := range strings.Lines(table) {
		if name, ok := strings.CutPrefix(line, "| `"); ok {
			name, _, _ = strings.Cut(name, "`")
			rows[name] = true
		}
	}
	for _, c := range Clauses() {
		if !rows[string(c)] {
			t.Errorf("there is no row of %q", c)
		}
		delete(rows, string(c))
	}
	for name := range rows {
		t.Errorf("there is a row of %q, which is no clause", name)
	}
}
