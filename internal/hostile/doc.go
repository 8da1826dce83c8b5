// Package hostile attacks this library and its command from outside, with crafted model
// files, files of every kind, flipped bits and kills. Its tests have a short form, which
// go test runs, and a long one:
//
//	go test ./internal/hostile -campaign -v -timeout 1h
//
// Nothing may crash, hang, take memory out of proportion, or lose a file. What the long
// form found when it was last run stands in docs/LIMITS.md.
package hostile
