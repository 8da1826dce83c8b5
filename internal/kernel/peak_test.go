package kernel

import "testing"

func BenchmarkPeak(b *testing.B) {
	for b.Loop() {
		b.ReportMetric(Peak(), "GFLOP/s")
	}
}

func TestPeak(t *testing.T) {
	if p := Peak(); (tilingOf[float32]() != nil) != (p > 0) {
		t.Errorf("the peak is %v GFLOP/s, with tiles %v", p, tilingOf[float32]() != nil)
	}
}
