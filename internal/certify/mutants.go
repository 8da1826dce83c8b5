package gradcheck

import "slices"

// A Mutant is a wrong layer, and what the check made of it.
type Mutant struct {
	Fault string
	Report
}

// Caught reports whether anything noticed.
func (m Mutant) Caught() bool { return m.Err() != nil }

// Mutants plants every fault into every layer of the table that can have it, and
// checks what comes of it.
func Mutants() (all []Mutant) {
	for _, c := range Layers() {
		for _, f := range Faults() {
			if planted, ok := Plant(f, c); ok {
				all = append(all, Mutant{f.Name, Layer(planted)})
			}
		}
	}
	return all
}

// A Tally says of a kind of fault how often it was planted, and who noticed: what
// each witness would have missed alone.
type Tally struct {
	Fault         string
	Tried, Caught int
	By            [3]int // by Witness
	Promises      int    // broken promises were noticed, such as arguments modified
}

// Tallies counts mutants by the kind of fault, in the order of [Faults].
func Tallies(mutants []Mutant) (all []Tally) {
	for _, f := range Faults() {
		t := Tally{Fault: f.Name}
		for _, m := range mutants {
			if m.Fault != f.Name {
				continue
			}
			t.Tried++
			if m.Caught() {
				t.Caught++
			}
			for w := range t.By {
				if m.Contradicts(Witness(w)) {
					t.By[w]++
				}
			}
			if len(m.Failures) > 0 {
				t.Promises++
			}
		}
		if t.Tried > 0 {
			all = append(all, t)
		}
	}
	return slices.Clip(all)
}
