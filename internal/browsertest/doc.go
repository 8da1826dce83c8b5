// Package browsertest tests the pages of packages draw and report in Chromium. It is a module
// of its own, so that users of the library do not depend on what drives a browser.
//
//	go -C internal/browsertest test ./...
package browsertest
