package data

import (
	"fmt"
	"io"
	"slices"
)

// preparedSlots returns what is read from each column of a table that is read with an existing
// Preparation: the inputs first, then the columns to predict if all of them are there.
func (f *tableFile) preparedSlots(p *Preparation) (slots []slot, labelled bool, err error) {
	find := func(c *Column, as use) (slot, bool) {
		s := slot{column: slices.Index(f.names, c.Name), use: as, numeric: len(c.Categories) == 0, texts: c.Categories, codes: codes(c.Categories)}
		if c.Fill != nil {
			s.missing = filled
			s.instead, err = s.parse([]byte(*c.Fill), nil)
		}
		return s, s.column >= 0
	}
	// Without column names, a file without the columns to predict has only the inputs.
	alone := !f.header && !p.Header && len(f.names) == len(p.Columns)
	if p.Fields > 0 && len(f.names) != p.Fields && !alone {
		return nil, false, &TableError{Name: f.records.name, Err: fmt.Errorf("want %d fields in a record, as in the table that was trained on, or the %d inputs alone, got %d; without a header the columns are known by their place", p.Fields, len(p.Columns), len(f.names))}
	}
	for i := range p.Columns {
		s, ok := find(&p.Columns[i], inputColumn)
		if alone {
			s.column, ok = i, true
		}
		if !ok || err != nil {
			return nil, false, &TableError{Name: f.records.name, Err: fmt.Errorf("there is no column %q, which the model takes; its columns are %s", p.Columns[i].Name, list(f.names))}
		}
		slots = append(slots, s)
	}
	targets := p.Targets
	as := targetColumn
	if p.Label != "" {
		targets, as = []Column{{Name: p.Label, Categories: p.Classes}}, labelColumn
	}
	labelled = len(targets) > 0 && !alone
	inputs := len(slots)
	for i := range targets {
		s, ok := find(&targets[i], as)
		labelled = labelled && ok
		slots = append(slots, s)
	}
	if !labelled {
		slots = slots[:inputs]
	}
	return slots, labelled, nil
}

// readPrepared reads a table with an existing Preparation.
func readPrepared(r io.Reader, name string, p *Preparation) (t *table, labelled bool, err error) {
	header := "no"
	if p.Header {
		header = "yes"
	}
	f, err := openTable(r, name, header, p.Missing)
	if err != nil {
		return nil, false, err
	}
	slots, labelled, err := f.preparedSlots(p)
	if err != nil {
		return nil, false, err
	}
	if t, err = f.read(slots, p.Missing); err != nil {
		return nil, false, err
	}
	err = t.fits(p)
	return t, labelled, err
}
