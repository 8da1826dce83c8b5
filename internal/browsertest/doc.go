// Package browsertest tests the pages of package draw in Chromium. It is a module
// of its own, so that users of the library do not depend on what drives a browser.
//
//	go -C internal/browsertest test ./...
package browsertest
