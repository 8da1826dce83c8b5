package main

import (
	"context"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/chainrule-go/chainrule/data"
	"github.com/chainrule-go/chainrule/tensor"
)

func (a *app) dataCommand() *cobra.Command {
	o := &dataOptions{}
	cmd := &cobra.Command{
		Use:   "data FILE|FOLDER",
		Short: "What is in a file or folder of data, and how train would take it",
		Long: `Look at data before training on them: of a table (CSV, TSV, plain or gzip), the columns
with their types, ranges and missing values, over the whole file; of a folder of
pictures, the classes; of an array (npy, IDX), its shape. The file - is standard input.

A column is taken as numbers if more of its fields are numbers than are texts.`,
		Example: `  chainrule data iris.csv
  chainrule train --data iris.csv --label species`,
		Args: arguments(1, 1, "one file or folder"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.lookAt(cmd.Context(), args[0], o.own)
		},
	}
	o.tableFlags(cmd)
	return cmd
}

// A look is what is in data: one of the three.
type look struct {
	Table  *data.TableSummary  `json:"table,omitempty"`
	Folder *data.FolderSummary `json:"folder,omitempty"`
	Array  *data.ArraySummary  `json:"array,omitempty"`
}

func (a *app) lookAt(ctx context.Context, path string, o data.Options) error {
	if err := o.Check(); err != nil {
		return usageError{err}
	}
	l, err := untilDone(ctx, func() (l look, err error) {
		if isFolder(path) {
			l.Folder, err = data.DescribeFolder(ctx, path)
			return l, err
		}
		f, err := openInput(ctx, path)
		if err != nil {
			return l, err
		}
		defer f.Close()
		l.Table, l.Array, err = data.Describe(f, fileName(path), o)
		return l, err
	})
	switch {
	case err != nil:
		return ofOptions(err)
	case a.json:
		a.printJSON(l)
	case l.Folder != nil:
		a.printFolder(path, l.Folder)
	case l.Array != nil:
		fmt.Fprintf(a.stdout, "%s: an array of %s, of type %s\n", fileName(path), tensor.FormatShape(l.Array.Shape), l.Array.Type)
		fmt.Fprintf(a.stdout, "To train on it: chainrule train --data %s --labels FILE\n", trainPath(path))
	default:
		a.printTable(path, l.Table, o)
	}
	return nil
}

func (a *app) printFolder(path string, f *data.FolderSummary) {
	fmt.Fprintf(a.stdout, "%s: pictures of %d classes\n\n", fileName(path), len(f.Classes))
	w := tabwriter.NewWriter(a.stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "class\tpictures\tsize of the first")
	for _, c := range f.Classes {
		fmt.Fprintf(w, "%s\t%d\t%d x %d\n", shortened(c.Name), c.Pictures, c.Width, c.Height)
	}
	w.Flush()
	var counts []int
	for _, c := range f.Classes {
		counts = append(counts, c.Pictures)
	}
	fmt.Fprintf(a.stdout, "\nTo train on them: chainrule train --data %s%s\n", shellQuoted(path), folderFlags(f, counts))
	for _, part := range []struct{ folder, of string }{{f.Validation, "validate"}, {f.Test, "test"}} {
		if part.folder != "" {
			fmt.Fprintf(a.stdout, "The pictures in %s are those to %s with.\n", fileName(part.folder), part.of)
		}
	}
	if skewed(counts) {
		fmt.Fprintln(a.stdout, skewAdvice)
	}
}

// folderFlags are what train needs for a folder: pictures of one size and kind, and one or more
// to test with.
func folderFlags(f *data.FolderSummary, counts []int) (flags string) {
	all := 0
	for _, n := range counts {
		all += n
	}
	if !f.OneSize {
		flags += " --size 32x32"
	}
	if 0 < f.Colored && f.Colored < all {
		flags += " --channels 3"
	}
	if f.Test == "" && math.Round(testShare*float64(slices.Max(counts))) < 1 {
		flags += " --test FOLDER"
	}
	return flags
}

// separatorNames are what separators are called.
var separatorNames = map[string]string{",": "commas", "\t": "tabs", ";": "semicolons", "|": "vertical bars"}

