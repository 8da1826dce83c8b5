// Package spelling suggests which name was meant by one that is not known.
package spelling

import "strings"

// Suggest returns "; did you mean NAME?" with the names that are nearest to the typed one
// or begin with it. It returns "" if no name is near, or more than three are. Case does not
// matter.
func Suggest(typed string, names []string) string {
	const longest = 40
	if typed == "" || len(typed) > longest {
		return ""
	}
	// A few changes can turn a short name into any other.
	nearest := min(2, (len(typed)-1)/2)
	var near []string
	for _, name := range names {
		typed, lower := strings.ToLower(typed), strings.ToLower(name)
		d := distance(typed, lower)
		if strings.HasPrefix(lower, typed) {
			d = min(d, nearest)
		}
		switch {
		case typed == lower:
			return "; did you mean " + name + "?"
		case d < nearest:
			nearest, near = d, []string{name}
		case d == nearest:
			near = append(near, name)
		}
	}
	if len(near) == 0 || len(near) > 3 {
		return ""
	}
	return "; did you mean " + strings.Join(near, " or ") + "?"
}

// distance is the number of letters to insert, delete or replace to turn a into b
// (Levenshtein, Soviet Physics Doklady 10, 1966).
func distance(a, b string) int {
	row := make([]int, len(b)+1) // of the table: distances of a[:i] and all b[:j]
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			replaced := diagonal
			if a[i] != b[j] {
				replaced++
			}
			diagonal = row[j+1]
			row[j+1] = min(replaced, row[j]+1, diagonal+1)
		}
	}
	return row[len(b)]
}
