package gradcheck

import "testing"

// Test checks a layer by [Layer] in a test of your own:
//
//	func TestScale(t *testing.T) {
//		gradcheck.Test(t, gradcheck.Case{Name: "Scale", New: newScale, Sample: []int{5, 3}})
//	}
func Test(t testing.TB, c Case) {
	t.Helper()
	for _, f := range Layer(c).Failures() {
		t.Errorf("%s: %s", c.Name, f)
	}
}