func (a *app) printTable(path string, t *data.TableSummary, o data.Options) {
	header := "the first line names the columns"
	if !t.Header {
		header = "no line names the columns"
	}
	fmt.Fprintf(a.stdout, "%s: %d records of %d columns, with %s between them; %s\n\n", fileName(path), t.Rows, len(t.Columns), separatorNames[t.Separator], header)
	w := tabwriter.NewWriter(a.stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "\tcolumn\ttaken as\tmissing\tvalues")
	for i := range t.Columns {
		c := &t.Columns[i]
		missing := "0"
		if c.Missing > 0 {
			missing = fmt.Sprintf("%d, from line %d", c.Missing, c.MissingLine)
		}
		kind, values := "numbers", fmt.Sprintf("%.5g to %.5g, mean %.5g, standard deviation %.5g", c.Min, c.Max, c.Mean, c.Std)
		if !c.Numeric() {
			kind, values = "categories", commonValues(c)
		} else if c.Texts > 0 {
			values += fmt.Sprintf("; %d texts, from line %d", c.Texts, c.TextLine)
		}
		fmt.Fprintf(w, "%d\t%s\t%s\t%s\t%s\n", i+1, shortened(c.Name), kind, missing, values)
	}
	w.Flush()
	fmt.Fprintln(a.stdout)
	for _, advice := range tableAdvice(path, t, o) {
		fmt.Fprintln(a.stdout, advice)
	}
}

// commonValues lists the most frequent values of a column.
func commonValues(c *data.ColumnSummary) string {
	const shown = 5
	if c.Values == nil {
		return "more than 1000 different ones"
	}
	common := c.Common()
	var parts []string
	for _, v := range common[:min(shown, len(common))] {
		parts = append(parts, fmt.Sprintf("%s (%d)", shortened(v), c.Values[v]))
	}
	text := fmt.Sprintf("%d: %s", len(common), strings.Join(parts, ", "))
	if len(common) > shown {
		text += " ..."
	}
	return text
}

// tableAdvice says what train would need for a table.
func tableAdvice(path string, t *data.TableSummary, o data.Options) (lines []string) {
	last := &t.Columns[len(t.Columns)-1]
	command := "chainrule train --data " + trainPath(path)
	if o.Header != "" {
		command += " --header " + o.Header
	}
	for _, m := range o.Missing {
		command += " --missing " + shellQuoted(m)
	}
	how := " --label "
	// Train refuses numbers with decimals as classes if they seldom occur twice.
	n := len(last.Values)
	many := last.Values == nil || n > 20 || n > 10 && 2*n > t.Rows && !last.Integers
	if many && (last.Numeric() || last.CommaNumbers()) {
		how = " --target "
	}
	for i := range t.Columns {
		c := &t.Columns[i]
		switch {
		case c == last && c.Missing > 0:
			lines = append(lines, fmt.Sprintf("column %d, line %d: a missing value stops train if it is to be predicted; leave the line out", i+1, c.MissingLine))
		case c == last && how == " --label " && (c.Numeric() || c.CommaNumbers()): // they are classes
		case c.CommaNumbers():
			lines = append(lines, fmt.Sprintf("column %d, line %d: numbers with commas stop train; write them with a point before the decimals, and without commas", i+1, c.TextLine))
		case c.Numbering() && c != last:
			lines = append(lines, fmt.Sprintf("column %d has another integer in every record: if it numbers them, leave it out with --ignore %s", i+1, shellQuoted(c.Name)))
		case c.Numeric() && c.Texts > 0:
			lines = append(lines, fmt.Sprintf("column %d, line %d: a text among numbers stops train; name it with --missing if it stands for a missing value, else give --categorical or --ignore %s", i+1, c.TextLine, shellQuoted(c.Name)))
		case !c.Numeric() && c.Values == nil, !c.Numeric() && ownTexts(len(c.Values), t.Rows):
			lines = append(lines, ownTextsAdvice(i+1, c.Name))
		case c.Missing > 0:
			lines = append(lines, fmt.Sprintf("column %d, line %d: a missing value stops train; have it filled with --fill %s", i+1, c.MissingLine, shellQuoted(c.Name+"=median")))
		}
	}
	lines = append(lines, "To predict the last column: "+command+how+shellQuoted(last.Name),
		"(--label COLUMN predicts classes, --target COLUMN numbers)")
	if how == " --label " && skewed(slices.Collect(maps.Values(last.Values))) {
		lines = append(lines, skewAdvice)
	}
	return lines
}

// ownTexts reports whether a column has another text in nearly every record.
func ownTexts(texts, records int) bool { return records > 20 && 10*texts >= 9*records }

func ownTextsAdvice(column any, name string) string {
	return fmt.Sprintf("column %v has another text in nearly every record: leave it out with --ignore %s", column, shellQuoted(name))
}

// skewAdvice is for classes that are skewed.
const skewAdvice = "Its classes are skewed: with --class-weights balanced the rare ones count as much as the frequent ones"

// trainPath is what to give to --data for a file that was looked at. Train does not read
// standard input.
func trainPath(path string) string {
	if path == standardInput {
		return "FILE"
	}
	return shellQuoted(path)
}

// shellQuoted is a word as it is written in a shell.
func shellQuoted(word string) string {
	plain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-_./=:,+%", r)
	}
	if word != "" && strings.IndexFunc(word, func(r rune) bool { return !plain(r) }) < 0 {
		return word
	}
	return "'" + strings.ReplaceAll(quoted(word), "'", `'\''`) + "'"
}
